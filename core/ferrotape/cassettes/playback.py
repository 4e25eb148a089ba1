"""A recorded response on its way to a client, whichever client that is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from vcr.request import Request

from ferrotape.cassettes.tape import Tape

_REPLAY_DROPS = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})
_MISS = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "This request is not on the recording."},
}


class Recorded(Exception):
    """A recorded exchange that ended without a whole response, on its way to a client's patch."""

    def __init__(self, error: Mapping[str, str]) -> None:
        super().__init__(error["message"])
        self.kind = error["type"]
        """The name of an httpx2 exception, or `ClosedEarly`."""
        self.message = error["message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """What a client is given. With code 0 there is no response, only the error."""

    code: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    error: Mapping[str, str] | None
    """How it broke off, after the body: `type`, the name of an httpx2 exception, and `message`."""


def play(tape: Tape, request: Request) -> Playback:
    """What the tape answers. A miss is answered by HTTP 400.

    That way no client takes it for a broken connection and tries again; the tape keeps it and
    raises it when it is closed.
    """
    recorded = tape.play(request)
    if recorded is None:
        return Playback(
            code=400,
            reason="Bad Request",
            headers=(("content-type", "application/json"), ("x-should-retry", "false")),
            body=json.dumps(_MISS).encode(),
            error=None,
        )
    code: int = recorded["status"]["code"]
    error = recorded.get("error")
    if code == 0 and error is None:
        error = {"type": "", "message": ""}
    return Playback(
        code=code,
        reason=recorded["status"]["message"],
        headers=_headers(code, recorded["headers"], more=recorded["more"]),
        body=recorded["body"]["string"] or b"",
        error=error,
    )


def _headers(
    code: int, recorded: Mapping[str, list[str]], *, more: bool
) -> tuple[tuple[str, str], ...]:
    """The recorded headers; those of an error tell the client to do as it did, without waiting."""
    pairs = [(name, value) for name, values in recorded.items() for value in values]
    if code < HTTPStatus.BAD_REQUEST:
        return tuple(pairs)
    kept = [pair for pair in pairs if pair[0] not in _REPLAY_DROPS]
    return (*kept, ("retry-after-ms", "1"), ("x-should-retry", "true" if more else "false"))
