"""Agent programs: started with an explicit environment, and gone with all that they started.

An agent program is trusted with the network and with its folders; what it writes is not, and is
judged in the sandbox. So nothing is hidden from it here. What is held is its time, its output,
and that no process of it stays, whatever session it went into: see `keeper`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ferrotape.errors import SandboxError, ToolMissing
from ferrotape.sandbox.keeper import descendants
from ferrotape.sandbox.outcome import MIB, Ended, Outcome
from ferrotape.sandbox.watch import watch

_KEEPER = Path(__file__).with_name("keeper.py")
_PATIENCE_S = 10.0
"""How long a keeper may take to end its program."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Programs:
    """Runs the agent programs of a run. Thread-safe."""

    def __init__(self) -> None:
        # Re-entrant: Ctrl-C may call `cancel` in a thread that holds it.
        self._lock = threading.RLock()
        self._running: set[int] = set()
        self._cancelled = False

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        wall_s: float,
        stdin: str = "",
        output_bytes: int = 16 * MIB,
    ) -> Outcome:
        """Runs a program to its end, or until it meets a limit, and ends what it started.

        Args:
            command: The program, by path or by a name on the PATH of `env`, and its arguments.
            cwd: Its working folder.
            env: Its whole environment; nothing is inherited.
            wall_s: Seconds it may take.
            stdin: What it reads, as UTF-8.
            output_bytes: The most it may write to stdout, and to stderr.

        Raises:
            ToolMissing: There is no such program.
            SandboxError: It could not be started.
        """
        program = find_program(command[0], env)
        if self._cancelled:
            return Outcome(ended=Ended.CANCELLED, code=0, stdout=b"", stderr=b"", wall_s=0.0)
        begun = time.monotonic()
        process = self._start([program, *command[1:]], cwd, env, stdin)
        try:
            watched = watch(process, begun + wall_s, output_bytes)
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
        """Ends what runs now and refuses what comes later, from any thread or signal handler."""
        with self._lock:
            self._cancelled = True
            for pid in tuple(self._running):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)

    def _start(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str
    ) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-I", "-S", str(_KEEPER), str(os.getpid()), *command]
        # A file and not a pipe: nobody has to write while the program reads or does not.
        with tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    words,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=cwd,
                    env=dict(env),
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise SandboxError(f"{command[0]} could not be started: {error}") from error
        with self._lock:
            self._running.add(process.pid)
            if self._cancelled:
                os.kill(process.pid, signal.SIGTERM)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:  # before it is waited for: then another process may get its number
            self._running.discard(process.pid)
        try:
            if process.poll() is None:
                process.terminate()
                process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:  # the keeper itself was stopped
            for pid in (process.pid, *descendants(process.pid)):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
        finally:
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def _how(self, returncode: int, stopped: Ended | None) -> Ended:
        if stopped is not None:
            return stopped
        if self._cancelled:
            return Ended.CANCELLED
        return Ended.EXIT if returncode >= 0 else Ended.SIGNAL


def find_program(name: str, env: Mapping[str, str]) -> str:
    """The absolute path of a program.

    Raises:
        ToolMissing: There is none of that name on the PATH of `env`, or at that path.
    """
    found = shutil.which(name, path=env.get("PATH", ""))
    if found is None:
        raise ToolMissing(
            f"there is no program {name!r} on the PATH",
            hint="Install it, or give its path in the agent's options.",
        )
    return str(Path(found).absolute())


def basic_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for a program: where programs are, its language, its home, and `extra`.

    No secret is in it, for no other variable of Ferrotape's own environment is.
    """
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    folders = {"HOME": str(home), "TMPDIR": str(temporary)}
    return {"LANG": "C.UTF-8", **kept, **folders, **(extra or {})}
