"""Reading and writing cassette files: strict on load, atomic on save.

A persister as vcrpy wants it. vcrpy's own takes an empty or undecodable file for a missing one
and records over it, and a process that is killed while it saves leaves half a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcr.request import Request
from vcr.serialize import deserialize, serialize

from ferrotape.cassettes.library import describe_missing
from ferrotape.errors import CassetteCorrupt, CassetteError, CassetteMissing, UsageError
from ferrotape.files import write_text

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest cassette that is read."""
_HINT = "Restore it from version control, or record it again with `ferrotape record`."


def load_cassette(
    path: Path, serializer: Any
) -> tuple[list[Request], list[dict[str, Any]], dict[str, Any]]:
    """Requests, responses and metadata of a cassette.

    Raises:
        CassetteMissing: There is no such file.
        CassetteCorrupt: It is no whole, valid cassette.
    """
    try:
        requests, responses, metadata = deserialize(_read(path), serializer)
    except CassetteError:
        raise
    except json.JSONDecodeError as error:
        raise CassetteCorrupt(
            f"{path}:{error.lineno}: no whole cassette: {error.msg}", hint=_HINT
        ) from error
    except RecursionError as error:
        raise CassetteCorrupt(
            f"{path} is no valid cassette: nested too deeply", hint=_HINT
        ) from error
    except Exception as error:  # whatever a stranger's file makes vcrpy raise
        raise CassetteCorrupt(
            f"{path} is no valid cassette: {_reason(error)}", hint=_HINT
        ) from error
    return requests, responses, metadata


def save_cassette(path: Path, cassette: Mapping[str, Any], serializer: Any) -> None:
    """Writes a cassette; whoever reads meanwhile finds the old file or the new one.

    Raises:
        CassetteError: It cannot be written.
    """
    # vcrpy turns the bodies of responses into text in place.
    responses = [{**entry, "body": dict(entry["body"])} for entry in cassette["responses"]]
    text = serialize({**cassette, "responses": responses}, serializer)
    deserialize(text, serializer)  # nothing is written that could not be read again
    try:
        write_text(path, text)
    except UsageError as error:
        raise CassetteError(error.message, hint=error.hint) from error


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        message, hint = describe_missing(path)
        raise CassetteMissing(message, hint=hint) from error
    except OSError as error:
        raise CassetteCorrupt(f"{path} cannot be read: {error.strerror}", hint=_HINT) from error
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    if not content.strip():
        raise ValueError("it is empty")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8") from error


def _reason(error: Exception) -> str:
    """One line for an error; of pydantic's several, the first with its place in the file."""
    details = getattr(error, "errors", None)
    if details is None:
        return str(error).partition("\n")[0]
    first = details(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg'].lower()}"
