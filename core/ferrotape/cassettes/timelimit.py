"""A time limit that really ends a call: at its end the call's connection is shut down.

A client's own timeouts bound single reads, so that a stream which dribbles on, or stalls at the
wrong moment, outlives them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import httpx2

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_SHORTEST_S = 0.001
OVER: Final = "the time limit of the trial"
"""What a client is told of a call that was ended."""


class TimeLimit:
    """The time an attempt may take, over all its calls. Thread-safe.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        # Re-entrant, because Ctrl-C may call `cut` in a thread that holds it.
        self._lock = threading.RLock()
        self._under_way: set[Ending] = set()
        self._cut = False

    @property
    def left_s(self) -> float:
        """Seconds left; never quite 0, so that a call made too late is recorded as such."""
        return max(_SHORTEST_S, self._deadline - time.monotonic())

    @contextmanager
    def watching(self, request: httpx2.Request) -> Iterator[Watch]:
        """Watches a request until its response is there; `Watch.keep` goes on to its body."""
        watch = Watch(self, request)
        self._begin(watch)
        try:
            yield watch
        except BaseException:
            watch.done()
            raise
        if not watch.kept:
            watch.done()

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[Ending]:
        """Calls `end`, in any thread, if the time is over before this is left."""
        ending = Ending(self, end)
        self._begin(ending)
        try:
            yield ending
        finally:
            ending.done()

    @asynccontextmanager
    async def awaiting(self) -> AsyncIterator[Ending]:
        """Breaks off what is awaited inside when the time is over; for asyncio.

        Raises:
            TimeoutError: It was broken off.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as timeout:

            def expire() -> None:
                with suppress(RuntimeError):  # it has been left
                    timeout.reschedule(0)

            def end() -> None:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(expire)

            with self.ending(end) as ending:
                yield ending

    def cut(self) -> None:
        """Ends every call under way at once, and those to come."""
        with self._lock:
            self._cut = True
            for ending in tuple(self._under_way):
                ending.end()

    def forget(self, ending: Ending) -> None:
        """The call has come to its end."""
        with self._lock:
            self._under_way.discard(ending)

    def _begin(self, ending: Ending) -> None:
        with self._lock:
            self._under_way.add(ending)
            if self._cut:
                ending.end()


class Ending:
    """One call that has an end."""

    def __init__(self, limit: TimeLimit, end: Callable[[], object]) -> None:
        self.ended = False
        """Whether it was the limit that ended it."""
        self._limit = limit
        self._end = end
        self._timer = threading.Timer(limit.left_s, self.end)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Ends the call."""
        self.ended = True
        self._end()

    def done(self) -> None:
        """The call has come to its end."""
        self._timer.cancel()
        self._limit.forget(self)


class Watch(Ending):
    """One call of httpx2 under watch."""

    def __init__(self, limit: TimeLimit, request: httpx2.Request) -> None:
        self.kept = False
        self._socket: socket.socket | None = None
        self._lock = threading.RLock()
        left = limit.left_s
        given = request.extensions.get("timeout", {})
        limits = {name: _smaller(given.get(name), left) for name in ("connect", "read", "write")}
        request.extensions = {
            **request.extensions,
            "timeout": {**given, **limits},
            "trace": self._trace,
        }
        super().__init__(limit, self._shut)

    def keep(self) -> None:
        """The response has begun; the body is watched until `done`."""
        self.kept = True

    def told(self, error: httpx2.RequestError) -> httpx2.RequestError:
        """What to tell the agent: a timeout, if it was the limit that ended the call."""
        return httpx2.ReadTimeout(OVER) if self.ended else error

    def _shut(self) -> None:
        with self._lock:
            shut_down(self._socket)

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        if name not in _CONNECTED:
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self.ended:
                shut_down(self._socket)


def _smaller(given: float | None, left: float) -> float:
    return left if given is None else min(given, left)


def shut_down(connection: socket.socket | None) -> None:
    """Ends a connection for whoever reads or writes it; to close its socket wakes nobody."""
    if connection is not None:
        with suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_RDWR)
