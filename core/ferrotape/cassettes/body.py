"""Bodies of requests and responses in a form that can be reviewed, exact to the byte.

JsonBody    a JSON document as a tree, if writing the tree in a known style gives its bytes
SseBody     server-sent events as frames, each with its data as a tree where that is exact
TextBody    other text in UTF-8
BinaryBody  the rest, in base64
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from annotated_types import Ge, Le

Style = Literal["compact", "spaced", "compact-ascii", "spaced-ascii"]
"""How a JSON text is written: blanks after `,` and `:` or not, non-ASCII escaped or not."""

_STYLES: tuple[Style, ...] = get_args(Style)
_DEEPEST = 64
_MOST_PADDING = 4096
_FRAME = re.compile(r"(?:event: ([^\r\n]+)\n)?data: ([^\r\n]*)", re.DOTALL)
_CLOSED: Mapping[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON document."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    json: Any
    style: Style = "compact"

    def encode(self) -> bytes:
        """The bytes as they went over the wire."""
        return _write_json(self.json, self.style).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One server-sent event: an `event:` line if it has a name, and one `data:` line of JSON."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    event: str | None = None
    data: Any
    style: Style = "compact"
    padding: Annotated[int, Ge(0), Le(_MOST_PADDING)] = 0
    """Blanks before the last brace; the Messages API hides the length of tokens with them."""

    def text(self) -> str:
        """The event as text, without the blank line that ends it."""
        data = _write_json(self.data, self.style)
        if self.padding:
            data = f"{data[:-1]}{' ' * self.padding}{data[-1:]}"
        return f"event: {self.event}\ndata: {data}" if self.event is not None else f"data: {data}"


@dataclass(frozen=True, slots=True)
class SseBody:
    """Server-sent events, each ended by a blank line; those that are no `Frame` as raw text."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    sse: Sequence[str | Frame]
    rest: str = ""
    """What came after the last blank line: part of an event if the stream was cut."""

    def encode(self) -> bytes:
        """The bytes as they went over the wire."""
        frames = (frame if isinstance(frame, str) else frame.text() for frame in self.sse)
        return "".join([*(f"{frame}\n\n" for frame in frames), self.rest]).encode()


@dataclass(frozen=True, slots=True)
class TextBody:
    """Text in UTF-8."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    text: str

    def encode(self) -> bytes:
        """The bytes as they went over the wire."""
        return self.text.encode()


@dataclass(frozen=True, slots=True)
class BinaryBody:
    """Bytes that are no text."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    base64: str

    def encode(self) -> bytes:
        """The bytes as they went over the wire."""
        return base64.b64decode(self.base64, validate=True)


Body = JsonBody | SseBody | TextBody | BinaryBody


def pack(content: bytes, content_type: str = "") -> Body:
    """The most readable form of `content` that encodes to exactly the same bytes."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return BinaryBody(base64.b64encode(content).decode())
    if "event-stream" in content_type:
        *frames, rest = text.split("\n\n")
        return SseBody([_frame(frame) for frame in frames], rest)
    parsed = _parse_json(text) if text[:1] in ("{", "[") else None
    return JsonBody(*parsed) if parsed else TextBody(text)


def _frame(text: str) -> str | Frame:
    match = _FRAME.fullmatch(text)
    if match is None:
        return text
    event, data = match.groups()
    bare = f"{data[:-1].rstrip(' ')}{data[-1:]}"
    padding = len(data) - len(bare)
    parsed = _parse_json(bare) if data[:1] == "{" and padding <= _MOST_PADDING else None
    if parsed is None:
        return text
    tree, style = parsed
    return Frame(event=event, data=tree, style=style, padding=padding)


def _parse_json(text: str) -> tuple[Any, Style] | None:
    """The tree and the style that give exactly `text` again; None if there are none."""
    try:
        tree = json.loads(text)
        if not _shallow(tree, _DEEPEST):
            return None
        for style in _STYLES:
            # Encoded, as a lone surrogate could not be kept in the cassette's own UTF-8.
            if _write_json(tree, style).encode() == text.encode() and _encodable(tree):
                return tree, style
    except (ValueError, RecursionError):  # no JSON, NaN, a number too long, nested too deeply
        return None
    return None


def _write_json(tree: Any, style: Style) -> str:
    separators = (",", ":") if style.startswith("compact") else (", ", ": ")
    return json.dumps(
        tree, separators=separators, ensure_ascii=style.endswith("ascii"), allow_nan=False
    )


def _encodable(tree: Any) -> bool:
    json.dumps(tree, ensure_ascii=False).encode()
    return True


def _shallow(tree: Any, levels: int) -> bool:
    if not isinstance(tree, (dict, list)):
        return True
    children = tree.values() if isinstance(tree, dict) else tree
    return levels > 0 and all(_shallow(child, levels - 1) for child in children)
