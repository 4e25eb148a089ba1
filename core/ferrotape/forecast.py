"""What recording a plan would come to, before anybody is asked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ferrotape.cassettes import is_loopback
from ferrotape.live import Prices
from ferrotape.selection import Plan
from ferrotape.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class AgentForecast:
    """One agent's part of a plan."""

    agent: str
    model: str
    calls: int
    tokens: int | None
    """The most that the calls can come to, input and output, without retries; None if the agent
    sets no bound: it makes several calls an answer, or answers at any length."""
    cost: float | None
    """Dollars, the most; None if the model has no price, or there is no bound."""
    paid: bool
    """Whether its calls may cost money."""
    batched: bool = False
    """Whether it is asked by batches, at their price."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A plan in figures."""

    agents: tuple[AgentForecast, ...]
    trials: Mapping[tuple[str, str, str], int]
    """Trials by agent, scenario, format."""
    prices_as_of: str

    @property
    def paid(self) -> bool:
        """Whether any call may cost money."""
        return any(entry.paid and entry.calls for entry in self.agents)

    def lines(self) -> tuple[str, ...]:
        """The plan in words, a line each."""
        said = [f"{sum(self.trials.values())} trials:"]
        for (agent, scenario, fmt), count in sorted(self.trials.items()):
            said.append(f"  {agent} {scenario} {fmt}: {count} round{'s' if count > 1 else ''}")
        for entry in self.agents:
            model = f" ({entry.model})" if entry.model else ""
            how = " by batch" if entry.batched else ""
            bound = "tokens not bounded"
            if entry.tokens is not None:
                bound = f"at most {entry.tokens:,} tokens"
            most = f"{entry.calls} {'answers' if entry.tokens is None else 'calls'}{how}, {bound}"
            said.append(f"{entry.agent}{model}: {most}, {self._cost(entry)}")
        return tuple(said)

    def _cost(self, entry: AgentForecast) -> str:
        if not entry.paid:
            return "free: the endpoint is on this machine"
        if entry.tokens is None:
            return "cost not bounded"
        if entry.cost is None:
            return "cost unknown: the model has no price in [live.prices]"
        as_of = f" (prices of {self.prices_as_of})" if self.prices_as_of else ""
        return f"at most ${entry.cost:.2f}{as_of}"


def _is_here(endpoint: str | None) -> bool:
    return endpoint is not None and is_loopback(urlsplit(endpoint).hostname or "")


def forecast(
    bench: Workbench,
    plan: Plan,
    env: Mapping[str, str] | None = None,
    *,
    batched: bool = False,
) -> Forecast:
    """Works a plan out; asks nobody.

    Args:
        bench: Whose prices count.
        plan: What is to be asked.
        env: Where agents read their endpoint from; the process's environment by default.
        batched: Whether agents that can be asked by batches are.
    """
    env = os.environ if env is None else env
    prices: Prices = bench.settings.live.prices
    entries = []
    for name, agent in plan.agents.items():
        batches = agent.batches if batched else None
        price = prices.models.get(agent.model)
        if price is not None and batches is not None:
            price = price.times(batches.price_factor)
        most = [
            agent.most(bench.pack.scenario(trial.scenario).prompts[trial.format], price)
            for trial in plan.trials
            if trial.agent == name
        ]
        costs = [estimate.cost for estimate in most]
        entries.append(
            AgentForecast(
                agent=name,
                model=agent.model,
                calls=len(most),
                tokens=sum(estimate.tokens for estimate in most) if agent.bounded else None,
                cost=sum(cost or 0.0 for cost in costs) if price and agent.bounded else None,
                paid=not _is_here(agent.plugin.endpoint(agent.options, env)),
                batched=batches is not None,
            )
        )
    cells = Counter((trial.agent, trial.scenario, trial.format) for trial in plan.trials)
    return Forecast(agents=tuple(entries), trials=dict(cells), prices_as_of=prices.as_of)
