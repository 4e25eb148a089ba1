"""The loopback endpoint, asked by a plain HTTP client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    Answer,
    Delay,
    ErrorEvent,
    HttpError,
    LoopbackMessages,
    RecordedAnswers,
    Reset,
    Truncation,
)

TEXT = "".join(f"line {number}\n" for number in range(25)) + "end"


def ask(endpoint: LoopbackMessages, prompt: str = "hi", *, stream: bool = False) -> httpx2.Response:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    return httpx2.post(f"{endpoint.base_url}/v1/messages", json=body)


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    frames = response.text.removesuffix("\n\n").split("\n\n")
    pairs = [frame.removeprefix("event: ").split("\ndata: ") for frame in frames]
    parsed = [(name, json.loads(data)) for name, data in pairs]
    assert all(name == data["type"] for name, data in parsed)
    return [data for _, data in parsed]


def test_a_message_comes_whole() -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint:
        message = ask(endpoint).json()
    assert message["content"] == [{"type": "text", "text": TEXT}]
    assert message["stop_reason"] == "end_turn"
    assert message["model"] == "m"
    assert message["usage"]["output_tokens"] == len(TEXT) // 4


def test_a_message_comes_as_events_with_ten_lines_each() -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint:
        stream = events(ask(endpoint, stream=True))
    deltas = [e["delta"]["text"] for e in stream if e["type"] == "content_block_delta"]
    assert "".join(deltas) == TEXT
    assert [delta.count("\n") for delta in deltas] == [10, 10, 5]
    assert [stream[0]["type"], stream[-1]["type"]] == ["message_start", "message_stop"]


def test_ids_are_the_same_each_time_and_differ_between_requests() -> None:
    def ids() -> list[str]:
        with LoopbackMessages(lambda _: Answer("a")) as endpoint:
            return [ask(endpoint, prompt).json()["id"] for prompt in ("one", "one", "two")]

    assert ids() == ids()
    assert len(set(ids())) == 3


def test_blocks_are_streamed_by_their_kind() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    with LoopbackMessages(lambda _: Answer(blocks=blocks)) as endpoint:
        stream = events(ask(endpoint, stream=True))
    deltas = [e["delta"]["type"] for e in stream if e["type"] == "content_block_delta"]
    assert deltas == ["thinking_delta", "signature_delta", "input_json_delta"]


def test_faults_come_one_a_request_and_requests_are_seen() -> None:
    with LoopbackMessages(lambda _: Answer("fine")) as endpoint:
        endpoint.fail(RATE_LIMITED, OVERLOADED, HttpError(400, "invalid_request_error", "bad"))
        answers = [ask(endpoint, f"{n}") for n in range(4)]
        seen = [json.loads(request.body)["messages"][0]["content"] for request in endpoint.requests]
    assert [response.status_code for response in answers] == [429, 529, 400, 200]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[2].json()["error"] == {"type": "invalid_request_error", "message": "bad"}
    assert seen == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reset(), httpx2.ReadError),
        (Reset(after_events=2), httpx2.ReadError),
        (Truncation(2), httpx2.RemoteProtocolError),
    ],
)
def test_connections_break(fault: Reset | Truncation, error: type[Exception]) -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint:
        endpoint.fail(fault)
        with pytest.raises(error):
            ask(endpoint, stream=True)


def test_an_error_event_ends_a_stream() -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint:
        endpoint.fail(ErrorEvent("overloaded_error", after_events=2))
        stream = events(ask(endpoint, stream=True))
    assert [e["type"] for e in stream] == ["message_start", "content_block_start", "error"]


def test_leaving_does_not_wait_for_delays_and_open_connections() -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint, httpx2.Client() as client:
        endpoint.fail(Delay(before_s=3600))
        with pytest.raises(httpx2.ReadTimeout):
            client.post(f"{endpoint.base_url}/v1/messages", json={"messages": ["x"]}, timeout=0.05)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/v1/other", b"{}", 404), ("/v1/messages", b"{", 400), ("/v1/messages", b"{}", 400)],
)
def test_wrong_requests_are_refused(path: str, body: bytes, status: int) -> None:
    with LoopbackMessages(lambda _: Answer(TEXT)) as endpoint:
        response = httpx2.post(f"{endpoint.base_url}{path}", content=body)
    assert response.status_code == status


# -- recorded answers


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    for number in (1, 2):
        path = tmp_path / f"basic/minimal/round-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"answer {number}\r\n".encode())
    return tmp_path


def make_pack(**prompts: str) -> Any:
    return SimpleNamespace(scenarios=[SimpleNamespace(id="basic", prompts=prompts)])


def test_the_nth_request_for_a_prompt_gets_round_n(answers: Path) -> None:
    recorded = RecordedAnswers(answers, make_pack(minimal="Write it.", metadata="Task: it"))
    with LoopbackMessages(recorded) as endpoint:
        endpoint.fail(OVERLOADED)
        responses = [ask(endpoint, "Write it.") for _ in range(4)]
        unknown = ask(endpoint, "Task: it").json()["error"]["message"]
        foreign = ask(endpoint, "Something else").json()["error"]["message"]
    assert responses[0].status_code == 529
    texts = [response.json()["content"][0]["text"] for response in responses[1:3]]
    assert texts == ["answer 1\r\n", "answer 2\r\n"]
    assert responses[3].json()["error"]["message"] == "there is no answer basic/minimal/round-3.md"
    assert unknown == "there is no answer basic/metadata/round-1.md"
    assert foreign == "this is no prompt of the pack"


def test_a_prompt_must_belong_to_one_cell(answers: Path) -> None:
    with pytest.raises(ValueError, match="same prompt"):
        RecordedAnswers(answers, make_pack(minimal="Write it.", metadata="Write it."))


def test_a_folder_is_served_from_the_command_line(answers: Path) -> None:
    packs = pytest.importorskip("ferrotape.packs")
    folder = Path(__file__).parents[2] / "scenarios/rust-core"
    pack = packs.load_pack(folder)
    scenario = pack.scenarios[0]
    format_id, prompt = next(iter(scenario.prompts.items()))
    target = answers / scenario.id / format_id / "round-1.md"
    target.parent.mkdir(parents=True)
    target.write_text("served")
    command = [sys.executable, "-m", "ferrotape.testing.serve", str(answers), "--pack", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
        answer = httpx2.post(f"{url}/v1/messages", json=body).json()
        server.terminate()
        assert server.wait(10) == 0
    assert answer["content"][0]["text"] == "served"


def test_headers_that_are_asked_for_come_with_answers_and_errors() -> None:
    with LoopbackMessages(lambda _: Answer("a"), headers={"request-id": "r7"}) as endpoint:
        endpoint.fail(OVERLOADED)
        seen = [ask(endpoint, stream=stream) for stream in (False, False, True)]
    assert [response.status_code for response in seen] == [529, 200, 200]
    assert [response.headers["request-id"] for response in seen] == ["r7"] * 3
