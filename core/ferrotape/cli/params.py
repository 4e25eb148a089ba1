"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Scenarios = Annotated[
    list[str] | None,
    typer.Option("--scenario", metavar="ID", help="Only this scenario; may be given again."),
]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="ID", help="Only this prompt format; may be given again."),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Trials judged at a time.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the order of trials.")]
Output = Annotated[Path | None, typer.Option(help="Folder for the reports.")]
Cassettes = Annotated[Path | None, typer.Option(help="Folder of the cassettes.")]
Pack = Annotated[str | None, typer.Option(help="A pack's folder or name.")]
Store = Annotated[Path | None, typer.Option(help="The SQLite history.")]
Config = Annotated[Path | None, typer.Option(help="A settings file.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every trial, by format and scenario.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Make paid calls without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and its cost; ask nobody.")]
MaxCost = Annotated[
    float | None, typer.Option(min=0, help="Dollars; stops before they are exceeded.")
]
MaxTokens = Annotated[
    int | None, typer.Option(min=0, help="Tokens; stops before they are exceeded.")
]
Calls = Annotated[int | None, typer.Option(min=1, help="The most calls at a time.")]
Batch = Annotated[
    bool,
    typer.Option("--batch", help="Ask by batches: half the price, answers within a day, no times."),
]
