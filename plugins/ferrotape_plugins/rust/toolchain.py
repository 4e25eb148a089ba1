"""The Rust toolchain of this machine, looked up once."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ferrotape.errors import ToolMissing
from ferrotape.sandbox import run_trusted

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


@dataclass(frozen=True, slots=True)
class Installed:
    """The programs behind rustup's proxies: each call of a proxy costs 45 ms."""

    rustc: Path
    sysroot: Path
    version: str
    """`rustc 1.95.0 (59807616e 2026-04-14) x86_64-unknown-linux-gnu`"""
    clippy_driver: Path | None
    clippy_version: str
    """`clippy 0.1.95 (59807616e1 2026-04-14)`, or why there is none."""
    linker: Path | None


class Toolchain:
    """Finds rustc, clippy-driver and the linker when first asked. One for all validators."""

    @property
    def no_rustc(self) -> str | None:
        """Why there is no compiler, in one sentence; None if there is."""
        found = self._found
        return found if isinstance(found, str) else None

    @property
    def no_clippy(self) -> str | None:
        """Why there is no clippy, in one sentence; None if there is."""
        found = self._found
        if isinstance(found, str):
            return found
        return None if found.clippy_driver else found.clippy_version

    @property
    def no_linker(self) -> str | None:
        """Why no program can be linked, in one sentence; None if one can."""
        found = self._found
        if isinstance(found, str):
            return found
        return None if found.linker else "There is no C linker `cc` on the PATH."

    @property
    def installed(self) -> Installed:
        """What was found.

        Raises:
            ToolMissing: There is no compiler.
        """
        found = self._found
        if isinstance(found, str):
            raise ToolMissing(found, hint="Install Rust with its clippy component.")
        return found

    @cached_property
    def _found(self) -> Installed | str:
        proxy = shutil.which("rustc")
        if proxy is None:
            return "There is no `rustc` on the PATH."
        try:
            return _look_up(proxy)
        except ToolMissing as error:
            return f"rustc does not work: {error.message}."


def _look_up(proxy: str) -> Installed:
    sysroot = Path(_first_line([proxy, "--print", "sysroot"]))
    rustc = sysroot / "bin" / "rustc"
    if not rustc.exists():
        rustc = Path(proxy)
    facts = run_trusted([str(rustc), "-vV"]).stdout.splitlines()
    host = next((line.removeprefix("host: ") for line in facts if line.startswith("host: ")), "")
    clippy, clippy_version = _look_up_clippy(sysroot)
    linker = shutil.which("cc")
    return Installed(
        rustc=rustc,
        sysroot=sysroot,
        version=f"{facts[0] if facts else 'rustc'} {host}".strip(),
        clippy_driver=clippy,
        clippy_version=clippy_version,
        linker=Path(linker) if linker else None,
    )


def _look_up_clippy(sysroot: Path) -> tuple[Path | None, str]:
    driver: str | Path | None = sysroot / "bin" / "clippy-driver"
    if not Path(str(driver)).exists():
        driver = shutil.which("clippy-driver")
    if driver is None:
        return None, "The toolchain has no clippy (`rustup component add clippy`)."
    try:
        return Path(driver), _first_line([str(driver), "--version"])
    except ToolMissing as error:
        return None, f"clippy does not work: {error.message}."


def _first_line(command: list[str]) -> str:
    finished = run_trusted(command)
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines() or [f"status {finished.returncode}"]
        raise ToolMissing(f"`{' '.join(command)}` failed: {lines[0].rstrip('.')}")
    return finished.stdout.partition("\n")[0].strip()


def search_path(installed: Installed) -> str:
    """The PATH of compilations: what is needed to find the linker, nothing of the user's."""
    own = [str(installed.linker.parent)] if installed.linker else []
    return os.pathsep.join(dict.fromkeys([*own, *_SYSTEM_PATH]))
