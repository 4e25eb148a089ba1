"""From what a user selects to the plan of a run: which trials, by which agents, in which mode."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ferrotape.asking import BoundAgent
from ferrotape.calling import call_plugin
from ferrotape.cassettes import cassette_path, recorded_agents, recorded_rounds
from ferrotape.errors import CassetteMissing, UsageError
from ferrotape.live import LiveSettings
from ferrotape.model import AgentFailure, Mode, Pack, Trial
from ferrotape.options import decode_options
from ferrotape.packs import did_you_mean
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
class Batched:
    """What batches gave for the trials of a plan. The recordings are made by then."""

    failures: Mapping[str, AgentFailure]
    """Of the trials without a recording, by key."""
    stopped: str = ""
    """Why not all trials were asked for, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The trials of a run, in order, and where their replies come from."""

    mode: Mode
    trials: tuple[Trial, ...]
    agents: Mapping[str, BoundAgent]
    rounds: int
    recorded_since: str | None = None
    """Recordings made since then (UTC, ISO 8601) are replayed and not paid for again."""
    batched: Batched | None = None
    """If batches have been asked in place of single calls: nobody is asked any more, and the
    trials that did not fail are replayed."""

    def unrecorded(self) -> tuple[str, ...]:
        """One sentence an agent whose replay lacks recordings."""
        if self.mode is not Mode.REPLAY:
            return ()
        said = []
        for name, agent in self.agents.items():
            trials = [trial for trial in self.trials if trial.agent == name]
            gone = [t for t in trials if not cassette_path(agent.cassettes, t).is_file()]
            if gone:
                rounds = ", ".join(str(number) for number in sorted({t.round for t in gone}))
                said.append(
                    f"{len(gone)} of {len(trials)} trials of {name} have no recording"
                    f" (round {rounds}); `ferrotape record --agent {name}` makes them"
                )
        return tuple(said)


def make_plan(
    bench: Workbench,
    selection: Selection,
    mode: Mode,
    *,
    env: Mapping[str, str] | None = None,
    seed: int | None = None,
    dry: bool = False,
) -> Plan:
    """Plans the trials that are selected.

    Raises:
        UsageError: A scenario, format or agent that does not exist, or an agent that lacks what
            it needs to record, such as a key.
        CassetteMissing: Replay, and nothing at all is recorded for the selection.
    """
    pack, settings = bench.pack, bench.settings
    ids = tuple(scenario.id for scenario in pack.scenarios)
    scenarios = _chosen("scenario", selection.scenarios, ids)
    formats = _chosen("format", selection.formats, pack.format_ids)
    names = _chosen("agent", selection.agents or (settings.agent,), tuple(settings.agents))
    agents = {name: _bind(bench, name, mode) for name in names}
    rounds = selection.rounds or settings.rounds
    if mode is Mode.REPLAY:
        recorded = _rounds_recorded(pack, agents, scenarios, formats)
        rounds = rounds or recorded
    else:
        rounds = rounds or 1
        if not dry:
            _refuse_unready(agents.values(), os.environ if env is None else env)
            _refuse_unwritable(bench.settings.cassettes)
            _refuse_unbounded(agents.values(), settings.live)
    seed = settings.seed if seed is None else seed
    return Plan(
        mode=mode,
        trials=plan_trials(scenarios, formats, names, rounds, seed),
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
        missing = partial(agent.plugin.missing, agent.options, env)
        lack = call_plugin(f"agent {agent.plugin.name}", missing)
        if lack is not None:
            raise UsageError(
                f"agent {agent.name} cannot record: {lack}",
                hint="Secrets are read from the environment only, and are never stored.",
            )


def _refuse_unbounded(agents: Iterable[BoundAgent], live: LiveSettings) -> None:
    """A budget must be one that can be kept."""
    for agent in agents:
        limited = live.max_cost is not None or live.max_tokens is not None
        if limited and not agent.bounded:
            raise UsageError(
                f"a budget cannot be kept with agent {agent.name}: nothing bounds what one of its"
                " answers comes to",
                hint="Record it without --max-cost and --max-tokens, a few trials at a time.",
            )
        if live.max_cost is not None and agent.model not in live.prices.models:
            raise UsageError(
                f"--max-cost needs the price of {agent.model or agent.name}",
                hint="Add it to [live.prices]; docs/configuration.md shows how.",
            )


def _refuse_unwritable(cassettes: Path) -> None:
    """Finds out before anybody is asked whether recordings can be kept."""
    try:
        cassettes.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cassettes):
            pass
    except OSError as error:
        raise UsageError(
            f"recordings cannot be written to {cassettes}: {error.strerror}",
            hint="Give another folder with --cassettes.",
        ) from error


def _chosen(what: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """What is wanted, in the order in which it is known; all of it if nothing is wanted."""
    for name in wanted:
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(
                f"there is no {what} {name!r}{near}", hint=f"Known: {', '.join(known)}."
            )
    return tuple(name for name in known if name in wanted) if wanted else tuple(known)


def _rounds_recorded(
    pack: Pack,
    agents: Mapping[str, BoundAgent],
    scenarios: Sequence[str],
    formats: Sequence[str],
) -> int:
    """The largest round that is recorded; every agent must have at least one recording."""
    largest = 0
    for agent in agents.values():
        rounds = [
            number
            for scenario in scenarios
            for fmt in formats
            for number in recorded_rounds(agent.cassettes, agent.name, scenario, fmt)
        ]
        if not rounds:
            known = ", ".join(recorded_agents(agent.cassettes)) or "none"
            raise CassetteMissing(
                f"agent {agent.name} has no recordings for {', '.join(scenarios)} of the pack"
                f" {pack.name} in {agent.cassettes}",
                hint=f"Make them with `ferrotape record --agent {agent.name}`."
                f" Agents with recordings there: {known}.",
            )
        largest = max(largest, *rounds)
    return largest
