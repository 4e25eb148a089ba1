"""How a benchmark measures, and what it gives."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One promise and what was measured."""

    name: str
    value: float
    bound: float
    at_most: bool
    detail: str

    @property
    def kept(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds a command took: of processor time with its children, and on the wall."""

    cpu_s: float
    wall_s: float


def run(
    command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Cost:
    """Runs a command to its end; it must succeed."""
    before, begun = _children(), time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True)
    return Cost(cpu_s=_children() - before, wall_s=time.perf_counter() - begun)


def children_cpu(work: Callable[[], object]) -> float:
    """Seconds of processor time that the children of `work` took."""
    before = _children()
    work()
    return _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
