"""Recording as a user does it, against a real endpoint on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from started import Ferrotape, report_without_run_facts

from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    Answer,
    Delay,
    ErrorEvent,
    HttpError,
    LoopbackMessages,
    Reset,
)

CODE = (
    "Here you are.\n\n```rust\n/// Reverses.\npub fn reverse_words(input: &str)"
    " -> Result<String, String> {\n    Ok(input.to_owned())\n}\n```\n"
)
KEY = "sk-ant-marked-0123456789"
SMALL = ("--scenario", "rust-01-basic", "--format", "minimal")


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(lambda _: Answer(CODE)) as running:
        yield running


def live_env(endpoint: LoopbackMessages, tmp_path: Path) -> dict[str, str]:
    """A key, the endpoint, and no Rust, which these tests do not need."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": endpoint.base_url,
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "CARGO_HOME": "",
        "RUSTUP_HOME": "",
    }


def write_settings(tmp_path: Path, *live: str) -> None:
    lines = ['[agents.mine]\nplugin = "anthropic"\nmodel = "m"\nmax_tokens = 1000', "[live]", *live]
    (tmp_path / "ferrotape.toml").write_text("\n".join(lines) + "\n")


def trials(tmp_path: Path) -> list[dict]:
    return json.loads((tmp_path / "reports" / "benchmark-report.json").read_text())["trials"]


def test_what_is_recorded_with_faults_on_is_replayed_with_the_endpoint_stopped(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path)
    env = live_env(endpoint, tmp_path)
    endpoint.fail(
        RATE_LIMITED, OVERLOADED, SERVER_ERROR, Reset(), ErrorEvent("overloaded_error", 3)
    )
    arguments = ("--scenario", "rust-01-basic", "--agent", "mine")
    done = ferrotape("record", *arguments, "--rounds", "2", "--output", "a", "--jobs", "1", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(endpoint.requests) == 6 + 5
    endpoint.__exit__(None, None, None)
    again = ferrotape("run", *arguments, "--output", "b", env={**env, "ANTHROPIC_API_KEY": ""})
    assert again.returncode == 0, again.stdout + again.stderr
    assert report_without_run_facts(tmp_path / "a").replace(
        "from the agents' endpoints", ""
    ) == report_without_run_facts(tmp_path / "b")
    with_faults = ferrotape("query", "select count(*) as n from calls where status <> 200 or error")
    assert int(with_faults.stdout.split()[-1]) >= 5


@pytest.mark.slow
def test_every_attempt_is_in_the_store_and_on_the_tape(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path, "retries = 2")
    endpoint.fail(OVERLOADED, SERVER_ERROR, OVERLOADED)
    done = ferrotape("record", *SMALL, "--agent", "mine", env=live_env(endpoint, tmp_path))
    assert done.returncode == 1
    assert "minimal/round-1: overloaded" in done.stdout
    (cassette,) = (tmp_path / "cassettes").rglob("round-1.json")
    tape = json.loads(cassette.read_text())
    assert [i["response"]["status"]["code"] for i in tape["interactions"]] == [529, 500, 529]
    calls = ferrotape("query", "select status from calls", "--output", "csv").stdout.split()
    assert calls == ["status", "529", "500", "529"]
    replayed = ferrotape("run", *SMALL, "--agent", "mine", env=live_env(endpoint, tmp_path))
    assert "minimal/round-1: overloaded" in replayed.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (HttpError(400, "invalid_request_error"), "invalid_request"),
        (HttpError(401, "authentication_error"), "authentication"),
    ],
    ids=str,
)
def test_what_will_not_pass_is_not_tried_again(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path, fault: HttpError, kind: str
) -> None:
    write_settings(tmp_path)
    endpoint.fail(fault)
    done = ferrotape("record", *SMALL, "--agent", "mine", env=live_env(endpoint, tmp_path))
    assert f"round-1: {kind}" in done.stdout
    assert len(endpoint.requests) == 1


def test_a_run_that_fails_early_is_resumed_and_nothing_is_asked_twice(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path, "retries = 0", 'on_failure = "fail"', "calls = 1")
    env = live_env(endpoint, tmp_path)
    arguments = ("--scenario", "rust-01-basic", "--agent", "mine", "--rounds", "2", "--jobs", "1")
    endpoint.fail(Delay(), Delay(), OVERLOADED)
    first = ferrotape("record", *arguments, env=env)
    assert first.returncode == 1
    assert "the run was stopped early: a trial failed for good" in first.stderr
    assert len(endpoint.requests) == 3
    resumed = ferrotape("run", "--resume", "latest", env=env)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(endpoint.requests) == 3 + 4
    assert len(trials(tmp_path)) == 6
    assert all(trial["score"] is not None for trial in trials(tmp_path))
    runs = ferrotape("query", "select count(*) as n from runs", "--output", "csv").stdout.split()
    assert runs == ["n", "1"]
    complete = ferrotape("run", "--resume", "latest", env=env)
    assert complete.returncode == 2
    assert "is complete" in complete.stderr


@pytest.mark.slow
def test_a_recording_that_a_kill_kept_from_the_store_is_not_paid_for_again(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path, "calls = 1")
    env = live_env(endpoint, tmp_path)
    arguments = ("--scenario", "rust-01-basic", "--agent", "mine", "--rounds", "2", "--jobs", "1")
    endpoint.fail(Delay(), Delay(), Delay(before_s=60))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "ferrotape", "record", *arguments],
        cwd=tmp_path, env=process_env(env), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[2/6]"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    recorded = len(list((tmp_path / "cassettes").rglob("round-*.json")))
    asked = len(endpoint.requests)
    ferrotape("query", "select 1")
    resumed = ferrotape("run", "--resume", "latest", env=env)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(endpoint.requests) == asked + 6 - recorded
    assert len(trials(tmp_path)) == 6


