"""Running the compiler on an answer, in the sandbox.

Of an answer alone there is one pass, of clippy-driver, which gives compile errors, warnings and
lints in about a fifth of the time of `rustc` and `cargo clippy`; the validators share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ferrotape import Bench, Finding, Severity, Submission
from ferrotape.errors import SandboxError
from ferrotape.sandbox import MIB, Ended, Limits, Outcome, Sandbox, View, private_folder
from ferrotape_plugins.rust.diagnostics import SOURCE, Diagnostic, parse_diagnostics
from ferrotape_plugins.rust.scopes import names_crate
from ferrotape_plugins.rust.toolchain import Installed, Toolchain, search_path

LINTS = ("-W", "clippy::all")
COMPILE_LIMITS = Limits(
    wall_s=120.0,
    cpu_s=60.0,
    memory_bytes=4096 * MIB,  # rustc itself needs 400 to 600 MiB
    output_bytes=4 * MIB,
    file_bytes=512 * MIB,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What the compiler made of a source."""

    diagnostics: tuple[Diagnostic, ...]
    succeeded: bool
    """Whether it exited with status 0."""
    broken_off: str
    """How it ended if neither by success nor by an error it reported; else empty."""
    linted: bool = False
    """Whether clippy has looked at it."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The compiler's own errors, not lints that the answer itself made into errors."""
        return tuple(d for d in self.diagnostics if d.is_error and not d.is_lint)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The compiler's own warnings."""
        return tuple(d for d in self.diagnostics if not d.is_error and not d.is_lint)

    @property
    def lints(self) -> tuple[Diagnostic, ...]:
        """What clippy found."""
        return tuple(d for d in self.diagnostics if d.is_lint)

    @property
    def compiles(self) -> bool:
        """Whether rustc accepts the source."""
        return not self.errors and not self.broken_off

    @property
    def refusal(self) -> str:
        """`does not compile: 2 errors`; empty if it compiles."""
        if self.compiles:
            return ""
        errors = "1 error" if len(self.errors) == 1 else f"{len(self.errors)} errors"
        return f"does not compile: {self.broken_off or errors}"

    def remarks(self) -> tuple[Finding, ...]:
        """The compiler's errors and warnings, and how it was broken off, as findings."""
        found = [d.finding() for d in (*self.errors, *self.warnings)]
        if self.broken_off:
            found.insert(0, Finding(code="rustc", message=self.broken_off, severity=Severity.ERROR))
        return tuple(found)


def check_alone(
    toolchain: Toolchain, submission: Submission, bench: Bench, crate_name: str, args: Sequence[str]
) -> Compilation:
    """The shared pass over the answer alone: once a submission for the same arguments.

    Args:
        toolchain: Needs a rustc; without clippy there are no lints in the result.
        submission: The answer.
        bench: Where the result is shared, and the sandbox.
        crate_name: The crate's name, unless the answer gives it one.
        args: The compiler's other arguments, lint levels included.
    """
    installed, code = toolchain.installed, submission.code
    key = ("rust-check", submission.code_sha256, crate_name, tuple(args))

    def check() -> Compilation:
        return _check(installed, code, bench.sandbox, [*naming(code, crate_name), *args])

    return bench.share(key, check)


def _check(installed: Installed, code: str, sandbox: Sandbox, args: Sequence[str]) -> Compilation:
    with private_folder() as folder:
        # Clippy looks for its configuration in all parent folders; this one ends the search.
        (folder / "clippy.toml").touch()
        if installed.clippy_driver is not None:
            driver = [str(installed.clippy_driver), "--sysroot", str(installed.sysroot)]
            result = _compile(
                driver, installed, code, sandbox, [*args, "-o", "answer.rmeta"], folder
            )
            if not result.broken_off:
                return replace(result, linted=True)
        # There is no clippy, or it failed where the compiler may not.
        plain = [*without_lints(args), "-o", "answer.rmeta"]
        return _compile([str(installed.rustc)], installed, code, sandbox, plain, folder)


def compile_program(
    installed: Installed, code: str, sandbox: Sandbox, args: Sequence[str], folder: Path
) -> Compilation:
    """Compiles and links `code` into the program `folder/program`."""
    command = [str(installed.rustc)]
    return _compile(command, installed, code, sandbox, [*args, "-o", "program"], folder)


def naming(code: str, crate_name: str) -> tuple[str, ...]:
    """The arguments that name the crate; none if the code names itself.

    rustc refuses a `--crate-name` that differs from the code's `#![crate_name = "..."]`.
    """
    return () if names_crate(code) else ("--crate-name", crate_name)


def without_lints(args: Sequence[str]) -> list[str]:
    """The arguments without clippy's lint levels, which rustc does not know."""
    kept: list[str] = []
    for arg in args:
        if arg.startswith("clippy::") and kept and kept[-1] in {"-W", "-A", "-D", "-F"}:
            kept.pop()
        elif not arg.startswith(("-Wclippy", "-Aclippy", "-Dclippy", "-Fclippy")):
            kept.append(arg)
    return kept


def completed(outcome: Outcome) -> Outcome:
    """The outcome, unless the run was interrupted: that says nothing about an answer.

    Raises:
        SandboxError: It was.
    """
    if outcome.ended is Ended.CANCELLED:
        raise SandboxError("the run was interrupted")
    return outcome


def _compile(
    command: Sequence[str],
    installed: Installed,
    code: str,
    sandbox: Sandbox,
    args: Sequence[str],
    folder: Path,
) -> Compilation:
    (folder / SOURCE).write_text(code, encoding="utf-8", errors="replace", newline="")
    env = {"PATH": search_path(installed), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    view = View(workdir=folder, env=env, read_only=(installed.sysroot,))
    outcome = completed(
        sandbox.run([*command, *args, "--error-format=json", SOURCE], view, COMPILE_LIMITS)
    )
    diagnostics = parse_diagnostics(outcome.stderr, hide=str(folder))
    return Compilation(
        diagnostics=diagnostics,
        succeeded=outcome.ok,
        broken_off=_broken_off(outcome, diagnostics),
    )


def _broken_off(outcome: Outcome, diagnostics: Sequence[Diagnostic]) -> str:
    match outcome.ended:
        case Ended.EXIT:
            if outcome.code == 0 or any(d.is_error for d in diagnostics):
                return ""
            return f"the compiler crashed with status {outcome.code}"
        case Ended.TIMEOUT:
            return f"the compiler was stopped after {COMPILE_LIMITS.wall_s:g} s"
        case Ended.OUTPUT:
            return "the compiler was stopped because it said too much"
        case _:
            return f"the compiler was ended by signal {outcome.code}"
