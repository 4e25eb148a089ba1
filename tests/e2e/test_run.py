"""The main job, as a user starts it: replay, judge, store, report."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from started import Ferrotape, report_without_run_facts

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "reports" / "sample"
ONE = ("--scenario", "rust-01-basic", "--rounds", "1")


def without_rust(tmp_path: Path) -> dict[str, str]:
    """An environment in which no Rust toolchain can be found."""
    empty = tmp_path / "empty-home"
    empty.mkdir()
    return {"PATH": "/usr/bin:/bin", "HOME": str(empty), "CARGO_HOME": "", "RUSTUP_HOME": ""}


@pytest.mark.rust
def test_one_round_of_one_scenario_is_judged_stored_and_reported(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    done = ferrotape("run", *ONE, "--verbose")
    assert done.returncode == 0, done.stderr
    for said in (
        "Testing format: MINIMAL",
        "Scenario: rust-01-basic (basic complexity), agent claude-sample",
        "  Round 1/1",
        "    ✓ Quality 96.0% | Time: not measured",
        "3 of 3 answered",
        "not measured (answers served by a loopback endpoint)",
        f"Report: {tmp_path / 'reports' / 'benchmark-report.md'}",
    ):
        assert said in done.stdout
    report = json.loads((tmp_path / "reports" / "benchmark-report.json").read_text())
    assert [trial["score"] for trial in report["trials"]] == [91.2, 100.0, 96.0]
    asked = ferrotape("query", "select format, avg(score) from trial_scores group by format")
    assert [line.split() for line in asked.stdout.splitlines()[1:]] == [
        ["code-heavy", "91.2"],
        ["metadata", "100"],
        ["minimal", "96"],
    ]
    assert "3/3" in ferrotape("history").stdout
    assert "rust-01-basic" in ferrotape("show", "latest").stdout


@pytest.mark.rust
def test_the_order_and_number_of_workers_change_nothing_but_the_run_facts(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    for jobs, seed in (("1", "0"), ("2", "7")):
        arguments = ("--jobs", jobs, "--seed", seed, "--output", jobs, "--fresh")
        assert ferrotape("run", *ONE, *arguments).returncode == 0
    assert report_without_run_facts(tmp_path / "1") == report_without_run_facts(tmp_path / "2")


def test_without_rust_the_run_goes_on_says_so_loudly_and_is_partial(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    done = ferrotape("run", *ONE, env=without_rust(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in ("rustc", "clippy", "tests"):
        assert f"warning: {name} is unavailable: " in done.stderr
        assert f"Partial: {name} was unavailable in 3 of 3 trials" in " ".join(done.stdout.split())
    report = json.loads((tmp_path / "reports" / "benchmark-report.json").read_text())
    assert all(trial["partial"] for trial in report["trials"])
    statuses = {v["validator"]: v["status"] for v in report["trials"][0]["verdicts"]}
    assert statuses["patterns"] in {"passed", "failed"}
    assert statuses["tests"] == "unavailable"


def test_rounds_that_are_not_recorded_are_missing_and_end_nothing(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    arguments = ("--scenario", "rust-01-basic", "--format", "minimal", "--rounds", "6")
    done = ferrotape("run", *arguments, env=without_rust(tmp_path))
    assert done.returncode == 1
    assert "claude-sample/rust-01-basic/minimal/round-6: no_recording" in done.stdout
    assert "5 of 6 answered" in done.stdout
    assert "Counted both ways:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says", "hint"),
    [
        (("run", "--scenario", "rust-9"), 2, "there is no scenario 'rust-9'", "rust-01-basic"),
        (("run", "--format", "prose"), 2, "there is no format 'prose'", "minimal"),
        (("run", "--agent", "nobody"), 2, "there is no agent 'nobody'", "claude-sample"),
        (("run", "--pack", "nowhere"), 2, "there is no pack 'nowhere'", "--pack"),
        (("run", "--rounds", "0"), 2, "--rounds", ""),
        (("run", "--config", "gone.toml"), 2, "gone.toml cannot be read: No such file", ""),
        (("record", "--agent", "claude-sample"), 2, "no ANTHROPIC_API_KEY", "environment"),
        (("show", "latest"), 4, "there is no run history", "ferrotape run"),
        (("query", "select 1"), 4, "there is no run history", "ferrotape run"),
        (("nonsense",), 2, "nonsense", ""),
    ],
)
def test_a_mistake_is_answered_in_words_with_its_exit_code(
    ferrotape: Ferrotape, arguments: tuple[str, ...], code: int, says: str, hint: str
) -> None:
    done = ferrotape(*arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(ferrotape: Ferrotape) -> None:
    done = ferrotape("--debug", "run", "--scenario", "rust-9")
    assert "Traceback" in done.stderr
    assert "UsageError" in done.stderr


@pytest.mark.rust
def test_ctrl_c_leaves_a_consistent_store_and_no_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "ferrotape", "run", "--jobs", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[2/75]"):
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(lines) + rest
    assert "Unfinished: " in rest
    assert "Traceback" not in rest
    with sqlite3.connect(tmp_path / ".ferrotape" / "history.db") as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        ((status, stored),) = db.execute(
            "select status, (select count(*) from trials where run_id = runs.id) from runs"
        )
    db.close()
    assert status == "interrupted"
    assert 2 <= stored < 75
    assert not processes_below(tmp_path)


def processes_below(folder: Path) -> list[str]:
    """The processes whose working folder is inside `folder`, after a moment to end."""
    time.sleep(0.2)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys; sys.argv = ['ferrotape', '--help']\n"
        "from ferrotape.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'anthropic', 'scipy', 'vcr', 'sqlite_utils', 'pydantic', 'pluggy', 'jinja2',\n"
        "         'httpx2', 'ferrotape_plugins'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Replay recorded answers" in done.stdout


@pytest.mark.slow
@pytest.mark.rust
def test_the_sample_report_is_what_the_shipped_cassettes_give(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    """Both in full and cold, with one worker and with two."""
    for jobs in ("2", "1"):
        done = ferrotape("run", "--jobs", jobs, "--output", jobs, "--fresh")
        assert done.returncode == 0, done.stderr
    assert report_without_run_facts(tmp_path / "1") == report_without_run_facts(tmp_path / "2")
    made, kept = (
        json.loads((folder / "benchmark-report.json").read_text())
        for folder in (tmp_path / "2", SAMPLE)
    )
    compilers = [
        {k: v for k, v in report["run"]["environment"].items() if k.startswith("validator")}
        for report in (made, kept)
    ]
    if compilers[0] != compilers[1]:
        pytest.skip(f"the sample was made with {compilers[1]}, here is {compilers[0]}")
    assert report_without_run_facts(tmp_path / "2") == report_without_run_facts(SAMPLE)
    page = (tmp_path / "2" / "benchmark-report.md").read_text(encoding="utf-8")
    sample = (SAMPLE / "benchmark-report.md").read_text(encoding="utf-8")
    assert page.partition("## This run")[0] == sample.partition("## This run")[0]


def test_replay_makes_no_connection(tmp_path: Path) -> None:
    """With every socket refused, the run gives its results all the same."""
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(self, *arguments): raise AssertionError('a connection was attempted')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
    )
    env = {**os.environ, **without_rust(tmp_path), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "ferrotape", "run", *ONE],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 of 3 answered" in done.stdout
