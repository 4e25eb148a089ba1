from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from small_plugins import (
    Asked,
    Echo,
    NoOptions,
    NoSandbox,
    Whole,
    a_trial,
    host_with,
    record,
    scoring,
    small_pack,
)

from ferrotape import Extraction, Reply, Scenario
from ferrotape.asking import Asker, BoundAgent
from ferrotape.cassettes import router
from ferrotape.judging import Judge
from ferrotape.live import LiveCalls, LiveSettings
from ferrotape.model import AgentFailureKind, Block, BlockKind, Failure, Mode, Status, TrialResult
from ferrotape.pipeline import Pipeline


class Broken(Whole):
    name = "broken"
    priority = 9

    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        raise ValueError("cannot read this")


class Crashing(Echo):
    def answer(self, *arguments: object) -> Reply:
        raise RuntimeError("out of ideas")


class Nothing(Echo):
    def answer(self, *arguments: object) -> Reply:
        return None


class Leaving(Echo):
    def answer(self, *arguments: object) -> Reply:
        raise SystemExit(0)


class Anonymous(Echo):
    def identity(self, options: object) -> Mapping[str, object]:
        return {"model": object()}


class Empty(Whole):
    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        return None


class Asking(Echo):
    """Asks a second time, which is not on the tape."""

    def answer(self, trial, prompt, options, session) -> Reply:
        super().answer(trial, prompt, options, session)
        return super().answer(trial, "and now?", options, session)


def work(
    root: Path,
    *,
    agent: Echo | None = None,
    extractors: tuple[object, ...] = (Whole(),),
    validator: Asked | None = None,
    env: Mapping[str, str] | None = None,
) -> TrialResult:
    plugin = agent or Echo()
    judges = validator or scoring("a", 60)
    host = host_with(agents=(plugin,), extractors=extractors, validators=(judges,))
    pack = small_pack(a=1)
    bound = BoundAgent(name="echo-1", plugin=plugin, options=NoOptions(), cassettes=root)
    asker = Asker(
        {"echo-1": bound},
        Mode.REPLAY,
        env=env or {},
        live=LiveCalls(LiveSettings()),
        prices={},
        source_of=host.distribution_of,
    )
    judge = Judge(pack, host, NoSandbox(), None)
    return Pipeline(pack=pack, host=host, judge=judge, asker=asker).work(a_trial())


def test_a_trial_goes_from_cassette_to_score(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello there")
    result = work(tmp_path)
    assert result.extraction == Extraction(code="hello there", extractor="whole", rule="all")
    assert result.score.value == 60
    assert result.reply.failure is None
    assert [call.status for call in result.reply.calls] == [200]
    assert result.trial == a_trial()


def test_a_missing_cassette_is_a_missing_score_and_not_zero(tmp_path: Path) -> None:
    result = work(tmp_path)
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.NO_RECORDING
    assert "there is no recording" in result.reply.failure.message
    assert result.score.value is None


def test_a_request_that_is_not_on_the_tape_is_told_with_the_difference(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, agent=Asking())
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.NO_RECORDING
    assert "+and now?" in result.reply.failure.message


class WithRequests(Echo):
    """Brings an HTTP client of its own, and with `careless` one that nobody knows."""

    def __init__(self, *, careless: bool = False) -> None:
        self._careless = careless

    def answer(self, trial, prompt, options, session) -> Reply:
        if self._careless:
            with suppress(Exception):
                urllib.request.urlopen("http://api.example.org/")
        text = requests.post("http://127.0.0.1/answer", data=prompt, timeout=5).text
        return Reply(blocks=(Block(kind=BlockKind.TEXT, text=text),))


def test_an_agent_with_a_client_of_its_own_replays_from_the_tape_of_its_trial(
    tmp_path: Path,
) -> None:
    record(tmp_path, a_trial(), "hello there")
    with router(replaying=True):
        result = work(tmp_path, agent=WithRequests())
    assert result.reply.failure is None
    assert result.reply.text == "hello there"
    assert len(result.reply.calls) == 1


def test_an_agent_that_reaches_for_the_network_in_replay_has_no_usable_recording(
    tmp_path: Path,
) -> None:
    record(tmp_path, a_trial(), "hello there")
    with router(replaying=True):
        result = work(tmp_path, agent=WithRequests(careless=True))
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.NO_RECORDING
    assert "look-up of the name api.example.org" in result.reply.failure.message


def test_an_agent_that_crashes_is_named_and_its_score_is_missing(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, agent=Crashing())
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.CRASHED
    assert result.reply.failure.message == (
        "echo of small_plugins_of_a_test failed: RuntimeError: out of ideas"
    )
    assert result.score.value is None


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        (Nothing(), "echo of small_plugins_of_a_test gave a NoneType instead of a Reply"),
        (Leaving(), "echo of small_plugins_of_a_test failed: SystemExit: 0"),
        (Anonymous(), "echo gave an identity that is no JSON"),
    ],
)
def test_whatever_an_agent_does_wrong_is_its_failure(
    tmp_path: Path, agent: Echo, says: str
) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, agent=agent)
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.CRASHED
    assert result.reply.failure.message == says


def test_an_extractor_that_gives_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, extractors=(Empty(),))
    assert "gave a NoneType instead of an Extraction" in result.verdicts[0].summary
    assert result.score.value is None


def test_no_code_is_an_outcome_of_its_own(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "")
    result = work(tmp_path)
    assert result.extraction is not None
    assert result.extraction.rule == "empty-reply"
    assert (result.score.value, result.score.failure) == (0, Failure.NO_CODE)
    assert result.verdicts == ()


def test_an_extractor_that_fails_leaves_its_name_and_the_next_one_its_turn(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, extractors=(Whole(), Broken()))
    assert result.score.value == 60
    fault = result.verdicts[0]
    assert (fault.validator, fault.status) == ("broken", Status.ERROR)
    assert "small_plugins_of_a_test failed: ValueError: cannot read this" in fault.summary


def test_if_every_extractor_fails_the_score_is_missing_and_not_zero(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, extractors=(Broken(),))
    assert result.score.value is None
    assert [verdict.status for verdict in result.verdicts] == [Status.ERROR]


@pytest.mark.parametrize("text", ["hello", "a\x00b", "\u202eolleh", "\ud7ff\U0010ffff"])
def test_odd_text_goes_through_unchanged(tmp_path: Path, text: str) -> None:
    record(tmp_path, a_trial(), text)
    result = work(tmp_path)
    assert result.extraction is not None
    assert result.extraction.code == text
