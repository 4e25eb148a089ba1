"""Run ids: sortable by time, unique across machines, short enough to type a prefix."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

# Crockford's base 32: no i, l, o, u, so that an id can be read aloud and spells nothing.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_LETTERS = 6  # 30 bits for the runs that start within the same second


def new_run_id(now: datetime) -> str:
    """A fresh id such as `20261125-221530-k3f9q2`: the UTC second, then chance.

    Args:
        now: An aware time, in any zone.
    """
    if now.tzinfo is None:
        raise ValueError("a run id needs a time with its zone")
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LETTERS))
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{letters}"
