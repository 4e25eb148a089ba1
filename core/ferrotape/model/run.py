"""Many trials: a run, the result of each trial, and the facts around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ferrotape.model.reply import Reply, Trial
from ferrotape.model.verdict import Extraction, Score, Verdict


class Mode(StrEnum):
    """Where replies come from."""

    REPLAY = "replay"
    """From cassettes; no network is possible."""
    RECORD = "record"
    """From the agent's endpoint, onto fresh cassettes."""


class RunStatus(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """By Ctrl-C or an error; it can be resumed."""
    STOPPED = "stopped"
    """By the budget or the failure policy; it can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """One thing that the results of a run depend on."""

    name: str
    """Such as `cassette claude-sample/rust-01-basic/minimal/round-1` or `validator rustc`."""
    digest: str
    """SHA-256, in hex: of a file's bytes, or of what is read otherwise."""
    value: str = ""
    """The same for readers; empty for files and for what is not to be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The trials of one invocation, and what they were made with."""

    id: str
    """Sortable and unique, so that histories can be merged."""
    started_at: str
    """UTC, ISO 8601 to the millisecond, ending in Z."""
    mode: Mode
    pack: str
    pack_version: str
    pack_digest: str
    seed: int
    jobs: int
    planned: int
    """The number of trials in the plan."""
    scenarios: tuple[str, ...]
    formats: tuple[str, ...]
    agents: tuple[str, ...]
    rounds: int
    """The largest round in the plan."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions and the sandbox level, by name."""
    status: RunStatus = RunStatus.RUNNING
    finished_at: str | None = None
    digest: str = ""
    """SHA-256 over all ingredients, in hex; empty unless the run replayed. Finished runs with
    the same digest give the same report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds of wall time a trial's steps took here; never part of comparable results."""

    reply_s: float = 0.0
    extract_s: float = 0.0
    validators: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """All that is known of one trial."""

    trial: Trial
    reply: Reply
    extraction: Extraction | None
    """None if there was no usable reply to extract from."""
    verdicts: tuple[Verdict, ...]
    score: Score
    timings: Timings = field(default_factory=Timings)
    cached: tuple[str, ...] = ()
    """The validators whose verdict came from the cache."""
