"""Writing files so that a reader finds the old content or the new one, never half of it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ferrotape.errors import UsageError


def write_text(path: Path, text: str) -> Path:
    """Writes `text` to `path` as UTF-8 with line ends as they are, atomically; returns `path`.

    The text goes to a temporary file in the same folder (made if missing), is flushed to the
    disk, and then takes the place of what was there. The umask decides the permissions.

    Raises:
        UsageError: The file cannot be written; what was there before is untouched.
    """
    draft = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}",
            hint="Choose a folder that you may write to and that has room.",
        ) from error
    return path
