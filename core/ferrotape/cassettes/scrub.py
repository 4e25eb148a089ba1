"""What of an exchange goes onto the tape: headers by allow-list, no host, no keys.

vcrpy runs `request` and `response` on what is recorded and again on what is loaded, so both
leave alone what they have already been through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from vcr.request import Request

from ferrotape.model import AgentFailure, Reply

REQUEST_HEADERS = frozenset({"content-type", "anthropic-version", "anthropic-beta"})
RESPONSE_HEADERS = frozenset(
    {"content-type", "retry-after", "retry-after-ms", "x-should-retry", "location"}
)
_SECRET_HEADERS = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-auth-token",
        "x-goog-api-key",
    }
)
_SECRET_PARAMETERS = frozenset({"key", "api_key", "api-key", "apikey", "token", "access_token"})
_IDENTITIES = re.compile(r"organi[sz]ation|account|project|workspace|tenant|user-id|cookie")
"""In the names of response headers whose values say whose the key is."""
_COUNTS = re.compile(r"ratelimit|limit-")
_SHORTEST_SECRET = 8
_REDACTED = b"[redacted]"


def request(original: Request) -> Request:
    """The request as it is stored and compared."""
    headers = {
        name.lower(): value
        for name, value in original.headers.items()
        if name.lower() in REQUEST_HEADERS
    }
    return Request(original.method, _place(original.uri), original.body, headers)


def response(original: dict[str, Any]) -> dict[str, Any]:
    """The response as it is stored and replayed."""
    headers = {
        name.lower(): values
        for name, values in original["headers"].items()
        if name.lower() in RESPONSE_HEADERS
    }
    return {**original, "headers": headers}


def secrets(headers: Mapping[str, str], uri: str = "") -> frozenset[bytes]:
    """The values of a request that must not come back in a body, with and without `Bearer`."""
    values = [value for name, value in headers.items() if name.lower() in _SECRET_HEADERS]
    values += [v for name, v in parse_qsl(urlsplit(uri).query) if _is_secret(name)]
    return hidden(part for value in values for part in (value, value.rpartition(" ")[2]))


def hidden(values: Iterable[str]) -> frozenset[bytes]:
    """Secrets as `redact` takes them, as they are and as JSON writes them.

    What is too short to be one would be found anywhere, and is left out.
    """
    long = [value for value in values if len(value) >= _SHORTEST_SECRET]
    quoted = [
        json.dumps(value, ensure_ascii=plain)[1:-1] for value in long for plain in (True, False)
    ]
    return frozenset(value.encode(errors="replace") for value in (*long, *quoted))


def identities(headers: Iterable[tuple[str, str]]) -> frozenset[bytes]:
    """What dropped headers of a response tell of the key's owner: organisation, cookies.

    Words and numbers are none: they would be found in any answer.
    """
    values: set[str] = set()
    for name, value in headers:
        lower = name.lower()
        if "cookie" in lower:
            values.add(value.partition(";")[0].partition("=")[2].strip())
        elif _IDENTITIES.search(lower) and not _COUNTS.search(lower):
            values.add(value.strip())
    return hidden(value for value in values if not value.isalpha() and not value.isdecimal())


def redact(body: bytes, hidden: Iterable[bytes]) -> bytes:
    """The body without those values; a careless endpoint may echo a key."""
    for value in sorted(hidden, key=len, reverse=True):
        body = body.replace(value, _REDACTED)
    return body


def reply(original: Reply, hidden: Iterable[bytes]) -> Reply:
    """The reply without those values: it goes into the store and the reports."""
    values = sorted((value.decode() for value in hidden), key=len, reverse=True)

    def clean(text: str) -> str:
        for value in values:
            text = text.replace(value, _REDACTED.decode())
        return text

    def spared(failure: AgentFailure) -> AgentFailure:
        return replace(failure, message=clean(failure.message))

    return replace(
        original,
        blocks=tuple(replace(block, text=clean(block.text)) for block in original.blocks),
        failure=None if original.failure is None else spared(original.failure),
        attempts=tuple(map(spared, original.attempts)),
    )


def _place(uri: str) -> str:
    """Path and query, so that a recording replays against whatever host."""
    parts = urlsplit(uri)
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _is_secret(pair[0])]
    if len(kept) < len(pairs):
        query = urlencode(kept)
    path = parts.path or "/"
    return f"{path}?{query}" if query else path


def _is_secret(parameter: str) -> bool:
    return parameter.lower() in _SECRET_PARAMETERS
