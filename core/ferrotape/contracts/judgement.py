"""What extractors and validators are, and what they get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from ferrotape.contracts.plugin import Plugin

if TYPE_CHECKING:
    from ferrotape.model import Extraction, Reply, Scenario, Submission, Verdict
    from ferrotape.sandbox import Sandbox

T = TypeVar("T")


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
