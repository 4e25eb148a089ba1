"""A real HTTP server on this machine that speaks the Messages API, with faults on demand."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import threading
import zlib
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NoReturn, Self

from ferrotape.testing.batches import ROOT as BATCHES
from ferrotape.testing.batches import LoopbackBatches
from ferrotape.testing.faults import Delay, ErrorEvent, Fault, HttpError, Reset, Truncation
from ferrotape.testing.messages import Answer, Event, events, message

_JSON = "application/json"
_LINES = "application/x-jsonl"
_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that reached the endpoint; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class LoopbackMessages:
    """The endpoint, a context manager. It serves from its own threads until it is left.

    Args:
        answer: Gives the answer to a request's JSON body; a `LookupError` becomes HTTP 400.
        compress: Whether responses are compressed with gzip.
        headers: Sent with every response.
        port: 0 for any free one.
    """

    def __init__(
        self,
        answer: Callable[[Mapping[str, Any]], Answer],
        *,
        compress: bool = False,
        headers: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self._answer = answer
        self._compress = compress
        self._headers = dict(headers or {})
        self._faults: deque[Fault] = deque()
        self._seen: list[SeenRequest] = []
        self._asked: Counter[bytes] = Counter()
        self._lock = threading.Lock()
        self._left = threading.Event()
        self.batches = LoopbackBatches(answer)
        """What was asked for by `/v1/messages/batches`."""
        handler = type("Handler", (_Handler,), {"endpoint": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def base_url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """What it was asked so far, in order."""
        with self._lock:
            return tuple(self._seen)

    def fail(self, *faults: Fault) -> None:
        """Queues faults; each goes to one request, in order of arrival."""
        with self._lock:
            self._faults.extend(faults)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def _arrived(self, request: SeenRequest) -> tuple[Fault | None, int]:
        """Notes a request; its fault if any, and how many equal ones came before."""
        with self._lock:
            self._seen.append(request)
            self._asked[request.body] += 1
            fault = self._faults.popleft() if self._faults else None
            return fault, self._asked[request.body]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def hang_up(self) -> None:
        """Ends what clients kept open, so that no handler waits for their next request."""
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the game."""


class _Refusal(Exception):
    def __init__(self, error: HttpError) -> None:
        self.error = error


class _HungUp(Exception):
    """The connection is to be closed as it is."""


class _Handler(BaseHTTPRequestHandler):
    endpoint: LoopbackMessages
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

    def do_GET(self) -> None:
        """Answers what is asked of batches, with the next fault if one is queued."""
        self.do_POST()

    def do_POST(self) -> None:
        """Answers `/v1/messages` and batches, with the next fault if one is queued."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = SeenRequest(self.command, self.path, headers, body)
        fault, ordinal = self.endpoint._arrived(seen)
        try:
            self._respond(seen, fault, ordinal)
        except _Refusal as refusal:
            self._send_error(refusal.error)
        except (_HungUp, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _respond(self, seen: SeenRequest, fault: Fault | None, ordinal: int) -> None:
        if isinstance(fault, HttpError):
            raise _Refusal(fault)
        if isinstance(fault, Reset) and fault.after_events is None:
            self._reset()
        if isinstance(fault, Delay):
            self.endpoint._left.wait(fault.before_s)
        if seen.path.startswith(BATCHES):
            self._batch(seen)
            return
        request = _request(seen)
        try:
            whole = message(request, self.endpoint._answer(request), ordinal)
        except LookupError as error:
            reason = str(error.args[0]) if error.args else "no answer"
            raise _Refusal(HttpError(400, "invalid_request_error", reason)) from error
        if request.get("stream"):
            self._stream(whole, fault)
        else:
            self._send(200, _JSON, _json(whole))

    def _batch(self, seen: SeenRequest) -> None:
        batches, place = self.endpoint.batches, self.endpoint.base_url
        name, _, part = seen.path.removeprefix(BATCHES).strip("/").partition("/")
        try:
            if seen.method == "POST" and not name:
                self._send(200, _JSON, _json(batches.create(json.loads(seen.body), place)))
            elif part == "results":
                self._send(200, _LINES, batches.results(name))
            else:
                self._send(200, _JSON, _json(batches.retrieve(name, place)))
        except LookupError as error:
            raise _Refusal(HttpError(404, "not_found_error", str(error))) from error
        except ValueError as error:
            raise _Refusal(HttpError(400, "invalid_request_error", str(error))) from error

    def _stream(self, whole: Mapping[str, Any], fault: Fault | None) -> None:
        self._begin(200, _STREAM, {"transfer-encoding": "chunked"})
        packer = _Packer(compress=self.endpoint._compress)
        for number, event in enumerate(events(whole)):
            if isinstance(fault, (Reset, Truncation, ErrorEvent)) and number == fault.after_events:
                self._break_off(fault, packer, event)
                return
            if isinstance(fault, Delay) and number:
                self.endpoint._left.wait(fault.between_s)
            self._chunk(packer.pack(_frame(*event)))
        self._chunk(packer.end())
        self._chunk(b"", last=True)

    def _break_off(
        self, fault: Reset | Truncation | ErrorEvent, packer: _Packer, event: Event
    ) -> None:
        if isinstance(fault, Reset):
            self._reset()
        if isinstance(fault, Truncation):
            frame = _frame(*event)
            self._chunk(packer.pack(frame[: len(frame) // 2]))
            self.connection.shutdown(socket.SHUT_RDWR)
            raise _HungUp
        self._chunk(packer.pack(_frame("error", _error(fault.type, "injected"))))
        self._chunk(packer.end())
        self._chunk(b"", last=True)

    def _send_error(self, error: HttpError) -> None:
        self._send(error.status, _JSON, _json(_error(error.type, error.message)), error.headers)

    def _send(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        packed = gzip.compress(body) if self.endpoint._compress else body
        self._begin(status, content_type, {"content-length": str(len(packed)), **(headers or {})})
        self.wfile.write(packed)

    def _begin(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        encoding = {"content-encoding": "gzip"} if self.endpoint._compress else {}
        # A few headers that must not get onto a tape, as the real service sends them.
        service = {"request-id": "req_0", "set-cookie": "session=secret", **self.endpoint._headers}
        for name, value in {"content-type": content_type, **encoding, **service, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, content: bytes, *, last: bool = False) -> None:
        if content or last:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
            self.wfile.flush()

    def _reset(self) -> NoReturn:
        linger_none = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
        self.connection.close()
        raise _HungUp


class _Packer:
    """Compresses a stream piece by piece, if at all."""

    def __init__(self, *, compress: bool) -> None:
        self._squeeze = zlib.compressobj(wbits=31) if compress else None

    def pack(self, piece: bytes) -> bytes:
        if self._squeeze is None:
            return piece
        return self._squeeze.compress(piece) + self._squeeze.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return b"" if self._squeeze is None else self._squeeze.flush()


def _request(seen: SeenRequest) -> Mapping[str, Any]:
    if seen.path.partition("?")[0] != "/v1/messages":
        raise _Refusal(HttpError(404, "not_found_error", f"no such endpoint: {seen.path}"))
    try:
        request = json.loads(seen.body)
    except ValueError as error:
        raise _Refusal(HttpError(400, "invalid_request_error", f"no JSON: {error}")) from error
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        raise _Refusal(HttpError(400, "invalid_request_error", "messages: a list is required"))
    return request


def _frame(name: str, data: Mapping[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _json(data))


def _error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


def _json(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
