"""A small valid pack, to be broken in one place at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferrotape.errors import ExitCode, PackError
from ferrotape.packs import load_pack

PACK = """\
name: small
version: 1
language: rust
scenarios: [alpha, beta]
formats:
  - id: minimal
  - id: metadata
    description: Labelled fields.
validators:
  patterns: {weight: 0.8}
  tests: {weight: 0.2}
failure_policy:
  no_code: {score: 0}
  failed_tests: {cap_base: 10, cap_span: 20}
run:
  crate_name: answer
  tests:
    args: [--edition, "2021"]
"""
SCENARIO = """\
id: alpha
title: A task
language: rust
complexity: basic
expected_quality: [60, 80.5]
interface: fn answer()
prompts:
  minimal: Write it.
  metadata: |
    task: write it
patterns:
  - id: documented
    description: It has docs
    kind: regex
    pattern: '///'
    weight: 2
  - id: iterates
    description: It reverses an iterator
    kind: ast-grep
    rule: {pattern: $I.rev()}
    scope: code
"""
TESTS = """\
#[test]
fn answers() {
    assert_eq!(answer(), 42);
}
"""


def write_pack(folder: Path, pack: str = PACK, scenario: str = SCENARIO) -> Path:
    """Writes the pack; `scenario` is that of `alpha`, `beta` is always valid."""
    for name, text in (("alpha", scenario), ("beta", SCENARIO.replace("id: alpha", "id: beta"))):
        (folder / name).mkdir(parents=True)
        (folder / name / "scenario.yaml").write_text(text, encoding="utf-8")
        (folder / name / "hidden_tests.rs").write_text(TESTS, encoding="utf-8")
        (folder / name / "reference.rs").write_text("// fine\n", encoding="utf-8")
    (folder / "pack.yaml").write_text(pack, encoding="utf-8")
    return folder


def line_of(text: str, part: str) -> int:
    """The 1-based line on which `part` begins; 0 if it is empty."""
    return text[: text.index(part)].count("\n") + 1 if part else 0


def problems_of(folder: Path) -> list[tuple[str, int, str]]:
    """What loading the pack complains of: file, line, message."""
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert caught.value.exit_code is ExitCode.USAGE
    return [
        (problem.file.relative_to(folder).as_posix(), problem.line, problem.message)
        for problem in caught.value.problems
    ]
