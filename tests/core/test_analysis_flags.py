from __future__ import annotations

from analysis_samples import AGENT, failed, pack, result, run

from ferrotape.analysis import Flag, FlagKind, Where, summarise
from ferrotape.model import AgentFailureKind, TrialResult


def flags_of(results: list[TrialResult], rounds: int = 2) -> tuple[Flag, ...]:
    return summarise(run(rounds=rounds), pack(), results).flags


def grid(score: float, rounds: int = 2) -> list[TrialResult]:
    return [
        result(scenario, fmt, number, score)
        for scenario in ("one", "two")
        for fmt in ("a", "b")
        for number in range(1, rounds + 1)
    ]


def test_middling_scores_raise_no_flag() -> None:
    assert flags_of(grid(60.0)) == ()


def test_all_near_zero_is_said_once_for_the_whole_run() -> None:
    [flag] = flags_of(grid(5.0))
    assert (flag.kind, flag.where) == (FlagKind.NEAR_ZERO, Where())
    assert flag.message == "all 8 scores are 5 or less; code was found in 8 of 8 trials"
    assert "extraction" in flag.kind.question


def test_all_near_full_is_said_once_for_the_whole_run() -> None:
    [flag] = flags_of(grid(95.0))
    assert (flag.kind, flag.where) == (FlagKind.NEAR_FULL, Where())
    assert "lenient" in flag.kind.question


def test_scores_just_beyond_the_limits_raise_no_flag() -> None:
    assert flags_of(grid(5.1)) == ()
    assert flags_of(grid(94.9)) == ()


def test_one_scenario_near_full_is_named() -> None:
    results = [result(r.trial.scenario, r.trial.format, r.trial.round,
                      99.0 if r.trial.scenario == "one" else 60.0) for r in grid(0.0)]  # fmt: skip
    assert [(flag.kind, flag.where) for flag in flags_of(results)] == [
        (FlagKind.NEAR_FULL, Where(scenario="one", agent=AGENT))
    ]


def test_spread_is_flagged_above_thirty_percent_with_the_sd_in_points() -> None:
    # mean 50, s = 20 * sqrt(2) = 28.28: 56.6%. And mean 50, s = 7.07: 14.1%.
    wide = [result("one", "a", 1, 30.0), result("one", "a", 2, 70.0)]
    narrow = [result("two", "a", 1, 45.0), result("two", "a", 2, 55.0)]
    [flag] = flags_of([*wide, *narrow])
    assert flag.kind is FlagKind.SPREAD
    assert flag.where == Where(scenario="one", format="a", agent=AGENT)
    assert flag.message == "56.6% (SD 28.3 points, mean 50.0, n 2)"


def test_differences_between_scenarios_are_no_spread() -> None:
    assert flags_of([result("one", "a", 1, 10.0), result("two", "a", 1, 90.0)]) == ()


def test_more_than_ten_percent_errors_are_flagged_whoever_caused_them() -> None:
    results = grid(60.0, rounds=5)
    results[0] = failed("one", "a", 1, AgentFailureKind.TIMEOUT)
    results[9] = failed("one", "b", 5, AgentFailureKind.OVERLOADED)
    kinds = {
        flag.where: flag.message for flag in flags_of(results, 5) if flag.kind is FlagKind.ERRORS
    }
    assert Where() not in kinds  # 2 of 20 is 10%
    assert kinds[Where(scenario="one", agent=AGENT)] == (
        "2 of 10 trials have no answer (20.0%: 1 overloaded, 1 timeout)"
    )
    results[10] = failed("two", "a", 1, AgentFailureKind.TIMEOUT)
    [flag] = [flag for flag in flags_of(results, 5) if flag.kind is FlagKind.ERRORS]
    assert flag.where == Where()
    assert flag.message == "3 of 20 trials have no answer (15.0%: 1 overloaded, 2 timeout)"


def test_no_results_raise_no_flag() -> None:
    assert flags_of([]) == ()
