from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_samples import attempt, script

from ferrotape import AgentFailureKind, Reply
from ferrotape.errors import CassetteMiss, CassetteStale, ConfigError
from ferrotape.options import decode_options
from ferrotape.session import Sessions
from ferrotape.testing import OVERLOADED, Answer, Delay, LoopbackMessages
from ferrotape_plugins.agents.command import CommandAgent, CommandOptions

AGENT = CommandAgent()
KEY = "sk-real-0123456789"
SPEAKS_HTTP = """
# A small agent: asks, does what it is told by a tool call, tells the result, gives the answer.
import json, os, subprocess, sys, time, urllib.request
base, key = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_API_KEY"]
reminder = f"<system-reminder>It is {time.time_ns()} in {os.getcwd()}</system-reminder>"
first = [{"type": "text", "text": reminder}, {"type": "text", "text": sys.stdin.read()}]
messages = [{"role": "user", "content": first}]
urllib.request.urlopen(urllib.request.Request(base, method="HEAD")).close()
while True:
    body = {"model": "m", "system": f"You run as {os.getpid()}.", "messages": messages,
            "metadata": {"user_id": str(os.getpid())}, "max_tokens": 100}
    request = urllib.request.Request(f"{base}/v1/messages", data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "x-api-key": key})
    with urllib.request.urlopen(request) as response:
        content = json.load(response)["content"]
    messages.append({"role": "assistant", "content": content})
    calls = [block for block in content if block["type"] == "tool_use"]
    if not calls:
        print(content[0]["text"])
        break
    results = []
    for call in calls:
        done = subprocess.run(call["input"]["command"], shell=True, capture_output=True, text=True)
        results.append({"type": "tool_result", "tool_use_id": call["id"], "content": done.stdout})
    messages.append({"role": "user", "content": results})
"""
COUNTS = """
import os, sys
from pathlib import Path
runs = Path(sys.argv[1])
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
print(sys.stdin.read().upper(), os.environ.get("TOKEN", ""), os.getcwd())
Path("lib.rs").write_text("// " + os.getcwd())
"""


def answer(request: Any) -> Answer:
    """Has the program write a file in its workspace, then ends."""
    conversation = request["messages"]
    reminder = conversation[0]["content"][0]["text"]
    cwd = reminder.partition(" in ")[2].removesuffix("</system-reminder>")
    if len(conversation) == 1:
        command = (
            f"date +%N; echo 'fn f() {{}}' > {cwd}/lib.rs; (setsid sleep 61 >/dev/null 2>&1 &)"
        )
        call = {"type": "tool_use", "id": "t", "name": "sh", "input": {"command": command}}
        return Answer(blocks=[call], stop_reason="tool_use")
    return Answer(f"Done: {conversation[0]['content'][1]['text']}")


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(answer) as served:
        yield served


def speaking(tmp_path: Path, **options: Any) -> dict[str, Any]:
    program = script(tmp_path, SPEAKS_HTTP)
    return {"argv": [str(program)], "speaks": "http", "model": "m", **options}


def real(endpoint: LoopbackMessages) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": endpoint.base_url, "ANTHROPIC_API_KEY": KEY}


def same(one: Reply, other: Reply) -> bool:
    return (one.blocks, one.failure, one.calls) == (other.blocks, other.failure, other.calls)


@pytest.mark.parametrize("counts", ["text", "files"])
def test_a_program_that_speaks_http_replays_elsewhere_with_the_endpoint_stopped(
    tmp_path: Path, counts: str
) -> None:
    options = speaking(tmp_path, answer=counts)
    with LoopbackMessages(answer) as endpoint:
        recorded = attempt(AGENT, options, tmp_path / "t.json", env=real(endpoint))
        seen = endpoint.requests
    assert recorded.failure is None
    expected = "Done: Say hello.\n" if counts == "text" else "```rs\nfn f() {}\n```"
    assert expected in recorded.text
    assert not recorded.measured
    assert [request.headers["x-api-key"] for request in seen] == [KEY, KEY]
    tape = (tmp_path / "t.json").read_text()
    assert KEY not in tape
    assert "{{ferrotape:workspace}}/lib.rs" in tape
    replayed = attempt(AGENT, options, tmp_path / "t.json", replaying=True)
    assert same(replayed, recorded)


