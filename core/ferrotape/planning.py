"""The plan of a run: which trials, in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product

from ferrotape.model import Trial


def plan_trials(
    scenarios: Sequence[str],
    formats: Sequence[str],
    agents: Sequence[str],
    rounds: int,
    seed: int,
) -> tuple[Trial, ...]:
    """Every scenario x format x agent x round, rounds one after the other, shuffled within each.

    Exchangeability of rounds wants formats interleaved in random order: each round's trials are
    sorted by SHA-256 of the seed and the trial's key, a shuffle that is the same on every
    machine and Python version.
    """
    trials: list[Trial] = []
    for number in range(1, rounds + 1):
        keyed = [
            Trial(scenario=scenario, format=fmt, agent=agent, round=number)
            for scenario, fmt, agent in product(scenarios, formats, agents)
        ]
        trials += sorted(keyed, key=lambda trial: _shuffle_key(seed, trial))
    return tuple(
        Trial(
            scenario=trial.scenario,
            format=trial.format,
            agent=trial.agent,
            round=trial.round,
            order=order,
        )
        for order, trial in enumerate(trials)
    )


def _shuffle_key(seed: int, trial: Trial) -> bytes:
    return hashlib.sha256(f"{seed}:{trial.key}".encode()).digest()
