"""One request under way while recording, until it is on the tape."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from vcr.request import Request

from ferrotape.cassettes import scrub
from ferrotape.cassettes.tape import Tape

CLOSED_EARLY = "ClosedEarly"
"""The error of an exchange whose reader stopped before its end."""


class Exchange:
    """Made when a request is sent; ended by `finish` or `fail`."""

    def __init__(self, tape: Tape, request: Request) -> None:
        self.tape = tape
        self._request = request
        self._secrets = tape.hide(scrub.secrets(request.headers, request.uri))
        self._loopback = is_loopback(urlsplit(request.uri).hostname or "")
        self._sent = time.monotonic()

    def fail(self, kind: str, message: str) -> None:
        """There was no response.

        Args:
            kind: The name of the httpx2 exception that says it best, or `CLOSED_EARLY`.
            message: What was wrong.
        """
        self.finish(0, "", (), b"", error={"type": kind, "message": message})

    def finish(
        self,
        code: int,
        reason: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        ttfb_s: float | None = None,
        error: Mapping[str, str] | None = None,
    ) -> None:
        """The response has been read, to its end or to where it broke off.

        Args:
            code: The status; 0 if there was none.
            reason: Its words.
            headers: All of them; the tape keeps those it has a list of.
            body: Its content encoding undone.
            ttfb_s: Seconds to the first byte of the body, if known.
            error: How it broke off: `type` as for `fail`, and `message`.
        """
        headers = tuple(headers)
        self._secrets = self.tape.hide(scrub.identities(headers))
        grouped: dict[str, list[str]] = {}
        for name, value in headers:
            grouped.setdefault(name, []).append(self._redacted(value))
        entry = {
            "status": {"code": code, "message": reason},
            "headers": grouped,
            "timing": {"ttfb_s": ttfb_s, "latency_s": self.seconds()},
            "body": {"string": scrub.redact(body, self._secrets)},
        }
        if error is not None:
            entry["error"] = {name: self._redacted(text) for name, text in error.items()}
        self.tape.add(self._request, entry, loopback=self._loopback)

    def seconds(self) -> float:
        """Since the request was sent, to a tenth of a millisecond."""
        return round(time.monotonic() - self._sent, 4)

    def _redacted(self, text: str) -> str:
        return scrub.redact(text.encode(errors="replace"), self._secrets).decode()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
