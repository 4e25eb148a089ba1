"""Which failures are worth another attempt, and how long to wait before it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ferrotape.model import AgentFailure, AgentFailureKind

RETRIED = frozenset(
    {
        AgentFailureKind.RATE_LIMITED,
        AgentFailureKind.OVERLOADED,
        AgentFailureKind.SERVER_ERROR,
        AgentFailureKind.CONNECTION,
    }
)
"""Trouble that may pass. What the request, the key or the model is the cause of will not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015).

    Before retry n (counted from 0) it waits a random time of 0 to min(longest_s, first_s * 2^n)
    seconds, and never less than the endpoint asked for.
    """

    retries: int = 2
    """Attempts after the first."""
    first_s: float = 1.0
    longest_s: float = 60.0
    most_asked_s: float = 600.0
    """An endpoint that asks for more patience than that is given up."""

    def again(self, failure: AgentFailure, made: int) -> bool:
        """Whether to try once more after `made` attempts, the last of which failed so."""
        patient = (failure.retry_after_s or 0.0) <= self.most_asked_s
        return failure.kind in RETRIED and made <= self.retries and patient

    def wait_s(self, failure: AgentFailure, made: int, chance: random.Random) -> float:
        """Seconds to wait before the next attempt, after `made` attempts."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (made - 1))
        return max(chance.uniform(0.0, longest), failure.retry_after_s or 0.0)
