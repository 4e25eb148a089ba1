"""What a plugin is: the protocols of agents, extractors, validators, reporters, executors.

Every plugin has a `name` (kebab-case, unique among its kind), a `version` (part of cache keys:
raise it when results change) and a `description` of one line. `Options`, where a kind has it,
is a frozen dataclass with defaults: Ferrotape validates the user's settings into it, unknown
keys refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx2
    from rich.console import Console

    from ferrotape.analysis import RunReport
    from ferrotape.model import (
        AgentFailure,
        Extraction,
        Reply,
        Scenario,
        Submission,
        Trial,
        TrialResult,
        Verdict,
    )
    from ferrotape.sandbox import Programs, Sandbox

T = TypeVar("T")


class Plugin(Protocol):
    """What all plugins have."""

    @property
    def name(self) -> str:
        """Kebab-case; unique among plugins of the same kind."""
        ...

    @property
    def version(self) -> str:
        """Part of cache keys and reports; raise it when results change."""
        ...

    @property
    def description(self) -> str:
        """One line for `ferrotape plugins list`."""
        ...


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

    def proxy(self, upstream: str = "", key: str = "") -> AbstractContextManager[str]:
        """The base URL of a loopback proxy on the trial's tape, for a program that speaks HTTP.

        Args:
            upstream: Base URL of the endpoint; not used in replay.
            key: The real key, put in place of `ferrotape.cassettes.DUMMY_KEY` wherever the
                program sends that in a header; not used in replay.
        """
        return self._need().proxy(upstream, key)

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

    def proxy(self, upstream: str, key: str) -> AbstractContextManager[str]: ...  # noqa: D102

    def cut_off(self) -> bool: ...  # noqa: D102


@runtime_checkable
class Agent(Plugin, Protocol):
    """Answers prompts.

    An agent that has a program ask by way of `Session.proxy` or `Session.through` also has the
    attribute `traffic = "program"`: requests are then matched by the turn of the conversation,
    and the paths of workspace and home are no part of the recording.
    """

    @property
    def Options(self) -> type:  # noqa: N802 - a class
        """A frozen dataclass: the keys of `[agents.NAME]` besides `plugin`."""
        ...

    def identity(self, options: Any) -> Mapping[str, Any]:
        """What a recording depends on (model, settings): JSON values, compared at replay."""
        ...

    def missing(self, options: Any, env: Mapping[str, str]) -> str | None:
        """What it lacks to record, such as a key, in one sentence; None if nothing.

        Asked once before a run that records, never in replay.
        """
        ...

    def endpoint(self, options: Any, env: Mapping[str, str]) -> str | None:
        """The base URL it asks while recording; None if that is not known.

        Calls are taken for paid ones, and the user is asked before the first, unless the host is
        this machine.
        """
        ...

    def answer(self, trial: Trial, prompt: str, options: Any, session: Session) -> Reply:
        """Asks once.

        Expected trouble (refusal, rate limit, time-out, ...) is `Reply.failure`, not an
        exception. `Reply.calls` and `Reply.measured` are filled in from the cassette.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """How far a batch is: its requests by what became of them."""

    ended: bool
    """Whether the results can be fetched."""
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What a batch gave for one of its requests."""

    custom_id: str
    outcome: AgentFailure | httpx2.BaseTransport
    """Why there is no answer; or a transport that gives it to the agent's own call, just as the
    endpoint would have done, streamed if that is asked for."""


class Batches(Protocol):
    """How an agent asks many prompts at once, at a lower price and without times.

    What goes wrong with a whole batch is raised as `ferrotape.errors.EndpointError`. Messages
    must not hold secrets.
    """

    @property
    def price_factor(self) -> float:
        """What an answer costs, as a part of what it costs by a single call."""
        ...

    @property
    def largest(self) -> int:
        """The most requests in a batch."""
        ...

    def request(self, prompt: str, options: Any) -> Mapping[str, Any]:
        """What a batch holds for one prompt: JSON values."""
        ...

    def submit(
        self, requests: Mapping[str, Mapping[str, Any]], options: Any, env: Mapping[str, str]
    ) -> str:
        """Sends a batch; returns the id that the endpoint gave it.

        Args:
            requests: By custom id, which is unique and of at most 64 letters, digits, `-`, `_`.
            options: The agent's.
            env: Where secrets are read from.

        Raises:
            EndpointError: It was not accepted, or nobody knows. Tried again only after
                `rate_limited` or `overloaded`, as it might be paid for twice.
        """
        ...

    def poll(self, batch: str, options: Any, env: Mapping[str, str]) -> BatchProgress:
        """How far the batch is.

        Raises:
            EndpointError: That cannot be told.
        """
        ...

    def results(self, batch: str, options: Any, env: Mapping[str, str]) -> Iterator[BatchResult]:
        """The results of a batch that has ended, in any order.

        Raises:
            EndpointError: They cannot be fetched, or not all of them.
        """
        ...


@runtime_checkable
class BatchAgent(Agent, Protocol):
    """An agent that can also ask by batches; for `ferrotape record --batch`."""

    @property
    def batches(self) -> Batches:
        """How it does that."""
        ...


@runtime_checkable
class Extractor(Plugin, Protocol):
    """Takes the code out of a reply."""

    @property
    def priority(self) -> int:
        """Extractors are tried from high to low, then by name; the first that finds code wins."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The scenario languages it serves; empty for all."""
        ...

    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        """Finds the code, or says in `Extraction.rule` why there is none."""
        ...


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a validator gets besides the submission."""

    scenario: Scenario
    options: Any
    """An instance of the validator's `Options`."""
    sandbox: Sandbox
    _shared: dict[object, Any] = field(default_factory=dict, repr=False)

    def share(self, key: object, compute: Callable[[], T]) -> T:
        """The result of `compute`, worked out once a submission for all its validators."""
        if key not in self._shared:
            self._shared[key] = compute()
        result: T = self._shared[key]
        return result


@runtime_checkable
class Validator(Plugin, Protocol):
    """Judges a submission."""

    @property
    def languages(self) -> frozenset[str]:
        """The scenario languages it serves; empty for all."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The programs it needs, for readers."""
        ...

    @property
    def Options(self) -> type:  # noqa: N802 - a class
        """A frozen dataclass: the keys of the pack's `run.NAME`."""
        ...

    def unavailable(self) -> str | None:
        """Why it cannot work on this machine, in one sentence; None if it can."""
        ...

    def fingerprint(self) -> str:
        """What it reads besides code, scenario and options, such as the toolchain's version.

        Part of the verdict cache's key; the same on machines that give the same verdicts.
        """
        ...

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        """Judges. Deterministic: the same submission gives an equal verdict.

        It starts no process but by `bench.sandbox`. An exception becomes a verdict with the
        status `error`, which names this plugin.
        """
        ...


@runtime_checkable
class Reporter(Plugin, Protocol):
    """Shows a run."""

    def report(self, report: RunReport, folder: Path, console: Console) -> Sequence[Path]:
        """Writes files below `folder`, or prints to `console`; returns the files written."""
        ...


@runtime_checkable
class Executor(Plugin, Protocol):
    """Carries out trials, in whatever order and place."""

    def execute(
        self, trials: Iterable[Trial], work: Callable[[Trial], TrialResult], jobs: int
    ) -> Iterator[TrialResult]:
        """Yields each result as it comes; `work` never raises an `Exception`.

        On `GeneratorExit` or `KeyboardInterrupt` it starts no further trial and waits for those
        under way.
        """
        ...
