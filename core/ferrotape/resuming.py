"""Going on with a run that stopped early: only what is missing is done, nothing is paid twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ferrotape.errors import UsageError
from ferrotape.model import Ingredient, Mode, Run, TrialResult
from ferrotape.provenance import ingredients_of
from ferrotape.selection import Plan, Selection, make_plan
from ferrotape.store import StoredRun
from ferrotape.workbench import Workbench

RECORDED_SINCE = "recorded since"
"""The key of a run's environment that says when it was begun to record for, if before it."""


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What is left of a run."""

    run: Run
    plan: Plan
    """The trials still to do, in the order of the first plan."""
    done: tuple[TrialResult, ...]
    """Stored results that stand."""
    failed: tuple[TrialResult, ...]
    """Stored results that are missing through no fault of the agent, to be done again."""

    def with_attempts(self, result: TrialResult) -> TrialResult:
        """The result with the failures of the time before, so that every attempt is kept."""
        before = next((old for old in self.failed if old.trial.key == result.trial.key), None)
        if before is None or before.reply.failure is None:
            return result
        attempts = (
            *before.reply.attempts,
            replace(before.reply.failure, retry_after_s=None),
            *result.reply.attempts,
        )
        calls = (*before.reply.calls, *result.reply.calls)
        return replace(result, reply=replace(result.reply, attempts=attempts, calls=calls))


def plan_rest(
    bench: Workbench,
    stored: StoredRun,
    ingredients: Iterable[Ingredient] = (),
    *,
    env: Mapping[str, str] | None = None,
) -> Rest:
    """Plans what is missing of a run.

    Args:
        bench: What its trials are carried out with.
        stored: The run and its results.
        ingredients: What it was begun with.
        env: Where agents read their secrets from; the process's environment by default.

    Raises:
        UsageError: The pack or an agent's options are not those the run was begun with, or
            nothing is missing.
    """
    run = stored.run
    if (run.pack, run.pack_digest) != (bench.pack.name, bench.pack.digest):
        raise UsageError(
            f"run {run.id} was begun with another state of the pack {run.pack}",
            hint="Put the pack back as it was, or begin a new run.",
        )
    failed = tuple(result for result in stored.results if _to_be_redone(result))
    done = tuple(result for result in stored.results if not _to_be_redone(result))
    selection = Selection(
        scenarios=run.scenarios, formats=run.formats, agents=run.agents, rounds=run.rounds
    )
    env = os.environ if env is None else env
    plan = make_plan(bench, selection, run.mode, env=env, seed=run.seed)
    _refuse_other_options(run, ingredients, ingredients_of(bench, plan))
    known = {result.trial.key for result in done}
    rest = tuple(trial for trial in plan.trials if trial.key not in known)
    if not rest:
        raise UsageError(f"run {run.id} is complete", hint="`ferrotape show` shows it.")
    since = None
    if run.mode is Mode.RECORD:
        since = run.environment.get(RECORDED_SINCE, run.started_at)
    plan = replace(plan, trials=rest, recorded_since=since)
    return Rest(run=run, plan=plan, done=done, failed=failed)


def _refuse_other_options(
    run: Run, before: Iterable[Ingredient], now: Iterable[Ingredient]
) -> None:
    """A run must not mix answers that were asked for in different ways."""
    kept = {entry.name: entry for entry in before if entry.name.startswith("option ")}
    for entry in now:
        old = kept.get(entry.name)
        if old is not None and old.digest != entry.digest:
            changed = f" ({old.value} then, {entry.value} now)" if old.value else ""
            raise UsageError(
                f"run {run.id} was begun with another {entry.name}{changed}",
                hint="Put the settings back as they were, or begin a new run.",
            )


def _to_be_redone(result: TrialResult) -> bool:
    failure = result.reply.failure
    return failure is not None and not failure.kind.agent_caused
