"""What was asked for and what came back: trials, calls, replies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le

from ferrotape.model.strict import STRICT

Count = Annotated[int, Ge(0), Le(2**53)]
"""A number of things; as large as SQLite and JSON can hold exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One agent execution: scenario x format x round x agent."""

    scenario: str
    format: str
    agent: str
    """The agent's name in the configuration, such as `claude-sample`."""
    round: int
    """1-based."""
    order: int = 0
    """Its place in the run's plan, 0-based."""

    @property
    def key(self) -> str:
        """`agent/scenario/format/round-N`, also the cassette's path without its suffix."""
        return f"{self.agent}/{self.scenario}/{self.format}/round-{self.round}"

    @property
    def rank(self) -> tuple[str, str, str, int]:
        """Sort key of reports, independent of the plan's random order."""
        return (self.scenario, self.format, self.agent, self.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP exchange of a trial, retried attempts included."""

    __pydantic_config__: ClassVar[Any] = STRICT

    index: int
    status: Count
    """The HTTP status, or 0 if there was no response."""
    latency_s: float | None
    """Seconds from sending the request to the last byte, as recorded."""
    ttfb_s: float | None
    """Seconds from sending the request to the first byte of the body, as recorded."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the endpoint counted them."""

    __pydantic_config__: ClassVar[Any] = STRICT

    input_tokens: Count
    output_tokens: Count
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0


class BlockKind(StrEnum):
    """The kinds of content a reply is made of."""

    TEXT = "text"
    THINKING = "thinking"
    REDACTED_THINKING = "redacted_thinking"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a reply's content."""

    __pydantic_config__: ClassVar[Any] = STRICT

    kind: BlockKind
    text: str


class AgentFailureKind(StrEnum):
    """Why a trial has no usable reply."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    CONNECTION = "connection"
    AUTHENTICATION = "authentication"
    INVALID_REQUEST = "invalid_request"
    NO_RECORDING = "no_recording"
    """Replay without a usable cassette."""
    CRASHED = "crashed"
    """The agent plugin raised an exception."""
    NOT_ASKED = "not_asked"
    """No call was made: the budget was used up, or the run was stopped."""

    @property
    def agent_caused(self) -> bool:
        """Whether it counts as the agent's answer (score 0) rather than as missing data."""
        return self in {
            AgentFailureKind.TIMEOUT,
            AgentFailureKind.REFUSED,
            AgentFailureKind.TRUNCATED,
            AgentFailureKind.EMPTY,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailure:
    """An agent error: its kind and one sentence."""

    __pydantic_config__: ClassVar[Any] = STRICT

    kind: AgentFailureKind
    message: str
    retry_after_s: float | None = None
    """Seconds the endpoint asked to wait before another attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an agent gave for one prompt."""

    __pydantic_config__: ClassVar[Any] = STRICT

    blocks: tuple[Block, ...] = ()
    stop_reason: str | None = None
    model: str = ""
    """The model as the endpoint named it."""
    usage: Usage | None = None
    calls: tuple[Call, ...] = ()
    failure: AgentFailure | None = None
    """Set where the reply is no usable answer; what did arrive stays in `blocks`."""
    attempts: tuple[AgentFailure, ...] = ()
    """The failures that were followed by another attempt, in order."""
    measured: bool = True
    """Whether latency and usage are the model's. False for answers that a loopback
    endpoint served: reports then show both as not measured."""

    @property
    def text(self) -> str:
        """The text blocks, one after the other; thinking is not part of the answer."""
        return "".join(block.text for block in self.blocks if block.kind is BlockKind.TEXT)

    @property
    def latency_s(self) -> float | None:
        """Seconds over all calls as recorded, or None if one was not timed."""
        known = [call.latency_s for call in self.calls if call.latency_s is not None]
        if not known or len(known) < len(self.calls):
            return None
        return sum(known)
