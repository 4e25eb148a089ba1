"""Calibration: answers whose scores are known to be right, held against what the pack gives.

A scenario may name a sample with the range its score must fall into, and a wrong answer that
must stay low. If the sample falls outside, the rubric is too strict or too lenient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferrotape.errors import PackError, Problem
from ferrotape.model import Failure, Pack, Scenario
from ferrotape.packs.reader import decode, read_bytes
from ferrotape.packs.selftest import REFERENCE_SCORE, Judge, Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One answer and how its score came out."""

    scenario: str
    subject: str
    """`sample`, `reference` or `wrong answer`, with its file."""
    score: float | None
    low: float
    high: float
    partial: str = ""
    """Why the score is not comparable: the validators without a score."""

    @property
    def ok(self) -> bool:
        """Whether a complete score lies in the range."""
        return self.score is not None and not self.partial and self.low <= self.score <= self.high

    @property
    def result(self) -> str:
        """In words: `PASS`, or `FAIL` and why."""
        if self.score is None or self.partial:
            return f"FAIL: not all could be checked here ({self.partial or 'no score'})"
        if self.score < self.low:
            return "FAIL: the evaluator is too strict"
        if self.score > self.high:
            return "FAIL: the evaluator is too lenient"
        return "PASS"


def calibrate(pack: Pack, judge: Judge) -> Iterator[Calibrated]:
    """Judges the sample, the reference and the wrong answer of each scenario that names them.

    Raises:
        PackError: No scenario has a calibration, or a file that one names cannot be read.
    """
    calibrated = [scenario for scenario in pack.scenarios if scenario.calibration is not None]
    if not calibrated:
        raise PackError(
            f"no scenario of the pack {pack.name} has a calibration",
            hint="docs/scenarios.md shows how to add one.",
        )
    for scenario in calibrated:
        yield from _of_scenario(pack, scenario, judge)


def _of_scenario(pack: Pack, scenario: Scenario, judge: Judge) -> Iterator[Calibrated]:
    calibration = scenario.calibration
    if calibration is None:
        return
    low, high = calibration.expected
    yield _held(scenario, f"sample {calibration.sample}", judge, calibration.sample, (low, high))
    if scenario.reference.strip():
        judged = judge(scenario, scenario.reference)
        yield _calibrated(scenario, "reference", judged, (REFERENCE_SCORE, 100.0))
    if calibration.wrong:
        subject = f"wrong answer {calibration.wrong}"
        yield _held(scenario, subject, judge, calibration.wrong, (0.0, _highest_wrong(pack)))


def _highest_wrong(pack: Pack) -> float:
    """What an answer that fails a hidden test can reach at most, by the failure policy."""
    rule = pack.failure_policy.get(Failure.FAILED_TESTS)
    if rule is None:
        return 100.0
    if rule.cap_base is not None:
        return rule.cap_base + (rule.cap_span or 0.0)
    return next(bound for bound in (rule.cap, rule.score, 100.0) if bound is not None)


def _held(
    scenario: Scenario, subject: str, judge: Judge, name: str, bounds: tuple[float, float]
) -> Calibrated:
    file = _inside(scenario.folder, name)
    return _calibrated(scenario, subject, judge(scenario, decode(read_bytes(file), file)), bounds)


def _inside(folder: Path, name: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        problem = Problem(folder / "scenario.yaml", 0, f"calibration: there is no file {name} here")
        raise PackError("the calibration cannot be used:", [problem])
    return file


def _calibrated(
    scenario: Scenario, subject: str, judged: Judgement, bounds: tuple[float, float]
) -> Calibrated:
    gaps = [f"{v.validator} is {v.status}" for v in judged.verdicts if v.score is None]
    return Calibrated(
        scenario=scenario.id,
        subject=subject,
        score=judged.score.value,
        low=bounds[0],
        high=bounds[1],
        partial=", ".join(gaps),
    )
