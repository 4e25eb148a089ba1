"""Pydantic's error types in the words of somebody who writes a pack."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWN = 60  # characters of a value in a message

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
}
_TEMPLATES = {
    "missing": "{name} is missing",
    "unexpected_keyword_argument": "unknown key {name}{meant}",
    "key": "unknown key {name}{meant}",
    "enum": "{name} is {value}, but must be {choices}{near}",
    "literal_error": "{name} is {value}, but must be {choices}{near}",
    "string_too_short": "{name} must not be empty",
    "too_short": "{name} must not be empty",
    "too_long": "{name} must have {max_length} entries, not {given_length}",
    "greater_than": "{name} is {value}, but must be more than {gt:g}",
    "greater_than_equal": "{name} is {value}, but must be at least {ge:g}",
    "less_than_equal": "{name} is {value}, but must be at most {le:g}",
    "not_finite": "{name} is {value}, but must be a finite number",
    "not_plain": (
        "{name}: {value} is no plain name; use a-z, 0-9, and after the first also `.`, `_`, `-`"
    ),
}


def sentence(loc: Sequence[str | int], found: Sequence[ErrorDetails], known: Sequence[str]) -> str:
    """What is wrong at one place.

    Args:
        loc: The place in the file.
        found: Pydantic's errors there: several if the members of a union all refuse.
        known: The keys or values that would do, where there is a list of them.
    """
    first = found[0]
    value = first["input"]
    name = f"`{dotted(loc)}`" if loc else "the file"
    wanted = dict.fromkeys(_WANTED[error["type"]] for error in found if error["type"] in _WANTED)
    if wanted:
        return f"{name} must be {' or '.join(wanted)}, not {shown(value)}"
    kind = first["type"]
    if first["loc"][-1:] == ("[key]",) and kind != "predicate_failed":
        kind = "key"
    elif kind == "predicate_failed":
        kind = "not_plain" if isinstance(value, str) else "not_finite"
    if kind not in _TEMPLATES:
        return f"{name} does not fit: {first['msg']}"
    near = did_you_mean(str(loc[-1] if kind == "unexpected_keyword_argument" else value), known)
    return _TEMPLATES[kind].format(
        **first.get("ctx", {}),
        name=name,
        value=shown(value),
        given_length=len(value) if isinstance(value, list) else 0,
        near=near,
        meant=near or f"; known: {', '.join(known)}",
        choices=" or ".join(known),
    )


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A suggestion to end a sentence with, or nothing."""
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def dotted(loc: Sequence[str | int]) -> str:
    """A place as one would say it, such as `patterns[2].kind`; positions count from 0."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return "".join(steps).removeprefix(".")


def shown(value: Any) -> str:
    """A value for a message, on one line and not too long."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
