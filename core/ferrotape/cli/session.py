"""What `run` and `record` share: carry a selection out, show it, report it, say how it ended."""

from __future__ import annotations

import sys

from rich.console import Console

from ferrotape.cli.plain import plain
from ferrotape.cli.progress import show_trials
from ferrotape.config import Settings
from ferrotape.errors import ExitCode
from ferrotape.model import Mode, RunStatus, Status
from ferrotape.reporting import report_run
from ferrotape.runner import Completed, execute
from ferrotape.selection import Selection, make_plan
from ferrotape.store import Store
from ferrotape.workbench import Workbench, open_workbench


def carry_out(
    settings: Settings, selection: Selection, mode: Mode, *, fresh: bool, verbose: bool
) -> ExitCode:
    """Runs the selection from plan to reports; returns how the command ends."""
    console = Console()
    with open_workbench(settings, fresh=fresh) as bench:
        plan = make_plan(bench, selection, mode)
        _announce(bench, console)
        with (
            Store.open(settings.store) as store,
            show_trials(console, bench.pack, plan.trials, verbose=verbose) as on_result,
        ):
            completed = execute(bench, plan, store, on_result)
        outcome = report_run(bench.host, completed.report, settings.reports, console)
    for warning in (*completed.warnings, *outcome.failures):
        _warn(warning)
    for path in outcome.files:
        console.print(f"Report: {path}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"History: {settings.store} (ferrotape show {completed.report.run.id})",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return _exit_code(completed, reported=not outcome.failures)


def _announce(bench: Workbench, console: Console) -> None:
    """Says before the run what it will not be able to check."""
    for name, why in bench.judge.unavailable.items():
        _warn(f"{name} is unavailable: {why}")
    if bench.judge.unavailable:
        console.print("The run is partial: its scores compare with no complete run's.\n")


def _exit_code(completed: Completed, *, reported: bool) -> ExitCode:
    report = completed.report
    if report.run.status is RunStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    broken = any(
        (result.reply.failure is not None and not result.reply.failure.kind.agent_caused)
        or any(verdict.status is Status.ERROR for verdict in result.verdicts)
        for result in report.results
    )
    return ExitCode.FAILED if broken or completed.warnings or not reported else ExitCode.OK


def _warn(message: str) -> None:
    print(f"warning: {plain(message)}", file=sys.stderr)  # noqa: T201 - the command line's voice
