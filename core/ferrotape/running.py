"""Whether a run is under way: one process at a time may carry it out."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ferrotape.errors import UsageError


@contextmanager
def under_way(store: Path, run_id: str) -> Iterator[None]:
    """Holds a run; the lock is the system's, so that it ends with the process, however that ends.

    Args:
        store: The run history; the lock lies beside it.
        run_id: The run.

    Raises:
        UsageError: Another process holds it.
    """
    path = store.with_name(f"{store.stem}-{run_id}.lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"run {run_id} is under way in another process",
                hint="Wait for it, or end it first.",
            ) from error
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
