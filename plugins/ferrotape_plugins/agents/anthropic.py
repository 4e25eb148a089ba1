"""The agent `anthropic`: asks once by the Messages API, with the official SDK.

    [agents.NAME]
    plugin = "anthropic"
    model = "..."

To record, `ANTHROPIC_API_KEY` must be in the environment; `ANTHROPIC_BASE_URL` may be, and
`base_url` comes before it. Replay reads neither. The path of a base URL is part of every
request, its host is not: what was recorded through a gateway with a path replays with that path
in `base_url`.

The SDK costs two seconds of CPU to import, so that is left until somebody is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le, MinLen

from ferrotape import (
    Agent,
    AgentFailure,
    AgentFailureKind,
    Reply,
    Session,
    Trial,
    hookimpl,
)
from ferrotape_plugins.agents.draft import Draft, failed

if TYPE_CHECKING:
    import anthropic

_API = "https://api.anthropic.com"
_KEY = "ANTHROPIC_API_KEY"
_CONNECT_S = 10.0
_SHORTEST_S = 0.001


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
    retries: Annotated[int, Ge(0), Le(10)] = 2
    """How often an attempt that failed by the endpoint's fault is repeated."""


class AnthropicAgent:
    """Asks a model of the Messages API once, without tools."""

    name = "anthropic"
    version = "1"
    description = "A model of the Messages API, by the official SDK."
    Options = AnthropicOptions

    def identity(self, options: AnthropicOptions) -> Mapping[str, Any]:
        """All options but where the endpoint is and how often it is tried."""
        settings = asdict(options)
        del settings["base_url"], settings["retries"]
        return settings

    def missing(self, options: AnthropicOptions, env: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """The key, if it is not there."""
        return None if env.get(_KEY) else f"there is no {_KEY} in the environment"

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: AnthropicOptions,
        session: Session,
    ) -> Reply:
        """Asks once."""
        key = "no key is needed in replay" if session.replaying else session.env.get(_KEY, "")
        import anthropic
        import httpx2

        draft = Draft()
        try:
            with _connected(key, options, session) as (client, patience):
                if options.streaming:
                    with client.messages.create(stream=True, **_request(prompt, options)) as events:
                        for event in events:
                            draft.add(event)
                            patience.check()
                else:
                    draft.take(client.messages.create(**_request(prompt, options)))
        except (anthropic.AnthropicError, httpx2.HTTPError, _OutOfTimeError, ValueError) as error:
            return draft.reply(_failure_of(error))
        return draft.reply(draft.failure())


def _request(prompt: str, options: AnthropicOptions) -> dict[str, Any]:
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


@contextmanager
def _connected(
    key: str, options: AnthropicOptions, session: Session
) -> Iterator[tuple[anthropic.Anthropic, _Patience]]:
    """A client on the session's transport; all is given, so that no environment leaks in."""
    import anthropic
    import httpx2

    patience = _Patience(session)
    with httpx2.Client(transport=session.transport, trust_env=False) as http:
        client = anthropic.Anthropic(
            api_key=key,
            base_url=options.base_url or session.env.get("ANTHROPIC_BASE_URL") or _API,
            http_client=http,
            max_retries=options.retries,
            timeout=session.timeout_s,
            middleware=[patience],
            open_telemetry=False,
        )
        yield client, patience


class _OutOfTimeError(Exception):
    """The agent has used up its time."""


class _Patience:
    """Middleware of the SDK, called for each attempt: keeps to the time limit.

    The SDK alone would repeat an attempt that ran out of time, and wait as long as an endpoint
    asks. In replay it keeps the SDK from waiting at all.
    """

    def __init__(self, session: Session) -> None:
        self._replaying = session.replaying
        self._timeout_s = session.timeout_s
        self._deadline = time.monotonic() + session.timeout_s

    def left(self) -> float:
        """Seconds, more than 0: an attempt with no time left is made and recorded as such."""
        if self._replaying:
            return self._timeout_s
        return max(_SHORTEST_S, self._deadline - time.monotonic())

    def check(self) -> None:
        """Raises `_OutOfTimeError` if the time is up."""
        if not self._replaying and time.monotonic() > self._deadline:
            raise _OutOfTimeError

    def __call__(
        self,
        request: anthropic.APIRequest,
        call_next: Callable[[anthropic.APIRequest], anthropic.APIResponse[Any]],
    ) -> anthropic.APIResponse[Any]:
        import anthropic
        import httpx2

        left = self.left()
        limits = httpx2.Timeout(left, connect=min(left, _CONNECT_S))
        try:
            response = call_next(request.copy(timeout=limits))
        except anthropic.APIConnectionError as error:
            if isinstance(error.__cause__, (httpx2.ReadTimeout, httpx2.WriteTimeout)):
                raise _OutOfTimeError from None
            if not self._replaying:
                raise
            # Only a response can tell the SDK not to wait before it tries again.
            hint = httpx2.Response(503, headers={"retry-after-ms": "1"}, request=error.request)
            raise anthropic.APIStatusError("", response=hint, body=None) from error
        headers = response.http_response.headers
        if _seconds(headers.get("retry-after")) > self.left():
            headers["x-should-retry"] = "false"
        return response


def _seconds(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:  # a date
        return 0.0


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


def _failure_of(error: Exception) -> AgentFailure:
    """The failure that an exception of the SDK or of the transport stands for."""
    import anthropic
    import httpx2

    kinds = AgentFailureKind
    cause = error.__cause__
    if isinstance(error, anthropic.APIStatusError):
        if isinstance(cause, anthropic.APIConnectionError):  # from `_Patience`
            return _failure_of(cause)
        return failed(_kind_of(error), _sentence_of(error))
    if isinstance(error, anthropic.APIConnectionError) and isinstance(cause, Exception):
        return _failure_of(cause)
    if isinstance(error, (_OutOfTimeError, httpx2.ReadTimeout, httpx2.WriteTimeout)):
        return failed(kinds.TIMEOUT, "there was no complete answer within the time limit")
    if isinstance(error, (httpx2.HTTPError, anthropic.APIConnectionError)):
        return failed(kinds.CONNECTION, f"the connection failed: {type(error).__name__}: {error}")
    return failed(kinds.SERVER_ERROR, f"the response cannot be read: {error}")


def _kind_of(error: anthropic.APIStatusError) -> AgentFailureKind:
    """By the error's own type first: one that comes as an event has the status 200."""
    kind = _KINDS_BY_TYPE.get(error.type or "") or _KINDS_BY_STATUS.get(error.status_code)
    if kind is not None:
        return kind
    invalid = error.type == "invalid_request_error" or error.status_code in _CLIENT_ERRORS
    return AgentFailureKind.INVALID_REQUEST if invalid else AgentFailureKind.SERVER_ERROR


def _sentence_of(error: anthropic.APIStatusError) -> str:
    said = error.api_message or error.message
    return f"the endpoint said {error.type or error.status_code}: {said}"


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent that comes with Ferrotape."""
    return [AnthropicAgent()]
