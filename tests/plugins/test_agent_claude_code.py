"""The agent by a stand-in for the program; the real one is in tests/e2e/test_claude_code.py."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_samples import attempt, script

from ferrotape import AgentFailureKind, Usage
from ferrotape.errors import CassetteMiss
from ferrotape.options import decode_options
from ferrotape.testing import Answer, LoopbackMessages
from ferrotape_plugins.agents.claude_code import ClaudeCodeAgent, ClaudeCodeOptions

AGENT = ClaudeCodeAgent()
PROGRAM = os.environ.get("FERROTAPE_TEST_CLAUDE") or shutil.which("claude")
KEY = "sk-real-0123456789"
STAND_IN = """
import json, os, sys, urllib.request
from pathlib import Path
assert not list(Path.cwd().iterdir()) and not list(Path(os.environ["CLAUDE_CONFIG_DIR"]).glob("*"))
prompt = sys.stdin.read()
body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages?beta=true",
    data=json.dumps(body).encode(), headers={"x-api-key": os.environ["ANTHROPIC_API_KEY"]})
with urllib.request.urlopen(request) as response:
    told = json.loads(json.load(response)["content"][0]["text"])
for name, text in told.pop("files", {}).items():
    Path(name).write_text(text)
told["arguments"] = sys.argv[1:]
if told.get("silent") is None:
    print(json.dumps(told))
Path(os.environ["HOME"], "said.json").write_text(json.dumps(told))
sys.exit(told.get("code", 0))
"""
GOOD = {"type": "result", "subtype": "success", "is_error": False, "result": "Done."}


@pytest.fixture
def tell() -> Iterator[Any]:
    """Sets what the stand-in gives as its account; the endpoint's base URL goes with it."""
    told: dict[str, Any] = {}
    with LoopbackMessages(lambda request: Answer(json.dumps(told))) as endpoint:

        def set_to(account: dict[str, Any]) -> dict[str, str]:
            told.clear()
            told.update(account)
            return {"ANTHROPIC_BASE_URL": endpoint.base_url, "ANTHROPIC_API_KEY": KEY}

        yield set_to


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"model": "m", "program": str(script(tmp_path, STAND_IN)), **more}


