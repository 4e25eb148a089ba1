"""`ferrotape calibrate`: does the evaluator score known answers as it should?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    pack: Annotated[Path | None, typer.Option(help="A pack's folder.")] = None,
) -> None:
    """Score answers that are known to be middling, excellent and wrong; fail if it goes astray."""
    from ferrotape.cli.plain import plain
    from ferrotape.config import load_settings
    from ferrotape.errors import ExitCode
    from ferrotape.packs import calibrate as calibrate_pack
    from ferrotape.workbench import open_judge

    astray = False
    loaded, judge = open_judge(load_settings(pack=pack))
    for found in calibrate_pack(loaded, judge):
        score = "none" if found.score is None else f"{found.score:.1f}%"
        typer.echo(plain(f"{found.scenario}, {found.subject}"))
        typer.echo(f"Score: {score}")
        typer.echo(f"Expected: {found.low:g}-{found.high:g}%")
        typer.echo(plain(f"Result: {found.result}\n"))
        astray = astray or not found.ok
    raise typer.Exit(ExitCode.FAILED if astray else ExitCode.OK)
