from __future__ import annotations

from pathlib import Path

import pytest
from history_samples import make_history, make_run
from typer.testing import CliRunner

from ferrotape.cli.main import app
from ferrotape.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_history(tmp_path / "history.db")


def show(path: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["show", *arguments, "--store", str(path)])
    assert done.exit_code == 0, done.exception
    return done.stdout


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_run_is_shown_with_facts_scores_waterfall_and_failures(path):
    text = show(path, make_run(0).id)
    shown = rows(text)
    assert ["run", make_run(0).id] in shown
    assert ["rustc", "1.95.0"] in shown
    assert ["rust-01-basic", "90.0", "(1/2)", "26.0", "(1/1)"] in shown
    assert ["minimal", "2", "1", "1", "1", "1", "1", "-"] in shown
    assert ["metadata", "1", "1", "1", "1", "1", "0", "0"] in shown
    assert "claude-sample/rust-01-basic/minimal/round-2   overloaded" in text
    assert "claude-sample/rust-01-basic/metadata/round-1  failed_tests" in text


def test_the_latest_run_is_shown_by_that_name_or_none(path):
    assert make_run(1).id in show(path, "latest")
    assert show(path) == show(path, "last") == show(path, "20261121")


def test_a_trial_is_shown_with_lost_points_verdicts_and_findings(path):
    text = show(path, "latest", "--trial", "metadata/round-1")
    shown = rows(text)
    assert shown[0] == ["claude-sample/rust-01-basic/metadata/round-1"]
    assert shown[1] == ["score", "26.0"]
    assert ["tests", "25%", "80.0", "5.0"] in shown
    assert ["failure", "policy", "failed_tests", "46.5"] in shown
    assert "tests 1: failed, 80.0, from the cache: 12 of 15" in text
    assert ["error", "reverses", "answer.rs:7:3"] in [row[:3] for row in shown]


def test_a_trial_without_a_reply_is_shown_with_its_failure(path):
    text = show(path, "latest", "--trial", "minimal/round-2")
    assert ["score", "-"] in rows(text)
    assert "failure     overloaded: busy" in text


@pytest.mark.parametrize("trial", [(), ("--trial", "metadata/round-1"), ("--trial", "round-2")])
def test_text_of_a_model_reaches_the_terminal_only_escaped(path, trial):
    text = show(path, "latest", *trial)
    assert r"\x1b[2J[bold]evil[/bold] \u202egnp.exe" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_run_or_trial_that_is_not_there_is_an_error(path):
    for arguments in (["show", "1999"], ["show", "latest", "--trial", "nothing"]):
        done = CliRunner().invoke(app, [*arguments, "--store", str(path)])
        assert isinstance(done.exception, StoreError)
        assert done.exception.hint
