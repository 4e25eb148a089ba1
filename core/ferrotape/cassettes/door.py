"""What one trial's program reaches by its URL on the proxy: the endpoint, or the tape."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from ferrotape.cassettes import scrub
from ferrotape.cassettes.tape import Tape
from ferrotape.cassettes.transport import TapeTransport

DUMMY_KEY: Final = "ferrotape-dummy-key"
"""What a program is given in place of a key."""

_NOWHERE = "http://replay.invalid"
_CONNECT_S = 10.0
_NOT_FORWARDED = frozenset(
    {
        "accept-encoding",  # a compressed stream comes in larger pieces, and later
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)


class Door:
    """A way through the trial's tape; see `Proxy.door` for what it is made of."""

    def __init__(
        self, tape: Tape, upstream: str, key: str, timeout_s: float, secrets: Iterable[str] = ()
    ) -> None:
        tape.hide(scrub.hidden((key, *secrets)))
        upstream = _NOWHERE if tape.replaying else upstream.rstrip("/")
        self._host = "{0.scheme}://{0.netloc}".format(urlsplit(upstream))
        inner = None if tape.replaying else _Onward(urlsplit(upstream).path)
        self._transport = TapeTransport(tape, inner)
        self._key = key
        self._timeout_s = timeout_s
        self._sockets: list[socket.socket] = []

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> httpx2.Response:
        """One exchange; the response is to be read by its stream.

        Raises:
            httpx2.RequestError: There was no response.
        """
        seconds = self._timeout_s
        patience = {"connect": _CONNECT_S, "read": seconds, "write": seconds, "pool": seconds}
        forwarded = [
            (name, value.replace(DUMMY_KEY, self._key) if self._key else value)
            for name, value in headers.items()
            if name.lower() not in _NOT_FORWARDED
        ]
        request = httpx2.Request(
            method,
            self._host + target,
            headers=[*forwarded, ("accept-encoding", "identity")],
            content=body,
            extensions={"timeout": patience, "trace": self._note},
        )
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Breaks off what is under way: to close a socket wakes nobody, to shut it down does."""
        for open_socket in self._sockets:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._transport.close()

    def _note(self, event: str, details: Mapping[str, Any]) -> None:
        """Keeps the sockets that connections are made with; called by the HTTP client."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._sockets.append(details["return_value"].get_extra_info("socket"))


class _Onward(httpx2.BaseTransport):
    """Puts the path of the upstream's base URL before that of each request."""

    def __init__(self, path: str) -> None:
        self._path = path.encode()
        self._inner = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url.copy_with(raw_path=self._path + request.url.raw_path)
        moved = httpx2.Request(
            request.method,
            url,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        )
        return self._inner.handle_request(moved)

    def close(self) -> None:
        self._inner.close()
