"""What the end-to-end tests share: the type of their fixture, and how reports are compared."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Ferrotape = Callable[..., subprocess.CompletedProcess[str]]


def report_without_run_facts(folder: Path) -> str:
    """The JSON report up to the block `run`, which holds all that differs between runs."""
    text = (folder / "benchmark-report.json").read_text(encoding="utf-8")
    before, block, _ = text.partition('\n  "run": {')
    assert block, "the report has no block of run facts"
    return before
