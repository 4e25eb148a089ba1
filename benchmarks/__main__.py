"""`python -m benchmarks [NAME ...]`: measures, prints a table, fails if a promise is not kept."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = ("startup", "check_and_lint", "overhead", "cassettes", "replay")


def main(names: list[str]) -> int:
    console = Console()
    table = Table("measured", "value", "bound", "", "detail", box=None)
    kept = True
    for name in names or list(NAMES):
        console.print(f"measuring {name} ...", style="dim")
        for ratio in importlib.import_module(f"benchmarks.{name}").measure():
            kept = kept and ratio.kept
            bound = f"{'at most' if ratio.at_most else 'at least'} {ratio.bound:.3g}"
            mark = "kept" if ratio.kept else "BROKEN"
            table.add_row(ratio.name, f"{ratio.value:.3g}", bound, mark, ratio.detail)
    console.print(table)
    return 0 if kept else 1


sys.exit(main(sys.argv[1:]))
