"""A recording for reading: what it was made for, its calls, what was said in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcr.request import Request

from ferrotape.cassettes import document, persister
from ferrotape.cassettes.body import Body, pack
from ferrotape.cassettes.conversation import Said, answered, asked
from ferrotape.cassettes.identity import Identity
from ferrotape.model import Call

_PLACE = re.compile(r"([^/]+)/([^/]+)/([^/]+)/round-([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """A request and what came back, headers as they are in the file."""

    method: str
    uri: str
    request_headers: Mapping[str, Any]
    request: Body | None
    response_headers: Mapping[str, Any]
    response: Body | None
    call: Call
    """Status and times."""

    @property
    def prompt(self) -> str:
        """What was asked."""
        return asked(self.request)

    @property
    def said(self) -> Said:
        """What was answered."""
        return answered(self.response)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A whole, valid cassette."""

    path: Path
    size: int
    """Of the file, in bytes."""
    recorded_at: str
    measured: bool
    outcome: str
    identity: Identity
    exchanges: tuple[Exchanged, ...]

    @property
    def prompt(self) -> str:
        """What the first call asked."""
        return self.exchanges[0].prompt if self.exchanges else ""

    @property
    def answer(self) -> str:
        """What the last call was answered."""
        return self.exchanges[-1].said.text if self.exchanges else ""


def open_recording(path: Path) -> Recording:
    """Reads a cassette as strictly as replay does.

    Raises:
        CassetteMissing: There is no such file.
        CassetteCorrupt: It is no whole, valid cassette.
    """
    requests, responses, metadata = persister.load_cassette(path, document)
    return Recording(
        path=path,
        size=path.stat().st_size,
        recorded_at=metadata["recorded_at"],
        measured=metadata["measured"],
        outcome=metadata["outcome"],
        identity=metadata["identity"],
        exchanges=tuple(
            _exchanged(index, request, response)
            for index, (request, response) in enumerate(zip(requests, responses, strict=True))
        ),
    )


def key_of(path: Path) -> str | None:
    """The key of the trial whose recording lies at that place; None if it is no such place."""
    match = _PLACE.fullmatch("/".join(path.parts[-4:]))
    return None if match is None else "/".join(path.parts[-4:]).removesuffix(".json")


def _exchanged(index: int, request: Request, response: Mapping[str, Any]) -> Exchanged:
    timing = response["timing"]
    return Exchanged(
        method=request.method,
        uri=request.uri,
        request_headers=dict(request.headers),
        request=_body(request.body, request.headers),
        response_headers=dict(response["headers"]),
        response=_body(response["body"]["string"], response["headers"]),
        call=Call(
            index=index,
            status=response["status"]["code"],
            latency_s=timing["latency_s"],
            ttfb_s=timing["ttfb_s"],
            error=response.get("error", {}).get("type", ""),
        ),
    )


def _body(content: bytes | str | None, headers: Mapping[str, Any]) -> Body | None:
    if content is None:
        return None
    raw = content.encode() if isinstance(content, str) else content
    given = headers.get("content-type", "")
    return pack(raw, given if isinstance(given, str) else "".join(given[:1]))
