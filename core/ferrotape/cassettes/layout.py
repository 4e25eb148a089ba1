"""How a cassette is laid out as text: one changed word is one changed line.

A text of three or more lines is written as `{"$lines": [...]}`, one entry a line. What fits on
one line is written on one line, so that a stream of small frames stays short. An object that
looks like such a marker by accident is wrapped in `{"$raw": ...}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

LINES = "$lines"
RAW = "$raw"
_WIDTH = 120
_FEW = 2


def dump(tree: Any) -> str:
    """Writes a tree of JSON values; `load` gives an equal one back.

    Raises:
        ValueError: A number is not finite.
    """
    marked = _mark(tree)
    text = "".join(_write(marked, "", ensure_ascii=False)) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates can only be escaped
        text = "".join(_write(marked, "", ensure_ascii=True)) + "\n"
    return text


def load(text: str) -> Any:
    """Reads what `dump` wrote.

    Raises:
        ValueError: It is no JSON, or a marker is misused.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, object_hook=_unmark, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON value")


def _mark(node: Any) -> Any:
    if isinstance(node, str):
        return {LINES: node.split("\n")} if node.count("\n") >= _FEW else node
    if isinstance(node, list):
        return [_mark(item) for item in node]
    if isinstance(node, dict):
        if len(node) == 1 and (LINES in node or RAW in node):
            return {RAW: [_mark(item) for pair in node.items() for item in pair]}
        return {key: _mark(value) for key, value in node.items()}
    return node


def _unmark(node: dict[str, Any]) -> Any:
    """What an object stands for; the objects in it have been through this before it."""
    if len(node) != 1:
        return node
    ((key, value),) = node.items()
    if key == LINES:
        if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
            raise ValueError(f"{LINES} must hold a list of lines")
        return "\n".join(value)
    if key == RAW:
        if not isinstance(value, list) or len(value) != _FEW or not isinstance(value[0], str):
            raise ValueError(f"{RAW} must hold a key and its value")
        return {value[0]: value[1]}
    return node


def _write(node: Any, indent: str, *, ensure_ascii: bool, flat_too: bool = True) -> Iterator[str]:
    deeper = indent + " "
    flat = json.dumps(node, ensure_ascii=ensure_ascii, allow_nan=False)
    if not node or not isinstance(node, (dict, list)) or (flat_too and _fits(flat, indent)):
        yield flat
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield f"{',' if number else '['}\n{deeper}"
            yield from _write(item, deeper, ensure_ascii=ensure_ascii)
        yield f"\n{indent}]"
    else:
        for number, (key, value) in enumerate(node.items()):
            name = json.dumps(key, ensure_ascii=ensure_ascii)
            yield f"{',' if number else '{'}\n{deeper}{name}: "
            yield from _write(value, deeper, ensure_ascii=ensure_ascii, flat_too=key != LINES)
        yield f"\n{indent}}}"


def _fits(flat: str, indent: str) -> bool:
    return len(flat) + len(indent) <= _WIDTH and f'"{LINES}"' not in flat
