"""The loopback proxy for agent programs: they ask it as they would ask the endpoint.

One server serves a run. Each trial gets a door, a URL prefix that cannot be guessed, and what
comes in by it goes through the trial's tape: recorded on its way to the endpoint, chunk by chunk
as it arrives, or answered from the tape, and then there is no endpoint. The program is given
`DUMMY_KEY`; the real key takes its place here, in whichever header the program sends it.

Requests that only probe whether somebody is there (HEAD, and GET of the prefix itself) are
answered here and not recorded. A request that is not on the tape gets HTTP 400 with
`x-should-retry: false`, so that a program stops instead of trying again.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any, cast

import httpx2

from ferrotape.cassettes.door import Door
from ferrotape.cassettes.tape import Tape

_LARGEST_BODY = 64 * 1024 * 1024
_NOT_GIVEN_BACK = frozenset(
    {"connection", "content-length", "keep-alive", "set-cookie", "transfer-encoding", "upgrade"}
)
_NO_BODY = frozenset({204, 304})


class Proxy:
    """The server. Started by `start`, ended by `stop`. Thread-safe."""

    def __init__(self) -> None:
        self._doors: dict[str, Door] = {}
        handler = type("Handler", (_Handler,), {"doors": self._doors})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="ferrotape-proxy", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to serve, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ends all connections and serves no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @contextmanager
    def door(
        self,
        tape: Tape,
        *,
        upstream: str = "",
        key: str = "",
        timeout_s: float = 600.0,
        secrets: Iterable[str] = (),
    ) -> Iterator[str]:
        """The base URL for the program of one trial.

        What is still under way at the end is broken off.

        Args:
            tape: Where the exchanges are recorded to, or replayed from.
            upstream: Base URL of the endpoint; not used in replay. Its path is put before the
                program's own and is no part of the recording.
            key: The real key; not used in replay.
            timeout_s: Seconds to wait for each piece of a response.
            secrets: What else the program was given that must not get onto the tape.
        """
        token = token_urlsafe(16)
        door = Door(tape, upstream, key, timeout_s, secrets)
        self._doors[token] = door
        try:
            yield f"http://127.0.0.1:{self.port}/{token}"
        finally:
            del self._doors[token]
            door.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def hang_up(self) -> None:
        """Ends what programs kept open."""
        for connection in tuple(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Programs that hang up, or are ended, are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    doors: Mapping[str, Door]
    server: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Notes the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forgets the connection."""
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is overridden
        """Says nothing."""

    def serve(self) -> None:
        """One request, by the door that its path names."""
        try:
            body = self._body()
        except ValueError:
            self.close_connection = True
            self._error(400, "invalid_request_error", "the body cannot be read")
            return
        _, token, *rest = self.path.split("/", 2)
        # A query may follow the token itself.
        token, mark, query = token.partition("?")
        target = f"/{rest[0]}" if rest else f"/{mark}{query}"
        door = self.doors.get(token)
        if door is None:
            self._error(404, "not_found_error", "there is no such trial")
        elif self.command == "HEAD" or (self.command == "GET" and target.partition("?")[0] == "/"):
            self._head(200, [("content-length", "0")])
        else:
            self._exchange(door, target, body)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = serve  # noqa: N815

    def _exchange(self, door: Door, target: str, body: bytes) -> None:
        try:
            response = door.ask(self.command, target, _joined(self.headers), body)
        except (httpx2.RequestError, RuntimeError) as error:  # the latter where it is closed
            message = f"the endpoint did not answer: {type(error).__name__}"
            self._error(502, "api_error", message)
            return
        stream = cast("httpx2.SyncByteStream", response.stream)
        try:
            self._relay(response, stream)
        except (httpx2.RequestError, OSError):
            # The endpoint broke off, and the program is to see that; or the program has gone.
            self.close_connection = True
        finally:
            stream.close()

    def _relay(self, response: httpx2.Response, stream: httpx2.SyncByteStream) -> None:
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in _NOT_GIVEN_BACK
        ]
        if response.status_code in _NO_BODY:
            self._head(response.status_code, headers)
            return
        self._head(response.status_code, [*headers, ("transfer-encoding", "chunked")])
        for chunk in stream:
            if chunk:
                self._write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self._write(b"0\r\n\r\n")

    def _error(self, status: int, kind: str, message: str) -> None:
        tree = {"type": "error", "error": {"type": kind, "message": message}}
        body = json.dumps(tree).encode()
        length = ("content-length", str(len(body)))
        self._head(status, [("content-type", "application/json"), length])
        if self.command != "HEAD":
            self._write(body)

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _write(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def _body(self) -> bytes:
        """The request's body.

        Raises:
            ValueError: It is too large, or its framing is broken.
        """
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(_checked(int(self.headers.get("content-length") or 0)))
        pieces: list[bytes] = []
        total = 0
        while size := int(self.rfile.readline(1024).partition(b";")[0], 16):
            total = _checked(total + size)
            pieces.append(self.rfile.read(size))
            self.rfile.readline(1024)
        while self.rfile.readline(65536).strip():  # trailers
            pass
        return b"".join(pieces)


def _checked(size: int) -> int:
    if not 0 <= size <= _LARGEST_BODY:
        raise ValueError("too large")
    return size


def _joined(headers: Any) -> dict[str, str]:
    """The headers with those that came several times joined, as HTTP allows."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined
