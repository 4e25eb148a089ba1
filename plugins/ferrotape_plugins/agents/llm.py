"""The agent `llm`: any model of the package `llm` and its plugins, asked once.

    [agents.NAME]
    plugin = "llm"
    model = "..."

Keys come from the store of `llm` itself (`llm keys set`) or from the variable `key_env`. The
exchange is the recording: the prompt, the text and the tokens. Replay needs neither `llm` nor
its plugins. Needs the extra `ferrotape[llm]` to record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import MinLen

from ferrotape import (
    Agent,
    AgentFailureKind,
    Block,
    BlockKind,
    Reply,
    Session,
    Trial,
    Usage,
    hookimpl,
)
from ferrotape_plugins.agents.draft import failed
from ferrotape_plugins.agents.programs import lacking, out_of_time, passed_on
from ferrotape_plugins.agents.worker import ask_worker, failure_of

_OWN_STORE = ("HOME", "LLM_USER_PATH", "XDG_CONFIG_HOME")
"""The variables that say where `llm` has its keys, aliases and settings."""


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """The keys of `[agents.NAME]`."""

    model: Annotated[str, MinLen(1)]
    """A model's id or alias, as `llm models` lists them."""
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """The model's own options, such as `temperature`."""
    key_env: str = ""
    """The variable that holds the key; empty for the store of `llm`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables for the model's plugin; no secrets."""
    pass_env: tuple[str, ...] = ()
    """Names of secrets that the model's plugin reads from the environment."""


class LlmAgent:
    """Asks a model of `llm` once."""

    name = "llm"
    version = "1"
    description = "Any model of the package llm and its plugins."
    Options = LlmOptions

    def identity(self, options: LlmOptions) -> Mapping[str, Any]:
        """What the model is asked with."""
        return {
            "model": options.model,
            "system": options.system,
            "options": dict(options.options),
        }

    def missing(self, options: LlmOptions, env: Mapping[str, str]) -> str | None:
        """The extra or a secret, whichever is not there."""
        key = [options.key_env] if options.key_env else []
        return lacking("", [*key, *options.pass_env], env, extra="llm")

    def endpoint(self, options: LlmOptions, env: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Not known: whom it asks is its own affair."""
        return None

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: LlmOptions,
        session: Session,
    ) -> Reply:
        """Asks once, or has the tape answer."""
        from ferrotape_plugins.agents.exchange import OutOfTimeError, exchanged

        question = {**self.identity(options), "prompt": prompt}
        try:
            told = exchanged(session, "/llm", question, lambda: _ask(question, options, session))
        except OutOfTimeError:
            return Reply(failure=out_of_time(session.timeout_s), model=options.model)
        text = told.get("text", "")
        failure = failure_of(told)
        if failure is None and not text.strip():
            failure = failed(AgentFailureKind.EMPTY, "the answer has no text")
        used = told.get("usage")
        return Reply(
            blocks=(Block(kind=BlockKind.TEXT, text=text),) if text else (),
            model=told.get("model") or options.model,
            usage=used and Usage(**used),
            failure=failure,
        )


def _ask(question: Mapping[str, Any], options: LlmOptions, session: Session) -> Mapping[str, Any]:
    key = session.env.get(options.key_env) if options.key_env else None
    passed = passed_on(options.pass_env, session.env)
    return ask_worker(
        "llm_worker",
        {**question, "key": key},
        session,
        env={**passed_on(_OWN_STORE, session.env), **options.env, **passed},
        secrets=(key or "", *passed.values()),
    )


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent for models of `llm`."""
    return [LlmAgent()]
