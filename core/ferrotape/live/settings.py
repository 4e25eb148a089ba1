"""`[live]`: how agents are asked for real."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Gt

from ferrotape.live.budget import Prices


class OnFailure(StrEnum):
    """What to do about trouble that may pass."""

    RETRY = "retry"
    """Try again; after the last attempt the trial is missing and the run goes on."""
    SKIP = "skip"
    """Do not try again; the trial is missing and the run goes on."""
    FAIL = "fail"
    """Try again; after the last attempt the run ends, to be resumed later."""


@dataclass(frozen=True, kw_only=True)
class LiveSettings:
    """The keys of `[live]`."""

    retries: Annotated[int, Ge(0)] = 2
    """Attempts after the first."""
    on_failure: OnFailure = OnFailure.RETRY
    calls: Annotated[int, Ge(1)] = 8
    """The most calls at a time; the number adapts below that."""
    requests_per_minute: Annotated[float, Gt(0)] | None = None
    tokens_per_minute: Annotated[float, Gt(0)] | None = None
    batch_poll_s: Annotated[float, Gt(0)] = 30.0
    """Seconds between two looks at how far a batch is."""
    max_cost: Annotated[float, Ge(0)] | None = None
    """Dollars, by `prices`."""
    max_tokens: Annotated[int, Ge(0)] | None = None
    """Of a run, input and output together."""
    prices: Prices = field(default_factory=Prices)
