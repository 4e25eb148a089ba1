from __future__ import annotations

from dataclasses import asdict

import pytest
from rust_samples import NEEDS_RUST, RIGHT, judge, rust_validators, scenario

from ferrotape import Bench, Failure, Severity, Status, Submission
from ferrotape.errors import SandboxError
from ferrotape.options import pack_options
from ferrotape.sandbox import LimitsSandbox
from ferrotape_plugins.rust.compiler import without_lints
from ferrotape_plugins.validators.clippy import ClippyOptions
from ferrotape_plugins.validators.rustc import RustcOptions

pytestmark = NEEDS_RUST

WARNED = "use std::fmt;\npub fn f() {\n    let x = 1;\n}\n"
LINTED = "pub fn f(v: &[u8]) -> bool {\n    return v.len() == 0;\n}\n"
BROKEN = 'pub fn f() -> u32 {\n    "text"\n}\n'


@pytest.fixture(scope="module")
def validators():
    return rust_validators()


@pytest.fixture(scope="module")
def rustc(validators):
    return validators["rustc"]


@pytest.fixture(scope="module")
def clippy(validators):
    return validators["clippy"]


def test_both_are_available_and_say_with_what(rustc, clippy):
    assert rustc.unavailable() is clippy.unavailable() is None
    assert rustc.fingerprint().startswith("rustc ")
    assert clippy.fingerprint().startswith("clippy ")


def test_clean_code_passes_both(rustc, clippy):
    for validator in (rustc, clippy):
        verdict = judge(validator, RIGHT)
        assert (verdict.status, verdict.score, verdict.findings) == (Status.PASSED, 100.0, ())


def test_each_warning_costs_five_points_of_rustc_only(rustc, clippy):
    verdict = judge(rustc, WARNED)
    assert (verdict.status, verdict.score, verdict.failure) == (Status.FAILED, 90.0, None)
    assert {(f.code, f.line, f.column) for f in verdict.findings} == {
        ("unused_imports", 1, 5),
        ("unused_variables", 3, 9),
    }
    assert all(f.severity is Severity.WARNING for f in verdict.findings)
    assert judge(clippy, WARNED).score == 100.0


def test_each_lint_costs_five_points_of_clippy_only(rustc, clippy):
    verdict = judge(clippy, LINTED)
    assert (verdict.status, verdict.score) == (Status.FAILED, 90.0)
    assert {(f.code, f.file, f.line) for f in verdict.findings} == {
        ("clippy::len_zero", "answer.rs", 2),
        ("clippy::needless_return", "answer.rs", 2),
    }
    assert judge(rustc, LINTED).score == 100.0


def test_a_lint_that_is_an_error_costs_ten_points_and_no_compilation(rustc, clippy):
    code = "#![deny(clippy::all)]\n" + LINTED
    assert judge(clippy, code).score == 80.0
    assert judge(rustc, code).status is Status.PASSED


def test_scores_do_not_fall_below_zero(rustc, clippy):
    code = "\n".join(f"pub fn f{n}() {{ let x = {n}; return (); }}" for n in range(30))
    assert judge(rustc, code).score == 0.0
    assert judge(rustc, code).failure is None
    assert judge(clippy, code).score == 0.0


def test_code_that_does_not_compile_scores_nothing(rustc, clippy):
    verdict = judge(rustc, BROKEN)
    assert (verdict.score, verdict.failure) == (0.0, Failure.COMPILE_ERROR)
    (finding,) = verdict.findings
    assert (finding.code, finding.severity, finding.line) == ("E0308", Severity.ERROR, 2)
    lints = judge(clippy, BROKEN)
    assert (lints.status, lints.score, lints.failure) == (Status.FAILED, 0.0, None)
    assert "does not compile" in lints.summary


@pytest.mark.parametrize("code", ["fn f( {", 'fn main() { "', "}", "mod missing;", "\0"])
def test_syntax_errors_and_missing_files_are_compile_errors(rustc, code):
    verdict = judge(rustc, code)
    assert verdict.failure is Failure.COMPILE_ERROR
    assert verdict.findings


def test_an_empty_file_compiles(rustc):
    assert judge(rustc, "").score == 100.0


