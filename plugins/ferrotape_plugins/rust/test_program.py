"""Running the compiled tests of an answer, one process a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ferrotape.sandbox import MIB, Limits, Outcome, Sandbox, View
from ferrotape_plugins.rust.compiler import completed
from ferrotape_plugins.rust.libtest import Tally, listed, passed, tally

AT_ONCE = 2
"""Processes of one answer at the same time: many tests mostly wait."""
LONG_S = 1.0
"""A failed test that took longer is costly to run again."""
LONG_RETRIES = 2
"""After so many long failures were confirmed alone, the rest are taken as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestProgram:
    """A compiled test program and what its processes may use."""

    __test__ = False  # not pytest's

    path: Path
    sandbox: Sandbox
    timeout_s: float
    env: Mapping[str, str]

    def run_each(
        self, tests: Sequence[str], alone: AbstractContextManager[object]
    ) -> dict[str, Outcome]:
        """Runs each test in a process of its own, two at a time.

        A test that failed runs once more, alone: on a busy machine a right answer may miss a
        deadline, and must not fail for that.

        Args:
            tests: The paths of the tests.
            alone: Held while a test runs alone, so that no other answer's does.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hidden-test") as pool:
            outcomes = dict(zip(tests, pool.map(self.run_one, tests), strict=True))
        failed = [test for test in tests if not passed(outcomes[test])]
        confirmed = 0
        for test in failed:
            long = outcomes[test].wall_s >= LONG_S
            if long and confirmed >= LONG_RETRIES:
                continue
            with alone:
                outcomes[test] = self.run_one(test)
            confirmed += long and not passed(outcomes[test])
        return outcomes

    def run_one(self, test: str) -> Outcome:
        """Runs one test."""
        return self._run(["--exact", test])

    def run_others(self, module: str) -> Tally:
        """Runs all tests outside of `module` in one process; a second time if not all passed."""
        arguments = ["--skip", f"{module}::"]
        tests = listed(self._run([*arguments, "--list"]))
        if not tests:
            return Tally(total=0, passed=0)
        first = tally(self._run(arguments), tests)
        return first if first.passed == first.total else tally(self._run(arguments), tests)

    def _run(self, arguments: Sequence[str]) -> Outcome:
        # A folder of its own for each process, removed with the program's. Two threads, because
        # with one libtest runs tests on the main thread, whose stack is another size.
        name = "-".join(arguments).replace(":", "_")
        workdir = self.path.parent / "runs" / name
        workdir.mkdir(parents=True, exist_ok=True)
        view = View(
            workdir=workdir,
            env={"TMPDIR": str(workdir), **self.env},
            read_only=(self.path.parent,),
        )
        limits = Limits(
            wall_s=self.timeout_s,
            cpu_s=self.timeout_s * AT_ONCE,  # of all its threads together
            memory_bytes=2048 * MIB,
            output_bytes=1 * MIB,
            file_bytes=64 * MIB,
        )
        command = [str(self.path), *arguments, "--test-threads=2"]
        return completed(self.sandbox.run(command, view, limits))
