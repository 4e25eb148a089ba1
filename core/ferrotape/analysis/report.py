"""What reporters get: a run, its results, and the figures made of them."""

from __future__ import annotations

from dataclasses import dataclass

from ferrotape.model import Pack, Run, TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run with all that is shown of it."""

    run: Run
    pack: Pack
    results: tuple[TrialResult, ...]
    """By scenario, format, agent, round: the same whatever the order of execution."""
