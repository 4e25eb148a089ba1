"""Many trials: what is opened for a run, its plan, its execution, its report."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from types import FrameType

from ferrotape.analysis import RunReport, summarise
from ferrotape.cassettes import recorded_agents, recorded_rounds
from ferrotape.config import Settings
from ferrotape.errors import CassetteMissing, UsageError
from ferrotape.judging import Judge
from ferrotape.model import Mode, Pack, Run, RunStatus, Scenario, Submission, Trial, TrialResult
from ferrotape.options import decode_options
from ferrotape.packs import Judgement, load_pack
from ferrotape.pipeline import BoundAgent, Pipeline
from ferrotape.planning import plan_trials
from ferrotape.plugins import Host, build_host
from ferrotape.sandbox import Sandbox, open_sandbox
from ferrotape.scoring import score_no_code
from ferrotape.store import Store, VerdictCache, new_run_id


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a run covers; empty means all of the pack."""

    scenarios: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    rounds: int | None = None
    """None for as many as are recorded (replay), or one (record)."""


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """What trials are carried out with, opened once for a run."""

    settings: Settings
    pack: Pack
    host: Host
    sandbox: Sandbox
    judge: Judge


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The trials of a run, in order, and where their replies come from."""

    mode: Mode
    trials: tuple[Trial, ...]
    agents: Mapping[str, BoundAgent]
    rounds: int


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A run that has ended, with its report and what observers complained of."""

    report: RunReport
    warnings: tuple[str, ...]


OnResult = Callable[[TrialResult], None]


@contextmanager
def open_workbench(settings: Settings, *, use_cache: bool = True) -> Iterator[Workbench]:
    """Opens pack, plugins, sandbox and verdict cache.

    Raises:
        PackError, PluginError, ConfigError: As the parts say.
    """
    pack = load_pack(settings.pack)
    host = build_host(settings.disable_plugins)
    sandbox = open_sandbox()
    with ExitStack() as stack:
        cache = None
        if use_cache:
            cache = stack.enter_context(VerdictCache.open(settings.verdict_cache))
        judge = Judge(pack, host, sandbox, cache)
        yield Workbench(settings=settings, pack=pack, host=host, sandbox=sandbox, judge=judge)


@contextmanager
def open_judge(settings: Settings) -> Iterator[tuple[Pack, Callable[[Scenario, str], Judgement]]]:
    """The pack and a function that judges code anew at each call; blank code is no answer."""
    with open_workbench(settings, use_cache=False) as bench:

        def judge(scenario: Scenario, code: str) -> Judgement:
            if not code.strip():
                return Judgement(verdicts=(), score=score_no_code(bench.pack))
            submission = Submission(code=code, language=scenario.language)
            judged = bench.judge.judge(scenario, submission)
            return Judgement(verdicts=judged.verdicts, score=judged.score)

        yield bench.pack, judge


def make_plan(bench: Workbench, selection: Selection, mode: Mode) -> Plan:
    """Plans the trials that are selected.

    Raises:
        UsageError: A scenario, format or agent that does not exist.
        CassetteMissing: Replay, and nothing at all is recorded for the selection.
    """
    pack, settings = bench.pack, bench.settings
    ids = tuple(scenario.id for scenario in pack.scenarios)
    scenarios = _chosen("scenario", selection.scenarios, ids)
    formats = _chosen("format", selection.formats, pack.format_ids)
    names = _chosen("agent", selection.agents or (settings.agent,), tuple(settings.agents))
    agents = {name: _bind(bench, name, mode) for name in names}
    rounds = selection.rounds or settings.rounds
    if rounds is None:
        rounds = _rounds_recorded(agents, scenarios, formats) if mode is Mode.REPLAY else 1
    return Plan(
        mode=mode,
        trials=plan_trials(scenarios, formats, names, rounds, settings.seed),
        agents=agents,
        rounds=rounds,
    )


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
    status = RunStatus.FINISHED
    try:
        with _interruptible(bench.sandbox):
            workers = bench.host.executor(executor)
            for result in workers.execute(plan.trials, pipeline.work, bench.settings.jobs):
                store.add(run.id, result)
                results.append(result)
                warnings += bench.host.trial_finished(result)
                on_result(result)
    except KeyboardInterrupt:
        status = RunStatus.INTERRUPTED
    run = replace(run, status=status, finished_at=_now())
    store.finish(run)
    warnings += bench.host.run_finished(run)
    return Completed(
        report=summarise(run, bench.pack, results), warnings=tuple(dict.fromkeys(warnings))
    )


def _bind(bench: Workbench, name: str, mode: Mode) -> BoundAgent:
    entry = bench.settings.agents[name]
    plugin = bench.host.agent(entry.plugin)
    recording = mode is Mode.RECORD
    return BoundAgent(
        name=name,
        plugin=plugin,
        options=decode_options(plugin.Options, entry.options, f"[agents.{name}]"),
        cassettes=bench.settings.cassettes if recording else bench.settings.cassettes_of(name),
    )


def _chosen(what: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """What is wanted, in the order in which it is known; all of it if nothing is wanted."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"there is no {what} {unknown[0]!r}", hint=f"Known: {', '.join(known)}.")
    return tuple(name for name in known if name in wanted) if wanted else tuple(known)


def _rounds_recorded(
    agents: Mapping[str, BoundAgent], scenarios: Sequence[str], formats: Sequence[str]
) -> int:
    found = [
        number
        for agent in agents.values()
        for scenario in scenarios
        for fmt in formats
        for number in recorded_rounds(agent.cassettes, agent.name, scenario, fmt)
    ]
    if found:
        return max(found)
    folders = sorted({str(agent.cassettes) for agent in agents.values()})
    known = sorted({n for agent in agents.values() for n in recorded_agents(agent.cassettes)})
    raise CassetteMissing(
        f"nothing is recorded for agent {', '.join(agents)} in {', '.join(folders)}",
        hint=f"Recorded agents: {', '.join(known) or 'none'}. `ferrotape record` makes recordings.",
    )


def _new_run(bench: Workbench, plan: Plan) -> Run:
    now = datetime.now(UTC)
    trials, pack, settings = plan.trials, bench.pack, bench.settings
    environment = {
        "ferrotape": version("ferrotape"),
        "python": platform.python_version(),
        "platform": platform.platform(),
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
