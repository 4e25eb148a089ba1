"""The first step of a trial: the agent's reply, by way of the trial's cassette."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ferrotape.calling import call_plugin, conforming
from ferrotape.cassettes import ANSWERED, Identity, Tape, cassette_path, current
from ferrotape.cassettes.rules import Rules
from ferrotape.contracts import Agent, BatchAgent, Batches, Session
from ferrotape.errors import CassetteError, FerrotapeError, PluginError
from ferrotape.live import RETRIED, LiveCalls
from ferrotape.live.budget import Estimate, Price
from ferrotape.model import AgentFailure, AgentFailureKind, Mode, Reply, Scenario, Trial
from ferrotape.session import Folders, Sessions, rules_of, trial_folders

_BYTES_A_TOKEN = 3
"""Fewer than the usual four, so that an estimate is rather too high than too low."""


@dataclass(frozen=True, kw_only=True)
class BoundAgent:
    """An agent plugin with the options and the cassettes of one `[agents.NAME]`."""

    name: str
    plugin: Agent
    options: Any
    cassettes: Path

    def identity(self, trial: Trial, prompt: str) -> Identity:
        """What the trial's recording must have been made for.

        Raises:
            PluginError: The plugin gives no identity.
        """
        return Identity(
            agent=self.name,
            plugin=self.plugin.name,
            settings=self.settings,
            scenario=trial.scenario,
            format=trial.format,
            round=trial.round,
            prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """What its answers depend on, as JSON values.

        Raises:
            PluginError: The plugin gives something else.
        """
        given = call_plugin(self.plugin.name, lambda: dict(self.plugin.identity(self.options)))
        try:
            json.dumps(given, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise PluginError(f"{self.plugin.name} gave an identity that is no JSON") from error
        return given

    @property
    def model(self) -> str:
        """The model it asks, as its identity names it; empty if it names none."""
        return str(self.settings.get("model", ""))

    @property
    def batches(self) -> Batches | None:
        """How it is asked by batches; None if it cannot."""
        return self.plugin.batches if isinstance(self.plugin, BatchAgent) else None

    @property
    def bounded(self) -> bool:
        """Whether `most` holds: one call an attempt, whose length is limited."""
        plain = getattr(self.plugin, "traffic", "plain") == "plain"
        return plain and bool(self.settings.get("max_tokens"))

    def most(self, prompt: str, price: Price | None) -> Estimate:
        """The most that one attempt at a prompt can come to, if the agent is `bounded`."""
        text = f"{self.settings.get('system') or ''}{prompt}"
        read = len(text.encode(errors="replace")) // _BYTES_A_TOKEN + 1
        written = int(self.settings.get("max_tokens") or 0)
        cost = None if price is None else price.of(read, written)
        return Estimate(tokens=read + written, cost=cost)


class Asker:
    """Asks the agents of a run, or has the tape answer for them. Shared by all trials.

    Args:
        agents: By their names in the configuration.
        mode: Whether replies are replayed or recorded.
        env: Where agents read their secrets from while recording.
        live: Pace, retries and budget while recording.
        prices: By model.
        source_of: The distribution a plugin comes from, for messages.
        sessions: Folders, programs and proxy; whoever opened them closes them.
        recorded_since: While recording, what was recorded since then (UTC, ISO 8601) is
            replayed instead, so that nothing is paid twice when a run is resumed.
        complain: Is told what went wrong beside the trials' results.
        failed: What came of trials that are not to be asked, by key.
    """

    def __init__(
        self,
        agents: Mapping[str, BoundAgent],
        mode: Mode,
        *,
        env: Mapping[str, str],
        live: LiveCalls,
        prices: Mapping[str, Price],
        source_of: Callable[[Agent], str],
        sessions: Sessions | None = None,
        recorded_since: str | None = None,
        complain: Callable[[str], None] = lambda _: None,
        failed: Mapping[str, AgentFailure] | None = None,
    ) -> None:
        self._agents = agents
        self._replaying = mode is Mode.REPLAY
        self._env = env
        self._live = live
        self._prices = prices
        self._source_of = source_of
        self._sessions = sessions or Sessions()
        self._recorded_since = recorded_since
        self._complain = complain
        self._failed = failed or {}

    def ask(self, trial: Trial, scenario: Scenario) -> Reply:
        """The agent's reply; whatever goes wrong is its failure."""
        if trial.key in self._failed:
            return Reply(failure=self._failed[trial.key], measured=False)
        with trial_folders() as folders:
            return self._ask(trial, scenario, folders)

    def _ask(self, trial: Trial, scenario: Scenario, folders: Folders) -> Reply:
        agent = self._agents[trial.agent]
        prompt = scenario.prompts[trial.format]
        path = cassette_path(agent.cassettes, trial)
        try:
            identity = agent.identity(trial, prompt)
            rules = rules_of(agent.plugin, folders)
        except PluginError as error:
            return _failed(AgentFailureKind.CRASHED, error.message)
        try:
            tape = self._open(path, identity, rules)
        except CassetteError as error:
            return _unrecorded(error, agent.cassettes)

        def attempt() -> Reply:
            session = self._sessions.open(
                tape, folders, timeout_s=scenario.timeout_s, env=self._env
            )
            who = f"{agent.plugin.name} of {self._source_of(agent.plugin)}"
            return attempt_once(who, agent, trial, prompt, session, tape)

        if tape.replaying:
            reply = _as_recorded(attempt, tape)
        else:
            price = self._prices.get(agent.model)
            reply = self._live.ask(attempt, agent.most(prompt, price), price)
        return self._close(tape, reply)

    def _open(self, path: Path, identity: Identity, rules: Rules) -> Tape:
        if self._replaying:
            return Tape.replay(path, identity, rules)
        if self._recorded_since is not None:
            with suppress(CassetteError):  # then there is nothing that was paid for
                tape = Tape.replay(path, identity, rules)
                if tape.worth_its_price and tape.recorded_at >= self._recorded_since[:19]:
                    return tape
        return Tape.record(path, identity, rules)

    def _close(self, tape: Tape, reply: Reply) -> Reply:
        """Ends the tape: saves what was recorded, or tells if replay left the recording's path."""
        failure = reply.failure
        try:
            tape.close(outcome=failure.kind.value if failure else ANSWERED)
        except CassetteError as error:
            if tape.replaying:
                return _unrecorded(error, self._agents[tape.identity.agent].cassettes)
            # The answer has been paid for: it is judged and stored all the same.
            self._complain(f"a recording was lost: {error.message}")
        # What the endpoint asked to wait is over; replay, which never waits, knows nothing of it.
        told = failure and replace(failure, retry_after_s=None)
        cleaned = tape.cleaned(replace(reply, failure=told))
        return replace(cleaned, calls=tape.calls, measured=tape.measured)


