"""Does the answer show the engineering that the scenario's rubric asks for?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol, cast

import regex
from ast_grep_py import SgNode, SgRoot

from ferrotape import Bench, Finding, Severity, Status, Submission, Verdict, hookimpl
from ferrotape.errors import PackError
from ferrotape.model import GRAMMARS
from ferrotape_plugins.languages import language_of, parsable
from ferrotape_plugins.rust.diagnostics import SOURCE
from ferrotape_plugins.rust.scopes import RustFile
from ferrotape_plugins.validators.options import Seconds

if TYPE_CHECKING:
    from ast_grep_py import Config

    from ferrotape import Validator
    from ferrotape.model import Pattern


@dataclass(frozen=True)
class PatternsOptions:
    """`run.patterns` of a pack."""

    timeout_s_per_pattern: Seconds = 5.0
    """For regular expressions that go astray; right ones need milliseconds."""


class PatternsValidator:
    """Scores `100 * (weights of the checks that hold) / (all weights)`."""

    name = "patterns"
    version = "2"
    description = "Holds the answer against the scenario's rubric of code patterns."
    languages: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    Options = PatternsOptions

    def unavailable(self) -> str | None:
        """Never: it needs no programs."""
        return None

    def fingerprint(self) -> str:
        """Nothing besides code, scenario and options."""
        return ""

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        """Judges by the scenario's patterns, each in its scope.

        Raises:
            PackError: A pattern cannot be decided, which says nothing about the answer.
        """
        options: PatternsOptions = bench.options
        answer = _Answer(submission.code, language_of(submission.language))
        findings = []
        held: list[float] = []
        for pattern in bench.scenario.patterns:
            finding = _check(pattern, answer, options.timeout_s_per_pattern)
            if finding is None:
                held.append(pattern.weight)
            else:
                findings.append(finding)
        total = math.fsum(pattern.weight for pattern in bench.scenario.patterns)
        count = len(bench.scenario.patterns)
        return Verdict(
            validator=self.name,
            version=self.version,
            status=Status.FAILED if findings else Status.PASSED,
            score=100.0 * math.fsum(held) / total,
            summary=f"{len(held)} of {count} checks hold",
            findings=tuple(findings),
            metrics={"checks": count, "checks_held": len(held)},
        )


class _Scoped(Protocol):
    """A source file that knows its scopes."""

    def scope(self, name: str) -> str: ...


class _Unscoped:
    """A file in a language whose scopes are not known: each is the whole text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def scope(self, name: str) -> str:  # noqa: ARG002 - the protocol's
        return self._text


class _Answer:
    """The texts and syntax trees of an answer's scopes, each made when first needed."""

    def __init__(self, code: str, language: str) -> None:
        self._language = language
        code = parsable(code)
        self._file: _Scoped = RustFile(code) if language == "rust" else _Unscoped(code)
        self._texts: dict[str, str] = {}
        self._roots: dict[str, SgNode] = {}

    @property
    def name(self) -> str:
        return SOURCE if self._language == "rust" else "answer"

    def text(self, scope: str) -> str:
        if scope not in self._texts:
            self._texts[scope] = self._file.scope(scope)
        return self._texts[scope]

    def root(self, scope: str) -> SgNode:
        if self._language not in GRAMMARS:
            raise PackError(f"ast-grep rules cannot be used on {self._language or 'no language'}")
        if scope not in self._roots:
            self._roots[scope] = SgRoot(self.text(scope), self._language).root()
        return self._roots[scope]


def _check(pattern: Pattern, answer: _Answer, timeout_s: float) -> Finding | None:
    """None if the check holds, else the finding that says it does not."""
    needed = pattern.min_count if pattern.expect == "present" else 1
    try:
        # More matches than decide it are not looked for.
        places = list(islice(_matches(pattern, answer, timeout_s), needed))
    except TimeoutError as error:
        raise PackError(
            f"pattern `{pattern.id}` was not decided within {timeout_s:g} s",
            hint="Rewrite it, or raise `run.patterns.timeout_s_per_pattern`.",
        ) from error
    if pattern.expect == "present":
        if len(places) >= needed:
            return None
        places = []
    elif not places:
        return None
    line, column = places[0] if places else (None, None)
    return Finding(
        code=pattern.id,
        message=pattern.description,
        severity=Severity.WARNING,
        file=answer.name,
        line=line,
        column=column,
    )


def _matches(pattern: Pattern, answer: _Answer, timeout_s: float) -> Iterator[tuple[int, int]]:
    """Line and column, 1-based, of each match in the pattern's scope."""
    if pattern.kind == "ast-grep":
        rule = cast("Config", {"rule": dict(pattern.rule)})
        for node in answer.root(pattern.scope).find_all(rule):
            start = node.range().start
            yield start.line + 1, start.column + 1
        return
    text = answer.text(pattern.scope)
    # `regex` in its version 0 means what `re` means, and knows a timeout.
    for match in regex.compile(pattern.pattern, regex.V0).finditer(text, timeout=timeout_s):
        begin = match.start()
        yield text.count("\n", 0, begin) + 1, begin - (text.rfind("\n", 0, begin) + 1) + 1


@hookimpl
def ferrotape_validators() -> list[Validator]:
    """The validator of the rubric."""
    return [PatternsValidator()]
