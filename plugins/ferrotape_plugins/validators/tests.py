"""Does the answer do what was asked? The scenario's hidden tests decide."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ferrotape import Bench, Failure, Finding, Severity, Status, Submission, Verdict
from ferrotape.errors import PackError, SandboxError
from ferrotape.sandbox import Outcome, private_folder
from ferrotape_plugins.rust.compiler import (
    LINTS,
    Compilation,
    check_alone,
    compile_program,
    naming,
)
from ferrotape_plugins.rust.diagnostics import SOURCE
from ferrotape_plugins.rust.hidden import test_paths
from ferrotape_plugins.rust.libtest import complaint, passed
from ferrotape_plugins.rust.test_program import TestProgram
from ferrotape_plugins.rust.toolchain import Toolchain
from ferrotape_plugins.validators.options import Seconds

HIDDEN_SOURCE = "hidden_tests.rs"
CHEAP_BUILD = ("-C", "codegen-units=1", "-C", "strip=symbols")
"""Less work for the compiler and the linker; what is tested is the same."""


@dataclass(frozen=True)
class TestsOptions:
    """`run.tests` of a pack."""

    __test__ = False  # not pytest's

    args: tuple[str, ...] = (
        "--edition", "2021", "--test", "--cap-lints", "allow", "-C", "debuginfo=0",
    )  # fmt: skip
    module: str = "hidden_tests"
    isolation: Literal["process-per-test"] = "process-per-test"
    """For readers: there is no other way."""
    timeout_s_per_test: Seconds = 30.0
    guard_s: Seconds = 5.0
    """After how long the hidden tests themselves give up on risky work; for readers."""
    env: Mapping[str, str] = field(default_factory=lambda: {"RUST_BACKTRACE": "0"})
    own_tests: Literal["report", "skip"] = "report"
    crate_name: str = "answer"


class TestsValidator:
    """Scores the share of hidden tests that pass."""

    __test__ = False  # not pytest's

    name = "tests"
    version = "2"
    description = "Compiles the answer with the hidden tests and runs each in its own process."
    languages = frozenset({"rust"})
    needs = ("rustc", "cc")
    Options = TestsOptions

    def __init__(self, toolchain: Toolchain) -> None:
        self._toolchain = toolchain
        self._alone = threading.Lock()

    def unavailable(self) -> str | None:
        """Why no test program can be built."""
        return self._toolchain.no_linker

    def fingerprint(self) -> str:
        """The compiler's version and host."""
        return self._toolchain.installed.version

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        """Judges by the hidden tests; the answer's own tests are only counted."""
        options: TestsOptions = bench.options
        hidden = bench.scenario.hidden_tests
        tests = test_paths(hidden)
        if not tests:
            raise PackError(f"{bench.scenario.id} has no hidden tests")
        alone = self._check_alone(submission, bench)
        if not alone.compiles:
            return self._verdict(
                0.0,
                f"not run, because the answer {alone.refusal}",
                metrics=_counts(len(tests), 0),
                failure=Failure.COMPILE_ERROR,
            )
        with private_folder() as folder:
            built = compile_program(
                self._toolchain.installed,
                f"{submission.code}\n{hidden}",
                bench.sandbox,
                (*naming(submission.code, options.crate_name), *CHEAP_BUILD, *options.args),
                folder,
            )
            lines_before = submission.code.count("\n") + 1
            if not built.succeeded:
                return self._mismatch(built, lines_before, len(tests))
            program = TestProgram(
                path=folder / "program",
                sandbox=bench.sandbox,
                timeout_s=options.timeout_s_per_test,
                env=options.env,
            )
            outcomes = program.run_each(tests, self._alone)
            own = {}
            if options.own_tests == "report":
                count = program.run_others(options.module)
                own = {"own_tests": count.total, "own_tests_passed": count.passed}
        return self._of_runs(outcomes, lines_before, own)

    def _check_alone(self, submission: Submission, bench: Bench) -> Compilation:
        """By the pass that the other validators need anyway, if the pack leaves their defaults."""
        options: TestsOptions = bench.options
        args = (
            *("--edition", edition_in(options.args)),
            *("--crate-type", "lib", "--emit=metadata"),
            *LINTS,
        )
        return check_alone(self._toolchain, submission, bench, options.crate_name, args)

    def _mismatch(self, built: Compilation, lines_before: int, tests: int) -> Verdict:
        """The answer compiles, but not with the hidden tests."""
        for error in built.errors:
            if error.is_linkers:  # not the answer's doing
                raise SandboxError(f"the hidden tests cannot be linked here: {error.message}")
        findings = []
        for error in built.errors:
            if error.line is not None and error.line > lines_before:
                findings.append(error.finding(shown_in=HIDDEN_SOURCE, lines_before=lines_before))
            else:
                findings.append(error.finding())
        if built.broken_off:
            findings.append(
                Finding(code="rustc", message=built.broken_off, severity=Severity.ERROR)
            )
        return self._verdict(
            0.0,
            "does not compile with the hidden tests",
            findings=findings,
            metrics=_counts(tests, 0),
            failure=Failure.INTERFACE_MISMATCH,
        )

    def _of_runs(
        self, outcomes: Mapping[str, Outcome], lines_before: int, own: Mapping[str, int]
    ) -> Verdict:
        failed = {test: run for test, run in outcomes.items() if not passed(run)}
        total, good = len(outcomes), len(outcomes) - len(failed)
        return self._verdict(
            100.0 * good / total,
            f"{good} of {total} hidden tests passed",
            findings=[_finding(test, run, lines_before) for test, run in failed.items()],
            metrics={**_counts(total, good), **own},
            failure=Failure.FAILED_TESTS if failed else None,
        )

    def _verdict(
        self,
        score: float,
        summary: str,
        *,
        findings: Sequence[Finding] = (),
        metrics: Mapping[str, int],
        failure: Failure | None = None,
    ) -> Verdict:
        return Verdict(
            validator=self.name,
            version=self.version,
            status=Status.FAILED if score < 100 else Status.PASSED,  # noqa: PLR2004 - all points
            score=score,
            summary=summary,
            findings=tuple(findings),
            metrics=metrics,
            failure=failure,
        )


def edition_in(args: Sequence[str]) -> str:
    """The edition that compiler arguments ask for; 2021 if they ask for none."""
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        if arg == "--edition":
            return following
        if arg.startswith("--edition="):
            return arg.partition("=")[2]
    return "2021"


def _finding(test: str, outcome: Outcome, lines_before: int) -> Finding:
    why = complaint(outcome, test, lines_before + 1)
    in_hidden = why.line is not None and why.line > lines_before
    line = why.line - lines_before if why.line is not None and in_hidden else why.line
    return Finding(
        code=test.rpartition("::")[2],
        message=why.message,
        severity=Severity.ERROR,
        file=HIDDEN_SOURCE if in_hidden else SOURCE if line else "",
        line=line,
    )


def _counts(total: int, good: int) -> dict[str, int]:
    return {"hidden_tests": total, "hidden_tests_passed": good}
