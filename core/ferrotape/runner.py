"""Carries a plan out: stores each trial as it ends, tells the observers, survives Ctrl-C."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from types import FrameType
from typing import Any

from ferrotape.analysis import RunReport, summarise
from ferrotape.asking import Asker
from ferrotape.cassettes import router
from ferrotape.errors import StoreError
from ferrotape.live import LiveCalls
from ferrotape.model import AgentFailureKind, Mode, Run, RunStatus, TrialResult
from ferrotape.pipeline import Pipeline
from ferrotape.provenance import are_kept, digest_of, ingredients_of
from ferrotape.resuming import RECORDED_SINCE, Rest
from ferrotape.running import under_way
from ferrotape.sandbox import Sandbox
from ferrotape.selection import Plan
from ferrotape.session import Sessions
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
    rest: Rest | None = None,
    executor: str = "threads",
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Carries the plan out, stores each trial as it ends, and reports.

    Ctrl-C ends what runs, keeps what was stored, marks the run as interrupted and reports it.

    Args:
        bench: What trials are carried out with.
        plan: The trials.
        store: Where they are kept.
        on_result: Called with each result, once it is stored.
        rest: If the plan is what is left of a run: that run, which then goes on.
        executor: The name of the executor.
        env: Where agents read their secrets from; the process's environment by default.
    """
    live = LiveCalls(bench.settings.live, bench.settings.seed)
    if plan.batched and plan.batched.stopped:
        live.stop(plan.batched.stopped)
    run = _begin(bench, plan, store) if rest is None else rest.run
    with under_way(store.path, run.id):
        if rest is not None:
            run = _resume(bench, plan, store, run)
        warnings = list(bench.host.run_started(run))
        results = list(rest.done) if rest else []
        status = RunStatus.INTERRUPTED
        try:
            with closing(_results(bench, plan, live, executor, env, warnings)) as coming:
                for result in coming:
                    if _is_not_asked(result):
                        continue
                    kept = rest.with_attempts(result) if rest else result
                    if rest:
                        store.forget(run.id, kept.trial)
                    store.add(run.id, kept)
                    results.append(kept)
                    warnings += bench.host.trial_finished(kept)
                    on_result(kept)
            status = RunStatus.STOPPED if live.stopped else RunStatus.FINISHED
        except KeyboardInterrupt:
            pass
        finally:
            run = replace(run, status=status, finished_at=_now())
            if sys.exception() is None:
                store.finish(run)
            else:
                with suppress(StoreError):  # what ended the run says more
                    store.finish(run)
        if status is RunStatus.STOPPED:
            warnings.append(f"the run was stopped early: {live.stopped}")
        warnings += bench.host.run_finished(run)
        return Completed(
            report=summarise(run, bench.pack, results), warnings=tuple(dict.fromkeys(warnings))
        )


def _results(
    bench: Workbench,
    plan: Plan,
    live: LiveCalls,
    executor: str,
    env: Mapping[str, str] | None,
    warnings: list[str],
) -> Generator[TrialResult]:
    """The results of the plan's trials, as they come."""
    settings = bench.settings
    recording = plan.mode is Mode.RECORD and plan.batched is None
    with (
        Sessions() as sessions,
        _interruptible(bench.sandbox, sessions, live),
        router(replaying=not recording, on_refused=warnings.append),
    ):
        asker = Asker(
            plan.agents,
            Mode.RECORD if recording else Mode.REPLAY,
            env=os.environ if env is None else env,
            live=live,
            prices=settings.live.prices.models,
            source_of=bench.host.distribution_of,
            sessions=sessions,
            recorded_since=plan.recorded_since,
            complain=warnings.append,
            failed=plan.batched.failures if plan.batched else None,
        )
        pipeline = Pipeline(
            pack=bench.pack, host=bench.host, judge=bench.judge, asker=asker, jobs=settings.jobs
        )
        # Calls mostly wait, so that more trials than processors may be under way.
        at_once = max(settings.jobs, settings.live.calls) if recording else settings.jobs
        workers = bench.host.executor(executor)
        yield from workers.execute(plan.trials, pipeline.work, at_once)


def _is_not_asked(result: TrialResult) -> bool:
    failure = result.reply.failure
    return failure is not None and failure.kind is AgentFailureKind.NOT_ASKED


def _begin(bench: Workbench, plan: Plan, store: Store) -> Run:
    ingredients = ingredients_of(bench, plan)
    digest = digest_of(ingredients) if plan.mode is Mode.REPLAY else ""
    run = replace(_new_run(bench, plan), digest=digest)
    store.begin(run, ingredients)
    return run


def _resume(bench: Workbench, plan: Plan, store: Store, run: Run) -> Run:
    """The run, without its digest if what is left is made of something else by now."""
    unchanged = are_kept(ingredients_of(bench, plan), store.ingredients(run.id))
    return run if unchanged else replace(run, digest="")


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
    if plan.batched is not None:
        environment |= {"asked by": "batches", RECORDED_SINCE: plan.recorded_since or _stamp(now)}
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
def _interruptible(sandbox: Sandbox, sessions: Sessions, live: LiveCalls) -> Iterator[None]:
    """On Ctrl-C, SIGTERM or SIGHUP first ends what the trials wait for, then interrupts."""

    def interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        live.interrupt()
        sandbox.cancel()
        sessions.cancel()
        raise KeyboardInterrupt

    previous: dict[signal.Signals, Any] = {}
    with suppress(ValueError):  # not the main thread: no signals arrive here
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            previous[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _now() -> str:
    return _stamp(datetime.now(UTC))


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
