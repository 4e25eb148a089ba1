"""Whether recordings still give the verdicts that the history holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ferrotape.analysis.changes import compare_results
from ferrotape.errors import UsageError
from ferrotape.model import Ingredient, Mode, Trial, TrialResult
from ferrotape.provenance import Difference, differences, ingredients_of
from ferrotape.runner import OnResult, execute
from ferrotape.selection import Plan, Selection, make_plan
from ferrotape.store import Store
from ferrotape.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A recording's fresh verdicts beside those of the newest run that used it."""

    key: str
    run_id: str | None
    """That run; None if the history has none."""
    changes: tuple[str, ...] = ()
    """What came out otherwise, such as `tests: passed 100.0, now failed 80.0`."""
    causes: tuple[Difference, ...] = ()
    """The ingredients of this trial that are not as in that run."""


def verify(bench: Workbench, store: Store, plan: Plan, on_result: OnResult) -> tuple[Verified, ...]:
    """Replays a plan, judges anew, and compares with the history, which is left as it is.

    Open the workbench as fresh, or verdicts come from the cache.
    """
    fresh: dict[str, TrialResult] = {}

    def keep(result: TrialResult) -> None:
        fresh[result.trial.key] = result
        on_result(result)

    with (
        tempfile.TemporaryDirectory(prefix="ferrotape-") as folder,
        Store.open(Path(folder) / "history.db") as scratch,
    ):
        execute(bench, plan, scratch, keep)
    today = ingredients_of(bench, plan)
    known: dict[str, tuple[Ingredient, ...]] = {}
    return tuple(
        _compare(bench, store, result, today, known) for _, result in sorted(fresh.items())
    )


def plan_for(bench: Workbench, trials: Iterable[Trial]) -> Plan:
    """The plan that replays just these trials.

    Raises:
        UsageError: A trial is not of the pack, or its agent is not configured.
    """
    chosen = {trial.key: trial for trial in trials}
    agents = tuple(dict.fromkeys(trial.agent for trial in chosen.values()))
    rounds = max((trial.round for trial in chosen.values()), default=1)
    plan = make_plan(bench, Selection(agents=agents, rounds=rounds), Mode.REPLAY)
    kept = tuple(trial for trial in plan.trials if trial.key in chosen)
    strange = sorted(chosen.keys() - {trial.key for trial in kept})
    if strange:
        raise UsageError(
            f"{strange[0]} is no trial of the pack {bench.pack.name}",
            hint="Give its pack with --pack; `ferrotape cassettes check` finds unused recordings.",
        )
    return replace(plan, trials=kept)


def _compare(
    bench: Workbench,
    store: Store,
    fresh: TrialResult,
    today: tuple[Ingredient, ...],
    known: dict[str, tuple[Ingredient, ...]],
) -> Verified:
    key = fresh.trial.key
    found = store.latest(bench.pack.name, fresh.trial)
    if found is None:
        return Verified(key=key, run_id=None)
    run_id, stored = found
    changes = compare_results(stored, fresh)
    if run_id not in known:
        known[run_id] = store.ingredients(run_id)
    causes = _causes(fresh.trial, known[run_id], today) if changes else ()
    return Verified(key=key, run_id=run_id, changes=changes, causes=causes)


def _causes(
    trial: Trial, then: tuple[Ingredient, ...], today: tuple[Ingredient, ...]
) -> tuple[Difference, ...]:
    """The ingredients that differ and have to do with a trial; none if the run kept none."""
    others = ("cassette ", "scenario ", "plan", "seed", "plugin reporter ")
    mine = {f"cassette {trial.key}", f"scenario {trial.scenario}"}
    return tuple(
        entry
        for entry in (differences(then, today) if then else ())
        if entry.name in mine or not entry.name.startswith(others)
    )
