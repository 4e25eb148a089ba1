"""Holds a document against the dataclasses of the model, every difference with its line."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from ferrotape.errors import PackError, Problem
from ferrotape.model.scenario import (
    Calibration,
    Failure,
    FailureRule,
    Format,
    Pattern,
    ValidatorWeight,
)
from ferrotape.packs.reader import Document, Loc
from ferrotape.packs.wording import sentence

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")

_PARTS: Mapping[str, type] = {
    "formats": Format,
    "validators": ValidatorWeight,
    "failure_policy": FailureRule,
    "calibration": Calibration,
}


def validate(document: Document, schema: type[T]) -> T:
    """An instance of `schema` with the document's data.

    Raises:
        PackError: With each key that is unknown or missing and each value that does not fit.
    """
    from pydantic import ValidationError

    # By way of JSON pydantic stays strict about types and yet makes tuples of lists.
    data = json.dumps(document.data)
    try:
        adapter = _adapter(schema)  # type: ignore[arg-type]  # a class is hashable
        fitting: T = adapter.validate_json(data, strict=True, extra="forbid")
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = _problems(details, document, schema)
        raise PackError(f"{document.file} does not fit", problems) from None
    return fitting


@functools.cache
def _adapter(schema: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(schema)


def _problems(details: list[ErrorDetails], document: Document, schema: type) -> Iterator[Problem]:
    """One problem for each place: of a union, pydantic reports what every member says."""
    places: dict[Loc, list[ErrorDetails]] = {}
    for detail in details:
        if _counts(detail, document):
            places.setdefault(_place(detail["loc"], document), []).append(detail)
    for loc, found in places.items():
        known = _known(found[0], schema)
        yield document.problem(loc, sentence(loc, found, known))


def _place(loc: Loc, document: Document) -> Loc:
    """Where in the data an error lies: its loc without the names of a union's members."""
    place: Loc = ()
    value = document.data
    for step in loc:
        if _holds(value, step):
            value = value[step]
        elif step in _kinds() or step in {"str", "int", "[key]"}:
            continue
        place = (*place, step)
    return place


def _holds(value: object, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _counts(detail: ErrorDetails, document: Document) -> bool:
    """Whether an error is about what was meant.

    A pattern is tried as every kind, but only the kind it names counts. An entry without a
    valid kind is held to have one fault, that one.
    """
    loc = detail["loc"]
    if detail["type"] == "too_short" and detail["input"]:
        return False  # the entries are there; they are wrong in themselves
    kind_tried = next((_kinds()[str(step)] for step in loc[2:3] if step in _kinds()), None)
    if loc[:1] != ("patterns",) or kind_tried is None:
        return True
    entry = document.data["patterns"][loc[1]]
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind in _kinds().values():
        return kind == kind_tried
    first = kind_tried == next(iter(_kinds().values()))
    return first and (loc[-1] == "kind" or not isinstance(entry, dict))


@functools.cache
def _kinds() -> Mapping[str, str]:
    """The kind of a pattern, by the name of its class."""
    return {
        member.__name__: get_args(get_type_hints(member)["kind"])[0] for member in get_args(Pattern)
    }


def _known(detail: ErrorDetails, schema: type) -> Sequence[str]:
    """The keys or values that would do."""
    loc = detail["loc"]
    if detail["type"] == "unexpected_keyword_argument":
        return [f.name for f in fields(_class_at(loc, schema))]
    if loc[-1:] == ("kind",):
        return list(_kinds().values())
    if loc[:1] == ("failure_policy",):
        return [str(failure) for failure in Failure]
    expected = str(detail.get("ctx", {}).get("expected", "")).replace(" or ", ", ")
    return [word.strip(" '") for word in expected.split(",") if word]


def _class_at(loc: Loc, schema: type) -> type:
    """The dataclass to which the last step of `loc` is unknown."""
    for member in get_args(Pattern):
        if member.__name__ in loc[2:3]:
            return member  # type: ignore[no-any-return]
    return _PARTS.get(str(loc[0]), schema) if len(loc) > 1 else schema
