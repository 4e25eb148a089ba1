"""`ferrotape history`: the runs, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def history(
    limit: Annotated[int, typer.Option(min=1, help="How many runs to list.")] = 20,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
) -> None:
    """List the runs of the history, newest first."""
    from ferrotape.cli.render import print_table, summary_table
    from ferrotape.config import load_settings
    from ferrotape.store import Store

    settings = load_settings(store=store)
    with Store.open(settings.store, create=False) as opened:
        summaries = opened.runs(limit)
    if not summaries:
        typer.echo("The history has no runs yet; `ferrotape run` makes one.")
        return
    print_table(summary_table(summaries))
