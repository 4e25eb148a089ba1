"""The agent `anthropic` against a loopback endpoint: unrecorded words, recorded and replayed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferrotape import AgentFailureKind, Block, BlockKind, Reply, Session, Trial, Usage
from ferrotape.cassettes import ANSWERED, Identity, Tape, TapeTransport
from ferrotape.cassettes.timelimit import TimeLimit
from ferrotape.errors import CassetteMiss, UsageError
from ferrotape.options import decode_options
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    UNAUTHORIZED,
    Answer,
    Delay,
    ErrorEvent,
    Fault,
    HttpError,
    LoopbackMessages,
    Reset,
    Truncation,
)
from ferrotape_plugins.agents.anthropic import AnthropicAgent, AnthropicOptions, ferrotape_agents

AGENT = AnthropicAgent()
TRIAL = Trial(scenario="basic", format="minimal", agent="sample", round=1)
OPTIONS = AnthropicOptions(model="claude-sample")
PROMPT = "Reverse the words.\n\nKeep it short.\nThank you."
CODE = "```rust\n" + "".join(f"// line {number}\n" for number in range(30)) + "```\n"
KEY = "sk-ant-not-a-real-key"


@pytest.fixture(autouse=True)
def foreign_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process's own environment says must not count."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-the-process")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-from-the-process")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")


def identity(options: AnthropicOptions) -> Identity:
    return Identity(
        agent=TRIAL.agent,
        plugin=AGENT.name,
        settings=AGENT.identity(options),
        scenario=TRIAL.scenario,
        format=TRIAL.format,
        round=TRIAL.round,
        prompt_sha256="0" * 64,
    )


def record(
    path: Path, endpoint: LoopbackMessages, options: AnthropicOptions, timeout_s: float = 30
) -> tuple[Reply, Tape]:
    tape = Tape.record(path, identity(options))
    session = Session(
        transport=TapeTransport(tape, limit=TimeLimit(timeout_s)),
        timeout_s=timeout_s,
        replaying=False,
        env={"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": endpoint.base_url},
    )
    return AGENT.answer(TRIAL, PROMPT, options, session), tape


def replay(path: Path, options: AnthropicOptions) -> tuple[Reply, Tape]:
    tape = Tape.replay(path, identity(options))
    session = Session(transport=TapeTransport(tape), timeout_s=30, replaying=True)
    return AGENT.answer(TRIAL, PROMPT, options, session), tape


Ask = Callable[..., Reply]


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Records an answer, replays it, checks that both are equal, and returns it."""

    def recorded_and_replayed(
        answer: Answer, *faults: Fault, options: AnthropicOptions = OPTIONS
    ) -> Reply:
        options = replace(options, streaming=request.param)
        path = tmp_path / "a.json"
        with LoopbackMessages(lambda _: answer) as endpoint:
            endpoint.fail(*faults)
            reply, tape = record(path, endpoint, options)
        tape.close(reply.failure.kind if reply.failure else ANSWERED)
        assert KEY not in path.read_text()
        again, taped = replay(path, options)
        taped.close(again.failure.kind if again.failure else ANSWERED)
        assert without_wait(again) == without_wait(reply)
        assert taped.calls == tape.calls
        return replace(reply, calls=taped.calls, measured=taped.measured)

    return recorded_and_replayed


def without_wait(reply: Reply) -> Reply:
    """The reply as replay gives it: nobody is asked to wait there."""
    failure = reply.failure and replace(reply.failure, retry_after_s=None)
    return replace(reply, failure=failure)


def failed(reply: Reply) -> AgentFailureKind | None:
    return reply.failure and reply.failure.kind


