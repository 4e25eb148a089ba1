"""Reading what a test program of Rust prints (libtest's plain output)."""

from __future__ import annotations

import re
import signal
from collections.abc import Set
from dataclasses import dataclass

from ferrotape.sandbox import Ended, Outcome
from ferrotape_plugins.rust.diagnostics import clean

_ONE_PASSED = re.compile(r"^test result: ok\. 1 passed; 0 failed;", re.MULTILINE)
_LISTED = re.compile(r"^([^\s:]+(?:::[^\s:]+)*): test$", re.MULTILINE)
_REPORT = re.compile(
    r"^test (?P<name>\S+)(?: - should panic)? \.\.\. (?P<word>ok|FAILED|ignored)\b", re.MULTILINE
)
_PANIC = re.compile(
    r"^thread '(?P<thread>[^'\n]*)'[^\n]*? panicked at (?P<place>[^\n]*?):(?P<line>\d+):\d+:\n"
    r"(?P<message>[^\n]*)",
    re.MULTILINE,
)
_RETURNED = re.compile(r"^Error: ([^\n]*)", re.MULTILINE)
_QUOTED_OR_NUMBER = re.compile(r'("(?:[^"\\]|\\.)*")|0x[0-9a-fA-F]+|\d+(?:\.\d+)?')
_LIMITS = {
    Ended.TIMEOUT: "did not end in time",
    Ended.OUTPUT: "wrote more than is allowed",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """The tests of one process."""

    total: int
    passed: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a test did not pass."""

    message: str
    line: int | None = None
    """In the compiled file, 1-based."""


def passed(outcome: Outcome) -> bool:
    """Whether a process started for one test reports that this test ran and passed.

    The status alone would also be 0 if the answer ended the process, or if there were no such
    test in it.
    """
    return outcome.ok and _ONE_PASSED.search(outcome.stdout.decode("utf-8", "replace")) is not None


def listed(outcome: Outcome) -> frozenset[str]:
    """The paths of the tests that a process started with `--list` names."""
    return frozenset(_LISTED.findall(outcome.stdout.decode("utf-8", "replace")))


def tally(outcome: Outcome, tests: Set[str]) -> Tally:
    """Counts those of `tests` that a process reports on; ignored ones do not count.

    A test can print a line that looks like a report. It counts for no other name, and not where
    another line says otherwise.
    """
    said: dict[str, set[str]] = {test: set() for test in tests}
    for report in _REPORT.finditer(outcome.stdout.decode("utf-8", "replace")):
        if report["name"] in said:
            said[report["name"]].add(report["word"])
    run = [words for words in said.values() if words != {"ignored"}]
    return Tally(total=len(run), passed=sum(words == {"ok"} for words in run))


def complaint(outcome: Outcome, path: str, hidden_from: int) -> Complaint:
    """Why the test `path` failed, in words that are the same each time.

    Args:
        outcome: Of the process that ran the test.
        path: The test's path, which is also its thread's name.
        hidden_from: The line of the compiled file on which the hidden tests begin.
    """
    limit = _LIMITS.get(outcome.ended)
    if limit is not None:
        return Complaint(limit)
    if outcome.ended is Ended.SIGNAL:
        return Complaint(_by_signal(outcome))
    text = outcome.stdout.decode("utf-8", "replace") + outcome.stderr.decode("utf-8", "replace")
    panic = _telling_panic(text, path, hidden_from)
    if panic is not None:
        return Complaint(steady(panic["message"]), int(panic["line"]))
    returned = _RETURNED.search(text)
    if returned is not None:
        return Complaint(steady(f"returned an error: {returned[1]}"))
    if outcome.code == 0:
        return Complaint("the program ended before the test did")
    return Complaint(f"failed with status {outcome.code}")


def steady(message: str) -> str:
    """A message without what differs from run to run: numbers outside of quotes become `…`.

    Addresses, durations, thread ids and measured counts cannot be told from constants.
    """
    return _QUOTED_OR_NUMBER.sub(lambda found: found[1] or "…", clean(message))


def _telling_panic(text: str, path: str, hidden_from: int) -> re.Match[str] | None:
    """The panic that failed the test, among those that the answer caught or caused on the way.

    A test that works in a thread of its own, to give up on it in time, hands the panic of that
    thread on without printing it again: then it is the last one that came from the hidden tests.
    """
    panics = list(_PANIC.finditer(text))
    own = [panic for panic in panics if panic["thread"] == path]
    hidden = [panic for panic in panics if int(panic["line"]) >= hidden_from]
    best = own or hidden or panics
    return best[-1] if best else None


def _by_signal(outcome: Outcome) -> str:
    if b"has overflowed its stack" in outcome.stderr:
        return "overflowed its stack"
    try:
        name = signal.Signals(outcome.code).name
    except ValueError:
        name = f"signal {outcome.code}"
    return f"ended by {name}"
