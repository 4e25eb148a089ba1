"""A time limit that really ends a call: at its end the call's connection is shut down.

A client's own timeouts bound single reads, so that a stream which dribbles on, or stalls at the
wrong moment, outlives them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_SHORTEST_S = 0.001


class TimeLimit:
    """The time an attempt may take, over all its calls. Thread-safe.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._under_way: set[Watch] = set()
        self._cut = False

    @property
    def left_s(self) -> float:
        """Seconds left; never quite 0, so that a call made too late is recorded as such."""
        return max(_SHORTEST_S, self._deadline - time.monotonic())

    @contextmanager
    def watching(self, request: httpx2.Request) -> Iterator[Watch]:
        """Watches a request until its response is there; `Watch.keep` goes on to its body."""
        watch = Watch(self, request)
        with self._lock:
            self._under_way.add(watch)
            if self._cut:
                watch.end()
        try:
            yield watch
        except BaseException:
            watch.done()
            raise
        if not watch.kept:
            watch.done()

    def cut(self) -> None:
        """Ends every call under way at once, and those to come."""
        with self._lock:
            self._cut = True
            for watch in self._under_way:
                watch.end()

    def forget(self, watch: Watch) -> None:
        """The call has come to its end."""
        with self._lock:
            self._under_way.discard(watch)


class Watch:
    """One call under watch."""

    def __init__(self, limit: TimeLimit, request: httpx2.Request) -> None:
        self.kept = False
        self._limit = limit
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._ended = False
        left = limit.left_s
        given = request.extensions.get("timeout", {})
        limits = {name: _smaller(given.get(name), left) for name in ("connect", "read", "write")}
        request.extensions = {
            **request.extensions,
            "timeout": {**given, **limits},
            "trace": self._trace,
        }
        self._timer = threading.Timer(left, self.end)
        self._timer.daemon = True
        self._timer.start()

    def keep(self) -> None:
        """The response has begun; the body is watched until `done`."""
        self.kept = True

    def end(self) -> None:
        """Shuts the connection down."""
        with self._lock:
            self._ended = True
            _shut_down(self._socket)

    def done(self) -> None:
        """The call has come to its end."""
        self._timer.cancel()
        self._limit.forget(self)

    def told(self, error: httpx2.RequestError) -> httpx2.RequestError:
        """What to tell the agent: a timeout, if it was the limit that ended the call."""
        return httpx2.ReadTimeout("the time limit of the trial") if self._ended else error

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        if name not in _CONNECTED:
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._ended:
                _shut_down(self._socket)


def _smaller(given: float | None, left: float) -> float:
    return left if given is None else min(given, left)


def _shut_down(connection: socket.socket | None) -> None:
    if connection is not None:
        with suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_RDWR)
