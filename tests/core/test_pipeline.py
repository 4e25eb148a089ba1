from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
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
from ferrotape.judging import Judge
from ferrotape.model import AgentFailureKind, Failure, Mode, Status, TrialResult
from ferrotape.pipeline import BoundAgent, Pipeline


class Broken(Whole):
    name = "broken"
    priority = 9

    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        raise ValueError("cannot read this")


class Crashing(Echo):
    def answer(self, *arguments: object) -> Reply:
        raise RuntimeError("out of ideas")


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
    pipeline = Pipeline(
        pack=pack,
        host=host,
        judge=Judge(pack, host, NoSandbox(), None),
        agents={"echo-1": bound},
        mode=Mode.REPLAY,
        env=env or {},
    )
    return pipeline.work(a_trial())


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


def test_an_agent_that_crashes_is_named_and_its_score_is_missing(tmp_path: Path) -> None:
    record(tmp_path, a_trial(), "hello")
    result = work(tmp_path, agent=Crashing())
    assert result.reply.failure is not None
    assert result.reply.failure.kind is AgentFailureKind.CRASHED
    assert result.reply.failure.message == (
        "echo of small_plugins_of_a_test failed: RuntimeError: out of ideas"
    )
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
