"""What the agents that run a program share: its environment, what it lacks, how it failed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from ferrotape import AgentFailure, AgentFailureKind
from ferrotape.errors import ToolMissing
from ferrotape.sandbox import Ended, Outcome, find_program
from ferrotape_plugins.agents.draft import failed

_STDERR_SHOWN = 200
REDACTED = "[redacted]"
"""What stands for a secret, on tapes as in texts."""


def lacking(
    program: str, secrets: Iterable[str], env: Mapping[str, str], *, extra: str = ""
) -> str | None:
    """What is needed to record and is not there, in one sentence; None if nothing.

    Args:
        program: To be found on the PATH, or at that path; empty for none.
        secrets: Names of variables that must be set.
        env: The environment.
        extra: A package that must be installed, which is also the name of Ferrotape's extra.
    """
    if extra and find_spec(extra) is None:
        return f"the package {extra} is not installed; install it with `ferrotape[{extra}]`"
    if program:
        try:
            find_program(program, os.environ)
        except ToolMissing as error:
            return error.message
    unset = next((name for name in secrets if not env.get(name)), None)
    return f"there is no {unset} in the environment" if unset else None


def passed_on(names: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that are set."""
    return {name: env[name] for name in names if env.get(name)}


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the values that a program was given in confidence."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


def out_of_time(timeout_s: float) -> AgentFailure:
    """The program was ended by the clock."""
    return failed(AgentFailureKind.TIMEOUT, f"the program did not end within {timeout_s:g} s")


def ended_badly(program: str, outcome: Outcome, timeout_s: float) -> AgentFailure | None:
    """How a program failed, with the end of what it complained of; None if it did not."""
    if outcome.ok:
        return None
    if outcome.ended is Ended.TIMEOUT:
        return out_of_time(timeout_s)
    if outcome.ended is Ended.CANCELLED:
        return failed(AgentFailureKind.NOT_ASKED, f"{program} was ended, as the run was stopped")
    how = {
        Ended.EXIT: f"ended with status {outcome.code}",
        Ended.SIGNAL: f"was ended by signal {outcome.code}",
        Ended.OUTPUT: "wrote more than is accepted",
    }[outcome.ended]
    said = outcome.stderr.decode(errors="replace").strip()[-_STDERR_SHOWN:]
    return failed(AgentFailureKind.CRASHED, f"{program} {how}{': ' if said else ''}{said}")
