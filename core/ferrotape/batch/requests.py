"""The trials of a plan as requests of batches, and a batch's answer to one on its cassette."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ferrotape.asking import BoundAgent, attempt_once
from ferrotape.calling import call_plugin
from ferrotape.cassettes import ANSWERED, Tape, TapeTransport, cassette_path
from ferrotape.contracts import Batches, BatchResult, Session
from ferrotape.errors import CassetteError, UsageError
from ferrotape.live import Estimate, Price
from ferrotape.model import Reply, Trial
from ferrotape.selection import Plan
from ferrotape.session import rules_of, trial_folders
from ferrotape.workbench import Workbench

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
_ID_LENGTH = 48


class Requests:
    """A plan's requests by custom id.

    A custom id is the same for the same trial and request, whenever it is asked for.

    Args:
        bench: Pack, settings and plugins.
        plan: The trials.
        env: Where agents read their secrets from.

    Raises:
        UsageError: An agent cannot be asked by batches.
    """

    def __init__(self, bench: Workbench, plan: Plan, env: Mapping[str, str]) -> None:
        self._bench = bench
        self._env = env
        self._agents = plan.agents
        self._batches = {name: _batches_of(agent) for name, agent in plan.agents.items()}
        self.trials = {self._custom_id(trial): trial for trial in plan.trials}

    def largest(self, agent: str) -> int:
        """The most requests in a batch of that agent."""
        return self._batches[agent].largest

    def content(self, custom_id: str) -> Mapping[str, Any]:
        """What a batch holds for a request."""
        return self._content(self.trials[custom_id])

    def call(self, agent: str, function: Callable[[Batches, Any, Mapping[str, str]], T]) -> T:
        """Calls an agent's `Batches`, with its options and the environment.

        Raises:
            EndpointError: As the function does.
            PluginError: It raised something else.
        """
        options = self._agents[agent].options
        return call_plugin(
            self._who(agent), lambda: function(self._batches[agent], options, self._env)
        )

    def results(self, agent: str, batch: str) -> Iterator[BatchResult]:
        """The results of a batch.

        Raises:
            EndpointError: They cannot be fetched, or not all of them.
        """
        results = iter(self.call(agent, lambda b, options, env: b.results(batch, options, env)))
        while True:
            result = call_plugin(self._who(agent), lambda: next(results, None))
            if result is None:
                return
            yield result

    def price(self, custom_id: str) -> Price | None:
        """What its model costs by batch; None if that is not known."""
        agent = self.trials[custom_id].agent
        price = self._bench.settings.live.prices.models.get(self._agents[agent].model)
        return price and price.times(self._batches[agent].price_factor)

    def most(self, custom_id: str) -> Estimate:
        """The most that a request can come to."""
        agent, prompt = self._asked_for(self.trials[custom_id])
        return agent.most(prompt, self.price(custom_id))

    def is_recorded(self, custom_id: str) -> bool:
        """Whether there is a recording that would replay."""
        trial = self.trials[custom_id]
        agent, prompt = self._asked_for(trial)
        path = cassette_path(agent.cassettes, trial)
        with trial_folders() as folders:
            try:
                Tape.replay(path, agent.identity(trial, prompt), rules_of(agent.plugin, folders))
            except CassetteError:
                return False
        return True

    def record(self, custom_id: str, endpoint: httpx2.BaseTransport) -> Reply:
        """Has the agent make its call, answered by the batch, and puts that on the cassette.

        Raises:
            CassetteError: The recording cannot be written.
        """
        trial = self.trials[custom_id]
        agent, prompt = self._asked_for(trial)
        path = cassette_path(agent.cassettes, trial)
        with trial_folders() as folders:
            rules = rules_of(agent.plugin, folders)
            tape = Tape.record(path, agent.identity(trial, prompt), rules, timed=False)
            session = Session(
                transport=TapeTransport(tape, endpoint),
                timeout_s=self._bench.pack.scenario(trial.scenario).timeout_s,
                replaying=False,
                env=self._env,
            )
            reply = attempt_once(self._who(trial.agent), agent, trial, prompt, session, tape)
            tape.close(reply.failure.kind.value if reply.failure else ANSWERED)
        return tape.cleaned(reply)

    def _custom_id(self, trial: Trial) -> str:
        agent, prompt = self._asked_for(trial)
        prompt_sha256 = agent.identity(trial, prompt).prompt_sha256
        text = json.dumps([trial.key, prompt_sha256, self._content(trial)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]

    def _content(self, trial: Trial) -> Mapping[str, Any]:
        _, prompt = self._asked_for(trial)
        return self.call(trial.agent, lambda b, options, _: dict(b.request(prompt, options)))

    def _asked_for(self, trial: Trial) -> tuple[BoundAgent, str]:
        prompt = self._bench.pack.scenario(trial.scenario).prompts[trial.format]
        return self._agents[trial.agent], prompt

    def _who(self, agent: str) -> str:
        plugin = self._agents[agent].plugin
        return f"{plugin.name} of {self._bench.host.distribution_of(plugin)}"


def _batches_of(agent: BoundAgent) -> Batches:
    if agent.batches is None:
        raise UsageError(
            f"agent {agent.name} cannot be asked by batches: its plugin {agent.plugin.name} has"
            " no way to do that",
            hint="Leave --batch out, or choose an agent whose plugin can, such as anthropic.",
        )
    return agent.batches
