"""A report laid out in rows and columns, one layout an agent; columns are formats.

Both reporters for people draw from this, so that they show the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ferrotape.analysis import (
    FailedCheck,
    Losses,
    RunReport,
    ScenarioSummary,
    Summary,
    Waterfall,
    Where,
    loss_label,
    most_failed,
)


@dataclass(frozen=True, kw_only=True)
class AgentView:
    """One agent's figures; every tuple of cells follows `formats`."""

    of: str
    """The agent's name in parentheses after a space; empty if the run has only one."""
    formats: tuple[Summary, ...]
    scores: tuple[tuple[str, tuple[Summary, ...]], ...]
    """The cells of each scenario."""
    scenarios: tuple[ScenarioSummary, ...]
    falls: tuple[Waterfall, ...]
    losses: tuple[tuple[str, tuple[float | None, ...]], ...]
    """Mean points lost, by source; sources that took nothing are left out."""
    checks: tuple[tuple[str, str, tuple[FailedCheck | None, ...]], ...]
    """Id, description and cells of each failed check, the most often failed first."""

    @property
    def names(self) -> tuple[str, ...]:
        """The formats' names."""
        return tuple(summary.where.format for summary in self.formats)

    @property
    def timed(self) -> bool:
        """Whether there are latencies or tokens to show."""
        return any(summary.measured for summary in self.formats)

    @property
    def most_lost(self) -> float:
        """The largest entry of `losses`; 0 if there is none."""
        return max((lost or 0.0 for _, row in self.losses for lost in row), default=0.0)


def views(report: RunReport) -> tuple[AgentView, ...]:
    """One view an agent."""
    return tuple(_view(report, summary.where.agent) for summary in report.agents)


def _view(report: RunReport, agent: str) -> AgentView:
    def mine(where: Where) -> bool:
        return where.agent == agent

    formats = tuple(summary for summary in report.formats if mine(summary.where))
    cells = {cell.where: cell for cell in report.cells}
    scenarios = tuple(entry for entry in report.scenarios if mine(entry.figures.where))
    losses = [losses for losses in report.losses if mine(losses.where)]
    return AgentView(
        of=f" ({agent})" if len(report.agents) > 1 else "",
        formats=formats,
        scores=tuple(
            (
                name,
                tuple(
                    cells[Where(scenario=name, format=summary.where.format, agent=agent)]
                    for summary in formats
                ),
            )
            for name in (entry.figures.where.scenario for entry in scenarios)
        ),
        scenarios=scenarios,
        falls=tuple(fall for fall in report.waterfalls if mine(fall.where)),
        losses=tuple(_loss_rows(losses)),
        checks=tuple(_check_rows(losses)),
    )


def _loss_rows(formats: list[Losses]) -> Iterable[tuple[str, tuple[float | None, ...]]]:
    taken = [
        {loss.source: loss.points for loss in (*losses.by_validator, *losses.by_failure)}
        for losses in formats
    ]
    for source in dict.fromkeys(source for column in taken for source in column):
        row = tuple(column.get(source) for column in taken)
        if any(row):
            yield loss_label(source), row


def _check_rows(
    formats: list[Losses],
) -> Iterable[tuple[str, str, tuple[FailedCheck | None, ...]]]:
    failed = [{entry.check: entry for entry in losses.checks} for losses in formats]
    for check in most_failed(formats):
        row = tuple(column.get(check) for column in failed)
        yield check, next(entry.description for entry in row if entry), row
