"""One way of asking the Messages API by each HTTP client that the router knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import requests
import urllib3

KEY = "sk-a-very-secret-key"
HEADERS = {"x-api-key": KEY, "content-type": "application/json"}
PLAIN: dict[str, Any] = {"headers": HEADERS, "verify": False}
"""Certificates are not needed here, and cost more to load than all the rest."""

Seen = tuple[int, str]
"""Status and text of a response; the status is 0 and the text an error's name if none came."""
Client = Callable[[str, str], Seen]
"""Takes the base URL and the prompt."""


def body(prompt: str, *, stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "m", "max_tokens": 64, "stream": stream, "messages": messages}


def with_requests(url: str, prompt: str) -> Seen:
    response = requests.post(f"{url}/v1/messages", json=body(prompt), headers=HEADERS, timeout=5)
    return response.status_code, response.text


def with_urllib3(url: str, prompt: str) -> Seen:
    data = json.dumps(body(prompt))
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        response = pool.request("POST", f"{url}/v1/messages", body=data, headers=HEADERS)
        return response.status, response.data.decode()


def with_httpx(url: str, prompt: str) -> Seen:
    response = httpx.post(f"{url}/v1/messages", json=body(prompt), **PLAIN)
    return response.status_code, response.text


def with_httpx2(url: str, prompt: str) -> Seen:
    response = httpx2.post(f"{url}/v1/messages", json=body(prompt), **PLAIN)
    return response.status_code, response.text


def with_httpx_streaming(url: str, prompt: str) -> Seen:
    target, asked = f"{url}/v1/messages", body(prompt, stream=True)
    with httpx.stream("POST", target, json=asked, **PLAIN) as response:
        return response.status_code, "".join(response.iter_text())


def with_async_httpx(url: str, prompt: str) -> Seen:
    async def ask() -> Seen:
        async with httpx.AsyncClient(**PLAIN) as client:
            response = await client.post(f"{url}/v1/messages", json=body(prompt))
            return response.status_code, response.text

    return asyncio.run(ask())


def with_async_httpx2(url: str, prompt: str) -> Seen:
    async def ask() -> Seen:
        asked = body(prompt, stream=True)
        async with (
            httpx2.AsyncClient(**PLAIN) as client,
            client.stream("POST", f"{url}/v1/messages", json=asked) as response,
        ):
            return response.status_code, "".join([part async for part in response.aiter_text()])

    return asyncio.run(ask())


def with_aiohttp(url: str, prompt: str) -> Seen:
    async def ask() -> Seen:
        async with (
            aiohttp.ClientSession(url, headers=HEADERS) as session,
            session.post("/v1/messages", json=body(prompt)) as response,
        ):
            return response.status, await response.text()

    return asyncio.run(ask())


def with_anthropic(url: str, prompt: str) -> Seen:
    http = httpx2.Client(**PLAIN)
    with anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0, http_client=http) as client:
        asked: Any = body(prompt)
        response = client.messages.with_raw_response.create(**asked)
        return response.status_code, response.text()


CLIENTS: dict[str, Client] = {
    "requests": with_requests,
    "urllib3": with_urllib3,
    "httpx": with_httpx,
    "httpx2": with_httpx2,
    "httpx, streaming": with_httpx_streaming,
    "httpx, async": with_async_httpx,
    "httpx2, async and streaming": with_async_httpx2,
    "aiohttp": with_aiohttp,
    "anthropic": with_anthropic,
}
ERRORS = (OSError, httpx.HTTPError, httpx2.HTTPError, aiohttp.ClientError, anthropic.APIError,
          urllib3.exceptions.HTTPError, TimeoutError)  # fmt: skip


def observe(client: Client, url: str, prompt: str = "hi") -> Seen:
    """What a caller sees, an expected error by its name."""
    try:
        return client(url, prompt)
    except ERRORS as error:
        return 0, type(error).__name__
