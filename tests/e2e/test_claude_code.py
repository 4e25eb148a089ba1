"""The real command line of Claude Code: recorded, then replayed elsewhere without an endpoint.

It runs where `claude` is on the PATH, or where FERROTAPE_TEST_CLAUDE says where it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from started import Ferrotape, report_without_run_facts

from ferrotape.testing import Answer, LoopbackMessages

PROGRAM = os.environ.get("FERROTAPE_TEST_CLAUDE") or shutil.which("claude")
KEY = "sk-marked-key-0123456789"
MARK = f"303.{os.getpid()}"
SCENARIO = Path(__file__).parents[2] / "scenarios" / "rust-core" / "rust-01-basic"
CELLS = ("--scenario", "rust-01-basic", "--rounds", "2", "--jobs", "6")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.rust,
    pytest.mark.skipif(
        PROGRAM is None, reason="claude is not on the PATH, nor named by FERROTAPE_TEST_CLAUDE"
    ),
]


def answer(request: Mapping[str, Any]) -> Answer:
    """Has the program write a draft, copy it to where it counts, leave a child, and say so."""
    told = json.dumps(request)
    results = told.count('"tool_result"')
    if results == 0:
        found = re.search(r"Primary working directory: ([^\\]+)\\n", told)
        assert found is not None, "the program does not say where it works"
        code = (SCENARIO / "reference.rs").read_text(encoding="utf-8")
        return tool("Write", file_path=f"{found[1]}/draft.txt", content=code)
    if results == 1:
        command = f"cp draft.txt lib.rs; date +%N; (setsid sleep {MARK} >/dev/null 2>&1 &)"
        return tool("Bash", command=command, description="Put it in place")
    return Answer("It is in lib.rs.")


def tool(name: str, **given: str) -> Answer:
    call = {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": given}
    return Answer(blocks=[{"type": "text", "text": "I will."}, call], stop_reason="tool_use")


def settings(folder: Path) -> Path:
    folder.mkdir()
    text = f"""
        [agents.cc]
        plugin = "claude-code"
        model = "claude-sonnet-4-5"
        program = {json.dumps(PROGRAM)}
        tools = ["Write", "Bash"]
        answer = "files"
    """
    (folder / "ferrotape.toml").write_text(text)
    return folder


def scores(folder: Path) -> list[float]:
    report = json.loads((folder / "reports" / "benchmark-report.json").read_text())
    return [trial["score"] for trial in report["trials"]]


def leftovers() -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if line.startswith(f"sleep {MARK}")]


def test_six_at_once_are_recorded_and_replay_elsewhere_with_the_endpoint_stopped(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    there = settings(tmp_path / "there")
    with LoopbackMessages(answer) as endpoint:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": endpoint.base_url}
        done = ferrotape("record", "--agent", "cc", "--yes", *CELLS, env=env, cwd=there)
        keys = {request.headers.get("x-api-key") for request in endpoint.requests}
        asked = len(endpoint.requests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (asked, keys) == (18, {KEY})
    assert scores(there) == [100.0] * 6
    assert leftovers() == []
    here = settings(tmp_path / "here")
    shutil.move(there / "cassettes", here / "cassettes")
    for tape in (here / "cassettes").rglob("*.json"):
        text = tape.read_text()
        assert KEY not in text
        assert "{{ferrotape:workspace}}/draft.txt" in text
        assert len(text) < 60_000
    done = ferrotape("run", "--agent", "cc", *CELLS, cwd=here)
    assert done.returncode == 0, done.stdout + done.stderr
    # It counts what was written by one tool and put in place by another: both were carried out.
    assert scores(here) == [100.0] * 6
    assert leftovers() == []
    replayed, again = here / "reports", here / "again"
    done = ferrotape("run", "--agent", "cc", *CELLS, "--output", "again", cwd=here)
    assert report_without_run_facts(again) == report_without_run_facts(replayed)
