"""Which tape a call belongs to: the trial's, found by a context variable.

A context variable follows tasks and `asyncio.to_thread`, but not a bare `Thread` or a pool's
`submit`: what such a thread asks belongs to no trial, unless it is started with
`contextvars.copy_context().run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferrotape.cassettes.tape import Tape

_tape: ContextVar[Tape | None] = ContextVar("ferrotape_tape", default=None)
_direct: ContextVar[bool] = ContextVar("ferrotape_direct", default=False)


@contextmanager
def current(tape: Tape) -> Iterator[None]:
    """What is asked inside, by whatever HTTP client, goes by way of `tape`; see `router`."""
    token = _tape.set(tape)
    try:
        yield
    finally:
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


def is_direct() -> bool:
    """Whether calls are to be left alone here."""
    return _direct.get()
