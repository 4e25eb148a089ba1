"""Which recordings there are: by key, file or folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ferrotape.cassettes.recording import key_of
from ferrotape.errors import CassetteMissing, UsageError

_DRAFT = re.compile(r"\.(?P<of>.+\.json)\.[0-9a-f]+\.tmp")
_NO_KEY = re.compile(r"\.{0,2}[/\\].*|\.{1,2}")
"""How names begin that can only be paths."""


@dataclass(frozen=True, slots=True, order=True)
class Shelved:
    """A file where recordings lie. It may be anything: nothing of it has been read."""

    path: Path

    @property
    def key(self) -> str | None:
        """The key of the trial that would replay it; None at a place that none would."""
        return key_of(self.path)

    @property
    def draft(self) -> bool:
        """Whether it was left behind by a save that did not come to its end."""
        return _DRAFT.fullmatch(self.path.name) is not None

    def belongs_to(self, root: Path) -> bool:
        """Whether it lies where a trial's recording does below that root, or is a draft of one.

        Any other file is somebody else's, whatever it holds.
        """
        draft = _DRAFT.fullmatch(self.path.name)
        path = self.path.with_name(draft["of"]) if draft else self.path
        return key_of(path) is not None and path.parents[3].resolve() == root.resolve()

    @property
    def name(self) -> str:
        """Its key, else its path, for readers."""
        return self.key or str(self.path)


def choose(roots: Sequence[Path], wanted: Sequence[str] = ()) -> tuple[Shelved, ...]:
    """The files that are meant, each once, in order of their paths.

    A name is taken for a key before it is taken for a path; `./NAME` is always a path.

    Args:
        roots: Folders of recordings; an agent is looked for in the first that has it.
        wanted: Keys or beginnings of keys (`AGENT/SCENARIO`), files, folders; all if empty.

    Raises:
        CassetteMissing: There is nothing of that name.
    """
    if not wanted:
        found = {entry for folder in _agents(roots) for entry in _below(folder)}
        found |= {entry for root in roots[:1] for entry in _loose(root)}
        return tuple(sorted(found))
    return tuple(sorted({entry for name in wanted for entry in _named(roots, name)}))


def choose_one(roots: Sequence[Path], name: str) -> Shelved:
    """The one file that is meant.

    Raises:
        CassetteMissing: There is nothing of that name.
        UsageError: It names several recordings, or a folder without any.
    """
    found = choose(roots, (name,))
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"{name} names {len(found)} recordings where one is wanted",
        hint=f"Such as {found[0].name}." if found else "Give a key or a file.",
    )


def _named(roots: Sequence[Path], name: str) -> Iterator[Shelved]:
    candidates = []
    for root in () if _NO_KEY.fullmatch(name) else roots:
        candidates += [root / f"{name}.json", root / name]
    candidates.append(Path(name))
    for candidate in candidates:
        if candidate.is_file():
            yield Shelved(candidate)
            return
        if candidate.is_dir():
            yield from _below(candidate)
            return
    looked = ", ".join(map(str, roots))
    raise CassetteMissing(
        f"there is no recording {name}, neither as a path nor as a key in {looked}",
        hint="`ferrotape cassettes list` shows what there is.",
    )


def _agents(roots: Sequence[Path]) -> Iterator[Path]:
    """The folders of agents; the first root that has an agent hides it in the later ones."""
    seen: set[str] = set()
    for root in roots:
        folders = [f for f in root.iterdir() if f.is_dir()] if root.is_dir() else []
        yield from (folder for folder in folders if folder.name not in seen)
        seen |= {folder.name for folder in folders}


def _below(folder: Path) -> Iterator[Shelved]:
    yield from _loose(folder, "**/*")


def _loose(folder: Path, pattern: str = "*") -> Iterator[Shelved]:
    for path in folder.glob(pattern):
        entry = Shelved(path)
        if path.is_file() and (path.suffix == ".json" or entry.draft):
            yield entry
