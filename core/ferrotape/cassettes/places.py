"""Folders that differ between a recording and its replay, and the names they have on the tape.

The tape holds `{{ferrotape:workspace}}` where the traffic held the path of the folder
`workspace`, and `{{ferrotape:workspace-slug}}` for the path with every other character than
letters and digits turned into `-`, as agent programs name their own folders. What looked like
such a name from the start is kept apart, so that `show` undoes `hide` exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_OPEN = b"{{ferrotape:"
_LITERAL = "literal"


class Places:
    """The folders of one trial.

    Args:
        folders: Absolute paths by the names they get on the tape: letters and dashes.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        spelled = {_OPEN: _name(_LITERAL)}
        for name, folder in folders.items():
            path = str(folder)
            spelled[path.encode()] = _name(name)
            spelled[re.sub(r"[^a-zA-Z0-9]", "-", path).encode()] = _name(f"{name}-slug")
        self._hidden = spelled
        self._shown = {name: spelling for spelling, name in spelled.items()}
        # The longest first: a folder may lie in another.
        self._spelling = _any_of(sorted(self._hidden, key=len, reverse=True))
        self._name = _any_of(self._shown)

    def hide(self, content: bytes) -> bytes:
        """The content with names in place of paths."""
        return self._spelling.sub(lambda found: self._hidden[found[0]], content)

    def show(self, content: bytes) -> bytes:
        """The content with this trial's paths in place of names."""
        return self._name.sub(lambda found: self._shown[found[0]], content)


def _name(word: str) -> bytes:
    return b"%b%b}}" % (_OPEN, word.encode())


def _any_of(words: Mapping[bytes, bytes] | list[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, words)))