def test_a_secret_that_a_program_puts_into_its_requests_is_not_recorded_and_replays(
    tmp_path: Path,
) -> None:
    options = speaking(tmp_path, pass_env=["TOKEN"])
    script(tmp_path, SPEAKS_HTTP.replace("sys.stdin.read()", "'I am ' + os.environ['TOKEN']"))
    token = "t0ken-of-the-program"
    with LoopbackMessages(answer) as endpoint:
        env = {**real(endpoint), "TOKEN": token}
        recorded = attempt(AGENT, options, tmp_path / "t.json", env=env)
        assert token.encode() in endpoint.requests[0].body
    assert recorded.text == "Done: I am [redacted]\n"
    assert token not in (tmp_path / "t.json").read_text()
    replayed = attempt(AGENT, options, tmp_path / "t.json", replaying=True)
    assert same(replayed, recorded)


def test_a_changed_prompt_is_stale_and_a_changed_conversation_a_miss(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    options = speaking(tmp_path)
    attempt(AGENT, options, tmp_path / "t.json", env=real(endpoint))
    with pytest.raises(CassetteStale, match="prompt"):
        attempt(AGENT, options, tmp_path / "t.json", replaying=True, prompt="Say goodbye.")
    script(tmp_path, SPEAKS_HTTP.replace("sys.stdin.read()", "sys.stdin.read() + ' Now.'"))
    with pytest.raises(CassetteMiss, match=r"Say hello\. Now\."):
        attempt(AGENT, options, tmp_path / "t.json", replaying=True)


@pytest.mark.slow
def test_six_programs_at_once_on_one_proxy_each_have_their_own_tape(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    options = speaking(tmp_path)

    def all_six(*, replaying: bool) -> dict[str, Reply]:
        replies: dict[str, Reply] = {}
        sessions = Sessions()

        def work(name: str) -> None:
            replies[name] = attempt(
                AGENT,
                options,
                tmp_path / f"{name}.json",
                prompt=f"I am {name}.",
                replaying=replaying,
                env={} if replaying else real(endpoint),
                sessions=sessions,
            )

        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(6)]
        with sessions:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return replies

    recorded = all_six(replaying=False)
    asked = len(endpoint.requests)
    replayed = all_six(replaying=True)
    assert {n: r.text for n, r in replayed.items()} == {
        str(n): f"Done: I am {n}.\n" for n in range(6)
    }
    assert all(same(replayed[name], recorded[name]) for name in recorded)
    assert len(endpoint.requests) == asked == 12


def test_a_program_that_fails_is_no_answer_and_says_why(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    endpoint.fail(OVERLOADED)
    reply = attempt(AGENT, speaking(tmp_path), tmp_path / "t.json", env=real(endpoint))
    assert reply.failure is not None
    assert reply.failure.kind is AgentFailureKind.CRASHED
    assert "ended with status 1" in reply.failure.message
    assert "529" in reply.failure.message


def test_a_program_that_runs_out_of_time_is_ended_and_replays_as_that(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    options = speaking(tmp_path)
    endpoint.fail(Delay(before_s=60))
    recorded = attempt(AGENT, options, tmp_path / "t.json", env=real(endpoint), timeout_s=1.5)
    assert recorded.failure is not None
    assert recorded.failure.kind is AgentFailureKind.TIMEOUT
    replayed = attempt(AGENT, options, tmp_path / "t.json", replaying=True, timeout_s=1.5)
    assert replayed.failure == recorded.failure


def counting(tmp_path: Path, **options: Any) -> dict[str, Any]:
    program = script(tmp_path, COUNTS)
    return {"argv": [sys.executable, str(program), str(tmp_path / "runs")], **options}


def test_what_a_program_wrote_is_its_recording_and_replay_does_not_run_it(tmp_path: Path) -> None:
    options = counting(tmp_path, answer="files", pass_env=["TOKEN"])
    recorded = attempt(AGENT, options, tmp_path / "t.json", env={"TOKEN": KEY})
    assert "lib.rs" in recorded.text
    assert "SAY HELLO. [redacted]" in "".join(block.text for block in recorded.blocks)
    (call,) = recorded.calls
    assert call.latency_s is not None
    tape = (tmp_path / "t.json").read_text()
    assert KEY not in tape
    assert '"uri": "/command"' in tape
    replayed = attempt(AGENT, options, tmp_path / "t.json", replaying=True)
    assert (tmp_path / "runs").read_text() == "x"
    assert replayed.calls == recorded.calls
    assert [b.kind for b in replayed.blocks] == [b.kind for b in recorded.blocks]
    # The workspace's path is the replay's own, as if the program had been run again.
    assert "{{ferrotape:" not in replayed.text
    assert replayed.text != recorded.text


def test_the_prompt_may_come_in_a_file_and_the_model_in_an_argument(tmp_path: Path) -> None:
    program = "import sys; print(sys.argv[1:], open(sys.argv[2]).read(), sys.stdin.read())"
    argv = [sys.executable, "-c", program, "--in", "{prompt_file}", "{model}", "{braces}"]
    options = {"argv": [*argv[:3], "-", *argv[4:]], "prompt": "file", "model": "m-1"}
    reply = attempt(AGENT, options, tmp_path / "t.json", prompt="{model} stays\r\n")
    assert "'m-1', '{braces}'] {model} stays" in reply.text
    assert reply.model == "m-1"


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("pass", AgentFailureKind.EMPTY),
        ("raise SystemExit(2)", AgentFailureKind.CRASHED),
        pytest.param(
            "import time; time.sleep(60)", AgentFailureKind.TIMEOUT, marks=pytest.mark.slow
        ),
    ],
)
def test_failures_replay_as_they_were(tmp_path: Path, program: str, kind: AgentFailureKind) -> None:
    options = {"argv": [sys.executable, "-c", program]}
    recorded = attempt(AGENT, options, tmp_path / "t.json", timeout_s=3)
    assert recorded.failure is not None
    assert recorded.failure.kind is kind
    replayed = attempt(AGENT, options, tmp_path / "t.json", replaying=True, timeout_s=3)
    assert same(replayed, recorded)


def test_another_argv_is_another_recording(tmp_path: Path) -> None:
    options = {"argv": [sys.executable, "-c", "print(1)"]}
    attempt(AGENT, options, tmp_path / "t.json")
    changed = {"argv": [sys.executable, "-c", "print(2)"]}
    with pytest.raises(CassetteStale, match=r"settings\.argv"):
        attempt(AGENT, changed, tmp_path / "t.json", replaying=True)


def test_the_identity_is_json_and_holds_nothing_of_this_machine(tmp_path: Path) -> None:
    options = CommandOptions(
        argv=("agent",), speaks="http", env={"HOME_OF_TOOL": str(tmp_path)}, upstream="http://h"
    )
    assert json.loads(json.dumps(AGENT.identity(options))) == {
        "argv": ["agent"],
        "prompt": "stdin",
        "model": "",
        "speaks": "http",
    }


@pytest.mark.parametrize(
    ("options", "env", "says"),
    [
        ({"argv": ["no-such-agent"]}, {}, "no program 'no-such-agent'"),
        ({"argv": ["sh"], "speaks": "http"}, {}, "there is no ANTHROPIC_API_KEY"),
        ({"argv": ["sh"], "speaks": "http", "key_env": ""}, {}, None),
        ({"argv": ["sh"], "pass_env": ["TOKEN"]}, {}, "there is no TOKEN"),
        ({"argv": ["sh"], "pass_env": ["TOKEN"]}, {"TOKEN": "1"}, None),
    ],
)
def test_what_is_missing_is_said(
    options: dict[str, Any], env: dict[str, str], says: str | None
) -> None:
    lack = AGENT.missing(decode_options(CommandOptions, options, "x"), env)
    assert lack is None if says is None else says in (lack or "")


def test_a_prompt_file_that_nobody_reads_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="prompt_file"):
        decode_options(CommandOptions, {"argv": ["a"], "prompt": "file"}, "[agents.one]")


def test_what_was_stopped_is_not_recorded(tmp_path: Path) -> None:
    with Sessions() as sessions:
        sessions.cancel()
        given = {"argv": [sys.executable, "-c", "print(1)"]}
        reply = attempt(AGENT, given, tmp_path / "t.json", sessions=sessions)
    assert reply.failure is not None
    assert reply.failure.kind is AgentFailureKind.NOT_ASKED
    assert not (tmp_path / "t.json").exists()
