"""What reporters and executors are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ferrotape.contracts.plugin import Plugin

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ferrotape.analysis import RunReport
    from ferrotape.model import Trial, TrialResult


@runtime_checkable
class Reporter(Plugin, Protocol):
    """Shows a run."""

    def report(self, report: RunReport, folder: Path, console: Console) -> Sequence[Path]:
        """Writes files below `folder`, or prints to `console`; returns the files written."""
        ...


@runtime_checkable
class Executor(Plugin, Protocol):
    """Carries out trials, in whatever order and place."""

    def execute(
        self, trials: Iterable[Trial], work: Callable[[Trial], TrialResult], jobs: int
    ) -> Iterator[TrialResult]:
        """Yields each result as it comes; `work` never raises an `Exception`.

        On `GeneratorExit` or `KeyboardInterrupt` it starts no further trial and waits for those
        under way.
        """
        ...
