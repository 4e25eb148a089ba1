"""Turns the options of a plugin, as a user or a pack wrote them, into its `Options` class."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from ferrotape.errors import ConfigError


def decode_options(options_class: type, given: Mapping[str, Any], where: str) -> Any:
    """Validates `given` into an instance of `options_class`, a frozen dataclass.

    Args:
        options_class: The plugin's `Options`.
        given: What the user or the pack says.
        where: The place to name in errors, such as `[agents.opus]`.

    Raises:
        ConfigError: A key is unknown or missing, or a value does not fit its type.
    """
    from pydantic import TypeAdapter, ValidationError

    known = [f.name for f in dataclasses.fields(options_class)]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise ConfigError(
                f"{where}: there is no option {key!r}",
                hint=f"Did you mean {near[0]!r}?" if near else f"Options: {', '.join(known)}.",
            )
    try:
        return TypeAdapter(options_class).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{where}: option {key!r} does not fit: {first['msg'].lower()}"
        ) from error


def pack_options(options_class: type, run: Mapping[str, Any], validator: str) -> Any:
    """The options a pack's `run` gives a validator: its own table, and scalars it knows."""
    known = {f.name for f in dataclasses.fields(options_class)}
    shared = {k: v for k, v in run.items() if k in known and not isinstance(v, Mapping)}
    own = run.get(validator, {})
    return decode_options(options_class, shared | dict(own), f"pack.yaml: run.{validator}")
