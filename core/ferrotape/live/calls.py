"""One trial's attempts, within pace and budget, until it is answered or given up."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ferrotape.live.budget import Budget, Estimate, OverBudget, Price
from ferrotape.live.limit import AdaptiveLimit
from ferrotape.live.rates import RateLimit
from ferrotape.live.retry import RETRIED, RetryPolicy
from ferrotape.live.settings import LiveSettings, OnFailure
from ferrotape.model import AgentFailure, AgentFailureKind, Reply

_FIRST_CALLS = 2


class LiveCalls:
    """What the calls of a run share. Thread-safe.

    Args:
        settings: `[live]`.
        seed: Of the jitter.
    """

    def __init__(self, settings: LiveSettings, seed: int = 0) -> None:
        self.budget = Budget(settings.max_cost, settings.max_tokens)
        self.limit = AdaptiveLimit(_FIRST_CALLS, settings.calls)
        self._settings = settings
        retries = 0 if settings.on_failure is OnFailure.SKIP else settings.retries
        self._policy = RetryPolicy(retries=retries)
        self._requests = RateLimit(settings.requests_per_minute)
        self._tokens = RateLimit(settings.tokens_per_minute)
        self._chance = random.Random(seed)  # noqa: S311 - jitter is no secret
        self._stop = threading.Event()
        self._reason = ""

    @property
    def stopped(self) -> str:
        """Why no further call is made, in one sentence; empty while calls are made."""
        return self._reason

    def stop(self, reason: str) -> None:
        """Makes no further call; those under way come to their end."""
        self._reason = self._reason or reason
        self._stop.set()

    def ask(
        self, attempt: Callable[[], Reply], most: Estimate, price: Price | None = None
    ) -> Reply:
        """Makes attempts until one succeeds, or fails in a way that will not pass.

        Args:
            attempt: Asks once.
            most: The most that an attempt can come to.
            price: Of the model, if it is known.

        Returns:
            The last reply, with the failures before it. If no call may be made any more its
            failure is `not_asked`.
        """
        failures: list[AgentFailure] = []
        while True:
            try:
                with self._admitted(most):
                    reply = self._attempt(attempt, most, price)
            except _StoppedError as error:
                kind = AgentFailureKind.NOT_ASKED
                return Reply(
                    failure=AgentFailure(kind=kind, message=str(error)),
                    attempts=tuple(failures),
                )
            reply = replace(reply, attempts=tuple(failures))
            failure = reply.failure
            if failure is None:
                return reply
            if not self._policy.again(failure, len(failures) + 1):
                if failure.kind in RETRIED and self._settings.on_failure is OnFailure.FAIL:
                    self.stop(f"a trial failed for good: {failure.message}")
                return reply
            # What it asked to wait is over with the wait; replay, which never waits, has none.
            failures.append(replace(failure, retry_after_s=None))
            self._stop.wait(self._policy.wait_s(failure, len(failures), self._chance))

    @contextmanager
    def _admitted(self, most: Estimate) -> Iterator[None]:
        if self._stop.is_set():
            raise _StoppedError(self._reason)
        try:
            self.budget.reserve(most)
        except OverBudget as error:
            self.stop(f"the budget is used up: {error}")
            raise _StoppedError(self._reason) from None
        wait = max(self._requests.take(1), self._tokens.take(most.tokens))
        if self._stop.wait(wait):
            raise _StoppedError(self._reason)
        yield

    def _attempt(self, attempt: Callable[[], Reply], most: Estimate, price: Price | None) -> Reply:
        with self.limit.slot() as slot:
            reply = attempt()
            slot.report(reply.failure)
        if reply.failure is not None and reply.failure.kind in RETRIED:
            self.budget.release(most)  # an endpoint that fails charges nothing
        else:
            self.budget.settle(most, reply.usage, price)
        return reply


class _StoppedError(Exception):
    """No further call may be made."""