def attempt_once(
    who: str, agent: BoundAgent, trial: Trial, prompt: str, session: Session, tape: Tape
) -> Reply:
    """Has the agent plugin ask once; whatever it does wrong is the reply's failure.

    Args:
        who: The plugin and its distribution, for messages.
        agent: The plugin, with its options.
        trial: What is asked for.
        prompt: What is asked.
        session: On `tape`.
        tape: The trial's.
    """
    try:
        with current(tape, session.transport):
            given = call_plugin(
                who, lambda: agent.plugin.answer(trial, prompt, agent.options, session)
            )
        return conforming(who, given, Reply)
    except FerrotapeError as error:
        return _failed(AgentFailureKind.CRASHED, error.message.splitlines()[0])


def _as_recorded(attempt: Callable[[], Reply], tape: Tape) -> Reply:
    """Makes as many attempts as were recorded, without waiting between them."""
    failures: list[AgentFailure] = []
    while True:
        left = tape.unplayed
        reply = replace(attempt(), attempts=tuple(failures))
        failure = reply.failure
        if failure is None or failure.kind not in RETRIED or not 0 < tape.unplayed < left:
            return reply
        failures.append(replace(failure, retry_after_s=None))


def _unrecorded(error: CassetteError, root: Path) -> Reply:
    """A reply for want of a recording, the same in whatever folder the project lies."""
    return _failed(AgentFailureKind.NO_RECORDING, error.message.replace(f"{root}/", ""))


def _failed(kind: AgentFailureKind, message: str) -> Reply:
    return Reply(failure=AgentFailure(kind=kind, message=message), measured=False)
