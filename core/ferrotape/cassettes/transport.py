"""An httpx2 transport bound to one tape: it records what goes through it, or replays."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import httpx2
from vcr.request import Request as TapeRequest

from ferrotape.cassettes import scrub
from ferrotape.cassettes.tape import Tape

CLOSED_EARLY = "ClosedEarly"
"""The error of an exchange whose reader stopped before its end."""

_ERRORS: Mapping[str, type[httpx2.RequestError]] = {
    error.__name__: error
    for error in (
        httpx2.CloseError,
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.DecodingError,
        httpx2.LocalProtocolError,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.ReadError,
        httpx2.ReadTimeout,
        httpx2.RemoteProtocolError,
        httpx2.UnsupportedProtocol,
        httpx2.WriteError,
        httpx2.WriteTimeout,
    )
}
_REPLAY_DROPS = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})


class TapeTransport(httpx2.BaseTransport):
    """Sends requests and records them, or answers them from the tape.

    Recording keeps streaming: the reader gets each chunk as it arrives. Replay never waits and
    has no network: there is no inner transport then.

    Args:
        tape: Where to record to, or to replay from.
        inner: What sends requests while recording; `httpx2.HTTPTransport()` if None.
    """

    def __init__(self, tape: Tape, inner: httpx2.BaseTransport | None = None) -> None:
        if tape.replaying and inner is not None:
            raise ValueError("a tape in replay takes no inner transport")
        self._tape = tape
        self._inner = None if tape.replaying else inner or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carries out one exchange. A miss in replay is answered by HTTP 400.

        That way no client takes it for a broken connection and tries again; the tape keeps it
        and raises it when it is closed.
        """
        body = request.read()
        taped = TapeRequest(request.method, str(request.url), body, dict(request.headers))
        if self._inner is None:
            return _replayed(self._tape.play(taped))
        exchange = _Exchange(self._tape, taped, request)
        try:
            response = self._inner.handle_request(request)
        except httpx2.RequestError as error:
            exchange.fail(error)
            raise
        return exchange.watch(response)

    def close(self) -> None:
        """Closes the inner transport, if there is one."""
        if self._inner is not None:
            self._inner.close()


class _Exchange:
    """One request under way while recording."""

    def __init__(self, tape: Tape, taped: TapeRequest, request: httpx2.Request) -> None:
        self._tape = tape
        self._taped = taped
        self._secrets = scrub.secrets(request.headers)
        self._loopback = is_loopback(request.url.host)
        self._sent = time.monotonic()

    def fail(self, error: httpx2.RequestError) -> None:
        """There was no response."""
        self._add(
            {
                "status": {"code": 0, "message": ""},
                "headers": {},
                "timing": {"ttfb_s": None, "latency_s": self.seconds()},
                "error": _described(error),
                "body": {"string": b""},
            }
        )

    def watch(self, response: httpx2.Response) -> httpx2.Response:
        """The same response, unread, and its stream recorded as it is read."""
        stream = cast("httpx2.SyncByteStream", response.stream)
        recording = _Recording(stream, self, response)
        if response.status_code >= httpx2.codes.BAD_REQUEST:
            # Clients that try again leave the body of an error unread; it belongs on the tape.
            watched: httpx2.SyncByteStream = recording.read_on()
        else:
            self._tape.expect(recording.break_off)
            watched = recording
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=watched,
            extensions=response.extensions,
        )

    def finish(
        self,
        response: httpx2.Response,
        content: bytes,
        ttfb_s: float | None,
        error: Mapping[str, str] | None,
    ) -> None:
        """The response has been read, to its end or to where it broke off."""
        headers: dict[str, list[str]] = {}
        for name, value in response.headers.multi_items():
            headers.setdefault(name, []).append(value)
        body = scrub.redact(_decoded(content, response), self._secrets)
        entry = {
            "status": {"code": response.status_code, "message": response.reason_phrase},
            "headers": headers,
            "timing": {"ttfb_s": ttfb_s, "latency_s": self.seconds()},
            "body": {"string": body},
        }
        self._add(entry if error is None else {**entry, "error": dict(error)})

    def seconds(self) -> float:
        """Since the request was sent, to a tenth of a millisecond."""
        return round(time.monotonic() - self._sent, 4)

    def _add(self, entry: dict[str, Any]) -> None:
        self._tape.add(self._taped, entry, loopback=self._loopback)


