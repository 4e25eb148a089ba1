"""Loads a pack: its pack.yaml, and every scenario's folder, with all problems at once."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ferrotape.errors import PackError, Problem
from ferrotape.model.scenario import Pack, PackFile, Scenario, ScenarioFile, is_plain_name
from ferrotape.packs.checks import format_ids, pack_problems, plain_entries, scenario_problems
from ferrotape.packs.reader import Document, decode, parse_document, read_bytes
from ferrotape.packs.schema import validate

PACK_FILE = "pack.yaml"
SCENARIO_FILE = "scenario.yaml"
HIDDEN_TESTS = "hidden_tests"
REFERENCE = "reference"

T = TypeVar("T")


def find_packs(folder: Path) -> tuple[Path, ...]:
    """The folders below `folder` that hold a pack, by name; none if there is no such folder."""
    return tuple(sorted(file.parent for file in folder.glob(f"*/{PACK_FILE}") if file.is_file()))


def load_pack(folder: Path) -> Pack:
    """Reads and checks a pack and all its scenarios.

    Raises:
        PackError: With every problem that was found, each with its file and line.
    """
    file = folder / PACK_FILE
    if not file.is_file():
        raise PackError(
            f"there is no pack in {folder}",
            [Problem(file, 0, "there is no such file")],
            hint="A pack is a folder with a pack.yaml; docs/scenarios.md shows a small one.",
        )
    problems: list[Problem] = []
    pack = _attempt(problems, lambda: _load(folder, problems))
    if pack is None or problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise PackError(
            f"the pack in {folder} has {count}:",
            problems,
            hint="docs/scenarios.md says what the files must hold.",
        )
    return pack


def _load(folder: Path, problems: list[Problem]) -> Pack | None:
    file = folder / PACK_FILE
    raw = read_bytes(file)
    document = parse_document(decode(raw, file), file)
    problems += (*document.problems, *pack_problems(document), *_unlisted(document))
    pack = _attempt(problems, lambda: validate(document, PackFile))
    formats = format_ids(document)
    loaded: list[Scenario | None] = []
    for loc, name in plain_entries(document, "scenarios"):
        if (folder / name).is_dir():
            load = functools.partial(_load_scenario, folder / name, formats, problems)
            loaded.append(_attempt(problems, load))
        else:
            problems.append(document.problem(loc, f"there is no folder `{name}` beside this file"))
    scenarios = tuple(scenario for scenario in loaded if scenario is not None)
    if pack is None:
        return None
    digests = "".join(scenario.digest for scenario in scenarios)
    return Pack(
        **_common(pack) | {"run": _frozen(pack.run), "scenarios": scenarios},
        folder=folder,
        digest=hashlib.sha256(raw + digests.encode()).hexdigest(),
    )


def _load_scenario(
    folder: Path, formats: Collection[str], problems: list[Problem]
) -> Scenario | None:
    hidden = _attempt(problems, lambda: _beside(folder, HIDDEN_TESTS))
    reference = _attempt(problems, lambda: _beside(folder, REFERENCE, required=False))
    file = folder / SCENARIO_FILE
    raw = read_bytes(file)
    document = parse_document(decode(raw, file), file)
    problems += (*document.problems, *scenario_problems(document, formats))
    scenario = validate(document, ScenarioFile)
    if hidden is None or reference is None:
        return None
    return Scenario(
        **vars(scenario),
        hidden_tests=hidden.text,
        reference=reference.text,
        folder=folder,
        digest=hashlib.sha256(raw + hidden.raw).hexdigest(),
    )


@dataclass(frozen=True)
class _Beside:
    """A file beside scenario.yaml."""

    raw: bytes = b""
    text: str = ""


def _beside(folder: Path, stem: str, *, required: bool = True) -> _Beside:
    """The one file with that stem, whatever its suffix: the pack's language decides that."""
    found = sorted(file for file in folder.glob(f"{stem}.*") if file.stem == stem)
    if not found and not required:
        return _Beside()
    if len(found) != 1:
        names = " and ".join(file.name for file in found)
        message = f"only one of {names} can count" if found else f"there is no {stem}.* here"
        raise PackError(message, [Problem(folder, 0, message)])
    raw = read_bytes(found[0])
    return _Beside(raw, decode(raw, found[0]))


def _unlisted(document: Document) -> Iterator[Problem]:
    """Folders that would be scenarios if the pack listed them: more likely forgotten than not."""
    listed = document.sequence("scenarios")
    if not listed:
        return
    for file in sorted(document.file.parent.glob(f"*/{SCENARIO_FILE}")):
        name = file.parent.name
        if is_plain_name(name) and name not in listed:
            message = (
                f"folder `{name}` holds a scenario that is not listed here; list it, or begin"
                " its name with `_` if it is a draft"
            )
            yield document.problem(("scenarios",), message)


def _attempt(problems: list[Problem], step: Callable[[], T]) -> T | None:
    """What the step gives, or None after noting why it cannot."""
    try:
        return step()
    except PackError as error:
        problems += error.problems
        return None


def _common(pack: PackFile) -> dict[str, Any]:
    """The fields of a pack that stand in its file as they are."""
    names = {f.name for f in fields(Pack)}
    return {name: value for name, value in vars(pack).items() if name in names}


def _frozen(value: Any) -> Any:
    """Plain data with tuples for lists."""
    if isinstance(value, list):
        return tuple(_frozen(part) for part in value)
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return value
