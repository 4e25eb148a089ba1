"""urllib3, and with it requests: vcrpy's stubs, with failed exchanges recorded and replayed too."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
)
from vcr.stubs import VCRConnection

from ferrotape.cassettes.exchange import CLOSED_EARLY
from ferrotape.cassettes.playback import Recorded

if TYPE_CHECKING:
    from ferrotape.cassettes.routing import Router

_TIMEOUTS = frozenset({"ReadTimeout", "WriteTimeout", CLOSED_EARLY})


def patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    """What to patch: class, attribute, replacement; vcrpy's builder does the rest."""
    respond = VCRConnection.getresponse

    @functools.wraps(respond)
    def getresponse(self: Any, *arguments: Any, **options: Any) -> Any:
        if self.cassette is not router:
            return respond(self, *arguments, **options)
        try:
            return respond(self, *arguments, **options)
        except Recorded as recorded:
            raise _restored(recorded, self) from None
        except (OSError, HTTPException, HTTPError) as error:
            router.fail(self._vcr_request, _kind(error), str(error))
            raise

    yield VCRConnection, "getresponse", getresponse


def _kind(error: Exception) -> str:
    """The name of the httpx2 exception that stands for an error, the special ones first."""
    kinds = (
        (ConnectTimeoutError, "ConnectTimeout"),
        (NewConnectionError, "ConnectError"),
        (ConnectionRefusedError, "ConnectError"),
        ((TimeoutError, ReadTimeoutError), "ReadTimeout"),
        (ConnectionResetError, "ReadError"),  # RemoteDisconnected is one as well
        (OSError, "ReadError"),
    )
    if isinstance(error, RemoteDisconnected):
        return "RemoteProtocolError"
    return next((name for kind, name in kinds if isinstance(error, kind)), "RemoteProtocolError")


def _restored(recorded: Recorded, connection: Any) -> Exception:
    """An error that urllib3 treats as it treated the one that was recorded."""
    if recorded.kind in _TIMEOUTS:
        return TimeoutError(recorded.message)
    if recorded.kind == "ConnectTimeout":
        return ConnectTimeoutError(recorded.message)
    if recorded.kind == "ConnectError":
        return NewConnectionError(connection, recorded.message)
    if recorded.kind == "RemoteProtocolError":
        return RemoteDisconnected(recorded.message)
    return ConnectionResetError(recorded.message)
