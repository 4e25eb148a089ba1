from __future__ import annotations

from analysis_samples import failed, pack, result, run

from ferrotape.analysis import FailedCheck, Losses, most_failed, summarise
from ferrotape.model import AgentFailureKind, Failure, TrialResult


def losses_of(results: list[TrialResult]) -> Losses:
    report = summarise(run(rounds=4, formats=("a",)), pack(formats=("a",)), results)
    [losses] = report.losses
    return losses


def test_losses_add_up_to_what_the_mean_lacks() -> None:
    results = [
        result("one", "a", 1, 90.0, lost=(8.0, 2.0)),
        result("one", "a", 2, 20.0, lost=(0.0, 10.0), policy=70.0, failure=Failure.FAILED_TESTS),
        result("one", "a", 3, 0.0, code=None, policy=100.0, failure=Failure.NO_CODE),
        failed("one", "a", 4, AgentFailureKind.TIMEOUT),
        failed("two", "a", 1, AgentFailureKind.CONNECTION),
    ]
    losses = losses_of(results)
    assert losses.scored == 4
    assert {loss.source: loss.points for loss in losses.by_validator} == {
        "patterns": 2.0,
        "tests": 3.0,
        "rustc": 0.0,
        "clippy": 0.0,
    }
    assert {loss.source: loss.points for loss in losses.by_failure} == {
        "no_code": 25.0,
        "compile_error": 0.0,
        "interface_mismatch": 0.0,
        "failed_tests": 17.5,
        "no_answer": 25.0,
    }
    total = sum(loss.points for loss in (*losses.by_validator, *losses.by_failure))
    assert total == 100.0 - (90.0 + 20.0 + 0.0 + 0.0) / 4


def test_nothing_scored_has_no_losses() -> None:
    losses = losses_of([failed("one", "a", 1, AgentFailureKind.OVERLOADED)])
    assert (losses.scored, losses.by_validator, losses.by_failure) == (0, (), ())


def test_failed_checks_count_answers_that_were_held_against_them() -> None:
    losses = losses_of(
        [
            result("one", "a", 1, 50.0, failed_checks=("documented", "documented")),
            result("one", "a", 2, 50.0, failed_checks=("only-in-one", "no-check-of-the-pack")),
            result("two", "a", 1, 50.0, failed_checks=("documented",)),
            result("two", "a", 2, 50.0, unavailable=("patterns",)),
        ]
    )
    assert losses.checks == (
        FailedCheck(check="documented", description="It is documented", failed=2, of=3),
        FailedCheck(check="only-in-one", description="Something of its own", failed=1, of=2),
    )


def test_the_most_failed_check_over_all_formats_comes_first() -> None:
    results = [
        result("one", "a", 1, 50.0, failed_checks=("documented",)),
        result("one", "b", 1, 50.0, failed_checks=("only-in-one",)),
        result("one", "b", 2, 50.0, failed_checks=("only-in-one", "documented")),
        result("one", "a", 2, 50.0, failed_checks=("only-in-one",)),
    ]
    report = summarise(run(), pack(), results)
    assert most_failed(report.losses) == ("only-in-one", "documented")
