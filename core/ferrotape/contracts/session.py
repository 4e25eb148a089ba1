"""What an agent gets for one attempt at a trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx2

    from ferrotape.sandbox import Programs


@dataclass(frozen=True, kw_only=True)
class Session:
    """What an agent gets for one trial. It is bound to the trial's cassette."""

    transport: httpx2.BaseTransport
    """Send every request through this: it records, or replays without any network."""
    timeout_s: float
    """Seconds the agent may take."""
    replaying: bool
    """True if no key and no endpoint are needed."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where secrets such as `ANTHROPIC_API_KEY` are read from; empty in replay."""
    _lent: Lent | None = field(default=None, repr=False)

    @property
    def workspace(self) -> Path:
        """A private folder for an agent program to work in; empty, removed after the trial."""
        return self._need().workspace

    @property
    def home(self) -> Path:
        """A private folder for what an agent program keeps as its own, as `workspace`."""
        return self._need().home

    @property
    def programs(self) -> Programs:
        """What agent programs are started by, so that nothing of them outlives the trial."""
        return self._need().programs

    def through(self, inner: httpx2.BaseTransport) -> httpx2.BaseTransport:
        """A transport on the trial's tape: it records what `inner` answers, or replays.

        That is how what is no HTTP gets onto the tape, such as a program's output: as a request
        that `inner` answers itself. In replay `inner` is not used.
        """
        return self._need().through(inner)

    def proxy(
        self, upstream: str = "", key: str = "", secrets: Iterable[str] = ()
    ) -> AbstractContextManager[str]:
        """The base URL of a loopback proxy on the trial's tape, for a program that speaks HTTP.

        Args:
            upstream: Base URL of the endpoint; not used in replay.
            key: The real key, put in place of `ferrotape.cassettes.DUMMY_KEY` wherever the
                program sends that in a header; not used in replay.
            secrets: What else the program was given in confidence: the tape and the reply get
                `[redacted]` in its place.
        """
        return self._need().proxy(upstream, key, secrets)

    def cut_off(self) -> bool:
        """In replay, whether the recorded trial ran out of time; its calls then count as made.

        An agent asks this before it starts a program: where the clock stopped one cannot be
        repeated.
        """
        return self._need().cut_off()

    def _need(self) -> Lent:
        if self._lent is None:
            raise RuntimeError("this session has no folders, programs or proxy to lend")
        return self._lent


class Lent(Protocol):
    """What the engine lends to a session for agent programs; each as in `Session`."""

    programs: Programs

    @property
    def workspace(self) -> Path: ...  # noqa: D102

    @property
    def home(self) -> Path: ...  # noqa: D102

    def through(self, inner: httpx2.BaseTransport) -> httpx2.BaseTransport: ...  # noqa: D102

    def proxy(  # noqa: D102
        self, upstream: str, key: str, secrets: Iterable[str]
    ) -> AbstractContextManager[str]: ...

    def cut_off(self) -> bool: ...  # noqa: D102
