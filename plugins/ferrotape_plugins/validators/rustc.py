"""Does the answer compile, and with how many warnings?"""

from __future__ import annotations

from dataclasses import dataclass

from ferrotape import Bench, Failure, Status, Submission, Verdict
from ferrotape_plugins.rust.compiler import LINTS, check_alone
from ferrotape_plugins.rust.toolchain import Toolchain

POINTS_PER_WARNING = 5


@dataclass(frozen=True)
class RustcOptions:
    """`run.rustc` of a pack."""

    args: tuple[str, ...] = ("--edition", "2021", "--crate-type", "lib", "--emit=metadata")
    crate_name: str = "answer"


class RustcValidator:
    """Scores 0 if the compiler refuses the answer, else `max(0, 100 - 5 * warnings)`."""

    name = "rustc"
    version = "2"
    description = "Compiles the answer alone and counts the compiler's warnings."
    languages = frozenset({"rust"})
    needs = ("rustc",)
    Options = RustcOptions

    def __init__(self, toolchain: Toolchain) -> None:
        self._toolchain = toolchain

    def unavailable(self) -> str | None:
        """Why there is no compiler."""
        return self._toolchain.no_rustc

    def fingerprint(self) -> str:
        """The compiler's version and host."""
        return self._toolchain.installed.version

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        """Judges by the errors and warnings that are the compiler's own, not clippy's."""
        options: RustcOptions = bench.options
        # With the lints, so that it is the very pass that clippy needs.
        args = (*options.args, *LINTS)
        result = check_alone(self._toolchain, submission, bench, options.crate_name, args)
        errors, warnings = len(result.errors), len(result.warnings)
        score = max(0, 100 - POINTS_PER_WARNING * warnings) if result.compiles else 0
        return Verdict(
            validator=self.name,
            version=self.version,
            status=Status.PASSED if result.compiles and not warnings else Status.FAILED,
            score=float(score),
            summary=result.refusal or _compiled(warnings),
            findings=result.remarks(),
            metrics={"errors": errors, "warnings": warnings},
            failure=None if result.compiles else Failure.COMPILE_ERROR,
        )


def _compiled(warnings: int) -> str:
    return f"compiles with {warnings} {'warning' if warnings == 1 else 'warnings'}"
