"""Recording by batches against a loopback endpoint: paid once, whatever comes between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_plugins import Echo, NoOptions, NoSandbox, Whole, host_with, scoring, small_pack

from ferrotape.asking import BoundAgent
from ferrotape.batch import BatchRecording, Entry, Ledger
from ferrotape.cassettes import program
from ferrotape.cassettes.recording import open_recording
from ferrotape.config import load_settings
from ferrotape.errors import CassetteError, EndpointError, StoreError, UsageError
from ferrotape.forecast import forecast
from ferrotape.judging import Judge
from ferrotape.model import AgentFailureKind, Mode, RunStatus
from ferrotape.planning import plan_trials
from ferrotape.resuming import plan_rest
from ferrotape.runner import Completed, execute
from ferrotape.selection import Plan
from ferrotape.store import Store
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    UNAUTHORIZED,
    Answer,
    BatchFault,
    Fault,
    HttpError,
    LoopbackMessages,
    Reset,
)
from ferrotape.workbench import Workbench
from ferrotape_plugins.agents.anthropic import AnthropicAgent, AnthropicOptions

KEY = "sk-ant-not-a-real-key"
OPTIONS = AnthropicOptions(model="m", max_tokens=1000)
PRICES = {"as_of": "2026-11-01", "models": {"m": {"input": 1.0, "output": 10.0}}}
BATCHES = "/v1/messages/batches"


class Project:
    """A project with one agent, `one`, a scenario in two formats, and an endpoint."""

    def __init__(self, root: Path, endpoint: LoopbackMessages) -> None:
        self.root = root
        self.endpoint = endpoint
        self.options = OPTIONS
        self.said: list[str] = []
        self.waits: list[float] = []
        self.interrupt_at: int | None = None

    def bench(self, **live: Any) -> Workbench:
        host = host_with(
            agents=(AnthropicAgent(),),
            extractors=(Whole(),),
            validators=(scoring("strict", 60),),
        )
        pack = replace(small_pack(strict=1), digest="p")
        settings = load_settings(
            cwd=self.root, env={}, live={"batch_poll_s": 7, "prices": PRICES, **live}
        )
        settings = replace(
            settings,
            agents={"one": replace(settings.agents["anthropic"], options={"model": "m"})},
        )
        judge = Judge(pack, host, NoSandbox(), None)
        return Workbench(settings=settings, pack=pack, host=host, sandbox=NoSandbox(), judge=judge)

    def plan(self, rounds: int = 2, plugin: Any = None) -> Plan:
        agent = BoundAgent(
            name="one",
            plugin=plugin or AnthropicAgent(),
            options=self.options,
            cassettes=self.root / "cassettes",
        )
        trials = plan_trials(("greet",), ("minimal", "long"), ("one",), rounds, 0)
        return Plan(mode=Mode.RECORD, trials=trials, agents={"one": agent}, rounds=rounds)

    def recording(self, rounds: int = 2, plan: Plan | None = None, **live: Any) -> BatchRecording:
        return BatchRecording(
            self.bench(**live),
            plan or self.plan(rounds),
            env=self.env,
            say=self.said.append,
            wait=self.wait,
        )

    @property
    def env(self) -> Mapping[str, str]:
        return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": self.endpoint.base_url}

    def wait(self, seconds: float) -> None:
        """Waits no time; what a user's Ctrl-C or a crash would do comes from here."""
        self.waits.append(seconds)
        if self.interrupt_at == len(self.waits):
            self.interrupt_at = None
            raise KeyboardInterrupt

    def record(self, rounds: int = 2, **live: Any) -> Completed:
        """The whole way: submit, wait, record, judge, store, settle."""
        batch = self.recording(rounds, **live)
        plan = batch.collect()
        with self.store() as store:
            completed = execute(self.bench(**live), plan, store, lambda _: None, env={})
        batch.settle()
        return completed

    @contextmanager
    def store(self) -> Iterator[Store]:
        with Store.open(self.root / "history.db") as store:
            yield store

    @property
    def submitted(self) -> list[list[Mapping[str, Any]]]:
        """The requests of each batch, in order of arrival."""
        seen = [r for r in self.endpoint.requests if r.method == "POST" and r.path == BATCHES]
        return [json.loads(request.body)["requests"] for request in seen]

    @property
    def cassettes(self) -> list[str]:
        root = self.root / "cassettes"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*.json"))

    @property
    def ledger(self) -> tuple[Entry, ...]:
        return Ledger(self.root / ".ferrotape" / "batches").entries()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    def hello(request: Mapping[str, Any]) -> Answer:
        return Answer(f"hello\nto you\n{request['messages'][0]['content']}")

    with LoopbackMessages(hello) as endpoint:
        yield Project(tmp_path, endpoint)


