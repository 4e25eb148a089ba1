from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ferrotape.errors import SandboxError
from ferrotape.sandbox import (
    MIB,
    Ended,
    Limits,
    LimitsSandbox,
    Outcome,
    Sandbox,
    View,
    open_sandbox,
)
from ferrotape.sandbox.limits import bond_words, prlimit_words, shell_words

GENEROUS = Limits(wall_s=60, cpu_s=30)
PRLIMIT = shutil.which("prlimit")


def python(sandbox: Sandbox, workdir: Path, code: str, limits: Limits = GENEROUS) -> Outcome:
    view = View(workdir=workdir, env={"GREETING": "hello"})
    return sandbox.run([sys.executable, "-I", "-S", "-c", code], view, limits)


def gone(pid: int) -> bool:
    """Whether a process is no more; it is given a moment to be buried by init."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists():
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        time.sleep(0.02)
    return False


@pytest.fixture
def sandbox() -> LimitsSandbox:
    return LimitsSandbox()


def test_the_factory_opens_a_sandbox_with_a_named_policy():
    assert open_sandbox().policy == "limits/2"


def test_status_and_both_outputs_are_reported(sandbox, tmp_path):
    outcome = python(
        sandbox, tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    )
    assert (outcome.ended, outcome.code, outcome.ok) == (Ended.EXIT, 3, False)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")


def test_success_is_ok(sandbox, tmp_path):
    assert python(sandbox, tmp_path, "pass").ok


def test_nothing_of_the_environment_is_inherited(sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    outcome = python(sandbox, tmp_path, "import os; print(sorted(os.environ))")
    names = set(eval(outcome.stdout))  # noqa: S307 - our own output
    # Python itself adds LC_CTYPE; a shell adds PWD and the like.
    assert "GREETING" in names
    assert names <= {"GREETING", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"}


def test_it_works_in_its_folder_with_nothing_on_stdin(sandbox, tmp_path):
    outcome = python(sandbox, tmp_path, "import os, sys; print(os.getcwd(), len(sys.stdin.read()))")
    assert outcome.stdout.decode().split() == [str(tmp_path.resolve()), "0"]


def test_no_descriptor_of_ours_is_inherited(sandbox, tmp_path):
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        outcome = python(
            sandbox,
            tmp_path,
            "import os\n"
            "def is_open(n):\n"
            "    try: os.fstat(n)\n"
            "    except OSError: return False\n"
            "    return True\n"
            "print([n for n in range(3, 64) if is_open(n)])",
        )
    assert outcome.stdout == b"[]\n"


def test_a_signal_is_told_from_an_exit(sandbox, tmp_path):
    outcome = python(sandbox, tmp_path, "import os; os.abort()")
    assert (outcome.ended, outcome.code) == (Ended.SIGNAL, signal.SIGABRT)


def test_a_process_that_takes_too_long_is_stopped(sandbox, tmp_path):
    outcome = python(
        sandbox,
        tmp_path,
        "import time; print('begun', flush=True); time.sleep(600)",
        Limits(wall_s=1, cpu_s=30),
    )
    assert (outcome.ended, outcome.stdout) == (Ended.TIMEOUT, b"begun\n")


def test_processor_time_is_limited(sandbox, tmp_path):
    outcome = python(sandbox, tmp_path, "while True: pass", Limits(wall_s=60, cpu_s=1))
    assert (outcome.ended, outcome.code) == (Ended.TIMEOUT, signal.SIGXCPU)


def test_address_space_is_limited(sandbox, tmp_path):
    limits = Limits(wall_s=60, cpu_s=30, memory_bytes=512 * MIB)
    outcome = python(sandbox, tmp_path, "bytearray(1 << 30)", limits)
    assert not outcome.ok
    assert b"MemoryError" in outcome.stderr


def test_the_size_of_files_is_limited(sandbox, tmp_path):
    limits = Limits(wall_s=60, cpu_s=30, file_bytes=4096)
    outcome = python(sandbox, tmp_path, "open('f', 'wb').write(bytes(10_000))", limits)
    assert not outcome.ok
    assert (tmp_path / "f").stat().st_size <= 4096


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_too_much_output_ends_it(sandbox, tmp_path, stream):
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 4096)"
    outcome = python(sandbox, tmp_path, code, Limits(wall_s=60, cpu_s=30, output_bytes=100_000))
    assert outcome.ended is Ended.OUTPUT
    assert getattr(outcome, stream) == b"x" * 100_000


def test_output_up_to_the_limit_is_whole(sandbox, tmp_path):
    code = "import sys; sys.stdout.write('x' * 100_000)"
    outcome = python(sandbox, tmp_path, code, Limits(wall_s=60, cpu_s=30, output_bytes=100_000))
    assert outcome.ok
    assert len(outcome.stdout) == 100_000


CHILD = (
    "import os, sys, time\n"
    "pid = os.fork()\n"
    "if pid == 0:\n"
    "    {child}\n"
    "    time.sleep(600)\n"
    "print(pid, flush=True)\n"
    "{parent}\n"
)


@pytest.mark.parametrize("parent", ["pass", "time.sleep(600)"])
def test_children_are_gone_when_it_has_ended(sandbox, tmp_path, parent):
    code = CHILD.format(child="pass", parent=parent)
    outcome = python(sandbox, tmp_path, code, Limits(wall_s=2, cpu_s=30))
    assert gone(int(outcome.stdout))


def test_a_child_that_fled_into_a_session_of_its_own_holds_nothing_up(sandbox, tmp_path):
    code = CHILD.format(child="os.setsid()", parent="os._exit(0)")
    outcome = python(sandbox, tmp_path, code)
    try:
        assert outcome.ok
        assert outcome.wall_s < 60
    finally:
        os.kill(int(outcome.stdout), signal.SIGKILL)


def test_a_program_that_is_not_there_is_an_error(sandbox, tmp_path):
    with pytest.raises(SandboxError, match="no-such-program"):
        sandbox.run([str(tmp_path / "no-such-program")], View(workdir=tmp_path), GENEROUS)


def test_a_folder_that_is_not_there_is_an_error(sandbox, tmp_path):
    with pytest.raises(SandboxError, match="could not be started"):
        python(sandbox, tmp_path / "missing", "pass")


def test_cancel_ends_what_runs_and_refuses_what_comes_later(sandbox, tmp_path):
    code = "open('begun', 'w').close()\nimport time; time.sleep(600)"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(python, sandbox, tmp_path, code)
        while not (tmp_path / "begun").exists() and not running.done():
            time.sleep(0.01)
        sandbox.cancel()
        outcome = running.result()
    assert outcome.ended is Ended.CANCELLED
    assert python(sandbox, tmp_path, "print('ran')").ended is Ended.CANCELLED


def test_cancel_may_come_from_a_signal_handler(sandbox, tmp_path):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    before = signal.signal(signal.SIGUSR1, lambda *_: sandbox.cancel())
    try:
        timer.start()
        outcome = python(sandbox, tmp_path, "import time; time.sleep(600)")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert outcome.ended is Ended.CANCELLED


def test_many_threads_may_use_it_at_once(sandbox, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda n: python(sandbox, tmp_path, f"print({n})"), range(16)))
    assert [int(outcome.stdout) for outcome in outcomes] == list(range(16))


def test_it_works_where_the_system_cannot_tell_when_a_process_ends(sandbox, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert python(sandbox, tmp_path, "print('x' * 200_000)").stdout == b"x" * 200_000 + b"\n"
    slow = python(sandbox, tmp_path, "import time; time.sleep(600)", Limits(wall_s=1, cpu_s=30))
    assert slow.ended is Ended.TIMEOUT


HOST = """
import sys
from pathlib import Path
from ferrotape.sandbox import Limits, View, open_sandbox
program = "import os, time; print(os.getpid(), file=open('pid.tmp', 'w'), flush=True)\\n"
program += "os.rename('pid.tmp', 'pid'); time.sleep(600)"
view = View(workdir=Path(sys.argv[1]))
command = [sys.executable, "-I", "-S", "-c", program]
{run}
"""
RUN = "open_sandbox().run(command, view, Limits(wall_s=600, cpu_s=30))"
IN_A_THREAD = f"import threading; threading.Thread(target=lambda: {RUN}).start()"


@pytest.mark.skipif(not bond_words(), reason="needs setpriv of util-linux")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("run", [RUN, IN_A_THREAD], ids=["main", "thread"])
def test_what_runs_does_not_outlive_ferrotape_however_that_ends(tmp_path, run, end):
    command = [sys.executable, "-c", HOST.format(run=run), str(tmp_path)]
    with subprocess.Popen(command) as host:
        while not (tmp_path / "pid").exists():
            assert host.poll() is None
            time.sleep(0.01)
        host.send_signal(end)
    pid = int((tmp_path / "pid").read_text())
    try:
        assert gone(pid)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def fake_setpriv(folder: Path, script: str) -> None:
    file = folder / "setpriv"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("script", ["", "echo unknown option >&2; exit 1"])
def test_it_works_without_a_way_to_end_with_ferrotape(tmp_path, monkeypatch, script):
    if script:
        fake_setpriv(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bond_words() == []
    assert python(open_sandbox(), tmp_path, "print('ran')").stdout == b"ran\n"


LAUNCHERS = [pytest.param(shell_words, id="shell")]
if PRLIMIT:
    LAUNCHERS.append(pytest.param(lambda limits: prlimit_words(PRLIMIT, limits), id="prlimit"))


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit of address space")
def test_each_way_of_setting_limits_sets_all_of_them(launcher, tmp_path):
    limits = Limits(wall_s=60, cpu_s=6.5, memory_bytes=768 * MIB, file_bytes=8 * MIB)
    names = "RLIMIT_CPU RLIMIT_AS RLIMIT_FSIZE RLIMIT_NOFILE RLIMIT_CORE"
    code = f"import resource as r; print([r.getrlimit(getattr(r, n)) for n in '{names}'.split()])"
    outcome = python(LimitsSandbox(launcher), tmp_path, code, limits)
    cpu, *others = eval(outcome.stdout)  # noqa: S307 - our own output
    assert cpu == (7, 8)
    assert [soft for soft, _ in others] == [768 * MIB, 8 * MIB, 1024, 0]
    assert all(soft == hard for soft, hard in others)
