"""Opening SQLite files, and saying in words what is wrong with them."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ferrotape.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for another one; a trial's transaction takes about a millisecond."""
_PRIMARY_CODE = 0xFF  # the rest of an extended result code says more than we need

_ELSEWHERE = "Give another file with --store."
_DAMAGED = (
    "the run history {path} is damaged ({error})",
    "Keep a copy; `sqlite3 FILE .recover` may save its rows. Moved away, the next run starts anew.",
)
_UNWRITABLE = (
    "the run history {path} cannot be opened or written ({error})",
    f"Check the permissions of the file and of its folder. {_ELSEWHERE}",
)
_BUSY = (
    "another process keeps the run history {path} locked ({error})",
    "Wait for it to end, then try again.",
)
_SENTENCES = {
    sqlite3.SQLITE_NOTADB: (
        "{path} is not a run history: it is no SQLite database",
        f"Move it away, and the next run starts anew. {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_FULL: (
        "the disk of the run history {path} is full",
        "Make room; what was stored before is whole.",
    ),
}
_OTHERWISE = ("the run history {path} cannot be used ({error})", _ELSEWHERE)


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """The error of SQLite as a sentence and what to do about it."""
    code = primary_code(error)
    message, hint = _SENTENCES.get(code, _OTHERWISE)
    return StoreError(message.format(path=path, error=error), hint=hint)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for errors that Python itself raised."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turns what SQLite raises about the file into `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error


@contextmanager
def immediate(conn: sqlite3.Connection) -> Iterator[None]:
    """A transaction that holds the write lock from its start; undone by any exception."""
    conn.execute("begin immediate")
    try:
        yield
        conn.execute("commit")
    except BaseException:
        if conn.in_transaction:
            conn.execute("rollback")
        raise


def connect(path: Path, *, threads: bool = False) -> sqlite3.Connection:
    """A connection that reads and writes; the file is made if it is not there.

    With `threads`, several threads may use it; the caller takes care that they do in turn.
    """
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=not threads
    )


def is_writable(path: Path) -> bool:
    """Whether SQLite could write to the file that is there, and beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def connect_read_only(path: Path, *, threads: bool = False) -> sqlite3.Connection:
    """A connection that cannot write, also where the folder is read-only."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    log = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not log.exists():
        uri += "&immutable=1"  # SQLite could not make the files that readers of a WAL share
    conn = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=not threads,
    )
    conn.execute("pragma query_only = on")
    return conn


def use_wal(conn: sqlite3.Connection) -> None:
    """Turns write-ahead logging on, with a sync at checkpoints only.

    A process that is killed loses nothing that was committed.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            conn.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            # SQLite does not wait for this lock by itself: two processes may start at once.
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break
    conn.execute("pragma synchronous = normal")
