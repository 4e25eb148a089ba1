"""The loss waterfall: how far trials come on the way from the plan to a clean answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ferrotape.analysis.cells import Where, has_code
from ferrotape.model import AgentFailureKind, Failure, Status, Trial, TrialResult


class Stage(StrEnum):
    """The stages in their order; a trial reaches one only if it reached all before it."""

    PLANNED = "planned"
    ANSWERED = "answered"
    EXTRACTED = "extracted"
    COMPILES = "compiles"
    INTERFACE_FITS = "interface fits"
    TESTS_PASS = "hidden tests pass"  # noqa: S105 - a stage, no password
    LINT_CLEAN = "lint clean"
    """Neither rustc nor clippy has anything to object to."""


_FAILURE_AT: dict[Stage, Failure] = {
    Stage.COMPILES: Failure.COMPILE_ERROR,
    Stage.INTERFACE_FITS: Failure.INTERFACE_MISMATCH,
    Stage.TESTS_PASS: Failure.FAILED_TESTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCount:
    """How many trials reached a stage.

    The trials that reached the stage before are those that reached this one, the `lost` ones,
    and those that stop being checked here.
    """

    stage: Stage
    reached: int | None
    """None if trials got this far and not one of them could be checked."""
    lost: int
    not_checked: int
    """Trials of which nothing is known from here on: not run, or a verdict is unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The stages of one part of the run, and why trials have no answer."""

    where: Where
    stages: tuple[StageCount, ...]
    failures: tuple[tuple[AgentFailureKind, int], ...]
    """Trials by the kind of agent failure; kinds that did not occur are left out."""

    def at(self, stage: Stage) -> StageCount:
        """The counts of one stage."""
        return self.stages[list(Stage).index(stage)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTrial:
    """A trial that did not come as far as passing all hidden tests."""

    trial: Trial
    stage: Stage
    """The stage it did not reach."""
    score: float | None
    why: str
    """In the words of the agent, extractor or validator: escape it before showing it."""


def waterfall(where: Where, planned: int, results: Iterable[TrialResult]) -> Waterfall:
    """Counts the stages of the results that `where` covers."""
    inside = [result for result in results if where.covers(result.trial)]
    not_checked = max(planned - len(inside), 0)
    counts = [StageCount(stage=Stage.PLANNED, reached=planned, lost=0, not_checked=0)]
    going = inside
    blind = planned > 0 and not inside
    for stage in list(Stage)[1:]:
        known = [(result, reaches(result, stage)) for result in going]
        not_checked += sum(reached is None for _, reached in known)
        blind = blind or (bool(known) and all(reached is None for _, reached in known))
        going = [result for result, reached in known if reached]
        counts.append(
            StageCount(
                stage=stage,
                reached=None if blind else len(going),
                lost=sum(reached is False for _, reached in known),
                not_checked=not_checked,
            )
        )
    kinds = Counter(result.reply.failure.kind for result in inside if result.reply.failure)
    return Waterfall(
        where=where,
        stages=tuple(counts),
        failures=tuple((kind, kinds[kind]) for kind in AgentFailureKind if kinds[kind]),
    )


def reaches(result: TrialResult, stage: Stage) -> bool | None:
    """Whether a trial that reached the stage before reaches this one; None if not known."""
    if stage is Stage.PLANNED:
        return True
    if stage is Stage.ANSWERED:
        return result.reply.failure is None
    if stage is Stage.EXTRACTED:
        # An extractor that crashed says nothing about the answer.
        crashed = any(verdict.status is Status.ERROR for verdict in result.verdicts)
        return True if has_code(result) else None if crashed else False
    return _judged(result, stage)


def _judged(result: TrialResult, stage: Stage) -> bool | None:
    """What the verdicts of `rustc`, `tests` and `clippy` say of one of the last four stages.

    The hidden tests are built from the answer: with them a compile error is known without
    `rustc`, and so is that there is none.
    """
    if any(v.failure is not None and v.failure is _FAILURE_AT.get(stage) for v in result.verdicts):
        return False
    passed = {
        verdict.validator: verdict.status is Status.PASSED
        for verdict in result.verdicts
        if verdict.status in {Status.PASSED, Status.FAILED}
    }
    if stage is Stage.COMPILES:
        return True if passed.keys() & {"rustc", "tests"} else None
    if stage is Stage.INTERFACE_FITS:
        return True if "tests" in passed else None
    if stage is Stage.TESTS_PASS:
        return passed.get("tests")
    lints = [passed.get("rustc"), passed.get("clippy")]
    return False if False in lints else None if None in lints else True


def lost_at(result: TrialResult) -> Stage | None:
    """The first stage the trial is known not to reach; None if there is none, or not known."""
    for stage in Stage:
        reached = reaches(result, stage)
        if not reached:
            return stage if reached is False else None
    return None


def lost_trials(results: Iterable[TrialResult]) -> tuple[LostTrial, ...]:
    """The trials lost before the lints, each with its reason."""
    return tuple(
        LostTrial(
            trial=result.trial, stage=stage, score=result.score.value, why=_why(result, stage)
        )
        for result in results
        if (stage := lost_at(result)) not in {None, Stage.LINT_CLEAN} and stage is not None
    )


def _why(result: TrialResult, stage: Stage) -> str:
    if stage is Stage.ANSWERED and result.reply.failure:
        return f"{result.reply.failure.kind}: {result.reply.failure.message}"
    if stage is Stage.EXTRACTED and result.extraction:
        return result.extraction.note or result.extraction.rule
    blamed = (v for v in result.verdicts if v.failure and v.failure is _FAILURE_AT.get(stage))
    verdict = next(blamed, None)
    return verdict.summary if verdict else ""
