"""The sandbox level that works everywhere: resource limits, a session of its own, no inheritance.

It bounds what a process can use up, and kills it with its process group at the end. On Linux with
util-linux the process, though not its children, also dies with Ferrotape, however that ends.

It does not hide the disk or the network, bound the number of processes, or reach a child that went
into a session or process group of its own: that may go on. All this takes a level built on
namespaces, which fits behind the same protocol and is chosen in `open_sandbox`.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ferrotape.errors import SandboxError, ToolMissing
from ferrotape.sandbox.outcome import Ended, Limits, Outcome, Sandbox, View
from ferrotape.sandbox.trusted import run_trusted
from ferrotape.sandbox.watch import watch

OPEN_FILES = 1024
_SHELL = "/bin/sh"

Launcher = Callable[[Limits], list[str]]
"""The words to put before a command so that it runs under the limits."""


def open_sandbox() -> Sandbox:
    """The strongest level that works on this machine."""
    return LimitsSandbox()


class LimitsSandbox:
    """Runs processes under limits of CPU time, address space, file size and open files.

    Thread-safe: any number of threads may run processes at the same time.

    Args:
        launcher: How to set the limits; by what this machine has if not given.
    """

    policy = "limits/2"

    def __init__(self, launcher: Launcher | None = None) -> None:
        self._launcher = launcher or find_launcher()
        # Re-entrant, because Ctrl-C may call `cancel` from a signal handler in a thread that
        # holds it.
        self._lock = threading.RLock()
        self._running: set[int] = set()
        self._cancelled = False

    def run(self, command: Sequence[str], view: View, limits: Limits) -> Outcome:
        """Runs `command` to its end, or to the first limit it meets.

        Raises:
            SandboxError: The process could not be started.
        """
        if self._cancelled:
            return _refused()
        begun = time.monotonic()
        process = self._start(command, view, limits)
        try:
            watched = watch(process, begun + limits.wall_s, limits.output_bytes)
        finally:
            self._end(process)
        return Outcome(
            ended=self._how(process.returncode, watched.stopped),
            code=abs(process.returncode),
            stdout=watched.stdout,
            stderr=watched.stderr,
            wall_s=time.monotonic() - begun,
        )

    def cancel(self) -> None:
        """Kills what runs now and refuses what comes later, from any thread or signal handler."""
        with self._lock:
            self._cancelled = True
            for pid in tuple(self._running):
                _kill_group(pid)

    def _start(self, command: Sequence[str], view: View, limits: Limits) -> subprocess.Popen[bytes]:
        if not os.access(command[0], os.X_OK):
            raise SandboxError(f"{command[0]} is no program that can be started")
        try:
            process = subprocess.Popen(
                [*self._launcher(limits), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=view.workdir,
                env=dict(view.env),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SandboxError(f"{command[0]} could not be started: {error}") from error
        with self._lock:
            self._running.add(process.pid)
            if self._cancelled:
                _kill_group(process.pid)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Kills the process group, then waits for its leader.

        In this order, because until it has been waited for, no other process can get its number.
        """
        with self._lock:
            _kill_group(process.pid)
            self._running.discard(process.pid)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def _how(self, returncode: int, stopped: Ended | None) -> Ended:
        if stopped is not None:
            return stopped
        if returncode >= 0:
            return Ended.EXIT
        if self._cancelled:
            return Ended.CANCELLED
        if returncode == -signal.SIGXCPU:
            return Ended.TIMEOUT
        return Ended.SIGNAL


def find_launcher() -> Launcher:
    """How limits are set on this machine.

    By programs that set them on themselves and then become the command: a `preexec_fn` is not safe
    in a process with threads and costs a full fork, and limits set from outside come too late.
    """
    bond = bond_words()
    prlimit = shutil.which("prlimit")
    if prlimit is not None:
        return lambda limits: [*bond, *prlimit_words(prlimit, limits)]
    return lambda limits: [*bond, *shell_words(limits)]


def bond_words() -> list[str]:
    """Has the kernel kill the command when Ferrotape is gone; nothing where that can't be had.

    By `setpriv` of util-linux, tried out here because others, such as BusyBox's, cannot do it.
    The kernel goes by the thread that started the process, which in `run` waits for its end.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    words = [setpriv, "--pdeathsig", "KILL", "--"]
    try:
        works = run_trusted([*words, _SHELL, "-c", ":"]).returncode == 0
    except ToolMissing:
        return []
    return words if works else []


def prlimit_words(prlimit: str, limits: Limits) -> list[str]:
    """Sets the limits by `prlimit` of util-linux."""
    cpu = math.ceil(limits.cpu_s)
    return [
        prlimit,
        f"--cpu={cpu}:{cpu + 1}",  # SIGXCPU first, SIGKILL if that is ignored
        f"--as={limits.memory_bytes}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={OPEN_FILES}",
        "--core=0",
        "--",
    ]


def shell_words(limits: Limits) -> list[str]:
    """Sets the limits by the `ulimit` of a POSIX shell; those that a system lacks are left out."""
    settings = {
        "-c": 0,
        "-n": OPEN_FILES,
        "-f": limits.file_bytes // 512,
        "-v": limits.memory_bytes // 1024,
        "-S -t": math.ceil(limits.cpu_s),  # before the hard limit, which must not be below it
        "-H -t": math.ceil(limits.cpu_s) + 1,
    }
    lines = [f"ulimit {flag} {value} 2>/dev/null" for flag, value in settings.items()]
    return [_SHELL, "-c", "; ".join([*lines, 'exec "$@"']), _SHELL]


def _refused() -> Outcome:
    return Outcome(ended=Ended.CANCELLED, code=0, stdout=b"", stderr=b"", wall_s=0.0)


def _kill_group(pid: int) -> None:
    # Gone already, or (on macOS) nothing but a zombie.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
