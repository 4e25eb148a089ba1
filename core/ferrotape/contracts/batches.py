"""What an agent is that can be asked many things at once, for later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ferrotape.contracts.agent import Agent

if TYPE_CHECKING:
    import httpx2

    from ferrotape.model import AgentFailure


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """How far a batch is: its requests by what became of them."""

    ended: bool
    """Whether the results can be fetched."""
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What a batch gave for one of its requests."""

    custom_id: str
    outcome: AgentFailure | httpx2.BaseTransport
    """Why there is no answer; or a transport that gives it to the agent's own call, just as the
    endpoint would have done, streamed if that is asked for."""


class Batches(Protocol):
    """How an agent asks many prompts at once, at a lower price and without times.

    What goes wrong with a whole batch is raised as `ferrotape.errors.EndpointError`. Messages
    must not hold secrets.
    """

    @property
    def price_factor(self) -> float:
        """What an answer costs, as a part of what it costs by a single call."""
        ...

    @property
    def largest(self) -> int:
        """The most requests in a batch."""
        ...

    def request(self, prompt: str, options: Any) -> Mapping[str, Any]:
        """What a batch holds for one prompt: JSON values."""
        ...

    def submit(
        self, requests: Mapping[str, Mapping[str, Any]], options: Any, env: Mapping[str, str]
    ) -> str:
        """Sends a batch; returns the id that the endpoint gave it.

        Args:
            requests: By custom id, which is unique and of at most 64 letters, digits, `-`, `_`.
            options: The agent's.
            env: Where secrets are read from.

        Raises:
            EndpointError: It was not accepted, or nobody knows. Tried again only after
                `rate_limited` or `overloaded`, as it might be paid for twice.
        """
        ...

    def poll(self, batch: str, options: Any, env: Mapping[str, str]) -> BatchProgress:
        """How far the batch is.

        Raises:
            EndpointError: That cannot be told.
        """
        ...

    def results(self, batch: str, options: Any, env: Mapping[str, str]) -> Iterator[BatchResult]:
        """The results of a batch that has ended, in any order.

        Raises:
            EndpointError: They cannot be fetched, or not all of them.
        """
        ...


@runtime_checkable
class BatchAgent(Agent, Protocol):
    """An agent that can also ask by batches; for `ferrotape record --batch`."""

    @property
    def batches(self) -> Batches:
        """How it does that."""
        ...
