"""Whether a scenario's mean score is where its author expected it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ferrotape.analysis.cells import Summary
from ferrotape.model import Scenario


class Position(StrEnum):
    """Where a mean lies beside an expected range; the ends are inside."""

    BELOW = "below"
    INSIDE = "inside"
    ABOVE = "above"
    UNKNOWN = "unknown"
    """There is no mean, or no range to hold it against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSummary:
    """The figures of one scenario for one agent, and the range expected of a typical agent."""

    figures: Summary
    title: str
    complexity: str
    expected: tuple[float, float] | None
    """Low and high, points; None if the pack has no such scenario any more."""
    position: Position


def hold_against(figures: Summary, scenario: Scenario | None) -> ScenarioSummary:
    """Puts a scenario's figures beside what its author expects."""
    expected = scenario.expected_quality if scenario else None
    return ScenarioSummary(
        figures=figures,
        title=scenario.title if scenario else "",
        complexity=scenario.complexity if scenario else "",
        expected=expected,
        position=position_of(figures.mean, expected),
    )


def position_of(mean: float | None, expected: tuple[float, float] | None) -> Position:
    """Where `mean` lies beside the range from low to high."""
    if mean is None or expected is None:
        return Position.UNKNOWN
    low, high = expected
    if mean < low:
        return Position.BELOW
    return Position.ABOVE if mean > high else Position.INSIDE