def test_the_account_becomes_the_reply(tmp_path: Path, tell: Any) -> None:
    usage = {"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 3}
    used = {"small": {"outputTokens": 1}, "large": {"outputTokens": 9}}
    account = {**GOOD, "stop_reason": "end_turn", "usage": usage, "modelUsage": used}
    env = tell({**account, "files": {"lib.rs": "fn f() {}\n", "notes.md": "no"}})
    recorded = attempt(AGENT, options(tmp_path), tmp_path / "t.json", env=env)
    assert recorded.failure is None
    assert recorded.text == "`lib.rs`:\n\n```rs\nfn f() {}\n```\n"
    assert recorded.blocks[0].text == "Done."
    assert (recorded.model, recorded.stop_reason) == ("large", "end_turn")
    assert recorded.usage == Usage(input_tokens=7, output_tokens=5, cache_read_tokens=3)
    assert KEY not in (tmp_path / "t.json").read_text()
    said = options(tmp_path, answer="text")
    replayed = attempt(AGENT, said, tmp_path / "t.json", replaying=True)
    assert (replayed.text, replayed.calls) == ("Done.", recorded.calls)


@pytest.mark.parametrize(
    ("account", "kind", "says"),
    [
        ({**GOOD, "result": ""}, AgentFailureKind.EMPTY, "neither said nor wrote"),
        ({**GOOD, "stop_reason": "refusal"}, AgentFailureKind.REFUSED, "Done."),
        ({**GOOD, "stop_reason": "max_tokens"}, AgentFailureKind.TRUNCATED, "max_tokens"),
        ({"subtype": "error_max_turns", "code": 1}, AgentFailureKind.TRUNCATED, "turns"),
        ({"subtype": "error_during_execution"}, AgentFailureKind.CONNECTION, "error_during"),
        ({"silent": True}, AgentFailureKind.CRASHED, "no account"),
        ({"silent": True, "code": 5}, AgentFailureKind.CRASHED, "status 5"),
        *(
            ({**GOOD, "is_error": True, "api_error_status": status, "code": 1}, kind, "Done.")
            for status, kind in (
                (None, AgentFailureKind.CONNECTION),
                (400, AgentFailureKind.INVALID_REQUEST),
                (401, AgentFailureKind.AUTHENTICATION),
                (429, AgentFailureKind.RATE_LIMITED),
                (500, AgentFailureKind.SERVER_ERROR),
                (529, AgentFailureKind.OVERLOADED),
            )
        ),
    ],
)
def test_failures_are_told_apart(
    tmp_path: Path, tell: Any, account: dict[str, Any], kind: AgentFailureKind, says: str
) -> None:
    reply = attempt(AGENT, options(tmp_path), tmp_path / "t.json", env=tell(account))
    assert reply.failure is not None
    assert (reply.failure.kind, says in reply.failure.message) == (kind, True)


def test_tools_and_limits_are_arguments(tmp_path: Path, tell: Any) -> None:
    kept = tmp_path / "kept.json"
    program = script(
        tmp_path, STAND_IN.replace('Path(os.environ["HOME"], "said.json")', f"Path({str(kept)!r})")
    )
    given = {"model": "m", "program": str(program), "max_turns": 3, "system": "Be brief."}
    tools = ["Write", "Bash(cargo check:*)", "Bash(cargo test:*)"]
    attempt(AGENT, {**given, "tools": tools}, tmp_path / "t.json", env=tell(GOOD))
    assert json.loads(kept.read_text())["arguments"] == [
        "--print",
        "--output-format=json",
        "--model=m",
        "--permission-mode=acceptEdits",
        "--strict-mcp-config",
        "--tools=Write,Bash",
        "--allowedTools=Write,Bash(cargo check:*),Bash(cargo test:*)",
        "--append-system-prompt=Be brief.",
        "--max-turns=3",
    ]
    attempt(AGENT, {**given, "tools": []}, tmp_path / "t.json", env=tell(GOOD))
    assert "--tools=" in json.loads(kept.read_text())["arguments"]


def test_the_identity_is_what_the_model_is_asked_with() -> None:
    given = decode_options(ClaudeCodeOptions, {"model": "m", "env": {"A": "/home/me"}}, "x")
    assert AGENT.identity(given) == {
        "model": "m",
        "tools": ["Read", "Write", "Edit", "Glob", "Grep"],
        "system": None,
        "max_turns": None,
    }


def test_what_is_missing_is_said() -> None:
    given = decode_options(ClaudeCodeOptions, {"model": "m", "program": "no-claude"}, "x")
    assert "no program 'no-claude'" in (AGENT.missing(given, {}) or "")
    here = decode_options(ClaudeCodeOptions, {"model": "m", "program": "sh"}, "x")
    assert AGENT.missing(here, {}) == "there is no ANTHROPIC_API_KEY in the environment"
    assert AGENT.missing(here, {"ANTHROPIC_API_KEY": "k"}) is None


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="claude is not on the PATH")
def test_the_real_program_stops_at_a_request_that_is_not_on_the_tape(tmp_path: Path) -> None:
    given = {"model": "claude-sonnet-4-5", "program": PROGRAM, "tools": ["Read"]}
    with LoopbackMessages(lambda request: Answer("Done.")) as endpoint:
        env = {"ANTHROPIC_BASE_URL": endpoint.base_url, "ANTHROPIC_API_KEY": KEY}
        recorded = attempt(AGENT, given, tmp_path / "t.json", env=env)
    assert (recorded.failure, recorded.text) == (None, "Done.")
    with pytest.raises(CassetteMiss, match="1 request of one") as caught:
        attempt(
            AGENT,
            given,
            tmp_path / "t.json",
            replaying=True,
            prompt="Say goodbye.",
            promised="Say hello.",
        )
    assert '+    {"type": "text", "text": "Say goodbye."' in caught.value.message
