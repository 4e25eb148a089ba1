"""What becomes of a history file: other writers, sudden ends, damage, other versions."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from store_samples import make_result, make_run

from ferrotape.errors import StoreError
from ferrotape.store import Store, run_query
from ferrotape.store.migrations import migrate
from ferrotape.store.schema import COLUMNS

# Writes trials to a run until it is killed, or so many; says each number when it is stored.
WRITER = """
import sys
from pathlib import Path
from store_samples import make_result, make_run
from ferrotape.store import Store

path, number, trials = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with Store.open(path) as store:
    run = make_run(number)
    store.begin(run)
    for n in range(1, trials + 1):
        store.add(run.id, make_result(round=n, code=f"// {n}" + "x" * 20_000))
        print(n, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def start_writer(path: Path, number: int, trials: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(number), str(trials)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("pragma foreign_key_check").fetchall() == []
        return conn.execute("pragma integrity_check").fetchone()[0]


@pytest.mark.parametrize("kill_after", [1, 20, 60])
def test_a_killed_writer_loses_at_most_the_trial_in_flight(path, kill_after):
    with start_writer(path, 0, 100_000) as process:
        said = [process.stdout.readline() for _ in range(kill_after)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    told = [int(line) for line in said if line.endswith("\n")]
    with Store.open(path) as store:
        stored = store.load(make_run().id).results
        store.add(make_run().id, make_result(format="afterwards"))
    assert len(told) <= len(stored) <= len(told) + 1
    for result in stored:
        number = result.trial.round
        assert result == make_result(round=number, code=f"// {number}" + "x" * 20_000)
    assert integrity(path) == "ok"


def test_two_processes_write_one_new_history_at_once(path):
    writers = [start_writer(path, number, 40) for number in (0, 1)]
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    with Store.open(path) as store:
        assert [summary.trials for summary in store.runs()] == [40, 40]
    assert integrity(path) == "ok"


def test_a_history_is_read_while_another_connection_writes(path):
    with Store.open(path) as writing, Store.open(path, create=False) as reading:
        writing.begin(make_run())
        assert reading.load(make_run().id).results == ()
        writing.add(make_run().id, make_result())
        assert reading.load(make_run().id).results == (make_result(),)


def test_migrating_twice_changes_nothing(path):
    with Store.open(path):
        pass
    with closing(Database(path)) as db:
        before = (db.schema, list(db["_sqlite_migrations"].rows))
        migrate(db)
        assert (db.schema, list(db["_sqlite_migrations"].rows)) == before
    with Store.open(path), closing(Database(path)) as db:
        assert (db.schema, list(db["_sqlite_migrations"].rows)) == before


def test_a_migration_that_fails_leaves_nothing_behind(path):
    with closing(Database(path)) as db:
        db["score_parts"].create({"id": int})  # the last table of the first step
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            migrate(db)
        assert db.table_names() == ["score_parts"]


def test_the_columns_written_are_those_of_the_tables(path):
    with Store.open(path), closing(Database(path)) as db:
        for table, columns in COLUMNS.items():
            known = [name for name in db[table].columns_dict if (table, name) != ("trials", "id")]
            assert list(columns) == known


def test_the_history_is_kept_with_a_write_ahead_log_and_foreign_keys(path):
    with Store.open(path) as store:
        store.begin(make_run())
        assert path.with_name("history.db-wal").exists()
        with pytest.raises(StoreError):
            store.add("nowhere", make_result())
    assert not path.with_name("history.db-wal").exists()


def test_a_history_of_a_newer_version_is_refused_and_left_alone(path):
    with Store.open(path) as store:
        store.begin(make_run())
    with closing(Database(path)) as db:
        db["_sqlite_migrations"].insert(
            {"migration_set": "ferrotape", "name": "9999_future", "applied_at": "then"}
        )
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StoreError, match=r"newer Ferrotape.*9999_future") as refused:
            Store.open(path, create=create)
        assert "Upgrade" in refused.value.hint
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused_and_left_alone(path):
    with closing(Database(path)) as db:
        db["bookmarks"].insert({"id": 1})
    before = path.read_bytes()
    with pytest.raises(StoreError, match="something else"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_diagnosed_and_left_alone(path):
    path.write_bytes(b"certainly no SQLite database " * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no SQLite database") as refused:
        Store.open(path)
    assert "--store" in refused.value.hint
    with pytest.raises(StoreError, match="no SQLite database"):
        run_query(path, "select * from trial_scores")
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_history(path):
    path.touch()
    with Store.open(path) as store:
        assert store.runs() == ()


def test_a_damaged_history_is_diagnosed(path):
    with Store.open(path) as store:
        store.begin(make_run())
        for number in range(1, 30):
            store.add(make_run().id, make_result(round=number, code=str(number) * 5000))
    data = bytearray(path.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged") as refused, Store.open(path) as store:
        store.load(make_run().id)
    assert ".recover" in refused.value.hint


def test_a_missing_history_is_made_only_when_asked_for(path):
    with pytest.raises(StoreError, match="there is no run history"):
        Store.open(path, create=False)
    assert not path.exists()
    nested = path.parent / "a" / "b" / "history.db"
    with Store.open(nested):
        assert nested.exists()


def test_a_folder_in_place_of_the_history_is_diagnosed(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(tmp_path)


def test_a_folder_that_cannot_be_made_is_diagnosed(path):
    path.write_text("a file")
    with pytest.raises(StoreError, match="folder of the run history cannot be made"):
        Store.open(path / "history.db")


READ_ONLY = """
import os, sys
from pathlib import Path
from ferrotape.errors import StoreError
from ferrotape.store import Store, VerdictCache, run_query
from store_samples import make_result, make_run, verdict

import sqlite_utils, pydantic  # all modules, before the rights to read them may be gone
path = Path(sys.argv[1])
with Store.open(path.with_name("warm.db")) as store, VerdictCache.open(path.with_name("c")) as c:
    store.begin(make_run())
    store.add(make_run().id, make_result())
    store.load(make_run().id)
    c.put("key", verdict("rustc"))
run_query(path.with_name("warm.db"), "select 1")
path.with_name("warm.db").rename(path)
path.parent.chmod(0o555)
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
try:
    Store.open(path)
except StoreError as error:
    print(error.message)
with Store.open(path, create=False) as store:
    print(store.load(make_run().id).results == (make_result(),))
print(run_query(path, "select score from trial_scores").rows)
with VerdictCache.open(path.with_name("c")) as cache:
    cache.put("other", verdict("rustc"))
    print(cache.get("key") == verdict("rustc"), cache.get("other"))
"""


def test_a_read_only_history_is_read_and_its_writer_told_at_once():
    folder = Path(tempfile.mkdtemp())  # not tmp_path: another user could not get there
    folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder / "history.db")],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
    lines = done.stdout.splitlines()
    assert "cannot be opened or written" in lines[0]
    assert lines[1:] == ["True", "((80.0,),)", "True None"], done.stderr
    assert "the verdict cache" in done.stderr
    assert "cannot be written" in done.stderr
