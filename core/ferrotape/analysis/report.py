"""What reporters get: a run, its results, and the figures made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ferrotape.analysis.cells import Summary, Where, axes_of, describe
from ferrotape.analysis.completeness import Copies, Gap, copies, gaps
from ferrotape.analysis.expectations import ScenarioSummary, hold_against
from ferrotape.analysis.flags import Flag, flags
from ferrotape.analysis.losses import Losses, losses
from ferrotape.analysis.waterfall import LostTrial, Waterfall, lost_trials, waterfall
from ferrotape.model import Pack, Run, TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run with all that is shown of it.

    Lists run by agent first, then in the order of the pack. Every reporter takes its figures
    from here, so that all of them show the same.
    """

    run: Run
    pack: Pack
    results: tuple[TrialResult, ...]
    """By scenario, format, agent, round: the same whatever the order of execution."""
    overall: Summary
    agents: tuple[Summary, ...]
    formats: tuple[Summary, ...]
    """Agent x format."""
    scenarios: tuple[ScenarioSummary, ...]
    """Agent x scenario."""
    cells: tuple[Summary, ...]
    """Agent x scenario x format, those without any result included."""
    total_waterfall: Waterfall
    waterfalls: tuple[Waterfall, ...]
    """Agent x format."""
    losses: tuple[Losses, ...]
    """Agent x format."""
    lost_trials: tuple[LostTrial, ...]
    flags: tuple[Flag, ...]
    partial: tuple[Gap, ...]
    """The validators that did not judge; empty if the run is complete."""
    copies: Copies

    @property
    def measured(self) -> bool:
        """Whether all answers come with the model's own latency and tokens."""
        return 0 < self.overall.answered == self.overall.measured


def summarise(run: Run, pack: Pack, results: Iterable[TrialResult]) -> RunReport:
    """Works out all figures of a run; the order of `results` makes no difference.

    Raises:
        ValueError: Two results are of the same trial.
    """
    ordered = tuple(sorted(results, key=lambda result: result.trial.rank))
    _refuse_duplicates(ordered)
    axes = axes_of(run, pack, ordered)

    def figures(parts: Iterable[Where]) -> tuple[Summary, ...]:
        return tuple(describe(where, axes.planned(where), ordered) for where in parts)

    known = {scenario.id: scenario for scenario in pack.scenarios}
    cells = figures(axes.cells())
    return RunReport(
        run=run,
        pack=pack,
        results=ordered,
        overall=describe(Where(), run.planned, ordered),
        agents=figures(axes.by_agent()),
        formats=figures(axes.by_format()),
        scenarios=tuple(
            hold_against(summary, known.get(summary.where.scenario))
            for summary in figures(axes.by_scenario())
        ),
        cells=cells,
        total_waterfall=waterfall(Where(), run.planned, ordered),
        waterfalls=tuple(
            waterfall(where, axes.planned(where), ordered) for where in axes.by_format()
        ),
        losses=tuple(losses(where, pack, ordered) for where in axes.by_format()),
        lost_trials=lost_trials(ordered),
        flags=flags(axes, cells, ordered),
        partial=gaps(ordered),
        copies=copies(axes.cells(), ordered),
    )


def _refuse_duplicates(ordered: tuple[TrialResult, ...]) -> None:
    for before, after in pairwise(ordered):
        if before.trial.key == after.trial.key:
            raise ValueError(f"two results of the trial {after.trial.key}")
