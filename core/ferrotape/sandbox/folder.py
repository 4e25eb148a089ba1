"""The private folder that an untrusted process works in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new empty folder with mode 0700, removed afterwards with whatever was left in it."""
    # What ran in it may have taken away its own permissions, or still be writing when it is
    # removed: that is no reason to lose a verdict.
    with tempfile.TemporaryDirectory(prefix="ferrotape-", ignore_cleanup_errors=True) as name:
        yield Path(name)
