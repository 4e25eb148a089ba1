"""Which tape a call belongs to, and which time limit: the trial's, by context variables.

Context variables follow tasks and `asyncio.to_thread`, but not a bare `Thread` or a pool's
`submit`: what such a thread asks belongs to no trial, unless it is started with
`contextvars.copy_context().run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

    from ferrotape.cassettes.tape import Tape
    from ferrotape.cassettes.timelimit import TimeLimit

_tape: ContextVar[Tape | None] = ContextVar("ferrotape_tape", default=None)
_limit: ContextVar[TimeLimit | None] = ContextVar("ferrotape_limit", default=None)
_direct: ContextVar[bool] = ContextVar("ferrotape_direct", default=False)


@contextmanager
def current(tape: Tape, bound: httpx2.BaseTransport | None = None) -> Iterator[None]:
    """What is asked inside, by whatever HTTP client, goes by way of `tape`; see `router`.

    Args:
        tape: The trial's.
        bound: The transport of the trial's session. If it has a time limit, that ends what is
            asked by other clients too.
    """
    token = _tape.set(tape)
    limited = _limit.set(None if tape.replaying else getattr(bound, "_limit", None))
    try:
        yield
    finally:
        _limit.reset(limited)
        _tape.reset(token)


@contextmanager
def direct() -> Iterator[None]:
    """What is asked inside is left alone: a transport is recording it already."""
    token = _direct.set(True)
    try:
        yield
    finally:
        _direct.reset(token)


def current_tape() -> Tape | None:
    """The tape of the trial under way here."""
    return _tape.get()


def current_limit() -> TimeLimit | None:
    """The time that the calls made here may take; None for no limit, as in replay."""
    return _limit.get()


def is_direct() -> bool:
    """Whether calls are to be left alone here."""
    return _direct.get()
