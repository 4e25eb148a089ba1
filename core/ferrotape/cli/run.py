"""`ferrotape run`: replay recorded answers, judge them, store and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this scenario; may be given again.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None, typer.Option(help="Only this prompt format; may be given again.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds; as many as are recorded by default.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(help="An agent of the configuration; may be given again.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Trials at a time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the order of trials.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the reports.")] = None,
    pack: Annotated[str | None, typer.Option(help="A pack's folder or name.")] = None,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Judge anew, and renew the cached verdicts.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every trial, by format and scenario.")
    ] = False,
) -> None:
    """Replay recorded answers offline, judge them with real tools, store and report."""
    from ferrotape.cli.session import carry_out
    from ferrotape.config import load_settings
    from ferrotape.model import Mode
    from ferrotape.selection import Selection

    settings = load_settings(
        config=config, jobs=jobs, seed=seed, reports=output, pack=pack, store=store
    )
    selection = Selection(
        scenarios=tuple(scenario or ()),
        formats=tuple(format or ()),
        agents=tuple(agent or ()),
        rounds=rounds,
    )
    raise typer.Exit(carry_out(settings, selection, Mode.REPLAY, fresh=fresh, verbose=verbose))