def test_an_answer_comes_with_text_usage_model_and_calls(ask: Ask) -> None:
    reply = ask(Answer(CODE))
    assert reply.text == CODE
    assert reply.failure is None
    assert reply.stop_reason == "end_turn"
    assert reply.model == "claude-sample"
    assert reply.usage == Usage(input_tokens=len(PROMPT) // 4, output_tokens=len(CODE) // 4)
    assert [call.status for call in reply.calls] == [200]
    assert reply.latency_s is not None
    assert not reply.measured


def test_thinking_is_kept_apart_from_the_text(ask: Ask) -> None:
    blocks = [
        {"type": "thinking", "thinking": "First\nI\nthink.", "signature": "s"},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "text", "text": "The "},
        {"type": "text", "text": "answer."},
    ]
    reply = ask(Answer(blocks=blocks))
    assert reply.failure is None
    assert reply.text == "The answer."
    assert reply.blocks[:2] == (
        Block(kind=BlockKind.THINKING, text="First\nI\nthink."),
        Block(kind=BlockKind.REDACTED_THINKING, text="AAAA"),
    )


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer("I cannot", "refusal"), AgentFailureKind.REFUSED, "refused"),
        (Answer(CODE, "max_tokens"), AgentFailureKind.TRUNCATED, "max_tokens"),
        (
            Answer(CODE, "model_context_window_exceeded"),
            AgentFailureKind.TRUNCATED,
            "model_context_window_exceeded",
        ),
        (Answer(""), AgentFailureKind.EMPTY, "only nothing"),
        (Answer(" \n"), AgentFailureKind.EMPTY, "only text"),
        (
            Answer(blocks=[{"type": "thinking", "thinking": "hm", "signature": "s"}]),
            AgentFailureKind.EMPTY,
            "only thinking",
        ),
        (
            Answer(blocks=[{"type": "tool_use", "id": "t", "name": "f", "input": {}}]),
            AgentFailureKind.EMPTY,
            "only other",
        ),
    ],
)
def test_answers_that_are_none_are_told_apart(
    ask: Ask, answer: Answer, kind: AgentFailureKind, said: str
) -> None:
    reply = ask(answer)
    assert failed(reply) is kind
    assert reply.failure is not None
    assert said in reply.failure.message
    assert reply.text == answer.text


@pytest.mark.parametrize(
    ("faults", "kind", "statuses"),
    [
        ([RATE_LIMITED], AgentFailureKind.RATE_LIMITED, [429]),
        ([OVERLOADED], AgentFailureKind.OVERLOADED, [529]),
        ([SERVER_ERROR], AgentFailureKind.SERVER_ERROR, [500]),
        ([Reset()], AgentFailureKind.CONNECTION, [0]),
        ([UNAUTHORIZED], AgentFailureKind.AUTHENTICATION, [401]),
        ([HttpError(403, "permission_error")], AgentFailureKind.AUTHENTICATION, [403]),
        ([HttpError(400, "invalid_request_error")], AgentFailureKind.INVALID_REQUEST, [400]),
        ([HttpError(404, "not_found_error")], AgentFailureKind.INVALID_REQUEST, [404]),
    ],
)
def test_trouble_with_the_endpoint_is_told_apart_and_not_repeated_here(
    ask: Ask, faults: list[Fault], kind: AgentFailureKind | None, statuses: list[int]
) -> None:
    reply = ask(Answer(CODE), *faults)
    assert failed(reply) is kind
    assert [call.status for call in reply.calls] == statuses


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Reset(after_events=5), AgentFailureKind.CONNECTION),
        (Truncation(5), AgentFailureKind.CONNECTION),
        (ErrorEvent("overloaded_error", 5), AgentFailureKind.OVERLOADED),
        (ErrorEvent("rate_limit_error", 5), AgentFailureKind.RATE_LIMITED),
        (ErrorEvent("api_error", 5), AgentFailureKind.SERVER_ERROR),
        (ErrorEvent("invalid_request_error", 5), AgentFailureKind.INVALID_REQUEST),
    ],
    ids=str,
)
def test_what_came_before_a_stream_broke_is_kept(
    tmp_path: Path, fault: Fault, kind: AgentFailureKind
) -> None:
    with LoopbackMessages(lambda _: Answer(CODE)) as endpoint:
        endpoint.fail(fault)
        reply, tape = record(tmp_path / "a.json", endpoint, OPTIONS)
    tape.close()
    assert failed(reply) is kind
    assert reply.text
    assert CODE.startswith(reply.text)
    again, _ = replay(tmp_path / "a.json", OPTIONS)
    assert again == reply


@pytest.mark.parametrize("streaming", [True, False])
def test_waiting_too_long_for_a_response_is_a_timeout_and_not_repeated(
    tmp_path: Path, streaming: bool
) -> None:
    options = replace(OPTIONS, streaming=streaming)
    with LoopbackMessages(lambda _: Answer(CODE)) as endpoint:
        endpoint.fail(Delay(before_s=60))
        reply, tape = record(tmp_path / "a.json", endpoint, options, timeout_s=0.3)
    assert failed(reply) is AgentFailureKind.TIMEOUT
    tape.close(AgentFailureKind.TIMEOUT)
    again, taped = replay(tmp_path / "a.json", options)
    taped.close(AgentFailureKind.TIMEOUT)
    assert again == reply
    assert [call.error for call in taped.calls] == ["ReadTimeout"]
    assert taped.outcome == "timeout"


