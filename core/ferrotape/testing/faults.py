"""What a loopback endpoint can do wrong, one fault a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class HttpError:
    """An error response in place of an answer."""

    status: int
    type: str
    message: str = "injected"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset: before the response, or after some events of it."""

    after_events: int | None = None


@dataclass(frozen=True, slots=True)
class Truncation:
    """The connection is closed after some events, and half of the next one."""

    after_events: int = 3


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """An `error` event after some events of a stream."""

    type: str = "overloaded_error"
    after_events: int = 3


@dataclass(frozen=True, slots=True)
class Delay:
    """Waits before the response, and between its events, then answers as usual."""

    before_s: float = 0.0
    between_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchFault:
    """What becomes of a request in a batch in place of an answer."""

    type: Literal["errored", "canceled", "expired"]
    error: str = "api_error"
    """The type of the error, for `errored`."""
    message: str = "injected"


Fault = HttpError | Reset | Truncation | ErrorEvent | Delay

RATE_LIMITED = HttpError(429, "rate_limit_error", headers={"retry-after": "1"})
OVERLOADED = HttpError(529, "overloaded_error", headers={"x-should-retry": "true"})
SERVER_ERROR = HttpError(500, "api_error")
UNAUTHORIZED = HttpError(401, "authentication_error", "invalid x-api-key")
