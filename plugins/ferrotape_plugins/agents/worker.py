"""Asks a helper process for one JSON object: for libraries that are better kept out of this one.

A library that starts processes, installs event loops or takes no time limit runs in a worker, a
module of this package with `main`. What it starts is gone when it is; its clients of HTTP are
none of ours, so that only the exchange as a whole gets onto the tape.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ferrotape import AgentFailure, AgentFailureKind, Session
from ferrotape.sandbox import Ended, basic_environment
from ferrotape_plugins.agents.programs import ended_badly, redacted

_PACKAGE = "ferrotape_plugins.agents"


def ask_worker(
    module: str,
    question: Mapping[str, Any],
    session: Session,
    *,
    env: Mapping[str, str],
    secrets: tuple[str, ...],
) -> Mapping[str, Any]:
    """What the worker answers; an object with `failure` where it fails.

    Args:
        module: The worker, such as `llm_worker`.
        question: JSON values.
        session: The trial's.
        env: Further variables for the worker.
        secrets: Values that are taken out of the answer.

    Raises:
        OutOfTimeError: It took too long.
    """
    from ferrotape_plugins.agents.exchange import OutOfTimeError

    outcome = session.programs.run(
        [sys.executable, "-P", "-m", f"{_PACKAGE}.{module}"],
        cwd=session.workspace,
        env=basic_environment(session.home, env),
        wall_s=session.timeout_s,
        stdin=json.dumps(question),
    )
    if outcome.ended is Ended.TIMEOUT:
        raise OutOfTimeError
    failure = ended_badly(module, outcome, session.timeout_s)
    if failure is not None:
        return {"failure": failure_json(failure.kind, redacted(failure.message, secrets))}
    told: dict[str, Any] = json.loads(redacted(outcome.stdout.decode(), secrets))
    return told


def serve(answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """What a worker does: reads a question, writes the answer, keeps stdout free of all else."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    told = json.dumps(answer(json.load(sys.stdin)))
    with os.fdopen(stdout, "w", encoding="utf-8") as file:
        file.write(told)


def failure_json(kind: AgentFailureKind, message: str) -> dict[str, str]:
    """A failure as it goes onto the tape."""
    return {"kind": kind.value, "message": message}


def failure_of(told: Mapping[str, Any]) -> AgentFailure | None:
    """The failure in what a worker, or the tape, answered."""
    failure = told.get("failure")
    if failure is None:
        return None
    return AgentFailure(kind=AgentFailureKind(failure["kind"]), message=failure["message"])
