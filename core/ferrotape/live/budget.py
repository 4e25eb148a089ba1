"""What calls cost, and a budget that stops before it is exceeded."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from ferrotape.model import Usage

_MILLION = 1_000_000


class OverBudget(Exception):
    """The next call could exceed the budget; nothing was spent on it."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a model costs: dollars a million tokens."""

    input: Annotated[float, Ge(0)]
    output: Annotated[float, Ge(0)]

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """Dollars for so many tokens."""
        return (self.input * input_tokens + self.output * output_tokens) / _MILLION

    def times(self, factor: float) -> Price:
        """The price with a discount, such as 0.5 for half of it."""
        return Price(input=self.input * factor, output=self.output * factor)


@dataclass(frozen=True, kw_only=True)
class Prices:
    """A price list: `[live.prices]`."""

    as_of: str = ""
    """The day of the list, shown with every figure that comes from it."""
    models: Mapping[str, Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The most that a call can come to."""

    tokens: int
    cost: float | None
    """Dollars; None if the model's price is not known."""


class Budget:
    """Reserves the most a call can come to before it is made, and settles by its usage.

    Thread-safe: calls under way count in full, so that together they cannot exceed it.

    Args:
        max_cost: Dollars; None for no limit.
        max_tokens: Input and output together; None for no limit.
    """

    def __init__(self, max_cost: float | None = None, max_tokens: int | None = None) -> None:
        self._max_cost = max_cost
        self._max_tokens = max_tokens
        self._lock = threading.Lock()
        self.cost = 0.0
        """Dollars spent or reserved."""
        self.tokens = 0
        """Tokens used or reserved."""

    def reserve(self, most: Estimate) -> None:
        """Sets aside the most that a call can come to.

        Raises:
            OverBudget: With it the budget could be exceeded, or its cost is not known.
        """
        with self._lock:
            if self._max_tokens is not None and self.tokens + most.tokens > self._max_tokens:
                raise OverBudget(
                    f"up to {most.tokens} tokens more could exceed {self._max_tokens}"
                    f" ({self.tokens} used or reserved)"
                )
            if self._max_cost is not None:
                if most.cost is None:
                    raise OverBudget("the model has no price in [live.prices]")
                if self.cost + most.cost > self._max_cost:
                    raise OverBudget(
                        f"up to ${most.cost:.4f} more could exceed ${self._max_cost:.2f}"
                        f" (${self.cost:.4f} spent or reserved)"
                    )
            self._add(most)

    def commit(self, most: Estimate) -> None:
        """Sets aside what has been asked for already, whatever the limits."""
        with self._lock:
            self._add(most)

    def release(self, most: Estimate) -> None:
        """Gives a reservation back."""
        with self._lock:
            self.tokens -= most.tokens
            self.cost -= most.cost or 0.0

    def settle(self, most: Estimate, usage: Usage | None, price: Price | None) -> None:
        """Replaces a reservation by what was used; without a usage the reservation stands."""
        if usage is None:
            return
        read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        with self._lock:
            self.tokens += read + usage.output_tokens - most.tokens
            if price is not None:
                self.cost += price.of(read, usage.output_tokens) - (most.cost or 0.0)

    def _add(self, most: Estimate) -> None:
        self.tokens += most.tokens
        self.cost += most.cost or 0.0
