from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from agent_samples import attempt, script

from ferrotape import AgentFailureKind
from ferrotape.options import decode_options
from ferrotape_plugins.agents.mcp import McpAgent, McpOptions

AGENT = McpAgent()
MARK = f"302.{os.getpid()}"
SERVER = f"""
import os, subprocess, sys
from pathlib import Path
from mcp.server import MCPServer

server = MCPServer("solver")

@server.tool()
def solve(task: str, style: str = "plain") -> str:
    "Solves a task."
    runs = Path(sys.argv[1])
    runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
    script = "setsid sleep {MARK} & setsid sh -c 'sleep {MARK}' &"
    subprocess.Popen(["/bin/sh", "-c", script], stdin=-3, stdout=-3, stderr=-3)
    Path("lib.rs").write_text("fn f() {{}}")
    if task == "fail":
        raise ValueError("no idea")
    if task == "die":
        os._exit(3)
    if task == "wait":
        import time; time.sleep(60)
    return f"{{style}}: {{task}} by {{os.environ.get('TOKEN')}} in {{os.getcwd()}}"

server.run("stdio")
"""

needs_mcp = pytest.mark.skipif(
    find_spec("mcp") is None, reason="the extra ferrotape[mcp] is not installed"
)


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    server = script(tmp_path, SERVER)
    command = [sys.executable, str(server), str(tmp_path / "runs")]
    return {"command": command, "tool": "solve", "argument": "task", **more}


def leftovers() -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if line.startswith(f"sleep {MARK}")]


@needs_mcp
def test_a_tool_of_a_server_answers_and_replays_without_the_server(tmp_path: Path) -> None:
    given = options(tmp_path, arguments={"style": "short"}, pass_env=["TOKEN"])
    recorded = attempt(AGENT, given, tmp_path / "t.json", env={"TOKEN": "sk-secret-01"})
    assert recorded.failure is None
    assert recorded.text.startswith("short: Say hello. by [redacted] in /")
    assert leftovers() == []
    tape = (tmp_path / "t.json").read_text()
    assert "sk-secret-01" not in tape
    assert "{{ferrotape:workspace}}" in tape
    replayed = attempt(AGENT, given, tmp_path / "t.json", replaying=True)
    assert (tmp_path / "runs").read_text() == "x"
    assert replayed.calls == recorded.calls
    assert replayed.text.startswith("short: Say hello. by [redacted] in /")


@needs_mcp
@pytest.mark.slow
def test_files_may_count(tmp_path: Path) -> None:
    given = options(tmp_path, answer="files")
    recorded = attempt(AGENT, given, tmp_path / "t.json")
    assert recorded.text == "`lib.rs`:\n\n```rs\nfn f() {}\n```\n"
    assert attempt(AGENT, given, tmp_path / "t.json", replaying=True).text == recorded.text


@needs_mcp
@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "kind", "says"),
    [
        ("fail", AgentFailureKind.CRASHED, "the tool failed"),
        ("die", AgentFailureKind.CRASHED, "the server failed"),
        ("wait", AgentFailureKind.TIMEOUT, "within 8 s"),
    ],
)
def test_failures_replay_as_they_were(
    tmp_path: Path, prompt: str, kind: AgentFailureKind, says: str
) -> None:
    given = options(tmp_path)
    timeout_s = 8 if kind is AgentFailureKind.TIMEOUT else 60
    recorded = attempt(AGENT, given, tmp_path / "t.json", prompt=prompt, timeout_s=timeout_s)
    assert recorded.failure is not None
    assert recorded.failure.kind is kind
    assert says in recorded.failure.message
    assert leftovers() == []
    replayed = attempt(
        AGENT, given, tmp_path / "t.json", prompt=prompt, timeout_s=timeout_s, replaying=True
    )
    assert replayed.failure == recorded.failure


@needs_mcp
@pytest.mark.slow
def test_a_server_that_is_none_is_a_failure(tmp_path: Path) -> None:
    given = {"command": [sys.executable, "-c", "pass"], "tool": "solve"}
    reply = attempt(AGENT, given, tmp_path / "t.json")
    assert reply.failure is not None
    assert reply.failure.kind is AgentFailureKind.CRASHED


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given = decode_options(McpOptions, {"command": ["no-such-server"], "tool": "t"}, "x")
    monkeypatch.setattr("ferrotape_plugins.agents.programs.find_spec", lambda name: None)
    assert "ferrotape[mcp]" in (AGENT.missing(given, {}) or "")
    monkeypatch.setattr("ferrotape_plugins.agents.programs.find_spec", lambda name: name)
    assert "no program 'no-such-server'" in (AGENT.missing(given, {}) or "")


def test_the_identity_tells_what_is_called() -> None:
    given = decode_options(McpOptions, {"command": ["a"], "tool": "t", "env": {"A": "1"}}, "x")
    assert AGENT.identity(given) == {
        "command": ["a"],
        "tool": "t",
        "argument": "prompt",
        "arguments": {},
        "model": "",
        "files": None,
    }
