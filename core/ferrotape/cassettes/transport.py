"""httpx2 transports bound to one tape: they record what goes through them, or replay."""

from __future__ import annotations

import httpx2
from vcr.request import Request as TapeRequest

from ferrotape.cassettes.exchange import CLOSED_EARLY, Exchange
from ferrotape.cassettes.playback import play
from ferrotape.cassettes.scope import direct
from ferrotape.cassettes.streams import PlaybackStream, Recording, restored
from ferrotape.cassettes.tape import Tape
from ferrotape.cassettes.timelimit import TimeLimit, Watch


class TapeTransport(httpx2.BaseTransport):
    """Sends requests and records them, or answers them from the tape.

    Recording keeps streaming: the reader gets each chunk as it arrives. Replay never waits and
    has no network: there is no inner transport then.

    Args:
        tape: Where to record to, or to replay from.
        inner: What sends requests while recording; `httpx2.HTTPTransport()` if None.
        limit: The time the calls may take while recording; None for no limit.
    """

    def __init__(
        self,
        tape: Tape,
        inner: httpx2.BaseTransport | None = None,
        limit: TimeLimit | None = None,
    ) -> None:
        _refuse_inner(tape, inner)
        self._tape = tape
        self._limit = limit
        self._inner = None if tape.replaying else inner or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carries out one exchange. A miss in replay is answered by HTTP 400."""
        taped = _taped(request, request.read())
        if self._inner is None:
            return _replayed(self._tape, taped)
        exchange = Exchange(self._tape, taped)
        if self._limit is None:
            return self._send(self._inner, request, exchange)
        with self._limit.watching(request) as watch:
            return self._send(self._inner, request, exchange, watch)

    def _send(
        self,
        inner: httpx2.BaseTransport,
        request: httpx2.Request,
        exchange: Exchange,
        watch: Watch | None = None,
    ) -> httpx2.Response:
        try:
            with direct():
                response = inner.handle_request(request)
        except httpx2.RequestError as error:
            told = watch.told(error) if watch else error
            exchange.fail(type(told).__name__, str(told))
            raise told from error
        recording = Recording(response, exchange, watch)
        if watch:
            watch.keep()
        if _is_error(response):
            return _watched(response, recording.read_on())
        self._tape.expect(recording.break_off)
        return _watched(response, recording)

    def close(self) -> None:
        """Closes the inner transport, if there is one."""
        if self._inner is not None:
            self._inner.close()


class AsyncTapeTransport(httpx2.AsyncBaseTransport):
    """The same for asynchronous clients. A call that is cancelled is recorded as `ClosedEarly`."""

    def __init__(self, tape: Tape, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        _refuse_inner(tape, inner)
        self._tape = tape
        self._inner = None if tape.replaying else inner or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carries out one exchange. A miss in replay is answered by HTTP 400."""
        taped = _taped(request, await request.aread())
        if self._inner is None:
            return _replayed(self._tape, taped)
        exchange = Exchange(self._tape, taped)
        try:
            with direct():
                response = await self._inner.handle_async_request(request)
        except httpx2.RequestError as error:
            exchange.fail(type(error).__name__, str(error))
            raise
        except BaseException:
            exchange.fail(CLOSED_EARLY, "the call was cancelled before there was a response")
            raise
        recording = Recording(response, exchange)
        if _is_error(response):
            return _watched(response, await recording.aread_on())
        self._tape.expect(recording.break_off)
        return _watched(response, recording)

    async def aclose(self) -> None:
        """Closes the inner transport, if there is one."""
        if self._inner is not None:
            await self._inner.aclose()


def _refuse_inner(tape: Tape, inner: object) -> None:
    if tape.replaying and inner is not None:
        raise ValueError("a tape in replay takes no inner transport")


def _taped(request: httpx2.Request, body: bytes) -> TapeRequest:
    return TapeRequest(request.method, str(request.url), body, dict(request.headers))


def _is_error(response: httpx2.Response) -> bool:
    """Clients that try again leave the body of an error unread; it belongs on the tape."""
    return bool(response.status_code >= httpx2.codes.BAD_REQUEST)


def _watched(response: httpx2.Response, stream: Recording | PlaybackStream) -> httpx2.Response:
    """The same response, its body read by way of `stream`."""
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        stream=stream,
        extensions=response.extensions,
    )


def _replayed(tape: Tape, taped: TapeRequest) -> httpx2.Response:
    played = play(tape, taped)
    error = None if played.error is None else restored(played.error)
    if played.code == 0 and error is not None:
        raise error
    return httpx2.Response(
        played.code, headers=list(played.headers), stream=PlaybackStream(played.body, error)
    )
