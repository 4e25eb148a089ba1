"""What Ferrotape itself costs a trial, without validators, with everything stored.

The agent is a plain HTTP client and not an SDK, so that nothing but the framework is measured:
plan, cassette, extraction, score, store and observers.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.measure import Ratio
from ferrotape import Reply, Session, Trial, hookimpl
from ferrotape.cassettes import Identity, Tape, TapeTransport, cassette_path
from ferrotape.config import load_settings
from ferrotape.judging import Judge
from ferrotape.model import Block, BlockKind, Mode, Pack
from ferrotape.packs import load_pack
from ferrotape.planning import plan_trials
from ferrotape.plugins import build_host
from ferrotape.runner import execute
from ferrotape.sandbox import open_sandbox
from ferrotape.selection import Selection, make_plan
from ferrotape.store import Store
from ferrotape.workbench import Workbench

ROUNDS = 40
CODE = "/// Forty-two.\npub fn answer() -> u32 {\n    42\n}\n"
ANSWER = f"An answer.\n\n```rust\n{CODE * 8}```\n"


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class Plain:
    """Asks with one plain request."""

    name = "plain"
    version = "1"
    description = "One plain request."
    Options = NoOptions

    def identity(self, options: object) -> Mapping[str, Any]:
        return {}

    def missing(self, options: object, env: Mapping[str, str]) -> str | None:
        return None

    def endpoint(self, options: object, env: Mapping[str, str]) -> str | None:
        return "http://127.0.0.1"

    own_s = 0.0
    """What the agent itself took: making requests and reading responses, which is not ours."""

    def answer(self, trial: Trial, prompt: str, options: object, session: Session) -> Reply:
        begun = time.thread_time()
        request = httpx2.Request("POST", "http://127.0.0.1/answer", content=prompt.encode())
        asked = time.thread_time()
        response = session.transport.handle_request(request)
        answered = time.thread_time()
        text = response.read().decode()
        Plain.own_s += asked - begun + time.thread_time() - answered
        return Reply(blocks=(Block(kind=BlockKind.TEXT, text=text),))


@hookimpl
def ferrotape_agents() -> list[Plain]:
    """The agent of this benchmark."""
    return [Plain()]


def measure() -> Iterator[Ratio]:
    """Processor time of this process from plan to report, a trial."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ferrotape.toml").write_text('[agents.plain]\nplugin = "plain"\n')
        settings = load_settings(cwd=folder, env={}, jobs=1, agent="plain", rounds=ROUNDS)
        pack = load_pack(settings.pack)
        bare = Pack(**(vars(pack) | {"validators": {}}))
        module: Any = types.ModuleType("plain_agent")
        module.ferrotape_agents = ferrotape_agents
        sys.modules[module.__name__] = module
        host = build_host(extra=[EntryPoint("plain", module.__name__, "ferrotape")])
        sandbox = open_sandbox()
        judge = Judge(bare, host, sandbox, None)
        bench = Workbench(settings=settings, pack=bare, host=host, sandbox=sandbox, judge=judge)
        ids = [scenario.id for scenario in pack.scenarios]
        for trial in plan_trials(ids, pack.format_ids, ["plain"], ROUNDS, seed=0):
            _record(pack, settings.cassettes, trial)
        plan = make_plan(bench, Selection(), Mode.REPLAY, env={})
        with Store.open(settings.store) as store:
            warm = Selection(rounds=1)
            execute(bench, make_plan(bench, warm, Mode.REPLAY, env={}), store, lambda _: None)
            Plain.own_s = 0.0
            begun = time.process_time()
            done = execute(bench, plan, store, lambda _: None)
            spent = (time.process_time() - begun - Plain.own_s) / len(plan.trials) * 1000
    assert done.report.overall.succeeded == len(plan.trials)
    yield Ratio(
        name="framework overhead a trial, everything stored",
        value=spent,
        bound=1.5,
        at_most=True,
        detail=f"ms of CPU, {len(plan.trials)} trials, answers of {len(ANSWER)} characters",
    )


def _record(pack: Pack, root: Path, trial: Trial) -> None:
    prompt = pack.scenario(trial.scenario).prompts[trial.format]
    identity = Identity(
        agent=trial.agent,
        plugin="plain",
        settings={},
        scenario=trial.scenario,
        format=trial.format,
        round=trial.round,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
    )
    tape = Tape.record(cassette_path(root, trial), identity)
    answering = httpx2.MockTransport(lambda request: httpx2.Response(200, text=ANSWER))
    session = Session(transport=TapeTransport(tape, answering), timeout_s=1, replaying=False)
    Plain().answer(trial, prompt, NoOptions(), session)
    tape.close()
