"""Has batches record the trials of a plan, and goes on with those that were submitted before."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ferrotape.batch.ledger import RECORDED, Entry, Ledger
from ferrotape.batch.requests import Requests
from ferrotape.contracts import BatchProgress, BatchResult
from ferrotape.errors import EndpointError
from ferrotape.live import RETRIED, Budget, OverBudget, RetryPolicy
from ferrotape.model import AgentFailure, AgentFailureKind
from ferrotape.selection import Batched, Plan
from ferrotape.workbench import Workbench

_KINDS = AgentFailureKind
_REFUSED = frozenset({_KINDS.RATE_LIMITED, _KINDS.OVERLOADED})
"""After these it is certain that nothing was accepted."""
_PASSING = RETRIED | {_KINDS.TIMEOUT}
_PATIENCE = 120
"""Looks at a batch that may fail in a row; after that it is left, to be gone on with later."""
_NO_RESULT = AgentFailure(
    kind=_KINDS.SERVER_ERROR, message="the batch gave no result for this request"
)


class BatchRecording:
    """The recording of one plan by batches.

    Args:
        bench: Pack, settings and plugins.
        plan: In the mode `record`.
        env: Where agents read their secrets from; the process's environment by default.
        say: Is told how it goes, a line at a time.
        wait: Waits so many seconds.

    Raises:
        UsageError: An agent cannot be asked by batches.
        StoreError: What was submitted before cannot be read.
    """

    def __init__(
        self,
        bench: Workbench,
        plan: Plan,
        *,
        env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        live = bench.settings.live
        self._plan = plan
        self._say = say
        self._wait = wait
        self._interval_s = live.batch_poll_s
        self._budget = Budget(live.max_cost, live.max_tokens)
        self._policy = RetryPolicy(retries=live.retries)
        self._requests = Requests(bench, plan, os.environ if env is None else env)
        self._ledger = Ledger(bench.settings.batches)
        self._since = _now()
        self._open: dict[str, Entry] = {}
        self._waiting = dict(self._requests.trials)
        self._outcomes: dict[str, str] = {}
        self._failures: dict[str, AgentFailure] = {}
        self._troubles: Counter[str] = Counter()
        self._recall()

    @property
    def asked(self) -> Plan:
        """What is still to be submitted, and paid for."""
        return replace(self._plan, trials=tuple(self._waiting.values()))

    def collect(self) -> Plan:
        """Submits what is missing, waits for all batches to end, and makes the recordings.

        A budget counts the most that requests can come to until they are answered; what it does
        not allow for at first is submitted when others have ended.

        Returns:
            The plan with what came of it. The recordings are made; nothing is left to ask.

        Raises:
            EndpointError: A batch was not accepted, or cannot be told of any more.
            CassetteError: A recording cannot be written. The next time goes on from there.
        """
        stopped = ""
        for entry in self._open.values():
            said = f"{entry.batch} of {entry.agent}, submitted at {entry.submitted_at}"
            self._say(f"going on with batch {said}")
        while self._waiting or self._open:
            refused = self._submit_affordable()
            if not self._open:
                stopped = f"the budget is used up: {refused}"
                break
            self._follow()
        for trial in self._waiting.values():
            self._failures[trial.key] = AgentFailure(kind=_KINDS.NOT_ASKED, message=stopped)
        batched = Batched(failures=self._failures, stopped=stopped)
        return replace(self._plan, batched=batched, recorded_since=self._since)

    def settle(self) -> None:
        """Forgets the batches if all trials are recorded; for when the run is stored.

        Until then they are remembered, so that the next time only asks for what is missing.
        """
        if not self._failures:
            self._ledger.drop_recorded(self._requests.trials)

    # -- what was submitted before

    def _recall(self) -> None:
        """Finds out what is recorded or under way already."""
        trials = self._requests.trials
        entries = [e for e in self._ledger.entries() if not trials.keys().isdisjoint(e.trials)]
        if not entries:
            return
        self._since = min(entry.submitted_at for entry in entries)
        newest = {c: entry for entry in entries for c in entry.trials if c in trials}
        for custom_id, entry in newest.items():
            outcome = entry.outcomes.get(custom_id)
            if outcome == RECORDED and self._requests.is_recorded(custom_id):
                del self._waiting[custom_id]
            elif outcome in {None, RECORDED}:
                self._budget.commit(self._requests.most(custom_id))
                del self._waiting[custom_id]
                held = self._open.get(entry.batch, entry)
                others = {c: o for c, o in held.outcomes.items() if c != custom_id}
                self._open[entry.batch] = replace(held, outcomes=others)

    # -- submitting

    def _submit_affordable(self) -> str:
        """Submits as much as the budget allows for; says what it did not allow, if anything."""
        affordable: dict[str, list[str]] = {}
        refused = ""
        for custom_id, trial in self._waiting.items():
            try:
                self._budget.reserve(self._requests.most(custom_id))
            except OverBudget as error:
                refused = str(error)
                break
            affordable.setdefault(trial.agent, []).append(custom_id)
        for agent, custom_ids in affordable.items():
            largest = self._requests.largest(agent)
            for start in range(0, len(custom_ids), largest):
                self._submit(agent, custom_ids[start : start + largest])
        return refused

    def _submit(self, agent: str, custom_ids: list[str]) -> None:
        batch = self._accepted(agent, custom_ids)
        trials = {c: self._waiting[c].key for c in custom_ids}
        entry = Entry(batch=batch, agent=agent, submitted_at=_now(), trials=trials)
        self._ledger.put(entry)
        self._open[batch] = entry
        for custom_id in custom_ids:
            del self._waiting[custom_id]
        self._say(f"batch {batch} of {agent} submitted: {len(custom_ids)} trials")

    def _accepted(self, agent: str, custom_ids: list[str]) -> str:
        """The id of a fresh batch."""
        requests = {c: self._requests.content(c) for c in custom_ids}
        chance = random.Random()  # noqa: S311 - jitter is no secret
        made = 0
        while True:
            try:
                return self._requests.call(
                    agent, lambda b, options, env: b.submit(requests, options, env)
                )
            except EndpointError as error:
                made += 1
                failure = error.failure
                if failure.kind not in _REFUSED or not self._policy.again(failure, made):
                    raise _explained(error) from error
                self._say(f"the batch was not accepted: {error.message}; trying again")
                self._wait(self._policy.wait_s(failure, made, chance))

    # -- waiting

    def _follow(self) -> None:
        """Polls until all batches under way have ended and their results are recorded."""
        said: dict[str, str] = {}
        while True:
            for entry in tuple(self._open.values()):
                line = self._look_at(entry)
                if said.get(entry.batch) != line:
                    self._say(f"batch {entry.batch}: {line}")
                said[entry.batch] = line
            if not self._open:
                return
            self._wait(self._interval_s)

    def _look_at(self, entry: Entry) -> str:
        """Polls once, and takes the results if there are any; says how it stands."""
        try:
            progress = self._requests.call(
                entry.agent, lambda b, options, env: b.poll(entry.batch, options, env)
            )
            came = self._take_results(entry) if progress.ended else None
        except EndpointError as error:
            self._troubles[entry.batch] += 1
            if error.failure.kind in _PASSING and self._troubles[entry.batch] < _PATIENCE:
                return f"{error.message}; trying again"
            path = self._ledger.path(entry.batch)
            hint = f"If the batch is lost, remove {path}: its trials are then asked for anew."
            raise EndpointError(error.failure, hint=hint) from error
        self._troubles[entry.batch] = 0
        if came is None:
            return _counted(progress)
        del self._open[entry.batch]
        return f"ended, {_counted(progress)}: {came[True]} recorded, {came[False]} failed"

    def _take_results(self, entry: Entry) -> Counter[bool]:
        """Records what a batch gave for trials of the plan; how many it did and did not."""
        wanted = (entry.trials.keys() & self._requests.trials.keys()) - entry.outcomes.keys()
        for result in self._requests.results(entry.agent, entry.batch):
            if result.custom_id in wanted - self._outcomes.keys():
                self._outcomes[result.custom_id] = self._take(result)
        for custom_id in wanted - self._outcomes.keys():
            missing = BatchResult(custom_id=custom_id, outcome=_NO_RESULT)
            self._outcomes[custom_id] = self._take(missing)
        outcomes = {custom_id: self._outcomes[custom_id] for custom_id in wanted}
        self._ledger.put(replace(entry, outcomes={**entry.outcomes, **outcomes}))
        return Counter(outcome == RECORDED for outcome in outcomes.values())

    def _take(self, result: BatchResult) -> str:
        """Records one result, or notes its failure; gives the outcome for the ledger."""
        custom_id = result.custom_id
        most = self._requests.most(custom_id)
        if isinstance(result.outcome, AgentFailure):
            self._budget.release(most)  # what was not answered is not charged
            failure: AgentFailure | None = result.outcome
        else:
            reply = self._requests.record(custom_id, result.outcome)
            self._budget.settle(most, reply.usage, self._requests.price(custom_id))
            failure = reply.failure
        if failure is None or failure.kind.agent_caused:
            return RECORDED
        self._failures[self._requests.trials[custom_id].key] = failure
        return failure.message


def _explained(error: EndpointError) -> EndpointError:
    if error.failure.kind not in _PASSING - _REFUSED:
        return error
    hint = "The endpoint may have accepted the batch all the same: look there before you try again."
    return EndpointError(error.failure, hint=hint)


def _counted(progress: BatchProgress) -> str:
    names = ("processing", "succeeded", "errored", "canceled", "expired")
    return ", ".join(f"{getattr(progress, name)} {name}" for name in names)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
