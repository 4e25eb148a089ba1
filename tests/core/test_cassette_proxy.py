# ruff: noqa: S310 - only URLs of this machine
from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ferrotape.cassettes import DUMMY_KEY, Identity, Tape, TapeTransport
from ferrotape.cassettes.places import Places
from ferrotape.cassettes.proxy import Proxy
from ferrotape.cassettes.rules import PROGRAM
from ferrotape.errors import CassetteMiss, CassetteUnused
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    Answer,
    Delay,
    LoopbackMessages,
    Reset,
    Truncation,
)

KEY = "sk-real-0123456789"
IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256="0"
)


def said(request: Any) -> str:
    content = request["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(b.get("text", "") for b in content)


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(lambda request: Answer(f"You said {said(request)}.")) as served:
        yield served


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    served = Proxy()
    served.start()
    yield served
    served.stop()


def recording(tmp_path: Path, name: str = "t", **places: Path) -> Tape:
    return Tape.record(tmp_path / f"{name}.json", IDENTITY, PROGRAM.within(Places(places)))


def replay(tmp_path: Path, name: str = "t", **places: Path) -> Tape:
    return Tape.replay(tmp_path / f"{name}.json", IDENTITY, PROGRAM.within(Places(places)))


def ask(base: str, text: str, *, stream: bool = False, path: str = "/v1/messages?beta=true") -> str:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        f"{base}{path}",
        data=json.dumps({**body, "stream": stream}).encode(),
        headers={"content-type": "application/json", "x-api-key": DUMMY_KEY},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        text = response.read().decode()
    if not stream:
        return str(json.loads(text)["content"][0]["text"])
    frames = (line.removeprefix("data: ") for line in text.splitlines() if "text_delta" in line)
    return "".join(json.loads(frame)["delta"]["text"] for frame in frames)


def refused(base: str, text: str, **options: Any) -> tuple[int, Any, Any]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(base, text, **options)
    with caught.value as error:
        return error.code, error.headers, json.loads(error.read())["error"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_recorded_replays_with_the_endpoint_stopped(
    tmp_path: Path, proxy: Proxy, stream: bool
) -> None:
    with LoopbackMessages(lambda request: Answer(said(request) * 40)) as endpoint:
        tape = recording(tmp_path)
        with proxy.door(tape, upstream=endpoint.base_url, key=KEY) as base:
            first = [ask(base, text, stream=stream) for text in ("one\n", "two\n", "one\n")]
        tape.close()
        (seen, *_) = endpoint.requests
    assert seen.headers["x-api-key"] == KEY
    assert seen.path == "/v1/messages?beta=true"
    assert "host" in seen.headers
    tape = replay(tmp_path)
    with proxy.door(tape) as base:
        assert [ask(base, text, stream=stream) for text in ("one\n", "two\n", "one\n")] == first
    tape.close()
    assert [call.status for call in tape.calls] == [200, 200, 200]
    assert KEY not in tape.path.read_text()
    assert DUMMY_KEY not in tape.path.read_text()


@pytest.mark.parametrize("spaces", [" ", "  "])
def test_a_key_that_a_stream_splits_is_not_put_together_on_the_tape(
    tmp_path: Path, spaces: str
) -> None:
    def echo(_: httpx2.Request) -> httpx2.Response:
        frames = [
            f'event: content_block_delta\ndata: {{"type":{spaces}"content_block_delta", "index": 0,'
            f' "delta": {{"type": "text_delta", "text": "{piece}"}}}}\n\n'
            for piece in ("Your key: ", KEY[:9], KEY[9:], ".")
        ]
        kind = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=kind, content="".join(frames))

    tape = recording(tmp_path)
    transport = TapeTransport(tape, httpx2.MockTransport(echo))
    with httpx2.Client(transport=transport, headers={"x-api-key": KEY}) as client:
        client.post("https://api.example.com/v1/messages", json={"messages": []}).read()
    tape.close()
    text = tape.path.read_text()
    assert "Your key: [redacted]." in text
    assert KEY[:9] not in text
    assert KEY[9:] not in text


def test_the_doors_key_and_secrets_are_hidden_wherever_they_go(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    token = 'a "quoted" token'
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url, key=KEY, secrets=[token, "is"]) as base:
        body = {"model": "m", "messages": [{"role": "user", "content": f"This is {token}, {KEY}"}]}
        request = urllib.request.Request(
            f"{base}/v1/messages",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json", "x-unheard-of": DUMMY_KEY},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            assert KEY in response.read().decode()
    tape.close()
    (seen,) = endpoint.requests
    assert seen.headers["x-unheard-of"] == KEY
    text = tape.path.read_text()
    assert text.count("This is [redacted], [redacted]") == 2
    assert KEY not in text
    assert "quoted" not in text


def test_streams_pass_through_as_they_come(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    endpoint.fail(Delay(between_s=0.15))
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        parts = urlsplit(base)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        connection.request("POST", f"{parts.path}/v1/messages", json.dumps(body))
        response = connection.getresponse()
        begun = time.monotonic()
        first = response.read1(100)
        early = time.monotonic() - begun
        response.read()
        late = time.monotonic() - begun
        connection.close()
    tape.close()
    assert first.startswith(b"event: message_start")
    assert late - early > 0.5
    (call,) = tape.calls
    assert call.latency_s is not None
    assert call.ttfb_s is not None
    assert call.latency_s - call.ttfb_s > 0.5


def test_paths_are_the_replays_own(tmp_path: Path, proxy: Proxy) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    with LoopbackMessages(lambda request: Answer(f"cd {there}\n" * 30)) as endpoint:
        tape = recording(tmp_path, workspace=there)
        with proxy.door(tape, upstream=endpoint.base_url) as base:
            ask(base, f"in {there}", stream=True)
        tape.close()
    assert str(there) not in tape.path.read_text()
    tape = replay(tmp_path, workspace=here)
    with proxy.door(tape) as base:
        assert ask(base, f"in {here}", stream=True) == f"cd {here}\n" * 30
    tape.close()


def test_a_changed_prompt_is_a_miss_that_no_program_retries(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        ask(base, "one")
    tape.close()
    tape = replay(tmp_path)
    with proxy.door(tape) as base:
        code, headers, error = refused(base, "another")
    assert (code, headers["x-should-retry"]) == (400, "false")
    assert error["type"] == "invalid_request_error"
    with pytest.raises(CassetteMiss, match="another"):
        tape.close()


def test_what_is_left_out_is_reported(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        ask(base, "one")
    tape.close()
    with pytest.raises(CassetteUnused):
        replay(tmp_path).close()


def test_errors_replay_without_a_wait_and_tell_whether_to_retry(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    endpoint.fail(RATE_LIMITED, OVERLOADED)
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        assert [refused(base, "x")[0] for _ in range(2)] == [429, 529]
        answer = ask(base, "x")
    tape.close()
    tape = replay(tmp_path)
    with proxy.door(tape) as base:
        for code in (429, 529):
            got, headers, _ = refused(base, "x")
            assert got == code
            assert (headers["retry-after-ms"], headers["x-should-retry"]) == ("1", "true")
        assert ask(base, "x") == answer
    tape.close()


@pytest.mark.parametrize("fault", [Truncation(), Reset(after_events=3)])
def test_a_stream_that_broke_off_breaks_off_again(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages, fault: Any
) -> None:
    endpoint.fail(fault)
    tape = recording(tmp_path)
    with (
        proxy.door(tape, upstream=endpoint.base_url) as base,
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        ask(base, "x", stream=True)
    tape.close()
    assert tape.calls[0].error
    tape = replay(tmp_path)
    with (
        proxy.door(tape) as base,
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        ask(base, "x", stream=True)
    tape.close()


def test_an_endpoint_that_does_not_answer_is_a_bad_gateway_both_times(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    endpoint.fail(Reset())
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        assert refused(base, "x")[0] == 502
    tape.close()
    tape = replay(tmp_path)
    with proxy.door(tape) as base:
        assert refused(base, "x")[0] == 502
    tape.close()


def test_the_path_of_the_upstream_is_no_part_of_the_recording(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=f"{endpoint.base_url}/v1/") as base:
        answer = ask(base, "x", path="/messages")
    tape.close()
    assert endpoint.requests[0].path == "/v1/messages"
    tape = replay(tmp_path)
    with proxy.door(tape) as base:
        assert ask(base, "x", path="/messages") == answer
    tape.close()


def test_probes_are_answered_here_and_strangers_are_not(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        for method, path in (("HEAD", ""), ("HEAD", "/"), ("GET", "/"), ("HEAD", "/v1/models")):
            probe = urllib.request.Request(f"{base}{path}", method=method)
            with urllib.request.urlopen(probe, timeout=20) as response:
                assert (response.status, response.read()) == (200, b"")
        host = base.rpartition("/")[0]
        assert refused(f"{host}/guess", "x")[0] == 404
        assert refused(host, "x")[0] == 404
    assert refused(base, "x")[0] == 404
    assert endpoint.requests == ()
    assert tape.calls == ()


def test_bodies_may_come_in_chunks_and_broken_ones_are_refused(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
    tape = recording(tmp_path)
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        parts = urlsplit(base)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        connection.request("POST", f"{parts.path}/v1/messages", iter([body[:9], body[9:]]))
        response = connection.getresponse()
        assert json.loads(response.read())["content"][0]["text"] == "You said x."
        connection.close()
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as raw:
            raw.sendall(b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
            assert b" 400 " in raw.makefile("rb").readline()
    assert endpoint.requests[0].body == body
    tape.close()


def test_leaving_breaks_off_what_is_under_way(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    endpoint.fail(Delay(before_s=30))
    tape = recording(tmp_path)
    codes: list[int] = []
    with proxy.door(tape, upstream=endpoint.base_url) as base:
        asking = threading.Thread(target=lambda: codes.append(refused(base, "x")[0]))
        asking.start()
        while not endpoint.requests:
            time.sleep(0.01)
    asking.join(timeout=10)
    assert codes == [502]


def test_six_at_once_each_get_their_own_tape(
    tmp_path: Path, proxy: Proxy, endpoint: LoopbackMessages
) -> None:
    @contextmanager
    def six(work: Any) -> Iterator[None]:
        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(6)]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join()

    answers: dict[str, list[str]] = {}

    def work(name: str, *, opened: Any, **door: str) -> None:
        tape = opened(tmp_path, name)
        with proxy.door(tape, **door) as base:
            answers[name] = [ask(base, f"{name}-{turn}", stream=True) for turn in range(5)]
        tape.close()

    with six(lambda name: work(name, opened=recording, upstream=endpoint.base_url)):
        pass
    recorded, answers = answers, {}
    assert recorded == {str(n): [f"You said {n}-{turn}." for turn in range(5)] for n in range(6)}
    with six(lambda name: work(name, opened=replay)):
        pass
    assert answers == recorded
    assert len(endpoint.requests) == 30
