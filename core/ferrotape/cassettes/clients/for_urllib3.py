"""urllib3, and with it requests: vcrpy's stubs, with failed exchanges recorded and replayed too.

What the stubs send is let through the socket guard, and ends with the trial's time.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING, Any
from unittest import mock

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
)
from vcr.stubs import VCRConnection

from ferrotape.cassettes.exchange import CLOSED_EARLY
from ferrotape.cassettes.playback import Recorded
from ferrotape.cassettes.scope import current_limit, direct
from ferrotape.cassettes.timelimit import OVER, Ending, TimeLimit, shut_down

if TYPE_CHECKING:
    from ferrotape.cassettes.routing import Router

_TIMEOUTS = frozenset({"ReadTimeout", "WriteTimeout", CLOSED_EARLY})


def patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    """What to patch: class, attribute, replacement; vcrpy's builder does the rest."""
    respond = VCRConnection.getresponse
    join = VCRConnection.connect

    @functools.wraps(respond)
    def getresponse(self: Any, *arguments: Any, **options: Any) -> Any:
        if self.cassette is not router:
            return respond(self, *arguments, **options)
        try:
            with _sending(self.real_connection):
                return respond(self, *arguments, **options)
        except Recorded as recorded:
            raise _restored(recorded, self) from None
        except (OSError, HTTPException, HTTPError) as error:
            router.fail(self._vcr_request, _kind(error), str(error))
            raise

    @functools.wraps(join)
    def connect(self: Any, *arguments: Any, **options: Any) -> None:
        if self.cassette is not router:
            join(self, *arguments, **options)
            return
        # Only `getresponse` knows whether there is anything to connect for: the request that is
        # at hand now may be the one before.
        self._deferred_connect = (arguments, options)

    yield VCRConnection, "getresponse", getresponse
    yield VCRConnection, "connect", connect


@contextmanager
def _sending(connection: Any) -> Iterator[None]:
    """Lets a connection of urllib3 connect, and ends it at the trial's time limit.

    Raises:
        TimeoutError: The time is over.
    """
    limit = current_limit()
    connect, respond = connection.connect, connection.getresponse
    sending = _Sending(connection.sock)

    def connecting(*arguments: Any, **options: Any) -> None:
        with direct():
            connect(*arguments, **options)
        sending.on(connection.sock)

    def responding(*arguments: Any, **options: Any) -> Any:
        response = respond(*arguments, **options)
        sending.check()  # a body that ends with its connection seems to be whole
        return response

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(connection, "connect", connecting))
        stack.enter_context(mock.patch.object(connection, "getresponse", responding))
        if limit is not None:
            stack.enter_context(sending.within(limit))
            connection.timeout = _smaller(connection.timeout, limit.left_s)
        try:
            yield
        except (OSError, HTTPException, HTTPError, ValueError):  # the last by TLS, once shut down
            sending.check()
            raise


class _Sending:
    """The socket of a call under way, and whether its time is over."""

    def __init__(self, connected: socket.socket | None) -> None:
        self._socket = connected
        self._ending: Ending | None = None

    @contextmanager
    def within(self, limit: TimeLimit) -> Iterator[None]:
        """Shuts the socket down at the limit."""
        with limit.ending(lambda: shut_down(self._socket)) as self._ending:
            yield

    def on(self, connected: socket.socket) -> None:
        """The call goes by this socket."""
        self._socket = connected
        if self._ending is not None and self._ending.ended:
            shut_down(connected)

    def check(self) -> None:
        """Raises TimeoutError if the limit has ended the call."""
        if self._ending is not None and self._ending.ended:
            raise TimeoutError(OVER)


def _smaller(given: Any, left_s: float) -> float:
    """A timeout of urllib3, which may be None or a mark for the default, within what is left."""
    return min(given, left_s) if isinstance(given, (int, float)) else left_s


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
