"""Message Batches: many requests at once at half the price, answered within a day.

What a batch gives for a request is the message that a single call would have given whole. To the
agent's own call it is given as that, or as a stream of events that makes the same message, each
content block in one piece.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrotape import AgentFailure, AgentFailureKind, BatchProgress, BatchResult
from ferrotape.errors import EndpointError
from ferrotape_plugins.agents.draft import failed
from ferrotape_plugins.agents.messages_api import (
    KEY,
    AnthropicOptions,
    base_url_of,
    connected,
    failure_of,
    kind_of,
    request_of,
)

if TYPE_CHECKING:
    import anthropic
    import httpx2

_TIMEOUT_S: Final = 600.0
"""A batch of many megabytes is sent and fetched in one call."""
_OK: Final = 200

Event = Mapping[str, Any]


class MessageBatches:
    """How the agent `anthropic` asks by batches."""

    price_factor = 0.5
    largest = 10_000

    def request(self, prompt: str, options: AnthropicOptions) -> Mapping[str, Any]:
        """The body of a single call, but for how it is streamed."""
        request = request_of(prompt, options)
        extra = request.pop("extra_body", {})
        return {**request, **extra}

    def submit(
        self,
        requests: Mapping[str, Mapping[str, Any]],
        options: AnthropicOptions,
        env: Mapping[str, str],
    ) -> str:
        """Creates a batch."""
        entries: list[Any] = [{"custom_id": name, "params": r} for name, r in requests.items()]
        with _asking(options, env) as client:
            return client.messages.batches.create(requests=entries).id

    def poll(self, batch: str, options: AnthropicOptions, env: Mapping[str, str]) -> BatchProgress:
        """Retrieves a batch."""
        with _asking(options, env) as client:
            found = client.messages.batches.retrieve(batch)
            counts = found.request_counts
            return BatchProgress(
                ended=found.processing_status == "ended",
                processing=counts.processing,
                succeeded=counts.succeeded,
                errored=counts.errored,
                canceled=counts.canceled,
                expired=counts.expired,
            )

    def results(
        self, batch: str, options: AnthropicOptions, env: Mapping[str, str]
    ) -> Iterator[BatchResult]:
        """Fetches the results, as the lines they are sent as: the SDK would reorder their keys."""
        with (
            _asking(options, env) as client,
            client.messages.batches.with_streaming_response.results(batch) as response,
        ):
            for line in response.iter_lines():
                if line.strip():
                    yield _result(json.loads(line), env)


@contextmanager
def _asking(options: AnthropicOptions, env: Mapping[str, str]) -> Iterator[anthropic.Anthropic]:
    import anthropic
    import httpx2

    try:
        with connected(env.get(KEY, ""), base_url_of(options, env), _TIMEOUT_S) as client:
            yield client
    except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
        raise EndpointError(_without_key(failure_of(error), env)) from error


def _result(line: Mapping[str, Any], env: Mapping[str, str]) -> BatchResult:
    """A line of the results.

    Raises:
        ValueError: It is none.
    """
    try:
        custom_id, result = str(line["custom_id"]), line["result"]
        kind = result["type"]
        if kind == "succeeded":
            return BatchResult(custom_id=custom_id, outcome=_endpoint_with(result["message"]))
        failure = _failure(kind, result)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no result of a batch: {str(line)[:80]}") from error
    return BatchResult(custom_id=custom_id, outcome=_without_key(failure, env))


def _failure(kind: str, result: Mapping[str, Any]) -> AgentFailure:
    if kind == "errored":
        error = result["error"]["error"]
        said = f"the batch said {error['type']}: {error['message']}"
        return failed(kind_of(error["type"], _OK), said)
    return failed(AgentFailureKind.SERVER_ERROR, f"the request {kind} in its batch, unanswered")


def _without_key(failure: AgentFailure, env: Mapping[str, str]) -> AgentFailure:
    """A careless endpoint may say the key back."""
    key = env.get(KEY)
    message = failure.message.replace(key, "[redacted]") if key else failure.message
    return replace(failure, message=message)


def _endpoint_with(message: Mapping[str, Any]) -> httpx2.BaseTransport:
    """A transport that answers a call with that message, streamed or whole as the call asks."""
    import httpx2

    def answer(request: httpx2.Request) -> httpx2.Response:
        if json.loads(request.content).get("stream"):
            body = b"".join(map(_frame, events(message)))
            kind = "text/event-stream; charset=utf-8"
        else:
            body, kind = _json(message), "application/json"
        return httpx2.Response(_OK, content=body, headers={"content-type": kind})

    return httpx2.MockTransport(answer)


def events(message: Mapping[str, Any]) -> Iterator[Event]:
    """The events of a stream that makes this message."""
    usage = message["usage"]
    ends = {k: v for k, v in message.items() if k.startswith("stop_")}
    begun = {**message, "content": [], **dict.fromkeys(ends)}
    yield {"type": "message_start", "message": {**begun, "usage": {**usage, "output_tokens": 1}}}
    for index, block in enumerate(message["content"]):
        start, deltas = _streamed(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    spent = {"output_tokens": usage["output_tokens"]}
    yield {"type": "message_delta", "delta": ends, "usage": spent}
    yield {"type": "message_stop"}


def _streamed(block: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """A block as its stream begins, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, _deltas(block, text="text_delta")
    if kind == "thinking":
        deltas = _deltas(block, thinking="thinking_delta", signature="signature_delta")
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind in {"tool_use", "server_tool_use"}:
        written = json.dumps(block["input"])
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": written}]
    return block, []


def _deltas(block: Mapping[str, Any], **kinds: str) -> list[Mapping[str, Any]]:
    return [{"type": kind, name: block[name]} for name, kind in kinds.items() if block.get(name)]


def _frame(event: Event) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _json(event))


def _json(tree: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(tree, separators=(",", ":")).encode()
