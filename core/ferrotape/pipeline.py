"""One trial, step by step: cassette, agent, extraction, verdicts, score.

A trial is a function of the plan and its cassette. It shares nothing mutable with another trial,
and whatever goes wrong in it becomes part of its result: `Pipeline.work` never raises an
`Exception` of a plugin.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ferrotape.cassettes import Identity, Tape, TapeTransport, cassette_path
from ferrotape.contracts import Agent, Session
from ferrotape.errors import CassetteError, FerrotapeError
from ferrotape.judging import Judge
from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Extraction,
    Mode,
    Pack,
    Reply,
    Scenario,
    Score,
    Status,
    Submission,
    Timings,
    Trial,
    TrialResult,
    Verdict,
)
from ferrotape.plugins import Host
from ferrotape.scoring import score_failure, score_no_code


@dataclass(frozen=True, kw_only=True)
class BoundAgent:
    """An agent plugin with the options and the cassettes of one `[agents.NAME]`."""

    name: str
    plugin: Agent
    options: Any
    cassettes: Path

    def identity(self, trial: Trial, prompt: str) -> Identity:
        """What the trial's recording must have been made for."""
        return Identity(
            agent=self.name,
            plugin=self.plugin.name,
            settings=self.plugin.identity(self.options),
            scenario=trial.scenario,
            format=trial.format,
            round=trial.round,
            prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
        )


class Pipeline:
    """The steps of a trial, with what all trials of a run read."""

    def __init__(
        self,
        *,
        pack: Pack,
        host: Host,
        judge: Judge,
        agents: Mapping[str, BoundAgent],
        mode: Mode,
        env: Mapping[str, str],
    ) -> None:
        self._pack = pack
        self._host = host
        self._judge = judge
        self._agents = agents
        self._mode = mode
        self._env = env

    def work(self, trial: Trial) -> TrialResult:
        """Carries a trial out."""
        scenario = self._pack.scenario(trial.scenario)
        begun = time.perf_counter()
        reply = self._ask(trial, scenario)
        replied = time.perf_counter()
        if reply.failure is not None:
            return TrialResult(
                trial=trial,
                reply=reply,
                extraction=None,
                verdicts=(),
                score=score_failure(reply.failure),
                timings=Timings(reply_s=replied - begun),
            )
        extraction, faults = self._extract(reply, scenario)
        timings = Timings(reply_s=replied - begun, extract_s=time.perf_counter() - replied)
        if extraction.code is None:
            score = Score(value=None, partial=True) if faults else score_no_code(self._pack)
            return TrialResult(
                trial=trial,
                reply=reply,
                extraction=extraction,
                verdicts=faults,
                score=score,
                timings=timings,
            )
        submission = Submission(code=extraction.code, language=scenario.language, text=reply.text)
        judged = self._judge.judge(scenario, submission)
        return TrialResult(
            trial=trial,
            reply=reply,
            extraction=extraction,
            verdicts=(*faults, *judged.verdicts),
            score=judged.score,
            timings=replace(timings, validators=judged.seconds),
            cached=judged.cached,
        )

    def _ask(self, trial: Trial, scenario: Scenario) -> Reply:
        """The agent's reply by way of the trial's cassette."""
        agent = self._agents[trial.agent]
        prompt = scenario.prompts[trial.format]
        path = cassette_path(agent.cassettes, trial)
        identity = agent.identity(trial, prompt)
        replaying = self._mode is Mode.REPLAY
        try:
            tape = Tape.replay(path, identity) if replaying else Tape.record(path, identity)
        except CassetteError as error:
            return _failed(AgentFailureKind.NO_RECORDING, error.message)
        session = Session(
            transport=TapeTransport(tape),
            timeout_s=scenario.timeout_s,
            replaying=replaying,
            env={} if replaying else self._env,
        )
        try:
            reply = agent.plugin.answer(trial, prompt, agent.options, session)
        except FerrotapeError as error:
            reply = _failed(AgentFailureKind.CRASHED, error.message)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises
            source = self._host.distribution_of(agent.plugin)
            sentence = f"{agent.plugin.name} of {source} failed: {type(error).__name__}: {error}"
            reply = _failed(AgentFailureKind.CRASHED, sentence.splitlines()[0])
        return _close(tape, reply)

    def _extract(self, reply: Reply, scenario: Scenario) -> tuple[Extraction, tuple[Verdict, ...]]:
        """The first extraction that finds code, and an error verdict per extractor that failed."""
        faults: list[Verdict] = []
        last = Extraction(code=None, extractor="", rule="no-extractor")
        for extractor in self._host.extractors(scenario.language):
            try:
                last = extractor.extract(reply, scenario)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises
                source = self._host.distribution_of(extractor)
                faults.append(
                    Verdict(
                        validator=extractor.name,
                        version=extractor.version,
                        status=Status.ERROR,
                        score=None,
                        summary=f"extractor {extractor.name} of {source} failed:"
                        f" {type(error).__name__}: {error}".splitlines()[0],
                        distribution=source,
                    )
                )
                continue
            if last.code is not None:
                break
        return last, tuple(faults)


def _close(tape: Tape, reply: Reply) -> Reply:
    """Ends the tape: saves what was recorded, or tells if replay left the recording's path."""
    failure = reply.failure
    try:
        tape.close(outcome=failure.kind.value if failure else "answered")
    except CassetteError as error:
        return _failed(AgentFailureKind.NO_RECORDING, error.message)
    return replace(reply, calls=tape.calls, measured=tape.measured)


def _failed(kind: AgentFailureKind, message: str) -> Reply:
    return Reply(failure=AgentFailure(kind=kind, message=message), measured=False)
