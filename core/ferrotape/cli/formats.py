"""The answer of a query as text: for spreadsheets, programs and documents."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from ferrotape.cli.plain import plain

if TYPE_CHECKING:
    from ferrotape.store import QueryResult

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(result: QueryResult) -> str:
    """As RFC 4180 has it; texts that a spreadsheet would run as formulas get an apostrophe."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([_harmless(name) for name in result.columns])
    writer.writerows([_harmless(value) for value in row] for row in result.rows)
    return buffer.getvalue()


def as_json(result: QueryResult) -> str:
    """A list of one object a row, in ASCII; blobs in hex, infinities as null."""
    rows = [dict(zip(result.columns, map(_json_value, row), strict=True)) for row in result.rows]
    return json.dumps(rows, indent=2, allow_nan=False) + "\n"


def as_markdown(result: QueryResult) -> str:
    """A table of GitHub-flavoured Markdown."""
    lines = [
        [_markdown_cell(name) for name in result.columns],
        ["---"] * len(result.columns),
        *([_markdown_cell(as_text(value)) for value in row] for row in result.rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_text(value: object) -> str:
    """A value for people: NULL as nothing, blobs in hex, ten digits of a float."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return value.hex() if isinstance(value, bytes) else str(value)


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value.hex() if isinstance(value, bytes) else value


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def _markdown_cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return plain(escaped.replace("\r\n", "<br>").replace("\n", "<br>"), one_line=True)
