"""What rustc and clippy say, read from their JSON lines.

The texts come from what is compiled as much as from the compiler: an answer can put anything into
them (`compile_error!`), so they are cleaned before anybody prints them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ferrotape import Finding, Severity

SOURCE = "answer.rs"
"""The name under which an answer is compiled and found in findings."""
LONGEST_MESSAGE = 500

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# C0, C1 and the controls that reorder text on screen.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_UNDEFINED = re.compile(r"undefined (?:symbol|reference)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One message of the compiler about the answer."""

    code: str
    """`E0308`, `unused_variables`, `clippy::len_zero`; empty for many syntax errors."""
    message: str
    level: str
    line: int | None
    column: int | None
    is_linkers: bool = False
    """Whether the linker failed for a reason other than symbols that are defined nowhere."""

    @property
    def is_error(self) -> bool:
        """Whether the compiler refuses the answer for it; internal errors included."""
        return self.level.startswith("error")

    @property
    def is_lint(self) -> bool:
        """Whether it is clippy's."""
        return self.code.startswith("clippy::")

    def finding(self, *, shown_in: str = SOURCE, lines_before: int = 0) -> Finding:
        """As a finding in the file `shown_in`, which begins after `lines_before` lines."""
        return Finding(
            code=self.code or "rustc",
            message=self.message,
            severity=Severity.ERROR if self.is_error else Severity.WARNING,
            file=shown_in,
            line=self.line - lines_before if self.line else None,
            column=self.column,
        )


def parse_diagnostics(output: bytes, hide: str = "") -> tuple[Diagnostic, ...]:
    """The errors and warnings that carry a code or a place; the closing summary has neither.

    Args:
        output: What the compiler wrote, a JSON object a line; other lines are passed over.
        hide: A path that must not get into messages.
    """
    found = []
    # Not `splitlines`: it also splits at U+0085, U+2028 and U+2029, which rustc writes as they are.
    for raw in output.split(b"\n"):
        line = raw.decode("utf-8", "replace")
        entry = _decoded(line)
        if entry is None or not str(entry.get("level", "")).startswith(("error", "warning")):
            continue
        code = str((entry.get("code") or {}).get("code") or "")
        spans = entry.get("spans") or []
        message = str(entry.get("message", ""))
        if hide:
            message = message.replace(hide, ".")
        linking = message.startswith("linking with")
        if code or spans or linking:
            at_line, at_column = _place(spans)
            found.append(
                Diagnostic(
                    code=clean(code),
                    message=clean(message),
                    level=str(entry["level"]),
                    line=at_line,
                    column=at_column,
                    is_linkers=linking and not _UNDEFINED.search(line),
                )
            )
    return tuple(found)


def clean(text: str) -> str:
    """One printable line: no escape sequences, no control characters, no more than 500 long."""
    line = _CONTROLS.sub(" ", _ESCAPES.sub("", text)).strip()
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def _decoded(line: str) -> Mapping[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _place(spans: Sequence[Mapping[str, Any]]) -> tuple[int | None, int | None]:
    """Line and column of the first primary span in the answer, out of macros if need be."""
    for span in spans:
        place: Mapping[str, Any] | None = span if span.get("is_primary") else None
        while place is not None and place.get("file_name") != SOURCE:
            place = (place.get("expansion") or {}).get("span")
        if place is not None:
            return place.get("line_start"), place.get("column_start")
    return None, None
