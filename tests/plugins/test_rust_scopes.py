from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape_plugins.rust.scopes import RustFile, blank, is_test_attribute, names_crate

CODE = """\
//! Zählt 𝄞.

/// Doubles.
pub fn double(n: i32) -> i32 { // inline
    /* block */ n * 2
}

// before
#[cfg(test)] // beside
#[allow(dead_code)]
mod tests {
    // within
    #[test]
    fn it_doubles() { assert_eq!(double(2), 4); }
}

fn after() {}
"""


def words(scope: str) -> list[str]:
    return RustFile(CODE).scope(scope).split()


def test_code_is_outside_of_tests_without_comments():
    code = "pub fn double(n: i32) -> i32 { n * 2 } fn after() {}"
    assert words("code") == code.split()


def test_tests_are_the_test_items_without_comments():
    tests = (
        "#[cfg(test)] #[allow(dead_code)] mod tests { "
        "#[test] fn it_doubles() { assert_eq!(double(2), 4); } }"
    )
    assert words("tests") == tests.split()


def test_docs_are_outside_of_tests_with_comments():
    text = RustFile(CODE).scope("docs")
    assert "//! Zählt 𝄞." in text
    assert "/// Doubles." in text
    assert "// before" in text
    assert "assert_eq" not in text
    assert "within" not in text


def test_all_is_the_whole_text():
    assert RustFile(CODE).scope("all") == CODE


@pytest.mark.parametrize("scope", ["code", "tests", "docs", "all"])
def test_what_is_kept_stays_in_its_place(scope):
    text = RustFile(CODE).scope(scope)
    assert len(text) == len(CODE)
    assert all(kept in (original, " ") for kept, original in zip(text, CODE, strict=True))
    assert text.count("\n") == CODE.count("\n")


def test_a_lone_test_function_is_a_test_item():
    file = RustFile("#[test]\nfn t() {}\n\nfn f() {}\n")
    assert file.scope("tests").split() == ["#[test]", "fn", "t()", "{}"]
    assert file.scope("code").split() == ["fn", "f()", "{}"]


def test_attributes_of_other_items_are_no_test_attributes():
    assert RustFile("#[derive(Debug)]\nstruct S;\n").scope("tests").strip() == ""


def test_comment_signs_in_strings_are_no_comments():
    code = 'const URL: &str = "https://example.org /* x */";\n'
    assert RustFile(code).scope("code") == code


@pytest.mark.parametrize(
    "attribute",
    [
        "#[test]",
        "# [ test ]",
        "#[cfg(test)]",
        "#[cfg( test )]",
        "#[cfg(all(test, unix))]",
        "#[cfg(all(unix, test))]",
    ],
)
def test_attributes_that_mark_tests(attribute):
    assert is_test_attribute(attribute)


@pytest.mark.parametrize(
    "attribute",
    [
        "#[cfg(not(test))]",
        "#[cfg(any(test, unix))]",
        "#[cfg(all(not(test), unix))]",
        "#[cfg_attr(test, derive(Debug))]",
        '#[cfg(feature = "test")]',
        "#[tested]",
    ],
)
def test_attributes_that_do_not(attribute):
    assert not is_test_attribute(attribute)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('#![crate_name = "x"]\n', True),
        ('//! Doc.\n#![allow(x)]\n#! [ /* so */ crate_name="x" ]\nfn f() {}\n', True),
        ('// #![crate_name = "x"]\n', False),
        ('/* #![crate_name = "x"] */ fn f() { let s = "#![crate_name = 1]"; }\n', False),
        ('#![doc = "crate_name"]\n', False),
        ("fn crate_name() {}", False),
        ("", False),
        ("\ud800 crate_name", False),
    ],
)
def test_a_crate_that_names_itself_is_told(code, named):
    assert names_crate(code) is named


def test_blank_takes_overlapping_spans():
    assert blank("abc\ndef", [(1, 5), (2, 3), (4, 6)]) == "a  \n  f"


def test_blank_keeps_carriage_returns():
    assert blank("a\r\nb", [(0, 4)]) == " \r\n "


@given(st.text(alphabet="a#[test]cfg(){}/*\n\r \"'éℝ𝄞!fn;", max_size=200))
def test_any_text_has_scopes_of_its_own_shape(text):
    for scope in ("code", "tests", "docs", "all"):
        cut = RustFile(text).scope(scope)
        assert len(cut) == len(text)
        assert all(kept in (original, " ") for kept, original in zip(cut, text, strict=True))
