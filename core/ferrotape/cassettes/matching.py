"""Which recorded request a request equals, and how it differs from the nearest if none."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

from vcr.request import Request

from ferrotape.cassettes import layout

_MOST_LINES = 24
_WIDEST = 160
_MOST_COMPARED = 20


def key(request: Request) -> tuple[Any, ...]:
    """What must be equal: method, path, query, body; a JSON body as a tree.

    The scheme, host and port are left out, and so are the headers.
    """
    return (request.method, request.path, tuple(request.query), _canonical(request.body))


def difference(request: Request, recorded: Sequence[Request]) -> str:
    """A short diff from the recorded request that is nearest to `request`."""
    if not recorded:
        return "nothing is recorded"
    now = _lines(request)
    candidates = [_lines(entry) for entry in recorded[:_MOST_COMPARED]]
    nearest = max(
        candidates,
        key=lambda lines: difflib.SequenceMatcher(None, lines, now, autojunk=False).ratio(),
    )
    diff = list(difflib.unified_diff(nearest, now, "recorded", "asked for", n=1, lineterm=""))
    shown = [line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…" for line in diff[:_MOST_LINES]]
    if len(diff) > _MOST_LINES:
        shown.append(f"… ({len(diff) - _MOST_LINES} more lines)")
    return "\n".join(shown)


def _tree(body: bytes | None) -> Any:
    """The body as a JSON tree, or None if it is no JSON document."""
    if body is None or body[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _canonical(body: bytes | None) -> bytes | str | None:
    tree = _tree(body)
    if tree is None:
        return body
    return json.dumps(tree, sort_keys=True)


def _lines(request: Request) -> list[str]:
    head = f"{request.method} {request.uri}"
    tree = _tree(request.body)
    if tree is not None:
        text = layout.dump(tree)
    else:
        text = (request.body or b"").decode(errors="backslashreplace")
    return [head, *text.splitlines()]
