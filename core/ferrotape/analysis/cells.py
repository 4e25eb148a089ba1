"""Descriptive figures of a group of trials: a cell, a scenario, a format, an agent, the run.

A *cell* is scenario x format x agent; its trials differ in nothing but the round. All figures
describe what was seen. None of them says whether formats differ.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from ferrotape.model import Pack, Reply, Run, Trial, TrialResult

DIGITS = 9
"""Scores are rounded to this many decimals before anything is computed from them."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Where:
    """A part of the run; an empty name stands for all of that kind."""

    scenario: str = ""
    format: str = ""
    agent: str = ""

    def covers(self, trial: Trial) -> bool:
        """Whether the trial is in this part."""
        return (
            self.scenario in {"", trial.scenario}
            and self.format in {"", trial.format}
            and self.agent in {"", trial.agent}
        )

    def __str__(self) -> str:
        names = [name for name in (self.agent, self.scenario, self.format) if name]
        return " / ".join(names) or "the whole run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The names along which trials are grouped, in the order of the pack."""

    scenarios: tuple[str, ...]
    formats: tuple[str, ...]
    agents: tuple[str, ...]
    rounds: int

    def cells(self) -> tuple[Where, ...]:
        """Every cell of the plan, by agent, scenario, format."""
        return tuple(
            Where(scenario=scenario, format=fmt, agent=agent)
            for agent, scenario, fmt in product(self.agents, self.scenarios, self.formats)
        )

    def by_scenario(self) -> tuple[Where, ...]:
        """Every agent x scenario."""
        pairs = product(self.agents, self.scenarios)
        return tuple(Where(scenario=scenario, agent=agent) for agent, scenario in pairs)

    def by_format(self) -> tuple[Where, ...]:
        """Every agent x format."""
        pairs = product(self.agents, self.formats)
        return tuple(Where(format=fmt, agent=agent) for agent, fmt in pairs)

    def by_agent(self) -> tuple[Where, ...]:
        """Every agent."""
        return tuple(Where(agent=agent) for agent in self.agents)

    def planned(self, where: Where) -> int:
        """The number of trials planned there; a plan is a full grid."""
        scenarios = 1 if where.scenario else len(self.scenarios)
        formats = 1 if where.format else len(self.formats)
        agents = 1 if where.agent else len(self.agents)
        return scenarios * formats * agents * self.rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of one part of the run; what is undefined is None.

    A trial that failed because of the agent scores 0 and is in `mean`. One that failed because
    of the infrastructure is missing: it has no score, and only `mean_missing_as_zero` counts it.
    """

    where: Where
    planned: int
    ran: int
    """Trials with a result; fewer than `planned` if the run was interrupted."""
    answered: int
    """Trials whose agent execution came to a usable reply."""
    succeeded: int
    """Answered trials in whose reply code was found."""
    infrastructure: int
    """Trials without an answer through no fault of the agent."""
    scored: int
    mean: float | None
    """Of the scores there are; points, 0 to 100."""
    mean_missing_as_zero: float | None
    """Of all `ran` trials, a missing score counted as 0."""
    sd: float | None
    """Points between the rounds of a cell, ddof = 1; None without a cell of two scores.

    Over several cells it is pooled, sqrt(sum((n-1) s^2) / sum(n-1)), so that how hard the
    scenarios are never passes for inconsistency."""
    minimum: float | None
    maximum: float | None
    measured: int
    """Answers whose latency and tokens are the model's and not a loopback endpoint's."""
    latency_s: float | None
    """Mean seconds an answer, over the measured ones whose latency is known."""
    input_tokens: float | None
    """Mean an answer, over the measured ones whose usage is known."""
    output_tokens: float | None

    @property
    def success_rate(self) -> float | None:
        """Share of all trials that succeeded: infrastructure errors count against the run."""
        return self.succeeded / self.ran if self.ran else None

    @property
    def success_rate_of_agent(self) -> float | None:
        """Share that succeeded, infrastructure errors left out."""
        due = self.ran - self.infrastructure
        return self.succeeded / due if due else None

    @property
    def error_rate(self) -> float | None:
        """Share of trials without an answer, whoever caused it."""
        return (self.ran - self.answered) / self.ran if self.ran else None

    @property
    def cv(self) -> float | None:
        """Coefficient of variation, sd / mean, of one cell; None over several cells or mean 0."""
        in_cell = self.where.scenario and self.where.format and self.where.agent
        if not in_cell or self.sd is None or not self.mean:
            return None
        return self.sd / self.mean


def axes_of(run: Run, pack: Pack, results: Iterable[TrialResult]) -> Axes:
    """The names of the run, and of any result beyond it, in the order of the pack."""
    trials = [result.trial for result in results]
    return Axes(
        scenarios=_ordered(
            {*run.scenarios, *(trial.scenario for trial in trials)},
            [scenario.id for scenario in pack.scenarios],
        ),
        formats=_ordered({*run.formats, *(trial.format for trial in trials)}, pack.format_ids),
        agents=_ordered({*run.agents, *(trial.agent for trial in trials)}, run.agents),
        rounds=run.rounds,
    )


def describe(where: Where, planned: int, results: Iterable[TrialResult]) -> Summary:
    """The figures of the results that `where` covers."""
    inside = [result for result in results if where.covers(result.trial)]
    scores = scores_of(inside)
    answers = [result.reply for result in inside if result.reply.failure is None]
    measured = [reply for reply in answers if reply.measured]
    usages = [reply.usage for reply in measured if reply.usage is not None]
    return Summary(
        where=where,
        planned=planned,
        ran=len(inside),
        answered=len(answers),
        succeeded=sum(has_code(result) for result in inside),
        infrastructure=sum(_infrastructure(result.reply) for result in inside),
        scored=len(scores),
        mean=_mean(scores),
        mean_missing_as_zero=_mean([*scores, *[0.0] * (len(inside) - len(scores))]),
        sd=_sd_within_cells(inside),
        minimum=min(scores, default=None),
        maximum=max(scores, default=None),
        measured=len(measured),
        latency_s=_mean([s for reply in measured if (s := reply.latency_s) is not None]),
        input_tokens=_mean([usage.input_tokens for usage in usages]),
        output_tokens=_mean([usage.output_tokens for usage in usages]),
    )


def scores_of(results: Iterable[TrialResult]) -> list[float]:
    """The scores there are, rounded to `DIGITS`."""
    values = (result.score.value for result in results)
    return [round(value, DIGITS) for value in values if value is not None]


def has_code(result: TrialResult) -> bool:
    """Whether the trial succeeded: a usable reply, and code found in it."""
    extraction = result.extraction
    return result.reply.failure is None and extraction is not None and extraction.code is not None


def _infrastructure(reply: Reply) -> bool:
    return reply.failure is not None and not reply.failure.kind.agent_caused


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _sd_within_cells(results: Iterable[TrialResult]) -> float | None:
    cells: dict[tuple[str, str, str], list[TrialResult]] = {}
    for result in results:
        trial = result.trial
        cells.setdefault((trial.scenario, trial.format, trial.agent), []).append(result)
    spread = [scores for cell in cells.values() if len(scores := scores_of(cell)) > 1]
    if not spread:
        return None
    if len(spread) == 1:
        return statistics.stdev(spread[0])
    squares = sum((len(scores) - 1) * statistics.variance(scores) for scores in spread)
    return float((squares / sum(len(scores) - 1 for scores in spread)) ** 0.5)


def _ordered(names: set[str], order: Sequence[str]) -> tuple[str, ...]:
    place = {name: index for index, name in enumerate(order)}
    return tuple(sorted(names, key=lambda name: (place.get(name, len(place)), name)))
