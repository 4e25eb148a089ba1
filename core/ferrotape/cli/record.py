"""`ferrotape record`: ask an agent for real and keep every call on a cassette."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def record(
    agent: Annotated[list[str], typer.Option(help="An agent of the configuration.")],
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this scenario; may be given again.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None, typer.Option(help="Only this prompt format; may be given again.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds to record.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Trials at a time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the order of trials.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the reports.")] = None,
    cassettes: Annotated[Path | None, typer.Option(help="Folder for the cassettes.")] = None,
    pack: Annotated[str | None, typer.Option(help="A pack's folder or name.")] = None,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every trial, by format and scenario.")
    ] = False,
) -> None:
    """Ask an agent over the network, keep every call on a cassette, then judge and report.

    Recordings of the same trials are replaced. The key comes from the environment, such as
    ANTHROPIC_API_KEY, and is never written anywhere.
    """
    from ferrotape.cli.session import carry_out
    from ferrotape.config import load_settings
    from ferrotape.model import Mode
    from ferrotape.selection import Selection

    settings = load_settings(
        config=config,
        jobs=jobs,
        seed=seed,
        reports=output,
        cassettes=cassettes,
        pack=pack,
        store=store,
    )
    selection = Selection(
        scenarios=tuple(scenario or ()),
        formats=tuple(format or ()),
        agents=tuple(agent),
        rounds=rounds,
    )
    raise typer.Exit(carry_out(settings, selection, Mode.RECORD, fresh=False, verbose=verbose))
