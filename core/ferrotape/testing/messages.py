"""The words of the Messages API: answers, and the messages and events made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINES_PER_DELTA = 10
_CHARACTERS_PER_TOKEN = 4

Event = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint answers."""

    text: str = ""
    stop_reason: str = "end_turn"
    blocks: Sequence[Mapping[str, Any]] | None = None
    """Content blocks as in the API, in place of one block with `text`."""

    @property
    def content(self) -> list[Mapping[str, Any]]:
        """The content blocks."""
        if self.blocks is not None:
            return list(self.blocks)
        return [{"type": "text", "text": self.text}] if self.text else []


def message(request: Mapping[str, Any], answer: Answer, ordinal: int) -> dict[str, Any]:
    """The message object for a request, its id made of the request and `ordinal`.

    The token counts are an estimate, a quarter of the characters.
    """
    asked = json.dumps(request, sort_keys=True)
    digest = hashlib.sha256(f"{ordinal}\n{asked}".encode()).hexdigest()
    return {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", ""),
        "content": answer.content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": _tokens(request.get("system"), request.get("messages")),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": _tokens(answer.content),
        },
    }


def events(whole: Mapping[str, Any]) -> Iterator[Event]:
    """The events that stream a message, text in deltas of ten lines."""
    usage = whole["usage"]
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": begun}
    for index, block in enumerate(whole["content"]):
        start, deltas = _streamed(block)
        place = {"index": index}
        yield (
            "content_block_start",
            {"type": "content_block_start", **place, "content_block": start},
        )
        if index == 0:
            yield "ping", {"type": "ping"}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", **place, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", **place}
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    spent = {"output_tokens": usage["output_tokens"]}
    yield "message_delta", {"type": "message_delta", "delta": stop, "usage": spent}
    yield "message_stop", {"type": "message_stop"}


def _streamed(block: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """A block as its stream begins, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        pieces = _pieces(block["text"])
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
    if kind == "thinking":
        deltas: list[Mapping[str, Any]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])
        ]
        deltas.append({"type": "signature_delta", "signature": block.get("signature", "")})
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        written = json.dumps(block["input"])
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": written}]
    return block, []


def _pieces(text: str) -> list[str]:
    lines = text.split("\n")
    ended = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    return [
        "".join(ended[start : start + LINES_PER_DELTA])
        for start in range(0, len(ended), LINES_PER_DELTA)
    ]


def _tokens(*parts: Any) -> int:
    """Four characters of text make a token, more or less."""
    return max(1, sum(map(_characters, parts)) // _CHARACTERS_PER_TOKEN)


def _characters(node: Any) -> int:
    if isinstance(node, str):
        return len(node)
    if isinstance(node, Mapping):
        return sum(_characters(value) for key, value in node.items() if key not in _NO_TEXT)
    if isinstance(node, Sequence):
        return sum(map(_characters, node))
    return 0


_NO_TEXT = frozenset({"type", "role", "id", "signature"})
