"""`ferrotape show`: a run of the history, or one of its trials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run id, a unique beginning of one, or latest.")
    ] = "latest",
    trial: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="A trial: agent/scenario/format/round-N, or a unique end of that."
        ),
    ] = None,
    why: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="RUN_A RUN_B", help="Say in which ingredients two runs differ."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
) -> None:
    """Show a run of the history, one of its trials, or why two runs may differ."""
    from ferrotape.cli.changes import explain
    from ferrotape.cli.render import show_run, show_trial
    from ferrotape.config import load_settings
    from ferrotape.store import Store

    settings = load_settings(store=store)
    with Store.open(settings.store, create=False) as opened:
        if why is not None:
            for line in explain(opened, *why):
                typer.echo(line)
            return
        run_id = opened.resolve(run)
        if trial is None:
            show_run(opened.load(run_id), settings.store)
        else:
            show_trial(opened.trial(run_id, trial))
