from __future__ import annotations

import logging
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given, settings
from store_samples import verdict, verdicts

from ferrotape.model import Finding, Severity, Status
from ferrotape.store import VerdictCache, verdict_key

FIELDS = {
    "code_sha256": "a" * 64,
    "text_sha256": "b" * 64,
    "language": "rust",
    "scenario_digest": "b" * 64,
    "options": {"args": ["--edition", "2021"]},
    "validator": "rustc",
    "version": "1",
    "fingerprint": "rustc 1.95",
    "sandbox_policy": "rlimits-1",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.db"


@settings(max_examples=40, deadline=None)
@given(given_verdict=verdicts)
def test_a_verdict_on_the_answer_comes_back_equal_and_no_other_is_kept(given_verdict):
    with tempfile.TemporaryDirectory() as folder, VerdictCache.open(Path(folder) / "v") as cache:
        cache.put("key", given_verdict)
        finite = all(
            value not in (float("inf"), float("-inf")) for value in given_verdict.metrics.values()
        )
        kept = given_verdict.status in {Status.PASSED, Status.FAILED} and finite
        assert cache.get("key") == (given_verdict if kept else None)


def test_the_cache_outlives_its_process(path):
    said = verdict("rustc", findings=(Finding(code="E1", message="m", severity=Severity.ERROR),))
    with VerdictCache.open(path) as cache:
        assert cache.get("key") is None
        cache.put("key", said)
    with VerdictCache.open(path) as cache:
        assert cache.get("key") == said
        cache.put("key", replace(said, summary="another"))
        assert cache.get("key").summary == "another"


def test_threads_share_a_cache(path):
    def work(number: int) -> bool:
        cache.put(f"key {number % 20}", verdict("rustc", summary=str(number % 20)))
        return cache.get(f"key {number % 20}") == verdict("rustc", summary=str(number % 20))

    with VerdictCache.open(path) as cache, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))


def test_two_caches_share_a_file(path):
    with VerdictCache.open(path) as one, VerdictCache.open(path) as two:
        one.put("key", verdict("rustc"))
        assert two.get("key") == verdict("rustc")


def test_a_broken_cache_is_set_aside_and_started_afresh(path, caplog):
    path.write_bytes(b"no database at all " * 100)
    with caplog.at_level(logging.WARNING), VerdictCache.open(path) as cache:
        cache.put("key", verdict("rustc"))
        assert cache.get("key") == verdict("rustc")
    assert "set aside as verdicts.db.broken" in caplog.text
    assert path.with_name("verdicts.db.broken").read_bytes().startswith(b"no database")


def test_a_cache_that_breaks_while_open_is_set_aside(path, caplog):
    with VerdictCache.open(path) as cache:
        for number in range(2000):
            cache.put(str(number), verdict("rustc", summary="x" * 200))
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with caplog.at_level(logging.WARNING), VerdictCache.open(path) as cache:
        assert cache.get("7") is None
        cache.put("7", verdict("rustc"))
        assert cache.get("7") == verdict("rustc")
    assert "is broken" in caplog.text


def test_an_entry_that_cannot_be_read_counts_as_missing(path):
    with VerdictCache.open(path) as cache:
        cache.put("key", verdict("rustc"))
        with closing(sqlite3.connect(path)) as conn, conn:
            conn.execute("update verdicts set verdict = '{\"score\": []}'")
        assert cache.get("key") is None


def test_a_cache_that_cannot_be_opened_holds_nothing(tmp_path, caplog):
    (tmp_path / "file").touch()
    with VerdictCache.open(tmp_path / "file" / "verdicts.db") as cache:
        cache.put("key", verdict("rustc"))
        assert cache.get("key") is None
    assert "cannot be written" in caplog.text


def test_a_closed_cache_holds_nothing(path):
    with VerdictCache.open(path) as cache:
        cache.put("key", verdict("rustc"))
    assert cache.get("key") is None


def test_a_verdict_with_half_a_surrogate_pair_is_not_kept(path):
    with VerdictCache.open(path) as cache:
        cache.put("key", verdict("rustc", summary="\ud800"))
        assert cache.get("key") is None


def test_the_key_is_the_same_for_the_same_and_differs_by_every_part():
    key = verdict_key(**FIELDS)
    assert key == verdict_key(**FIELDS)
    changed = [{**FIELDS, name: f"{value}x"} for name, value in FIELDS.items()]
    keys = {key, *(verdict_key(**fields) for fields in changed)}
    assert len(keys) == len(FIELDS) + 1
    assert all(len(entry) == 64 for entry in keys)


def test_parts_do_not_run_into_each_other():
    one = verdict_key(**{**FIELDS, "validator": "a", "version": "b1"})
    other = verdict_key(**{**FIELDS, "validator": "ab", "version": "1"})
    assert one != other


class Level(Enum):
    HIGH = "high"


@dataclass(frozen=True)
class Options:
    names: frozenset[str] = frozenset({"a", "b", "c"})
    level: Level = Level.HIGH
    folder: Path = Path("x")
    nested: tuple[int, ...] = (1, 2)


def test_options_may_be_dataclasses_of_sets_enums_and_paths():
    one = verdict_key(**{**FIELDS, "options": Options()})
    same = verdict_key(**{**FIELDS, "options": Options(names=frozenset({"c", "b", "a"}))})
    other = verdict_key(**{**FIELDS, "options": Options(nested=(1, 3))})
    assert one == same != other
    with pytest.raises(TypeError, match="object"):
        verdict_key(**{**FIELDS, "options": {"x": object()}})
