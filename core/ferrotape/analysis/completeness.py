"""What limits how far a run's figures can be trusted: missing verdicts, copied answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferrotape.analysis.cells import Where, has_code
from ferrotape.model import Status, TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A validator that did not judge: scores without it compare only with their like."""

    validator: str
    """Its name, or that of an extractor that failed."""
    status: Status
    """`unavailable`, or `error` where the validator itself failed."""
    why: str
    """In the validator's words: escape it before showing it."""
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Cells whose rounds are not independent answers: the same code came more than once."""

    cells: tuple[Where, ...]
    of: int
    """Cells with at least two answers that hold code."""


def gaps(results: Iterable[TrialResult]) -> tuple[Gap, ...]:
    """Every validator that did not judge, by name, status and reason."""
    counts = Counter(
        (verdict.validator, verdict.status, verdict.summary)
        for result in results
        for verdict in result.verdicts
        if verdict.status in {Status.UNAVAILABLE, Status.ERROR}
    )
    return tuple(
        Gap(validator=validator, status=status, why=why, trials=count)
        for (validator, status, why), count in sorted(counts.items())
    )


def copies(cells: Iterable[Where], results: Sequence[TrialResult]) -> Copies:
    """The cells in which two rounds gave the same code, by its SHA-256."""
    alike: list[Where] = []
    looked_at = 0
    for where in cells:
        hashes = [
            result.extraction.code_sha256
            for result in results
            if where.covers(result.trial) and has_code(result) and result.extraction
        ]
        if len(hashes) > 1:
            looked_at += 1
            if len(set(hashes)) < len(hashes):
                alike.append(where)
    return Copies(cells=tuple(alike), of=looked_at)
