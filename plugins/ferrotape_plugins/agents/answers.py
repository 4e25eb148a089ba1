"""What counts as the answer of an agent program: what it says, or the files it writes.

Files become fenced blocks of the reply's text, each under its path and tagged with its suffix, so
that extractors find them as they find code in any answer:

    `src/lib.rs`:

    ```rs
    ...
    ```

What does not count stays in the reply as a block of the kind `other`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from ferrotape import Block, BlockKind

Counts = Literal["text", "files", "files-or-text"]
"""What counts: what it says; the files that match; these, or what it says if there are none."""

_MOST_FILES = 100
_LARGEST_FILE = 1024 * 1024
_SKIPPED_FOLDERS = frozenset({"node_modules", "target", "__pycache__"})
_FENCE = re.compile(r"^\s*(`{3,})", re.MULTILINE)


def written_files(workspace: Path, patterns: Sequence[str]) -> dict[str, str]:
    """The text files below a folder that match a glob, by their relative path, sorted.

    At most 100 files of at most 1 MiB; no links, nothing hidden, nothing that was built.

    Args:
        workspace: Where the program worked.
        patterns: Globs such as `**/*.rs`; one without a slash matches at any depth.
    """
    found: dict[str, str] = {}
    for path in sorted(_files(workspace)):
        name = path.relative_to(workspace).as_posix()
        if len(found) < _MOST_FILES and any(_matches(name, pattern) for pattern in patterns):
            text = _text(path)
            if text is not None:
                found[name] = text
    return found


def answer_blocks(said: str, files: Mapping[str, str], counts: Counts) -> tuple[Block, ...]:
    """The blocks of a reply."""
    fenced = "\n".join(_fenced(name, text) for name, text in files.items())
    files_count = counts == "files" or (counts == "files-or-text" and bool(files))
    answer, rest = (fenced, said) if files_count else (said, fenced)
    kinds = ((BlockKind.OTHER, rest), (BlockKind.TEXT, answer))
    return tuple(Block(kind=kind, text=text) for kind, text in kinds if text)


def _files(workspace: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(workspace):
        inner[:] = [d for d in inner if d not in _SKIPPED_FOLDERS and not d.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _matches(name: str, pattern: str) -> bool:
    path = PurePosixPath(name)
    # `match` goes from the right and has no `**` before Python 3.13.
    return path.match(pattern.removeprefix("**/"))


def _text(path: Path) -> str | None:
    """The content of a regular file that is not too large; None for others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            content = file.read(_LARGEST_FILE + 1)
    except OSError:
        return None
    if len(content) > _LARGEST_FILE:
        return None
    return content.decode(errors="replace")


def _fenced(name: str, text: str) -> str:
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    body = text if text.endswith("\n") or not text else f"{text}\n"
    return f"`{name}`:\n\n{fence}{PurePosixPath(name).suffix[1:]}\n{body}{fence}\n"
