"""How many calls may be under way: more while they succeed, half when the endpoint is busy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ferrotape.model import AgentFailure, AgentFailureKind

_BUSY = frozenset({AgentFailureKind.RATE_LIMITED, AgentFailureKind.OVERLOADED})


class AdaptiveLimit:
    """Additive increase, multiplicative decrease (Chiu and Jain 1989). Thread-safe.

    A success adds 1 / limit, so that a round of successes adds one; a 429 or 529 halves it, at
    most once for the calls that were under way at that time.

    Args:
        first: Calls at a time to begin with.
        most: The most that it grows to.
    """

    def __init__(self, first: int, most: int) -> None:
        self._most = float(most)
        self._limit = float(min(first, most))
        self._under_way = 0
        self._started = 0
        self._halved_at = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> float:
        """Calls that may be under way now; whole ones count."""
        return self._limit

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Waits for a place; report to the slot how the call went."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < int(self._limit))
            self._under_way += 1
            self._started += 1
            slot = Slot(self, self._started)
        try:
            yield slot
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def report(self, number: int, failure: AgentFailure | None) -> None:
        """Learns from the call that was the `number`-th to start."""
        with self._changed:
            if failure is None:
                self._limit = min(self._most, self._limit + 1.0 / self._limit)
                self._changed.notify_all()
            elif failure.kind in _BUSY and number > self._halved_at:
                self._limit = max(1.0, self._limit / 2.0)
                self._halved_at = self._started


class Slot:
    """A place among the calls under way."""

    def __init__(self, limit: AdaptiveLimit, number: int) -> None:
        self._limit = limit
        self._number = number

    def report(self, failure: AgentFailure | None) -> None:
        """Says how the call went; None for a success."""
        self._limit.report(self._number, failure)
