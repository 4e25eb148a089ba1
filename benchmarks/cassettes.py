"""What replay costs a call, whether the recordings are many or one of them is long.

Each figure is taken in a process of its own, so that the memory of one does not count for another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.measure import Ratio
from ferrotape.cassettes import Identity, Tape, TapeTransport, current, router

FEW, MANY = 1_000, 10_000
LONG = 1_000
WARM_UP = 20
URL = "http://127.0.0.1:9/v1/messages"
CODE = "/// Forty-two.\npub fn answer() -> u32 {\n    42\n}\n"
ANSWER = {"content": [{"type": "text", "text": f"An answer.\n\n```rust\n{CODE * 8}```\n"}]}
PROMPT = "Write a function that answers everything, with its documentation.\n" * 20


def measure() -> Iterator[Ratio]:
    """Processor time of this thread and growth of resident memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", __spec__.name, "record", name], check=True)
        many, long = _figures("many", folder), _figures("long", folder)
    yield Ratio(
        name=f"replay of a call, its cassette opened, of {MANY:,} recordings",
        value=many["ms_a_call"],
        bound=1,
        at_most=True,
        detail=f"ms of CPU, a cassette each, {many['bytes']:,} bytes",
    )
    yield Ratio(
        name=f"look-up of a call in a cassette of {LONG:,} interactions",
        value=long["ms_a_call"],
        bound=0.5,
        at_most=True,
        detail=f"ms of CPU; opening it took {long['ms_open']:.0f} ms",
    )
    yield Ratio(
        name=f"memory after {MANY:,} recordings / after {FEW:,}",
        value=many["rss_many"] / many["rss_few"],
        bound=1.02,
        at_most=True,
        detail=f"{many['rss_many'] / 1024:.1f} / {many['rss_few'] / 1024:.1f} MiB resident",
    )


def _figures(what: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, what, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _record(folder: Path) -> None:
    """One long cassette, and one short one, copied: what is in them is not compared here."""
    answering = httpx2.MockTransport(lambda request: httpx2.Response(200, json=ANSWER))
    for name, calls in (("short", 1), ("long", LONG)):
        tape = Tape.record(folder / f"{name}.json", _identity())
        with httpx2.Client(transport=TapeTransport(tape, answering)) as client:
            for number in range(calls):
                client.post(URL, json=_asked(number))
        tape.close()
    content = (folder / "short.json").read_bytes()
    for number in range(MANY):
        path = _path(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _many(folder: Path) -> dict[str, float]:
    """A trial a cassette, within the router, as a run does it."""
    figures: dict[str, float] = {"bytes": _path(folder, 0).stat().st_size}
    spent = 0.0
    with router(replaying=True):
        for number in range(-WARM_UP, MANY):
            path, identity, request = _path(folder, max(number, 0)), _identity(), _request(0)
            begun = time.thread_time()
            tape = Tape.replay(path, identity)
            transport = TapeTransport(tape)
            with current(tape):
                transport.handle_request(request).read()
            tape.close()
            spent += time.thread_time() - begun if number >= 0 else 0
            if number == FEW:
                figures["rss_few"] = _resident_kib()
    return {**figures, "rss_many": _resident_kib(), "ms_a_call": spent / MANY * 1000}


def _long(folder: Path) -> dict[str, float]:
    """All calls of one tape, the last first: what is recorded last is found as soon."""
    begun = time.thread_time()
    tape = Tape.replay(folder / "long.json", _identity())
    opened = time.thread_time() - begun
    transport = TapeTransport(tape)
    requests = [_request(number) for number in reversed(range(LONG))]
    begun = time.thread_time()
    for request in requests:
        transport.handle_request(request)
    spent = time.thread_time() - begun
    tape.close()
    return {"ms_open": opened * 1000, "ms_a_call": spent / LONG * 1000}


def _identity() -> Identity:
    return Identity(
        agent="a",
        plugin="p",
        settings={"model": "m", "max_tokens": 32_000},
        scenario="s",
        format="f",
        round=1,
        prompt_sha256="0" * 64,
    )


def _path(folder: Path, number: int) -> Path:
    return folder / str(number // 100) / f"round-{number}.json"


def _asked(number: int) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": f"{number}\n{PROMPT}"}]}


def _request(number: int) -> httpx2.Request:
    return httpx2.Request("POST", URL, json=_asked(number))


def _resident_kib() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return float(line.split()[1])


if __name__ == "__main__":
    task, place = sys.argv[1], Path(sys.argv[2])
    if task == "record":
        _record(place)
    else:
        sys.stdout.write(json.dumps((_many if task == "many" else _long)(place)))
