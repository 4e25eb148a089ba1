"""Registers the validators for Rust, which share one toolchain and one pass over an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrotape import hookimpl
from ferrotape_plugins.rust.toolchain import Toolchain
from ferrotape_plugins.validators.clippy import ClippyValidator
from ferrotape_plugins.validators.rustc import RustcValidator
from ferrotape_plugins.validators.tests import TestsValidator

if TYPE_CHECKING:
    from ferrotape import Validator


@hookimpl
def ferrotape_validators() -> list[Validator]:
    """`rustc`, `clippy` and `tests`."""
    toolchain = Toolchain()
    return [RustcValidator(toolchain), ClippyValidator(toolchain), TestsValidator(toolchain)]
