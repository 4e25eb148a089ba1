"""Answers out of a folder, `SCENARIO/FORMAT/round-N.md`, for the prompts of a pack."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferrotape.model import Pack
from ferrotape.testing.messages import Answer


class RecordedAnswers:
    """Gives the n-th request for a prompt the text of its `round-N.md`.

    Ask the rounds of a prompt one after the other, and each gets its own file. Thread-safe.

    Args:
        folder: Holds `SCENARIO/FORMAT/round-N.md`.
        pack: Whose prompts are answered.

    Raises:
        ValueError: Two cells of the pack have the same prompt.
    """

    def __init__(self, folder: Path, pack: Pack) -> None:
        self._folder = folder
        self._cells: dict[str, str] = {}
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        for scenario in pack.scenarios:
            for format_id, prompt in scenario.prompts.items():
                cell = f"{scenario.id}/{format_id}"
                other = self._cells.setdefault(prompt, cell)
                if other != cell:
                    raise ValueError(f"{other} and {cell} have the same prompt")

    def __call__(self, request: Mapping[str, Any]) -> Answer:
        """The answer to a Messages API request whose last message is a prompt of the pack.

        Raises:
            LookupError: It is no prompt of the pack, or there is no answer for its round.
        """
        cell = self._cells.get(_prompt(request))
        if cell is None:
            raise LookupError("this is no prompt of the pack")
        with self._lock:
            self._asked[cell] += 1
            number = self._asked[cell]
        path = self._folder / cell / f"round-{number}.md"
        try:
            return Answer(path.read_bytes().decode())
        except FileNotFoundError:
            raise LookupError(f"there is no answer {cell}/{path.name}") from None


def _prompt(request: Mapping[str, Any]) -> str:
    content = request["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content)
