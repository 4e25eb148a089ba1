from __future__ import annotations

import math
import random

import pytest
from analysis_samples import AGENT, failed, pack, result, run
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrotape.analysis import Position, RunReport, Summary, Where, summarise
from ferrotape.analysis.expectations import position_of
from ferrotape.model import AgentFailureKind, TrialResult, Usage


def cell(report: RunReport, scenario: str, fmt: str) -> Summary:
    where = Where(scenario=scenario, format=fmt, agent=AGENT)
    return next(summary for summary in report.cells if summary.where == where)


def test_a_cell_has_mean_and_sample_sd_of_its_rounds() -> None:
    scores = {1: 70.0, 2: 80.0, 3: 90.0}
    report = summarise(
        run(rounds=3), pack(), [result("one", "a", n, score) for n, score in scores.items()]
    )
    found = cell(report, "one", "a")
    assert (found.mean, found.sd, found.minimum, found.maximum) == (80.0, 10.0, 70.0, 90.0)
    assert (found.planned, found.ran, found.scored) == (3, 3, 3)
    assert found.cv == 0.125


def test_a_cell_without_results_is_shown_and_undefined() -> None:
    report = summarise(run(), pack(), [result("one", "a", 1, 50.0)])
    empty = cell(report, "two", "b")
    assert (empty.planned, empty.ran, empty.scored) == (2, 0, 0)
    figures = (
        empty.mean,
        empty.mean_missing_as_zero,
        empty.sd,
        empty.minimum,
        empty.success_rate,
        empty.success_rate_of_agent,
        empty.error_rate,
        empty.cv,
        empty.latency_s,
    )
    assert set(figures) == {None}


def test_one_round_has_no_spread() -> None:
    report = summarise(run(rounds=1), pack(), [result("one", "a", 1, 50.0)])
    assert cell(report, "one", "a").sd is None
    assert report.overall.sd is None


def test_equal_scores_have_no_spread_and_zeros_no_cv() -> None:
    results = [result("one", "a", n, 87.3) for n in (1, 2)]
    results += [result("two", "a", n, 0.0) for n in (1, 2)]
    report = summarise(run(), pack(), results)
    assert (cell(report, "one", "a").sd, cell(report, "one", "a").cv) == (0.0, 0.0)
    assert (cell(report, "two", "a").sd, cell(report, "two", "a").cv) == (0.0, None)


def test_over_several_cells_the_sd_is_pooled_within_cells() -> None:
    # s = 10/sqrt(2) and 2/sqrt(2) with one degree of freedom each: sqrt((50 + 2) / 2).
    results = [
        result("one", "a", 1, 10.0),
        result("one", "a", 2, 20.0),
        result("two", "a", 1, 90.0),
        result("two", "a", 2, 92.0),
    ]
    report = summarise(run(formats=("a",)), pack(formats=("a",)), results)
    assert report.overall.sd == pytest.approx(math.sqrt(26))
    assert report.overall.mean == 53.0
    assert report.overall.cv is None


def test_agent_failures_count_as_zero_and_infrastructure_failures_as_missing() -> None:
    results = [
        result("one", "a", 1, 90.0),
        failed("one", "a", 2, AgentFailureKind.TIMEOUT),
        failed("one", "a", 3, AgentFailureKind.OVERLOADED),
    ]
    found = cell(summarise(run(rounds=3), pack(), results), "one", "a")
    assert found.mean == 45.0
    assert found.mean_missing_as_zero == 30.0
    assert (found.ran, found.scored, found.answered, found.infrastructure) == (3, 2, 1, 1)
    assert found.success_rate == pytest.approx(1 / 3)
    assert found.success_rate_of_agent == 0.5
    assert found.error_rate == pytest.approx(2 / 3)


def test_an_answer_without_code_is_answered_but_no_success() -> None:
    report = summarise(run(), pack(), [result("one", "a", 1, 0.0, code=None)])
    assert (report.overall.answered, report.overall.succeeded) == (1, 0)


def test_latency_and_tokens_count_only_where_they_are_the_models() -> None:
    usage = Usage(input_tokens=10, output_tokens=30)
    results = [
        result("one", "a", 1, 50.0, measured=True, latency_s=4.0, usage=usage),
        result("one", "a", 2, 50.0, measured=False, latency_s=0.001, usage=usage),
        result("two", "a", 1, 50.0, measured=True, latency_s=None),
    ]
    report = summarise(run(), pack(), results)
    overall = report.overall
    assert (overall.measured, overall.latency_s) == (2, 4.0)
    assert (overall.input_tokens, overall.output_tokens) == (10.0, 30.0)
    assert not report.measured
    assert cell(report, "two", "a").latency_s is None


def test_parts_follow_the_order_of_the_pack_and_agents_stay_apart() -> None:
    results = [
        result(scenario, fmt, 1, score, agent=agent)
        for agent, score in (("x", 10.0), ("w", 90.0))
        for scenario in ("one", "two")
        for fmt in ("a", "b")
    ]
    report = summarise(run(rounds=1, agents=("x", "w")), pack(), results)
    assert [(s.where.agent, s.where.format, s.mean) for s in report.formats] == [
        ("x", "b", 10.0),
        ("x", "a", 10.0),
        ("w", "b", 90.0),
        ("w", "a", 90.0),
    ]
    assert [s.where.agent for s in report.agents] == ["x", "w"]


def test_results_are_sorted_and_a_second_result_of_a_trial_is_refused() -> None:
    results = [result("two", "b", 1, 1.0), result("one", "b", 2, 1.0), result("one", "a", 1, 1.0)]
    report = summarise(run(), pack(), results)
    assert [r.trial.rank for r in report.results] == sorted(r.trial.rank for r in results)
    with pytest.raises(ValueError, match="sample/two/b/round-1"):
        summarise(run(), pack(), [*results, results[0]])


@pytest.mark.parametrize(
    ("mean", "expected", "position"),
    [
        (39.9, (40.0, 60.0), Position.BELOW),
        (40.0, (40.0, 60.0), Position.INSIDE),
        (60.0, (40.0, 60.0), Position.INSIDE),
        (60.1, (40.0, 60.0), Position.ABOVE),
        (None, (40.0, 60.0), Position.UNKNOWN),
        (50.0, None, Position.UNKNOWN),
    ],
)
def test_a_mean_is_held_against_the_expected_range(
    mean: float | None, expected: tuple[float, float] | None, position: Position
) -> None:
    assert position_of(mean, expected) is position


def test_a_scenario_that_the_pack_no_longer_has_keeps_its_figures() -> None:
    report = summarise(run(scenarios=("old",)), pack(), [result("old", "a", 1, 50.0)])
    [scenario] = [s for s in report.scenarios if s.figures.where.scenario == "old"]
    assert (scenario.figures.mean, scenario.position) == (50.0, Position.UNKNOWN)


def many() -> list[TrialResult]:
    rng = random.Random(1)  # noqa: S311
    results = [
        result(s, f, n, rng.random() * 100, lost=(rng.random(), rng.random()))
        for s in ("one", "two")
        for f in ("a", "b")
        for n in range(1, 6)
    ]
    return [*results[:-1], failed("two", "b", 5, AgentFailureKind.CONNECTION)]


@settings(deadline=None, max_examples=50)
@given(st.permutations(many()))
def test_the_order_of_results_makes_no_difference(results: list[TrialResult]) -> None:
    assert summarise(run(rounds=5), pack(), results) == summarise(run(rounds=5), pack(), many())
