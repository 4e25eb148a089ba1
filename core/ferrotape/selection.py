"""From what a user selects to the plan of a run: which trials, by which agents, in which mode."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ferrotape.cassettes import recorded_agents, recorded_rounds
from ferrotape.errors import CassetteMissing, UsageError
from ferrotape.model import Mode, Trial
from ferrotape.options import decode_options
from ferrotape.pipeline import BoundAgent
from ferrotape.planning import plan_trials
from ferrotape.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a run covers; empty means all of the pack."""

    scenarios: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    rounds: int | None = None
    """None for as many as are recorded (replay), or one (record)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The trials of a run, in order, and where their replies come from."""

    mode: Mode
    trials: tuple[Trial, ...]
    agents: Mapping[str, BoundAgent]
    rounds: int


def make_plan(
    bench: Workbench, selection: Selection, mode: Mode, *, env: Mapping[str, str] | None = None
) -> Plan:
    """Plans the trials that are selected.

    Raises:
        UsageError: A scenario, format or agent that does not exist, or an agent that lacks what
            it needs to record, such as a key.
        CassetteMissing: Replay, and nothing at all is recorded for the selection.
    """
    pack, settings = bench.pack, bench.settings
    ids = tuple(scenario.id for scenario in pack.scenarios)
    env = os.environ if env is None else env
    scenarios = _chosen("scenario", selection.scenarios, ids)
    formats = _chosen("format", selection.formats, pack.format_ids)
    names = _chosen("agent", selection.agents or (settings.agent,), tuple(settings.agents))
    agents = {name: _bind(bench, name, mode) for name in names}
    if mode is Mode.RECORD:
        _refuse_unready(agents.values(), env)
    rounds = selection.rounds or settings.rounds
    if rounds is None:
        rounds = _rounds_recorded(agents, scenarios, formats) if mode is Mode.REPLAY else 1
    return Plan(
        mode=mode,
        trials=plan_trials(scenarios, formats, names, rounds, settings.seed),
        agents=agents,
        rounds=rounds,
    )


def _bind(bench: Workbench, name: str, mode: Mode) -> BoundAgent:
    entry = bench.settings.agents[name]
    plugin = bench.host.agent(entry.plugin)
    recording = mode is Mode.RECORD
    return BoundAgent(
        name=name,
        plugin=plugin,
        options=decode_options(plugin.Options, entry.options, f"[agents.{name}]"),
        cassettes=bench.settings.cassettes if recording else bench.settings.cassettes_of(name),
    )


def _refuse_unready(agents: Iterable[BoundAgent], env: Mapping[str, str]) -> None:
    for agent in agents:
        lack = agent.plugin.missing(agent.options, env)
        if lack is not None:
            raise UsageError(
                f"agent {agent.name} cannot record: {lack}",
                hint="Secrets are read from the environment only, and are never stored.",
            )


def _chosen(what: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """What is wanted, in the order in which it is known; all of it if nothing is wanted."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"there is no {what} {unknown[0]!r}", hint=f"Known: {', '.join(known)}.")
    return tuple(name for name in known if name in wanted) if wanted else tuple(known)


def _rounds_recorded(
    agents: Mapping[str, BoundAgent], scenarios: Sequence[str], formats: Sequence[str]
) -> int:
    found = [
        number
        for agent in agents.values()
        for scenario in scenarios
        for fmt in formats
        for number in recorded_rounds(agent.cassettes, agent.name, scenario, fmt)
    ]
    if found:
        return max(found)
    folders = sorted({str(agent.cassettes) for agent in agents.values()})
    known = sorted({n for agent in agents.values() for n in recorded_agents(agent.cassettes)})
    raise CassetteMissing(
        f"nothing is recorded for agent {', '.join(agents)} in {', '.join(folders)}",
        hint=f"Recorded agents: {', '.join(known) or 'none'}. `ferrotape record` makes recordings.",
    )
