"""What of an exchange goes onto the tape: headers by allow-list, no host, no keys.

vcrpy runs `request` and `response` on what is recorded and again on what is loaded, so both
leave alone what they have already been through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from vcr.request import Request

REQUEST_HEADERS = frozenset({"content-type", "anthropic-version", "anthropic-beta"})
RESPONSE_HEADERS = frozenset(
    {"content-type", "retry-after", "retry-after-ms", "x-should-retry", "location"}
)
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie"})
_SECRET_PARAMETERS = frozenset({"key", "api_key", "api-key", "apikey", "token", "access_token"})
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


def secrets(headers: Mapping[str, str]) -> frozenset[bytes]:
    """The values of a request that must not come back in a body, with and without `Bearer`."""
    values = [value for name, value in headers.items() if name.lower() in _SECRET_HEADERS]
    parts = {part for value in values for part in (value, value.rpartition(" ")[2])}
    return frozenset(part.encode() for part in parts if len(part) >= _SHORTEST_SECRET)


def redact(body: bytes, hidden: Iterable[bytes]) -> bytes:
    """The body without those values; a careless endpoint may echo a key."""
    for value in sorted(hidden, key=len, reverse=True):
        body = body.replace(value, _REDACTED)
    return body


def _place(uri: str) -> str:
    """Path and query, so that a recording replays against whatever host."""
    parts = urlsplit(uri)
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if pair[0].lower() not in _SECRET_PARAMETERS]
    if len(kept) < len(pairs):
        query = urlencode(kept)
    path = parts.path or "/"
    return f"{path}?{query}" if query else path
