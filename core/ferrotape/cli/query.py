"""`ferrotape query`: SQL over the run history."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT.")],
    output: Annotated[
        Literal["table", "csv", "json", "markdown"], typer.Option(help="How to write the answer.")
    ] = "table",
    time_limit: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Give up after this.")
    ] = 10.0,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
) -> None:
    """Ask the run history in SQL, read-only: trial_scores, format_summary, waterfall."""
    from ferrotape.cli.formats import as_csv, as_json, as_markdown
    from ferrotape.cli.plain import plain
    from ferrotape.cli.render import print_table, result_table
    from ferrotape.config import load_settings
    from ferrotape.store import run_query

    settings = load_settings(store=store)
    result = run_query(settings.store, sql, time_limit_s=time_limit)
    if output == "table":
        print_table(result_table(result))
        return
    text = {"csv": as_csv, "json": as_json, "markdown": as_markdown}[output](result)
    if sys.stdout.isatty():
        text = plain(text.replace("\r\n", "\n"))
    typer.echo(text, nl=False)
