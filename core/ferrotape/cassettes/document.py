"""The cassette file: its schema, and its translation to and from vcrpy's terms.

`serialize` and `deserialize` make this module a serializer as vcrpy wants it. In vcrpy's terms a
request is `{method, uri, body, headers}` and a response `{status, headers, body: {string}}`;
Ferrotape adds `timing` and, where an exchange did not end well, `error` to the response.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import Ge, MinLen
from pydantic import AfterValidator, StrictBool, StrictFloat, StrictInt, TypeAdapter

from ferrotape.cassettes import layout
from ferrotape.cassettes.body import Body, pack
from ferrotape.cassettes.identity import Identity
from ferrotape.model import AgentFailureKind

FORMAT: Final = 1
ANSWERED: Final = "answered"
"""The outcome of a trial whose agent did not fail."""
_CLOSED: Mapping[str, Any] = {"extra": "forbid"}
_Headers = Mapping[str, Annotated[Sequence[str], MinLen(1)]]
_Seconds = Annotated[StrictFloat, Ge(0)]
_Count = Annotated[StrictInt, Ge(0)]


def _known(outcome: str) -> str:
    if outcome != ANSWERED and outcome not in set(AgentFailureKind):
        raise ValueError("it is neither `answered` nor the kind of an agent's failure")
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known of a recording as a whole."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    format: Literal[1] = FORMAT
    recorded_at: str
    """UTC, ISO 8601 to the second."""
    measured: StrictBool
    """Whether latency and token counts are the model's: False for a loopback endpoint."""
    outcome: Annotated[str, AfterValidator(_known)]
    """`answered`, or the kind of the agent's failure."""
    interactions: _Count
    digest: str = ""
    """SHA-256, in hex, over the outcome, `measured` and the interactions, as JSON with sorted
    keys; filled in by `serialize`."""
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request without its host and without what is secret."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    method: str
    uri: str
    """Path and query."""
    headers: _Headers
    body: Body | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status line; code 0 if there was no response."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    code: _Count
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds from sending the request to the first and to the last byte of the body."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    ttfb_s: _Seconds | None
    latency_s: _Seconds | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How an exchange broke off: the name of the httpx2 exception, or `ClosedEarly`."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back, headers by allow-list, content encodings undone."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    status: Status
    headers: _Headers
    timing: Timing
    error: Error | None = None
    body: Body | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A request and what came back."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    request: Request
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A cassette file."""

    __pydantic_config__: ClassVar[Any] = _CLOSED
    version: Literal[1]
    metadata: Metadata
    interactions: Sequence[Interaction] = field(default_factory=list)


def serialize(cassette: Mapping[str, Any]) -> str:
    """The text of a cassette file, from vcrpy's terms.

    Raises:
        KeyError, TypeError, ValueError: It is no cassette that `deserialize` would read.
    """
    interactions = [
        {"request": _packed(entry["request"], entry["request"]["body"]), "response": response}
        for entry in cassette["interactions"]
        for response in [_packed(entry["response"], entry["response"]["body"]["string"])]
    ]
    # The metadata come first for the reader, the interactions last.
    metadata = cassette["metadata"]
    tree = {
        "version": cassette["version"],
        "metadata": {**metadata, "digest": digest_of(metadata, interactions)},
        "interactions": interactions,
    }
    return layout.dump(tree)


def digest_of(metadata: Mapping[str, Any], interactions: Sequence[Any]) -> str:
    """The digest of what a recording says, as it stands in its file."""
    content = [metadata["outcome"], metadata["measured"], interactions]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def deserialize(text: str) -> dict[str, Any]:
    """A cassette in vcrpy's terms, from the text of its file.

    Raises:
        ValueError: It is no whole, valid cassette.
        RecursionError: It is nested too deeply.
    """
    tree = layout.load(text)
    document = _schema().validate_python(tree)
    found, told = len(document.interactions), document.metadata.interactions
    if found != told:
        raise ValueError(f"it holds {found} interactions where its metadata tell of {told}")
    if digest_of(tree["metadata"], tree["interactions"]) != document.metadata.digest:
        raise ValueError("it has been changed since it was recorded: its digest does not match")
    return {
        "version": document.version,
        "metadata": {f.name: getattr(document.metadata, f.name) for f in _fields(Metadata)},
        "interactions": [_unpacked(entry) for entry in document.interactions],
    }


@cache
def _schema() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


def _packed(message: Mapping[str, Any], content: bytes | str | None) -> dict[str, Any]:
    raw = content.encode() if isinstance(content, str) else content
    types = message["headers"].get("content-type", [""])
    body = None if raw is None else _slim(pack(raw, types[0]))
    head = {name: value for name, value in message.items() if name != "body"}
    return {**head, "body": body}


def _slim(body: Body) -> dict[str, Any]:
    """The fields of a body that differ from their defaults."""
    slim: dict[str, Any] = {}
    for entry in _fields(body):
        value = getattr(body, entry.name)
        if entry.name == "sse":
            value = [frame if isinstance(frame, str) else _slim(frame) for frame in value]
        if value != entry.default or entry.default is dataclasses.MISSING:
            slim[entry.name] = value
    return slim


def _unpacked(entry: Interaction) -> dict[str, Any]:
    request, response = entry.request, entry.response
    body = response.body
    unpacked: dict[str, Any] = {
        "status": {"code": response.status.code, "message": response.status.message},
        "headers": dict(response.headers),
        "timing": {"ttfb_s": response.timing.ttfb_s, "latency_s": response.timing.latency_s},
        "body": {"string": None if body is None else body.encode()},
    }
    if response.error is not None:
        unpacked["error"] = {"type": response.error.type, "message": response.error.message}
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "headers": dict(request.headers),
            "body": None if request.body is None else request.body.encode(),
        },
        "response": unpacked,
    }


_fields = dataclasses.fields