def kinds(completed: Completed) -> dict[str, AgentFailureKind]:
    """The failures of a run by the trial's key without the agent's name."""
    return {
        result.trial.key.partition("/")[2]: result.reply.failure.kind
        for result in completed.report.results
        if result.reply.failure
    }


ALL = sorted(f"one/greet/{f}/round-{n}.json" for f in ("minimal", "long") for n in (1, 2))


def test_a_plan_is_asked_by_one_batch_recorded_judged_and_stored(project: Project) -> None:
    completed = project.record()
    assert [len(batch) for batch in project.submitted] == [4]
    assert {r.path for r in project.endpoint.requests if "batches" not in r.path} == set()
    assert project.cassettes == ALL
    assert completed.report.run.mode is Mode.RECORD
    assert completed.report.run.status is RunStatus.FINISHED
    assert completed.report.run.environment["asked by"] == "batches"
    assert completed.warnings == ()
    assert [result.score.value for result in completed.report.results] == [60.0] * 4
    assert project.waits == [7, 7]
    counts = "0 errored, 0 canceled, 0 expired"
    assert project.said == [
        "batch msgbatch_000000 of one submitted: 4 trials",
        f"batch msgbatch_000000: 4 processing, 0 succeeded, {counts}",
        f"batch msgbatch_000000: ended, 0 processing, 4 succeeded, {counts}: 4 recorded, 0 failed",
    ]
    assert project.ledger == ()
    project.record()
    assert len(project.submitted) == 2, "a new recording replaces the old one"


@pytest.mark.parametrize("streaming", [True, False])
def test_the_cassettes_are_those_of_single_calls_but_for_times(
    project: Project, streaming: bool
) -> None:
    project.options = replace(OPTIONS, streaming=streaming, temperature=0.5, system="Be kind.")
    batched = project.record()
    by_batch = {name: comparable(project.root / "cassettes" / name) for name in project.cassettes}
    with project.store() as store:
        single = execute(project.bench(), project.plan(), store, lambda _: None, env=project.env)
    by_call = {name: comparable(project.root / "cassettes" / name) for name in project.cassettes}
    assert by_batch.keys() == by_call.keys() == set(ALL)
    for name, (tree, times) in by_batch.items():
        assert tree == by_call[name][0]
        assert times == {"ttfb_s": None, "latency_s": None}
        assert by_call[name][1]["latency_s"] > 0
    for one, other in zip(batched.report.results, single.report.results, strict=True):
        assert replace(one.reply, calls=()) == replace(other.reply, calls=())
        assert one.reply.usage is not None
        assert one.reply.latency_s is None
        assert one.extraction == other.extraction


