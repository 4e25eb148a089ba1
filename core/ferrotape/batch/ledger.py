"""What has been submitted as batches and what came of it, a file a batch.

A file is written as soon as the endpoint has accepted the batch, so that nobody pays again after
a crash, and removed when all that was asked for is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from ferrotape.errors import StoreError
from ferrotape.files import write_text

RECORDED = "recorded"
"""The outcome of a trial that is on a cassette."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A batch that was submitted."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    format: Literal[1] = 1
    batch: str
    """The id that the endpoint gave it."""
    agent: str
    """The agent's name in the configuration."""
    submitted_at: str
    """UTC, ISO 8601 to the millisecond, ending in Z."""
    trials: Mapping[str, str]
    """Keys of trials by custom id; a custom id is a digest of trial and request."""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    """What came of the requests, by custom id: `recorded`, or a sentence on why not."""


class Ledger:
    """The entries in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, batch: str) -> Path:
        """The file of a batch."""
        return self._folder / f"{quote(batch, safe='')}.json"

    def entries(self) -> tuple[Entry, ...]:
        """All entries, the oldest first.

        Raises:
            StoreError: A file cannot be read.
        """
        found = [_read(path) for path in self._folder.glob("*.json")]
        return tuple(sorted(found, key=lambda entry: (entry.submitted_at, entry.batch)))

    def put(self, entry: Entry) -> None:
        """Writes an entry, atomically.

        Raises:
            UsageError: It cannot be written.
        """
        write_text(self.path(entry.batch), json.dumps(asdict(entry), indent=1) + "\n")

    def drop_recorded(self, custom_ids: Collection[str]) -> None:
        """Removes the entries that are done with: recorded in full, by that batch or a later one.

        Args:
            custom_ids: Only entries with one of these are looked at.
        """
        entries = self.entries()
        newest = {c: entry.outcomes.get(c) for entry in entries for c in entry.trials}
        for entry in entries:
            known = any(custom_id in custom_ids for custom_id in entry.trials)
            if known and all(newest[custom_id] == RECORDED for custom_id in entry.trials):
                self.path(entry.batch).unlink(missing_ok=True)


def _read(path: Path) -> Entry:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Entry).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"{path} does not say what batch was submitted: {str(error).partition(chr(10))[0]}",
            hint="Look at the endpoint for batches under way, then remove the file.",
        ) from error
