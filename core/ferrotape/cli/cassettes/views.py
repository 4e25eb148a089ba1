"""Recordings for a terminal: as a table, in full, side by side."""

from __future__ import annotations

import difflib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ferrotape.audit import Complaint
from ferrotape.cassettes.catalogue import Shelved
from ferrotape.cassettes.recording import Exchanged, Recording, open_recording
from ferrotape.cassettes.redaction import Scrubbed
from ferrotape.cli.plain import plain
from ferrotape.cli.render import print_table
from ferrotape.errors import CassetteError

_KIB = 1024
_CONTEXT = 3


def say(text: str) -> None:
    """Prints text as it is, with nothing in it that steers a terminal."""
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(plain(text))


def listing(files: Iterable[Shelved]) -> Table:
    """Recordings by agent, scenario and format."""
    cells: defaultdict[tuple[str, str, str], list[Shelved]] = defaultdict(list)
    for entry in files:
        agent, scenario, format_id, _ = (entry.key or f"{entry.path}///").split("/")[-4:]
        cells[agent, scenario, format_id].append(entry)
    heads = ("agent", "scenario", "format", "rounds", "outcome", "measured", "size")
    rows = ((*cell, *_cell(entries)) for cell, entries in sorted(cells.items()))
    return _table(heads, rows)


def show_recording(name: str, recording: Recording) -> None:
    """Prints what it was made for, its calls, and what was said in them."""
    say(name)
    for label, value in _facts(recording):
        say(f"{label:<14}  {value}")
    say("")
    heads = ("call", "request", "status", "seconds", "first byte", "stop", "usage", "error")
    print_table(_table(heads, (_call(n, x) for n, x in enumerate(recording.exchanges, 1))))
    prompt = answer = None
    for number, exchange in enumerate(recording.exchanges, 1):
        of = f" of call {number}" if len(recording.exchanges) > 1 else ""
        if exchange.prompt != prompt:  # a retried attempt asks the same
            prompt = exchange.prompt
            say(f"\nprompt{of}:\n\n{prompt}")
        answer = exchange.said.text
        say(f"\nanswer{of}:\n\n{answer}")


def show_difference(first: tuple[str, Recording], second: tuple[str, Recording]) -> None:
    """Prints how two recordings differ: identity, prompt, answer."""
    (old_name, old), (new_name, new) = first, second
    parts = {
        "identity": (_identity(old), _identity(new)),
        "prompt": (old.prompt, new.prompt),
        "answer": (old.answer, new.answer),
    }
    for part, (before, after) in parts.items():
        if before == after:
            say(f"{part}: the same")
            continue
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), old_name, new_name, n=_CONTEXT, lineterm=""
        )
        say("\n".join((f"{part}:", *lines)))


def say_scrubbed(scrubbed: Scrubbed, *, dry_run: bool) -> None:
    """Prints what was taken out of a recording, and what could not be."""
    done = "would be redacted" if dry_run else "redacted"
    for secret in scrubbed.removed:
        say(f"{scrubbed.path}: {done}: {secret.rule} in the {secret.where}: {secret.masked}")
    for secret in scrubbed.kept:
        say(
            f"{scrubbed.path}: kept: {secret.rule} in the {secret.where}: {secret.masked}. It comes"
            " from the prompt or the settings: take it out there and record again."
        )


def closing(files: int, found: Sequence[Complaint]) -> str:
    """The last line of a check."""
    if not found:
        return f"{files} recordings checked: nothing to object to."
    counts = Counter(complaint.trouble for complaint in found)
    listed = ", ".join(f"{count} {trouble}" for trouble, count in sorted(counts.items()))
    return f"{files} recordings checked: {listed}."


def _cell(entries: Sequence[Shelved]) -> tuple[str, ...]:
    outcomes: Counter[str] = Counter()
    measured: set[bool] = set()
    for entry in entries:
        try:
            recording = open_recording(entry.path)
        except CassetteError:
            outcomes["broken"] += 1
            continue
        outcomes[recording.outcome] += 1
        measured.add(recording.measured)
    rounds = sorted(int(e.key.rpartition("-")[2]) for e in entries if e.key)
    alone = len(outcomes) == 1
    said = ", ".join(name if alone else f"{count} {name}" for name, count in outcomes.items())
    size = sum(entry.path.stat().st_size for entry in entries)
    words = {frozenset({True}): "yes", frozenset({False}): "no", frozenset(): "-"}
    return (
        ", ".join(map(str, rounds)),
        said,
        words.get(frozenset(measured), "in part"),
        f"{size / _KIB:.0f} KiB",
    )


def _facts(recording: Recording) -> Iterator[tuple[str, object]]:
    identity = recording.identity
    yield "file", f"{recording.path} ({recording.size / _KIB:.0f} KiB)"
    yield "recorded", recording.recorded_at
    yield "outcome", recording.outcome
    yield "measured", "yes" if recording.measured else "no: times and tokens are no model's"
    yield "agent", f"{identity.agent} (plugin {identity.plugin})"
    yield "settings", json.dumps(identity.as_json()["settings"], ensure_ascii=False)
    yield "prompt SHA-256", identity.prompt_sha256


def _identity(recording: Recording) -> str:
    return json.dumps(recording.identity.as_json(), indent=1, ensure_ascii=False)


def _call(number: int, exchange: Exchanged) -> tuple[object, ...]:
    call, said = exchange.call, exchange.said
    usage = ", ".join(f"{name} {count}" for name, count in said.usage.items())
    times = ("-" if s is None else f"{s:.3f}" for s in (call.latency_s, call.ttfb_s))
    request = f"{exchange.method} {exchange.uri}"
    return (number, request, call.status or "-", *times, said.stop_reason, usage, call.error)


def _table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(str(cell), one_line=True)) for cell in row))
    return table
