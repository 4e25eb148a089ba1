from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from store_samples import make_result, results, verdict

from ferrotape.analysis.changes import compare_results
from ferrotape.model import AgentFailureKind, Finding, Severity, Timings


def test_verdicts_code_and_score_are_compared():
    before = make_result(verdict("tests"), verdict("rustc"), score=100.0)
    after = make_result(
        verdict("tests", score=80.0), verdict("clippy", score=None), score=90.0, code="fn f() {}"
    )
    assert compare_results(before, after) == (
        "code: another one was taken from the reply",
        "clippy: no verdict, now unavailable without a score",
        "rustc: passed 100.0, now none",
        "tests: passed 100.0, now failed 80.0",
        "score: 100.0, now 90.0",
    )


def test_other_findings_are_a_change_even_with_the_same_score():
    finding = Finding(code="E1", message="no", severity=Severity.ERROR)
    before = make_result(verdict("rustc", score=50.0))
    after = make_result(verdict("rustc", score=50.0, findings=(finding,), summary="1 error"))
    assert compare_results(before, after) == (
        "rustc: failed 50.0 as before, with other findings: 1 error",
    )


def test_a_failure_of_the_agent_is_compared():
    failed = make_result(failure=AgentFailureKind.REFUSED, score=0.0)
    first = compare_results(make_result(), failed)[0]
    assert first == "reply: an answer, now refused: it failed"


@given(results)
def test_a_result_is_like_itself_at_another_time(result):
    later = replace(
        result,
        timings=Timings(reply_s=1.0),
        trial=replace(result.trial, order=9),
        cached=("tests",),
        verdicts=tuple(replace(entry, distribution="other 1") for entry in result.verdicts),
    )
    assert compare_results(result, later) == ()
