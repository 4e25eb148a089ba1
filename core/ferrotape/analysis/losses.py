"""Where points were lost, by format: the validators, the failure policy, the rubric's checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferrotape.analysis.cells import DIGITS, Where
from ferrotape.model import Failure, Pack, Severity, Status, TrialResult

RUBRIC = "patterns"
"""The validator whose findings are the rubric's failed checks, by id."""
NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Mean points a scored trial lost to one source."""

    source: str
    """A validator's name, a key of the failure policy, or `no_answer`."""
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A check of the rubric and how many answers do not hold it."""

    check: str
    description: str
    failed: int
    of: int
    """Answers that the check was held against: scenarios share some of their checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Where one format's points went; `by_validator` and `by_failure` add up to 100 - mean."""

    where: Where
    scored: int
    by_validator: tuple[Loss, ...]
    """In the order of the pack; empty if nothing was scored."""
    by_failure: tuple[Loss, ...]
    """What the failure policy took beyond the validators; `no_answer` is what trials lost
    that the agent left without an answer."""
    checks: tuple[FailedCheck, ...]
    """Failed at least once; the most often failed first, then by id."""


def losses(where: Where, pack: Pack, results: Iterable[TrialResult]) -> Losses:
    """Adds up what the results that `where` covers lost."""
    inside = [result for result in results if where.covers(result.trial)]
    scored = [result for result in inside if result.score.value is not None]
    validators: dict[str, float] = dict.fromkeys(pack.validators, 0.0)
    failures: dict[str, float] = dict.fromkeys([*Failure, NO_ANSWER], 0.0)
    for result in scored:
        for part in result.score.parts:
            validators[part.validator] = validators.get(part.validator, 0.0) + part.lost
        source = NO_ANSWER if result.reply.failure else result.score.failure
        if source is not None:
            failures[source] += result.score.lost_to_policy
    return Losses(
        where=where,
        scored=len(scored),
        by_validator=_means(validators, len(scored)),
        by_failure=_means(failures, len(scored)),
        checks=_failed_checks(pack, inside),
    )


def most_failed(losses_by_format: Iterable[Losses]) -> tuple[str, ...]:
    """The ids of the failed checks, the most often failed over all formats first, then by id."""
    counts: Counter[str] = Counter()
    for entry in losses_by_format:
        counts.update({check.check: check.failed for check in entry.checks})
    return tuple(sorted(counts, key=lambda check: (-counts[check], check)))


def _means(sums: dict[str, float], count: int) -> tuple[Loss, ...]:
    if not count:
        return ()
    return tuple(
        Loss(source=str(source), points=round(total / count, DIGITS))
        for source, total in sums.items()
    )


def _failed_checks(pack: Pack, results: Sequence[TrialResult]) -> tuple[FailedCheck, ...]:
    rubrics = {
        scenario.id: {pattern.id: pattern.description for pattern in scenario.patterns}
        for scenario in pack.scenarios
    }
    failed: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    described: dict[str, str] = {}
    for result in results:
        rubric = rubrics.get(result.trial.scenario, {})
        for verdict in result.verdicts:
            if verdict.validator != RUBRIC or verdict.status not in {Status.PASSED, Status.FAILED}:
                continue
            found = {f.code for f in verdict.findings if f.severity is not Severity.NOTE}
            asked.update(rubric.keys())
            failed.update(found & rubric.keys())
            described = {**rubric, **described}
    return tuple(
        FailedCheck(check=check, description=described[check], failed=count, of=asked[check])
        for check, count in sorted(failed.items(), key=lambda entry: (-entry[1], entry[0]))
    )
