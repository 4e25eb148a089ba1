"""What does clippy say about the answer?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ferrotape import Bench, Finding, Status, Submission, Verdict
from ferrotape.errors import SandboxError
from ferrotape_plugins.rust.compiler import check_alone
from ferrotape_plugins.rust.toolchain import Toolchain

POINTS_PER_WARNING = 5
POINTS_PER_ERROR = 10


@dataclass(frozen=True)
class ClippyOptions:
    """`run.clippy` of a pack."""

    args: tuple[str, ...] = (
        "--edition", "2021", "--crate-type", "lib", "--emit=metadata", "-W", "clippy::all",
    )  # fmt: skip
    crate_name: str = "answer"


class ClippyValidator:
    """Scores `max(0, 100 - 5 * warnings - 10 * errors)` over clippy's own lints."""

    name = "clippy"
    version = "2"
    description = "Counts what clippy finds in the answer."
    languages = frozenset({"rust"})
    needs = ("rustc", "clippy-driver")
    Options = ClippyOptions

    def __init__(self, toolchain: Toolchain) -> None:
        self._toolchain = toolchain

    def unavailable(self) -> str | None:
        """Why there is no clippy."""
        return self._toolchain.no_clippy

    def fingerprint(self) -> str:
        """The versions of clippy and of the compiler in it."""
        installed = self._toolchain.installed
        return f"{installed.clippy_version}, {installed.version}"

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        """Judges by the diagnostics whose code starts with `clippy::`."""
        options: ClippyOptions = bench.options
        result = check_alone(self._toolchain, submission, bench, options.crate_name, options.args)
        if not result.compiles:
            return self._verdict(0.0, "not linted, because it does not compile")
        if not result.linted:
            raise SandboxError("clippy crashed on code that the compiler accepts")
        errors = sum(lint.is_error for lint in result.lints)
        warnings = len(result.lints) - errors
        lost = POINTS_PER_WARNING * warnings + POINTS_PER_ERROR * errors
        return self._verdict(
            float(max(0, 100 - lost)),
            "1 lint" if errors + warnings == 1 else f"{errors + warnings} lints",
            findings=tuple(lint.finding() for lint in result.lints),
            metrics={"errors": errors, "warnings": warnings},
        )

    def _verdict(
        self,
        score: float,
        summary: str,
        findings: tuple[Finding, ...] = (),
        metrics: Mapping[str, int] | None = None,
    ) -> Verdict:
        return Verdict(
            validator=self.name,
            version=self.version,
            status=Status.FAILED if findings or not score else Status.PASSED,
            score=score,
            summary=summary,
            findings=findings,
            metrics=metrics or {},
        )
