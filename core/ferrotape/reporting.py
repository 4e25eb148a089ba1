"""Hands a run's report to every reporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ferrotape.analysis import RunReport
from ferrotape.plugins import Host


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What the reporters did."""

    files: tuple[Path, ...]
    failures: tuple[str, ...]
    """One sentence for each reporter that failed, with its name and distribution."""


def report_run(host: Host, report: RunReport, folder: Path, console: Console) -> Reported:
    """Every reporter gets its turn; one that fails is named and stops no other."""
    files: list[Path] = []
    failures: list[str] = []
    for reporter in host.reporters():
        try:
            files += reporter.report(report, folder, console)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises
            source = host.distribution_of(reporter)
            sentence = (
                f"reporter {reporter.name} of {source} failed: {type(error).__name__}: {error}"
            )
            failures.append(sentence.splitlines()[0])
    return Reported(files=tuple(files), failures=tuple(failures))