def process_env(env: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("FERROTAPE_")} | dict(env)


@pytest.mark.slow
def test_the_budget_stops_before_it_is_exceeded(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(
        tmp_path,
        "[live.prices]",
        'as_of = "2026-11-01"',
        "models.m = { input = 1000, output = 1000 }",
    )
    env = live_env(endpoint, tmp_path)
    arguments = ("--scenario", "rust-01-basic", "--agent", "mine", "--jobs", "1")
    done = ferrotape("record", *arguments, "--max-cost", "1.5", "--calls", "1", env=env)
    assert done.returncode == 1
    assert "the budget is used up" in done.stderr
    assert "To go on: ferrotape run --resume" in done.stdout
    assert 0 < len(endpoint.requests) < 3
    plan = ferrotape("record", *arguments, "--dry-run", env=env)
    assert "3 calls, at most 4," in plan.stdout
    assert "free: the endpoint is on this machine" in plan.stdout


def test_paid_calls_are_not_made_without_being_asked(ferrotape: Ferrotape, tmp_path: Path) -> None:
    write_settings(tmp_path, "[live.prices]", "models.m = { input = 3, output = 15 }")
    env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "https://gateway.invalid"}
    done = ferrotape("record", *SMALL, "--agent", "mine", env=env)
    assert done.returncode == 2
    assert "mine (m): 1 calls, at most 1,1" in done.stderr
    assert "at most $0.0" in done.stderr
    assert "these calls may cost money" in done.stderr
    assert not list((tmp_path / "cassettes").rglob("*.json"))


@pytest.mark.slow
def test_a_call_that_hangs_is_ended_by_the_time_limit(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    pack = tmp_path / "quick"
    shipped = Path(__file__).parents[2] / "scenarios" / "rust-core"
    subprocess.run(["cp", "-r", str(shipped), str(pack)], check=True)
    scenario = pack / "rust-01-basic" / "scenario.yaml"
    scenario.write_text(scenario.read_text().replace("timeout_s: 300", "timeout_s: 1"))
    write_settings(tmp_path)
    endpoint.fail(Delay(between_s=0.4))
    arguments = (*SMALL, "--agent", "mine", "--pack", str(pack))
    done = ferrotape("record", *arguments, env=live_env(endpoint, tmp_path))
    assert "minimal/round-1: timeout" in done.stdout, done.stdout
    assert trials(tmp_path)[0]["score"] == 0
    assert "minimal/round-1: timeout" in ferrotape("run", *arguments).stdout


@pytest.mark.slow
def test_ctrl_c_ends_calls_under_way(endpoint: LoopbackMessages, tmp_path: Path) -> None:
    write_settings(tmp_path)
    endpoint.fail(Delay(before_s=120), Delay(between_s=30), Delay(before_s=120))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "ferrotape", "record", *SMALL[:2], "--agent", "mine"],
        cwd=tmp_path, env=process_env(live_env(endpoint, tmp_path)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while len(endpoint.requests) < 2:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Unfinished" in said


@pytest.mark.slow
def test_an_interrupt_leaves_older_recordings_and_is_nobodys_timeout(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path)
    env = live_env(endpoint, tmp_path)
    assert ferrotape("record", *SMALL, "--agent", "mine", env=env).returncode == 0
    (cassette,) = (tmp_path / "cassettes").rglob("round-1.json")
    before = cassette.read_bytes()
    endpoint.fail(Delay(between_s=20))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "ferrotape", "record", *SMALL, "--agent", "mine"],
        cwd=tmp_path, env=process_env(env), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(endpoint.requests) < 2:
        assert process.poll() is None
    running = ferrotape("run", "--resume", "latest", env=env)
    assert running.returncode == 2
    assert "is under way in another process" in running.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert cassette.read_bytes() == before
    resumed = ferrotape("run", "--resume", "latest", env=env)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(endpoint.requests) == 3
    assert [trial["score"] for trial in trials(tmp_path)] != [0]


@pytest.mark.slow
def test_a_wrong_key_stops_the_run_at_once_and_other_settings_are_not_mixed_in(
    ferrotape: Ferrotape, endpoint: LoopbackMessages, tmp_path: Path
) -> None:
    write_settings(tmp_path, "calls = 1")
    env = live_env(endpoint, tmp_path)
    endpoint.fail(HttpError(401, "authentication_error"))
    arguments = ("--scenario", "rust-01-basic", "--agent", "mine", "--jobs", "1")
    done = ferrotape("record", *arguments, env=env)
    assert done.returncode == 1
    assert "the run was stopped early" in done.stderr
    assert len(endpoint.requests) == 1
    settings = tmp_path / "ferrotape.toml"
    settings.write_text(settings.read_text().replace('model = "m"', 'model = "other"'))
    mixed = ferrotape("run", "--resume", "latest", env=env)
    assert mixed.returncode == 2
    assert "was begun with another option mine.model" in mixed.stderr
    odd = ferrotape("run", "--resume", "latest", "--rounds", "2", env=env)
    assert odd.returncode == 2
    assert "--resume goes with none of" in odd.stderr


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ('plugin = "command"\nargv = ["cat"]', "a budget cannot be kept with agent mine"),
        ('plugin = "anthropic"\nmodel = "m"', "--max-cost needs the price of m"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(
    ferrotape: Ferrotape, tmp_path: Path, agent: str, says: str
) -> None:
    (tmp_path / "ferrotape.toml").write_text(f"[agents.mine]\n{agent}\n")
    env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    done = ferrotape("record", *SMALL, "--agent", "mine", "--max-cost", "1", env=env)
    assert done.returncode == 2
    assert says in done.stderr