def test_a_stream_that_goes_on_too_long_is_a_timeout(tmp_path: Path) -> None:
    with LoopbackMessages(lambda _: Answer(CODE * 20)) as endpoint:
        endpoint.fail(Delay(between_s=0.1))
        reply, tape = record(tmp_path / "a.json", endpoint, OPTIONS, timeout_s=0.5)
    assert failed(reply) is AgentFailureKind.TIMEOUT
    tape.close(AgentFailureKind.TIMEOUT)
    again, taped = replay(tmp_path / "a.json", OPTIONS)
    taped.close(AgentFailureKind.TIMEOUT)
    assert again.failure == reply.failure
    assert CODE.startswith(again.text)


def test_an_endpoint_that_asks_to_wait_is_heard(tmp_path: Path) -> None:
    with LoopbackMessages(lambda _: Answer(CODE)) as endpoint:
        endpoint.fail(replace(RATE_LIMITED, headers={"retry-after": "3600"}))
        reply, _ = record(tmp_path / "a.json", endpoint, OPTIONS)
    assert reply.failure is not None
    assert reply.failure.retry_after_s == 3600


def test_a_changed_request_is_a_miss_and_not_repeated(tmp_path: Path) -> None:
    with LoopbackMessages(lambda _: Answer(CODE)) as endpoint:
        _, tape = record(tmp_path / "a.json", endpoint, OPTIONS)
    tape.close()
    taped = Tape.replay(tmp_path / "a.json", identity(OPTIONS))
    session = Session(transport=TapeTransport(taped), timeout_s=30, replaying=True)
    reply = AGENT.answer(TRIAL, PROMPT.replace("short", "long"), OPTIONS, session)
    assert failed(reply) is AgentFailureKind.INVALID_REQUEST
    with pytest.raises(CassetteMiss, match=r"^1 request") as caught:
        taped.close(AgentFailureKind.INVALID_REQUEST)
    diff = [line for line in caught.value.message.splitlines() if line[:1] in ("-", "+")]
    assert [line.strip("-+ ,") for line in diff[2:]] == ['"Keep it short."', '"Keep it long."']


def test_only_what_is_set_is_sent_with_the_sessions_key(tmp_path: Path) -> None:
    options = AnthropicOptions(
        model="m", max_tokens=2048, temperature=0.5, system="Be brief.", thinking_budget=1024
    )
    with LoopbackMessages(lambda _: Answer(CODE)) as endpoint:
        record(tmp_path / "a.json", endpoint, options)
        record(tmp_path / "b.json", endpoint, OPTIONS)
        full, bare = endpoint.requests
    assert json.loads(full.body) == {
        "model": "m",
        "max_tokens": 2048,
        "temperature": 0.5,
        "system": "Be brief.",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": True,
    }
    assert json.loads(bare.body).keys() == {"model", "max_tokens", "messages", "stream"}
    for request in (full, bare):
        sent = json.dumps(dict(request.headers))
        assert KEY in sent
        assert "from-the-process" not in sent


def test_base_url_comes_before_the_environment(tmp_path: Path) -> None:
    with (
        LoopbackMessages(lambda _: Answer("from the option")) as chosen,
        LoopbackMessages(lambda _: Answer("from the environment")) as other,
    ):
        options = replace(OPTIONS, base_url=chosen.base_url)
        reply, tape = record(tmp_path / "a.json", other, options)
    assert reply.text == "from the option"
    tape.close()
    again, _ = replay(tmp_path / "a.json", OPTIONS)
    assert again.text == "from the option"


@pytest.mark.parametrize("env", [{}, {"ANTHROPIC_API_KEY": ""}])
def test_a_missing_key_is_said_before_anything_is_asked(env: Mapping[str, str]) -> None:
    assert AGENT.missing(OPTIONS, env) == "there is no ANTHROPIC_API_KEY in the environment"
    assert AGENT.missing(OPTIONS, {"ANTHROPIC_API_KEY": "k"}) is None


def test_identity_leaves_out_where_the_endpoint_is_and_how_often_it_is_tried() -> None:
    assert AGENT.identity(OPTIONS) == AGENT.identity(replace(OPTIONS, base_url="http://localhost"))
    assert AGENT.identity(OPTIONS) != AGENT.identity(replace(OPTIONS, model="other"))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"model": ""},
        {"model": "m", "max_tokens": 0},
        {"model": "m", "temperature": 2},
        {"model": "m", "thinking_budget": 5},
        {"model": "m", "colour": "red"},
    ],
)
def test_options_out_of_range_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        decode_options(AnthropicOptions, given, "[agents.sample]")


def test_the_plugin_is_found_and_does_not_import_the_sdk() -> None:
    assert [agent.name for agent in ferrotape_agents()] == ["anthropic"]
    code = (
        "import sys, ferrotape_plugins.agents.anthropic as plugin; plugin.ferrotape_agents();"
        "sys.exit(any(name in sys.modules for name in ('anthropic', 'httpx2', 'vcr')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
