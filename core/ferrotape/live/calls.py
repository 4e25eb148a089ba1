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
_LOOK_AGAIN_S = 0.2
"""How often a call that waits for its budget looks whether the run was stopped."""


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
        self._interrupted = False
        self._settled = threading.Condition()
        self._under_way = 0

    @property
    def stopped(self) -> str:
        """Why no further call is made, in one sentence; empty while calls are made."""
        return self._reason

    def stop(self, reason: str) -> None:
        """Makes no further call; those under way come to their end."""
        self._reason = self._reason or reason
        self._stop.set()

    def interrupt(self) -> None:
        """Makes no further call, and takes those that are cut off now for not made."""
        self._interrupted = True
        self.stop("the run was interrupted")

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
                return _not_asked(str(error), failures)
            reply = replace(reply, attempts=tuple(failures))
            failure = reply.failure
            if failure is None:
                return reply
            if self._interrupted:  # it was cut off, and says nothing about the agent
                return _not_asked(self._reason, failures)
            if not self._policy.again(failure, len(failures) + 1):
                self._stop_after(failure)
                return reply
            # What it asked to wait is over with the wait; replay, which never waits, has none.
            failures.append(replace(failure, retry_after_s=None))
            self._stop.wait(self._policy.wait_s(failure, len(failures), self._chance))

    @contextmanager
    def _admitted(self, most: Estimate) -> Iterator[None]:
        if self._stop.is_set():
            raise _StoppedError(self._reason)
        self._reserve(most)
        wait = max(self._requests.take(1), self._tokens.take(most.tokens))
        try:
            if self._stop.wait(wait):
                self.budget.release(most)
                raise _StoppedError(self._reason)
            yield
        finally:
            with self._settled:
                self._under_way -= 1
                self._settled.notify_all()

    def _attempt(self, attempt: Callable[[], Reply], most: Estimate, price: Price | None) -> Reply:
        with self.limit.slot() as slot:
            reply = attempt()
            slot.report(reply.failure)
        failed = reply.failure is not None and reply.failure.kind in RETRIED
        if failed and reply.usage is None:
            self.budget.release(most)  # an endpoint that gave nothing charges nothing
        else:
            self.budget.settle(most, reply.usage, price)
        return reply

    def _reserve(self, most: Estimate) -> None:
        """Sets aside the most that a call can come to; waits while others may give some back."""
        with self._settled:
            while True:
                if self._stop.is_set():
                    raise _StoppedError(self._reason)
                try:
                    self.budget.reserve(most)
                except OverBudget as error:
                    if self._under_way == 0:
                        self.stop(f"the budget is used up: {error}")
                        raise _StoppedError(self._reason) from None
                    self._settled.wait(_LOOK_AGAIN_S)
                else:
                    self._under_way += 1
                    return

    def _stop_after(self, failure: AgentFailure) -> None:
        """Ends the run after a failure for good, if the next trial would only fail as this one."""
        hopeless = failure.kind is AgentFailureKind.AUTHENTICATION
        strict = self._settings.on_failure is OnFailure.FAIL and not failure.kind.agent_caused
        if hopeless or strict:
            # Not its message: what an endpoint says may hold a key; only the tape cleans it.
            self.stop(f"a trial failed for good: {failure.kind.value.replace('_', ' ')}")


def _not_asked(reason: str, failures: list[AgentFailure]) -> Reply:
    failure = AgentFailure(kind=AgentFailureKind.NOT_ASKED, message=reason)
    return Reply(failure=failure, attempts=tuple(failures))


class _StoppedError(Exception):
    """No further call may be made."""
