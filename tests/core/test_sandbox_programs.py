from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferrotape.errors import ToolMissing
from ferrotape.sandbox import Ended, Outcome, Programs, basic_environment, find_program
from ferrotape.sandbox.keeper import descendants

MARK = f"300.{os.getpid()}"
"""Seconds that nobody else sleeps."""
LEAVES_A_CHILD = f"""
import os, subprocess, sys
# In a session of its own, its parent gone, its outputs closed: nothing leads to it any more.
script = "setsid sleep {MARK} & echo $! > child.pid; setsid sh -c 'sleep {MARK} & sleep {MARK}'"
subprocess.Popen(
    ["/bin/sh", "-c", script], start_new_session=True, stdin=-3, stdout=-3, stderr=-3
)
"""
WAITS = "import time; print('up', flush=True); time.sleep(60)"


def run(program: str, cwd: Path, *, wall_s: float = 20, **options: object) -> Outcome:
    command = [sys.executable, "-c", program]
    return Programs().run(command, cwd=cwd, env=options.pop("env", {}), wall_s=wall_s, **options)  # type: ignore[arg-type]


def sleepers() -> list[str]:
    """What of the programs of these tests still runs."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if line.startswith(f"sleep {MARK}")]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    assert sleepers() == []


def test_a_program_gets_its_input_folder_and_environment_and_nothing_else(tmp_path: Path) -> None:
    program = "import os, sys; print(sys.stdin.read(), os.getcwd(), sorted(os.environ))"
    outcome = run(program, tmp_path, stdin="häß\n", env={"LC_CTYPE": "C.UTF-8", "A": "1"})
    assert outcome.ok
    assert outcome.stdout.decode() == f"häß\n {tmp_path} ['A', 'LC_CTYPE']\n"
    assert outcome.stderr == b""


@pytest.mark.parametrize(
    ("program", "ended", "code"),
    [
        ("raise SystemExit(3)", Ended.EXIT, 3),
        ("import os; os.kill(os.getpid(), 9)", Ended.SIGNAL, signal.SIGKILL),
        ("import os; os.kill(os.getpid(), 15)", Ended.SIGNAL, signal.SIGTERM),
        ("while True: print('x' * 100_000)", Ended.OUTPUT, 143),
        (WAITS, Ended.TIMEOUT, 143),
    ],
)
def test_how_a_program_ends_is_told(tmp_path: Path, program: str, ended: Ended, code: int) -> None:
    outcome = run(program, tmp_path, wall_s=1 if ended is Ended.TIMEOUT else 20)
    assert (outcome.ended, outcome.code) == (ended, code)


def test_a_program_that_ignores_broken_pipes_is_as_it_would_be_without_us(tmp_path: Path) -> None:
    program = (
        "import signal; print(signal.getsignal(signal.SIGPIPE), signal.pthread_sigmask(0, []))"
    )
    shell = ["/bin/sh", "-c", "kill -PIPE $$"]
    assert run(program, tmp_path).stdout.endswith(b"set()\n")
    ended = Programs().run(shell, cwd=tmp_path, env={}, wall_s=20)
    assert (ended.ended, ended.code) == (Ended.SIGNAL, signal.SIGPIPE)


def test_children_that_went_into_sessions_of_their_own_do_not_outlive_it(tmp_path: Path) -> None:
    outcome = run(f"{LEAVES_A_CHILD}\nimport time; time.sleep(0.2); print('done')", tmp_path)
    assert outcome.stdout == b"done\n"
    assert (tmp_path / "child.pid").exists()
    assert sleepers() == []


def test_neither_do_they_outlive_its_time(tmp_path: Path) -> None:
    assert run(LEAVES_A_CHILD + WAITS, tmp_path, wall_s=1).ended is Ended.TIMEOUT
    assert sleepers() == []


def test_cancelling_ends_what_runs_and_refuses_what_comes(tmp_path: Path) -> None:
    programs = Programs()
    outcomes: list[Outcome] = []
    command = [sys.executable, "-c", LEAVES_A_CHILD + WAITS]

    def work() -> None:
        outcomes.append(programs.run(command, cwd=tmp_path, env={}, wall_s=50))

    worker = threading.Thread(target=work)
    worker.start()
    while not (tmp_path / "child.pid").exists():
        time.sleep(0.01)
    programs.cancel()
    worker.join()
    outcomes.append(programs.run(command, cwd=tmp_path, env={}, wall_s=50))
    assert [outcome.ended for outcome in outcomes] == [Ended.CANCELLED, Ended.CANCELLED]


def test_nothing_outlives_ferrotape_itself(tmp_path: Path) -> None:
    host = f"""
import sys
from pathlib import Path
from ferrotape.sandbox import Programs
command = [sys.executable, "-c", {LEAVES_A_CHILD + WAITS!r}]
Programs().run(command, cwd=Path({str(tmp_path)!r}), env={{}}, wall_s=50)
"""
    with subprocess.Popen([sys.executable, "-c", host]) as process:
        while not (tmp_path / "child.pid").exists():
            time.sleep(0.01)
        process.kill()
    deadline = time.monotonic() + 10
    while sleepers() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sleepers() == []


def test_many_run_side_by_side(tmp_path: Path) -> None:
    programs = Programs()
    said: dict[int, bytes] = {}

    def work(number: int) -> None:
        command = [sys.executable, "-c", f"print({number})"]
        said[number] = programs.run(command, cwd=tmp_path, env={}, wall_s=50).stdout

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert said == {number: f"{number}\n".encode() for number in range(6)}


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no program 'no-such-program' on the PATH") as caught:
        Programs().run(["no-such-program"], cwd=tmp_path, env={"PATH": "/usr/bin"}, wall_s=1)
    assert "Install it" in caught.value.hint


def test_programs_are_found_on_the_path_of_their_own_environment(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert find_program("tool", {"PATH": str(tmp_path)}) == str(tool)
    assert find_program(str(tool), {}) == str(tool)


def test_the_basic_environment_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "marked")
    env = basic_environment(tmp_path, {"EXTRA": "1"})
    assert "marked" not in str(env)
    assert (env["HOME"], env["EXTRA"]) == (str(tmp_path), "1")
    assert Path(env["TMPDIR"]).is_dir()


def test_descendants_are_found_whatever_their_session() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "setsid sleep 5 & wait"]) as shell:
        while not descendants(shell.pid):
            time.sleep(0.01)
        below = descendants(os.getpid())
        assert shell.pid in below
        assert set(descendants(shell.pid)) < set(below)
        for pid in (*descendants(shell.pid), shell.pid):
            os.kill(pid, signal.SIGKILL)
