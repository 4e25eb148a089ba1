"""Carries a plan out: stores each trial as it ends, tells the observers, survives Ctrl-C."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from types import FrameType

from ferrotape.analysis import RunReport, summarise
from ferrotape.errors import StoreError
from ferrotape.model import Run, RunStatus, TrialResult
from ferrotape.pipeline import Pipeline
from ferrotape.sandbox import Sandbox
from ferrotape.selection import Plan
from ferrotape.store import Store, new_run_id
from ferrotape.workbench import Workbench

OnResult = Callable[[TrialResult], None]


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A run that has ended, with its report and what observers complained of."""

    report: RunReport
    warnings: tuple[str, ...]


def execute(
    bench: Workbench,
    plan: Plan,
    store: Store,
    on_result: OnResult,
    *,
    executor: str = "threads",
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Carries the plan out, stores each trial as it ends, and reports.

    Ctrl-C ends what runs, keeps what was stored, marks the run as interrupted and reports it.
    """
    run = _new_run(bench, plan)
    store.begin(run)
    warnings = list(bench.host.run_started(run))
    pipeline = Pipeline(
        pack=bench.pack,
        host=bench.host,
        judge=bench.judge,
        agents=plan.agents,
        mode=plan.mode,
        env=os.environ if env is None else env,
    )
    results: list[TrialResult] = []

    def finish(status: RunStatus) -> Run:
        ended = replace(run, status=status, finished_at=_now())
        store.finish(ended)
        return ended

    try:
        with _interruptible(bench.sandbox):
            workers = bench.host.executor(executor)
            for result in workers.execute(plan.trials, pipeline.work, bench.settings.jobs):
                store.add(run.id, result)
                results.append(result)
                warnings += bench.host.trial_finished(result)
                on_result(result)
    except KeyboardInterrupt:
        ended = finish(RunStatus.INTERRUPTED)
    except BaseException:
        with suppress(StoreError):  # what ended the run says more
            finish(RunStatus.INTERRUPTED)
        raise
    else:
        ended = finish(RunStatus.FINISHED)
    warnings += bench.host.run_finished(ended)
    return Completed(
        report=summarise(ended, bench.pack, results), warnings=tuple(dict.fromkeys(warnings))
    )


def _new_run(bench: Workbench, plan: Plan) -> Run:
    now = datetime.now(UTC)
    trials, pack, settings = plan.trials, bench.pack, bench.settings
    environment = {
        "ferrotape": version("ferrotape"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "sandbox": bench.sandbox.policy,
        **{f"validator {name}": text for name, text in bench.judge.versions.items()},
        **{f"unavailable {name}": why for name, why in bench.judge.unavailable.items()},
    }
    return Run(
        id=new_run_id(now),
        started_at=_stamp(now),
        mode=plan.mode,
        pack=pack.name,
        pack_version=str(pack.version),
        pack_digest=pack.digest,
        seed=settings.seed,
        jobs=settings.jobs,
        planned=len(trials),
        scenarios=tuple(s.id for s in pack.scenarios if any(t.scenario == s.id for t in trials)),
        formats=tuple(f for f in pack.format_ids if any(t.format == f for t in trials)),
        agents=tuple(plan.agents),
        rounds=plan.rounds,
        environment=environment,
    )


@contextmanager
def _interruptible(sandbox: Sandbox) -> Iterator[None]:
    """On Ctrl-C first ends the processes in the sandbox, or the pool would wait for them."""

    def interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        sandbox.cancel()
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread: no signals arrive here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _now() -> str:
    return _stamp(datetime.now(UTC))


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
