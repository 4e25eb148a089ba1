"""What differs between two results of one trial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ferrotape.model import TrialResult, Verdict


def compare_results(before: TrialResult, after: TrialResult) -> tuple[str, ...]:
    """What differs between two results of a trial: an entry for each reply, verdict, score.

    Such as `tests: passed 100.0, now failed 80.0`. Times, order and where verdicts came from are
    left out. The same results give nothing.
    """
    return tuple(_differing(before, after))


def _differing(before: TrialResult, after: TrialResult) -> Iterator[str]:
    if before.reply.failure != after.reply.failure:
        yield f"reply: {_failure(before)}, now {_failure(after)}"
    codes = [r.extraction.code_sha256 if r.extraction else None for r in (before, after)]
    if codes[0] != codes[1]:
        yield "code: another one was taken from the reply"
    old, new = _by_name(before.verdicts), _by_name(after.verdicts)
    for name in sorted(old.keys() | new.keys()):
        yield from _verdicts(name, old.get(name), new.get(name))
    if before.score != after.score:
        yield f"score: {_points(before.score.value)}, now {_points(after.score.value)}"


def _verdicts(name: str, before: Verdict | None, after: Verdict | None) -> Iterator[str]:
    if before is None or after is None:
        yield f"{name}: {'no verdict' if before is None else _said(before)}, now" + (
            " none" if after is None else f" {_said(after)}"
        )
    elif _said(before) != _said(after):
        yield f"{name}: {_said(before)}, now {_said(after)}"
    elif replace(before, distribution="") != replace(after, distribution=""):
        yield f"{name}: {_said(after)} as before, with other findings: {after.summary}"


def _by_name(verdicts: Iterable[Verdict]) -> Mapping[str, Verdict]:
    return {verdict.validator: verdict for verdict in verdicts}


def _said(verdict: Verdict) -> str:
    return f"{verdict.status} {_points(verdict.score)}"


def _failure(result: TrialResult) -> str:
    failure = result.reply.failure
    return "an answer" if failure is None else f"{failure.kind}: {failure.message}"


def _points(value: float | None) -> str:
    return "without a score" if value is None else f"{value:.1f}"
