"""The agent `anthropic` asking by batches: requests, results, and messages as streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent_samples import TRIAL
from hypothesis import given
from hypothesis import strategies as st

from ferrotape import AgentFailure, BatchAgent, BatchResult, Reply, Session
from ferrotape.cassettes import Identity, Tape, TapeTransport
from ferrotape.errors import EndpointError
from ferrotape.model import AgentFailureKind
from ferrotape.testing import Answer, BatchFault, LoopbackMessages
from ferrotape.testing.messages import message
from ferrotape_plugins.agents.anthropic import AnthropicAgent, AnthropicOptions
from ferrotape_plugins.agents.batches import events
from ferrotape_plugins.agents.draft import Draft

AGENT = AnthropicAgent()
BATCHES = AGENT.batches
OPTIONS = AnthropicOptions(model="m", temperature=0.5, system="Be kind.", thinking_budget=1024)
KEY = "sk-ant-not-a-real-key"


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    def echo(request: Any) -> Answer:
        return Answer(request["messages"][0]["content"])

    with LoopbackMessages(echo, compress=True) as serving:
        serving.batches.polls = 1
        yield serving


def env(endpoint: LoopbackMessages) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": endpoint.base_url}


def answered(result: BatchResult, options: AnthropicOptions, path: Path) -> Reply:
    """What the agent's own call makes of a result."""
    assert isinstance(result.outcome, httpx2.BaseTransport)
    identity = Identity(
        agent="one",
        plugin="anthropic",
        settings={},
        scenario=TRIAL.scenario,
        format=TRIAL.format,
        round=1,
        prompt_sha256="0" * 64,
    )
    tape = Tape.record(path, identity)
    transport = TapeTransport(tape, result.outcome)
    session = Session(transport=transport, timeout_s=30, replaying=False, env={})
    return AGENT.answer(TRIAL, "hello", options, session)


def test_the_agent_can_be_asked_by_batches() -> None:
    assert isinstance(AGENT, BatchAgent)
    assert BATCHES.price_factor == 0.5
    assert BATCHES.largest == 10_000


def test_a_request_is_the_body_of_a_single_call_but_for_streaming(
    endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    for options in (OPTIONS, AnthropicOptions(model="m", streaming=False)):
        tape = Tape.record(tmp_path / "a.json", Identity(
            agent="one", plugin="anthropic", settings={}, scenario="greet", format="minimal",
            round=1, prompt_sha256="",
        ))  # fmt: skip
        session = Session(
            transport=TapeTransport(tape), timeout_s=30, replaying=False, env=env(endpoint)
        )
        AGENT.answer(TRIAL, "hello", options, session)
        sent = json.loads(endpoint.requests[-1].body)
        sent.pop("stream", None)
        assert BATCHES.request("hello", options) == sent


def test_a_batch_is_submitted_polled_and_fetched(
    endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    requests = {f"id-{n}": BATCHES.request(f"hello {n}", OPTIONS) for n in range(5)}
    faults = (BatchFault("errored"), BatchFault("expired"), BatchFault("canceled"))
    endpoint.batches.fail(None, *faults)
    given = (OPTIONS, env(endpoint))
    batch = BATCHES.submit(requests, *given)
    first, last = BATCHES.poll(batch, *given), BATCHES.poll(batch, *given)
    assert (first.ended, first.processing) == (False, 5)
    assert (last.ended, last.processing) == (True, 0)
    assert (last.succeeded, last.errored, last.expired, last.canceled) == (2, 1, 1, 1)
    results = list(BATCHES.results(batch, *given))
    assert [result.custom_id for result in results] == ["id-4", "id-3", "id-2", "id-1", "id-0"]
    assert answered(results[0], OPTIONS, tmp_path / "a.json").text == "hello 4"
    whole = replace(OPTIONS, streaming=False)
    assert answered(results[4], whole, tmp_path / "a.json").text == "hello 0"
    failures = [result.outcome for result in results[1:4]]
    assert [f.message for f in failures if isinstance(f, AgentFailure)] == [
        "the request canceled in its batch, unanswered",
        "the request expired in its batch, unanswered",
        "the batch said api_error: injected",
    ]
    assert all(KEY in str(request.headers) for request in endpoint.requests)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_request_error", AgentFailureKind.INVALID_REQUEST),
        ("authentication_error", AgentFailureKind.AUTHENTICATION),
        ("rate_limit_error", AgentFailureKind.RATE_LIMITED),
        ("overloaded_error", AgentFailureKind.OVERLOADED),
        ("api_error", AgentFailureKind.SERVER_ERROR),
        ("something_new", AgentFailureKind.SERVER_ERROR),
    ],
)
def test_errors_of_requests_are_told_apart(
    endpoint: LoopbackMessages, error: str, kind: AgentFailureKind
) -> None:
    endpoint.batches.polls = 0
    endpoint.batches.fail(BatchFault("errored", error, f"for {KEY}"))
    given = (OPTIONS, env(endpoint))
    batch = BATCHES.submit({"a": BATCHES.request("hello", OPTIONS)}, *given)
    (result,) = BATCHES.results(batch, *given)
    assert isinstance(result.outcome, AgentFailure)
    assert result.outcome.kind is kind
    assert result.outcome.message == f"the batch said {error}: for [redacted]"


def test_what_is_wrong_with_a_whole_batch_is_an_error_of_the_endpoint(
    endpoint: LoopbackMessages,
) -> None:
    given = (OPTIONS, env(endpoint))
    twice: dict[str, Any] = {"no id!": BATCHES.request("hello", OPTIONS)}
    with pytest.raises(EndpointError, match="custom_id") as caught:
        BATCHES.submit(twice, *given)
    assert caught.value.failure.kind is AgentFailureKind.INVALID_REQUEST
    with pytest.raises(EndpointError):
        BATCHES.poll("msgbatch_9", *given)
    batch = BATCHES.submit({"a": BATCHES.request("hello", OPTIONS)}, *given)
    with pytest.raises(EndpointError, match="results_url"):
        list(BATCHES.results(batch, *given))
    endpoint.batches.polls = 0
    endpoint.batches.results = lambda name: b'{"custom_id": "a"}\n'
    with pytest.raises(EndpointError, match="no result of a batch"):
        list(BATCHES.results(batch, *given))


TEXTS = st.text(max_size=40)
BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
        st.builds(
            lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign},
            TEXTS,
            TEXTS,
        ),
        st.builds(lambda data: {"type": "redacted_thinking", "data": data}, TEXTS),
        st.builds(
            lambda name: {"type": "tool_use", "id": "t", "name": name, "input": {"a": name}}, TEXTS
        ),
    ),
    max_size=4,
)


@given(BLOCKS, st.sampled_from(["end_turn", "max_tokens", "refusal", "tool_use"]))
def test_the_events_of_a_message_make_that_message(blocks: list[Any], stop: str) -> None:
    from anthropic import _models, types

    whole = message({"model": "m", "messages": []}, Answer(blocks=blocks, stop_reason=stop), 1)
    whole["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "No."}
    streamed, taken = Draft(), Draft()
    for event in events(whole):
        built: Any = _models.construct_type(type_=types.RawMessageStreamEvent, value=dict(event))
        streamed.add(built)
    parsed: Any = _models.construct_type(type_=types.Message, value=whole)
    taken.take(parsed)
    assert streamed.reply(streamed.failure()) == taken.reply(taken.failure())
