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
    from pathlib import Path

    import httpx2
    from rich.console import Console

    from ferrotape.analysis import RunReport
    from ferrotape.model import (
        Extraction,
        Reply,
        Scenario,
        Submission,
        Trial,
        TrialResult,
        Verdict,
    )
    from ferrotape.sandbox import Sandbox

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


@runtime_checkable
class Agent(Plugin, Protocol):
    """Answers prompts."""

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

    def answer(self, trial: Trial, prompt: str, options: Any, session: Session) -> Reply:
        """Asks once.

        Expected trouble (refusal, rate limit, time-out, ...) is `Reply.failure`, not an
        exception. `Reply.calls` and `Reply.measured` are filled in from the cassette.
        """
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
