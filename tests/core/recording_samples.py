"""Cassettes made by the tape itself, for tests of what reads and rewrites them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx2

from ferrotape.cassettes import ANSWERED, Identity, Tape, TapeTransport, document, layout
from ferrotape.testing.messages import Answer, events, message

PROMPT = "Write a parser."
KEY = "claude-1/scenario-1/minimal/round-1"


def identity(prompt: str = PROMPT, **changes: Any) -> Identity:
    fields: dict[str, Any] = {
        "agent": "claude-1",
        "plugin": "anthropic",
        "settings": {"model": "claude"},
        "scenario": "scenario-1",
        "format": "minimal",
        "round": 1,
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
    }
    return Identity(**{**fields, **changes})


def request(*said: str) -> dict[str, Any]:
    """What user and assistant said in turn, as a request of the Messages API."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return {"model": "claude", "max_tokens": 100, "messages": messages}


def streamed(answer: Answer) -> httpx2.Response:
    whole = message({}, answer, 1)
    text = "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in events(whole))
    return sse(text)


def sse(text: str) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=text)


def deltas(*pieces: str) -> httpx2.Response:
    """A stream whose text comes in exactly these pieces."""
    datas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in pieces
    ]
    return sse("".join(f"event: content_block_delta\ndata: {json.dumps(d)}\n\n" for d in datas))


def plain(tree: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=tree)


def record(
    path: Path,
    exchanges: Iterable[tuple[Mapping[str, Any], httpx2.Response]],
    *,
    made_for: Identity | None = None,
    outcome: str = ANSWERED,
) -> Path:
    """Puts exchanges on a cassette at `path`."""
    tape = Tape.record(path, made_for or identity())
    for body, response in exchanges:
        transport = TapeTransport(tape, httpx2.MockTransport(lambda _, given=response: given))
        with httpx2.Client(transport=transport) as client:
            client.post("https://api.example.com/v1/messages", json=body).read()
    tape.close(outcome)
    return path


def reseal(path: Path) -> None:
    """Makes a cassette that was edited whole again: its digest as of what it now holds."""
    tree = layout.load(path.read_text(encoding="utf-8"))
    metadata = tree["metadata"]
    metadata["digest"] = document.digest_of(metadata, tree["interactions"])
    path.write_text(layout.dump(tree), encoding="utf-8")


def replay(path: Path, *bodies: Mapping[str, Any], made_for: Identity | None = None) -> list[str]:
    """What the requests are answered from the cassette; raises if it does not fit them."""
    tape = Tape.replay(path, made_for or identity())
    with httpx2.Client(transport=TapeTransport(tape)) as client:
        url = "https://api.example.com/v1/messages"
        texts = [client.post(url, json=body).text for body in bodies]
    tape.close()
    return texts
