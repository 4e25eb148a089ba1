"""What an agent is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ferrotape.contracts.plugin import Plugin

if TYPE_CHECKING:
    from ferrotape.contracts.session import Session
    from ferrotape.model import Reply, Trial


@runtime_checkable
class Agent(Plugin, Protocol):
    """Answers prompts.

    An agent that has a program ask by way of `Session.proxy` or `Session.through` also has the
    attribute `traffic = "program"`: requests are then matched by the turn of the conversation,
    and the paths of workspace and home are no part of the recording.
    """

    @property
    def Options(self) -> type:  # noqa: N802 - a class
        """A frozen dataclass: the keys of `[agents.NAME]` besides `plugin`."""
        ...

    def identity(self, options: Any) -> Mapping[str, Any]:
        """What a recording depends on (model, settings): JSON values, compared at replay."""
        ...

    def missing(self, options: Any, env: Mapping[str, str]) -> str | None:
        """What it lacks to record, such as a key, in one sentence; None if nothing.

        Asked once before a run that records, never in replay.
        """
        ...

    def endpoint(self, options: Any, env: Mapping[str, str]) -> str | None:
        """The base URL it asks while recording; None if that is not known.

        Calls are taken for paid ones, and the user is asked before the first, unless the host is
        this machine.
        """
        ...

    def answer(self, trial: Trial, prompt: str, options: Any, session: Session) -> Reply:
        """Asks once.

        Expected trouble (refusal, rate limit, time-out, ...) is `Reply.failure`, not an
        exception. `Reply.calls` and `Reply.measured` are filled in from the cassette.
        """
        ...
