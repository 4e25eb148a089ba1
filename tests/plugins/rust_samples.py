"""What the tests of the Rust validators share: a small scenario, and how to judge code."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from ferrotape import Bench, Scenario, Submission, Validator, Verdict
from ferrotape.sandbox import open_sandbox
from ferrotape_plugins.rust.plugin import ferrotape_validators

NEEDS_RUST = [
    pytest.mark.rust,
    pytest.mark.skipif(shutil.which("rustc") is None, reason="needs a Rust toolchain"),
]

HIDDEN = """\
#[cfg(test)]
mod hidden_tests {
    use super::*;

    #[test]
    fn doubles() {
        assert_eq!(double(2), 4, "of {}", 2);
    }

    #[test]
    fn doubles_zero() {
        assert_eq!(double(0), 0);
    }
}
"""

RIGHT = "pub fn double(n: i32) -> i32 {\n    n * 2\n}\n"


def scenario(hidden_tests: str = HIDDEN) -> Scenario:
    return Scenario(
        id="double",
        title="Double",
        language="rust",
        complexity="basic",
        expected_quality=(0, 100),
        interface="pub fn double(n: i32) -> i32",
        prompts={"minimal": "Double it."},
        patterns=(),
        hidden_tests=hidden_tests,
    )


def rust_validators() -> dict[str, Validator]:
    return {validator.name: validator for validator in ferrotape_validators()}


def judge(
    validator: Validator,
    code: str,
    *,
    of: Scenario | None = None,
    shared: dict[object, Any] | None = None,
    **options: Any,
) -> Verdict:
    bench = Bench(
        scenario=of or scenario(),
        options=replace(validator.Options(), **options),
        sandbox=open_sandbox(),
        _shared={} if shared is None else shared,
    )
    return validator.validate(Submission(code=code, language="rust"), bench)
