"""Everything Ferrotape raises on purpose, and the exit codes of the command line.

    FerrotapeError
    ├── UsageError            the command, the configuration or a pack is not as it must be
    │   ├── ConfigError       ferrotape.toml, [tool.ferrotape] or a FERROTAPE_* variable
    │   ├── PackError         a pack or scenario file; carries every problem found
    │   └── QueryError        an SQL query that is wrong, writes, or takes too long
    ├── PluginError           a plugin cannot be loaded or breaks its contract
    ├── CassetteError         replay and recording
    │   ├── CassetteMissing   no recording at that place
    │   ├── CassetteCorrupt   a file that is no whole, valid cassette
    │   ├── CassetteStale     recorded for another prompt, model or settings
    │   ├── CassetteMiss      the agent made a request that is not on the tape
    │   ├── CassetteUnused    the tape holds calls that the agent did not make
    │   └── OutsideTrial      a call or connection that belongs to no trial
    ├── EndpointError         an agent's endpoint refused a batch or could not be reached
    ├── StoreError            the run history cannot be opened, read or written
    ├── SandboxError          the sandbox itself failed, not what ran in it
    └── ToolMissing           a program that is needed is not on this machine

Each is one sentence that says what is wrong, where, and what to do about it. The command
line prints `message`, then `hint` on a line of its own, and exits with `exit_code`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrotape.model import AgentFailure


class ExitCode(IntEnum):
    """How the command line ends."""

    OK = 0
    FAILED = 1
    """A check did not hold: calibration, self-test, or trials that could not be completed."""
    USAGE = 2
    """The command, the configuration or a pack is wrong."""
    INCONCLUSIVE = 3
    """Reserved for gates whose data cannot decide."""
    DATA = 4
    """A cassette or the run history is missing, broken or out of date."""
    PLUGIN = 5
    """A plugin cannot be loaded or breaks its contract."""
    ENVIRONMENT = 6
    """A program or permission that is needed is not on this machine."""
    INTERNAL = 70
    """A defect of Ferrotape; `--debug` shows where."""
    INTERRUPTED = 130
    """Ended by Ctrl-C; what was finished is stored."""


class FerrotapeError(Exception):
    """The base of all expected errors.

    Args:
        message: One sentence: what is wrong, and where.
        hint: What to do about it, if there is something to do.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FerrotapeError):
    """The command cannot be carried out as given."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A setting is unknown, of the wrong type, or out of its range."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file."""

    file: Path
    line: int
    """1-based; 0 where the whole file is meant."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.message}"


class PackError(UsageError):
    """A pack cannot be used; `problems` holds all that was found, in file order."""

    def __init__(self, message: str, problems: Iterable[Problem] = (), *, hint: str = "") -> None:
        self.problems = tuple(sorted(problems))
        lines = [message, *(f"  {problem}" for problem in self.problems)]
        super().__init__("\n".join(lines), hint=hint)


class QueryError(UsageError):
    """An SQL query cannot be answered."""


class PluginError(FerrotapeError):
    """A plugin cannot be loaded or breaks its contract; the message names its distribution."""

    exit_code = ExitCode.PLUGIN


class CassetteError(FerrotapeError):
    """Something is wrong with a recording."""

    exit_code = ExitCode.DATA


class CassetteMissing(CassetteError):
    """There is no recording where replay looked for one."""


class CassetteCorrupt(CassetteError):
    """A recording is there but is not a whole, valid cassette."""


class CassetteStale(CassetteError):
    """A recording was made for another prompt, agent, model or settings."""


class CassetteMiss(CassetteError):
    """In replay the agent made a request that is not on the tape."""


class CassetteUnused(CassetteError):
    """In replay the agent did not make every request that is on the tape."""


class OutsideTrial(CassetteError):
    """During a run something made a call that belongs to no trial; it was refused."""


class EndpointError(FerrotapeError):
    """An agent's endpoint refused what concerns a whole batch, or could not be reached.

    Args:
        failure: What was wrong, as it would be of a single call.
        hint: What to do about it.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, failure: AgentFailure, *, hint: str = "") -> None:
        super().__init__(failure.message, hint=hint)
        self.failure = failure


class StoreError(FerrotapeError):
    """The run history cannot be opened, read or written."""

    exit_code = ExitCode.DATA


class SandboxError(FerrotapeError):
    """The sandbox could not start or watch a process."""

    exit_code = ExitCode.ENVIRONMENT


class ToolMissing(FerrotapeError):
    """A program that is needed is not on this machine."""

    exit_code = ExitCode.ENVIRONMENT
