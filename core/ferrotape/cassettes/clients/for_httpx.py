"""httpx: its requests are taken across to httpx2, of which it is the elder sister, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import httpx2

from ferrotape.cassettes.clients.limited import limited
from ferrotape.cassettes.scope import current_limit, is_direct
from ferrotape.cassettes.transport import AsyncTapeTransport, TapeTransport

if TYPE_CHECKING:
    from ferrotape.cassettes.routing import Router


def patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    """What to patch: class, attribute, replacement."""
    send = httpx.HTTPTransport.handle_request
    asend = httpx.AsyncHTTPTransport.handle_async_request

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if is_direct():
            return send(self, request)
        tape = router.tape_of(request.method, str(request.url))
        request.read()
        inner = None if tape.replaying else _Inner(lambda: send(self, request), request)
        with _errors_of(httpx):
            transport = TapeTransport(tape, inner, current_limit())
            return _back(transport.handle_request(_across(request)))

    async def handle_async_request(
        self: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        if is_direct():
            return await asend(self, request)
        tape = router.tape_of(request.method, str(request.url))
        await request.aread()
        inner = None if tape.replaying else limited(_AsyncInner(lambda: asend(self, request)))
        with _errors_of(httpx):
            transport = AsyncTapeTransport(tape, inner)
            return _back(await transport.handle_async_request(_across(request)))

    yield httpx.HTTPTransport, "handle_request", handle_request
    yield httpx.AsyncHTTPTransport, "handle_async_request", handle_async_request


class _Inner(httpx2.BaseTransport):
    """Sends the httpx request that an httpx2 request was made of."""

    def __init__(self, send: Any, original: httpx.Request) -> None:
        self._send = send
        self._original = original

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._original.extensions = request.extensions  # among them how it is cut off
        with _errors_of(httpx2):
            return _forth(self._send())


class _AsyncInner(httpx2.AsyncBaseTransport):
    """The same for asynchronous clients."""

    def __init__(self, send: Any) -> None:
        self._send = send

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002
        with _errors_of(httpx2):
            return _forth(await self._send())


class _Stream(
    httpx.SyncByteStream, httpx.AsyncByteStream, httpx2.SyncByteStream, httpx2.AsyncByteStream
):
    """The body of the one library for a response of the other."""

    def __init__(self, stream: Any, library: ModuleType) -> None:
        self._stream = stream
        self._library = library

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of(self._library):
            yield from self._stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of(self._library):
            async for chunk in self._stream:
                yield chunk

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _errors_of(library: ModuleType) -> Iterator[None]:
    """Errors of either library come out as those of `library`."""
    try:
        yield
    except (httpx.RequestError, httpx2.RequestError) as error:
        kind = getattr(library, type(error).__name__, library.TransportError)
        if isinstance(error, kind):
            raise
        raise kind(str(error)) from error


def _across(request: httpx.Request) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


def _forth(response: httpx.Response) -> httpx2.Response:
    return httpx2.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_Stream(response.stream, httpx2),
        extensions=response.extensions,
    )


def _back(response: httpx2.Response) -> httpx.Response:
    return httpx.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_Stream(response.stream, httpx),
        extensions=response.extensions,
    )
