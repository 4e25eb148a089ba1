from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import make_result, make_run, verdict

from ferrotape.analysis import Where
from ferrotape.analysis.waterfall import waterfall
from ferrotape.model import AgentFailureKind, Extraction, Failure, Score, Status
from ferrotape.store import Store, run_query
from ferrotape.store.views import VIEWS, describe

CLEAN = (verdict("patterns", score=70.0), verdict("tests"), verdict("rustc"), verdict("clippy"))
STAGES = ("answered", "extracted", "compiled", "interface_fits", "tests_passed", "lint_clean")

WARNS = (verdict("tests"), verdict("rustc", score=95.0), verdict("clippy"))
WRONG = (
    verdict("tests", score=50.0, failure=Failure.FAILED_TESTS),
    verdict("rustc"),
    verdict("clippy"),
)
MISFIT = (
    verdict("tests", score=0.0, failure=Failure.INTERFACE_MISMATCH),
    verdict("rustc"),
    verdict("clippy"),
)
BROKEN = (
    verdict("tests", score=0.0, failure=Failure.COMPILE_ERROR),
    verdict("rustc", score=0.0, failure=Failure.COMPILE_ERROR),
    verdict("clippy", score=0.0),
)
NO_RUST = (
    verdict("patterns", score=70.0),
    verdict("tests", score=None),
    verdict("rustc", score=None),
    verdict("clippy", score=None),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def store_run(path: Path, *results, run=None):
    with Store.open(path) as store:
        store.begin(run or make_run(planned=len(results)))
        for result in results:
            store.add((run or make_run()).id, result)


def stages(path: Path) -> list[tuple[object, ...]]:
    sql = f"select {', '.join(STAGES)} from trial_scores order by round"  # noqa: S608
    return list(run_query(path, sql).rows)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_columns_described_are_those_of_the_view(path, view):
    store_run(path)
    result = run_query(path, f"select * from {view.name}")  # noqa: S608
    assert result.columns == tuple(view.columns)


def test_every_stage_of_a_trial_is_told_from_its_verdicts(path):
    outcomes = [
        (CLEAN, (1, 1, 1, 1, 1, 1)),
        (WARNS, (1, 1, 1, 1, 1, 0)),
        (WRONG, (1, 1, 1, 1, 0, 1)),
        (MISFIT, (1, 1, 1, 0, 0, 1)),
        (BROKEN, (1, 1, 0, 0, 0, 0)),
        (NO_RUST, (1, 1, None, None, None, None)),
        ((), (1, 1, None, None, None, None)),
    ]
    store_run(path, *(make_result(*v, round=n) for n, (v, _) in enumerate(outcomes, 1)))
    assert stages(path) == [expected for _, expected in outcomes]


def test_an_answer_without_code_fails_every_later_stage(path):
    store_run(path, make_result(code=None, score=0.0))
    assert stages(path) == [(1, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize("kind", AgentFailureKind)
def test_a_failure_of_the_agent_counts_and_any_other_is_missing(path, kind):
    score = Score(value=0.0) if kind.agent_caused else Score(value=None)
    store_run(path, make_result(failure=kind, score=score.value))
    rest = 0 if kind.agent_caused else None
    assert stages(path) == [(0, *[rest] * 5)]
    row = run_query(path, "select score, agent_failure from trial_scores").rows
    assert row == ((score.value, kind.value),)
    summary = run_query(path, "select trials, answered, missing, scored from format_summary").rows
    assert summary == ((1, 0, int(not kind.agent_caused), int(kind.agent_caused)),)


def test_a_missing_trial_has_no_score_whatever_was_stored(path):
    store_run(path, make_result(failure=AgentFailureKind.OVERLOADED, score=50.0))
    assert run_query(path, "select score from trial_scores").rows == ((None,),)


def test_latency_and_tokens_are_null_unless_measured(path):
    reply = make_result().reply
    served = dataclasses.replace(reply, measured=False)
    store_run(path, make_result(), make_result(round=2, reply=served))
    rows = run_query(
        path, "select latency_s, input_tokens, output_tokens from trial_scores order by round"
    ).rows
    assert rows == ((1.5, 10, 20), (None, None, None))
    assert run_query(path, "select mean_latency_s from format_summary").rows == ((1.5,),)


def test_the_waterfall_counts_a_stage_only_after_the_one_before(path):
    verdicts = (CLEAN, WARNS, WRONG, MISFIT, BROKEN)
    store_run(
        path,
        *(make_result(*v, round=n) for n, v in enumerate(verdicts, 1)),
        make_result(code=None, score=0.0, round=6),
        make_result(failure=AgentFailureKind.TRUNCATED, score=0.0, round=7),
        make_result(failure=AgentFailureKind.RATE_LIMITED, score=None, round=8),
        make_result(*CLEAN, format="metadata"),
    )
    rows = run_query(path, "select * from waterfall order by format desc").rows
    assert [row[2:] for row in rows] == [
        ("minimal", 8, 6, 5, 4, 3, 2, 1),
        ("metadata", 1, 1, 1, 1, 1, 1, 1),
    ]


judged = st.lists(
    st.builds(
        verdict,
        st.sampled_from(["patterns", "rustc", "tests", "clippy"]),
        score=st.sampled_from([None, 50.0, 100.0]),
        failure=st.none() | st.sampled_from(Failure),
    )
    | st.builds(verdict, st.just("markdown"), score=st.none(), status=st.just(Status.ERROR)),
    max_size=5,
    unique_by=lambda said: said.validator,
)
outcomes = st.builds(
    lambda verdicts, code, failure, fmt: make_result(
        *verdicts, code=code, failure=failure, format=fmt
    ),
    judged,
    st.sampled_from([None, "fn f() {}"]),
    st.none() | st.none() | st.sampled_from(AgentFailureKind),
    st.sampled_from(["minimal", "metadata"]),
)


@settings(max_examples=40, deadline=None)
@given(drawn=st.lists(outcomes, max_size=6))
def test_the_waterfall_is_that_of_the_analysis_and_never_rises(drawn):
    added = [
        dataclasses.replace(result, trial=dataclasses.replace(result.trial, round=number))
        for number, result in enumerate(drawn, 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store_run(Path(folder) / "h.db", *added)
        rows = run_query(Path(folder) / "h.db", "select * from waterfall").rows
    for _, _, fmt, planned, *reached in rows:
        analysed = waterfall(Where(format=fmt), planned, added)
        known = [count for count in (planned, *reached) if count is not None]
        assert known == sorted(known, reverse=True)
        if planned:
            assert [planned, *reached] == [stage.reached for stage in analysed.stages]
    assert sum(row[3] for row in rows) == len(added)


def test_the_waterfall_says_null_where_no_trial_could_be_checked(path):
    store_run(
        path,
        make_result(*NO_RUST),
        make_result(code=None, score=0.0, round=2),
        make_result(failure=AgentFailureKind.CONNECTION, score=None, round=3),
    )
    rows = run_query(path, "select * from waterfall where format = 'minimal'").rows
    assert [row[3:] for row in rows] == [(3, 2, 1, None, None, None, None)]


def test_the_waterfall_of_an_interrupted_run_shares_the_plan_among_its_formats(path):
    store_run(path, make_result(*CLEAN), run=make_run(planned=30))
    rows = run_query(path, "select format, planned, answered from waterfall order by 1").rows
    assert rows == (("metadata", 15, None), ("minimal", 15, 1))


def test_scores_are_summed_up_by_run_and_format(path):
    for number in (0, 1):
        store_run(
            path,
            make_result(*CLEAN, score=60.0 + number),
            make_result(*CLEAN, score=80.0 + number, round=2),
            make_result(failure=AgentFailureKind.TIMEOUT, score=0.0, round=3),
            make_result(score=90.0, format="metadata"),
            run=make_run(number),
        )
    rows = run_query(
        path,
        "select run, mean_score, mean_answered, min_score, max_score from format_summary"
        " where format = 'minimal' order by run",
    ).rows
    assert rows == (
        (make_run(0).id, 140 / 3, 70.0, 0.0, 80.0),
        (make_run(1).id, 142 / 3, 71.0, 0.0, 81.0),
    )
    over_all = "select format, avg(score) from trial_scores group by format"
    assert run_query(path, over_all).rows == (("metadata", 90.0), ("minimal", 47.0))


def test_an_extractor_that_crashed_says_nothing_of_the_answer(path):
    crash = verdict("markdown", score=None, status=Status.ERROR)
    store_run(path, make_result(crash, code=None, score=None))
    assert stages(path) == [(1, None, None, None, None, None)]


def test_an_answer_that_could_not_be_judged_is_neither_missing_nor_scored(path):
    crash = verdict("markdown", score=None, status=Status.ERROR)
    store_run(path, make_result(crash, code=None, score=None))
    summary = run_query(path, "select trials, answered, missing, scored from format_summary").rows
    assert summary == ((1, 1, 0, 0),)
    (view,) = (view for view in VIEWS if view.name == "format_summary")
    assert view.columns["missing"].startswith("trials without a usable reply")


def test_two_verdicts_of_the_same_name_make_no_second_row(path):
    extraction = Extraction(code="fn f() {}", extractor="rustc", rule="rust-block")
    store_run(path, make_result(verdict("rustc", score=None), *CLEAN, extraction=extraction))
    assert run_query(path, "select count(*) from trial_scores").rows == ((1,),)


def test_the_description_has_a_line_a_column():
    lines = describe().splitlines()
    for view in VIEWS:
        assert f"### `{view.name}`" in lines
        for name, meaning in view.columns.items():
            assert f"| `{name}` | {meaning} |" in lines
