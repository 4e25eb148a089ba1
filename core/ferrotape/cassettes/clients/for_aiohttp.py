"""aiohttp: vcrpy's stub, with failed exchanges recorded and replayed too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict
from vcr.request import Request
from vcr.stubs.aiohttp_stubs import vcr_request

from ferrotape.cassettes.exchange import CLOSED_EARLY
from ferrotape.cassettes.playback import Recorded
from ferrotape.cassettes.scope import current_limit, direct, is_direct
from ferrotape.cassettes.timelimit import OVER

if TYPE_CHECKING:
    from ferrotape.cassettes.routing import Router


def patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    """What to patch: class, attribute, replacement."""
    send = aiohttp.ClientSession._request

    async def send_on(*arguments: Any, **options: Any) -> Any:
        with direct():
            return await send(*arguments, **options)

    async def request(self: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
        if is_direct():
            return await send(self, method, url, **options)
        call = _Call(router)
        ask = vcr_request(call, send_on)
        try:
            async with _within_limit():
                target = self._build_url(url)
                return await ask(self, method, target, **_json_as_data(self, options))
        except Recorded as recorded:
            raise _restored(recorded) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            call.fail(_kind(error), str(error))
            raise
        except asyncio.CancelledError:
            call.fail(CLOSED_EARLY, "the call was cancelled before there was a response")
            raise

    yield aiohttp.ClientSession, "_request", request


@asynccontextmanager
async def _within_limit() -> AsyncIterator[None]:
    limit = current_limit()
    if limit is None:
        yield
        return
    try:
        async with limit.awaiting() as ending:
            yield
    except TimeoutError as error:
        if ending.ended:
            raise aiohttp.SocketTimeoutError(OVER) from error
        raise


class _Call:
    """The router as one call of the stub sees it: it knows the request if the call fails."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._request: Request | None = None

    def can_play_response_for(self, request: Request) -> bool:
        self._request = request
        return self._router.can_play_response_for(request)

    def fail(self, kind: str, message: str) -> None:
        if self._request is not None:
            self._router.fail(self._request, kind, message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)


def _json_as_data(session: aiohttp.ClientSession, options: dict[str, Any]) -> dict[str, Any]:
    """The options with `json` written out: the stub would not tell it from a form."""
    tree = options.get("json")
    if tree is None or options.get("data") is not None:
        return options
    headers = CIMultiDict(options.get("headers") or {})
    headers.setdefault("content-type", "application/json")
    rest = {name: value for name, value in options.items() if name != "json"}
    return {**rest, "headers": headers, "data": session.json_serialize(tree).encode()}


def _kind(error: Exception) -> str:
    """The name of the httpx2 exception that stands for an error, the special ones first."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ConnectionTimeoutError, "ConnectTimeout"),
        (TimeoutError, "ReadTimeout"),
        (aiohttp.ClientConnectorError, "ConnectError"),
        (aiohttp.ServerDisconnectedError, "RemoteProtocolError"),
        (aiohttp.ClientOSError, "ReadError"),
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "RemoteProtocolError")


def _restored(recorded: Recorded) -> Exception:
    """An error of aiohttp's that stands for the one that was recorded."""
    if recorded.kind == "ConnectTimeout":
        return aiohttp.ConnectionTimeoutError(recorded.message)
    if recorded.kind in {"ReadTimeout", CLOSED_EARLY}:
        return aiohttp.SocketTimeoutError(recorded.message)
    if recorded.kind == "ConnectError":
        return aiohttp.ClientConnectionError(recorded.message)
    if recorded.kind == "RemoteProtocolError":
        return aiohttp.ServerDisconnectedError(recorded.message)
    return aiohttp.ClientOSError(recorded.message)
