"""Saving: a process killed in the middle leaves the old cassette or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from ferrotape.cassettes import Identity, Tape, TapeTransport

WRITER = """
import sys
from pathlib import Path
import httpx2
from ferrotape.cassettes import Identity, Tape, TapeTransport

identity = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
inner = httpx2.MockTransport(lambda _: httpx2.Response(200, text=sys.argv[2] * 4_000_000))
tape = Tape.record(Path(sys.argv[1]), identity)
with httpx2.Client(transport=TapeTransport(tape, inner)) as client:
    client.get("http://x/")
print("ready", flush=True)
tape.close()
"""
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import httpx2
from ferrotape.cassettes import Identity, Tape, TapeTransport

identity = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
path, times = Path(sys.argv[1]), int(sys.argv[2])

def save(letter):
    inner = httpx2.MockTransport(lambda _: httpx2.Response(200, text=letter * 200_000))
    tape = Tape.record(path, identity)
    with httpx2.Client(transport=TapeTransport(tape, inner)) as client:
        client.get("http://x/")
    tape.close()

def replayed():
    tape = Tape.replay(path, identity)
    with httpx2.Client(transport=TapeTransport(tape)) as client:
        text = client.get("http://x/").text
    tape.close()
    return text

save("o")
whole = {letter * 200_000 for letter in "ona"}
for attempt in range(times):
    child = os.fork()
    if child == 0:
        while True:
            save("n")
            save("a")
    time.sleep(random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert replayed() in whole, attempt
print("whole", times, "times; unfinished", len(list(path.parent.glob(".*.tmp"))))
"""
IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)


def start(path: Path, letter: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), letter]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def replayed_letters(path: Path) -> set[str]:
    with httpx2.Client(transport=TapeTransport(Tape.replay(path, IDENTITY))) as client:
        return set(client.get("http://x/").text)


@pytest.mark.slow
def test_a_writer_killed_while_saving_leaves_a_whole_cassette(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with start(path, "o") as writer:
        assert writer.wait() == 0
    before = path.stat()
    interrupted = 0
    for attempt in range(6):
        with start(path, "n") as writer:
            while path.stat().st_ino == before.st_ino and not list(tmp_path.glob(".*.tmp")):
                if writer.poll() is not None:
                    break
                time.sleep(0.0005)
            time.sleep(0.001 * attempt)
            writer.send_signal(signal.SIGKILL)
            interrupted += writer.wait() == -signal.SIGKILL
        assert replayed_letters(path) in ({"o"}, {"n"})
        for draft in tmp_path.glob(".*.tmp"):
            draft.unlink()
    assert interrupted, "no writer was killed in time"


@pytest.mark.slow
def test_saves_that_are_killed_at_random_moments_never_leave_a_broken_cassette(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.json"
    command = [sys.executable, "-c", KILLER, str(path), "150"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("whole 150 times")
    assert not done.stdout.endswith(" 0\n"), "no save was interrupted"
