from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape import Finding, Severity
from ferrotape_plugins.rust.diagnostics import clean, parse_diagnostics


def span(line: int, column: int, *, primary: bool = True, file: str = "answer.rs", **more):
    return {
        "file_name": file,
        "is_primary": primary,
        "line_start": line,
        "column_start": column,
        **more,
    }


def entry(message: str = "oh", code: str | None = "E0308", level: str = "error", spans=()) -> dict:
    return {
        "message": message,
        "code": {"code": code, "explanation": None} if code else None,
        "level": level,
        "spans": list(spans),
        "children": [],
    }


def parse(*entries: dict, hide: str = ""):
    return parse_diagnostics("\n".join(map(json.dumps, entries)).encode(), hide)


def test_code_message_level_and_place_are_read():
    (found,) = parse(entry(spans=[span(9, 9, primary=False), span(3, 5), span(4, 6)]))
    assert found.finding() == Finding(
        code="E0308",
        message="oh",
        severity=Severity.ERROR,
        file="answer.rs",
        line=3,
        column=5,
    )


def test_a_place_inside_a_macro_is_where_the_answer_calls_it():
    call = {"span": span(7, 2)}
    (found,) = parse(entry(spans=[span(900, 1, file="/rustc/macros.rs", expansion=call)]))
    assert (found.line, found.column) == (7, 2)


def test_a_place_in_another_file_is_none():
    (found,) = parse(entry(spans=[span(900, 1, file="/etc/passwd")]))
    assert (found.line, found.column) == (None, None)


def test_the_closing_summary_and_mere_notes_are_left_out():
    assert parse(
        entry("aborting due to 1 previous error", None),
        entry("4 warnings emitted", None, "warning"),
        entry("Some errors have detailed explanations", None, "failure-note"),
        entry("see", "E0308", "note"),
    ) == ()  # fmt: skip


def test_a_syntax_error_without_a_code_counts_by_its_place():
    (found,) = parse(entry("expected `;`", None, spans=[span(1, 1)]))
    assert (found.is_error, found.finding().code) == (True, "rustc")


def test_a_linker_that_fails_is_told_from_symbols_that_are_missing():
    failed = entry("linking with `cc` failed: exit status: 1", None)
    (found,) = parse({**failed, "children": [{"message": "disk full"}]})
    assert (found.is_error, found.is_linkers) == (True, True)
    (found,) = parse({**failed, "children": [{"message": "undefined symbol: nowhere"}]})
    assert (found.is_error, found.is_linkers) == (True, False)


def test_lints_are_told_by_their_code():
    lint, warning = parse(
        entry(code="clippy::len_zero", level="warning"), entry(code="dead_code", level="warning")
    )
    assert (lint.is_lint, warning.is_lint) == (True, False)
    assert lint.finding().severity is Severity.WARNING


def test_paths_of_this_machine_do_not_get_into_messages():
    (found,) = parse(entry("couldn't read `/tmp/x1/secret`"), hide="/tmp/x1")
    assert found.message == "couldn't read `./secret`"


def test_what_is_not_json_is_passed_over():
    assert parse_diagnostics(b'warning: x\n{"broken\n[1]\n{}\n\xff\n') == ()


@pytest.mark.parametrize("letter", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r")
def test_only_a_line_feed_ends_a_line(letter):
    line = json.dumps(entry(f"a{letter}b"), ensure_ascii=False).encode()
    (first, second) = parse_diagnostics(line + b"\n" + line)
    assert first == second
    assert first.message.replace(letter, " ") == "a b"


def test_messages_are_one_printable_line():
    assert clean("a\x1b[31;1mb\x1b]0;title\x07c\r\nd\u202e\u2066e\x9bf") == "abc d e f"
    assert clean("x" * 1000) == "x" * 499 + "…"


@given(st.text())
def test_no_control_character_survives(text):
    cleaned = clean(text)
    assert cleaned.isprintable() or not any(c in cleaned for c in "\x1b\n\r\t\x00\x7f\x9b\u202e")
    assert len(cleaned) <= 500


@given(st.binary(max_size=200))
def test_no_output_whatever_makes_it_fail(output):
    assert isinstance(parse_diagnostics(output), tuple)
