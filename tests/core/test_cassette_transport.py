"""The transport: what a client sees is the same unrecorded, recorded and replayed."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ferrotape.cassettes import Identity, Tape, TapeTransport
from ferrotape.cassettes.exchange import is_loopback
from ferrotape.model import AgentFailure, AgentFailureKind, Reply
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    Answer,
    Delay,
    ErrorEvent,
    Fault,
    LoopbackMessages,
    Reset,
    Truncation,
)

IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
TEXT = "\n".join(f"line {number} é" for number in range(35))
KEY = "sk-a-very-secret-key"
OTHER = "a-key-in-the-query"


def answer(request: Any) -> Answer:
    return Answer(f"{request['messages'][0]['content']}\n{TEXT}")


def body(prompt: str = "hi", *, stream: bool) -> dict[str, Any]:
    return {"model": "m", "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def observe(transport: httpx2.BaseTransport, url: str, *, stream: bool) -> tuple[Any, ...]:
    """Status, decoded body and error of one exchange, as a client sees them."""
    chunks: list[bytes] = []
    status, error = 0, ""
    with httpx2.Client(transport=transport, headers={"x-api-key": KEY}) as client:
        try:
            with client.stream("POST", f"{url}/v1/messages", json=body(stream=stream)) as response:
                status = response.status_code
                chunks.extend(response.iter_bytes())
        except httpx2.TransportError as caught:
            error = type(caught).__name__
    return status, b"".join(chunks), error


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "fault",
    [
        None,
        RATE_LIMITED,
        OVERLOADED,
        Reset(),
        Reset(after_events=4),
        Truncation(4),
        ErrorEvent(after_events=4),
        Delay(0.01),
    ],
    ids=lambda fault: getattr(fault, "type", type(fault).__name__),
)
def test_an_exchange_is_the_same_unrecorded_recorded_and_replayed(
    tmp_path: Path, fault: Fault | None, stream: bool, compress: bool
) -> None:
    faults = [fault] if fault else []
    with LoopbackMessages(answer, compress=compress) as unrecorded:
        unrecorded.fail(*faults)
        plain = observe(httpx2.HTTPTransport(), unrecorded.base_url, stream=stream)
    with LoopbackMessages(answer, compress=compress) as endpoint:
        endpoint.fail(*faults)
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        recorded = observe(TapeTransport(tape), endpoint.base_url, stream=stream)
        tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    replayed = observe(TapeTransport(again), "https://elsewhere.example:8443", stream=stream)
    again.close()
    assert recorded == plain
    assert replayed == recorded
    assert again.calls == tape.calls
    assert not again.measured


def test_chunks_are_handed_on_while_they_arrive_and_times_are_kept(tmp_path: Path) -> None:
    arrived = threading.Event()

    class Slow(httpx2.SyncByteStream):
        def __iter__(self) -> Any:
            yield b"first"
            assert arrived.wait(5), "the first chunk was held back"
            yield b"second"

    inner = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Slow()))
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with (
        httpx2.Client(transport=TapeTransport(tape, inner)) as client,
        client.stream("GET", "https://api.example.org/") as response,
    ):
        stream = response.iter_raw()
        assert next(stream) == b"first"
        arrived.set()
        assert list(stream) == [b"second"]
    tape.close()
    (call,) = Tape.replay(tmp_path / "a.json", IDENTITY)._cassette.responses
    assert 0 <= call["timing"]["ttfb_s"] <= call["timing"]["latency_s"]


def test_waiting_for_the_first_byte_and_for_the_rest_is_timed_apart(tmp_path: Path) -> None:
    with LoopbackMessages(answer) as endpoint:
        endpoint.fail(Delay(before_s=0.05, between_s=0.02))
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        observe(TapeTransport(tape), endpoint.base_url, stream=True)
    (call,) = tape.calls
    assert call.ttfb_s is not None
    assert call.latency_s is not None
    assert call.ttfb_s >= 0.05
    assert call.latency_s >= call.ttfb_s + 0.1


def test_reading_beyond_where_the_recording_stopped_is_running_out_of_time(tmp_path: Path) -> None:
    def read(tape: Tape, url: str, chunks: int) -> list[bytes]:
        with (
            httpx2.Client(transport=TapeTransport(tape)) as client,
            client.stream("POST", f"{url}/v1/messages", json=body(stream=True)) as response,
        ):
            stream = response.iter_raw()
            return [next(stream) for _ in range(chunks)]

    with LoopbackMessages(answer) as endpoint:
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        assert b"message_start" in read(tape, endpoint.base_url, 1)[0]
        tape.close("timeout")
    assert tape.calls[0].error == "ClosedEarly"
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with pytest.raises(httpx2.ReadTimeout):
        read(again, "http://elsewhere", 2)
    again.close("timeout")


def test_a_response_left_open_is_recorded_as_far_as_it_was_read(tmp_path: Path) -> None:
    with LoopbackMessages(answer) as endpoint:
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        with (
            httpx2.Client(transport=TapeTransport(tape)) as client,
            client.stream("POST", f"{endpoint.base_url}/v1/messages", json=body(stream=True)) as r,
        ):
            next(r.iter_raw())
            tape.close("timeout")
    (response,) = Tape.replay(tmp_path / "a.json", IDENTITY)._cassette.responses
    assert b"message_start" in response["body"]["string"]


def test_errors_are_replayed_as_they_were_repeated_and_without_waiting(tmp_path: Path) -> None:
    with LoopbackMessages(answer) as endpoint:
        endpoint.fail(RATE_LIMITED, RATE_LIMITED)
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        for _ in range(2):
            observe(TapeTransport(tape), endpoint.base_url, stream=True)
        tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with httpx2.Client(transport=TapeTransport(again)) as client:
        url = "http://x/v1/messages"
        headers = [client.post(url, json=body(stream=True)).headers for _ in range(2)]
    assert [h["x-should-retry"] for h in headers] == ["true", "false"]
    assert [h["retry-after-ms"] for h in headers] == ["1", "1"]
    assert "retry-after" not in headers[0]
    assert '"retry-after": ["1"]' in (tmp_path / "a.json").read_text()


def test_neither_keys_nor_hosts_nor_other_headers_get_onto_the_tape(tmp_path: Path) -> None:
    def echo(request: Any) -> Answer:
        return Answer(f"your key is {KEY}, or {OTHER}")

    with LoopbackMessages(echo) as endpoint:
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        headers = {"x-api-key": KEY, "authorization": f"Bearer {KEY}", "anthropic-beta": "b"}
        with httpx2.Client(transport=TapeTransport(tape), headers=headers) as client:
            url = f"{endpoint.base_url}/v1/messages?beta=true&api_key={OTHER}"
            assert OTHER in client.post(url, json=body(stream=False)).text
        tape.close()
        port = endpoint.base_url.rpartition(":")[2]
    text = (tmp_path / "a.json").read_text()
    assert KEY not in text
    assert OTHER not in text
    assert f":{port}" not in text
    (interaction,) = json.loads(text)["interactions"]
    assert interaction["request"]["uri"] == "/v1/messages?beta=true"
    assert interaction["request"]["headers"].keys() == {"content-type", "anthropic-beta"}
    assert interaction["response"]["headers"].keys() == {"content-type"}


def test_whose_the_key_is_goes_neither_onto_the_tape_nor_into_the_reply(tmp_path: Path) -> None:
    organisation, session = "org-MARKED-77aa", "c00kie-of-mine"
    headers = {
        "anthropic-organization-id": organisation,
        "set-cookie": f"__s={session}; Path=/",
        "openai-project": "disabled",
        "x-ratelimit-limit-project-tokens": "1e5-or-disabled",
    }
    said = f"{organisation} is disabled, {session}, 1e5-or-disabled"

    def refuse(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(403, headers=headers, json={"error": {"message": said}})

    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with httpx2.Client(transport=TapeTransport(tape, httpx2.MockTransport(refuse))) as client:
        assert organisation in client.post("https://api.example.com/v1/messages").text
    failure = AgentFailure(kind=AgentFailureKind.AUTHENTICATION, message=said)
    reply = tape.cleaned(Reply(failure=failure))
    tape.close("authentication")
    clean = "[redacted] is disabled, [redacted], 1e5-or-disabled"
    assert reply.failure is not None
    assert reply.failure.message == clean
    text = (tmp_path / "a.json").read_text()
    assert clean in text
    assert organisation not in text
    assert session not in text


def test_a_json_body_matches_whatever_its_key_order(tmp_path: Path) -> None:
    inner = httpx2.MockTransport(lambda _: httpx2.Response(204))
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with httpx2.Client(transport=TapeTransport(tape, inner)) as client:
        client.post("https://a.example/p?x=1&y=2", content=b'{"a": 1, "b": [2]}')
        client.get("https://a.example")
    tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with httpx2.Client(transport=TapeTransport(again)) as client:
        assert client.get("http://b.example:81/").status_code == 204
        assert client.post("http://b/p?y=2&x=1", content=b'{"b":[2],"a":1}').status_code == 204
    again.close()


def test_replay_has_no_way_to_the_network(tmp_path: Path) -> None:
    Tape.record(tmp_path / "a.json", IDENTITY).close()
    tape = Tape.replay(tmp_path / "a.json", IDENTITY)
    with pytest.raises(ValueError, match="no inner transport"):
        TapeTransport(tape, httpx2.HTTPTransport())
    with LoopbackMessages(answer) as endpoint:
        assert observe(TapeTransport(tape), endpoint.base_url, stream=False)[0] == 400
        assert endpoint.requests == ()


def test_tapes_side_by_side_keep_to_themselves(tmp_path: Path) -> None:
    def trial(number: int, url: str | None) -> list[str]:
        path = tmp_path / f"{number}.json"
        tape = Tape.replay(path, IDENTITY) if url is None else Tape.record(path, IDENTITY)
        with (
            httpx2.Client(transport=TapeTransport(tape)) as client,
            ThreadPoolExecutor(3) as pool,
        ):
            target = f"{url or 'http://nowhere'}/v1/messages"
            bodies = [body(f"{number}.{call}", stream=False) for call in range(6)]
            texts = list(pool.map(lambda b: client.post(target, json=b).text, bodies))
        tape.close()
        return texts

    with LoopbackMessages(answer) as endpoint, ThreadPoolExecutor(8) as pool:
        recorded = list(pool.map(lambda n: trial(n, endpoint.base_url), range(8)))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: trial(n, None), range(8))) == recorded
    for number, texts in enumerate(recorded):
        assert all(f"{number}.{call}\\n" in text for call, text in enumerate(texts))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("api.anthropic.com", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback_hosts_are_told_from_others(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
