"""Puts what is no HTTP onto a trial's tape, as a request that is answered on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from ferrotape import Session

_HOST = "http://program.invalid"


class OutOfTimeError(Exception):
    """What was asked did not answer in time."""


def exchanged(
    session: Session,
    place: str,
    asked: Mapping[str, Any],
    ask: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """The result of `ask` while recording; in replay, what it gave then.

    Args:
        session: The trial's.
        place: The path of the request on the tape, such as `/command`.
        asked: What the result depends on: the body of the request, JSON values.
        ask: Gives JSON values. Not called in replay.

    Raises:
        OutOfTimeError: From `ask`, and in replay again.
        RuntimeError: In replay, it is not on the tape; the tape tells when it is closed.
    """
    with httpx2.Client(transport=session.through(_Asked(ask)), timeout=None) as client:
        try:
            response = client.post(f"{_HOST}{place}", json=asked)
        except httpx2.ReadTimeout as error:
            raise OutOfTimeError from error
    if response.is_error:
        raise RuntimeError("this is not on the recording")
    told: dict[str, Any] = response.json()
    return told


class _Asked(httpx2.BaseTransport):
    def __init__(self, ask: Callable[[], Mapping[str, Any]]) -> None:
        self._ask = ask

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            told = self._ask()
        except OutOfTimeError as error:
            raise httpx2.ReadTimeout("the program ran out of time", request=request) from error
        headers = {"content-type": "application/json"}
        body = json.dumps(told, ensure_ascii=False).encode(errors="replace")
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(body))
