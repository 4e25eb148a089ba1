"""Sessions: what an agent gets for one attempt at a trial, and what the trials of a run share.

A trial has three private folders, `workspace`, `home` and `trial`, which holds the two. They are
made when they are first needed, empty for each attempt, and removed after the trial. For agents
whose `traffic` is `program` the tape holds names in place of their paths.
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ferrotape.cassettes import Tape, TapeTransport
from ferrotape.cassettes.guard import allow
from ferrotape.cassettes.places import Places
from ferrotape.cassettes.proxy import Proxy
from ferrotape.cassettes.rules import BY_NAME, Rules
from ferrotape.cassettes.timelimit import TimeLimit
from ferrotape.contracts import Agent, Session
from ferrotape.errors import PluginError
from ferrotape.sandbox import Programs, private_folder

if TYPE_CHECKING:
    import httpx2


class Folders:
    """The private folders of one trial."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._root: Path | None = None

    @property
    def trial(self) -> Path:
        """The folder that holds the others."""
        if self._root is None:
            # As programs name it, who ask the system where they are.
            self._root = self._stack.enter_context(private_folder()).resolve()
            self._make()
        return self._root

    @property
    def workspace(self) -> Path:
        """Where a program works."""
        return self.trial / "workspace"

    @property
    def home(self) -> Path:
        """Where a program keeps what is its own."""
        return self.trial / "home"

    def clear(self) -> None:
        """Empties the folders, if they have been made."""
        if self._root is not None:
            for folder in (self.workspace, self.home):
                shutil.rmtree(folder, ignore_errors=True)
            self._make()

    def _make(self) -> None:
        self.workspace.mkdir(exist_ok=True)
        self.home.mkdir(exist_ok=True)


@contextmanager
def trial_folders() -> Iterator[Folders]:
    """The folders of a trial, removed at the end."""
    with ExitStack() as stack:
        yield Folders(stack)


def rules_of(agent: Agent, folders: Folders) -> Rules:
    """The rules for an agent's traffic, by its optional attribute `traffic`.

    Raises:
        PluginError: There are no such rules.
    """
    traffic = getattr(agent, "traffic", "plain")
    if traffic not in BY_NAME:
        raise PluginError(
            f"agent {agent.name} has the traffic {traffic!r}, which is unknown",
            hint=f"Known: {', '.join(BY_NAME)}.",
        )
    rules = BY_NAME[traffic]
    if traffic == "plain":
        return rules
    places = {"workspace": folders.workspace, "home": folders.home, "trial": folders.trial}
    return rules.within(Places(places))


class Sessions:
    """Makes the sessions of a run, and ends its programs. Thread-safe; a context manager."""

    def __init__(self) -> None:
        self._programs = Programs()
        # Re-entrant, because Ctrl-C may call `cancel` in a thread that holds it.
        self._lock = threading.RLock()
        self._limits: weakref.WeakSet[TimeLimit] = weakref.WeakSet()
        self._cancelled = False
        self._proxy: Proxy | None = None
        self._allowed = ExitStack()

    def open(
        self, tape: Tape, folders: Folders, *, timeout_s: float, env: Mapping[str, str]
    ) -> Session:
        """The session of one attempt, with empty folders.

        Args:
            tape: The trial's.
            folders: The trial's.
            timeout_s: Seconds the agent may take.
            env: Where secrets are read from; not used in replay.
        """
        folders.clear()
        limit = TimeLimit(timeout_s)
        with self._lock:
            self._limits.add(limit)
            if self._cancelled:
                limit.cut()
        return Session(
            transport=TapeTransport(tape, limit=limit),
            timeout_s=timeout_s,
            replaying=tape.replaying,
            env={} if tape.replaying else env,
            _lent=_Lent(tape, folders, self._programs, self._running_proxy, timeout_s),
        )

    def cancel(self) -> None:
        """Ends the calls and programs under way, and refuses more; for Ctrl-C."""
        self._cancelled = True
        for limit in tuple(self._limits):
            limit.cut()
        self._programs.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            proxy, self._proxy = self._proxy, None
        self._allowed.close()
        if proxy is not None:
            proxy.stop()

    def _running_proxy(self) -> Proxy:
        with self._lock:
            if self._proxy is None:
                self._proxy = Proxy()
                self._proxy.start()
                self._allowed.enter_context(allow("127.0.0.1", self._proxy.port))
            return self._proxy


class _Lent:
    """What a session hands on to its agent; see `ferrotape.contracts.Lent`."""

    def __init__(
        self,
        tape: Tape,
        folders: Folders,
        programs: Programs,
        proxy: Callable[[], Proxy],
        timeout_s: float,
    ) -> None:
        self._tape = tape
        self._folders = folders
        self._proxy = proxy
        self._timeout_s = timeout_s
        self.programs = programs

    @property
    def workspace(self) -> Path:
        return self._folders.workspace

    @property
    def home(self) -> Path:
        return self._folders.home

    def through(self, inner: httpx2.BaseTransport) -> httpx2.BaseTransport:
        return TapeTransport(self._tape, None if self._tape.replaying else inner)

    def proxy(self, upstream: str, key: str, secrets: Iterable[str]) -> AbstractContextManager[str]:
        return self._proxy().door(
            self._tape, upstream=upstream, key=key, timeout_s=self._timeout_s, secrets=secrets
        )

    def cut_off(self) -> bool:
        return self._tape.cut_off()