def comparable(path: Path) -> tuple[Any, Any]:
    """A cassette as a tree without times and the message's id, each block in one piece; times."""
    exchanged = open_recording(path).exchanges[0]
    tree = json.loads(path.read_text())
    metadata = {k: v for k, v in tree["metadata"].items() if k not in {"recorded_at", "digest"}}
    interaction = tree["interactions"][0]
    times = interaction["response"].pop("timing")
    assert exchanged.response is not None
    headers = interaction["response"]["headers"]
    body = program.merged_response(exchanged.response.encode(), headers["content-type"][0])
    trees = [json.loads(line.removeprefix("data: ")) for line in body.decode().splitlines()
             if line.startswith(("data: ", "{"))]  # fmt: skip
    for entry in trees:
        entry.get("message", entry).pop("id", None)
    interaction["response"]["body"] = trees
    return {**tree, "metadata": metadata, "interactions": [interaction]}, times


def test_what_was_submitted_is_never_paid_for_twice(project: Project) -> None:
    """Ended while it waits, then again between recording and judging, then with more rounds."""
    project.interrupt_at = 2
    with pytest.raises(KeyboardInterrupt):
        project.record()
    assert project.cassettes == []
    (entry,) = project.ledger
    assert entry.batch == "msgbatch_000000"
    assert sorted(f"{key}.json" for key in entry.trials.values()) == ALL
    again = project.recording()
    assert again.asked.trials == ()
    again.collect()
    assert project.cassettes == ALL
    third = project.recording(rounds=3)
    assert {trial.round for trial in third.asked.trials} == {3}
    completed = project.record(rounds=3)
    assert [len(batch) for batch in project.submitted] == [4, 2]
    assert len(completed.report.results) == 6
    assert project.ledger == ()


def test_a_smaller_plan_takes_its_part_of_a_batch_and_leaves_the_rest(project: Project) -> None:
    project.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        project.record(rounds=2)
    project.record(rounds=1)
    assert len(project.cassettes) == 2
    assert len(project.ledger) == 1
    project.record(rounds=2)
    assert project.cassettes == ALL
    assert project.ledger == ()
    assert len(project.submitted) == 1


def test_a_recording_that_got_lost_is_taken_from_the_batch_again(project: Project) -> None:
    project.recording().collect()
    (project.root / "cassettes" / ALL[0]).unlink()
    project.record()
    assert project.cassettes == ALL
    assert len(project.submitted) == 1


def test_another_prompt_or_request_is_another_order(project: Project) -> None:
    project.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        project.record()
    project.options = replace(OPTIONS, max_tokens=2000)
    assert len(project.recording().asked.trials) == 4
    project.options = replace(OPTIONS, streaming=False)
    assert project.recording().asked.trials == (), "how it is streamed is no part of the request"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (
            BatchFault("errored", "overloaded_error"),
            AgentFailureKind.OVERLOADED,
            "overloaded_error",
        ),
        (
            BatchFault("errored", "invalid_request_error", "too long"),
            AgentFailureKind.INVALID_REQUEST,
            "too long",
        ),
        (BatchFault("expired"), AgentFailureKind.SERVER_ERROR, "expired"),
    ],
    ids=str,
)
def test_a_request_that_fails_is_missing_and_asked_for_the_next_time(
    project: Project, fault: BatchFault, kind: AgentFailureKind, said: str
) -> None:
    project.record()  # an older recording must not stand in for it
    project.endpoint.batches.fail(None, fault)
    completed = project.record()
    failed = [result for result in completed.report.results if result.reply.failure]
    assert [result.reply.failure.kind for result in failed] == [kind]
    assert said in failed[0].reply.failure.message
    assert failed[0].score.value is None
    assert [trial.key for trial in project.recording().asked.trials] == [failed[0].trial.key]
    repaired = project.record()
    assert kinds(repaired) == {}
    assert len(repaired.report.results) == 4
    assert [len(batch) for batch in project.submitted] == [4, 4, 1]
    assert project.ledger == ()


def test_a_refusal_is_an_answer_and_recorded(project: Project) -> None:
    project.endpoint.batches._answer = lambda _: Answer("I cannot", "refusal")
    completed = project.record(rounds=1)
    assert set(kinds(completed).values()) == {AgentFailureKind.REFUSED}
    assert project.ledger == ()
    assert len(project.cassettes) == 2


