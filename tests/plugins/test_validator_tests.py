from __future__ import annotations

from dataclasses import asdict

import pytest
from rust_samples import HIDDEN, NEEDS_RUST, RIGHT, judge, rust_validators, scenario

from ferrotape import Failure, Finding, Severity, Status
from ferrotape.errors import ConfigError, PackError
from ferrotape.options import pack_options
from ferrotape_plugins.validators.tests import TestsOptions, edition_in

pytestmark = NEEDS_RUST

OWN_TESTS = """
#[cfg(test)]
mod tests {
    #[test]
    fn good() {}
    #[test]
    fn bad() { panic!(); }
}
"""


@pytest.fixture(scope="module")
def validator():
    return rust_validators()["tests"]


def judge_body(validator, body: str, **options):
    """A verdict on `double` with that body, where `n` is the argument."""
    return judge(validator, f"pub fn double(n: i32) -> i32 {{ {body} }}", **options)


def test_a_right_answer_passes_all_hidden_tests(validator):
    verdict = judge(validator, RIGHT)
    assert (verdict.status, verdict.score, verdict.failure) == (Status.PASSED, 100.0, None)
    assert verdict.summary == "2 of 2 hidden tests passed"
    assert verdict.metrics == {
        "hidden_tests": 2,
        "hidden_tests_passed": 2,
        "own_tests": 0,
        "own_tests_passed": 0,
    }


def test_a_failed_test_is_a_finding_with_its_place(validator):
    verdict = judge_body(validator, "n * 3")
    assert (verdict.status, verdict.score, verdict.failure) == (
        Status.FAILED,
        50.0,
        Failure.FAILED_TESTS,
    )
    assert verdict.findings == (
        Finding(
            code="doubles",
            message="assertion `left == right` failed: of …",
            severity=Severity.ERROR,
            file="hidden_tests.rs",
            line=7,
        ),
    )


def test_a_panic_in_the_answer_is_found_in_the_answer(validator):
    verdict = judge(validator, 'pub fn double(_: i32) -> i32 {\n    panic!("no")\n}\n')
    assert verdict.score == 0.0
    assert {(f.file, f.line, f.message) for f in verdict.findings} == {("answer.rs", 2, "no")}


def test_the_answers_own_tests_are_counted_and_not_scored(validator):
    verdict = judge(validator, RIGHT + OWN_TESTS)
    assert verdict.score == 100.0
    assert (verdict.metrics["own_tests"], verdict.metrics["own_tests_passed"]) == (2, 1)


def test_own_tests_that_bring_their_process_down_leave_the_score_alone(validator):
    own = "#[cfg(test)] mod tests { #[test] fn t() { std::process::abort(); } }"
    verdict = judge(validator, RIGHT + own)
    assert verdict.score == 100.0
    assert (verdict.metrics["own_tests"], verdict.metrics["own_tests_passed"]) == (1, 0)


def test_own_tests_cannot_be_forged_beyond_their_number(validator):
    own = """
#[cfg(test)]
mod tests {
    use std::io::Write;
    #[test]
    fn good() {
        let forged = "\\ntest a ... ok\\ntest tests::bad ... ok\\ntest tests::bad ... ignored\\n";
        std::io::stdout().write_all(forged.as_bytes()).unwrap();
    }
    #[test]
    fn bad() { panic!(); }
    #[test]
    #[should_panic]
    fn panics() { panic!(); }
    #[test]
    #[ignore = "slow"]
    fn slow() {}
}
"""
    metrics = judge(validator, RIGHT + own).metrics
    assert (metrics["own_tests"], metrics["own_tests_passed"]) == (3, 2)


@pytest.mark.parametrize("key", ["timeout_s_per_test", "guard_s"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 1e300])
def test_times_must_be_positive_and_finite(key, value):
    with pytest.raises(ConfigError, match=key):
        pack_options(TestsOptions, {"tests": {key: value}}, "tests")


def test_own_tests_may_be_left_out(validator):
    verdict = judge(validator, RIGHT + OWN_TESTS, own_tests="skip")
    assert "own_tests" not in verdict.metrics


def test_an_answer_that_does_not_compile_is_not_tested(validator):
    verdict = judge(validator, "pub fn double(n: i32) -> i32 {")
    assert (verdict.score, verdict.failure) == (0.0, Failure.COMPILE_ERROR)
    assert verdict.summary == "not run, because the answer does not compile: 1 error"
    assert verdict.metrics == {"hidden_tests": 2, "hidden_tests_passed": 0}


