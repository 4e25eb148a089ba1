from __future__ import annotations

from pathlib import Path

import pytest
from history_samples import make_history, make_run
from typer.testing import CliRunner

from ferrotape.cli.main import app
from ferrotape.errors import StoreError
from ferrotape.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_history(tmp_path / "history.db")


def test_runs_are_listed_newest_first(path):
    done = CliRunner().invoke(app, ["history", "--store", str(path)])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        "run",
        "mode",
        "status",
        "pack",
        "agents",
        "trials",
        "mean",
    ]
    assert [line.split()[0] for line in lines[1:]] == [make_run(1).id, make_run(0).id]
    assert "3/3" in lines[1]
    assert "58.0" in lines[1]


def test_the_list_can_be_cut(path):
    done = CliRunner().invoke(app, ["history", "--store", str(path), "--limit", "1"])
    assert make_run(1).id in done.stdout
    assert make_run(0).id not in done.stdout


def test_an_empty_history_says_what_to_do(tmp_path):
    with Store.open(tmp_path / "history.db"):
        pass
    done = CliRunner().invoke(app, ["history", "--store", str(tmp_path / "history.db")])
    assert done.exit_code == 0
    assert "ferrotape run" in done.stdout


def test_a_history_that_is_not_there_is_an_error(tmp_path):
    done = CliRunner().invoke(app, ["history", "--store", str(tmp_path / "none.db")])
    assert isinstance(done.exception, StoreError)
