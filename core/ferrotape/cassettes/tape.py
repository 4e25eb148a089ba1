"""The tape: one trial's cassette, either being recorded or being replayed."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vcr.cassette import Cassette
from vcr.record_mode import RecordMode
from vcr.request import Request

from ferrotape.cassettes import document, matching, persister, redaction, scrub
from ferrotape.cassettes.identity import Identity
from ferrotape.cassettes.rules import PLAIN, Rules
from ferrotape.errors import CassetteMiss, CassetteStale, CassetteUnused
from ferrotape.model import AgentFailureKind, Call, Reply

_UNTIMED = {"ttfb_s": None, "latency_s": None}
ANSWERED = document.ANSWERED
"""The outcome of a trial whose agent did not fail."""


class Tape:
    """One trial's cassette. Made by `record` or `replay`, ended by `close`. Thread-safe.

    `play`, `refuse`, `hide`, `expect` and `add` are for transports and the router.
    """

    def __init__(
        self,
        path: Path,
        identity: Identity,
        cassette: Cassette,
        rules: Rules = PLAIN,
        *,
        timed: bool = True,
    ) -> None:
        """Use `Tape.record` or `Tape.replay`."""
        self.path = path
        self._timed = timed
        self.identity = identity
        self._cassette = cassette
        self._rules = rules
        self._lock = threading.Lock()
        self._open = True
        self._calls: list[Call] = []
        self._loopback = False
        self._secrets: set[bytes] = set()
        self._misses: list[str] = []
        self._unplayed: dict[Any, deque[int]] = {}
        self._under_way: list[Callable[[], None]] = []

    @classmethod
    def record(
        cls, path: Path, identity: Identity, rules: Rules = PLAIN, *, timed: bool = True
    ) -> Tape:
        """A fresh tape. An older file at `path` is not read; `close` replaces it.

        Args:
            path: Where it is saved.
            identity: What it is made for.
            rules: How its traffic is stored and matched.
            timed: Whether the times of its exchanges are the endpoint's. Those of answers out
                of a batch are not, and are recorded as null.
        """
        cassette = Cassette(**_arguments(path, RecordMode.NEW_EPISODES))
        return cls(path, identity, cassette, rules, timed=timed)

    @classmethod
    def replay(cls, path: Path, identity: Identity, rules: Rules = PLAIN) -> Tape:
        """The tape recorded at `path`, under the same rules as now.

        Raises:
            CassetteMissing: There is none; the hint names the nearest.
            CassetteCorrupt: The file is no whole, valid cassette.
            CassetteStale: It was recorded for something else; the message says what changed.
        """
        tape = cls(path, identity, Cassette.load(**_arguments(path, RecordMode.NONE)), rules)
        recorded: Identity = tape._metadata("identity")
        changes = identity.changes_since(recorded)
        if changes:
            raise CassetteStale(
                f"the recording {path} was made for something else: {'; '.join(changes)}",
                hint=f"Record it again with `ferrotape record --agent {identity.agent}`,"
                " or put back what changed.",
            )
        for index, request in enumerate(tape._cassette.requests):
            tape._unplayed.setdefault(rules.key(request), deque()).append(index)
        return tape

    @property
    def replaying(self) -> bool:
        """Whether this tape is played rather than recorded."""
        return bool(self._cassette.record_mode is RecordMode.NONE)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The exchanges so far with their recorded times, retried attempts included."""
        with self._lock:
            return tuple(sorted(self._calls, key=lambda call: call.index))

    @property
    def unplayed(self) -> int:
        """How many recorded exchanges have not been played yet; 0 while recording."""
        with self._lock:
            return sum(len(indices) for indices in self._unplayed.values())

    @property
    def measured(self) -> bool:
        """Whether latency and usage are the model's: False for a loopback endpoint."""
        return bool(self._metadata("measured")) if self.replaying else not self._loopback

    @property
    def recorded_at(self) -> str:
        """When it was recorded: UTC, ISO 8601 to the second; replay only."""
        return str(self._metadata("recorded_at"))

    @property
    def worth_its_price(self) -> bool:
        """Whether the recorded trial was answered, or failed by the agent's own doing."""
        return self.outcome == ANSWERED or AgentFailureKind(self.outcome).agent_caused

    @property
    def outcome(self) -> str:
        """How the recorded trial ended: `answered`, or an `AgentFailureKind`; replay only."""
        return str(self._metadata("outcome"))

    def play(self, request: Request) -> dict[str, Any] | None:
        """The next recorded response to a request, in vcrpy's terms; None for a miss.

        The key `more` says whether the same request was made again after this one.
        """
        asked = scrub.request(self._rules.to_tape(request))
        with self._lock:
            indices = self._unplayed.get(self._rules.key(asked))
            if not indices:
                self._misses.append(self._describe_miss(asked))
                return None
            index = indices.popleft()
            response: dict[str, Any] = self._cassette.data[index][1]
            self._calls.append(_call(index, response))
            more = bool(indices)
        return {**self._rules.response_from_tape(response), "more": more}

    def cut_off(self) -> bool:
        """In replay, whether the recorded trial ran out of time; its calls then count as made.

        Where the clock stopped a program is not repeatable; whoever runs one asks this first.
        """
        if not self.replaying or self.outcome != AgentFailureKind.TIMEOUT:
            return False
        with self._lock:
            for index in sorted(i for indices in self._unplayed.values() for i in indices):
                self._calls.append(_call(index, self._cassette.responses[index]))
            self._unplayed.clear()
        return True

    def hide(self, secrets: Iterable[bytes]) -> frozenset[bytes]:
        """Adds to what must get neither onto the tape nor into a reply; gives all of it."""
        with self._lock:
            self._secrets.update(secrets)
            return frozenset(self._secrets)

    def cleaned(self, reply: Reply) -> Reply:
        """The reply without the secrets that the trial's requests carried."""
        return scrub.reply(reply, self.hide(())) if self._secrets else reply

    def refuse(self, attempt: str) -> None:
        """Notes that the agent tried in replay to reach the network; a miss for `close`."""
        with self._lock:
            self._misses.append(f"{attempt}, which replay has no network for")

    def expect(self, break_off: Callable[[], None]) -> None:
        """Announces an exchange whose response is being read; `close` breaks it off if it is."""
        with self._lock:
            self._under_way.append(break_off)

    def add(self, request: Request, response: Mapping[str, Any], *, loopback: bool) -> None:
        """Records an exchange, in vcrpy's terms; ignored once the tape is closed."""
        if not self._timed:
            response = {**response, "timing": _UNTIMED}
        hidden = {value.decode() for value in self.hide(())}
        asked = redaction.redacted_request(self._rules.to_tape(request), hidden)
        # A value may be split between deltas that the rules made one.
        stored = redaction.redacted_response(self._rules.response_to_tape(response), hidden)
        with self._lock:
            if not self._open:
                return
            index = len(self._cassette)
            self._cassette.append(asked, stored)
            self._calls.append(_call(index, response))
            self._loopback = self._loopback or loopback

    def close(self, outcome: str = ANSWERED) -> None:
        """Ends the tape; a second call does nothing.

        A recording is saved if the trial was answered or its failure is the agent's own. After
        trouble with the endpoint it is saved only where there is none: an older one stays.

        Args:
            outcome: `answered`, or the `AgentFailureKind` of the reply's failure.

        Raises:
            CassetteError: A recording could not be saved.
            CassetteMiss: In replay a request was not on the tape.
            CassetteUnused: In replay the agent left out a recorded call without crashing.
            ValueError: There is no such outcome.
        """
        failure = None if outcome == ANSWERED else AgentFailureKind(outcome)
        for break_off in self._under_way:
            break_off()
        with self._lock:
            was_open, self._open = self._open, False
        if not was_open:
            return
        if not self.replaying:
            if failure is None or failure.agent_caused or self._worth_keeping(failure):
                self._save(outcome)
            return
        self._raise_miss()
        if failure is not AgentFailureKind.CRASHED:
            self._raise_unused()
            self._raise_other_end(outcome)

    def _worth_keeping(self, failure: AgentFailureKind) -> bool:
        # A trial that was stopped is no failure to look into, and to be recorded yet.
        stopped = failure is AgentFailureKind.NOT_ASKED
        return not stopped and len(self._cassette) > 0 and not self.path.exists()

    def _save(self, outcome: str) -> None:
        metadata = document.Metadata(
            recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
            measured=self.measured,
            outcome=outcome,
            interactions=len(self._cassette),
            identity=self.identity,
        )
        for name in metadata.__slots__:
            value = getattr(metadata, name)
            self._cassette.get_metadata(name, value.as_json() if name == "identity" else value)
        self._cassette._save(force=True)

    def _raise_miss(self) -> None:
        if self._misses:
            count = len(self._misses)
            raise CassetteMiss(
                f"{count} request{'s' if count > 1 else ''} of {self.identity.agent} not on the"
                f" recording {self.path}; the first:\n{self._misses[0]}",
                hint=f"Record it again with `ferrotape record --agent {self.identity.agent}`.",
            )

    def _raise_other_end(self, outcome: str) -> None:
        if outcome != self.outcome:
            raise CassetteStale(
                f"the recording {self.path} ended with {self.outcome!r}, its replay with"
                f" {outcome!r}: {self.identity.agent} reads it in another way than it did",
                hint=f"Record it again with `ferrotape record --agent {self.identity.agent}`.",
            )

    def _raise_unused(self) -> None:
        left = sorted(index for indices in self._unplayed.values() for index in indices)
        if left:
            raise CassetteUnused(
                f"{self.identity.agent} did not make {len(left)} of the {len(self._cassette)} calls"
                f" on the recording {self.path} (counted from 0: {', '.join(map(str, left))})",
                hint=f"Record it again with `ferrotape record --agent {self.identity.agent}`.",
            )

    def _describe_miss(self, asked: Request) -> str:
        key = self._rules.key
        times = sum(key(recorded) == key(asked) for recorded in self._cassette.requests)
        if times:
            counted = "once" if times == 1 else f"{times} times"
            return f"{asked.method} {asked.uri} was recorded {counted} and asked once more"
        return matching.difference(asked, self._cassette.requests)

    def _metadata(self, name: str) -> Any:
        return self._cassette.get_metadata(name, None)


def _arguments(path: Path, mode: RecordMode) -> dict[str, Any]:
    logger = logging.getLogger("vcr")
    if logger.level < logging.WARNING:  # at INFO it logs whole responses
        logger.setLevel(logging.WARNING)
    arguments: dict[str, Any] = {
        "path": path,
        "serializer": document,
        "persister": persister,
        "record_mode": mode,
    }
    if mode is not RecordMode.NONE:  # what is loaded has been through them
        arguments["before_record_request"] = scrub.request
        arguments["before_record_response"] = scrub.response
    return arguments


def _call(index: int, response: Mapping[str, Any]) -> Call:
    timing = response["timing"]
    return Call(
        index=index,
        status=response["status"]["code"],
        latency_s=timing["latency_s"],
        ttfb_s=timing["ttfb_s"],
        error=response.get("error", {}).get("type", ""),
    )
