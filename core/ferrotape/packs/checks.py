"""What a schema cannot say: names that must agree, weights, ranges, expressions.

The checks look at the data as it was read, so that they work on a file whose schema has
faults too: what has the wrong shape is passed over here and reported there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ferrotape.errors import Problem
from ferrotape.model.scenario import is_plain_name
from ferrotape.packs.reader import Document, Loc
from ferrotape.packs.rules import knows_language, regex_fault, rule_faults
from ferrotape.packs.wording import did_you_mean

_FULL = 100
_FORMS = ({"score"}, {"cap"}, {"cap_base", "cap_span"})


def pack_problems(document: Document) -> Iterator[Problem]:
    """What is wrong in `pack.yaml` besides its schema."""
    yield from _repeated(document, "format", _ids(document, "formats"))
    listed = [(("scenarios", n), name) for n, name in enumerate(document.sequence("scenarios"))]
    yield from _repeated(document, "scenario", listed)
    validators = document.mapping("validators")
    weights = [entry.get("weight") for entry in validators.values() if isinstance(entry, dict)]
    if "validators" in document.root and all(weight == 0 for weight in weights):
        yield document.problem(("validators",), "all weights are 0, so nothing is scored")
    for name, rule in document.mapping("failure_policy").items():
        if isinstance(rule, dict):
            yield from _rule_problems(document, ("failure_policy", name), rule)
    yield from _run_problems(document, validators)


def scenario_problems(document: Document, formats: Collection[str]) -> Iterator[Problem]:
    """What is wrong in a `scenario.yaml` besides its schema.

    Args:
        document: The file; its folder has the name that the scenario must have.
        formats: The ids of the pack's formats; empty if they are not known.
    """
    root = document.root
    folder = document.file.parent.name
    if isinstance(root.get("id"), str) and root["id"] != folder:
        message = f"the id is `{root['id']}`, but the folder is `{folder}`; they must be the same"
        yield document.problem(("id",), message)
    yield from _range_problems(document, ("expected_quality",), root.get("expected_quality"))
    calibration = document.mapping("calibration")
    yield from _range_problems(document, ("calibration", "expected"), calibration.get("expected"))
    if formats:
        yield from _prompt_problems(document, formats)
    yield from _repeated(document, "pattern", _ids(document, "patterns"))
    language = root.get("language")
    for n, pattern in enumerate(document.sequence("patterns")):
        for key, fault in _expression_faults(pattern, str(language)):
            loc: Loc = ("patterns", n, key)
            yield document.problem(loc, f"{key} of pattern `{pattern.get('id')}`: {fault}")


def plain_entries(document: Document, key: str) -> list[tuple[Loc, str]]:
    """The plain names in the list at `key`, each once, with their places."""
    entries: dict[str, Loc] = {}
    for n, name in enumerate(document.sequence(key)):
        if isinstance(name, str) and is_plain_name(name):
            entries.setdefault(name, (key, n))
    return [(loc, name) for name, loc in entries.items()]


def format_ids(document: Document) -> tuple[str, ...]:
    """The ids of the formats in a `pack.yaml`."""
    return tuple(name for _, name in _ids(document, "formats") if isinstance(name, str))


def _range_problems(document: Document, loc: Loc, value: object) -> Iterator[Problem]:
    match value:
        case [int() | float() as low, int() | float() as high] if low > high:
            message = f"the low end, {low:g}, is above the high end, {high:g}"
            yield document.problem(loc, message)


def _prompt_problems(document: Document, formats: Collection[str]) -> Iterator[Problem]:
    prompts = document.mapping("prompts")
    for name in prompts:
        if name not in formats:
            message = f"prompt `{name}` is for no format of the pack"
            meant = did_you_mean(name, tuple(formats)) or f"; formats: {', '.join(formats)}"
            yield document.problem(("prompts", name), message + meant)
    for name in formats:
        if name not in prompts and isinstance(document.root.get("prompts"), dict):
            yield document.problem(("prompts",), f"there is no prompt for format `{name}`")


def _expression_faults(pattern: Any, language: str) -> Iterator[tuple[str, str]]:
    match pattern:
        case {"kind": "regex", "pattern": str() as source}:
            fault = regex_fault(source)
            if fault:
                yield "pattern", fault
        case {"kind": "ast-grep", "rule": dict() as rule}:
            if not knows_language(language):
                yield "rule", f"ast-grep has no grammar for language `{language}`"
            else:
                for fault in rule_faults(rule, language):
                    yield "rule", fault


def _rule_problems(document: Document, loc: Loc, rule: Mapping[str, Any]) -> Iterator[Problem]:
    if set(rule) not in _FORMS:
        message = f"`{loc[-1]}` needs exactly one of `score`, `cap`, or `cap_base` with `cap_span`"
        yield document.problem(loc, message)
    match rule:
        case {"cap_base": int() | float() as base, "cap_span": int() | float() as span}:
            if base + span > _FULL:
                message = f"`cap_base` and `cap_span` of `{loc[-1]}` add up to more than {_FULL}"
                yield document.problem(loc, message)


def _run_problems(document: Document, validators: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in document.mapping("run").items():
        if isinstance(value, list):
            message = f"`run.{name}` must be one value, or a mapping for the validator of that name"
            yield document.problem(("run", name), message)
        elif isinstance(value, dict) and name not in validators:
            message = f"`run.{name}` is for no validator of the pack"
            message += did_you_mean(name, tuple(validators))
            yield document.problem(("run", name), message)


def _repeated(document: Document, what: str, names: Iterable[tuple[Loc, Any]]) -> Iterator[Problem]:
    first: dict[str, Loc] = {}
    for loc, name in names:
        if not isinstance(name, str):
            continue
        if name in first:
            line = document.line(first[name])
            yield document.problem(loc, f"{what} `{name}` stands twice, first on line {line}")
        first.setdefault(name, loc)


def _ids(document: Document, key: str) -> list[tuple[Loc, Any]]:
    return [
        ((key, n, "id"), entry.get("id"))
        for n, entry in enumerate(document.sequence(key))
        if isinstance(entry, dict)
    ]
