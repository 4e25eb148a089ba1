"""An asynchronous transport whose calls end with the trial's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httpx2

from ferrotape.cassettes.scope import current_limit
from ferrotape.cassettes.timelimit import OVER, TimeLimit


def limited(inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
    """The transport within the limit that holds here; itself if none does.

    Only asyncio is known: under another event loop nothing is cut off.
    """
    limit = current_limit()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return inner
    return inner if limit is None else _Limited(inner, limit)


class _Limited(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, limit: TimeLimit) -> None:
        self._inner = inner
        self._limit = limit

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with _read_timeout(self._limit):
            response = await self._inner.handle_async_request(request)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Stream(cast("httpx2.AsyncByteStream", response.stream), self._limit),
            extensions=response.extensions,
        )


class _Stream(httpx2.AsyncByteStream):
    """A body; the limit holds for each wait for a chunk of it."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: TimeLimit) -> None:
        self._stream = stream
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        while True:
            async with _read_timeout(self._limit):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def _read_timeout(limit: TimeLimit) -> AsyncIterator[None]:
    try:
        async with limit.awaiting():
            yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(OVER) from error
