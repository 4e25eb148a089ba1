"""`ferrotape record --batch` as a user types it, killed while it waits, and replayed after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from started import Ferrotape

from ferrotape.testing import Answer, LoopbackMessages

SETTINGS = """
[agents.streamed]
plugin = "anthropic"
model = "m"

[live]
batch_poll_s = 0.1

[live.prices]
as_of = "2026-11-01"
models.m = { input = 1, output = 10 }
"""
CELL = ("--scenario", "rust-01-basic", "--rounds", "2")
RECORD = ("record", "--batch", "--agent", "streamed", *CELL)
CODE = "pub fn answer() -> u32 {\n    42\n}\n"


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(lambda _: Answer(f"```rust\n{CODE}```\n")) as serving:
        yield serving


@pytest.fixture
def env(tmp_path: Path, endpoint: LoopbackMessages) -> Mapping[str, str]:
    """Without Rust, whose verdicts are not the point here."""
    (tmp_path / "ferrotape.toml").write_text(SETTINGS)
    return {
        "ANTHROPIC_API_KEY": "sk-ant-not-a-real-key",
        "ANTHROPIC_BASE_URL": endpoint.base_url,
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CARGO_HOME": "",
        "RUSTUP_HOME": "",
        "COLUMNS": "200",
    }


def submitted(endpoint: LoopbackMessages) -> list[int]:
    """How many requests each batch had."""
    posts = [request for request in endpoint.requests if request.method == "POST"]
    return [len(json.loads(request.body)["requests"]) for request in posts]


def test_killed_while_it_waits_it_goes_on_without_a_second_submission(
    ferrotape: Ferrotape, tmp_path: Path, endpoint: LoopbackMessages, env: Mapping[str, str]
) -> None:
    endpoint.batches.polls = 10**6
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "ferrotape", *RECORD],
        cwd=tmp_path,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not any("6 processing" in line for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        process.kill()
    assert lines[0] == "batch msgbatch_000000 of streamed submitted: 6 trials\n"
    assert not list((tmp_path / "cassettes").rglob("*.json"))

    endpoint.batches.polls = 0
    done = ferrotape(*RECORD, env=env)
    assert done.returncode == 0, done.stderr
    assert "going on with batch msgbatch_000000 of streamed" in done.stdout
    assert "6 succeeded, 0 errored, 0 canceled, 0 expired: 6 recorded, 0 failed" in done.stdout
    assert "6 of 6 answered" in done.stdout
    assert submitted(endpoint) == [6]
    assert not list((tmp_path / ".ferrotape" / "batches").iterdir())
    recorded = scores(tmp_path)

    asked = len(endpoint.requests)
    replayed = ferrotape("run", "--agent", "streamed", *CELL, env=env)
    assert replayed.returncode == 0, replayed.stderr
    assert scores(tmp_path) == recorded
    assert len(recorded) == 6
    assert len(endpoint.requests) == asked
    shown = ferrotape("cassettes", "show", "streamed/rust-01-basic/minimal/round-1", env=env)
    assert shown.returncode == 0, shown.stderr


def scores(folder: Path) -> dict[str, Any]:
    report = json.loads((folder / "reports" / "benchmark-report.json").read_text())
    return {f"{trial['format']} {trial['round']}": trial["score"] for trial in report["trials"]}


def test_a_dry_run_shows_the_cost_by_batch_and_asks_nobody(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, env: Mapping[str, str]
) -> None:
    paid = {**env, "ANTHROPIC_BASE_URL": "https://api.example.com"}
    done = ferrotape(*RECORD, "--dry-run", env=paid)
    assert done.returncode == 0, done.stderr
    assert "streamed (m): 6 calls by batch, at most 1" in done.stdout
    assert "at most $0.96 (prices of 2026-11-01)" in done.stdout
    refused = ferrotape(*RECORD, env=paid)
    assert refused.returncode == 2
    assert "these calls may cost money" in refused.stderr
    assert "at most $0.96" in refused.stderr
    assert endpoint.requests == ()


def test_an_agent_that_cannot_be_asked_by_batches_is_refused(
    ferrotape: Ferrotape, env: Mapping[str, str]
) -> None:
    done = ferrotape("record", "--batch", "--agent", "claude-code", *CELL, "--dry-run", env=env)
    assert done.returncode == 2
    assert "agent claude-code cannot be asked by batches" in done.stderr
    assert "--batch" in done.stderr
