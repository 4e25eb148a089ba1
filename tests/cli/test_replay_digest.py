"""The digest of a replay, why two runs differ, and whether recordings give what they gave.

Only the patterns judge here, which is quick; without Rust the other verdicts are unavailable.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from edited_cassettes import rewrite
from typer.testing import CliRunner

from ferrotape.cli.main import app
from ferrotape.errors import ExitCode, StoreError, UsageError
from ferrotape.store import Store

SHIPPED = Path(__file__).parents[2] / "cassettes"
CELL = "claude-sample/rust-01-basic/minimal"
KEY = f"{CELL}/round-1"
RUN = ("run", "--scenario", "rust-01-basic", "--format", "minimal", "--rounds", "1", "--fresh")


@pytest.fixture
def cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one recording of a project, on a machine without Rust."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("PATH", "/usr/bin:/bin"), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    for name in ("CARGO_HOME", "RUSTUP_HOME"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "cassettes" / f"{KEY}.json"
    path.parent.mkdir(parents=True)
    shutil.copy(SHIPPED / f"{KEY}.json", path)
    return path


def ferrotape(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, f"{done.output}{done.exception!r}"
    return done.stdout


def report(folder: str) -> tuple[str, dict[str, object]]:
    """The JSON report up to its last block, and that block."""
    text = Path(folder, "benchmark-report.json").read_text(encoding="utf-8")
    return text.partition('\n  "run": {')[0], json.loads(text)["run"]


def run(output: str) -> str:
    """Replays; gives the digest, which all three places tell alike."""
    said = re.findall(r"^Digest: (.*)$", ferrotape(*RUN, "--output", output), re.MULTILINE)
    page = Path(output, "benchmark-report.md").read_text(encoding="utf-8")
    assert said == [report(output)[1]["digest"]]
    assert f"- digest: {said[0]}\n" in page
    return str(said[0])


def runs() -> list[str]:
    """The ids in the history, oldest first."""
    with Store.open(Path(".ferrotape/history.db")) as store:
        return [summary.run.id for summary in reversed(store.runs())]


def worsen(path: Path) -> None:
    """Changes the recorded answer so that a check of the rubric fails."""
    rewrite(path, "pub fn reverse_words(input: &str) -> Result<String, R", "fn other() -> Result<R")


def test_the_same_digest_gives_the_same_report_and_another_says_why(cassette):
    digest = run("1")
    assert run("2") == digest
    assert report("1")[0] == report("2")[0]
    worsen(cassette)
    assert run("3") != digest
    assert report("3")[0] != report("1")[0]
    first, second, third = runs()
    same = ferrotape("show", "--why", first, second)
    assert "No ingredient differs" in same
    assert "Nor do the results of the 1 trials" in same
    other = ferrotape("show", "--why", first, third).splitlines()
    assert re.fullmatch(r"1 of \d+ ingredients differ:", other[2])
    assert other[3].startswith(f"  cassette {KEY}: ")
    assert digest in ferrotape("show", first)


def test_a_digest_does_not_depend_on_the_folder_or_the_number_of_workers(
    cassette, tmp_path, monkeypatch
):
    digest = run("1")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "cassettes", elsewhere / "cassettes")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("FERROTAPE_JOBS", "3")
    assert run("1") == digest


def test_verify_compares_with_the_newest_run_and_names_the_cause(cassette):
    ferrotape(*RUN)
    shutil.copy(SHIPPED / CELL / "round-2.json", cassette.with_name("round-2.json"))
    said = ferrotape("cassettes", "verify")
    assert "2 recordings replayed: 1 as in the history, 0 otherwise, 1 not in" in said
    worsen(cassette)
    said = ferrotape("cassettes", "verify", KEY, code=ExitCode.FAILED)
    assert f"{KEY}: code: another one was taken from the reply (run {runs()[0]})" in said
    assert f"{KEY}: patterns: " in said
    assert f"  cassette {KEY}: " in said
    assert len(runs()) == 1


def test_verify_needs_a_history_and_recordings_of_the_pack(cassette):
    done = CliRunner().invoke(app, ["cassettes", "verify"])
    assert isinstance(done.exception, StoreError)
    ferrotape(*RUN)
    stray = cassette.parents[2] / "rust-99/minimal/round-1.json"
    stray.parent.mkdir(parents=True)
    shutil.copy(cassette, stray)
    done = CliRunner().invoke(app, ["cassettes", "verify", "claude-sample/rust-99"])
    assert isinstance(done.exception, UsageError)
    assert "rust-99" in done.exception.message


def test_a_scrubbed_recording_replays_and_is_judged(cassette):
    rewrite(cassette, "use std::fmt;", "use std::fmt; // by jane.doe@corporation.io")
    before = run("1")
    assert "1 of 1 recordings scrubbed." in ferrotape("cassettes", "scrub")
    assert "corporation" not in cassette.read_text()
    assert run("2") != before
    scores = [json.loads(f"{report(n)[0].rstrip(',')}}}")["trials"][0]["score"] for n in "12"]
    assert scores[0] == scores[1] > 0


def test_a_resumed_run_keeps_its_digest_only_with_the_same_ingredients(cassette):
    arguments = ("run", "--scenario", "rust-01-basic", "--format", "minimal", "--rounds", "2")
    second = cassette.with_name("round-2.json")
    for changed in (False, True):
        second.unlink(missing_ok=True)
        ferrotape(*arguments, code=ExitCode.FAILED)
        run_id = runs()[-1]
        digest = report("reports")[1]["digest"]
        assert digest
        shutil.copy(SHIPPED / CELL / "round-2.json", second)
        if not changed:
            continue
        ferrotape("run", "--resume", run_id)
        assert report("reports")[1]["digest"] is None
