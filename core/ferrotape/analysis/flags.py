"""The red flags: signs that something other than the formats is showing in the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ferrotape.analysis.cells import Axes, Summary, Where, has_code, scores_of
from ferrotape.model import TrialResult

NEAR_ZERO = 5.0
NEAR_FULL = 95.0
FEWEST = 3
"""Scores that it takes to call them all near 0 or near 100; fewer are no evidence."""
SPREAD = 0.30
ERRORS = 0.10


class FlagKind(StrEnum):
    """What is suspicious."""

    NEAR_ZERO = "near_zero"
    """Every score is 5 or less."""
    NEAR_FULL = "near_full"
    """Every score is 95 or more."""
    SPREAD = "spread"
    """The rounds of a cell vary by more than 30% (SD / mean)."""
    ERRORS = "errors"
    """More than 10% of the trials have no answer."""

    @property
    def question(self) -> str:
        """What to look into, in one sentence."""
        return {
            FlagKind.NEAR_ZERO: "All scores near 0: is the extraction failing?",
            FlagKind.NEAR_FULL: "All scores near 100: is the evaluation too lenient?",
            FlagKind.SPREAD: "Spread over 30% between rounds: is the agent inconsistent?",
            FlagKind.ERRORS: "Errors over 10%: time-outs, or trouble with the integration?",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One red flag."""

    kind: FlagKind
    message: str
    """The figures, in words that follow `where` and a colon."""
    where: Where


def flags(axes: Axes, cells: Iterable[Summary], results: Sequence[TrialResult]) -> tuple[Flag, ...]:
    """All red flags, by kind.

    What holds for the whole run is said once; otherwise agents, formats and scenarios are
    looked at one by one. The spread is looked at cell by cell.
    """
    parts = dict.fromkeys([*axes.by_agent(), *axes.by_format(), *axes.by_scenario()])
    looks = (_near_zero, _near_full, _errors)
    found: list[Flag] = []
    for look in looks:
        whole = look(Where(), results)
        if whole:
            found.append(whole)
            continue
        found += [
            flag
            for where in parts
            if (flag := look(where, [r for r in results if where.covers(r.trial)]))
        ]
    found += _spread(cells)
    order = list(FlagKind)
    return tuple(sorted(found, key=lambda flag: order.index(flag.kind)))


def _near_zero(where: Where, results: Sequence[TrialResult]) -> Flag | None:
    scores = scores_of(results)
    if len(scores) < FEWEST or max(scores) > NEAR_ZERO:
        return None
    coded = sum(map(has_code, results))
    found = f"code was found in {coded} of {len(results)} trials"
    message = f"all {len(scores)} scores are {NEAR_ZERO:.0f} or less; {found}"
    return Flag(kind=FlagKind.NEAR_ZERO, message=message, where=where)


def _near_full(where: Where, results: Sequence[TrialResult]) -> Flag | None:
    scores = scores_of(results)
    partial = any(result.score.partial for result in results)
    if len(scores) < FEWEST or partial or min(scores) < NEAR_FULL:
        return None
    message = f"all {len(scores)} scores are {NEAR_FULL:.0f} or more"
    return Flag(kind=FlagKind.NEAR_FULL, message=message, where=where)


def _errors(where: Where, results: Sequence[TrialResult]) -> Flag | None:
    failures = [result.reply.failure.kind for result in results if result.reply.failure]
    if not results or len(failures) / len(results) <= ERRORS:
        return None
    kinds = ", ".join(f"{failures.count(kind)} {kind}" for kind in sorted(set(failures)))
    message = (
        f"{len(failures)} of {len(results)} trials have no answer"
        f" ({len(failures) / len(results):.1%}: {kinds})"
    )
    return Flag(kind=FlagKind.ERRORS, message=message, where=where)


def _spread(cells: Iterable[Summary]) -> Iterator[Flag]:
    for cell in cells:
        if cell.cv is None or cell.cv <= SPREAD:
            continue
        message = f"{cell.cv:.1%} (SD {cell.sd:.1f} points, mean {cell.mean:.1f}, n {cell.scored})"
        yield Flag(kind=FlagKind.SPREAD, message=message, where=cell.where)