def test_a_result_that_does_not_come_is_a_failure(project: Project) -> None:
    batch = project.recording()
    batches = project.endpoint.batches
    batches.polls = 0
    original: Callable[[str], bytes] = batches.results
    batches.results = lambda name: b"".join(original(name).splitlines(keepends=True)[1:])
    plan = batch.collect()
    assert plan.batched is not None
    ((_, failure),) = plan.batched.failures.items()
    assert failure.message == "the batch gave no result for this request"


def test_large_plans_are_split(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(AnthropicAgent.batches), "largest", 3)
    project.record()
    assert [len(batch) for batch in project.submitted] == [3, 1]
    assert project.cassettes == ALL


@pytest.mark.parametrize("fault", [OVERLOADED, RATE_LIMITED])
def test_a_submission_that_was_not_accepted_is_tried_again(project: Project, fault: Fault) -> None:
    project.endpoint.fail(fault)
    project.record()
    assert project.cassettes == ALL
    assert any("was not accepted" in line for line in project.said)


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (SERVER_ERROR, "may have accepted"),
        (Reset(), "may have accepted"),
        (UNAUTHORIZED, ""),
    ],
    ids=["500", "reset", "401"],
)
def test_a_submission_that_may_have_been_accepted_is_not_repeated(
    project: Project, fault: Fault, hint: str
) -> None:
    project.endpoint.fail(fault)
    with pytest.raises(EndpointError) as caught:
        project.record()
    assert hint in caught.value.hint
    assert len(project.endpoint.requests) == 1
    assert project.ledger == ()


@pytest.mark.parametrize(
    ("fault", "place"),
    [(OVERLOADED, 1), (SERVER_ERROR, 3), (RATE_LIMITED, 4), (Reset(), 1), (Reset(), 5)],
)
def test_trouble_while_polling_or_fetching_passes(
    project: Project, fault: Fault, place: int
) -> None:
    """It comes after so many requests: one submits, three poll, fetching polls once more."""
    harmless = [_Nothing()] * place
    project.endpoint.fail(*harmless, fault)
    completed = project.record()
    assert kinds(completed) == {}
    assert any("trying again" in line for line in project.said)
    assert len(project.submitted) == 1
    assert project.cassettes == ALL


class _Nothing:
    """A fault that is none, to let a request pass."""


def test_a_batch_that_is_lost_is_said_with_the_file_to_remove(project: Project) -> None:
    project.endpoint.fail(_Nothing(), HttpError(404, "not_found_error", "no such batch"))
    with pytest.raises(EndpointError, match="no such batch") as caught:
        project.record()
    assert "msgbatch_000000.json" in caught.value.hint


def test_endless_trouble_ends_the_command_and_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferrotape.batch.recording._PATIENCE", 4)
    project.endpoint.fail(_Nothing(), *[SERVER_ERROR] * 4)
    with pytest.raises(EndpointError):
        project.record()
    assert len(project.waits) == 3
    project.record()
    assert project.cassettes == ALL
    assert len(project.submitted) == 1


def test_a_budget_is_kept_by_waves_at_half_the_price(project: Project) -> None:
    """A request can come to about 1000 tokens, half a cent, and comes to a few."""
    project.record(max_cost=0.011)
    assert [len(batch) for batch in project.submitted] == [2, 2]
    assert project.cassettes == ALL


def test_a_budget_that_allows_for_nothing_more_stops_the_run(project: Project) -> None:
    """The older recording of a trial that was not asked for is not used in its place."""
    project.record()
    completed = project.record(max_tokens=1013)
    assert completed.report.run.status is RunStatus.STOPPED
    assert [len(batch) for batch in project.submitted] == [4, 1]
    assert len(completed.report.results) == 1
    assert "the budget is used up" in completed.warnings[0]
    rest = project.recording()
    assert len(rest.asked.trials) == 3
    project.record()
    assert [len(batch) for batch in project.submitted] == [4, 1, 3]


