"""What is asked: packs, scenarios, and the rubric that answers are held against.

These are also the schema of `pack.yaml` and `scenario.yaml`: `ferrotape.packs` validates the
files into these classes, unknown keys refused, so a constraint is written here once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MinLen, Predicate


def is_plain_name(text: str) -> bool:
    """Whether it can be an id, and so a file's name: `a-z`, `0-9`, then also `.`, `_`, `-`."""
    return re.fullmatch(r"[a-z0-9][a-z0-9._-]*", text) is not None


Name = Annotated[str, Predicate(is_plain_name)]
Text = Annotated[str, MinLen(1)]
Positive = Annotated[float, Predicate(math.isfinite), Gt(0)]
Weight = Annotated[float, Predicate(math.isfinite), Ge(0)]
Points = Annotated[float, Predicate(math.isfinite), Ge(0), Le(100)]
"""A score or a bound of scores, 0 to 100."""
Scope = Literal["code", "tests", "docs", "all"]
"""The part of an answer a pattern looks at; the language's validator says how it is cut."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way of writing the same task down."""

    id: Name
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class RegexPattern:
    """A rubric check by a regular expression, counted over non-overlapping matches."""

    id: Name
    description: str
    kind: Literal["regex"]
    pattern: Text
    expect: Literal["present", "absent"] = "present"
    scope: Scope = "all"
    weight: Positive = 1.0
    min_count: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, kw_only=True)
class AstGrepPattern:
    """A rubric check by an ast-grep rule object, counted over the nodes that match."""

    id: Name
    description: str
    kind: Literal["ast-grep"]
    rule: Mapping[str, Any]
    expect: Literal["present", "absent"] = "present"
    scope: Scope = "all"
    weight: Positive = 1.0
    min_count: Annotated[int, Ge(1)] = 1


Pattern = RegexPattern | AstGrepPattern


class Failure(StrEnum):
    """What can go wrong with an answer, from worst to mildest; keys of the failure policy."""

    NO_CODE = "no_code"
    COMPILE_ERROR = "compile_error"
    INTERFACE_MISMATCH = "interface_mismatch"
    FAILED_TESTS = "failed_tests"


@dataclass(frozen=True, kw_only=True)
class FailureRule:
    """What a failure does to the composite: sets it, caps it, or caps it by the verdict's score.

    Exactly one of `score`, `cap`, or the pair `cap_base` and `cap_span` is given. The cap of the
    pair is `cap_base + cap_span * s / 100`, with `s` the score of the verdict that failed.
    """

    score: Points | None = None
    cap: Points | None = None
    cap_base: Points | None = None
    cap_span: Points | None = None


@dataclass(frozen=True, kw_only=True)
class ValidatorWeight:
    """How much a validator counts in the weighted mean; 0 runs it without scoring it."""

    weight: Weight


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Answers whose scores are known to be right; paths are relative to the scenario's folder."""

    sample: Text
    """A middling answer."""
    expected: tuple[Points, Points]
    """The range, low to high, in which its score must lie."""
    wrong: str = ""
    """An answer that fails hidden tests; its score must stay below what works."""


@dataclass(frozen=True, kw_only=True)
class ScenarioFile:
    """The keys of `scenario.yaml`."""

    id: Name
    title: Text
    language: Name
    edition: str | int | None = None
    complexity: Text
    estimated_time: str = ""
    timeout_s: Positive = 300.0
    """Seconds an agent may take for one answer."""
    expected_quality: tuple[Points, Points]
    """The range of scores, low to high, that a typical agent is expected to reach."""
    tags: tuple[str, ...] = ()
    interface: Text
    prompts: Mapping[Name, Text]
    """The prompt, by format id."""
    patterns: Annotated[tuple[Pattern, ...], MinLen(1)]
    calibration: Calibration | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario(ScenarioFile):
    """One task: a prompt per format, an interface, a rubric, hidden tests and a reference."""

    # Read from the files beside scenario.yaml.
    hidden_tests: str = ""
    """The text of `hidden_tests.*`."""
    reference: str = ""
    """The text of `reference.*`, an excellent answer; empty if there is none."""
    folder: Path = field(default_factory=Path)
    digest: str = ""
    """SHA-256 over the bytes of scenario.yaml and the hidden tests, in hex."""


@dataclass(frozen=True, kw_only=True)
class _PackBase:
    name: Name
    version: int | str
    description: str = ""
    language: Name
    rust_version: str | None = None
    """The oldest toolchain whose standard library serves the pack; for readers."""
    formats: Annotated[tuple[Format, ...], MinLen(1)]
    validators: Mapping[Name, ValidatorWeight]
    failure_policy: Mapping[Failure, FailureRule]
    run: Mapping[str, Any] = field(default_factory=dict)
    """Options by validator name; a scalar here is an option of every validator that has it.
    Its sequences are tuples."""


@dataclass(frozen=True, kw_only=True)
class PackFile(_PackBase):
    """The keys of `pack.yaml`."""

    scenarios: Annotated[tuple[Name, ...], MinLen(1)]
    """The folders of the scenarios, in the order of reports."""
    patterns: Mapping[Literal["kinds", "scopes"], Mapping[str, str]] = field(default_factory=dict)
    """What the kinds and scopes of patterns mean; for readers."""


@dataclass(frozen=True, kw_only=True)
class Pack(_PackBase):
    """A folder of scenarios with shared formats, weights, failure policy and validator options."""

    scenarios: tuple[Scenario, ...] = ()
    folder: Path = field(default_factory=Path)
    digest: str = ""
    """SHA-256 over the bytes of pack.yaml and the scenarios' digests, in hex."""

    def scenario(self, scenario_id: str) -> Scenario:
        """The scenario with that id; `KeyError` if there is none."""
        for scenario in self.scenarios:
            if scenario.id == scenario_id:
                return scenario
        raise KeyError(scenario_id)

    @property
    def format_ids(self) -> tuple[str, ...]:
        """The ids of the formats, in the order of the pack."""
        return tuple(entry.id for entry in self.formats)
