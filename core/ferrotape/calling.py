"""Calling plugins: whatever they raise or give becomes an error that names them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from ferrotape.errors import FerrotapeError, PluginError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

T = TypeVar("T")
D = TypeVar("D", bound="DataclassInstance")


def call_plugin(what: str, function: Callable[[], T]) -> T:
    """Calls a plugin's code.

    Args:
        what: The plugin and its distribution, such as `house-style of acme-lints 1.2`.
        function: The call.

    Raises:
        PluginError: It raised something; `SystemExit` too, which must not end Ferrotape.
        FerrotapeError: It raised one of Ferrotape's own errors on purpose.
    """
    try:
        return function()
    except FerrotapeError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} failed: {sentence_of(error)}") from error


def conforming(what: str, given: object, declared: type[D]) -> D:
    """What a plugin gave, if it is what its contract declares, down to the last field.

    Args:
        what: The plugin and its distribution.
        given: What it gave.
        declared: A frozen dataclass of the model, with `STRICT` as its configuration.

    Raises:
        PluginError: It is something else.
    """
    from pydantic import ValidationError

    if not isinstance(given, declared):
        article = "an" if declared.__name__[0] in "AEIOU" else "a"
        raise PluginError(
            f"{what} gave a {type(given).__name__} instead of {article} {declared.__name__}"
        )
    try:
        _adapter(declared).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PluginError(
            f"{what} gave a {declared.__name__} whose {place} does not fit: {first['msg'].lower()}"
        ) from error
    return given


def sentence_of(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip()
    name = type(error).__name__
    return f"{name}: {text.splitlines()[0]}" if text else name


@cache
def _adapter(declared: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    return TypeAdapter(declared)
