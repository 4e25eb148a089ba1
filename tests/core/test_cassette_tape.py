"""The tape: two modes, strict loading, and errors that say what to do."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrotape.cassettes import Identity, Tape, TapeTransport
from ferrotape.errors import (
    CassetteCorrupt,
    CassetteError,
    CassetteMiss,
    CassetteMissing,
    CassetteStale,
    CassetteUnused,
)

URL = "https://api.example.org/v1/messages?beta=true"
IDENTITY = Identity(
    agent="sample",
    plugin="anthropic",
    settings={"model": "m", "max_tokens": 100, "stop": ["a"]},
    scenario="basic",
    format="minimal",
    round=1,
    prompt_sha256="0" * 64,
)


def served(answer: str = "hello\nthere\nworld") -> httpx2.MockTransport:
    """An endpoint far away: the tape takes its answers for measured."""
    return httpx2.MockTransport(lambda _: httpx2.Response(200, json={"text": answer}))


def ask(tape: Tape, *prompts: str, inner: httpx2.BaseTransport | None = None) -> list[str]:
    with httpx2.Client(transport=TapeTransport(tape, inner)) as client:
        return [client.post(URL, json={"prompt": prompt}).text for prompt in prompts]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "sample/basic/minimal/round-1.json"
    tape = Tape.record(path, IDENTITY)
    ask(tape, "one", "two", inner=served())
    tape.close()
    return path


def edit(path: Path, change: Callable[[Any], None]) -> None:
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


def test_what_was_recorded_is_replayed_with_its_times(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    tape = Tape.record(path, IDENTITY)
    recorded = ask(tape, "one", "one", "two", inner=served())
    tape.close()
    again = Tape.replay(path, IDENTITY)
    assert ask(again, "one", "two", "one") == recorded
    again.close()
    assert again.calls == tape.calls
    assert [call.status for call in again.calls] == [200, 200, 200]
    assert again.measured
    assert again.outcome == "answered"


def test_recording_never_reads_the_file_it_replaces(cassette: Path) -> None:
    cassette.write_bytes(b"\xff broken")
    tape = Tape.record(cassette, IDENTITY)
    ask(tape, "three", inner=served())
    tape.close()
    assert len(json.loads(cassette.read_text())["interactions"]) == 1


def test_equal_requests_are_replayed_in_recorded_order(tmp_path: Path) -> None:
    answers = iter("abc")
    inner = httpx2.MockTransport(lambda _: httpx2.Response(200, text=next(answers)))
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    ask(tape, "same", "same", "same", inner=inner)
    tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    assert ask(again, "same", "same", "same") == ["a", "b", "c"]
    again.close()


@pytest.mark.parametrize("outcome", ["timeout", "refused", "truncated", "empty"])
def test_the_agents_own_failures_are_recorded_with_their_outcome(
    tmp_path: Path, outcome: str
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    tape.close(outcome)
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    assert again.outcome == outcome
    again.close(outcome)


@pytest.mark.parametrize("outcome", ["connection", "rate_limited", "authentication", "crashed"])
def test_trouble_with_the_endpoint_leaves_the_old_recording(cassette: Path, outcome: str) -> None:
    before = cassette.read_bytes()
    tape = Tape.record(cassette, IDENTITY)
    ask(tape, "three", inner=served())
    tape.close(outcome)
    assert cassette.read_bytes() == before


def test_an_unknown_outcome_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="splendid"):
        Tape.record(tmp_path / "a.json", IDENTITY).close("splendid")


def test_what_comes_after_closing_is_not_recorded(tmp_path: Path) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    tape.close()
    ask(tape, "late", inner=served())
    tape.close()
    assert Tape.replay(tmp_path / "a.json", IDENTITY).calls == ()
    assert json.loads((tmp_path / "a.json").read_text())["interactions"] == []


def test_a_folder_that_cannot_be_written_is_a_cassette_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CassetteError, match="cannot write"):
        Tape.record(tmp_path / "file/a.json", IDENTITY).close()


# -- missing


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("sample/basic/minimal/round-9.json", "rounds 1"),
        ("sample/basic/other/round-1.json", "formats minimal"),
        ("sample/hard/minimal/round-1.json", "scenarios basic"),
        ("opus/basic/minimal/round-1.json", "agents: sample"),
    ],
)
def test_a_missing_recording_names_the_nearest(cassette: Path, place: str, hint: str) -> None:
    path = cassette.parents[3] / place
    with pytest.raises(CassetteMissing, match=re.escape(place)) as caught:
        Tape.replay(path, IDENTITY)
    assert hint in caught.value.hint
    assert "ferrotape record --agent" in caught.value.hint


def test_a_missing_recording_in_an_empty_place_says_so(tmp_path: Path) -> None:
    with pytest.raises(CassetteMissing) as caught:
        Tape.replay(tmp_path / "a/b/c/round-1.json", IDENTITY)
    assert "Nothing is recorded" in caught.value.hint


# -- corrupt


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_file_cut_anywhere_is_corrupt(cassette: Path, data: st.DataObject) -> None:
    whole = cassette.read_bytes()
    size = data.draw(st.integers(0, len(whole.rstrip()) - 1))
    cut = cassette.with_name("cut.json")
    cut.write_bytes(whole[:size])
    with pytest.raises(CassetteCorrupt, match=re.escape(str(cut))):
        Tape.replay(cut, IDENTITY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_byte_that_is_no_utf_8_anywhere_makes_a_file_corrupt(
    cassette: Path, data: st.DataObject
) -> None:
    whole = cassette.read_bytes()
    place = data.draw(st.integers(0, len(whole)))
    spoilt = cassette.with_name("spoilt.json")
    spoilt.write_bytes(whole[:place] + b"\xff" + whole[place:])
    with pytest.raises(CassetteCorrupt, match=r"line \d+ is not UTF-8"):
        Tape.replay(spoilt, IDENTITY)


@pytest.mark.parametrize(
    "content",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{0}']]",
        "version: 1\ninteractions: !!python/object/apply:os.mkdir ['{0}']\n",
        '{{"version": 1, "interactions": !!python/object/apply:os.mkdir ["{0}"]}}',
        '{{"py/object": "os.mkdir", "py/reduce": ["{0}"]}}',
        "cos\nmkdir\n(S'{0}'\ntR.",
    ],
)
def test_a_file_that_would_have_python_run_is_corrupt_and_nothing_runs(
    cassette: Path, tmp_path: Path, content: str
) -> None:
    cassette.write_text(content.format(tmp_path / "ran"))
    with pytest.raises(CassetteCorrupt, match=r"round-1\.json"):
        Tape.replay(cassette, IDENTITY)
    assert not (tmp_path / "ran").exists()


def test_json_errors_are_told_with_their_line(cassette: Path) -> None:
    lines = cassette.read_text().splitlines()
    cassette.write_text("\n".join(["<<<<<<< ours", *lines]))
    with pytest.raises(CassetteCorrupt, match=r"round-1\.json:1: "):
        Tape.replay(cassette, IDENTITY)


def test_an_undecodable_file_is_told_with_its_line(cassette: Path) -> None:
    cassette.write_bytes(cassette.read_bytes().replace(b"there", b"th\xffre", 1))
    with pytest.raises(CassetteCorrupt, match=r"line \d+ is not UTF-8"):
        Tape.replay(cassette, IDENTITY)


def test_a_file_nested_too_deeply_is_corrupt(cassette: Path) -> None:
    cassette.write_text("[" * 100_000)
    with pytest.raises(CassetteCorrupt, match="deep"):
        Tape.replay(cassette, IDENTITY)


def test_a_file_that_is_too_large_is_corrupt(cassette: Path) -> None:
    with cassette.open("r+b") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(CassetteCorrupt, match="64 MiB"):
        Tape.replay(cassette, IDENTITY)


def set_at(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        for step in path[:-1]:
            tree = tree[step]
        tree[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_at("version", value=2),
        set_at("metadata", "format", value=2),
        set_at("metadata", "interactions", value=3),
        set_at("metadata", "interactions", value="2"),
        set_at("metadata", "measured", value="yes"),
        set_at("metadata", "outcome", value=None),
        set_at("metadata", "outcome", value="splendid"),
        set_at("metadata", "identity", "round", value="first"),
        set_at("metadata", "identity", "settings", value=[]),
        set_at("metadata", "surplus", value=1),
        set_at("interactions", value={}),
        set_at("interactions", 0, value=None),
        set_at("interactions", 0, "request", value={}),
        set_at("interactions", 0, "request", "uri", value=7),
        set_at("interactions", 0, "request", "headers", value=[]),
        set_at("interactions", 0, "response", "status", "code", value="200"),
        set_at("interactions", 0, "response", "status", "code", value=-1),
        set_at("interactions", 0, "response", "timing", "ttfb_s", value="fast"),
        set_at("interactions", 0, "response", "headers", value={"a": "b"}),
        set_at("interactions", 0, "response", "body", value="text"),
        set_at("interactions", 0, "response", "body", value={"text": 1}),
        set_at("interactions", 0, "response", "body", value={"base64": "***"}),
        set_at("interactions", 0, "response", "body", value={"json": 1, "style": "fancy"}),
        set_at("interactions", 0, "response", "body", value={"text": "a", "base64": "YQ=="}),
        set_at("interactions", 0, "response", "body", value={"sse": [1]}),
        set_at("interactions", 0, "response", "body", value={"sse": [{"data": 1, "padding": -1}]}),
        set_at("interactions", 0, "response", "body", value={"text": {"$lines": 1}}),
        lambda tree: tree["interactions"].pop(),
        lambda tree: tree.pop("metadata"),
        lambda tree: tree.clear(),
    ],
)
def test_a_file_of_another_shape_is_corrupt(cassette: Path, change: Callable[[Any], None]) -> None:
    edit(cassette, change)
    with pytest.raises(CassetteCorrupt, match=r"no valid cassette: .+"):
        Tape.replay(cassette, IDENTITY)


@pytest.mark.parametrize("content", [b"", b"  \n", b"null\n", b"[]", b"{}", b'"text"', b"a: 1\n"])
def test_other_files_are_corrupt(cassette: Path, content: bytes) -> None:
    cassette.write_bytes(content)
    with pytest.raises(CassetteCorrupt):
        Tape.replay(cassette, IDENTITY)


def test_a_folder_in_its_place_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CassetteCorrupt, match="cannot be read"):
        Tape.replay(tmp_path, IDENTITY)


# -- stale


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            replace(IDENTITY, prompt_sha256="1" * 64),
            "the prompt has changed (SHA-256 recorded 0000",
        ),
        (replace(IDENTITY, round=2), "round: recorded 1, now 2"),
        (replace(IDENTITY, agent="opus"), 'agent: recorded "sample", now "opus"'),
        (replace(IDENTITY, plugin="llm"), 'plugin: recorded "anthropic", now "llm"'),
        (replace(IDENTITY, scenario="hard"), 'scenario: recorded "basic", now "hard"'),
        (replace(IDENTITY, format="metadata"), 'format: recorded "minimal", now "metadata"'),
        (
            replace(IDENTITY, settings={**IDENTITY.settings, "model": "n"}),
            'settings.model: recorded "m", now "n"',
        ),
        (
            replace(IDENTITY, settings={**IDENTITY.settings, "temperature": 0.5}),
            "settings.temperature: recorded null, now 0.5",
        ),
        (
            replace(IDENTITY, settings={**IDENTITY.settings, "max_tokens": 100.0}),
            "settings.max_tokens: recorded 100, now 100.0",
        ),
    ],
)
def test_a_stale_recording_says_what_changed(cassette: Path, now: Identity, said: str) -> None:
    with pytest.raises(CassetteStale, match=re.escape(said)) as caught:
        Tape.replay(cassette, now)
    assert f"ferrotape record --agent {now.agent}" in caught.value.hint


def test_all_changes_are_told_at_once(cassette: Path) -> None:
    with pytest.raises(CassetteStale, match=r"round: .*; scenario: "):
        Tape.replay(cassette, replace(IDENTITY, round=2, scenario="hard"))


def test_a_new_option_that_is_not_set_keeps_recordings_valid(cassette: Path) -> None:
    now = replace(IDENTITY, settings={**IDENTITY.settings, "top_k": None, "stop": ("a",)})
    assert Tape.replay(cassette, now).identity == now


# -- misses and leftovers


def test_a_miss_is_answered_once_and_raised_on_close(cassette: Path) -> None:
    tape = Tape.replay(cassette, IDENTITY)
    with httpx2.Client(transport=TapeTransport(tape)) as client:
        response = client.post(URL, json={"prompt": "three"})
    assert response.status_code == 400
    assert response.headers["x-should-retry"] == "false"
    with pytest.raises(CassetteMiss) as caught:
        tape.close()
    assert '-{"prompt": "one"}\n+{"prompt": "three"}' in caught.value.message


def test_the_difference_is_shown_to_the_nearest_request(tmp_path: Path) -> None:
    long = [f"line {number}" for number in range(40)]
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    ask(tape, "short", "\n".join(long), inner=served())
    tape.close()
    long[20] = "another line"
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    ask(again, "\n".join(long))
    with pytest.raises(CassetteMiss) as caught:
        again.close()
    changed = [line for line in caught.value.message.splitlines() if re.match(r"[+-] ", line)]
    assert [line.strip("+-, ") for line in changed] == ['"line 20"', '"another line"']


def test_asking_once_more_than_recorded_is_a_miss_that_says_so(cassette: Path) -> None:
    tape = Tape.replay(cassette, IDENTITY)
    ask(tape, "one", "two", "one")
    with pytest.raises(CassetteMiss, match="recorded once and asked once more"):
        tape.close()


def test_calls_that_were_not_made_are_an_error(cassette: Path) -> None:
    tape = Tape.replay(cassette, IDENTITY)
    ask(tape, "one")
    with pytest.raises(CassetteUnused, match=r"1 of the 2 calls .*counted from 0: 1"):
        tape.close()


def test_missing_corrupt_and_stale_are_three_errors_each_with_what_to_do(cassette: Path) -> None:
    broken = cassette.with_name("broken.json")
    broken.write_bytes(cassette.read_bytes()[:-10])
    tries: list[tuple[Path, Identity]] = [
        (cassette.with_name("none.json"), IDENTITY),
        (broken, IDENTITY),
        (cassette, replace(IDENTITY, round=2)),
    ]
    kinds = []
    for path, identity in tries:
        with pytest.raises(CassetteError) as caught:
            Tape.replay(path, identity)
        kinds.append(caught.type)
        assert str(path) in caught.value.message
        assert "ferrotape record" in caught.value.hint
    assert kinds == [CassetteMissing, CassetteCorrupt, CassetteStale]


def test_a_crash_of_the_agent_is_no_fault_of_the_recording(cassette: Path) -> None:
    tape = Tape.replay(cassette, IDENTITY)
    ask(tape, "one")
    tape.close("crashed")
    assert len(tape.calls) == 1


def test_vcrpy_does_not_log_responses(cassette: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Tape.replay(cassette, IDENTITY)
    assert not [record for record in caplog.records if record.name.startswith("vcr")]
