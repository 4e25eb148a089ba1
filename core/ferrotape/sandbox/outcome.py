"""The words of the sandbox: what may be seen, what may be used, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a process sees: its working folder, its environment, what it may read."""

    workdir: Path
    """The one folder it may write to; private and temporary."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment; nothing is inherited."""
    read_only: tuple[Path, ...] = ()
    """Further folders it needs, for levels that hide the rest of the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a process and its children may use."""

    wall_s: float
    cpu_s: float
    memory_bytes: int = 2048 * MIB
    """Address space of each process."""
    output_bytes: int = 1 * MIB
    """Of stdout and of stderr, each."""
    file_bytes: int = 256 * MIB
    """The largest file it may write."""


class Ended(StrEnum):
    """How a process came to its end."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    """More wall or CPU time than allowed."""
    OUTPUT = "output"
    """More output than allowed."""
    CANCELLED = "cancelled"
    """The run was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a process; its whole process group is gone by now."""

    ended: Ended
    code: int
    """The exit status, or the number of the signal."""
    stdout: bytes
    stderr: bytes
    wall_s: float

    @property
    def ok(self) -> bool:
        """Whether it exited by itself with status 0."""
        return self.ended is Ended.EXIT and self.code == 0


class Sandbox(Protocol):
    """Starts what is not trusted. The only place where Ferrotape starts such a process."""

    @property
    def policy(self) -> str:
        """Names the level and its rules; part of the verdict cache's keys and of reports."""
        ...

    def run(self, command: Sequence[str], view: View, limits: Limits) -> Outcome:
        """Runs `command` (absolute path first) to its end and returns how that came.

        Raises:
            SandboxError: The process could not be started or watched.
        """
        ...

    def cancel(self) -> None:
        """Ends what runs now and refuses what comes later; for Ctrl-C. Thread-safe."""
        ...
