from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vcr.request import Request

from ferrotape.cassettes.program import merged_response, slim_request, turn_key

STREAM = "text/event-stream; charset=utf-8"
USER = {"role": "user", "content": [{"type": "text", "text": "write it"}]}
CALL = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "date"}}],
}


def result(text: str) -> dict[str, Any]:
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}],
    }


def key(*messages: Any, path: str = "/v1/messages", **extra: Any) -> Any:
    body = json.dumps({"model": "m", "messages": messages, **extra}).encode()
    return turn_key(Request("POST", path, slim_request(body), {}))


def reminder(text: str) -> dict[str, Any]:
    block = {"type": "text", "text": f"<system-reminder>{text}</system-reminder>"}
    return {"role": "user", "content": [block, *USER["content"]]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (key(USER, system="v1", metadata={"id": 1}), key(USER, system="v2", metadata={"id": 2})),
        (key(USER, tools=[{"name": "Bash"}]), key(USER)),
        (key(reminder("Monday")), key(reminder("Tuesday"))),
        (key(USER, CALL, result("10:00")), key(USER, CALL, result("10:01"))),
        (key({"role": "system", "content": "v1"}, USER), key(USER)),
        (key({"role": "user", "content": "write it"}), key(USER)),
    ],
)
def test_what_changes_from_run_to_run_is_no_part_of_the_turn(one: Any, other: Any) -> None:
    assert one == other


@pytest.mark.parametrize(
    "other",
    [
        key({"role": "user", "content": "write another"}),
        key(USER, CALL, result("10:00")),
        key({**USER, "role": "assistant"}),
        key(USER, path="/v1/messages/count_tokens"),
        key(USER, model="another"),
    ],
)
def test_another_prompt_or_turn_is_another_key(other: Any) -> None:
    assert key(USER) != other


def test_another_tool_call_is_another_key() -> None:
    def openai(arguments: str) -> Any:
        call = {"id": "c", "function": {"name": "sh", "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return key({"role": "user", "content": "go"}, message, path="/v1/chat/completions")

    assert openai('{"c": "ls"}') == openai('{"c": "ls"}')
    assert openai('{"c": "ls"}') != openai('{"c": "rm"}')


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", b"{broken", b"[1]", b'{"messages": "none"}', b'{"messages": [1]}', b"\xff"],
)
def test_what_is_no_conversation_is_known_by_all_it_holds(body: bytes) -> None:
    assert slim_request(body) == body
    assert turn_key(Request("POST", "/x", body, {})) != turn_key(Request("POST", "/x", b"?", {}))


def test_the_programs_own_parts_are_stored_as_digests_and_names() -> None:
    long = "x" * 50_000
    tree = {
        "model": "m",
        "metadata": {"user_id": "device-1"},
        "system": [{"type": "text", "text": long}],
        "tools": [{"name": "Bash", "description": long}, {"type": "web_search"}],
        "messages": [reminder(long), {"role": "system", "content": long}],
    }
    slim = json.loads(slim_request(json.dumps(tree).encode()))
    assert len(json.dumps(slim)) < 700
    assert slim["tools"]["names"] == ["Bash", "web_search"]
    assert slim["system"].startswith("sha256:")
    assert "metadata" not in slim
    assert slim["messages"][0]["content"][1]["text"] == "write it"


def test_digests_do_not_change_with_the_day_the_kernel_or_the_build() -> None:
    def system(date: str, kernel: str, build: str) -> str:
        text = (
            f"x-anthropic-billing-header: {build}\nToday is {date}.\nOS Version: {kernel}\nBe good."
        )
        body = {"system": text, "messages": [USER]}
        return str(json.loads(slim_request(json.dumps(body).encode()))["system"])

    assert system("2026-01-02", "Linux 6.1", "a") == system("2026-03-04", "Linux 6.2", "b")


def frame(kind: str, **data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


def delta(index: int, **inner: str) -> str:
    return frame("content_block_delta", index=index, delta=inner)


def test_a_path_split_between_deltas_is_made_whole() -> None:
    halves = ['{"file": "/tmp/ferro', "tape-1/workspace/", 'a.rs"}']
    body = "".join(delta(0, type="input_json_delta", partial_json=half) for half in halves)
    merged = merged_response(body.encode(), STREAM).decode()
    assert merged.count("content_block_delta\n") == 1
    assert "/tmp/ferrotape-1/workspace/a.rs" in merged


def test_only_neighbours_of_a_block_and_kind_are_merged_and_pings_go() -> None:
    body = (
        delta(0, type="thinking_delta", thinking="a")
        + delta(0, type="signature_delta", signature="s")
        + frame("ping")
        + delta(1, type="text_delta", text="b")
        + frame("content_block_stop", index=1)
        + delta(1, type="text_delta", text="c")
    )
    merged = merged_response(body.encode(), STREAM).decode()
    assert merged == body.replace(frame("ping"), "")


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"", b"data: 1\n\n", b"event: content_block_delta\ndata: {bro", b"x\r\n\r\ny"],
)
def test_other_streams_stay_as_they_are(body: bytes) -> None:
    assert merged_response(body, STREAM) == body


def test_a_body_that_is_no_stream_stays_as_it_is() -> None:
    body = (delta(0, type="text_delta", text="a") * 2).encode()
    assert merged_response(body, "application/json") == body


@given(st.lists(st.text(min_size=1), min_size=1))
def test_merging_loses_no_text_and_can_be_repeated(texts: list[str]) -> None:
    body = "".join(delta(0, type="text_delta", text=text) for text in texts).encode()
    merged = merged_response(body, STREAM)
    (line,) = [part for part in merged.decode().split("\n\n") if part]
    assert json.loads(line.partition("data: ")[2])["delta"]["text"] == "".join(texts)
    assert merged_response(merged, STREAM) == merged
