"""Whatever goes wrong is recorded as it happened and replayed as it was, without waiting.

The client is the official SDK, which repeats failed attempts by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from ferrotape.cassettes import Identity, Tape, TapeTransport
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    Answer,
    Delay,
    ErrorEvent,
    Fault,
    HttpError,
    LoopbackMessages,
    Reset,
    Truncation,
)

IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
NOWHERE = "http://nowhere.invalid:9"
SLOW = Delay(before_s=0.03, between_s=0.01)
BAD = HttpError(400, "invalid_request_error")
LATE = HttpError(429, "rate_limit_error", headers={"retry-after": "3000"})

FAULTS: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "429": (RATE_LIMITED,),
    "429 to the end": (RATE_LIMITED,) * 3,
    "429 with a long wait": (LATE,),
    "529 and 500": (OVERLOADED, SERVER_ERROR),
    "500 to the end": (SERVER_ERROR,) * 3,
    "400": (BAD,),
    "slow": (SLOW,),
    "529 and slow": (OVERLOADED, SLOW),
    "reset": (Reset(),),
    "reset to the end": (Reset(),) * 3,
    "reset in the middle": (Reset(after_events=4),),
    "truncated": (Truncation(4),),
    "error event": (ErrorEvent(after_events=4),),
}


def answer(request: Any) -> Answer:
    return Answer("\n".join(f"line {number} é" for number in range(35)))


def whole(client: anthropic.Anthropic, asked: dict[str, Any]) -> str:
    message = client.messages.create(**asked)
    return json.dumps(message.model_dump(mode="json"))


def streamed(client: anthropic.Anthropic, asked: dict[str, Any]) -> str:
    with client.messages.stream(**asked) as stream:
        return json.dumps(stream.get_final_message().model_dump(mode="json"))


def outcome(
    ask: Callable[[anthropic.Anthropic, dict[str, Any]], str],
    transport: httpx2.BaseTransport,
    url: str,
    timeout_s: float = 5,
) -> str:
    """The message, or the error with all that the SDK tells of it."""
    messages = [{"role": "user", "content": "hi"}]
    asked = {"model": "m", "max_tokens": 64, "messages": messages}
    with httpx2.Client(transport=transport) as http:
        client = anthropic.Anthropic(
            api_key="sk-a-key", base_url=url, http_client=http, timeout=timeout_s, max_retries=2
        )
        try:
            return ask(client, asked)
        except anthropic.APIStatusError as error:
            return f"{type(error).__name__} {error.status_code} {error.body}"
        except anthropic.APIConnectionError as error:
            return f"{type(error).__name__} by {type(error.__cause__).__name__}: {error}"
        except (anthropic.AnthropicError, httpx2.HTTPError) as error:
            return f"{type(error).__name__}: {error}"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long somebody wanted to sleep, each time; nobody does."""
    wished: list[float] = []
    monkeypatch.setattr(time, "sleep", wished.append)
    return wished


@pytest.mark.parametrize("ask", [whole, streamed], ids=["whole", "streamed"])
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_the_sdk_sees_the_same_unrecorded_recorded_and_replayed(
    tmp_path: Path, slept: list[float], faults: tuple[Fault, ...], ask: Any
) -> None:
    with LoopbackMessages(answer) as unrecorded:
        unrecorded.fail(*faults)
        plain = outcome(ask, httpx2.HTTPTransport(), unrecorded.base_url)
    waited = len(slept)
    with LoopbackMessages(answer) as endpoint:
        endpoint.fail(*faults)
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        recorded = outcome(ask, TapeTransport(tape), endpoint.base_url)
        tape.close()
    assert len(endpoint.requests) == len(unrecorded.requests) == len(tape.calls)
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    replayed = outcome(ask, TapeTransport(again), NOWHERE)
    again.close()
    assert recorded == plain
    assert replayed == recorded
    assert again.calls == tape.calls
    assert len(slept) == 3 * waited


@pytest.mark.parametrize(
    "faults", [(RATE_LIMITED,) * 2, (OVERLOADED,) * 3, (SERVER_ERROR, RATE_LIMITED), (LATE,)]
)
def test_replay_reports_the_recorded_times_and_sleeps_through_no_back_off(
    tmp_path: Path, slept: list[float], faults: tuple[Fault, ...]
) -> None:
    with LoopbackMessages(answer) as endpoint:
        endpoint.fail(*faults, SLOW)
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        outcome(streamed, TapeTransport(tape), endpoint.base_url)
        tape.close()
    assert sum(slept) > 0.3 * len(slept) > 0
    slept.clear()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    outcome(streamed, TapeTransport(again), NOWHERE)
    assert sum(slept) <= 0.001 * len(faults)
    assert [call.latency_s for call in again.calls] == [call.latency_s for call in tape.calls]
    assert [call.status for call in again.calls[:-1]] == [
        fault.status for fault in faults[: len(again.calls) - 1] if isinstance(fault, HttpError)
    ]
    if len(faults) < 3:
        assert (again.calls[-1].latency_s or 0) >= 0.1  # the slow answer at the end


@pytest.mark.parametrize("ask", [whole, streamed], ids=["whole", "streamed"])
@pytest.mark.parametrize("delay", [Delay(before_s=5), Delay(before_s=0, between_s=5)])
def test_an_attempt_that_runs_out_of_time_is_recorded_and_replayed_as_that(
    tmp_path: Path, slept: list[float], delay: Delay, ask: Any
) -> None:
    with LoopbackMessages(answer) as endpoint:
        endpoint.fail(*[delay] * 3)
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        recorded = outcome(ask, TapeTransport(tape), endpoint.base_url, timeout_s=0.1)
        tape.close("timeout")
    if delay.before_s or ask is streamed:
        assert "Timeout" in recorded
        assert {call.error for call in tape.calls} == {"ReadTimeout"}
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    assert outcome(ask, TapeTransport(again), NOWHERE, timeout_s=0.1) == recorded
    assert again.outcome == "timeout"
    assert again.calls == tape.calls
    again.close("timeout")
