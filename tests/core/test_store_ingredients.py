"""What a run is made of is kept with it; histories of the first schema are brought up to date."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database
from store_samples import make_result, make_run

from ferrotape.errors import StoreError
from ferrotape.model import Ingredient
from ferrotape.store import Store, run_query
from ferrotape.store.connection import connect_read_only
from ferrotape.store.migrations import refuse_older

FIRST = Path(__file__).parents[1] / "data" / "history-v1.db"
"""Made by Ferrotape 0.1.0 before its first migration: a run of two trials of `rust-01-basic`."""
INGREDIENTS = (
    Ingredient(name="cassette a/b/c/round-1", digest="1" * 64),
    Ingredient(name="seed", digest="2" * 64, value="7"),
)


TABLES = ("runs", "trials", "verdicts", "findings", "replies", "submissions", "calls")


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("pragma integrity_check").fetchone() == ("ok",)
        db = Database(conn, execute_plugins=False)
        return {table: list(db[table].rows) for table in (*TABLES, "_sqlite_migrations")}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIRST, tmp_path / "history.db"))


def test_a_history_of_the_first_version_is_brought_up_to_date_and_keeps_its_rows(old):
    before = rows_of(old)
    with Store.open(old) as store:
        (summary,) = store.runs()
        assert (summary.trials, summary.answered, summary.run.digest) == (2, 2, "")
        assert store.ingredients(summary.run.id) == ()
        first, second = store.load(summary.run.id).results
        assert (first.score.value, second.score.value) == (100.0, 96.0)
        assert [len(result.verdicts) for result in (first, second)] == [4, 4]
        store.begin(make_run(digest="3" * 64), INGREDIENTS)
    after = rows_of(old)
    for table in TABLES:
        for row, kept in zip(before[table], after[table], strict=False):
            assert kept | row == kept
    assert [step["name"] for step in after["_sqlite_migrations"]][:2] == [
        "0001_history",
        "0002_ingredients",
    ]


def test_queries_of_a_history_of_the_first_version_are_answered_as_it_is(old):
    before = old.read_bytes()
    assert run_query(old, "select count(*) from trial_scores").rows == ((2,),)
    assert old.read_bytes() == before


def test_an_old_history_that_cannot_be_brought_up_to_date_is_refused_in_words(old):
    with closing(connect_read_only(old)) as conn:
        db = Database(conn, execute_plugins=False)
        with pytest.raises(StoreError, match=r"older Ferrotape.*read-only") as refused:
            refuse_older(db, old)
    assert "Copy it" in refused.value.hint


def test_ingredients_are_stored_with_the_run_or_not_at_all(tmp_path):
    with Store.open(tmp_path / "history.db") as store:
        run = make_run(digest="3" * 64)
        store.begin(run, INGREDIENTS)
        assert store.run(run.id) == run
        assert store.ingredients(run.id) == INGREDIENTS
        twice = make_run(1)
        with pytest.raises(StoreError):
            store.begin(twice, (*INGREDIENTS, INGREDIENTS[0]))
        assert [summary.run for summary in store.runs()] == [run]
        with pytest.raises(StoreError):
            store.ingredients(twice.id)


def test_the_latest_result_of_a_trial_is_that_of_the_newest_run_of_its_pack(tmp_path):
    with Store.open(tmp_path / "history.db") as store:
        for number, changes in enumerate(({}, {}, {"pack": "other"}, {})):
            run = make_run(number, **changes)
            store.begin(run)
            if number < 3:
                store.add(run.id, make_result(score=float(number)))
        trial = make_result().trial
        assert store.latest("rust-core", trial) == (make_run(1).id, make_result(score=1.0))
        assert store.latest("other", trial) == (make_run(2).id, make_result(score=2.0))
        assert store.latest("rust-core", make_result(round=9).trial) is None
