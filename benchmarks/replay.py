"""A full replay of the shipped pack: cold on two cores, then again by the verdict cache."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Ratio, run


def measure() -> Iterator[Ratio]:
    """One cold run and one warm run in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ferrotape", "run", "--jobs", "2"]
        cold = run(command, Path(folder))
        warm = run(command, Path(folder))
    yield Ratio(
        name="busy time / wall time of a cold replay with two workers",
        value=cold.cpu_s / cold.wall_s,
        bound=1.6,
        at_most=False,
        detail=f"{cold.cpu_s:.1f} s of CPU in {cold.wall_s:.1f} s",
    )
    yield Ratio(
        name="wall time of a cold replay / of the same run again",
        value=cold.wall_s / warm.wall_s,
        bound=10,
        at_most=False,
        detail=f"{cold.wall_s:.1f} / {warm.wall_s:.1f} s",
    )
