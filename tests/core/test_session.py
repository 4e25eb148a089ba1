from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest

from ferrotape import Session
from ferrotape.cassettes import Identity, Tape
from ferrotape.cassettes.rules import PLAIN
from ferrotape.errors import PluginError
from ferrotape.sandbox import Ended
from ferrotape.session import Folders, Sessions, rules_of, trial_folders

IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256="0"
)


@pytest.fixture
def folders() -> Iterator[Folders]:
    with trial_folders() as made:
        yield made


def session(tape: Tape, folders: Folders, sessions: Sessions) -> Session:
    return sessions.open(tape, folders, timeout_s=5, env={"KEY": "secret"})


def test_folders_are_made_when_needed_empty_for_each_attempt_and_removed(tmp_path: Path) -> None:
    tape = Tape.record(tmp_path / "t.json", IDENTITY)
    with Sessions() as sessions, trial_folders() as folders:
        first = session(tape, folders, sessions)
        (first.workspace / "left.rs").write_text("x")
        (first.home / ".state").mkdir()
        second = session(tape, folders, sessions)
        assert second.workspace == first.workspace
        assert list(second.workspace.iterdir()) == list(second.home.iterdir()) == []
        assert not folders.trial.stat().st_mode & 0o077
        kept = folders.trial
    assert not kept.exists()


def test_a_trial_that_needs_no_folders_gets_none(tmp_path: Path, folders: Folders) -> None:
    agent = SimpleNamespace(name="plain-one")
    assert rules_of(agent, folders) is PLAIN  # type: ignore[arg-type]
    with Sessions() as sessions:
        session(Tape.record(tmp_path / "t.json", IDENTITY), folders, sessions)
    assert folders._root is None


def test_unknown_traffic_is_a_mistake_of_the_plugin(folders: Folders) -> None:
    agent = SimpleNamespace(name="odd", traffic="pigeons")
    with pytest.raises(PluginError, match="'pigeons'") as caught:
        rules_of(agent, folders)  # type: ignore[arg-type]
    assert "plain, program" in caught.value.hint


def test_secrets_are_for_recording_only(tmp_path: Path, folders: Folders) -> None:
    Tape.record(tmp_path / "t.json", IDENTITY).close()
    with Sessions() as sessions:
        recording = session(Tape.record(tmp_path / "u.json", IDENTITY), folders, sessions)
        replaying = session(Tape.replay(tmp_path / "t.json", IDENTITY), folders, sessions)
    assert (recording.env, recording.replaying) == ({"KEY": "secret"}, False)
    assert (replaying.env, replaying.replaying) == ({}, True)


def test_what_goes_through_the_session_is_on_the_tape(tmp_path: Path, folders: Folders) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"told": len(asked)})

    def told(tape: Tape) -> object:
        with Sessions() as sessions:
            transport = session(tape, folders, sessions).through(httpx2.MockTransport(answer))
            with httpx2.Client(transport=transport) as client:
                got = client.post("http://program.invalid/x", json={"a": 1}).json()
        tape.close()
        return got

    assert told(Tape.record(tmp_path / "t.json", IDENTITY)) == {"told": 1}
    assert told(Tape.replay(tmp_path / "t.json", IDENTITY)) == {"told": 1}
    assert len(asked) == 1


def test_one_proxy_serves_all_trials_and_is_gone_after_the_run(
    tmp_path: Path, folders: Folders
) -> None:
    tapes = [Tape.record(tmp_path / f"{n}.json", IDENTITY) for n in range(2)]
    with Sessions() as sessions:
        one, other = (session(tape, folders, sessions) for tape in tapes)
        with one.proxy("http://127.0.0.1:9") as first, other.proxy("http://127.0.0.1:9") as second:
            assert first != second
            assert first.rpartition("/")[0] == second.rpartition("/")[0]
            assert httpx2.head(first).status_code == 200
    with pytest.raises(httpx2.ConnectError):
        httpx2.head(first)


def test_what_was_cut_off_is_known_before_it_is_repeated(tmp_path: Path, folders: Folders) -> None:
    tape = Tape.record(tmp_path / "t.json", IDENTITY)
    with Sessions() as sessions:
        recording = session(tape, folders, sessions)
        assert not recording.cut_off()
        slow = httpx2.MockTransport(lambda request: httpx2.Response(200, text="half"))
        with httpx2.Client(transport=recording.through(slow)) as client:
            client.post("http://program.invalid/x")
        tape.close("timeout")
        again = Tape.replay(tmp_path / "t.json", IDENTITY)
        assert session(again, folders, sessions).cut_off()
    again.close("timeout")
    assert again.calls == tape.calls


def test_cancelling_ends_programs(tmp_path: Path, folders: Folders) -> None:
    with Sessions() as sessions:
        opened = session(Tape.record(tmp_path / "t.json", IDENTITY), folders, sessions)
        sessions.cancel()
        outcome = opened.programs.run(
            [sys.executable, "-c", ""], cwd=opened.workspace, env={}, wall_s=5
        )
    assert outcome.ended is Ended.CANCELLED


def test_a_session_that_was_lent_nothing_says_so() -> None:
    bare = Session(transport=httpx2.MockTransport(lambda _: None), timeout_s=1, replaying=True)  # type: ignore[arg-type, return-value]
    with pytest.raises(RuntimeError, match="no folders"):
        _ = bare.workspace
