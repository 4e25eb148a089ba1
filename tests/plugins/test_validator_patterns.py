from __future__ import annotations

import re
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from ferrotape import Bench, Finding, Scenario, Severity, Status, Submission, Verdict
from ferrotape.errors import ConfigError, PackError
from ferrotape.model import AstGrepPattern, Pattern, RegexPattern
from ferrotape.options import pack_options
from ferrotape.packs.load import load_pack
from ferrotape.packs.rules import knows_language
from ferrotape.sandbox import open_sandbox
from ferrotape_plugins.rust.scopes import RustFile
from ferrotape_plugins.validators.patterns import PatternsOptions, ferrotape_validators

PACK = Path(__file__).parents[2] / "scenarios" / "rust-core"

CODE = """\
// unwrap() in a comment
/// Zählt é𝄞.
pub fn count(s: &str) -> usize { let é = s; é.chars().last().unwrap(); é.len() }

#[cfg(test)]
mod tests {
    #[test]
    fn a() { super::count("").to_string().parse::<u8>().unwrap(); }
    #[test]
    fn b() {}
}
"""


def judge(
    *patterns: Pattern, code: str = CODE, language: str = "rust", timeout_s: float = 5.0
) -> Verdict:
    (validator,) = ferrotape_validators()
    scenario = Scenario(
        id="s",
        title="S",
        language=language,
        complexity="basic",
        expected_quality=(0, 100),
        interface="",
        prompts={},
        patterns=patterns,
    )
    bench = Bench(
        scenario=scenario,
        options=PatternsOptions(timeout_s_per_pattern=timeout_s),
        sandbox=open_sandbox(),
    )
    return validator.validate(Submission(code=code, language=language), bench)


def rx(pattern: str, **more) -> RegexPattern:
    return RegexPattern(id="p", description="It holds", kind="regex", pattern=pattern, **more)


def ast(rule: dict, **more) -> AstGrepPattern:
    return AstGrepPattern(id="p", description="It holds", kind="ast-grep", rule=rule, **more)


def holds(pattern: Pattern, **more) -> bool:
    verdict = judge(pattern, **more)
    assert verdict.score == (0.0 if verdict.findings else 100.0)
    return verdict.status is Status.PASSED


def test_it_needs_nothing():
    (validator,) = ferrotape_validators()
    assert validator.unavailable() is None
    assert validator.needs == ()


def test_the_score_is_the_share_of_the_weights_that_hold():
    verdict = judge(rx("count", weight=3), rx("nowhere", weight=1), ast({"kind": "mod_item"}))
    assert (verdict.status, verdict.score, verdict.failure) == (Status.FAILED, 80.0, None)
    assert verdict.summary == "2 of 3 checks hold"
    assert verdict.metrics == {"checks": 3, "checks_held": 2}


def test_a_check_that_does_not_hold_is_a_finding():
    assert judge(rx("nowhere")).findings == (
        Finding(code="p", message="It holds", severity=Severity.WARNING, file="answer.rs"),
    )


@pytest.mark.parametrize(
    "pattern",
    [
        rx(r"\.unwrap\(\)", expect="absent", scope="code"),
        ast({"pattern": "$X.unwrap()"}, expect="absent", scope="code"),
    ],
    ids=["regex", "ast-grep"],
)
def test_the_first_match_of_what_should_be_absent_is_shown(pattern):
    (finding,) = judge(pattern).findings
    line = CODE.splitlines()[finding.line - 1]
    assert finding.line == 3
    # Columns are characters, also after characters of several bytes or code units.
    expected = line.index(".unwrap()") if pattern.kind == "regex" else line.index("é.chars()")
    assert finding.column == expected + 1


@pytest.mark.parametrize(("scope", "count"), [("code", 1), ("tests", 1), ("docs", 2), ("all", 3)])
def test_patterns_look_at_their_scope_only(scope, count):
    assert holds(rx(r"unwrap\(\)", scope=scope, min_count=count))
    assert not holds(rx(r"unwrap\(\)", scope=scope, min_count=count + 1))


