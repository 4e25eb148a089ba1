"""What looks like a secret in a recording: forbidden headers, keys, addresses, random tokens.

The tape keeps credentials out by itself; this finds what got in another way: a key in a prompt,
one that a model or a tool repeated, the name of a user in a path.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ferrotape.cassettes.body import BinaryBody, Body, Frame, JsonBody, SseBody, TextBody
from ferrotape.cassettes.conversation import DELTA_FIELDS
from ferrotape.cassettes.recording import Recording
from ferrotape.cassettes.scrub import REQUEST_HEADERS, RESPONSE_HEADERS

METADATA = "metadata"
_SHOWN = 4
_SHORTEST = 12
"""Characters of the shortest text that is looked at: less can hold no key."""
_PIECES = (*DELTA_FIELDS, "content", "delta")
_OPAQUE = frozenset(
    {"id", "tool_use_id", "call_id", "signature", "data", "encrypted_content", "digest"}
)
"""Keys of JSON whose values are random by nature; known formats are still looked for there."""

_RULES = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*",
    "Anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{16,}",
    "OpenAI key": r"\bsk-(?!ant-)(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
    "GitHub token": r"\b(?:gh[opsru]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "AWS key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}",
    "PyPI token": r"\bpypi-[A-Za-z0-9_-]{40,}",
    "Stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "bearer token": r"\b[Bb]earer\s+(?P<bearer>(?=[^\s\"']*[0-9])[A-Za-z0-9._~+/=-]{20,})",
    "password in a URL": r"://[^\s/:@\"'<>{}]+:(?P<password>[^\s/:@\"'<>{}\[]{3,})@",
    "organisation": r"organi[sz]ation[_-]?(?:uu)?id[\"'\\\s:=]+(?P<organisation>[0-9a-f-]{36})"
    r"|\b(?P<org>org-(?=[\w-]*(?:[A-Za-z][0-9]|[0-9][A-Za-z]))[A-Za-z0-9_-]{8,})",
    "e-mail address": r"\b(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})\b",
    "home folder": r"(?:/(?:home|Users)/|[A-Z]:\\+Users\\+)(?P<user>[A-Za-z0-9][\w.-]*)",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _RULES.items()}
_RESERVED = re.compile(
    r".*@(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local)", re.IGNORECASE
)
"""Addresses that can be nobody's (RFC 2606 and 6761)."""
_EXAMPLES = {
    "home folder": frozenset({"user", "username", "you", "me", "name", "runner", "alice", "bob"}),
    "password in a URL": frozenset({"pass", "password", "pwd", "secret"}),
}
"""What documentation writes in place of something real."""
_SECRET_NAME = re.compile(
    r"(?i)(?:api[_-]?key|access[_-]?key|secret|password|passwd|auth[_-]?token|access[_-]?token)"
)
_ASSIGNED = re.compile(
    _SECRET_NAME.pattern + r"[\"'\\]*\s*[:=]\s*[\"'\\]*(?P<value>[A-Za-z0-9+/_.=-]{16,})"
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_=.-])[A-Za-z0-9+/_=-]{32,}(?![A-Za-z0-9+/_=-])")
_RANDOM_BITS = 4.2
"""Bits a character, by frequency. Of 32 random letters and digits 99 in 100 have more; names and
paths in code have less than 4."""
_ASSIGNED_BITS = 3.0


@dataclass(frozen=True, slots=True, order=True)
class Secret:
    """Something that looks like a secret."""

    rule: str
    value: str
    where: str
    """Such as `request of call 1`; calls are counted from 1."""

    @property
    def masked(self) -> str:
        """Enough of it to be found, not enough to be used."""
        return f"{self.value[:_SHOWN]}… ({len(self.value)} characters)"


def find_secrets(recording: Recording) -> tuple[Secret, ...]:
    """Everything in a recording that looks like a secret, each value once a place."""
    found: dict[Secret, None] = {}
    for number, exchange in enumerate(recording.exchanges, 1):
        request, response = f"request of call {number}", f"response of call {number}"
        found |= dict.fromkeys(_headers(exchange.request_headers, REQUEST_HEADERS, request))
        found |= dict.fromkeys(_headers(exchange.response_headers, RESPONSE_HEADERS, response))
        for rule, value in _in_text("", exchange.uri):
            found[Secret(rule, value, request)] = None
        for body, where in ((exchange.request, request), (exchange.response, response)):
            for name, text in strings(body):
                found |= {Secret(r, value, where): None for r, value in _in_text(name, text)}
    for name, text in _walk("", recording.identity.as_json()):
        found |= {Secret(rule, value, METADATA): None for rule, value in _in_text(name, text)}
    return tuple(found)


