from __future__ import annotations

from dataclasses import replace

from analysis_samples import AGENT, failed, pack, result, run

from ferrotape.analysis import (
    UNDEFINED,
    Gap,
    Where,
    counted_both_ways,
    headline,
    loss_label,
    mean_and_sd,
    percent,
    place,
    points,
    provenance,
    run_facts,
    summarise,
    warnings,
)
from ferrotape.model import AgentFailureKind, Failure, Mode, Status

FULL = [result(s, f, n, 80.0 + n) for s in ("one", "two") for f in ("a", "b") for n in (1, 2)]


def test_the_headline_says_it_in_one_sentence() -> None:
    results = [result("one", "a", 1, 21.5, failure=Failure.FAILED_TESTS), *FULL[1:]]
    assert headline(summarise(run(), pack(), results)) == (
        "8 trials of sample on little: mean score 74.1; 8 of 8 answered;"
        " 7 of 8 pass all hidden tests."
    )


def test_the_headline_of_an_unfinished_partial_run_hides_nothing() -> None:
    results = [result("one", "a", n, 80.0, unavailable=("tests",)) for n in (1, 2)]
    report = summarise(run(), pack(), results)
    assert headline(report) == (
        "2 of 8 planned trials of sample on little: mean score 80.0; 2 of 2 answered;"
        " hidden tests not checked."
    )
    assert warnings(report) == (
        "Unfinished: 2 of 8 planned trials were run.",
        "Partial: tests was unavailable in 2 of 2 trials (no tests here)."
        " Do not compare these scores with complete ones.",
    )
    assert report.partial == (
        Gap(validator="tests", status=Status.UNAVAILABLE, why="no tests here", trials=2),
    )


def test_the_headline_names_every_agent_with_its_own_mean() -> None:
    results = [
        result("one", "a", 1, score, agent=name) for name, score in (("x", 40.0), ("y", 60.0))
    ]
    plan = run(rounds=1, scenarios=("one",), formats=("a",), agents=("x", "y"))
    report = summarise(plan, pack(), results)
    assert headline(report).startswith(
        "2 trials of x and y on little: mean scores 40.0 (x) and 60.0 (y); 2 of 2 answered;"
    )
    assert place(report, Where(scenario="one", agent="x")) == "x / one"


def test_the_headline_of_nothing_stands() -> None:
    assert "no score; 0 of 0 answered" in headline(summarise(run(), pack(), []))


def test_a_verdict_that_failed_by_itself_makes_a_run_partial() -> None:
    first = FULL[0]
    broken = replace(
        first,
        verdicts=(replace(first.verdicts[0], status=Status.ERROR, score=None), *first.verdicts[1:]),
    )
    [warning] = warnings(summarise(run(), pack(), [broken, *FULL[1:]]))
    assert warning.startswith("Partial: patterns failed by itself in 1 of 8 trials (")


def test_identical_answers_within_a_cell_are_warned_of() -> None:
    copied = [result("one", "a", n, 80.0, code="fn f() {}") for n in (1, 2)]
    across = [result("two", f, n, 80.0, code=f"// {n}") for f in ("a", "b") for n in (1, 2)]
    single = [result("one", "b", 1, 80.0)]
    report = summarise(run(), pack(), [*copied, *across, *single])
    assert report.copies.cells == (Where(scenario="one", format="a", agent=AGENT),)
    assert report.copies.of == 3
    assert "1 of 3 cells hold identical answers" in warnings(report)[-1]


def test_both_ways_of_counting_are_shown_only_where_they_differ() -> None:
    whole = summarise(run(), pack(), FULL)
    assert counted_both_ways(whole.overall) == ""
    results = [*FULL[:-1], failed("two", "b", 2, AgentFailureKind.SERVER_ERROR)]
    report = summarise(run(), pack(), results)
    # (4 * 81 + 3 * 82) / 7 = 81.43; / 8 = 71.25, shown to one decimal.
    assert counted_both_ways(report.overall) == (
        "mean 81.4 without 1 missing score, 71.2 counting missing as 0;"
        " success 88% of all trials, 100% without 1 infrastructure error"
    )


def test_provenance_says_what_was_not_measured() -> None:
    assert "latency and tokens: not measured (answers served by a loopback endpoint)" in provenance(
        summarise(run(), pack(), FULL)
    )
    measured = [result("one", "a", 1, 80.0, measured=True, latency_s=2.0)]
    recorded = summarise(replace(run(), mode=Mode.RECORD), pack(), measured)
    assert provenance(recorded)[:2] == (
        "answers: from the agents' endpoints, recorded in this run",
        "latency and tokens: as recorded, of all 1 answers",
    )
    mixed = summarise(run(), pack(), [*measured, *FULL[1:]])
    assert "of 1 of 8 answers" in provenance(mixed)[1]
    nothing = summarise(run(), pack(), [])
    assert provenance(nothing)[1] == "latency and tokens: no answer to measure"


def test_run_facts_hold_what_differs_from_run_to_run() -> None:
    plan = replace(run(), environment={"rustc": "1.95.0", "ferrotape": "0.1.0"})
    assert run_facts(summarise(plan, pack(), FULL)) == (
        "run: 01J, started 2025-01-02T03:04:05.678Z",
        "plan: seed 7, jobs 2",
        "ferrotape: 0.1.0",
        "rustc: 1.95.0",
    )


def test_figures_are_rounded_only_when_shown_and_undefined_is_a_dash() -> None:
    overall = summarise(run(), pack(), FULL).overall
    assert mean_and_sd(overall) == "81.5 ± 0.7"
    assert points(None) == UNDEFINED
    assert (percent(None), percent(0.0), percent(1.0), percent(0.997)) == (
        UNDEFINED,
        "0%",
        "100%",
        "99.7%",
    )
    assert [loss_label(s) for s in ("patterns", "failed_tests", "no_answer")] == [
        "patterns",
        "policy: failed_tests",
        "no answer",
    ]
