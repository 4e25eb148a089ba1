"""The traffic of agent programs such as Claude Code: what of it is stored, what identifies it.

A program's requests hold what changes from run to run: session and device ids, dates, versions,
what its tools gave. So a request is known by its *turn*: what the user and the assistant said and
which tools the assistant called, without the tools' results and without the program's own system
prompt, tools and reminders. Requests of the same turn are answered in the order of the recording.

The Messages API and the chat completions of OpenAI are understood; other requests are known by
all that they hold.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vcr.request import Request

from ferrotape.cassettes import matching

_REMINDER = "<system-reminder>"
_OWN_ROLES = frozenset({"system", "developer"})
_DELTA = "event: content_block_delta\ndata: "
_PING = "event: ping\n"
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d"  # the date
    r"|OS Version: [^\\\"]*"
    r"|x-anthropic-billing-header: [^\\\"]*"
)


def turn_key(request: Request) -> tuple[Any, ...]:
    """Which conversation and which turn of it a request belongs to."""
    tree = _conversation(request.body)
    if tree is None:
        return matching.key(request)
    return (request.method, request.path, tree.get("model"), tuple(_said(tree["messages"])))


def slim_request(body: bytes) -> bytes:
    """The body without what is the program's own and not the user's: digests stand for it."""
    tree = _conversation(body)
    if tree is None:
        return body
    slim = {name: value for name, value in tree.items() if name != "metadata"}
    if "system" in slim:
        slim["system"] = _digest(slim["system"])
    if isinstance(slim.get("tools"), list):
        slim["tools"] = {"names": [_tool_name(t) for t in slim["tools"]], **_hashed(slim["tools"])}
    slim["messages"] = [_slim_message(message) for message in tree["messages"]]
    return json.dumps(slim, ensure_ascii=False, separators=(",", ":")).encode()


def merged_response(body: bytes, content_type: str) -> bytes:
    """The body with successive deltas of a content block made one, and without pings.

    A path may be split between two deltas, and would not be found in either.
    """
    if "event-stream" not in content_type:
        return body
    try:
        frames = body.decode().split("\n\n")
    except UnicodeDecodeError:
        return body
    merged: list[str] = []
    open_delta: dict[str, Any] | None = None
    for frame in frames:
        if frame.startswith(_PING):
            continue
        delta = _delta(frame)
        if delta is not None and open_delta is not None and _continues(open_delta, delta):
            _extend(open_delta["delta"], delta["delta"])
            merged[-1] = _DELTA + json.dumps(open_delta, ensure_ascii=False, separators=(",", ":"))
        else:
            merged.append(frame)
            open_delta = delta
    return "\n\n".join(merged).encode()


def _conversation(body: bytes | None) -> dict[str, Any] | None:
    """The JSON tree of a request that asks for the next turn of a conversation."""
    if not body or body[:1] != b"{":
        return None
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return None
    messages = tree.get("messages")
    if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
        found: dict[str, Any] = tree
        return found
    return None


def _said(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for message in messages:
        role = message.get("role", "")
        for block in _blocks(message.get("content")):
            kind = block.get("type")
            if kind == "text" and role in {"user", "assistant"}:
                text = str(block.get("text", ""))
                if not text.startswith(_REMINDER):
                    yield (role, text)
            elif kind == "tool_use":
                yield ("tool", str(block.get("name")), _canonical(block.get("input")))
        for call in message.get("tool_calls") or ():
            function = call.get("function", {}) if isinstance(call, dict) else {}
            yield ("tool", str(function.get("name")), str(function.get("arguments")))


def _blocks(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _slim_message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if message.get("role") in _OWN_ROLES:
        return {**message, "content": _digest(content)}
    if not isinstance(content, list):
        return message
    return {**message, "content": [_slim_block(block) for block in content]}


def _slim_block(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    text = block.get("text")
    if isinstance(text, str) and text.startswith(_REMINDER):
        return {**block, "text": f"{_REMINDER} {_digest(text)}"}
    return block


def _tool_name(tool: Any) -> str:
    if not isinstance(tool, dict):
        return str(tool)
    function = tool.get("function")
    named = function if isinstance(function, dict) else tool
    return str(named.get("name") or named.get("type"))


def _hashed(part: Any) -> dict[str, str]:
    return {"digest": _digest(part)}


def _digest(part: Any) -> str:
    """The same from day to day and from machine to machine, so that recordings differ little."""
    steady = _VOLATILE.sub("", _canonical(part))
    return "sha256:" + hashlib.sha256(steady.encode()).hexdigest()[:16]


def _canonical(part: Any) -> str:
    return json.dumps(part, sort_keys=True)


def _delta(frame: str) -> dict[str, Any] | None:
    if not frame.startswith(_DELTA):
        return None
    try:
        tree = json.loads(frame.removeprefix(_DELTA))
    except ValueError:
        return None
    whole = isinstance(tree, dict) and isinstance(tree.get("delta"), dict)
    return tree if whole else None


def _continues(first: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    same_block = first.get("index") == then.get("index")
    return same_block and first["delta"].get("type") == then["delta"].get("type")


def _extend(first: dict[str, Any], then: Mapping[str, Any]) -> None:
    for name, value in then.items():
        if name != "type" and isinstance(value, str):
            first[name] = first.get(name, "") + value
