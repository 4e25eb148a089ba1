"""A pack's self-test: does its rubric tell good answers from wrong ones?

It does not know how code is judged: it is given a function for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ferrotape.model import Pack, Scenario, Score, Severity, Status, Verdict
from ferrotape.packs.samples import Claim, Sample, Samples, load_samples

REFERENCE_SCORE = 95.0
"""What a reference must reach at least."""
PATTERNS = "patterns"
TESTS = "tests"
"""The validators whose findings are named by pattern and by hidden test."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is made of a piece of code."""

    verdicts: tuple[Verdict, ...]
    score: Score


Judge = Callable[[Scenario, str], Judgement]
"""Judges code as an answer to a scenario, anew at each call; blank code is no answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    scenario: str
    subject: str
    """What was judged: `reference`, `empty answer`, or a sample such as `wrong/warnings.rs`."""
    ok: bool | None
    """None if it cannot be checked on this machine."""
    message: str


def self_test(
    pack: Pack, judge: Judge, *, repeat: int = 3, scenarios: Iterable[str] = ()
) -> Iterator[Check]:
    """Checks the scenarios one by one, each result as it comes.

    For each scenario: the reference scores at least 95; judged `repeat` times it gets the same
    verdicts; an empty answer scores 0; every wrong answer fails what its first line names;
    every good answer scores higher than every wrong one.

    Args:
        pack: The pack.
        judge: Judges code.
        repeat: How often the reference is judged; 1 leaves the comparison out.
        scenarios: The ids to check; empty for all.

    Raises:
        PackError: Sample answers cannot be used; before anything is judged.
    """
    wanted = set(scenarios)
    chosen = [s for s in pack.scenarios if not wanted or s.id in wanted]
    samples = {scenario.id: load_samples(pack, scenario) for scenario in chosen}
    for scenario in chosen:
        yield from _check_reference(scenario, judge, repeat)
        yield _check_empty(scenario, judge)
        yield from _check_samples(scenario, samples[scenario.id], judge)


def _check_reference(scenario: Scenario, judge: Judge, repeat: int) -> Iterator[Check]:
    if not scenario.reference.strip():
        yield _check(scenario, "reference", False, "there is no reference.* beside scenario.yaml")
        return
    first = judge(scenario, scenario.reference)
    yield _check_score(scenario, first)
    if repeat > 1:
        others = [judge(scenario, scenario.reference) for _ in range(repeat - 1)]
        yield _check_stable(scenario, first, others)


def _check_score(scenario: Scenario, judged: Judgement) -> Check:
    value = judged.score.value
    reached = value is not None and value >= REFERENCE_SCORE
    message = f"scores {_points(value)}; at least {REFERENCE_SCORE:g} is expected"
    return _check(scenario, "reference", _unless_partial(reached, judged), message, judged)


def _check_stable(scenario: Scenario, first: Judgement, others: list[Judgement]) -> Check:
    changing = {
        before.validator
        for other in others
        for before, after in zip(first.verdicts, other.verdicts, strict=True)
        if before != after
    }
    times = f"judged {len(others) + 1} times"
    if changing:
        message = f"{times}, its verdicts differ: {', '.join(sorted(changing))}"
        return _check(scenario, "reference", False, message)
    ok = _unless_partial(True, first)
    return _check(scenario, "reference", ok, f"{times}, always with the same verdicts", first)


def _check_empty(scenario: Scenario, judge: Judge) -> Check:
    judged = judge(scenario, "")
    value = judged.score.value
    ok = True if value == 0 else _unless_partial(False, judged)
    message = f"scores {_points(value)}; 0 is expected"
    return _check(scenario, "empty answer", ok, message, judged)


def _check_samples(scenario: Scenario, samples: Samples, judge: Judge) -> Iterator[Check]:
    wrong: dict[str, Judgement] = {}
    for sample in samples.wrong:
        wrong[sample.name] = judge(scenario, sample.code)
        yield _check_claims(scenario, sample, wrong[sample.name])
    for sample in samples.good:
        yield _check_rank(scenario, sample, judge(scenario, sample.code), wrong)


def _check_claims(scenario: Scenario, sample: Sample, judged: Judgement) -> Check:
    held = {claim: _holds(claim, judged.verdicts) for claim in sample.claims}
    missed = [str(claim) for claim, holds in held.items() if holds is False]
    unknown = [str(claim) for claim, holds in held.items() if holds is None]
    if missed:
        message = f"does not fail {', '.join(missed)}, which its first line names"
        return _check(scenario, sample.name, False, message)
    if unknown:
        return _check(scenario, sample.name, None, f"whether it fails {', '.join(unknown)}", judged)
    return _check(scenario, sample.name, True, f"fails {', '.join(map(str, sample.claims))}")


def _holds(claim: Claim, verdicts: tuple[Verdict, ...]) -> bool | None:
    """Whether an answer fails what is claimed; None if its validator did not say."""
    name = {"test": TESTS, "check": PATTERNS}.get(claim.subject, claim.subject)
    verdict = next((v for v in verdicts if v.validator == name), None)
    if verdict is None or verdict.score is None:
        return None
    if claim.subject in {"test", "check"}:
        return any(finding.code == claim.detail for finding in verdict.findings)
    severities = {finding.severity for finding in verdict.findings}
    match claim.detail:
        case "error":
            return Severity.ERROR in severities
        case "warnings":
            return Severity.WARNING in severities
    return verdict.status is Status.FAILED


def _check_rank(
    scenario: Scenario, sample: Sample, judged: Judgement, wrong: dict[str, Judgement]
) -> Check:
    if not wrong:
        message = "there are no wrong answers to compare with"
        return _check(scenario, sample.name, None, message)
    best = max(wrong, key=lambda name: _known(wrong[name].score.value))
    highest = wrong[best]
    above = _known(judged.score.value) > _known(highest.score.value)
    partial = next((j for j in (judged, *wrong.values()) if _gaps(j)), None)
    order = "above" if above else "not above"
    message = (
        f"scores {_points(judged.score.value)}, {order} every wrong answer"
        f" (the highest: {best}, {_points(highest.score.value)})"
    )
    return _check(scenario, sample.name, None if partial else above, message, partial)


def _check(
    scenario: Scenario, subject: str, ok: bool | None, message: str, judged: Judgement | None = None
) -> Check:
    if ok is None and judged is not None:
        message = f"cannot be checked here: {message}; {_gaps(judged)}"
    return Check(scenario=scenario.id, subject=subject, ok=ok, message=message)


def _unless_partial(ok: bool, judged: Judgement) -> bool | None:
    return None if _gaps(judged) else ok


def _gaps(judged: Judgement) -> str:
    """The validators without a score and why, or nothing."""
    return ", ".join(
        f"{verdict.validator} is {verdict.status} ({verdict.summary})"
        for verdict in judged.verdicts
        if verdict.score is None
    )


def _known(value: float | None) -> float:
    return -1.0 if value is None else value


def _points(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.1f}"
