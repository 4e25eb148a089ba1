"""httpx2: its transports send through a transport that is bound to the trial's tape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx2

from ferrotape.cassettes.clients.limited import limited
from ferrotape.cassettes.scope import current_limit, is_direct
from ferrotape.cassettes.transport import AsyncTapeTransport, TapeTransport

if TYPE_CHECKING:
    from ferrotape.cassettes.routing import Router


def patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    """What to patch: class, attribute, replacement."""
    send = httpx2.HTTPTransport.handle_request
    asend = httpx2.AsyncHTTPTransport.handle_async_request

    def handle_request(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        if is_direct():
            return send(self, request)
        tape = router.tape_of(request.method, str(request.url))
        inner = None if tape.replaying else self
        return TapeTransport(tape, inner, current_limit()).handle_request(request)

    async def handle_async_request(
        self: httpx2.AsyncHTTPTransport, request: httpx2.Request
    ) -> httpx2.Response:
        if is_direct():
            return await asend(self, request)
        tape = router.tape_of(request.method, str(request.url))
        transport = AsyncTapeTransport(tape, None if tape.replaying else limited(self))
        return await transport.handle_async_request(request)

    yield httpx2.HTTPTransport, "handle_request", handle_request
    yield httpx2.AsyncHTTPTransport, "handle_async_request", handle_async_request
