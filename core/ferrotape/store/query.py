"""Queries of users: read-only, one statement, within a time limit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ferrotape.errors import QueryError, StoreError
from ferrotape.store.connection import connect_read_only, explained, primary_code
from ferrotape.store.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

Value = str | int | float | bytes | None
Params = Sequence[Value] | Mapping[str, Value]

MAX_ROWS = 1_000_000
_MAX_VALUE_BYTES = 64 * 1024 * 1024
_STEPS_BETWEEN_LOOKS = 10_000  # virtual machine steps, well under a millisecond

_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_ALLOWED_PRAGMAS = frozenset({"table_info", "table_xinfo", "table_list"})
_REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
_OUR_FAULT = frozenset(
    {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What a query gave."""

    columns: tuple[str, ...]
    """All different: of two that the query calls `a`, the second is `a_2`."""
    rows: tuple[tuple[Value, ...], ...]


def run_query(path: Path, sql: str, params: Params = (), time_limit_s: float = 10.0) -> QueryResult:
    """Answers an SQL query over the run history.

    Args:
        path: The SQLite file.
        sql: One SELECT; the views of `ferrotape.store.views` are its stable interface.
        params: Values for its placeholders.
        time_limit_s: Seconds after which the query is given up.

    Raises:
        QueryError: The query is wrong, would write, takes too long or gives too many rows.
        StoreError: There is no history at `path`, or it cannot be read.
    """
    if not path.exists():
        raise StoreError(
            f"there is no run history at {path}",
            hint="`ferrotape run` makes one; --store names another file.",
        )
    guard = _Guard(time.monotonic() + time_limit_s)
    try:
        with closing(connect_read_only(path)) as conn:
            return _answer(conn, sql, params, guard)
    except UnicodeEncodeError as error:  # lone surrogates, as of an argument that is no UTF-8
        raise QueryError("the query or one of its values is no valid Unicode text") from error
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _query_error(error, guard, path, sql, time_limit_s) from error


class _Guard:
    """What a query may do, and until when."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.expired = False
        self.refused = False

    def authorise(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """SQLite asks this for everything a statement would do, before it runs."""
        function = action == sqlite3.SQLITE_FUNCTION and (second or "").lower()
        pragma = action == sqlite3.SQLITE_PRAGMA and (first or "").lower()
        allowed = action in _ALLOWED and function not in _REFUSED_FUNCTIONS
        # SQLite asks for this when it declares json_each and its like; a statement that really
        # updates its schema table is refused elsewhere, and the connection is read-only anyway.
        declares = action == sqlite3.SQLITE_UPDATE and first == "sqlite_master"
        if allowed or declares or pragma in _ALLOWED_PRAGMAS:
            return sqlite3.SQLITE_OK
        self.refused = True
        return sqlite3.SQLITE_DENY

    def interrupt(self) -> int:
        """SQLite asks this every so many steps; a non-zero answer ends the query."""
        self.expired = time.monotonic() > self._deadline
        return self.expired


def _answer(conn: sqlite3.Connection, sql: str, params: Params, guard: _Guard) -> QueryResult:
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    conn.set_authorizer(guard.authorise)
    conn.set_progress_handler(guard.interrupt, _STEPS_BETWEEN_LOOKS)
    cursor = conn.execute(sql, params)
    if cursor.description is None:
        raise QueryError("the query is empty", hint=_views_hint())
    rows: list[tuple[Any, ...]] = cursor.fetchmany(MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise QueryError(f"the query gives more than {MAX_ROWS} rows", hint="Add a LIMIT.")
    return QueryResult(columns=_distinct([d[0] for d in cursor.description]), rows=tuple(rows))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names, repeated ones with `_2`, `_3`, ... after them, unless another is called so."""
    given = set(names)
    times: dict[str, int] = {}
    distinct = []
    for name in names:
        number = times.get(name, 0) + 1
        while number > 1 and f"{name}_{number}" in given:
            number += 1
        times[name] = number
        distinct.append(name if number == 1 else f"{name}_{number}")
        given.add(distinct[-1])
    return tuple(distinct)


def _query_error(
    error: Exception, guard: _Guard, path: Path, sql: str, time_limit_s: float
) -> QueryError | StoreError:
    if guard.expired:
        return QueryError(
            f"the query took more than {time_limit_s:g} s",
            hint="Narrow it down, by `where run = ...` for instance.",
        )
    if guard.refused:
        return QueryError(
            "the query would do more than read, which is refused",
            hint="Write a single SELECT (or WITH ... SELECT).",
        )
    if isinstance(error, sqlite3.Error) and primary_code(error) in _OUR_FAULT:
        return explained(error, path)
    text = str(error)
    if "one statement" in text:
        return QueryError("the query holds more than one statement", hint="Give them one by one.")
    if text.startswith("no such column"):
        return QueryError(f"the query is wrong: {text}", hint=_columns_hint(sql))
    return QueryError(f"the query is wrong: {text}", hint=_views_hint())


def _views_hint() -> str:
    return f"The views are {', '.join(view.name for view in VIEWS)}."


def _columns_hint(sql: str) -> str:
    """The columns of the views that the query names."""
    named = [view for view in VIEWS if view.name in sql.lower()]
    lists = (f"{view.name} has {', '.join(view.columns)}" for view in named)
    return f"{'; '.join(lists)}." if named else _views_hint()
