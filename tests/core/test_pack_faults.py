"""Every kind of fault in pack.yaml and scenario.yaml, with its message and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pack_samples import PACK, SCENARIO, line_of, problems_of, write_pack

PLAIN = "is no plain name; use a-z, 0-9, and after the first also `.`, `_`, `-`"
RULE = "{pattern: $I.rev()}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: true", "`version` must be a whole number or text, not true"),
        ("name: small", "name: ../up", f'`name`: "../up" {PLAIN}'),
        ("name: small", "nam: small", "unknown key `nam`; did you mean `name`?"),
        ("language: rust", "language: [rust]", "`language` must be text, not a list"),
        ("[alpha, beta]", "[alpha, beta, ../up]", f'`scenarios[2]`: "../up" {PLAIN}'),
        ("[alpha, beta]", "[alpha, beta, alpha]", "scenario `alpha` stands twice, first on line 4"),
        ("[alpha, beta]", "[alpha, beta, c]", "there is no folder `c` beside this file"),
        (
            "[alpha, beta]",
            "[alpha]",
            "folder `beta` holds a scenario that is not listed here; list it, or begin its name"
            " with `_` if it is a draft",
        ),
        ("[alpha, beta]", "[]", "`scenarios` must not be empty"),
        ("  - id: minimal", "  - id: Minimal", f'`formats[0].id`: "Minimal" {PLAIN}'),
        ("  - id: minimal", "  - minimal", '`formats[0]` must be a mapping, not "minimal"'),
        (
            "    description: Labelled fields.",
            "    descripton: x",
            "unknown key `formats[1].descripton`; did you mean `description`?",
        ),
        (
            "  tests: {weight: 0.2}",
            "  tests: {weight: .nan}",
            "`validators.tests.weight` is NaN, but must be a finite number",
        ),
        (
            "  tests: {weight: 0.2}",
            "  tests: {weight: -.inf}",
            "`validators.tests.weight` is -Infinity, but must be a finite number",
        ),
        (
            "  tests: {weight: 0.2}",
            "  tests: {weight: -1}",
            "`validators.tests.weight` is -1, but must be at least 0",
        ),
        (
            "  tests: {weight: 0.2}",
            "  tests: {weight: much}",
            '`validators.tests.weight` must be a number, not "much"',
        ),
        ("  tests: {weight: 0.2}", "  tests: 1", "`validators.tests` must be a mapping, not 1"),
        (
            "  no_code: {score: 0}",
            "  no_cod: {score: 0}",
            "unknown key `failure_policy.no_cod`; did you mean `no_code`?",
        ),
        (
            "  no_code: {score: 0}",
            "  no_code: {score: 0, cap: 1}",
            "`no_code` needs exactly one of `score`, `cap`, or `cap_base` with `cap_span`",
        ),
        (
            "  no_code: {score: 0}",
            "  no_code: {cap_base: 3}",
            "`no_code` needs exactly one of `score`, `cap`, or `cap_base` with `cap_span`",
        ),
        (
            "  no_code: {score: 0}",
            "  no_code: {score: 101}",
            "`failure_policy.no_code.score` is 101, but must be at most 100",
        ),
        (
            "  failed_tests: {cap_base: 10, cap_span: 20}",
            "  failed_tests: {cap_base: 90, cap_span: 20}",
            "`cap_base` and `cap_span` of `failed_tests` add up to more than 100",
        ),
        (
            "  tests:\n    args",
            "  test:\n    args",
            "`run.test` is for no validator of the pack; did you mean `tests`?",
        ),
        (
            "  crate_name: answer",
            "  crate_name: [a]",
            "`run.crate_name` must be one value, or a mapping for the validator of that name",
        ),
        (
            "run:",
            "patterns: {kinds: {}, scope: {}}\nrun:",
            "unknown key `patterns.scope`; did you mean `scopes`?",
        ),
        ("version: 1", "version: 1\nname: again", "key `name` is given twice, first on line 1"),
    ],
)
def test_a_fault_in_pack_yaml_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    broken = PACK.replace(old, new)
    assert broken != PACK
    line = line_of(broken, new) + (1 if "again" in new else 0)
    found = problems_of(write_pack(tmp_path / "small", pack=broken))
    assert ("pack.yaml", line, message) in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "id: alpha",
            "id: beta",
            "the id is `beta`, but the folder is `alpha`; they must be the same",
        ),
        ("id: alpha", "id: Alpha/x", f'`id`: "Alpha/x" {PLAIN}'),
        ("title: A task", 'title: ""', "`title` must not be empty"),
        ("title: A task", "title: no", "`title` must be text, not false"),
        ("title: A task", "titel: A task", "unknown key `titel`; did you mean `title`?"),
        ("[60, 80.5]", "[90, 80]", "the low end, 90, is above the high end, 80"),
        ("[60, 80.5]", "[-1, 80]", "`expected_quality[0]` is -1, but must be at least 0"),
        ("[60, 80.5]", "[60, 101]", "`expected_quality[1]` is 101, but must be at most 100"),
        ("[60, 80.5]", "[.nan, 80]", "`expected_quality[0]` is NaN, but must be a finite number"),
        ("[60, 80.5]", "[60]", "`expected_quality[1]` is missing"),
        ("[60, 80.5]", "[60, 70, 80]", "`expected_quality` must have 2 entries, not 3"),
        ("[60, 80.5]", "60-80", '`expected_quality` must be a list, not "60-80"'),
        ("minimal: Write it.", "minimal:", "`prompts.minimal` must be text, not empty"),
        ("minimal: Write it.", "minimal: 3", "`prompts.minimal` must be text, not 3"),
        (
            "minimal: Write it.",
            "minmal: Write it.",
            "prompt `minmal` is for no format of the pack; did you mean `minimal`?",
        ),
        (
            "kind: regex",
            "kind: regexp",
            '`patterns[0].kind` is "regexp", but must be regex or ast-grep; did you mean `regex`?',
        ),
        (
            "pattern: '///'",
            "pattern: '('",
            "pattern of pattern `documented`: missing ), unterminated subpattern at position 0",
        ),
        (
            "pattern: '///'",
            "pattern: '[[]'",
            "pattern of pattern `documented`: Possible nested set at position 1",
        ),
        (
            "pattern: '///'",
            f"pattern: '{'(' * 2000}x{')' * 2000}'",
            "pattern of pattern `documented`: it is nested too deeply",
        ),
        ("pattern: '///'", "rule: {}", "unknown key `patterns[0].rule`; known: id, description,"),
        ("weight: 2", "weight: 0", "`patterns[0].weight` is 0, but must be more than 0"),
        (
            "weight: 2",
            "weight: .inf",
            "`patterns[0].weight` is Infinity, but must be a finite number",
        ),
        ("weight: 2", "min_count: 1.5", "`patterns[0].min_count` must be a whole number, not 1.5"),
        (
            "weight: 2",
            "expect: here",
            '`patterns[0].expect` is "here", but must be present or absent',
        ),
        (
            "id: iterates\n    description: It reverses",
            "id: documented\n    description: It reverses",
            "pattern `documented` stands twice, first on line 12",
        ),
        (RULE, "{pattern: $I.rev(}", "pattern `$I.rev(` is no complete piece of rust"),
        (RULE, "{any: [{pattern: 'fn ('}]}", "pattern `fn (` is no complete piece of rust"),
        (RULE, "{kind: nope}", "Kind `nope` is invalid"),
        (RULE, "{kind: block, has: {field: nope, kind: block}}", "invalid field nope"),
        (RULE, "{patern: x}", "unknown field `patern`, expected one of `pattern`"),
        (RULE, "{regex: '('}", "unclosed group"),
        (RULE, "{kind: 3}", "'int' object is not an instance of 'str'"),
        (RULE, "{}", "Rule must have one positive matcher"),
        (RULE, "[]", "`patterns[1].rule` must be a mapping, not a list"),
        (
            "complexity: basic",
            "complexity: basic\ncalibration: {sampel: x.rs, expected: [1, 2]}",
            "unknown key `calibration.sampel`; did you mean `sample`?",
        ),
        (
            "complexity: basic",
            "complexity: basic\ncalibration: {sample: x.rs, expected: [80, 65]}",
            "the low end, 80, is above the high end, 65",
        ),
        ("complexity: basic", "complexity: [a]", "`complexity` must be text, not a list"),
    ],
)
def test_a_fault_in_scenario_yaml_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    broken = SCENARIO.replace(old, new)
    assert broken != SCENARIO
    found = problems_of(write_pack(tmp_path / "small", scenario=broken))
    line = line_of(broken, new.removeprefix(f"{old}\n"))
    where = [(file, at) for file, at, text in found if message in text]
    assert where == [("alpha/scenario.yaml", line)], found


def test_a_missing_key_is_named_where_the_mapping_begins(tmp_path: Path) -> None:
    broken = SCENARIO.replace("    kind: regex\n", "").replace("title: A task\n", "")
    assert problems_of(write_pack(tmp_path / "small", scenario=broken)) == [
        ("alpha/scenario.yaml", 1, "`title` is missing"),
        (
            "alpha/scenario.yaml",
            line_of(broken, "- id: documented"),
            "`patterns[0].kind` is missing",
        ),
    ]


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    broken = SCENARIO.replace("  minimal: Write it.\n", "")
    assert problems_of(write_pack(tmp_path / "small", scenario=broken)) == [
        (
            "alpha/scenario.yaml",
            line_of(broken, "prompts:"),
            "there is no prompt for format `minimal`",
        )
    ]


def test_a_repeated_format_is_named(tmp_path: Path) -> None:
    broken = PACK.replace("id: metadata", "id: minimal")
    found = problems_of(write_pack(tmp_path / "small", pack=broken))
    assert ("pack.yaml", 7, "format `minimal` stands twice, first on line 6") in found


def test_weights_that_add_up_to_nothing_are_refused(tmp_path: Path) -> None:
    broken = PACK.replace("0.8", "0").replace("0.2", "0.0")
    assert problems_of(write_pack(tmp_path / "small", pack=broken)) == [
        ("pack.yaml", 9, "all weights are 0, so nothing is scored")
    ]


def test_a_language_without_grammar_is_refused_for_ast_grep(tmp_path: Path, capfd) -> None:
    broken = SCENARIO.replace("language: rust", "language: klingon")
    (problem,) = problems_of(write_pack(tmp_path / "small", scenario=broken))
    assert problem[2].endswith("ast-grep has no grammar for language `klingon`")
    assert capfd.readouterr().err == ""