def test_warnings_that_the_answer_forbids_itself_are_compile_errors(rustc):
    assert judge(rustc, "#![deny(warnings)]\n" + WARNED).failure is Failure.COMPILE_ERROR


def test_texts_of_the_answer_cannot_play_tricks_with_terminals(rustc):
    verdict = judge(rustc, 'compile_error!("\\u{1b}[31mred\\u{1b}[0m\\r\\n\\u{202e}done");')
    (finding,) = verdict.findings
    assert finding.message == "red done"


@pytest.mark.parametrize("letter", ["\\u{2028}", "\\u{85}", "\\u{2029}"])
def test_separators_in_a_message_hide_no_diagnostic(rustc, clippy, letter):
    code = f'#[deprecated(note = "use{letter}that")]\npub fn f() {{}}\npub fn g() {{ f() }}\n'
    verdict = judge(rustc, code)
    assert (verdict.score, verdict.metrics) == (95.0, {"errors": 0, "warnings": 1})
    assert verdict.findings[0].line == 3
    broken = f'compile_error!("a{letter}b");'
    assert [f.message for f in judge(rustc, broken).findings] == ["a b"]
    assert judge(clippy, broken).score == 0.0


def test_an_answer_may_name_its_crate(validators):
    code = '#![crate_name = "mine"]\n' + RIGHT
    for validator in validators.values():
        assert judge(validator, code).score == 100.0, validator.name


def test_an_answer_that_does_not_keeps_the_packs_name(rustc):
    code = "pub const NAME: &str = module_path!();\nconst _: () = assert!(NAME.len() == 9);\n"
    assert judge(rustc, code, crate_name="nineteen1").score == 100.0
    assert judge(rustc, code).failure is Failure.COMPILE_ERROR


def test_no_path_of_this_machine_gets_into_a_verdict(rustc):
    verdict = judge(rustc, 'const X: &str = include_str!("missing.txt");\nmod gone;\n')
    assert verdict.failure is Failure.COMPILE_ERROR
    assert "ferrotape-" not in str(asdict(verdict))


def test_a_compiler_that_is_driven_mad_is_a_compile_error(rustc):
    # Not `recursion_limit` but the stack: a signal, or a refusal, by version of the compiler.
    code = "pub const N: u32 = " + "(" * 100_000 + "1" + ")" * 100_000 + ";"
    verdict = judge(rustc, code)
    assert verdict.failure is Failure.COMPILE_ERROR
    assert verdict.findings


def test_verdicts_are_the_same_each_time(rustc, clippy):
    code = WARNED + LINTED.replace("fn f", "fn g")
    for validator in (rustc, clippy):
        assert judge(validator, code) == judge(validator, code)


def test_one_pass_serves_all_rust_validators(validators):
    shared: dict[object, object] = {}
    for validator in validators.values():
        judge(validator, RIGHT, shared=shared)
    assert len(shared) == 1


def test_the_pack_of_this_project_keeps_the_pass_shared():
    run = {
        "crate_name": "answer",
        "rustc": {"args": ["--edition", "2021", "--crate-type", "lib", "--emit=metadata"]},
        "clippy": {
            "args": [
                *("--edition", "2021", "--crate-type", "lib", "--emit=metadata"),
                *("-W", "clippy::all"),
            ]
        },
    }
    assert pack_options(RustcOptions, run, "rustc") == RustcOptions()
    assert pack_options(ClippyOptions, run, "clippy") == ClippyOptions()


def test_lint_levels_of_clippy_are_taken_out_for_rustc():
    args = ["-W", "clippy::all", "-W", "dead_code", "-Dclippy::pedantic", "--edition", "2021"]
    assert without_lints(args) == ["-W", "dead_code", "--edition", "2021"]


def test_an_interrupted_run_says_nothing_about_the_answer(rustc):
    sandbox = LimitsSandbox()
    sandbox.cancel()
    bench = Bench(scenario=scenario(), options=RustcOptions(), sandbox=sandbox)
    with pytest.raises(SandboxError, match="interrupted"):
        rustc.validate(Submission(code=RIGHT, language="rust"), bench)
