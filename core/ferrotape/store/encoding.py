"""Model objects as the JSON that is stored, and back."""

from __future__ import annotations

import dataclasses
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from ferrotape.model import Reply, Verdict

T = TypeVar("T")


def encode_reply(reply: Reply) -> str:
    """A reply without its calls: those differ between recordings, the rest is its content.

    Raises:
        UnicodeError: A text holds lone surrogates.
    """
    try:
        return _replies().dump_json(reply, exclude={"calls"}).decode()
    except PydanticSerializationError as error:
        raise UnicodeError(str(error)) from error


def decode_reply(text: str) -> Reply:
    """A reply without its calls."""
    return _replies().validate_json(text)


def encode_verdict(verdict: Verdict) -> str:
    """A whole verdict.

    Raises:
        UnicodeError: A text holds lone surrogates.
    """
    try:
        return _verdicts().dump_json(verdict).decode()
    except PydanticSerializationError as error:
        raise UnicodeError(str(error)) from error


def decode_verdict(text: str) -> Verdict:
    """A whole verdict.

    Raises:
        ValueError: The text is no verdict of this version.
    """
    return _verdicts().validate_json(text)


def encodable(value: T) -> T:
    """The same value with U+FFFD for what UTF-8 cannot hold: lone halves of surrogate pairs.

    Endpoints can send them, as JSON escapes; a trial is not lost for it.
    """
    mended: Any = value
    if isinstance(value, str) and not isinstance(value, Enum):
        mended = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        mended = dataclasses.replace(value, **{n: encodable(getattr(value, n)) for n in names})
    elif isinstance(value, tuple):
        mended = tuple(encodable(item) for item in value)
    elif isinstance(value, dict):
        mended = {encodable(key): encodable(item) for key, item in value.items()}
    return mended  # type: ignore[no-any-return]


@cache
def _replies() -> TypeAdapter[Reply]:
    return TypeAdapter(Reply)


@cache
def _verdicts() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)
