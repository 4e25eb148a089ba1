"""What was said in an exchange: prompt, answer and usage, read out of requests and responses.

The Messages API and chat completions are understood, streamed or not; other bodies are shown as
the text they are. It is for readers: replay depends on none of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferrotape.cassettes.body import Body, Frame, JsonBody, SseBody, TextBody

DELTA_FIELDS = ("text", "thinking", "partial_json")
"""What the deltas of a streamed content block carry; one block's pieces make one text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A response in words."""

    text: str
    stop_reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    """The endpoint's counts, by its own names."""


def asked(body: Body | None) -> str:
    """What a request asks: system prompt and messages since the last answer, or its text."""
    tree = body.json if isinstance(body, JsonBody) else None
    messages = tree.get("messages") if isinstance(tree, dict) else None
    if not isinstance(messages, list) or not messages:
        return as_text(body)
    assert isinstance(tree, dict)  # noqa: S101 - for mypy
    last = max((n for n, m in enumerate(messages) if _role(m) == "assistant"), default=-1)
    parts = [f"[{_role(m)}]\n{_content(m)}" for m in messages[last + 1 :]]
    if last < 0 and tree.get("system"):
        parts.insert(0, f"[system]\n{_blocks(tree['system'])}")
    if len(parts) == 1 and _role(messages[-1]) == "user":
        return _content(messages[-1])
    return "\n\n".join(parts)


def answered(body: Body | None) -> Said:
    """What a response says."""
    trees = list(_trees(body))
    if not trees:
        return Said(text=as_text(body))
    blocks: dict[int, str] = {}
    stop, usage = "", {}
    for tree in trees:
        inner = tree.get("message")
        message = inner if isinstance(inner, dict) else tree
        usage.update(_usage(message.get("usage") or tree.get("usage")))
        stop = _stop(tree) or _stop(message) or stop
        for index, piece in _pieces(tree, message):
            blocks[index] = blocks.get(index, "") + piece
    text = "\n\n".join(part for _, part in sorted(blocks.items()) if part)
    failed = [tree["error"] for tree in trees if isinstance(tree.get("error"), dict)]
    problems = [f"[error] {e.get('type', '')}: {e.get('message', '')}" for e in failed]
    return Said(text="\n\n".join(filter(None, [text, *problems])), stop_reason=stop, usage=usage)


def as_text(body: Body | None) -> str:
    """A body as text, whatever it is."""
    if body is None:
        return ""
    if isinstance(body, JsonBody):
        return json.dumps(body.json, indent=1, ensure_ascii=False)
    return body.encode().decode(errors="replace") if not isinstance(body, TextBody) else body.text


def _trees(body: Body | None) -> Iterator[dict[str, Any]]:
    """The JSON objects of a response: one, or one an event."""
    if isinstance(body, JsonBody) and isinstance(body.json, dict):
        yield body.json
    elif isinstance(body, SseBody):
        frames = (frame.data for frame in body.sse if isinstance(frame, Frame))
        yield from (data for data in frames if isinstance(data, dict))


def _pieces(tree: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Pieces of text with the index of the content block they belong to."""
    index = tree.get("index")
    at = index if isinstance(index, int) else 0
    for number, block in enumerate(_list(message.get("content"))):
        yield number, _block(block)
    start, delta = tree.get("content_block"), tree.get("delta")
    if isinstance(start, dict):
        yield at, _block({**start, "input": None} if start.get("input") == {} else start)
    if isinstance(delta, dict):
        yield at, "".join(str(delta[name]) for name in DELTA_FIELDS if delta.get(name))
    for choice in _list(tree.get("choices")):
        said = choice.get("message") or choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(said, dict) and isinstance(said.get("content"), str):
            yield at, said["content"]


def _stop(tree: Mapping[str, Any]) -> str:
    places: list[Any] = [tree, tree.get("delta"), *_list(tree.get("choices"))]
    found = [p.get("stop_reason") or p.get("finish_reason") for p in places if isinstance(p, dict)]
    return next((str(reason) for reason in found if reason), "")


def _usage(counts: Any) -> dict[str, int]:
    if not isinstance(counts, dict):
        return {}
    return {name: count for name, count in counts.items() if type(count) is int and count}


def _role(message: Any) -> str:
    return str(message.get("role", "")) if isinstance(message, dict) else ""


def _content(message: Any) -> str:
    return _blocks(message.get("content")) if isinstance(message, dict) else str(message)


def _blocks(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(_block(block) for block in _list(content))


def _block(block: Any) -> str:
    """A content block: its text, or what it is in brackets."""
    if not isinstance(block, dict):
        return str(block)
    kind = str(block.get("type", ""))
    if kind == "text":
        return str(block.get("text", ""))
    if kind == "thinking":
        return f"[thinking]\n{block.get('thinking', '')}"
    if kind == "tool_use":
        given = block.get("input")
        said = "" if given is None else json.dumps(given, ensure_ascii=False)
        return f"[tool_use {block.get('name', '')}]\n{said}"
    if kind == "tool_result":
        return f"[tool_result]\n{_blocks(block.get('content'))}"
    return f"[{kind}]"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