def test_what_is_under_way_counts_for_the_budget(project: Project) -> None:
    project.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        project.record(rounds=1)
    project.record(rounds=2, max_tokens=2500)
    assert [len(batch) for batch in project.submitted] == [2, 2]
    assert project.submitted[1] != []
    (first, second) = (i for i, r in enumerate(project.endpoint.requests) if r.method == "POST")
    fetched = [i for i, r in enumerate(project.endpoint.requests) if r.path.endswith("results")]
    assert first < fetched[0] < second, "the second batch had to wait for the first"


def test_the_forecast_is_at_the_price_of_batches(project: Project) -> None:
    bench, plan = project.bench(), project.plan()
    single, batched = (forecast(bench, plan, project.env, batched=b) for b in (False, True))
    assert batched.agents[0].cost == pytest.approx(single.agents[0].cost / 2)
    assert any("4 calls by batch" in line for line in batched.lines())
    assert not forecast(bench, replace(plan, trials=()), {}, batched=True).paid


def test_a_run_by_batch_that_was_interrupted_is_resumed_without_asking(project: Project) -> None:
    batch = project.recording()
    plan = batch.collect()
    asked = len(project.endpoint.requests)

    def stop(result: object) -> None:
        raise KeyboardInterrupt

    with project.store() as store:
        first = execute(project.bench(), plan, store, stop, env={})
        assert first.report.run.status is RunStatus.INTERRUPTED
        rest = plan_rest(project.bench(), store.load(first.report.run.id), env=project.env)
        again = execute(
            project.bench(),
            replace(rest.plan, agents=plan.agents),
            store,
            lambda _: None,
            rest=rest,
            env=project.env,
        )
    assert len(again.report.results) == 4
    assert kinds(again) == {}
    assert len(project.endpoint.requests) == asked


def test_judging_a_batch_asks_nobody_even_if_a_recording_is_lost(project: Project) -> None:
    plan = project.recording().collect()
    asked = len(project.endpoint.requests)
    (project.root / "cassettes" / ALL[0]).unlink()
    with project.store() as store:
        completed = execute(project.bench(), plan, store, lambda _: None, env=project.env)
    assert set(kinds(completed).values()) == {AgentFailureKind.NO_RECORDING}
    assert len(project.endpoint.requests) == asked


def test_an_agent_without_batches_is_refused_before_anything(project: Project) -> None:
    plan = project.plan()
    echo = replace(plan.agents["one"], plugin=Echo(), options=NoOptions())
    with pytest.raises(UsageError, match="cannot be asked by batches"):
        project.recording(plan=replace(plan, agents={"one": echo}))


def test_a_recording_that_cannot_be_written_is_made_the_next_time(project: Project) -> None:
    folder = project.root / "cassettes" / "one"
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(CassetteError):
        project.record()
    folder.unlink()
    project.record()
    assert project.cassettes == ALL
    assert len(project.submitted) == 1


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "\xff"])
def test_a_ledger_that_cannot_be_read_is_an_error(project: Project, text: str) -> None:
    path = project.root / ".ferrotape" / "batches" / "b.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=r"b\.json"):
        project.recording()


def test_no_key_is_written_or_said_even_by_a_careless_endpoint(project: Project) -> None:
    batches = project.endpoint.batches
    batches._answer = lambda _: Answer(f"hello, your key is {KEY}")
    batches.fail(BatchFault("errored", "api_error", f"no credit for {KEY}"))
    completed = project.record(rounds=1)
    project.endpoint.fail(HttpError(401, "authentication_error", f"invalid {KEY}"))
    with pytest.raises(EndpointError) as caught:
        project.record(rounds=2)
    written = [path for path in project.root.rglob("*") if path.is_file()]
    assert any(path.parent.name == "batches" for path in written)
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert KEY not in f"{completed} {project.said} {caught.value}"
    assert "[redacted]" in caught.value.message
