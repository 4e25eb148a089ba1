from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import make_result, make_run, results, runs, verdict

from ferrotape.errors import StoreError
from ferrotape.model import Block, BlockKind, Finding, Reply, RunStatus, Severity
from ferrotape.store import Store, new_run_id, run_query


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@settings(max_examples=40, deadline=None)
@given(
    run=runs,
    added=st.lists(results, max_size=4, unique_by=lambda result: result.trial.rank),
)
def test_a_run_is_loaded_as_it_was_added(run, added):
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "h.db") as store:
        store.begin(run)
        for result in added:
            store.add(run.id, result)
        stored = store.load(run.id)
        assert stored.run == run
        assert stored.results == tuple(sorted(added, key=lambda result: result.trial.rank))
        for result in added:
            assert store.trial(run.id, result.trial.key) == result


def test_a_reply_and_code_that_were_seen_before_are_stored_once(path):
    with Store.open(path) as store:
        for number in range(2):
            store.begin(make_run(number))
            for fmt in ("minimal", "metadata"):
                store.add(make_run(number).id, make_result(format=fmt))
    counts = run_query(
        path, "select (select count(*) from replies), (select count(*) from submissions)"
    )
    assert counts.rows == ((1, 1),)


def test_a_trial_is_stored_whole_or_not_at_all(path):
    broken = make_result(verdict("tests"), verdict("rustc", summary=object()), code="broken")
    with Store.open(path) as store:
        store.begin(make_run())
        with pytest.raises(StoreError):
            store.add(make_run().id, broken)
        assert store.load(make_run().id).results == ()
        store.add(make_run().id, make_result())
    counted = run_query(
        path,
        "select (select count(*) from replies), (select count(*) from submissions),"
        " (select count(*) from trials), (select count(*) from verdicts)",
    )
    assert counted.rows == ((1, 1, 1, 0),)


def test_a_trial_cannot_be_stored_twice_in_a_run(path):
    with Store.open(path) as store:
        store.begin(make_run())
        store.add(make_run().id, make_result())
        with pytest.raises(StoreError, match="round-1 is stored already"):
            store.add(make_run().id, make_result(score=10.0))
        assert store.load(make_run().id).results == (make_result(),)


def test_a_run_must_be_begun_once_before_trials_and_end(path):
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="no such run"):
            store.add(make_run().id, make_result())
        with pytest.raises(StoreError, match="there is no run"):
            store.finish(make_run())
        with pytest.raises(StoreError, match="there is no run"):
            store.load(make_run().id)
        store.begin(make_run())
        with pytest.raises(StoreError, match="already"):
            store.begin(make_run())


def test_finish_stores_how_the_run_ended(path):
    ended = make_run(status=RunStatus.INTERRUPTED, finished_at="2026-11-25T22:16:00.000Z")
    with Store.open(path) as store:
        store.begin(make_run())
        store.begin(make_run(1))
        store.finish(ended)
        assert store.run(ended.id) == ended
        assert store.run(make_run(1).id) == make_run(1)


def test_text_that_is_no_valid_unicode_does_not_lose_the_trial(path):
    half = "\ud83d"
    result = make_result(
        verdict(
            "rustc",
            findings=(Finding(code="E1", message=f"a{half}", severity=Severity.NOTE),),
            metrics={half: f"m{half}"},
        ),
        code=f"let a = {half};",
        reply=Reply(blocks=(Block(kind=BlockKind.TEXT, text=f"x{half}y"),)),
    )
    with Store.open(path) as store:
        store.begin(make_run())
        store.add(make_run().id, result)
        (stored,) = store.load(make_run().id).results
    assert stored.reply.text == "x\ufffdy"
    assert stored.extraction.code == "let a = \ufffd;"
    assert stored.verdicts[0].findings[0].message == "a\ufffd"
    assert stored.score == result.score


def test_runs_are_summed_up_newest_first(path):
    with Store.open(path) as store:
        for number in (1, 2, 0):
            store.begin(make_run(number))
        store.add(make_run(1).id, make_result(score=40.0))
        store.add(make_run(1).id, make_result(score=80.0, round=2))
        store.add(make_run(1).id, make_result(score=None, round=3))
        newest, middle, oldest = store.runs()
        assert store.runs(limit=1) == (newest,)
    assert [entry.run for entry in (newest, middle, oldest)] == [make_run(n) for n in (2, 1, 0)]
    assert (middle.trials, middle.scored, middle.mean_score) == (3, 2, 60.0)
    assert (newest.trials, newest.answered, newest.mean_score) == (0, 0, None)


def test_a_run_is_found_by_a_unique_beginning_or_as_the_latest(path):
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="has no runs"):
            store.resolve("latest")
        for number in (10, 11, 20):
            store.begin(make_run(number))
        assert store.resolve("latest") == store.resolve("last") == make_run(20).id
        assert store.resolve(make_run(10).id) == make_run(10).id
        assert store.resolve("20261125-22152") == make_run(20).id
        with pytest.raises(StoreError, match="2 runs begin with") as several:
            store.resolve("20261125-22151")
        assert make_run(10).id in several.value.hint
        with pytest.raises(StoreError, match="no run begins with") as none:
            store.resolve("2025")
        assert make_run(20).id in none.value.hint


def test_a_trial_is_found_by_a_unique_end_of_its_key(path):
    with Store.open(path) as store:
        store.begin(make_run())
        store.add(make_run().id, make_result(format="minimal"))
        store.add(make_run().id, make_result(format="metadata"))
        assert store.trial(make_run().id, "minimal/round-1") == make_result(format="minimal")
        with pytest.raises(StoreError, match="not one trial") as several:
            store.trial(make_run().id, "round-1")
        assert "metadata/round-1" in several.value.hint
        with pytest.raises(StoreError, match="has no trial") as none:
            store.trial(make_run().id, "minimal/round-2")
        assert "minimal/round-1" in none.value.hint


def test_run_ids_sort_by_time_and_differ_within_a_second():
    now = datetime(2026, 11, 25, 22, 15, 30, tzinfo=UTC)
    elsewhere = now.astimezone(timezone(timedelta(hours=9)))
    ids = {new_run_id(now) for _ in range(500)}
    assert len(ids) == 500
    assert all(run_id.startswith("20261125-221530-") for run_id in ids)
    assert new_run_id(elsewhere).startswith("20261125-221530-")
    assert max(ids) < new_run_id(now + timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        new_run_id(now.replace(tzinfo=None))


def test_results_come_back_sorted_whatever_the_order_of_storing(path):
    added = [make_result(format=fmt, round=n) for fmt in ("b", "a") for n in (2, 1)]
    with Store.open(path) as store:
        store.begin(make_run())
        for result in added:
            store.add(make_run().id, result)
        stored = store.load(make_run().id).results
    assert [result.trial.key[-9:] for result in stored] == [
        "a/round-1",
        "a/round-2",
        "b/round-1",
        "b/round-2",
    ]


def test_an_integer_score_is_stored_as_the_equal_float(path):
    result = make_result(verdict("rustc", score=95, metrics={"warnings": 1, "share": 1.0}))
    with Store.open(path) as store:
        store.begin(make_run())
        store.add(make_run().id, result)
        (stored,) = store.load(make_run().id).results
    assert stored == result
    assert [type(value) for value in stored.verdicts[0].metrics.values()] == [int, float]
