"""`ferrotape --help` and `--version` against a bare typer application of two commands."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Ratio, run

BARE = """
import typer

app = typer.Typer()

@app.command()
def one(number: int = 1) -> None: ...

@app.command()
def two(text: str = "") -> None: ...

app()
"""
ROUNDS = 15


def measure() -> Iterator[Ratio]:
    """Medians of processor time, the three commands in turn."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        ferrotape = str(Path(sys.executable).with_name("ferrotape"))
        commands = {
            "bare": [sys.executable, str(bare), "--help"],
            "--help": [ferrotape, "--help"],
            "--version": [ferrotape, "--version"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                taken[name].append(run(command).cpu_s)
    middle = {name: median(seconds) for name, seconds in taken.items()}
    for name in ("--help", "--version"):
        yield Ratio(
            name=f"ferrotape {name} / a bare typer application's --help",
            value=middle[name] / middle["bare"],
            bound=1.3,
            at_most=True,
            detail=f"{middle[name] * 1000:.0f} / {middle['bare'] * 1000:.0f} ms of CPU",
        )
