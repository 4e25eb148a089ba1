from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import make_result, make_run

from ferrotape.errors import QueryError, StoreError
from ferrotape.store import Store, run_query

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.begin(make_run())
        store.add(make_run().id, make_result())
    return path


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as conn:
        return list(conn.iterdump())


def test_a_query_gives_columns_and_rows(path):
    result = run_query(path, "select format, score, null as gap, x'00ff' as blob from trial_scores")
    assert result.columns == ("format", "score", "gap", "blob")
    assert result.rows == (("minimal", 80.0, None, b"\x00\xff"),)


def test_parameters_are_bound(path):
    sql = "select score from trial_scores where format = ?"
    assert run_query(path, sql, ("minimal",)).rows == ((80.0,),)
    assert run_query(path, "select :x", {"x": "'; drop table runs"}).rows == (
        ("'; drop table runs",),
    )


@pytest.mark.parametrize(
    "sql",
    [
        "insert into submissions values ('a', 'b')",
        "update runs set status = 'finished'",
        "delete from trials",
        "update sqlite_master set sql = ''",
        "drop view waterfall",
        "create table t (a)",
        "create temp table t (a)",
        "alter table runs rename to walks",
        "attach '{other}' as other",
        "vacuum",
        "vacuum into '{other}'",
        "reindex",
        "analyze",
        "begin",
        "savepoint s",
        "pragma query_only = off",
        "pragma journal_mode = delete",
        "pragma user_version = 7",
        "pragma writable_schema = on",
        "select load_extension('{other}')",
        "select * from pragma_user_version",
        "with t as (select 1) insert into submissions select 'a', 'b' from t",
        "insert into submissions values ('a', 'b') returning sha256",
    ],
)
def test_a_query_can_only_read(path, tmp_path, sql):
    before = contents(path)
    other = tmp_path / "other.db"
    with pytest.raises(QueryError, match=r"refused|may not be modified"):
        run_query(path, sql.format(other=other))
    assert contents(path) == before
    assert not other.exists()


def test_the_schema_can_be_asked_for(path):
    names = run_query(path, "select name from pragma_table_info('waterfall')").rows
    assert ("planned",) in names
    assert run_query(path, "pragma table_info(waterfall)").rows


def test_json_can_be_taken_apart(path):
    sql = "select value from json_each((select formats from runs)) order by 1"
    assert run_query(path, sql).rows == (("metadata",), ("minimal",))


def test_a_query_that_takes_too_long_is_given_up(path):
    with pytest.raises(QueryError, match=r"took more than 0\.2 s"):
        run_query(path, ENDLESS, time_limit_s=0.2)


def test_a_query_with_too_many_rows_is_given_up(path, monkeypatch):
    monkeypatch.setattr("ferrotape.store.query.MAX_ROWS", 1000)
    with pytest.raises(QueryError, match="more than 1000 rows") as refused:
        run_query(path, ENDLESS.replace("count(*)", "i"))
    assert "LIMIT" in refused.value.hint


def test_a_value_cannot_grow_without_bound(path):
    with pytest.raises(QueryError, match="too big"):
        run_query(path, "select length(hex(zeroblob(100000000)))")


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("select * from trial_score", "no such table: trial_score", "waterfall"),
        ("select scores from trial_scores", "no such column: scores", "trial_scores has run"),
        ("select 1; select 2", "more than one statement", "one by one"),
        ("selec 1", "syntax error", "trial_scores"),
        ("", "empty", "trial_scores"),
        ("-- nothing", "empty", "trial_scores"),
        ("select ?", "wrong", "trial_scores"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_a_sentence(path, sql, message, hint):
    with pytest.raises(QueryError, match=message) as refused:
        run_query(path, sql)
    assert hint in refused.value.hint
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(("sql", "params"), [('select "\udcff"', ()), ("select ?", ("\udcff",))])
def test_text_that_is_no_unicode_is_a_wrong_query(path, sql, params):
    with pytest.raises(QueryError, match="no valid Unicode"):
        run_query(path, sql, params)


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select 1 as a, 2 as a, 3 as b, 4 as a", ("a", "a_2", "b", "a_3")),
        ("select 1 as a, 2 as a, 3 as a_2", ("a", "a_3", "a_2")),
        ("select 1 as a_2, 2 as a, 3 as a, 4 as a_2", ("a_2", "a", "a_3", "a_2_2")),
    ],
)
def test_columns_of_the_same_name_are_told_apart(path, sql, columns):
    assert run_query(path, sql).columns == columns


def test_very_many_columns_of_the_same_name_are_told_apart(path):
    columns = run_query(path, f"select {', '.join(['1 as a'] * 2000)}").columns
    assert len(set(columns)) == 2000


def test_a_history_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StoreError, match="no run history"):
        run_query(tmp_path / "none.db", "select 1")
    assert not (tmp_path / "none.db").exists()


def test_a_path_with_odd_letters_is_found(tmp_path):
    path = tmp_path / "a b?c#d%20é" / "history.db"
    with Store.open(path) as store:
        store.begin(make_run())
    assert run_query(path, "select count(*) from runs").rows == ((1,),)


def test_a_query_sees_what_an_open_store_has_written(path):
    with Store.open(path) as store:
        store.add(make_run().id, make_result(round=2))
        assert run_query(path, "select count(*) from trial_scores").rows == ((2,),)
