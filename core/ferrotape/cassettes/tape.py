"""The tape: one trial's cassette, either being recorded or being replayed."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vcr.cassette import Cassette
from vcr.record_mode import RecordMode
from vcr.request import Request

from ferrotape.cassettes import document, matching, persister, scrub
from ferrotape.cassettes.identity import Identity
from ferrotape.errors import CassetteMiss, CassetteStale, CassetteUnused
from ferrotape.model import AgentFailureKind, Call

ANSWERED = "answered"
"""The outcome of a trial whose agent did not fail."""


class Tape:
    """One trial's cassette. Made by `record` or `replay`, ended by `close`. Thread-safe.

    `play`, `expect` and `add` are for the transport.
    """

    def __init__(self, path: Path, identity: Identity, cassette: Cassette) -> None:
        """Use `Tape.record` or `Tape.replay`."""
        self.path = path
        self.identity = identity
        self._cassette = cassette
        self._lock = threading.Lock()
        self._open = True
        self._calls: list[Call] = []
        self._loopback = False
        self._misses: list[str] = []
        self._unplayed: dict[Any, deque[int]] = {}
        self._under_way: list[Callable[[], None]] = []

    @classmethod
    def record(cls, path: Path, identity: Identity) -> Tape:
        """A fresh tape. An older file at `path` is not read; `close` replaces it."""
        return cls(path, identity, Cassette(**_arguments(path, RecordMode.NEW_EPISODES)))

    @classmethod
    def replay(cls, path: Path, identity: Identity) -> Tape:
        """The tape recorded at `path`.

        Raises:
            CassetteMissing: There is none; the hint names the nearest.
            CassetteCorrupt: The file is no whole, valid cassette.
            CassetteStale: It was recorded for something else; the message says what changed.
        """
        tape = cls(path, identity, Cassette.load(**_arguments(path, RecordMode.NONE)))
        recorded: Identity = tape._metadata("identity")
        changes = identity.changes_since(recorded)
        if changes:
            raise CassetteStale(
                f"the recording {path} was made for something else: {'; '.join(changes)}",
                hint=f"Record it again with `ferrotape record --agent {identity.agent}`,"
                " or put back what changed.",
            )
        for index, request in enumerate(tape._cassette.requests):
            tape._unplayed.setdefault(matching.key(request), deque()).append(index)
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
    def measured(self) -> bool:
        """Whether latency and usage are the model's: False for a loopback endpoint."""
        return bool(self._metadata("measured")) if self.replaying else not self._loopback

    @property
    def outcome(self) -> str:
        """How the recorded trial ended: `answered`, or an `AgentFailureKind`; replay only."""
        return str(self._metadata("outcome"))

    def play(self, request: Request) -> dict[str, Any] | None:
        """The next recorded response to a request, in vcrpy's terms; None for a miss.

        The key `more` says whether the same request was made again after this one.
        """
        asked = self._cassette.filter_request(request)
        with self._lock:
            indices = self._unplayed.get(matching.key(asked))
            if not indices:
                self._misses.append(self._describe_miss(asked))
                return None
            index = indices.popleft()
            response: dict[str, Any] = self._cassette.responses[index]
            self._calls.append(_call(index, response))
            return {**response, "more": bool(indices)}

    def expect(self, break_off: Callable[[], None]) -> None:
        """Announces an exchange whose response is being read; `close` breaks it off if it is."""
        with self._lock:
            self._under_way.append(break_off)

    def add(self, request: Request, response: Mapping[str, Any], *, loopback: bool) -> None:
        """Records an exchange, in vcrpy's terms; ignored once the tape is closed."""
        with self._lock:
            if not self._open:
                return
            index = len(self._cassette)
            self._cassette.append(request, response)
            self._calls.append(_call(index, response))
            self._loopback = self._loopback or loopback

    def close(self, outcome: str = ANSWERED) -> None:
        """Ends the tape; a second call does nothing.

        A recording is saved if the trial was answered or its failure is the agent's own; after
        trouble with the endpoint an older recording stays as it was.

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
            if failure is None or failure.agent_caused:
                self._save(outcome)
            return
        self._raise_miss()
        if failure is not AgentFailureKind.CRASHED:
            self._raise_unused()

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

    def _raise_unused(self) -> None:
        left = sorted(index for indices in self._unplayed.values() for index in indices)
        if left:
            raise CassetteUnused(
                f"{self.identity.agent} did not make {len(left)} of the {len(self._cassette)} calls"
                f" on the recording {self.path} (counted from 0: {', '.join(map(str, left))})",
                hint=f"Record it again with `ferrotape record --agent {self.identity.agent}`.",
            )

    def _describe_miss(self, asked: Request) -> str:
        times = sum(matching.key(r) == matching.key(asked) for r in self._cassette.requests)
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
    return {
        "path": path,
        "serializer": document,
        "persister": persister,
        "record_mode": mode,
        "before_record_request": scrub.request,
        "before_record_response": scrub.response,
    }


def _call(index: int, response: Mapping[str, Any]) -> Call:
    timing = response["timing"]
    return Call(
        index=index,
        status=response["status"]["code"],
        latency_s=timing["latency_s"],
        ttfb_s=timing["ttfb_s"],
        error=response.get("error", {}).get("type", ""),
    )