def strings(body: Body | None) -> Iterator[tuple[str, str]]:
    """The texts in a body with their keys; what a stream split is put together again."""
    if isinstance(body, JsonBody):
        yield from _walk("", body.json)
    elif isinstance(body, SseBody):
        merged: dict[tuple[Any, str], list[str]] = {}
        for frame in body.sse:
            if not isinstance(frame, Frame):
                yield "", frame
                continue
            pieces = dict(delta_pieces(frame.data))
            for place, piece in pieces.items():
                merged.setdefault(place, []).append(piece)
            yield from _walk("", frame.data if not pieces else _rest(frame.data))
        yield from (("", "".join(pieces)) for pieces in merged.values())
        yield "", body.rest
    elif isinstance(body, TextBody):
        yield "", body.text
    elif isinstance(body, BinaryBody):
        yield "data", body.encode().decode(errors="replace")


def delta_pieces(data: Any) -> Iterator[tuple[tuple[str, str], str]]:
    """The pieces of text in a streamed delta, with what they continue."""
    for place, delta in _deltas(data):
        for name in _PIECES:
            if isinstance(delta.get(name), str):
                yield (place, name), delta[name]


def with_pieces(data: Any, pieces: Mapping[tuple[str, str], Iterator[str]]) -> Any:
    """The streamed delta with the next of these in place of its own pieces."""
    changed = deepcopy(data)
    for place, delta in _deltas(changed):
        for name in _PIECES:
            if isinstance(delta.get(name), str):
                delta[name] = next(pieces[place, name])
    return changed


def _deltas(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects that hold pieces, by block or choice: the Messages API's and OpenAI's two."""
    if not isinstance(data, dict):
        return
    if isinstance(data.get("delta"), dict):
        yield f"block {data.get('index')}", data["delta"]
    elif isinstance(data.get("delta"), str):
        yield f"item {data.get('item_id')} {data.get('content_index')}", data
    choices = data.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(choice.get("delta"), dict):
            yield f"choice {choice.get('index')}", choice["delta"]


def _rest(data: Any) -> Any:
    """A streamed delta without its pieces of text."""
    rest = deepcopy(data)
    for _, delta in _deltas(rest):
        for name in _PIECES:
            delta.pop(name, None)
    return rest


def entropy(text: str) -> float:
    """Shannon's, in bits a character, by the frequency of characters in the text itself."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def _headers(headers: Mapping[str, Any], allowed: frozenset[str], where: str) -> Iterator[Secret]:
    for name, value in headers.items():
        if name.lower() not in allowed:
            text = value if isinstance(value, str) else ", ".join(value)
            yield Secret(f"header {name.lower()}", text, where)


def _in_text(name: str, text: str) -> Iterator[tuple[str, str]]:
    """The secrets in one text, the key of which is `name`."""
    if len(text) < _SHORTEST:
        return
    known: list[str] = []
    for rule, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            value = match[match.lastgroup] if match.lastgroup else match[0]
            if not _harmless(rule, value):
                known.append(value)
                yield rule, value
    if name in _OPAQUE:
        return
    guesses = {m["value"] for m in _ASSIGNED.finditer(text) if _assigned(m["value"])}
    if _SECRET_NAME.search(name) and _assigned(text) and not re.search(r"\s", text):
        guesses.add(text)
    guesses |= {m[0] for m in _TOKEN.finditer(text) if _random(m[0])}
    for value in sorted(guesses):
        if not any(value in other or other in value for other in known):
            yield "random token", value


def _harmless(rule: str, value: str) -> bool:
    if rule == "e-mail address":
        return _RESERVED.fullmatch(value) is not None
    return value.lower() in _EXAMPLES.get(rule, ())


def _assigned(value: str) -> bool:
    shortest = 16
    mixed = re.search(r"[0-9]", value) and re.search(r"[A-Za-z]", value)
    return bool(len(value) >= shortest and mixed and entropy(value) >= _ASSIGNED_BITS)


def _random(token: str) -> bool:
    """Whether it has lower case, upper case and digits in no order that a name would have."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9].*[0-9]")
    return all(re.search(kind, token) for kind in kinds) and entropy(token) >= _RANDOM_BITS


def _walk(name: str, tree: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield name, tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield "", str(key)
            yield from _walk(str(key), value)
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from _walk(name, item)
