"""The statistics and summaries of a run: pure functions, no I/O."""

from ferrotape.analysis.cells import Summary, Where
from ferrotape.analysis.completeness import Copies, Gap
from ferrotape.analysis.expectations import Position, ScenarioSummary
from ferrotape.analysis.flags import Flag, FlagKind
from ferrotape.analysis.losses import FailedCheck, Loss, Losses, most_failed
from ferrotape.analysis.report import RunReport, summarise
from ferrotape.analysis.waterfall import LostTrial, Stage, StageCount, Waterfall, lost_at
from ferrotape.analysis.wording import (
    UNDEFINED,
    counted_both_ways,
    headline,
    loss_label,
    mean_and_sd,
    percent,
    place,
    points,
    provenance,
    run_facts,
    warnings,
)

__all__ = [
    "UNDEFINED",
    "Copies",
    "FailedCheck",
    "Flag",
    "FlagKind",
    "Gap",
    "Loss",
    "Losses",
    "LostTrial",
    "Position",
    "RunReport",
    "ScenarioSummary",
    "Stage",
    "StageCount",
    "Summary",
    "Waterfall",
    "Where",
    "counted_both_ways",
    "headline",
    "loss_label",
    "lost_at",
    "mean_and_sd",
    "most_failed",
    "percent",
    "place",
    "points",
    "provenance",
    "run_facts",
    "summarise",
    "warnings",
]
