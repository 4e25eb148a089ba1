"""Hands a run's report to every reporter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from ferrotape.analysis import RunReport
from ferrotape.calling import call_plugin
from ferrotape.errors import FerrotapeError
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
        who = f"reporter {reporter.name} of {host.distribution_of(reporter)}"
        try:
            given = call_plugin(who, partial(reporter.report, report, folder, console))
            written = [Path(path) for path in call_plugin(who, partial(tuple, given))]
        except FerrotapeError as error:
            failures.append(f"{who}: {error.message}".splitlines()[0])
        except TypeError:
            failures.append(f"{who} gave something that is no path")
        else:
            files += written
    return Reported(files=tuple(files), failures=tuple(failures))
