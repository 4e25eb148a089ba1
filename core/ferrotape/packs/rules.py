"""Tries the rubric's expressions out, so that a broken one is found before an answer is."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from ferrotape.model.language import GRAMMARS, plain_language

if TYPE_CHECKING:
    from ast_grep_py import Config

# A pattern may name a metavariable where the language wants an identifier.
_METAVARIABLE = re.compile(r"\$+(?=[A-Z_])|\$\$\$")


def regex_fault(pattern: str) -> str | None:
    """What is wrong with a regular expression, if anything.

    It must mean the same to Python's `re`, which is its documented syntax, and to the `regex`
    package, which evaluates it with a time limit.
    """
    import regex

    try:
        with warnings.catch_warnings():
            # What `re` warns of today (nested sets) reads differently in `regex`.
            warnings.simplefilter("error", FutureWarning)
            re.compile(pattern)
            regex.compile(pattern)
    except RecursionError:
        return "it is nested too deeply"
    except (re.error, regex.error, FutureWarning, OverflowError, ValueError) as error:
        return _first_line(error)
    return None


def rule_faults(rule: Mapping[str, Any], language: str) -> Iterator[str]:
    """What is wrong with an ast-grep rule for that language: unknown kinds, fields, patterns.

    ast-grep takes a pattern with a syntax error and then matches nothing, or anything; such
    patterns are refused here.
    """
    from ast_grep_py import SgRoot

    try:
        SgRoot("", plain_language(language)).root().find_all(cast("Config", {"rule": rule}))
    except Exception as error:  # noqa: BLE001 - ast-grep raises plain exceptions
        yield _reason(error)
        return
    for pattern in _patterns(rule):
        if not _parses(pattern, language):
            yield (
                f"pattern `{pattern}` is no complete piece of {language};"
                " a part of one needs `context` and `selector`"
            )


def knows_language(language: str) -> bool:
    """Whether ast-grep has a grammar for the language, by its name or an alias."""
    return plain_language(language) in GRAMMARS


def _patterns(rule: Any) -> Iterator[str]:
    """The sources of all patterns in a rule."""
    if isinstance(rule, list):
        for part in rule:
            yield from _patterns(part)
    elif isinstance(rule, dict):
        for key, part in rule.items():
            match part:
                case str() if key == "pattern":
                    yield part
                case {"context": str() as context} if key == "pattern":
                    yield context
                case _:
                    yield from _patterns(part)


def _parses(pattern: str, language: str) -> bool:
    from ast_grep_py import SgRoot

    source = _METAVARIABLE.sub("x", pattern)
    # Many expressions stand alone only as a statement.
    for text in (source, source + ";"):
        root = SgRoot(text, plain_language(language)).root()
        # Tree-sitter mends by ERROR nodes and by tokens of no width.
        broken: Config = {"rule": {"any": [{"kind": "ERROR"}, {"regex": r"\A\z"}]}}
        if root.find(broken) is None:
            return True
    return False


def _reason(error: Exception) -> str:
    """ast-grep's innermost cause, without its stack trace."""
    text = str(error).split("Stack backtrace", maxsplit=1)[0].strip()
    head, _, causes = text.partition("Caused by:")
    if not causes:
        return head.strip()
    lines = [re.sub(r"^\d+:\s*", "", line.strip()) for line in causes.splitlines()]
    parts = [line.rstrip(".") for line in lines if line and "not configured" not in line]
    return ": ".join(parts)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