def test_counts_are_of_matches():
    assert holds(ast({"kind": "attribute_item", "regex": r"^#\[test\]$"}, min_count=2))
    assert not holds(ast({"kind": "attribute_item", "regex": r"^#\[test\]$"}, min_count=3))


def test_rules_are_matched_against_every_node_the_root_included():
    assert holds(ast({"kind": "source_file"}))
    assert holds(ast({"kind": "identifier", "regex": "^é$"}, min_count=3))


def test_one_match_is_too_many_for_what_should_be_absent():
    assert not holds(rx("count", expect="absent", min_count=5))


def test_inline_flags_work():
    assert holds(rx("(?i)PUB FN"))
    assert holds(rx("(?m)^pub fn"))


def test_a_pattern_that_goes_astray_is_stopped_and_says_nothing_of_the_answer():
    with pytest.raises(PackError, match=r"pattern `p` was not decided within 0\.2 s"):
        judge(rx("a"), rx(r"^(?:a|aa)+$"), code="a" * 60 + "b", timeout_s=0.2)


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 1e300])
def test_its_time_must_be_positive_and_finite(value):
    run = {"patterns": {"timeout_s_per_pattern": value}}
    with pytest.raises(ConfigError, match="timeout_s_per_pattern"):
        pack_options(PatternsOptions, run, "patterns")


@pytest.mark.parametrize("language", ["css", "dart", "elixir", "html", "json", "tsx", "yaml", "rs"])
def test_rules_work_in_every_language_that_a_pack_may_name(language):
    assert knows_language(language)
    assert not holds(ast({"kind": "ERROR"}), code="", language=language)


def test_other_languages_have_one_scope():
    assert holds(rx("# note", scope="code"), code="x = 1  # note\n", language="python")
    assert holds(ast({"pattern": "x = $V"}, scope="code"), code="x = 1\n", language="py")
    (finding,) = judge(rx("y"), code="x = 1\n", language="python").findings
    assert finding.file == "answer"


def test_rules_for_a_language_without_a_parser_are_a_fault_of_the_pack():
    assert holds(rx("MOVE"), code="MOVE A TO B.", language="cobol")
    with pytest.raises(PackError, match="cobol"):
        judge(ast({"kind": "x"}), code="MOVE A TO B.", language="cobol")


def test_a_lone_surrogate_is_just_a_character():
    assert holds(rx("fn f", scope="code"), code="/* \ud800 */ fn f() {}")


def test_verdicts_are_the_same_each_time():
    assert judge(rx("nowhere"), rx("count")) == judge(rx("nowhere"), rx("count"))


@given(st.text(alphabet="#[test]fn a(){}/*\n\"'é𝄞!;\0\r", max_size=150))
def test_no_code_whatever_makes_it_fail(code):
    verdict = judge(
        rx("fn", scope="code"), rx("a", expect="absent", scope="tests"),
        ast({"kind": "function_item"}, scope="docs"), code=code,
    )  # fmt: skip
    assert 0 <= verdict.score <= 100


def test_the_engine_agrees_with_re_on_all_shipped_patterns():
    compared = 0
    for scenario in load_pack(PACK).scenarios:
        file = RustFile(scenario.reference)
        for pattern in scenario.patterns:
            if pattern.kind == "regex":
                text = file.scope(pattern.scope)
                found = regex.compile(pattern.pattern, regex.V0).finditer(text)
                expected = re.finditer(pattern.pattern, text)
                assert [m.span() for m in found] == [m.span() for m in expected], pattern.id
                compared += 1
    assert compared > 50


def test_the_references_hold_every_check():
    (validator,) = ferrotape_validators()
    for scenario in load_pack(PACK).scenarios:
        bench = Bench(scenario=scenario, options=PatternsOptions(), sandbox=open_sandbox())
        verdict = validator.validate(
            Submission(code=scenario.reference, language=scenario.language), bench
        )
        assert verdict.score == 100.0, verdict.findings