def test_another_interface_is_a_mismatch_with_its_place(validator):
    verdict = judge(validator, "pub fn triple(n: i32) -> i32 {\n    n * 3\n}\n")
    assert (verdict.score, verdict.failure) == (0.0, Failure.INTERFACE_MISMATCH)
    assert {(f.code, f.file, f.line) for f in verdict.findings} == {
        ("E0425", "hidden_tests.rs", 7),
        ("E0425", "hidden_tests.rs", 12),
    }


def test_undefined_symbols_of_the_answer_are_its_own_doing(validator):
    code = 'extern "C" { fn nowhere(n: i32) -> i32; }\n'
    code += "pub fn double(n: i32) -> i32 { unsafe { nowhere(n) } }"
    assert judge(validator, code).failure is Failure.INTERFACE_MISMATCH


def test_lints_that_the_answer_forbids_do_not_reject_the_hidden_tests(validator):
    hidden = HIDDEN.replace("use super::*;", "use super::*; use std::fmt;")
    verdict = judge(validator, "#![deny(warnings)]\n" + RIGHT, of=scenario(hidden))
    assert verdict.score == 100.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("std::process::abort()", "ended by SIGABRT"),
        ("std::process::exit(0)", "the program ended before the test did"),
        ("std::process::exit(3)", "failed with status …"),
        ("double(std::hint::black_box(n)) + 1", "overflowed its stack"),
    ],
)
def test_what_brings_a_process_down_costs_only_its_own_test(validator, body, message):
    verdict = judge_body(validator, f"if n != 0 {{ return 2 * n; }} {body}")
    assert verdict.score == 50.0
    (finding,) = verdict.findings
    assert finding.code == "doubles_zero"
    assert finding.message in (message, message.replace("…", "3"))


def test_a_test_that_does_not_end_is_stopped(validator):
    verdict = judge_body(
        validator,
        "while n == 0 { std::thread::sleep(std::time::Duration::from_secs(600)); } 2 * n",
        timeout_s_per_test=1.0,
    )
    assert verdict.score == 50.0
    assert verdict.findings[0].message == "did not end in time"


def test_a_test_that_fails_on_a_busy_machine_only_is_run_again(validator):
    # The first run leaves a mark next to the folder of the process, the second finds it.
    body = (
        'let mark = std::env::current_dir().unwrap().join("../mark"); '
        "let first = std::fs::File::create_new(mark).is_ok(); "
        "if n == 2 && first { panic!(); } 2 * n"
    )
    hidden = HIDDEN.replace("assert_eq!(double(0), 0);", "")
    assert (
        judge(validator, f"pub fn double(n: i32) -> i32 {{ {body} }}", of=scenario(hidden)).score
        == 100.0
    )


def test_secrets_and_configuration_of_the_environment_are_out_of_sight(validator, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    body = 'if std::env::var_os("ANTHROPIC_API_KEY").is_some() { 0 } else { 2 * n }'
    assert judge_body(validator, body).score == 100.0
    body = 'if std::env::var("RUST_BACKTRACE").as_deref() == Ok("0") { 2 * n } else { 0 }'
    assert judge_body(validator, body).score == 100.0


def test_the_names_of_tests_come_from_the_hidden_tests_only(validator):
    forged = "#[cfg(test)] mod more { mod hidden_tests { #[test] fn doubles_more() {} } }"
    verdict = judge(validator, RIGHT + forged)
    assert verdict.metrics["hidden_tests"] == 2


def test_an_answer_that_compiles_to_nothing_does_not_pass(validator):
    verdict = judge(validator, "#![cfg(any())]\n" + RIGHT)
    assert verdict.score == 0.0


def test_a_scenario_without_hidden_tests_is_a_fault_of_the_pack(validator):
    with pytest.raises(PackError, match="double has no hidden tests"):
        judge(validator, RIGHT, of=scenario(""))


def test_verdicts_are_the_same_each_time_and_name_no_path(validator):
    code = RIGHT.replace("2", "3") + OWN_TESTS
    first, second = judge(validator, code), judge(validator, code)
    assert first == second
    assert "ferrotape-" not in str(asdict(first))


@pytest.mark.parametrize(
    ("args", "edition"),
    [
        (["--edition", "2018", "--test"], "2018"),
        (["--test", "--edition=2024"], "2024"),
        (["--test"], "2021"),
    ],
)
def test_the_edition_is_read_from_the_arguments(args, edition):
    assert edition_in(args) == edition
