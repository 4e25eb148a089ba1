"""What is made of a reply: extraction, submission, verdicts, score."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from ferrotape.model.scenario import Failure
from ferrotape.model.strict import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The code taken from a reply, and by which rule."""

    __pydantic_config__: ClassVar[Any] = STRICT

    code: str | None
    """None if no code was found: an outcome of its own, not an empty program."""
    extractor: str
    rule: str
    """The rule that found the code, or why none did; kebab-case."""
    note: str = ""
    """What a reader should know, such as blocks that were left aside."""

    @property
    def code_sha256(self) -> str:
        """SHA-256 of the code as UTF-8, in hex; of the empty string if there is none."""
        return _sha256(self.code or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What validators see of an answer."""

    code: str
    language: str
    text: str = ""
    """The whole text of the reply."""

    @property
    def code_sha256(self) -> str:
        """SHA-256 of the code as UTF-8, in hex."""
        return _sha256(self.code)

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the reply's text as UTF-8, in hex."""
        return _sha256(self.text)


def _sha256(text: str) -> str:
    # A lone surrogate, which JSON can carry, has no UTF-8; it must not end a trial.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Status(StrEnum):
    """How a validator came out."""

    PASSED = "passed"
    """Nothing to object to."""
    FAILED = "failed"
    """It found something; the score says how much."""
    UNAVAILABLE = "unavailable"
    """What it needs is not on this machine; the run is partial."""
    ERROR = "error"
    """The validator itself failed; never a statement about the answer."""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark about an answer, where possible with its place in the code."""

    __pydantic_config__: ClassVar[Any] = STRICT

    code: str
    """What was found, in the tool's own terms: `E0308`, `clippy::needless_return`, a check id,
    a test name."""
    message: str
    severity: Severity
    file: str = ""
    line: int | None = None
    """1-based."""
    column: int | None = None
    """1-based."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one validator says of one submission."""

    __pydantic_config__: ClassVar[Any] = STRICT

    validator: str
    version: str
    status: Status
    score: float | None
    """0 to 100; None if the validator could not say (unavailable, error)."""
    summary: str
    """One sentence or less, such as `12 of 15 hidden tests passed`."""
    findings: tuple[Finding, ...] = ()
    metrics: Mapping[str, float | int | str] = field(default_factory=dict)
    """Further figures; the same for the same submission, so no durations here."""
    failure: Failure | None = None
    """The entry of the failure policy that this verdict calls for."""
    distribution: str = ""
    """Where the validator comes from; filled in by the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePart:
    """One validator's share in the weighted mean."""

    validator: str
    weight: float
    """Its share of all weights that could be used, 0 to 1."""
    score: float | None
    lost: float
    """Points of the composite lost here: weight * (100 - score); 0 if there is no score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The composite of a trial and where its points went."""

    value: float | None
    """0 to 100; None if the trial is missing (infrastructure) or nothing could be scored."""
    mean: float | None = None
    """The weighted mean before the failure policy."""
    cap: float | None = None
    failure: Failure | None = None
    """The failure whose rule decided; None if the mean stands."""
    lost_to_policy: float = 0.0
    parts: tuple[ScorePart, ...] = ()
    partial: bool = False
    """Whether a weighted validator gave no score: not comparable with complete scores."""
