"""Watching one process: its output as it comes, its end, its deadline."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from ferrotape.sandbox.outcome import Ended

_CHUNK = 65536
_POLL_S = 0.01
"""How often to ask whether the process has ended, on systems that cannot tell by themselves."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a process until it ended or went over a limit."""

    stopped: Ended | None
    """The limit it met; None if it ended by itself."""
    stdout: bytes
    stderr: bytes


def watch(process: subprocess.Popen[bytes], deadline: float, output_bytes: int) -> Watched:
    """Reads the output until the process ends, goes over `output_bytes`, or `deadline` is past.

    It waits for the process and not for the end of its output: a child that went into a session
    of its own may keep the pipes open for as long as it likes.

    Args:
        process: Started with both outputs as pipes.
        deadline: On the clock of `time.monotonic`.
        output_bytes: The most that is accepted of each output.
    """
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
    taken: dict[IO[bytes], bytearray] = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector, _end_of(process) as end:
        for pipe in pipes:
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        if end is not None:
            selector.register(end, selectors.EVENT_READ)
        stopped = _follow(process, selector, taken, end, deadline, output_bytes)
    stdout, stderr = (bytes(taken[pipe][:output_bytes]) for pipe in pipes)
    return Watched(stopped=stopped, stdout=stdout, stderr=stderr)


def _follow(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    taken: dict[IO[bytes], bytearray],
    end: int | None,
    deadline: float,
    output_bytes: int,
) -> Ended | None:
    ended = False
    while not ended:
        left = deadline - time.monotonic()
        if left <= 0:
            return Ended.TIMEOUT
        events = selector.select(left if end is not None else min(left, _POLL_S))
        if end is None:
            ended = process.poll() is not None
        for key, _ in events:
            if key.fileobj == end:
                ended = True
            elif not _take(key.fileobj, taken[key.fileobj]):  # type: ignore[index, arg-type]
                selector.unregister(key.fileobj)
        if _too_much(taken, output_bytes):
            return Ended.OUTPUT
    # What it wrote last may still be in the pipes.
    for pipe, buffer in taken.items():
        while len(buffer) <= output_bytes and _take(pipe, buffer, default=False):
            pass
    return Ended.OUTPUT if _too_much(taken, output_bytes) else None


def _take(pipe: IO[bytes], buffer: bytearray, *, default: bool = True) -> bool:
    """Moves what is there into the buffer; False at the end, `default` if there is nothing now."""
    try:
        chunk = os.read(pipe.fileno(), _CHUNK)
    except BlockingIOError:
        return default
    buffer += chunk
    return bool(chunk)


def _too_much(taken: dict[IO[bytes], bytearray], output_bytes: int) -> bool:
    return any(len(buffer) > output_bytes for buffer in taken.values())


@contextmanager
def _end_of(process: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A descriptor that becomes readable when the process ends; None where there is none."""
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
