"""The Messages API as its agent asks it: options, requests, the client, what failures mean.

The SDK costs two seconds of CPU to import, so that is left until somebody is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le, MinLen

from ferrotape import AgentFailure, AgentFailureKind
from ferrotape_plugins.agents.draft import failed

if TYPE_CHECKING:
    import anthropic
    import httpx2

KEY = "ANTHROPIC_API_KEY"
API = "https://api.anthropic.com"
_CONNECT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class AnthropicOptions:
    """The keys of `[agents.NAME]`."""

    model: Annotated[str, MinLen(1)]
    max_tokens: Annotated[int, Ge(1)] = 32_000
    temperature: Annotated[float, Ge(0), Le(1)] | None = None
    system: str | None = None
    thinking_budget: Annotated[int, Ge(1024)] | None = None
    """Tokens for extended thinking, part of `max_tokens`; None for no thinking."""
    base_url: str | None = None
    streaming: bool = True


def request_of(prompt: str, options: AnthropicOptions) -> dict[str, Any]:
    """The parameters of `messages.create`, without those that are not set."""
    request: dict[str, Any] = {
        "model": options.model,
        "max_tokens": options.max_tokens,
        "messages": [{"role": "user", "content": prompt}],
    }
    if options.system is not None:
        request["system"] = options.system
    if options.temperature is not None:
        # SDK 2.14 has no parameter for it.
        request["extra_body"] = {"temperature": options.temperature}
    if options.thinking_budget is not None:
        request["thinking"] = {"type": "enabled", "budget_tokens": options.thinking_budget}
    return request


def base_url_of(options: AnthropicOptions, env: Mapping[str, str]) -> str:
    """The option, the environment, or the real service."""
    return options.base_url or env.get("ANTHROPIC_BASE_URL") or API


@contextmanager
def connected(
    key: str, base_url: str, timeout_s: float, transport: httpx2.BaseTransport | None = None
) -> Iterator[anthropic.Anthropic]:
    """A client that makes one attempt at a call: Ferrotape decides about another.

    All is given, so that no environment leaks in.

    Args:
        key: The key, or anything in replay.
        base_url: The endpoint.
        timeout_s: The longest that it may send nothing.
        transport: What carries its requests; the network if None.
    """
    import anthropic
    import httpx2

    with httpx2.Client(transport=transport, trust_env=False) as http:
        yield anthropic.Anthropic(
            api_key=key,
            base_url=base_url,
            http_client=http,
            max_retries=0,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            open_telemetry=False,
        )


_KINDS_BY_TYPE = {
    "rate_limit_error": AgentFailureKind.RATE_LIMITED,
    "overloaded_error": AgentFailureKind.OVERLOADED,
    "authentication_error": AgentFailureKind.AUTHENTICATION,
    "permission_error": AgentFailureKind.AUTHENTICATION,
    "billing_error": AgentFailureKind.AUTHENTICATION,
}
_KINDS_BY_STATUS = {
    401: AgentFailureKind.AUTHENTICATION,
    402: AgentFailureKind.AUTHENTICATION,
    403: AgentFailureKind.AUTHENTICATION,
    408: AgentFailureKind.SERVER_ERROR,
    429: AgentFailureKind.RATE_LIMITED,
    529: AgentFailureKind.OVERLOADED,
}
_CLIENT_ERRORS = range(400, 500)


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """How long the endpoint asks to wait: `retry-after-ms`, or `retry-after` (seconds, a date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(ValueError):
            seconds = float(headers.get(name, "")) * unit
            if math.isfinite(seconds):
                return max(0.0, seconds)
    with suppress(ValueError, TypeError):
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


def failure_of(error: Exception) -> AgentFailure:
    """The failure that an exception of the SDK or of the transport stands for."""
    import anthropic
    import httpx2

    kinds = AgentFailureKind
    cause = error.__cause__
    if isinstance(error, anthropic.APIStatusError):
        wait = _wait_s(error.response.headers)
        return replace(
            failed(kind_of(error.type, error.status_code), _sentence_of(error)), retry_after_s=wait
        )
    if isinstance(error, anthropic.APIConnectionError) and isinstance(cause, Exception):
        return failure_of(cause)
    if isinstance(error, (httpx2.ReadTimeout, httpx2.WriteTimeout)):
        return failed(kinds.TIMEOUT, "there was no complete answer within the time limit")
    if isinstance(error, (httpx2.HTTPError, anthropic.APIConnectionError)):
        return failed(kinds.CONNECTION, f"the connection failed: {type(error).__name__}: {error}")
    return failed(kinds.SERVER_ERROR, f"the response cannot be read: {error}")


def kind_of(error_type: str | None, status: int) -> AgentFailureKind:
    """By the error's own type first: one that comes as an event has the status 200."""
    kind = _KINDS_BY_TYPE.get(error_type or "") or _KINDS_BY_STATUS.get(status)
    if kind is not None:
        return kind
    invalid = error_type == "invalid_request_error" or status in _CLIENT_ERRORS
    return AgentFailureKind.INVALID_REQUEST if invalid else AgentFailureKind.SERVER_ERROR


def _sentence_of(error: anthropic.APIStatusError) -> str:
    said = error.api_message or error.message
    return f"the endpoint said {error.type or error.status_code}: {said}"
