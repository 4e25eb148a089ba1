"""A pack, a host and plugins small enough to see through, for tests of the engine."""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx2

from ferrotape import Bench, Extraction, Reply, Scenario, Session, Submission, Trial, hookimpl
from ferrotape.cassettes import Identity, Tape, TapeTransport
from ferrotape.model import (
    Block,
    BlockKind,
    Failure,
    FailureRule,
    Format,
    Pack,
    RegexPattern,
    Status,
    ValidatorWeight,
    Verdict,
)
from ferrotape.plugins import BUILTINS, Host, build_host
from ferrotape.sandbox import Limits, Outcome, View

SCENARIO = Scenario(
    id="greet",
    title="Say hello",
    language="text",
    complexity="basic",
    expected_quality=(0, 100),
    interface="hello",
    prompts={"minimal": "Say hello.", "long": "Please be so kind as to say hello."},
    patterns=(RegexPattern(id="hello", description="greets", kind="regex", pattern="hello"),),
    digest="d",
)


def small_pack(**weights: float) -> Pack:
    return Pack(
        name="small",
        version=1,
        language="text",
        formats=(Format(id="minimal"), Format(id="long")),
        validators={name: ValidatorWeight(weight=w) for name, w in weights.items()},
        failure_policy={Failure.NO_CODE: FailureRule(score=0)},
        scenarios=(SCENARIO,),
    )


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class Echo:
    """Asks an HTTP endpoint for `/answer` and gives its text."""

    name = "echo"
    version = "1"
    description = "Asks for /answer."
    Options = NoOptions

    def identity(self, options: object) -> Mapping[str, Any]:
        return {}

    def missing(self, options: object, env: Mapping[str, str]) -> str | None:
        return None

    def endpoint(self, options: object, env: Mapping[str, str]) -> str | None:
        return "http://127.0.0.1"

    def answer(self, trial: Trial, prompt: str, options: object, session: Session) -> Reply:
        with httpx2.Client(transport=session.transport) as client:
            text = client.post("http://127.0.0.1/answer", content=prompt).text
        return Reply(blocks=(Block(kind=BlockKind.TEXT, text=text),))


class Whole:
    """The whole text is the code."""

    name = "whole"
    version = "1"
    description = "All of it."
    priority = 1
    languages = frozenset({"text"})

    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        code = reply.text or None
        return Extraction(code=code, extractor=self.name, rule="all" if code else "empty-reply")


class Asked:
    """A validator that answers by a function and counts how often it was asked."""

    version = "1"
    description = "As told."
    languages = frozenset({"text"})
    needs: tuple[str, ...] = ()
    Options = NoOptions

    def __init__(self, name: str, answer: Callable[[Submission, Bench], Any]) -> None:
        self.name = name
        self.answer = answer
        self.asked = 0
        self.lack: str | None = None

    def unavailable(self) -> str | None:
        return self.lack

    def fingerprint(self) -> str:
        return ""

    def validate(self, submission: Submission, bench: Bench) -> Any:
        self.asked += 1
        return self.answer(submission, bench)


class NoSandbox:
    """Starts nothing."""

    policy = "none"

    def run(self, command: object, view: View, limits: Limits) -> Outcome:
        raise AssertionError("nothing should be started")

    def cancel(self) -> None: ...


def scoring(name: str, score: float) -> Asked:
    status = Status.PASSED if score == 100 else Status.FAILED
    verdict = Verdict(validator=name, version="1", status=status, score=score, summary="as told")
    return Asked(name, lambda submission, bench: verdict)


def host_with(
    *, agents: tuple[object, ...] = (), extractors: tuple[object, ...] = (),
    validators: tuple[object, ...] = (), observers: Mapping[str, Any] | None = None,
) -> Host:  # fmt: skip
    """A host of nothing but these and the executor; its distribution is `small_plugins`."""
    module = types.ModuleType("small_plugins_of_a_test")
    module.agents = hookimpl(lambda: agents, specname="ferrotape_agents")
    module.extractors = hookimpl(lambda: extractors, specname="ferrotape_extractors")
    module.validators = hookimpl(lambda: validators, specname="ferrotape_validators")
    for name, function in (observers or {}).items():
        setattr(module, name, hookimpl(function, specname=name))
    sys.modules[module.__name__] = module
    off = [m.removeprefix("ferrotape_plugins.") for m in BUILTINS if "executors" not in m]
    return build_host(off, [EntryPoint("small", module.__name__, "ferrotape")])


def record(root: Path, trial: Trial, text: str, *, status: int = 200) -> Path:
    """Puts an answer for the agent `echo` on a cassette, by the tape itself."""
    prompt = SCENARIO.prompts[trial.format]
    identity = Identity(
        agent=trial.agent,
        plugin="echo",
        settings={},
        scenario=trial.scenario,
        format=trial.format,
        round=trial.round,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
    )
    path = root / f"{trial.key}.json"
    tape = Tape.record(path, identity)
    answering = httpx2.MockTransport(lambda request: httpx2.Response(status, text=text))
    session = Session(transport=TapeTransport(tape, answering), timeout_s=1, replaying=False)
    Echo().answer(trial, prompt, NoOptions(), session)
    tape.close()
    return path


def a_trial(**changes: Any) -> Trial:
    return replace(Trial(scenario="greet", format="minimal", agent="echo-1", round=1), **changes)
