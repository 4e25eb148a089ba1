"""Takes secrets out of a recording so that it still replays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vcr.request import Request

from ferrotape.cassettes import document, persister
from ferrotape.cassettes.body import Body, Frame, JsonBody, SseBody, pack
from ferrotape.cassettes.recording import open_recording
from ferrotape.cassettes.scrub import REQUEST_HEADERS, RESPONSE_HEADERS
from ferrotape.cassettes.secrets import METADATA, Secret, delta_pieces, find_secrets, with_pieces

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What became of the secrets of a recording."""

    path: Path
    removed: tuple[Secret, ...]
    kept: tuple[Secret, ...]
    """Those that come from the prompt or the configuration: without them it would not replay."""


def scrub_recording(path: Path, *, dry_run: bool = False) -> Scrubbed:
    """Replaces the secrets in a cassette by `[redacted]`, everywhere alike, atomically.

    A value that the first request or the metadata hold was there before any answer: the agent
    asks the same again in replay, so it stays and has to be taken out of the prompt or the
    settings. What came with an answer or a tool's result may come back in later requests, and is
    redacted there too.

    Raises:
        CassetteMissing, CassetteCorrupt: It cannot be read.
        CassetteError: It cannot be written; the old file stays.
    """
    secrets = find_secrets(open_recording(path))
    given = {s.value for s in secrets if s.where in {METADATA, "request of call 1"}}
    headers = tuple(s for s in secrets if s.rule.startswith("header "))
    kept = tuple(s for s in secrets if s.value in given and s not in headers)
    removed = tuple(s for s in secrets if s not in kept)
    if removed and not dry_run:
        _rewrite(path, {s.value for s in removed if s not in headers})
    return Scrubbed(path=path, removed=removed, kept=kept)


def redacted(body: Body, values: Iterable[str]) -> Body:
    """The body with `[redacted]` for each of the values, also where a stream splits one."""
    hidden = _any_of(values)
    if hidden is None:
        return body
    if isinstance(body, JsonBody):
        return replace(body, json=_without(body.json, hidden))
    if isinstance(body, SseBody):
        return _redacted_stream(body, hidden)
    changed = hidden.sub(REDACTED, body.encode().decode(errors="surrogateescape"))
    return pack(changed.encode(errors="surrogateescape"))


def redacted_request(original: Request, values: Collection[str]) -> Request:
    """A request in vcrpy's terms without those values, with the headers that a tape keeps."""
    hidden = _any_of(values)
    uri = original.uri if hidden is None else hidden.sub(REDACTED, original.uri)
    headers = {k: v for k, v in original.headers.items() if k.lower() in REQUEST_HEADERS}
    return Request(original.method, uri, _content(original.body, headers, values), headers)


def redacted_response(original: Mapping[str, Any], values: Collection[str]) -> dict[str, Any]:
    """A response in vcrpy's terms without those values, with the headers that a tape keeps."""
    headers = {k: v for k, v in original["headers"].items() if k.lower() in RESPONSE_HEADERS}
    body = {"string": _content(original["body"]["string"], headers, values)}
    return {**original, "headers": headers, "body": body}


def _rewrite(path: Path, values: set[str]) -> None:
    requests, responses, metadata = persister.load_cassette(path, document)
    plain = {**metadata, "identity": metadata["identity"].as_json()}
    cassette = {
        "requests": [redacted_request(entry, values) for entry in requests],
        "responses": [redacted_response(entry, values) for entry in responses],
        "metadata": plain,
    }
    persister.save_cassette(path, cassette, document)


def _content(
    content: bytes | str | None, headers: Mapping[str, Any], values: Collection[str]
) -> bytes | None:
    if content is None:
        return None
    raw = content.encode() if isinstance(content, str) else content
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    packed = pack(raw, kind if isinstance(kind, str) else "".join(kind[:1]))
    return redacted(packed, values).encode()


def _redacted_stream(body: SseBody, hidden: re.Pattern[str]) -> SseBody:
    """Each block's text is taken as a whole; a value goes where it began."""
    whole: dict[Any, list[str]] = {}
    for _, place, piece in _deltas(body):
        whole.setdefault(place, []).append(piece)
    pieces = {place: iter(_cut(texts, hidden)) for place, texts in whole.items()}
    frames: list[str | Frame] = []
    for frame in body.sse:
        if not isinstance(frame, Frame):
            frames.append(hidden.sub(REDACTED, frame))
            continue
        data = with_pieces(frame.data, pieces)
        frames.append(replace(frame, data=_without(data, hidden)))
    return SseBody(frames, hidden.sub(REDACTED, body.rest))


def _deltas(body: SseBody) -> Iterator[tuple[Frame, Any, str]]:
    for frame in body.sse:
        if isinstance(frame, Frame):
            for place, piece in delta_pieces(frame.data):
                yield frame, place, piece


def _cut(pieces: list[str], hidden: re.Pattern[str]) -> list[str]:
    """The pieces without what the pattern finds in them together."""
    spans = [match.span() for match in hidden.finditer("".join(pieces))]
    left: list[str] = []
    start = 0
    for piece in pieces:
        end = start + len(piece)
        text, at = "", start
        for low, high in spans:
            if high <= start or low >= end:
                continue
            text += piece[at - start : max(low, start) - start]
            text += REDACTED if low >= start else ""
            at = min(high, end)
        left.append(text + piece[at - start :])
        start = end
    return left


def _without(tree: Any, hidden: re.Pattern[str]) -> Any:
    if isinstance(tree, str):
        return hidden.sub(REDACTED, tree)
    if isinstance(tree, dict):
        return {hidden.sub(REDACTED, key): _without(value, hidden) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_without(item, hidden) for item in tree]
    return tree


def _any_of(values: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for any of the values, the longest first; None if there are none."""
    ordered = sorted(filter(None, values), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None
