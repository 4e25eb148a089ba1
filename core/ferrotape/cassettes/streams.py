"""Bodies of httpx2 responses: recorded while they are read, or played back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import cast

import httpx2

from ferrotape.cassettes.exchange import CLOSED_EARLY, Exchange
from ferrotape.cassettes.timelimit import Watch

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


class Recording(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """Hands chunks on as they arrive, and ends the exchange when there are no more."""

    def __init__(
        self, response: httpx2.Response, exchange: Exchange, watch: Watch | None = None
    ) -> None:
        self._response = response
        self._exchange = exchange
        self._watch = watch
        self._chunks: list[bytes] = []
        self._ttfb_s: float | None = None
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in cast("httpx2.SyncByteStream", self._response.stream):
                self._take(chunk)
                yield chunk
        except httpx2.RequestError as error:
            told = self._watch.told(error) if self._watch else error
            self._finish(_described(told))
            raise told from error
        self._finish(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in cast("httpx2.AsyncByteStream", self._response.stream):
                self._take(chunk)
                yield chunk
        except httpx2.RequestError as error:
            self._finish(_described(error))
            raise
        self._finish(None)

    def close(self) -> None:
        """Closes the response; what was not read by then is not on the tape."""
        cast("httpx2.SyncByteStream", self._response.stream).close()
        self.break_off()

    async def aclose(self) -> None:
        """The same, for an asynchronous stream."""
        await cast("httpx2.AsyncByteStream", self._response.stream).aclose()
        self.break_off()

    def read_on(self) -> PlaybackStream:
        """Reads to the end now, and gives the same bytes and error to whoever reads later."""
        failure: httpx2.RequestError | None = None
        try:
            for _ in self:
                pass
        except httpx2.RequestError as error:
            failure = error
        finally:
            cast("httpx2.SyncByteStream", self._response.stream).close()
        return PlaybackStream(b"".join(self._chunks), failure)

    async def aread_on(self) -> PlaybackStream:
        """The same, for an asynchronous stream."""
        failure: httpx2.RequestError | None = None
        try:
            async for _ in self:
                pass
        except httpx2.RequestError as error:
            failure = error
        finally:
            await cast("httpx2.AsyncByteStream", self._response.stream).aclose()
        return PlaybackStream(b"".join(self._chunks), failure)

    def break_off(self) -> None:
        """Takes what has been read for all that was wanted; too late after the end."""
        self._finish({"type": CLOSED_EARLY, "message": "the agent stopped reading here"})

    def _take(self, chunk: bytes) -> None:
        if self._ttfb_s is None:
            self._ttfb_s = self._exchange.seconds()
        self._chunks.append(chunk)

    def _finish(self, error: Mapping[str, str] | None) -> None:
        if self._done:
            return
        self._done = True
        if self._watch:
            self._watch.done()
        self._exchange.finish(
            self._response.status_code,
            self._response.reason_phrase,
            self._response.headers.multi_items(),
            _decoded(b"".join(self._chunks), self._response),
            ttfb_s=self._ttfb_s,
            error=error,
        )


class PlaybackStream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that is known, and the error it broke off with."""

    def __init__(self, body: bytes, error: httpx2.RequestError | None) -> None:
        self._body = body
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        if self._body:
            yield self._body
        if self._error is not None:
            raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _described(error: httpx2.RequestError) -> dict[str, str]:
    """An error as it is put on the tape."""
    return {"type": type(error).__name__, "message": str(error)}


def restored(error: Mapping[str, str]) -> httpx2.RequestError:
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
