"""The verdict cache: verdicts by what they depend on, kept between runs.

It is a cache and no history: losing it costs time only, so nothing about it ends a run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Mapping, Set
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ferrotape.model import Status
from ferrotape.store.connection import connect, connect_read_only, primary_code, use_wal
from ferrotape.store.encoding import decode_verdict, encode_verdict

if TYPE_CHECKING:
    from types import TracebackType

    from ferrotape.model import Verdict

log = logging.getLogger(__name__)

_KEY_FORMAT = 1
"""Raise it when the key or the stored form of a verdict changes: old entries are then unused."""
_TABLE = """
create table if not exists verdicts (
    key text primary key not null,
    verdict text not null  -- JSON
) strict, without rowid
"""
_BROKEN = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_KEPT = frozenset({Status.PASSED, Status.FAILED})


def verdict_key(
    *,
    code_sha256: str,
    text_sha256: str,
    language: str,
    scenario_digest: str,
    options: Any,
    validator: str,
    version: str,
    fingerprint: str,
    sandbox_policy: str,
) -> str:
    """The hash, in hex, of all that a verdict depends on.

    Args:
        code_sha256: `Submission.code_sha256`.
        text_sha256: `Submission.text_sha256`, for validators that read more than the code.
        language: `Submission.language`.
        scenario_digest: `Scenario.digest`.
        options: The validator's options: a dataclass of JSON values, sets, paths and enums.
        validator: The validator's name.
        version: The validator's version.
        fingerprint: `Validator.fingerprint()`, such as the toolchain's version.
        sandbox_policy: `Sandbox.policy`.

    Raises:
        TypeError: The options hold something whose JSON is not known.
    """
    parts = [
        _KEY_FORMAT,
        code_sha256,
        text_sha256,
        language,
        scenario_digest,
        options,
        validator,
        version,
        fingerprint,
        sandbox_policy,
    ]
    text = json.dumps(parts, sort_keys=True, default=_json_value)
    return hashlib.sha256(text.encode()).hexdigest()


def _json_value(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value, key=repr)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"an option of type {type(value).__name__} cannot be part of a cache key")


class VerdictCache:
    """Verdicts in a SQLite file of its own; safe to use from several threads."""

    def __init__(self, path: Path, conn: sqlite3.Connection | None) -> None:
        self._path = path
        self._conn = conn
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens the cache in `path`, or makes it.

        It never fails: a file that is no whole cache is set aside, one that cannot be written is
        read, and without either there is simply nothing in the cache; each with a warning.
        """
        try:
            return cls(path, _connect(path))
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and primary_code(error) in _BROKEN:
                return cls(path, _replace(path, error))
            return cls(path, _read_only(path, error))

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
        """Closes the file; later look-ups find nothing."""
        with self._lock:
            conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def get(self, key: str) -> Verdict | None:
        """The verdict stored under `key`, or None."""
        rows = self._execute("select verdict from verdicts where key = ?", (key,))
        if not rows:
            return None
        try:
            return decode_verdict(rows[0][0])
        except ValueError:  # written by a version with another idea of a verdict
            return None

    def put(self, key: str, verdict: Verdict) -> None:
        """Stores a verdict that says something of the answer: passed or failed."""
        if verdict.status in _KEPT:
            try:
                text = encode_verdict(verdict)
            except UnicodeError:  # lone surrogates: it could not be read back as it is
                return
            self._execute(
                "insert or replace into verdicts (key, verdict) values (?, ?)", (key, text)
            )

    def _execute(self, sql: str, params: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """What the statement gives; nothing if the cache cannot do it."""
        with self._lock:
            if self._conn is None:
                return []
            try:
                return self._conn.execute(sql, params).fetchall()
            except sqlite3.Error as error:
                if primary_code(error) in _BROKEN:
                    self._conn.close()
                    self._conn = _replace(self._path, error)
                return []


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = connect(path, threads=True)
    try:
        use_wal(conn)
        conn.execute(_TABLE)
    except BaseException:
        conn.close()
        raise
    return conn


def _replace(path: Path, error: Exception) -> sqlite3.Connection | None:
    """Moves a broken cache away and starts a new one in its place."""
    aside = path.with_name(path.name + ".broken")
    log.warning("the verdict cache %s is broken (%s): set aside as %s", path, error, aside.name)
    try:
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)
    except (sqlite3.Error, OSError) as problem:
        log.warning("the verdict cache %s cannot be started anew (%s)", path, problem)
        return None


def _read_only(path: Path, error: Exception) -> sqlite3.Connection | None:
    log.warning("the verdict cache %s cannot be written (%s)", path, error)
    try:
        return connect_read_only(path, threads=True)
    except (sqlite3.Error, OSError):
        return None
