from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.sandbox import Ended, Outcome
from ferrotape_plugins.rust.libtest import (
    Complaint,
    Tally,
    complaint,
    listed,
    passed,
    steady,
    tally,
)

PASSED = """
running 1 test
test hidden_tests::a ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 6 filtered out; finished in 0.00s
"""
FAILED = """
running 1 test
test hidden_tests::a ... FAILED

failures:

---- hidden_tests::a stdout ----

thread 'hidden_tests::a' (15724) panicked at answer.rs:42:18:
assertion `left == right` failed: round 3 of "n 12"
  left: 1
 right: 2
"""
HANDED_ON = """
---- hidden_tests::a stdout ----

thread 'worker-1' (11) panicked at answer.rs:7:18:
caught by the answer
thread '<unnamed>' (12) panicked at answer.rs:50:9:
not what was expected
thread 'worker-1' (11) panicked at answer.rs:8:18:
caught by the answer, too
"""


def outcome(
    stdout: str = "", code: int = 101, ended: Ended = Ended.EXIT, stderr: str = ""
) -> Outcome:
    return Outcome(
        ended=ended, code=code, stdout=stdout.encode(), stderr=stderr.encode(), wall_s=0.0
    )


def why(of: Outcome) -> Complaint:
    return complaint(of, "hidden_tests::a", hidden_from=40)


def test_a_test_passes_by_status_and_report():
    assert passed(outcome(PASSED, 0))


@pytest.mark.parametrize(
    "of",
    [
        outcome(PASSED, 1),
        outcome("", 0),
        outcome("running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored\n", 0),
        outcome(PASSED, signal.SIGABRT, Ended.SIGNAL),
        outcome(PASSED, 0, Ended.TIMEOUT),
    ],
)
def test_anything_else_does_not_pass(of):
    assert not passed(of)


def test_a_failed_test_is_explained_by_its_panic():
    assert why(outcome(FAILED)) == Complaint(
        'assertion `left == right` failed: round … of "n 12"', 42
    )


def test_a_panic_handed_on_from_a_thread_is_told_from_those_of_the_answer():
    assert why(outcome(HANDED_ON)) == Complaint("not what was expected", 50)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (outcome(ended=Ended.TIMEOUT), "did not end in time"),
        (outcome(ended=Ended.OUTPUT), "wrote more than is allowed"),
        (outcome(code=signal.SIGABRT, ended=Ended.SIGNAL), "ended by SIGABRT"),
        (outcome(code=200, ended=Ended.SIGNAL), "ended by signal 200"),
        (
            outcome(
                code=signal.SIGABRT,
                ended=Ended.SIGNAL,
                stderr="thread 'hidden_tests::a' (9) has overflowed its stack\n",
            ),
            "overflowed its stack",
        ),
        (outcome("running 1 test\n", 0), "the program ended before the test did"),
        (outcome("running 1 test\n", 7), "failed with status 7"),
        (outcome('---- x stdout ----\nError: "boo"\n'), 'returned an error: "boo"'),
    ],
)
def test_other_ends_are_explained(of, message):
    assert why(of) == Complaint(message)


def test_messages_lose_what_differs_from_run_to_run():
    assert steady('took 1.53s at 0x7ffE12, ThreadId(3), "took 5s"') == (
        'took …s at …, ThreadId(…), "took 5s"'
    )


def test_messages_are_fit_to_print():
    assert steady("\x1b[31mred\x1b[0m\x07 \u202eevil") == "red   evil"


def test_the_tests_of_a_program_are_those_it_lists():
    text = "tests::a: test\nb: test\nc: benchmark\ntests::é::d: test\n\n3 tests, 1 benchmark\n"
    assert listed(outcome(text)) == {"tests::a", "b", "tests::é::d"}


def test_own_tests_are_counted():
    text = (
        "running 5 tests\ntest t::a ... ok\ntest t::b ... FAILED\n"
        "test t::c ... ignored, slow\ntest t::d ... ok\ntest t::e - should panic ... ok\n"
    )
    assert tally(outcome(text), {f"t::{name}" for name in "abcde"}) == Tally(total=4, passed=3)


@pytest.mark.parametrize("forged", ["test c ... ok", "test b ... ok", "test b ... ignored"])
def test_lines_that_only_look_like_reports_do_not_count(forged):
    text = f"{forged}\ntest a ... ok\ntest b ... FAILED\n"
    assert tally(outcome(text), {"a", "b"}) == Tally(total=2, passed=1)


def test_own_tests_of_a_process_that_died_are_counted_as_far_as_known():
    assert tally(outcome("running 4 tests\ntest a ... ok\n"), set("abcd")) == Tally(4, 1)
    assert tally(outcome(""), set()) == Tally(total=0, passed=0)


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 255))
def test_no_output_whatever_makes_it_fail(stdout, stderr, code):
    of = Outcome(ended=Ended.EXIT, code=code, stdout=stdout, stderr=stderr, wall_s=0.0)
    assert not passed(of)
    assert why(of).message
    assert tally(of, {"a"}).passed <= 1
    assert "" not in listed(of)
