"""The sample answers of a scenario: `good/` ones, and `wrong/` ones that say what they fail.

The first line of a wrong answer is a comment in its language that ends with
`wrong: WHAT IS WRONG | fails: CLAIM, CLAIM, ...`. A claim is

    test:NAME            that hidden test fails
    check:ID             that pattern does not hold
    VALIDATOR            that validator of the pack has something to object to
    VALIDATOR:error      ... finds an error
    VALIDATOR:warnings   ... finds a warning
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferrotape.errors import PackError, Problem
from ferrotape.model import Pack, Scenario
from ferrotape.packs.reader import decode, read_bytes
from ferrotape.packs.wording import did_you_mean

_HEADER = re.compile(
    r"wrong:\s*(?P<what>\S.*?)\s*\|\s*fails:\s*(?P<claims>\S.*?)\s*(?:\*/|-->)?\s*$"
)
_KINDS = ("error", "warnings")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a wrong answer says it fails."""

    subject: str
    """`test`, `check`, or the name of a validator."""
    detail: str = ""
    """The test, the pattern, `error`, `warnings`, or nothing."""

    def __str__(self) -> str:
        return f"{self.subject}:{self.detail}" if self.detail else self.subject


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample answer."""

    name: str
    """Its folder and file, such as `wrong/busy_wait.rs`."""
    code: str
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """All sample answers of a scenario, by file name."""

    good: tuple[Sample, ...]
    wrong: tuple[Sample, ...]


def load_samples(pack: Pack, scenario: Scenario) -> Samples:
    """Reads the sample answers of a scenario.

    Raises:
        PackError: A first line is malformed, or names a test, pattern or validator that does
            not exist; with all such problems.
    """
    problems: list[Problem] = []
    good = [Sample(_name(file), _code(file, problems)) for file in _files(scenario, "good")]
    wrong = [_wrong(file, pack, scenario, problems) for file in _files(scenario, "wrong")]
    if problems:
        raise PackError(f"the sample answers of {scenario.id} cannot be used:", problems)
    return Samples(tuple(good), tuple(wrong))


def _files(scenario: Scenario, folder: str) -> Iterator[Path]:
    found = (scenario.folder / folder).glob("*")
    return (file for file in sorted(found) if file.is_file() and file.name[0] != ".")


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _code(file: Path, problems: list[Problem]) -> str:
    try:
        return decode(read_bytes(file), file)
    except PackError as error:
        problems += error.problems
        return ""


def _wrong(file: Path, pack: Pack, scenario: Scenario, problems: list[Problem]) -> Sample:
    code = _code(file, problems)
    first, _, _ = code.partition("\n")
    header = _HEADER.search(first)
    if header is None:
        message = "the first line must be a comment `wrong: WHAT | fails: test:NAME, check:ID, ...`"
        problems.append(Problem(file, 1, message))
        return Sample(_name(file), code)
    claims = []
    for word in header["claims"].split(","):
        subject, _, detail = word.strip().partition(":")
        claim = Claim(subject, detail)
        fault = _fault(claim, pack, scenario)
        if fault:
            problems.append(Problem(file, 1, fault))
        claims.append(claim)
    return Sample(_name(file), code, tuple(claims))


def _fault(claim: Claim, pack: Pack, scenario: Scenario) -> str | None:
    """What is wrong with a claim, if anything."""
    subject, detail = claim.subject, claim.detail
    fault = None
    if subject == "test":
        if not detail or not _declares(scenario.hidden_tests, detail):
            fault = f"there is no hidden test `{detail}`"
    elif subject == "check":
        known = [pattern.id for pattern in scenario.patterns]
        if detail not in known:
            fault = f"there is no pattern `{detail}`{did_you_mean(detail, known)}"
    elif subject not in pack.validators:
        near = did_you_mean(subject, ["test", "check", *pack.validators])
        fault = f"`{claim}` is no claim: the pack has no validator `{subject}`{near}"
    elif detail not in {"", *_KINDS}:
        fault = f"`{claim}` is no claim; after the validator comes `error` or `warnings`"
    return fault


def _declares(source: str, name: str) -> bool:
    """Whether a test of that name stands in the source, whatever its language.

    Either after words that open a line (`fn name(`, `async def name(`), or as a quoted title.
    """
    name = re.escape(name)
    return re.search(rf"(?m)^[ \t]*(?:\w+[ \t]+)+{name}\b|[\"'`]{name}[\"'`]", source) is not None
