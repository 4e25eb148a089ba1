"""A name that a user gave, held against those there are."""

from __future__ import annotations

from collections.abc import Sequence

from ferrotape.errors import UsageError
from ferrotape.packs.wording import did_you_mean


def pick(what: str, wanted: str, known: Sequence[str]) -> str:
    """`wanted`, if it is known; `UsageError` otherwise. `what` is the word for such a thing."""
    if wanted in known:
        return wanted
    raise UsageError(
        f"there is no {what} `{wanted}` in this pack{did_you_mean(wanted, known)}",
        hint=f"It has {', '.join(known)}.",
    )
