"""Turns settings and options, as somebody wrote them, into the dataclass that declares them."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from typing import Any

from ferrotape.errors import ConfigError

Place = Callable[[str], str]
"""Where a key stands, for a message."""


def decode(declared: type, given: Mapping[str, Any], place: Place, noun: str = "option") -> Any:
    """Validates `given` into an instance of `declared`, a frozen dataclass.

    Args:
        declared: Its fields are the keys, with their types, ranges and defaults.
        given: What somebody wrote.
        place: Names the place of a key in errors.
        noun: What a key is called: an option, a setting.

    Raises:
        ConfigError: A key is unknown or missing, or a value does not fit its type.
    """
    from pydantic import TypeAdapter, ValidationError

    known = [f.name for f in dataclasses.fields(declared)]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise ConfigError(
                f"{place(key)}: there is no {noun} {key!r}",
                hint=f"Did you mean {near[0]!r}?"
                if near
                else f"Known: {', '.join(known) or 'none'}.",
            )
    try:
        return TypeAdapter(declared).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        fault = f"is {first['input']!r}, which does not fit: {first['msg'].lower()}"
        if first["type"] == "missing":
            fault = "is missing"
        raise ConfigError(
            f"{place(key)}: {noun} {key} {fault}",
            hint="See docs/configuration.md for the settings and their types.",
        ) from error


def decode_options(declared: type, given: Mapping[str, Any], where: str) -> Any:
    """The same for the options of a plugin; `where` names their place, such as `[agents.opus]`."""
    return decode(declared, given, lambda _: where)


def pack_options(declared: type, run: Mapping[str, Any], validator: str) -> Any:
    """The options a pack's `run` gives a validator: its own table, and scalars it knows."""
    known = {f.name for f in dataclasses.fields(declared)}
    shared = {k: v for k, v in run.items() if k in known and not isinstance(v, Mapping)}
    own = run.get(validator, {})
    return decode_options(declared, shared | dict(own), f"pack.yaml: run.{validator}")
