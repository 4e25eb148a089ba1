"""Where recordings lie and which there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferrotape.cassettes import cassette_path, recorded_agents, recorded_rounds
from ferrotape.errors import UsageError
from ferrotape.model import Trial


def make_trial(**changes: object) -> Trial:
    fields = {"scenario": "basic", "format": "minimal", "agent": "sample", "round": 2}
    return Trial(**(fields | changes))  # type: ignore[arg-type]


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def test_a_cassette_lies_by_agent_scenario_format_and_round(tmp_path: Path) -> None:
    assert cassette_path(tmp_path, make_trial()) == tmp_path / "sample/basic/minimal/round-2.json"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\\b", ".git", "a\0b", "a\nb"])
@pytest.mark.parametrize("part", ["agent", "scenario", "format"])
def test_an_id_that_leaves_its_folder_is_refused(tmp_path: Path, part: str, name: str) -> None:
    with pytest.raises(UsageError, match=part):
        cassette_path(tmp_path, make_trial(**{part: name}))


def test_recorded_rounds_are_counted_as_numbers(tmp_path: Path) -> None:
    names = ("round-10.json", "round-2.json", "round-0.json", "round-x.json", "notes.md")
    touch(tmp_path, *(f"sample/basic/minimal/{name}" for name in names))
    assert recorded_rounds(tmp_path, "sample", "basic", "minimal") == (2, 10)
    assert recorded_rounds(tmp_path, "sample", "basic", "other") == ()


def test_agents_without_a_recording_are_not_listed(tmp_path: Path) -> None:
    touch(tmp_path, "b/s/f/round-1.json", "a/s/f/round-1.json", "c/s/f/notes.md", "README.md")
    assert recorded_agents(tmp_path) == ("a", "b")
    assert recorded_agents(tmp_path / "nowhere") == ()