class _Recording(httpx2.SyncByteStream):
    """Hands chunks on as they arrive, and tells the exchange when there are no more."""

    def __init__(
        self, stream: httpx2.SyncByteStream, exchange: _Exchange, response: httpx2.Response
    ) -> None:
        self._stream = stream
        self._exchange = exchange
        self._response = response
        self._chunks: list[bytes] = []
        self._ttfb_s: float | None = None
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                if self._ttfb_s is None:
                    self._ttfb_s = self._exchange.seconds()
                self._chunks.append(chunk)
                yield chunk
        except httpx2.RequestError as error:
            self._finish(_described(error))
            raise
        self._finish(None)

    def close(self) -> None:
        self._stream.close()
        self.break_off()

    def read_on(self) -> _Playback:
        """Reads to the end now, and gives the same bytes and error to whoever reads later."""
        failure: httpx2.RequestError | None = None
        try:
            for _ in self:
                pass
        except httpx2.RequestError as error:
            failure = error
        finally:
            self._stream.close()
        return _Playback(b"".join(self._chunks), failure)

    def break_off(self) -> None:
        """Takes what has been read for all that was wanted; too late after the end."""
        self._finish({"type": CLOSED_EARLY, "message": "the agent stopped reading here"})

    def _finish(self, error: Mapping[str, str] | None) -> None:
        if not self._done:
            self._done = True
            content = b"".join(self._chunks)
            self._exchange.finish(self._response, content, self._ttfb_s, error)


class _Playback(httpx2.SyncByteStream):
    """A body that is known, and the error it broke off with."""

    def __init__(self, body: bytes, error: httpx2.RequestError | None) -> None:
        self._body = body
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        if self._body:
            yield self._body
        if self._error is not None:
            raise self._error


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _replayed(recorded: Mapping[str, Any] | None) -> httpx2.Response:
    if recorded is None:
        message = "This request is not on the recording."
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
        headers = {"content-type": "application/json", "x-should-retry": "false"}
        return httpx2.Response(400, headers=headers, content=json.dumps(error).encode())
    code, error_of = recorded["status"]["code"], recorded.get("error")
    if code == 0:
        raise _restored(error_of or {"type": "", "message": ""})
    return httpx2.Response(
        code,
        headers=_replayed_headers(code, recorded["headers"], more=recorded["more"]),
        stream=_Playback(recorded["body"]["string"] or b"", error_of and _restored(error_of)),
    )


def _replayed_headers(
    code: int, recorded: Mapping[str, list[str]], *, more: bool
) -> list[tuple[str, str]]:
    """The recorded headers; those of an error tell the client to do as it did, without waiting."""
    pairs = [(name, value) for name, values in recorded.items() for value in values]
    if code < httpx2.codes.BAD_REQUEST:
        return pairs
    kept = [pair for pair in pairs if pair[0] not in _REPLAY_DROPS]
    return [*kept, ("retry-after-ms", "1"), ("x-should-retry", "true" if more else "false")]


def _described(error: httpx2.RequestError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}


def _restored(error: Mapping[str, str]) -> httpx2.RequestError:
    """The recorded error; one who reads beyond `ClosedEarly` runs out of time, as it was then."""
    kind = httpx2.ReadTimeout if error["type"] == CLOSED_EARLY else httpx2.TransportError
    return _ERRORS.get(error["type"], kind)(error["message"])


def _decoded(content: bytes, response: httpx2.Response) -> bytes:
    """The content without its encoding (gzip, ...), as far as it can be decoded."""
    encoding = response.headers.get("content-encoding")
    if encoding is None or not content:
        return content
    encoded = httpx2.Response(
        200, headers={"content-encoding": encoding}, stream=httpx2.ByteStream(content)
    )
    chunks: list[bytes] = []
    with contextlib.suppress(httpx2.DecodingError):  # broken off: what came before stands
        for chunk in encoded.iter_bytes():
            chunks.append(chunk)  # noqa: PERF402 - `extend` would lose them
    return b"".join(chunks)
