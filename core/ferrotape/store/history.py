"""The run history as the rest of Ferrotape sees it."""

from __future__ import annotations

import difflib
import sqlite3
from typing import TYPE_CHECKING, Self

from sqlite_utils import Database

from ferrotape.errors import StoreError
from ferrotape.store import reader, writer
from ferrotape.store.connection import (
    connect,
    connect_read_only,
    explaining,
    immediate,
    is_writable,
    use_wal,
)
from ferrotape.store.encoding import encodable
from ferrotape.store.migrations import migrate, refuse_older, refuse_strangers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from ferrotape.model import Ingredient, Run, Trial, TrialResult
    from ferrotape.store.reader import RunSummary, StoredRun

_NEWEST = frozenset({"latest", "last"})
_CANDIDATES_SHOWN = 5


class Store:
    """The runs of one file. Use it in one thread, and close it, best by `with`."""

    def __init__(self, db: Database, path: Path) -> None:
        self._db = db
        self._conn = db.conn
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Opens the history in `path` and brings it to the newest schema.

        Args:
            path: The SQLite file.
            create: Make the file and its folder if they are not there, and insist on writing.
                Without it, a history that can only be read is opened for that.

        Raises:
            StoreError: The file is missing, damaged, of something else, of a newer Ferrotape,
                or cannot be opened or written.
        """
        if not create and not path.exists():
            raise StoreError(
                f"there is no run history at {path}",
                hint="`ferrotape run` makes one; --store names another file.",
            )
        with explaining(path):
            return cls._open(path, create=create)

    @classmethod
    def _open(cls, path: Path, *, create: bool) -> Self:
        writable = create or is_writable(path)
        if create:
            _make_folder(path.parent)
        conn = connect(path) if writable else connect_read_only(path)
        try:
            db = Database(conn, execute_plugins=False)
            refuse_strangers(db, path)
            if not writable:
                refuse_older(db, path)
            else:
                use_wal(conn)
                conn.execute("pragma foreign_keys = on")
                migrate(db)
                with immediate(conn):  # fails here, not after the first answer was paid for
                    pass
        except BaseException:
            conn.close()
            raise
        return cls(db, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; what was stored is stored already."""
        self._db.close()

    def begin(self, run: Run, ingredients: Iterable[Ingredient] = ()) -> None:
        """Stores a run that has been planned, and what it is made of.

        Raises:
            StoreError: A run with its id is there already, or the file cannot be written.
        """
        with explaining(self.path):
            try:
                with immediate(self._conn):
                    writer.insert_run(self._conn, run)
                    writer.insert_ingredients(self._conn, run.id, ingredients)
            except sqlite3.IntegrityError as error:
                raise StoreError(f"run {run.id} is in the history {self.path} already") from error

    def add(self, run_id: str, result: TrialResult) -> None:
        """Stores a trial, in one transaction.

        Raises:
            StoreError: The run is not there, the trial is there already, or the file cannot be
                written. Nothing of the trial is stored then.
        """
        with explaining(self.path):
            try:
                self._add(run_id, result)
            except UnicodeError:
                self._add(run_id, encodable(result))

    def forget(self, run_id: str, trial: Trial) -> None:
        """Removes a trial that is to be done again, with all its rows; nothing if it is not there.

        Its reply stays, as do the failures that the new result carries on in `Reply.attempts`.
        """
        with explaining(self.path), immediate(self._conn):
            writer.delete_trial(self._conn, run_id, trial)

    def _add(self, run_id: str, result: TrialResult) -> None:
        try:
            with immediate(self._conn):
                writer.insert_trial(self._conn, run_id, result)
        except sqlite3.IntegrityError as error:
            known = reader.read_run(self._conn, run_id) is not None
            problem = f"{error} in trial {result.trial.key}" if known else "no such run"
            if result.trial.key in reader.read_trial_keys(self._conn, run_id):
                problem = f"trial {result.trial.key} is stored already"
            raise StoreError(f"cannot store for run {run_id} in {self.path}: {problem}") from error

    def finish(self, run: Run) -> None:
        """Stores how a run ended; `run` replaces what `begin` stored.

        Raises:
            StoreError: The run is not there, or the file cannot be written.
        """
        with explaining(self.path):
            if not writer.update_run(self._conn, run):
                raise self._missing(run.id)

    def run(self, run_id: str) -> Run:
        """The run with exactly that id.

        Raises:
            StoreError: There is none.
        """
        with explaining(self.path):
            run = reader.read_run(self._conn, run_id)
        if run is None:
            raise self._missing(run_id)
        return run

    def ingredients(self, run_id: str) -> tuple[Ingredient, ...]:
        """What a run was made of, by name; none if it was stored before these were kept.

        Raises:
            StoreError: There is no run with exactly that id.
        """
        self.run(run_id)
        with explaining(self.path):
            return reader.read_ingredients(self._conn, run_id)

    def latest(self, pack: str, trial: Trial) -> tuple[str, TrialResult] | None:
        """The newest result of a trial of a pack, with its run's id; None if there is none."""
        with explaining(self.path):
            found = reader.read_latest(self._conn, pack, trial)
            if found is None:
                return None
            (result,) = reader.read_results(self._conn, *found)
            return found[0], result

    def runs(self, limit: int = 20) -> tuple[RunSummary, ...]:
        """The newest runs first; all of them for a negative `limit`."""
        with explaining(self.path):
            return reader.read_summaries(self._conn, limit)

    def load(self, run_id: str) -> StoredRun:
        """A run with all its results.

        Raises:
            StoreError: There is no run with exactly that id.
        """
        run = self.run(run_id)
        with explaining(self.path):
            return reader.StoredRun(run=run, results=reader.read_results(self._conn, run_id))

    def trial(self, run_id: str, key: str) -> TrialResult:
        """A trial of a run by `Trial.key`, or by as much of the key's end as is unique.

        Raises:
            StoreError: There is no such run or trial, or there are several.
        """
        self.run(run_id)
        with explaining(self.path):
            rows = reader.read_trial_keys(self._conn, run_id)
            found = [full for full in rows if full == key] or [
                full for full in rows if full.endswith(f"/{key}")
            ]
            if len(found) == 1:
                (result,) = reader.read_results(self._conn, run_id, rows[found[0]])
                return result
        if found:
            raise StoreError(f"{key} is not one trial", hint=f"Trials: {_listed(found)}.")
        near = difflib.get_close_matches(key, rows, n=_CANDIDATES_SHOWN, cutoff=0.0)
        raise StoreError(
            f"run {run_id} has no trial {key}",
            hint=f"The nearest: {_listed(near)}." if near else "No trial of it was stored.",
        )

    def resolve(self, text: str) -> str:
        """The run id that `text` means: a unique beginning of it, or `latest`.

        Raises:
            StoreError: No run or several runs are meant.
        """
        with explaining(self.path):
            ids = reader.read_ids(self._conn)
        if not ids:
            raise StoreError(
                f"the run history {self.path} has no runs", hint="`ferrotape run` makes one."
            )
        if text in _NEWEST:
            return ids[0]
        found = [text] if text in ids else [run_id for run_id in ids if run_id.startswith(text)]
        if len(found) == 1:
            return found[0]
        if found:
            raise StoreError(
                f"{len(found)} runs begin with {text!r}", hint=f"Candidates: {_listed(found)}."
            )
        raise StoreError(
            f"no run begins with {text!r}", hint=f"The newest: {_listed(ids)}; or `latest`."
        )

    def _missing(self, run_id: str) -> StoreError:
        return StoreError(
            f"there is no run {run_id} in the history {self.path}",
            hint="`ferrotape history` lists the runs.",
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(names[:_CANDIDATES_SHOWN])
    more = len(names) - _CANDIDATES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of the run history cannot be made: {folder} ({error.strerror})",
            hint="Check the permissions, or give another file with --store.",
        ) from error
