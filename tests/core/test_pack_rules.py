from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.model import GRAMMARS, plain_language
from ferrotape.packs.rules import knows_language, regex_fault, rule_faults

RELATIONS = ("inside", "has", "follows", "all", "any", "not", "matches")
KEYS = st.sampled_from(
    ("pattern", "kind", "regex", "nthChild", "range", "stopBy", "field", "context", *RELATIONS)
)
WORDS = st.sampled_from(
    ["", "$", "$$$", "$A", "block", "end", "fn f(){}", "ERROR", "2n+1", "(", "name", "\u00b5"]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "pattern",
    [
        "$I.rev()",
        "$S.split_whitespace()",
        "let $X = $Y",
        "f($$$ARGS)",
        "println!($$$)",
        "fn $F($$$) { $$$ }",
        "impl $T for $U {}",
        "unsafe { $$$BODY }",
        "#[test]",
        "$X as u8",
    ],
)
def test_a_complete_piece_of_the_language_is_a_pattern(pattern: str) -> None:
    assert list(rule_faults({"pattern": pattern}, "rust")) == []


@pytest.mark.parametrize("pattern", ["fn (", "$A.b(", "$A.b($C", "let $X = ;", "{", ")", "$A, $B"])
def test_a_broken_pattern_is_a_fault_at_any_depth(pattern: str) -> None:
    for rule in ({"pattern": pattern}, {"kind": "block", "has": {"any": [{"pattern": pattern}]}}):
        (fault,) = rule_faults(rule, "rust")
        assert pattern in fault


def test_part_of_a_piece_is_a_pattern_with_its_context() -> None:
    arm = {"context": "match x { $P => $E }", "selector": "match_arm"}
    assert list(rule_faults({"pattern": arm}, "rust")) == []


@pytest.mark.parametrize("language", [*sorted(GRAMMARS), "rs", "Rust", "py", "c++", "yml"])
def test_rules_can_be_tried_in_every_language_by_all_its_names(language: str) -> None:
    assert knows_language(language)
    assert plain_language(language) in GRAMMARS
    assert list(rule_faults({"kind": "ERROR"}, language)) == []
    assert len(list(rule_faults({"pattern": "$A"}, language))) <= 1


def test_a_language_without_a_grammar_is_not_known() -> None:
    assert not knows_language("cobol")
    assert not knows_language("")


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_rule_is_accepted_or_has_faults_of_one_line(rule: dict[str, Any]) -> None:
    assert all("\n" not in fault for fault in rule_faults(rule, "rust"))


@given(st.text(st.sampled_from("ab([{<?P=!:*+}])|^$\\dwpLN-&,1 9#ixg'\n")))
def test_any_text_is_a_regular_expression_or_has_a_fault(text: str) -> None:
    assert regex_fault(text) != ""
