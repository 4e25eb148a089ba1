"""Runs one program and leaves nothing behind: a process of its own, started by `Programs`.

    python -I -S keeper.py PARENT-PID COMMAND...

On Linux the keeper is the subreaper of all that descends from it: a child that goes into a
session of its own and outlives its parent becomes a child of the keeper. When the program ends,
when the keeper is told to end (SIGTERM, SIGINT, SIGHUP), or when its parent is gone, it kills
everything below it, waits until there is no child left, and ends as the program did. On other
systems a descendant whose parent has gone can't be found any more.

It is started by its path, without site-packages and without Ferrotape, to be up in 15 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

NOT_STARTED = 127
TOLD_TO_END = 143
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAUSE_S = 0.002
_PATIENCE_S = 5.0
"""How long to wait for a process that does not die of SIGKILL: one stuck in the kernel."""
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Keeps a program; returns the exit status, or ends by the signal that ended the program."""
    parent, command = int(arguments[0]), list(arguments[1:])
    # Blocked, so that they wait for `sigwait`; in particular those that arrive from now on.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        return TOLD_TO_END
    try:
        child = os.posix_spawn(
            command[0],
            command,
            os.environ,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them
        )
    except OSError as error:
        os.write(2, f"{command[0]} could not be started: {error.strerror}\n".encode())
        return NOT_STARTED
    _let_go_of_pipes()
    status = _wait(child)
    _end_all()
    if status is None:
        return TOLD_TO_END
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def _let_go_of_pipes() -> None:
    """So that the other ends see when the program closes them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _wait(child: int) -> int | None:
    """The child's wait status, or None if the keeper is told to end first."""
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        for pid, status in _reaped():
            if pid == child:
                return status
    return None


def _reaped() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(ended)
    return found


def _end_all() -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_PAUSE_S)


def _end_by(number: int) -> None:
    """Ends this process by the signal that ended the program, without a core dump of its own."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # SIGKILL and SIGSTOP have no handler
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)


def descendants(root: int) -> list[int]:
    """The processes below `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(root, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def _processes() -> list[tuple[int, int]]:
    """Each process and its parent."""
    if not os.path.isdir("/proc/self"):  # noqa: PTH112 - pathlib costs the start half its time
        with os.popen("ps -A -o pid=,ppid=") as listing:  # noqa: S605 - no input in it
            return [(int(pid), int(parent)) for pid, parent in map(str.split, listing)]
    pairs = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - as above
        if name.isdigit():
            with suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The name, in parentheses, may hold anything.
                pairs.append((int(name), int(file.read().rpartition(b")")[2].split()[1])))
    return pairs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
