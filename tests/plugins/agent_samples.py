"""One attempt at a trial for an agent, recorded or replayed, as the engine makes it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from ferrotape import Agent, Reply, Trial
from ferrotape.cassettes import ANSWERED, Identity, Tape, current, router
from ferrotape.options import decode_options
from ferrotape.session import Sessions, rules_of, trial_folders

TRIAL = Trial(scenario="greet", format="minimal", agent="one", round=1)


def attempt(
    agent: Agent,
    given: Mapping[str, Any],
    path: Path,
    *,
    replaying: bool = False,
    prompt: str = "Say hello.",
    env: Mapping[str, str] | None = None,
    promised: str | None = None,
    timeout_s: float = 30.0,
    sessions: Sessions | None = None,
) -> Reply:
    """The reply with its calls; replay is guarded. Errors of the tape are raised.

    The identity is of the prompt `promised`, where that is given, and not of `prompt`.
    """
    options = decode_options(agent.Options, given, "[agents.one]")
    identity = Identity(
        agent=TRIAL.agent,
        plugin=agent.name,
        settings=agent.identity(options),
        scenario=TRIAL.scenario,
        format=TRIAL.format,
        round=TRIAL.round,
        prompt_sha256=hashlib.sha256((promised or prompt).encode()).hexdigest(),
    )
    opened = Tape.replay if replaying else Tape.record
    with (
        nullcontext(sessions) if sessions else Sessions() as shared,
        trial_folders() as folders,
        router(replaying=replaying),
    ):
        tape = opened(path, identity, rules_of(agent, folders))
        session = shared.open(tape, folders, timeout_s=timeout_s, env=env or {})
        with current(tape):
            reply = agent.answer(TRIAL, prompt, options, session)
        tape.close(reply.failure.kind.value if reply.failure else ANSWERED)
    return replace(reply, calls=tape.calls, measured=tape.measured)


def script(folder: Path, text: str) -> Path:
    """A Python program that can be started by its path."""
    path = folder / "program.py"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path
