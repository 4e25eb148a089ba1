"""`ferrotape cassettes` on copies of shipped recordings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from edited_cassettes import rewrite
from typer.testing import CliRunner

from ferrotape.cli.main import app
from ferrotape.errors import CassetteMissing

SHIPPED = Path(__file__).parents[2] / "cassettes"
CELL = "claude-sample/rust-01-basic/minimal"
KEY = f"{CELL}/round-1"
EVIL = "\x1b[2J[bold]evil[/bold] \u202egnp.exe"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two recordings."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cassettes"
    for number in (1, 2):
        path = folder / CELL / f"round-{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / CELL / path.name, path)
    return folder


def cassettes(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["cassettes", *arguments], input=given)


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def spoil(root: Path) -> dict[str, Path]:
    """One recording of each trouble beside the two good ones."""
    good = root / f"{KEY}.json"
    places = {
        "stale": root / CELL / "round-3.json",
        "broken": root / CELL / "round-4.json",
        "secret": root / CELL / "round-5.json",
        "agent": root / "nobody/rust-01-basic/minimal/round-1.json",
        "scenario": root / "claude-sample/rust-99/minimal/round-1.json",
        "format": root / "claude-sample/rust-01-basic/prose/round-1.json",
        "place": root / "notes.json",
        "draft": root / CELL / ".round-1.json.0a1b2c3d.tmp",
    }
    for name, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(good, path)
        if name in {"stale", "secret"}:
            rewrite(path, '"round": 1', f'"round": {path.stem[-1]}')
    rewrite(places["stale"], '"max_tokens": 32000', '"max_tokens": 100')
    places["broken"].write_bytes(good.read_bytes()[:500])
    rewrite(places["secret"], "use std::fmt;", "// jane.doe@corporation.io")
    return places


def test_recordings_are_listed_by_cell(root):
    done = cassettes("list")
    assert done.exit_code == 0
    head, row = (line.split() for line in done.stdout.splitlines())
    assert head == ["agent", "scenario", "format", "rounds", "outcome", "measured", "size"]
    assert row[:7] == ["claude-sample", "rust-01-basic", "minimal", "1,", "2", "answered", "no"]
    assert row[8] == "KiB"


def test_a_broken_recording_is_listed_as_such(root):
    (root / CELL / "round-2.json").write_text("{")
    (row,) = cassettes("list", CELL).stdout.splitlines()[1:]
    assert "1 answered, 1 broken" in row


def test_without_recordings_of_its_own_a_project_has_those_that_are_shipped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "rust-05-async-scheduler" in cassettes("list").stdout


@pytest.mark.parametrize("name", [KEY, f"cassettes/{KEY}.json"])
def test_a_recording_is_shown_with_identity_calls_prompt_and_answer(root, name):
    text = cassettes("show", name).stdout
    lines = text.splitlines()
    assert lines[0] == KEY
    assert "outcome         answered" in lines
    assert "measured        no: times and tokens are no model's" in lines
    assert '"model": "claude-sample"' in text
    call = next(line for line in lines if line.startswith("1 "))
    assert "POST /v1/messages" in call
    assert "200" in call
    assert "end_turn" in call
    assert "output_tokens" in call
    assert "prompt:\n\nComplete" in text or "prompt:\n\nWrite" in text
    assert "answer:\n\n```rust\n" in text


def test_text_of_a_model_reaches_the_terminal_only_escaped(root):
    path = root / f"{KEY}.json"
    rewrite(path, '"```rust"', json.dumps(EVIL))
    for done in (cassettes("show", KEY), cassettes("diff", KEY, f"{CELL}/round-2")):
        assert r"\x1b[2J[bold]evil[/bold] \u202egnp.exe" in done.stdout
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout


def test_two_recordings_are_compared_part_by_part(root):
    text = cassettes("diff", KEY, f"{CELL}/round-2").stdout
    assert '\n- "round": 1,\n+ "round": 2,\n' in text
    assert "prompt: the same" in text
    assert f"answer:\n--- {KEY}\n+++ {CELL}/round-2\n@@" in text
    assert "answer: the same" in cassettes("diff", KEY, KEY).stdout


def test_a_recording_that_is_not_there_is_an_error_that_says_where_it_was_looked_for(root):
    done = cassettes("show", "claude-sample/rust-01-basic/minimal/round-9")
    assert isinstance(done.exception, CassetteMissing)
    assert str(root) in done.exception.message


def test_good_recordings_pass_the_check(root):
    done = cassettes("check")
    assert (done.exit_code, done.stdout) == (0, "2 recordings checked: nothing to object to.\n")


def test_the_check_tells_each_trouble_with_its_place(root):
    places = spoil(root)
    done = cassettes("check")
    assert done.exit_code == 1
    *lines, last = done.stdout.splitlines()
    told = dict(line.split(": ", 1) for line in lines)
    said = {name: told.get(str(path), "") for name, path in places.items()}
    assert said["stale"] == "stale: settings.max_tokens: recorded 100, now 32000"
    assert said["agent"] == "unused: there is no agent 'nobody' in the configuration"
    assert said["scenario"] == "unused: there is no scenario 'rust-99' in rust-core"
    assert said["format"] == "unused: rust-01-basic has no format 'prose'"
    assert said["place"] == "unused: its place is not AGENT/SCENARIO/FORMAT/round-N.json"
    assert said["draft"] == "broken: left behind by a save that did not come to its end"
    broken = next(line for line in lines if line.startswith(str(places["broken"])))
    assert ": broken: no whole cassette" in broken
    secret = next(line for line in lines if line.startswith(str(places["secret"])))
    place, _, rest = secret.partition(": secret: ")
    number = int(place.rpartition(":")[2])
    assert "corporation.io" in places["secret"].read_text().splitlines()[number - 1]
    assert rest == "e-mail address in the response of call 1: jane… (23 characters)"
    assert last == "10 recordings checked: 2 broken, 1 secret, 1 stale, 4 unused."


def test_a_selection_is_checked_alone(root):
    spoil(root)
    assert cassettes("check", KEY, f"{CELL}/round-2").exit_code == 0
    assert cassettes("check", f"cassettes/{CELL}").exit_code == 1


def test_a_scenario_of_another_pack_of_the_project_is_not_unused(root, tmp_path):
    pack = tmp_path / "scenarios" / "mine"
    shutil.copytree(SHIPPED.parent / "scenarios" / "rust-core", pack)
    (tmp_path / "ferrotape.toml").write_text("")
    other = pack / "rust-01-basic"
    replace_text(other / "scenario.yaml", "id: rust-01-basic", "id: rust-01-other")
    other.rename(pack / "rust-01-other")
    replace_text(pack / "pack.yaml", "rust-01-basic", "rust-01-other")
    path = root / "claude-sample/rust-01-other/minimal/round-1.json"
    path.parent.mkdir(parents=True)
    shutil.copy(root / f"{KEY}.json", path)
    rewrite(path, '"scenario": "rust-01-basic"', '"scenario": "rust-01-other"')
    done = cassettes("check")
    assert (done.exit_code, done.stdout) == (0, "3 recordings checked: nothing to object to.\n")


def test_scrub_removes_a_secret_and_nothing_else(root):
    path = spoil(root)["secret"]
    before = path.read_text()
    expected = root.parent / "expected.json"
    shutil.copy(path, expected)
    rewrite(expected, "jane.doe@corporation.io", "[redacted]")
    dry = cassettes("scrub", str(path), "--dry-run")
    assert "would be redacted: e-mail address in the response of call 1: jane…" in dry.stdout
    assert "1 of 1 recordings would be scrubbed." in dry.stdout
    assert path.read_text() == before
    done = cassettes("scrub", CELL + "/round-5")
    assert (done.exit_code, "1 of 1 recordings scrubbed." in done.stdout) == (0, True)
    assert path.read_text() == expected.read_text()
    assert cassettes("check", str(path)).exit_code == 0
    assert "0 of 1 recordings scrubbed." in cassettes("scrub", str(path)).stdout


def test_scrub_keeps_what_comes_from_the_prompt_and_fails(root):
    path = root / f"{KEY}.json"
    rewrite(path, '"Write a Rust function', '"jane.doe@corporation.io wants a Rust function')
    done = cassettes("scrub", KEY)
    assert done.exit_code == 1
    assert "kept: e-mail address in the request of call 1" in done.stdout
    assert "jane.doe@corporation.io" in path.read_text()


def test_prune_shows_asks_and_removes_what_replay_cannot_use(root):
    places = spoil(root)
    done = cassettes("prune", given="n\n")
    assert done.exit_code == 1
    assert "Remove 6 of 9 files?" in done.stdout
    assert all(path.exists() for path in places.values())
    done = cassettes("prune", "--yes")
    assert (done.exit_code, "6 of 9 files removed." in done.stdout) == (0, True)
    assert places["place"].exists()
    left = sorted(path.name for path in (root / CELL).iterdir())
    assert left == ["round-1.json", "round-2.json", "round-5.json"]
    assert not (root / "nobody").exists()
    assert not (root / "claude-sample/rust-99").exists()
    assert "Nothing to remove" in cassettes("prune", "--yes").stdout


def test_prune_takes_a_name_for_a_key_first_and_never_removes_another_file(root):
    others = [
        root.parent / name
        for name in (
            "nobody/package.json",
            "data.json",
            "reports/benchmark-report.json",
            "a/b/c/round-1.json",
            "cassettes/a/b/c/d/round-1.json",
            "cassettes/claude-sample/.data.json.0a1b.tmp",
        )
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    unused = spoil(root)["agent"]
    assert "1 of 1 files removed." in cassettes("prune", "nobody", "--yes").stdout
    assert not unused.exists()
    for name in (".", "./nobody", "nobody", "data.json", "a/b/c/round-1.json", "cassettes"):
        cassettes("prune", name, "--yes")
    cassettes("prune", "--yes")
    assert all(path.exists() for path in others)
    assert (root / f"{KEY}.json").exists()


def test_scrub_goes_on_after_a_broken_recording_names_it_and_fails(root):
    first = root / f"{KEY}.json"
    second = root / CELL / "round-2.json"
    first.write_text("{")
    rewrite(second, "use std::fmt;", "// jane.doe@corporation.io")
    done = cassettes("scrub")
    assert done.exit_code == 1
    broken, redacted, count, rest = done.stdout.splitlines()
    assert str(first) in broken
    assert redacted.startswith(f"{second}: redacted: e-mail address")
    assert count == "1 of 2 recordings scrubbed."
    assert rest.startswith("1 could not be")
    assert "jane.doe" not in second.read_text()


def test_what_is_shipped_is_neither_pruned_nor_scrubbed_from_another_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "all 0 recordings" in cassettes("prune", "--yes").stdout
    assert "0 of 0 recordings" in cassettes("scrub").stdout
    assert isinstance(cassettes("prune", KEY).exception, CassetteMissing)


def test_the_recordings_of_this_project_pass_the_check(monkeypatch):
    monkeypatch.chdir(SHIPPED.parent)
    done = cassettes("check")
    assert done.exit_code == 0, done.stdout
