"""The Message Batches API of the loopback endpoint: batches under way and their results."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ferrotape.testing.faults import BatchFault
from ferrotape.testing.messages import Answer, message

ROOT = "/v1/messages/batches"
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CREATED, _ENDED, _EXPIRES = (
    f"2026-01-0{day}T00:00:0{second}Z" for day, second in ((1, 0), (1, 9), (2, 0))
)


@dataclass
class _Batch:
    results: list[Mapping[str, Any]] = field(default_factory=list)
    polls: int = 0


class LoopbackBatches:
    """Batches by their ids. Thread-safe.

    Args:
        answer: Gives the answer to a request's params; a `LookupError` makes it `errored`.
    """

    def __init__(self, answer: Callable[[Mapping[str, Any]], Answer]) -> None:
        self.polls = 2
        """How often a batch is found in progress before it has ended; counts at once."""
        self._answer = answer
        self._batches: dict[str, _Batch] = {}
        self._faults: deque[BatchFault | None] = deque()
        self._lock = threading.Lock()

    def fail(self, *faults: BatchFault | None) -> None:
        """Queues faults; each goes to one batched request, in order of arrival. None for none."""
        with self._lock:
            self._faults.extend(faults)

    def create(self, body: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        """Takes a batch on.

        Args:
            body: As sent.
            place: The base URL by which the endpoint was reached.

        Raises:
            ValueError: The body is no batch.
        """
        entries = body.get("requests")
        if not isinstance(entries, list) or not entries:
            raise ValueError("requests: a list of at least one is required")
        names = [str(entry.get("custom_id")) for entry in entries]
        if len(set(names)) < len(names) or not all(map(_CUSTOM_ID.fullmatch, names)):
            raise ValueError("custom_id: unique ones of 1 to 64 characters are required")
        if any("stream" in entry["params"] for entry in entries):
            raise ValueError("stream: a batch cannot be streamed")
        with self._lock:
            name = f"msgbatch_{len(self._batches):06d}"
            batch = self._batches[name] = _Batch()
            for ordinal, entry in enumerate(entries):
                result = self._result(entry["params"], ordinal)
                batch.results.append({"custom_id": entry["custom_id"], "result": result})
            return self._described(name, place)

    def retrieve(self, name: str, place: str) -> Mapping[str, Any]:
        """How far a batch is.

        Raises:
            LookupError: There is no such batch.
        """
        with self._lock:
            described = self._described(name, place)
            self._batches[name].polls += 1
            return described

    def results(self, name: str) -> bytes:
        """The results of a batch, a line each, the last first.

        Raises:
            LookupError: There is no such batch, or it has not ended.
        """
        with self._lock:
            if not self._has_ended(name):
                raise LookupError(f"{name} has not ended")
            results = reversed(self._batches[name].results)
        return b"".join(json.dumps(entry).encode() + b"\n" for entry in results)

    def _has_ended(self, name: str) -> bool:
        return self._batches[name].polls >= self.polls

    def _result(self, params: Mapping[str, Any], ordinal: int) -> Mapping[str, Any]:
        fault = self._faults.popleft() if self._faults else None
        if fault is None:
            try:
                whole = message(params, self._answer(params), ordinal)
            except LookupError as error:
                reason = str(error.args[0]) if error.args else "no answer"
                fault = BatchFault("errored", "invalid_request_error", reason)
            else:
                return {"type": "succeeded", "message": whole}
        if fault.type != "errored":
            return {"type": fault.type}
        error_of_it = {"type": fault.error, "message": fault.message}
        return {"type": "errored", "error": {"type": "error", "error": error_of_it}}

    def _described(self, name: str, place: str) -> Mapping[str, Any]:
        batch, ended = self._batches[name], self._has_ended(name)
        kinds = [entry["result"]["type"] for entry in batch.results]
        done = ("succeeded", "errored", "canceled", "expired")
        counts = {kind: kinds.count(kind) if ended else 0 for kind in done}
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {"processing": 0 if ended else len(kinds), **counts},
            "created_at": _CREATED,
            "ended_at": _ENDED if ended else None,
            "expires_at": _EXPIRES,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{place}{ROOT}/{name}/results" if ended else None,
        }
