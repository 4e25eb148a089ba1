"""Requests and tokens a minute, as many as the endpoint allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_MINUTE_S = 60.0


class RateLimit:
    """A token bucket of one minute's allowance that fills evenly. Thread-safe.

    Args:
        per_minute: The allowance; None for no limit.
        clock: Seconds, never going back.
    """

    def __init__(
        self, per_minute: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._level = per_minute or 0.0
        self._filled_at = clock()
        self._lock = threading.Lock()

    def take(self, amount: float) -> float:
        """Takes `amount` from the bucket at once; returns the seconds to wait before using it.

        The level may go below zero: whoever comes later waits longer, in order of arrival.
        """
        if self._per_minute is None:
            return 0.0
        with self._lock:
            now = self._clock()
            rate = self._per_minute / _MINUTE_S
            self._level = min(self._per_minute, self._level + (now - self._filled_at) * rate)
            self._filled_at = now
            self._level -= amount
            return max(0.0, -self._level / rate)
