from __future__ import annotations

from itertools import pairwise

import pytest
from analysis_samples import AGENT, failed, pack, result, run

from ferrotape.analysis import Stage, Where, lost_at, summarise
from ferrotape.analysis.waterfall import Waterfall, waterfall
from ferrotape.model import AgentFailureKind, Failure, TrialResult

ONE_OF_EACH = [
    failed("one", "a", 1, AgentFailureKind.REFUSED),
    result("one", "a", 2, 0.0, code=None),
    result("one", "a", 3, 5.0, failure=Failure.COMPILE_ERROR),
    result("one", "a", 4, 10.0, failure=Failure.INTERFACE_MISMATCH),
    result("one", "a", 5, 20.0, failure=Failure.FAILED_TESTS),
    result("one", "a", 6, 80.0, lints=False),
    result("one", "a", 7, 90.0),
]


def counts(fall: Waterfall) -> list[tuple[int | None, int, int]]:
    return [(stage.reached, stage.lost, stage.not_checked) for stage in fall.stages]


def test_every_stage_loses_the_trial_that_fails_there() -> None:
    fall = waterfall(Where(), 8, ONE_OF_EACH)
    assert [stage.stage for stage in fall.stages] == list(Stage)
    assert counts(fall) == [
        (8, 0, 0),
        (6, 1, 1),
        (5, 1, 1),
        (4, 1, 1),
        (3, 1, 1),
        (2, 1, 1),
        (1, 1, 1),
    ]
    assert fall.failures == ((AgentFailureKind.REFUSED, 1),)
    assert [lost_at(trial) for trial in ONE_OF_EACH] == [*list(Stage)[1:], None]


def test_what_no_tool_could_check_is_no_loss() -> None:
    results = [result("one", "a", n, 50.0, unavailable=("rustc", "tests")) for n in (1, 2)]
    fall = waterfall(Where(), 2, results)
    assert counts(fall) == [(2, 0, 0), (2, 0, 0), (2, 0, 0), *[(None, 0, 2)] * 4]


def test_the_hidden_tests_tell_that_code_compiles_without_rustc() -> None:
    compiles = result("one", "a", 1, 50.0, unavailable=("rustc", "clippy"))
    not_so = result("one", "a", 2, 5.0, unavailable=("rustc",), failure=Failure.COMPILE_ERROR)
    fall = waterfall(Where(), 2, [compiles, not_so])
    assert counts(fall)[3:] == [(1, 1, 0), (1, 0, 0), (1, 0, 0), (None, 0, 1)]


def test_a_stage_that_only_some_trials_could_check_counts_the_others_apart() -> None:
    results = [result("one", "a", 1, 50.0, unavailable=("clippy",)), result("one", "a", 2, 50.0)]
    assert counts(waterfall(Where(), 2, results))[-1] == (1, 0, 1)


def test_a_run_that_was_stopped_before_its_first_trial_knows_nothing() -> None:
    assert counts(waterfall(Where(), 3, [])) == [(3, 0, 0), *[(None, 0, 3)] * 6]


def test_all_lost_is_zero_and_not_unknown() -> None:
    fall = waterfall(Where(), 2, [failed("one", "a", 1, AgentFailureKind.TIMEOUT)])
    assert counts(fall) == [(2, 0, 0), (0, 1, 1), *[(0, 0, 1)] * 5]


@pytest.mark.parametrize("results", [ONE_OF_EACH, ONE_OF_EACH[2:4], []])
def test_reached_lost_and_newly_unchecked_add_up(results: list[TrialResult]) -> None:
    stages = waterfall(Where(), 9, results).stages
    for before, after in pairwise(stages):
        unchecked = after.not_checked - before.not_checked
        assert (before.reached or 0) == (after.reached or 0) + after.lost + unchecked or (
            before.reached is None
        )


def test_formats_add_up_to_the_total() -> None:
    other = [result("two", "b", n, 50.0, lints=n > 1) for n in (1, 2)]
    report = summarise(run(rounds=7), pack(), [*ONE_OF_EACH, *other])
    for index, total in enumerate(report.total_waterfall.stages):
        parts = [fall.stages[index] for fall in report.waterfalls]
        assert total.reached == sum(part.reached or 0 for part in parts)
        assert total.lost == sum(part.lost for part in parts)
        assert total.not_checked == sum(part.not_checked for part in parts)
    assert [fall.where for fall in report.waterfalls] == [
        Where(format="b", agent=AGENT),
        Where(format="a", agent=AGENT),
    ]


def test_lost_trials_come_with_their_reason_but_not_for_lints() -> None:
    report = summarise(run(rounds=7), pack(), ONE_OF_EACH)
    assert [(lost.stage, lost.why) for lost in report.lost_trials] == [
        (Stage.ANSWERED, "refused: it did not work"),
        (Stage.EXTRACTED, "rust-block"),
        (Stage.COMPILES, "rustc objects"),
        (Stage.INTERFACE_FITS, "tests objects"),
        (Stage.TESTS_PASS, "tests objects"),
    ]
