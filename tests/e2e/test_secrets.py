"""No secret is written anywhere: a marked key, marked headers and a marked home are searched for.

The endpoint is a careless one: it says the key back, in answers and in errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from started import Ferrotape

from ferrotape.testing import Answer, HttpError, LoopbackMessages

MARK = "MARKED"
KEY = f"sk-{MARK}-key-0123456789abcdef"
HEADERS = {
    "anthropic-organization-id": f"org-{MARK}",
    "request-id": f"req-{MARK}",
    "cf-ray": f"ray-{MARK}",
    "set-cookie": f"session={MARK}; Path=/",
    "x-account": f"account-{MARK}",
}
CODE = "pub fn answer() -> u32 {\n    42\n}\n"
CELL = ("--scenario", "rust-01-basic")
SETTINGS = """
[agents.streamed]
plugin = "anthropic"
model = "m"

[agents.whole]
plugin = "anthropic"
model = "m"
streaming = false
"""


def careless(request: Any) -> Answer:
    return Answer(f"Your key is {KEY}.\n\n```rust\n// {KEY}\n{CODE}```\n")


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(careless, headers=HEADERS, compress=True) as serving:
        yield serving


@pytest.fixture
def env(tmp_path: Path, endpoint: LoopbackMessages) -> dict[str, str]:
    """A user whose key and home are marked; the Rust toolchain, if any, lies in that home."""
    home = tmp_path / f"home-{MARK}"
    home.mkdir()
    for name, variable in ((".rustup", "RUSTUP_HOME"), (".cargo", "CARGO_HOME")):
        real = Path(os.environ.get(variable) or Path.home() / name)
        if real.is_dir():
            (home / name).symlink_to(real)
    return {
        "HOME": str(home),
        "RUSTUP_HOME": str(home / ".rustup"),
        "CARGO_HOME": str(home / ".cargo"),
        "PATH": f"{home / '.cargo' / 'bin'}:{os.environ['PATH']}",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": endpoint.base_url,
        "COLUMNS": "400",
    }


def marked(folder: Path) -> list[str]:
    """The files that hold the mark, and how, whether as text or inside of a database."""
    return [
        f"{path.relative_to(folder)}: {content[max(0, place - 60) : place + 40]!r}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for place in [content.find(MARK.encode())]
        if place >= 0
    ]


@pytest.mark.slow
def test_nothing_that_is_marked_is_written_or_said(
    ferrotape: Ferrotape, tmp_path: Path, endpoint: LoopbackMessages, env: dict[str, str]
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "ferrotape.toml").write_text(SETTINGS)
    error = f"no credit left for {KEY}"
    fault = HttpError(529, "overloaded_error", error, headers={"x-should-retry": "true"})
    endpoint.fail(fault, HttpError(401, "authentication_error", f"invalid key {KEY}"))
    said = ""
    for arguments in (
        ("record", "--agent", "streamed", "--agent", "whole", *CELL, "--yes", "--verbose"),
        ("--debug", "record", "--agent", "streamed", *CELL, "--yes"),
        ("run", "--agent", "streamed", "--agent", "whole", *CELL, "--verbose"),
        ("--debug", "run", "--agent", "nobody"),
        ("show", "latest"),
        ("history",),
        ("query", "select * from trial_scores"),
        ("plugins", "list"),
    ):
        done = ferrotape(*arguments, env=env, cwd=folder)
        assert done.stdout + done.stderr
        said += f"$ ferrotape {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    assert all(KEY in str(request.headers) for request in endpoint.requests)
    assert len(list((folder / "cassettes").rglob("round-1.json"))) == 6
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"history.db", "benchmark-report.md", "benchmark-report.json"} <= names
    assert marked(folder) == []
    assert [line for line in said.splitlines() if MARK in line] == []
    home = Path(env["HOME"])
    assert [path for path in home.iterdir() if not path.is_symlink()] == []
