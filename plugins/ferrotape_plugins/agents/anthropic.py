"""The agent `anthropic`: asks once by the Messages API, with the official SDK.

    [agents.NAME]
    plugin = "anthropic"
    model = "..."

To record, `ANTHROPIC_API_KEY` must be in the environment; `ANTHROPIC_BASE_URL` may be, and
`base_url` comes before it. Replay reads neither. The path of a base URL is part of every
request, its host is not: what was recorded through a gateway with a path replays with that path
in `base_url`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ferrotape import Agent, Reply, Session, Trial, hookimpl
from ferrotape_plugins.agents.batches import MessageBatches
from ferrotape_plugins.agents.draft import Draft
from ferrotape_plugins.agents.messages_api import (
    KEY,
    AnthropicOptions,
    base_url_of,
    connected,
    failure_of,
    request_of,
)

__all__ = ["AnthropicAgent", "AnthropicOptions", "ferrotape_agents"]


class AnthropicAgent:
    """Asks a model of the Messages API once, without tools."""

    name = "anthropic"
    version = "1"
    description = "A model of the Messages API, by the official SDK."
    Options = AnthropicOptions
    batches = MessageBatches()

    def identity(self, options: AnthropicOptions) -> Mapping[str, Any]:
        """All options but where the endpoint is."""
        settings = asdict(options)
        del settings["base_url"]
        return settings

    def missing(self, options: AnthropicOptions, env: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """The key, if it is not there."""
        return None if env.get(KEY) else f"there is no {KEY} in the environment"

    def endpoint(self, options: AnthropicOptions, env: Mapping[str, str]) -> str | None:
        """The option, the environment, or the real service."""
        return base_url_of(options, env)

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: AnthropicOptions,
        session: Session,
    ) -> Reply:
        """Asks once."""
        key = "no key is needed in replay" if session.replaying else session.env.get(KEY, "")
        base_url = base_url_of(options, session.env)
        import anthropic
        import httpx2

        draft = Draft()
        try:
            with connected(key, base_url, session.timeout_s, session.transport) as client:
                if options.streaming:
                    with client.messages.create(
                        stream=True, **request_of(prompt, options)
                    ) as events:
                        for event in events:
                            draft.add(event)
                else:
                    draft.take(client.messages.create(**request_of(prompt, options)))
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            return draft.reply(failure_of(error))
        return draft.reply(draft.failure())


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent that comes with Ferrotape."""
    return [AnthropicAgent()]
