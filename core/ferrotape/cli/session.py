"""What `run` and `record` share: carry a selection out, show it, report it, say how it ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from ferrotape.cli.console import SteadyConsole
from ferrotape.cli.plain import plain
from ferrotape.cli.progress import show_trials
from ferrotape.config import Settings
from ferrotape.errors import ExitCode, UsageError
from ferrotape.forecast import forecast
from ferrotape.model import Mode, RunStatus, Status
from ferrotape.reporting import report_run
from ferrotape.resuming import Rest, plan_rest
from ferrotape.runner import Completed, execute
from ferrotape.selection import Plan, Selection, make_plan
from ferrotape.store import Store
from ferrotape.workbench import Workbench, open_workbench

if TYPE_CHECKING:
    from ferrotape.batch import BatchRecording


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a run is carried out and shown."""

    fresh: bool = False
    verbose: bool = False
    yes: bool = False
    """Make paid calls without asking."""
    dry_run: bool = False
    batch: bool = False
    """Record by batches."""


def carry_out(settings: Settings, selection: Selection, mode: Mode, wanted: Wanted) -> ExitCode:
    """Runs the selection from plan to reports; returns how the command ends."""
    if not wanted.dry_run:
        _prepare(settings)
    with open_workbench(settings, fresh=wanted.fresh) as bench:
        plan = make_plan(bench, selection, mode, dry=wanted.dry_run)
        batch = _batch(bench, plan) if wanted.batch else None
        asked = plan if batch is None else batch.asked
        if wanted.dry_run:
            lines = forecast(bench, asked, batched=wanted.batch).lines()
            _print_lines(Console(emoji=False), lines)
            return ExitCode.OK
        _confirm(bench, asked, wanted)
        with Store.open(settings.store) as store:
            if batch is None:
                return _run(bench, plan, store, wanted)
            return _run_batched(bench, batch, store, wanted)


def go_on(settings: Settings, run: str, wanted: Wanted) -> ExitCode:
    """Resumes a run of the history; returns how the command ends."""
    _prepare(settings)
    with (
        open_workbench(settings, fresh=wanted.fresh) as bench,
        Store.open(settings.store, create=False) as store,
    ):
        run_id = store.resolve(run)
        rest = plan_rest(bench, store.load(run_id), store.ingredients(run_id))
        _confirm(bench, rest.plan, wanted)
        return _run(bench, rest.plan, store, wanted, rest)


def _batch(bench: Workbench, plan: Plan) -> BatchRecording:
    from ferrotape.batch import BatchRecording

    console = SteadyConsole(emoji=False)
    return BatchRecording(bench, plan, say=lambda line: _print_lines(console, [line]))


def _run_batched(bench: Workbench, batch: BatchRecording, store: Store, wanted: Wanted) -> ExitCode:
    """Waits for the batches, then judges what they recorded."""
    try:
        plan = batch.collect()
    except KeyboardInterrupt:
        _warn("batches under way go on; the same command again goes on with them")
        raise
    code = _run(bench, plan, store, wanted)
    if code is not ExitCode.INTERRUPTED:
        batch.settle()
    return code


def _prepare(settings: Settings) -> None:
    """Finds out before any work whether its reports can be written."""
    try:
        settings.reports.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"reports cannot be written to {settings.reports}: {error.strerror}",
            hint="Give another folder with --output.",
        ) from error


def _confirm(bench: Workbench, plan: Plan, wanted: Wanted) -> None:
    """Asks before the first call that may cost money."""
    coming = forecast(bench, plan, batched=wanted.batch)
    if plan.mode is Mode.REPLAY or not coming.paid or wanted.yes:
        return
    _print_lines(Console(stderr=True, emoji=False), coming.lines())
    if not sys.stdin.isatty():
        raise UsageError("these calls may cost money", hint="Say --yes to make them all the same.")
    typer.confirm("Make these calls?", abort=True, err=True)


def _run(
    bench: Workbench, plan: Plan, store: Store, wanted: Wanted, rest: Rest | None = None
) -> ExitCode:
    console = SteadyConsole(emoji=False)
    for lack in plan.unrecorded():
        _warn(lack)
    for name, why in bench.judge.unavailable.items():
        _warn(f"{name} is unavailable: {why}")
    if bench.judge.unavailable:
        console.print("The run is partial: its scores compare with no complete run's.\n")
    with show_trials(console, bench.pack, plan.trials, verbose=wanted.verbose) as on_result:
        completed = execute(bench, plan, store, on_result, rest=rest)
    settings = bench.settings
    outcome = report_run(bench.host, completed.report, settings.reports, console)
    for warning in (*completed.warnings, *outcome.failures):
        _warn(warning)
    run = completed.report.run
    lines = [f"Report: {path}" for path in outcome.files]
    if run.digest:
        lines.append(f"Digest: {run.digest}")
    lines.append(f"History: {settings.store} (ferrotape show {run.id})")
    if plan.batched and run.status is RunStatus.STOPPED:
        lines.append("To go on: the same command again")
    elif run.status in {RunStatus.INTERRUPTED, RunStatus.STOPPED}:
        lines.append(f"To go on: ferrotape run --resume {run.id} (a budget must be given again)")
    _print_lines(console, lines)
    return _exit_code(completed, reported=not outcome.failures)


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)


def _exit_code(completed: Completed, *, reported: bool) -> ExitCode:
    report = completed.report
    if report.run.status is RunStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    broken = report.run.status is RunStatus.STOPPED or any(
        (result.reply.failure is not None and not result.reply.failure.kind.agent_caused)
        or any(verdict.status is Status.ERROR for verdict in result.verdicts)
        for result in report.results
    )
    return ExitCode.FAILED if broken or completed.warnings or not reported else ExitCode.OK


def _warn(message: str) -> None:
    print(f"warning: {plain(message)}", file=sys.stderr)  # noqa: T201 - the command line's voice
