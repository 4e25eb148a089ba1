"""The router: clients that know nothing of tapes are recorded on the tape of their trial."""

from __future__ import annotations

import asyncio
import contextvars
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import aiohttp
import anthropic
import httpx
import httpx2
import pytest
import requests
import urllib3
import vcr.patch
from http_clients import CLIENTS, HEADERS, KEY, Client, Seen, body, observe, with_requests

from ferrotape.asking import BoundAgent, attempt_once
from ferrotape.cassettes import Identity, Tape, TapeTransport, current, router
from ferrotape.cassettes.timelimit import TimeLimit
from ferrotape.contracts import Agent, Session
from ferrotape.errors import CassetteMiss, OutsideTrial
from ferrotape.model import Reply, Trial
from ferrotape.session import Sessions, trial_folders
from ferrotape.testing import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    Answer,
    Delay,
    Fault,
    LoopbackMessages,
    Reset,
)

IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
NOWHERE = "http://nowhere.invalid:9"
THREADS, CALLS = 32, 10


def answer(request: Any) -> Answer:
    return Answer(f"to {request['messages'][0]['content']}: your key is {KEY}")


@pytest.fixture
def endpoint() -> Iterator[LoopbackMessages]:
    with LoopbackMessages(answer) as serving:
        yield serving


@pytest.fixture(params=CLIENTS.values(), ids=CLIENTS.keys())
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


def unkeyed(seen: Seen) -> Seen:
    return seen[0], seen[1].replace(KEY, "[redacted]")


def test_mixed_clients_in_32_threads_each_keep_to_the_tape_of_their_trial(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    clients = list(CLIENTS.values())

    def trial(number: int, url: str, *, replaying: bool) -> list[Seen]:
        path = tmp_path / f"{number}.json"
        tape = (Tape.replay if replaying else Tape.record)(path, IDENTITY)
        with current(tape):
            seen = [
                clients[(number + call) % len(clients)](url, f"{number}.{call}")
                for call in range(CALLS)
            ]
        tape.close()
        assert len(tape.calls) == CALLS
        return [unkeyed(one) for one in seen]

    def run(url: str, *, replaying: bool) -> list[list[Seen]]:
        with router(replaying=replaying) as routed, ThreadPoolExecutor(THREADS) as pool:
            work = [pool.submit(trial, n, url, replaying=replaying) for n in range(THREADS)]
            results = [future.result() for future in work]
        assert routed.refused == ()  # in replay: no connection was attempted
        return results

    recorded = run(endpoint.base_url, replaying=False)
    assert len(endpoint.requests) == THREADS * CALLS
    for number, seen in enumerate(recorded):
        assert all(status == 200 for status, _ in seen)
        assert all(f"to {number}.{call}: " in text for call, (_, text) in enumerate(seen))
    for number in range(THREADS):
        taped = json.loads((tmp_path / f"{number}.json").read_text())["interactions"]
        prompts = [i["request"]["body"]["json"]["messages"][0]["content"] for i in taped]
        assert prompts == [f"{number}.{call}" for call in range(CALLS)]
    assert run(NOWHERE, replaying=True) == recorded
    assert len(endpoint.requests) == THREADS * CALLS


@pytest.mark.parametrize(
    "fault",
    [None, RATE_LIMITED, OVERLOADED, SERVER_ERROR, Reset(), Delay(0.02)],
    ids=lambda fault: getattr(fault, "type", type(fault).__name__),
)
def test_an_exchange_is_the_same_unrecorded_recorded_and_replayed(
    tmp_path: Path, endpoint: LoopbackMessages, client: Client, fault: Fault | None
) -> None:
    faults = [fault] if fault else []
    with LoopbackMessages(answer) as other:
        other.fail(*faults)
        plain = observe(client, other.base_url)
    endpoint.fail(*faults)
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with router(replaying=False), current(tape):
        recorded = observe(client, endpoint.base_url)
    tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with router(replaying=True), current(again):
        replayed = observe(client, NOWHERE)
    again.close()
    assert recorded == plain
    assert replayed == unkeyed(recorded)
    assert again.calls == tape.calls
    assert len(tape.calls) == 1
    assert not again.measured


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_no_key_host_or_header_gets_onto_the_tape_by_any_client(
    tmp_path: Path, client: Client, compress: bool
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with (
        LoopbackMessages(answer, compress=compress) as serving,
        router(replaying=False),
        current(tape),
    ):
        assert KEY in client(serving.base_url, "hi")[1]
        port = serving.base_url.rpartition(":")[2]
    tape.close()
    text = (tmp_path / "a.json").read_text()
    assert KEY not in text
    assert "to hi" in text
    assert port not in text
    (interaction,) = json.loads(text)["interactions"]
    assert interaction["request"]["uri"] == "/v1/messages"
    assert interaction["request"]["headers"].keys() <= {"content-type", "anthropic-version"}
    assert interaction["response"]["headers"].keys() == {"content-type"}


def test_a_request_that_is_not_on_the_tape_is_answered_by_400_and_raised_on_close(
    tmp_path: Path, endpoint: LoopbackMessages, client: Client
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with router(replaying=False), current(tape):
        client(endpoint.base_url, "one")
    tape.close()
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with router(replaying=True), current(again):
        status, text = observe(client, endpoint.base_url, "two")
    assert (status, "not on the recording" in text) in {(400, True), (0, False)}
    with pytest.raises(CassetteMiss, match=r"(?s)1 request of a .*\"one\".*\"two\""):
        again.close()
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("replaying", [False, True], ids=["record", "replay"])
def test_a_call_outside_any_trial_is_refused_and_told(
    endpoint: LoopbackMessages, client: Client, replaying: bool
) -> None:
    told: list[str] = []
    with (
        pytest.raises((OutsideTrial, anthropic.APIConnectionError)) as caught,
        router(replaying=replaying, on_refused=told.append),
    ):
        client(endpoint.base_url, "hi")
    refusal = caught.value.__cause__ or caught.value  # the SDK wraps whatever goes wrong
    assert isinstance(refusal, OutsideTrial)
    assert endpoint.requests == ()
    (sentence,) = told
    assert "POST" in sentence
    assert endpoint.base_url in sentence


def test_what_is_told_of_a_refused_call_holds_no_secret() -> None:
    with router(replaying=False) as routed, pytest.raises(OutsideTrial):
        httpx2.get(f"http://user:{KEY}@example.org:81/bot{KEY}/?key={KEY}")
    assert routed.refused == (
        "the call GET http://example.org:81 belongs to no trial and was refused",
    )


def test_a_bare_thread_of_an_agent_is_outside_its_trial_and_a_copied_context_is_not(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    refused: list[BaseException] = []

    def ask() -> None:
        try:
            with_requests(endpoint.base_url, "hi")
        except OutsideTrial as error:
            refused.append(error)

    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with router(replaying=False) as routed, current(tape):
        context = contextvars.copy_context()
        for target in (ask, lambda: context.run(ask)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert len(refused) == len(routed.refused) == len(tape.calls) == 1
    assert "copy_context" in refused[0].hint  # type: ignore[attr-defined]


def test_tasks_side_by_side_keep_to_the_tape_of_their_trial(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    async def trial(number: int, url: str, *, replaying: bool) -> list[str]:
        tape = (Tape.replay if replaying else Tape.record)(tmp_path / f"{number}.json", IDENTITY)
        with current(tape):
            async with (
                httpx2.AsyncClient(headers=HEADERS) as client,
                aiohttp.ClientSession(headers=HEADERS) as session,
            ):
                target = f"{url}/v1/messages"
                one = await client.post(target, json=body(f"{number}.1"))
                async with session.post(target, json=body(f"{number}.2")) as two:
                    texts = [unkeyed((0, text))[1] for text in (one.text, await two.text())]
        tape.close()
        return texts

    async def run(url: str, *, replaying: bool) -> list[list[str]]:
        with router(replaying=replaying):
            return await asyncio.gather(*(trial(n, url, replaying=replaying) for n in range(8)))

    recorded = asyncio.run(run(endpoint.base_url, replaying=False))
    assert [f"to {n}.1" in one and f"to {n}.2" in two for n, (one, two) in enumerate(recorded)]
    assert asyncio.run(run(NOWHERE, replaying=True)) == recorded


def test_what_a_bound_transport_records_is_recorded_once(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    class WithRequests(httpx2.BaseTransport):
        """An inner transport that has a patched client inside."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            sent = requests.post(str(request.url), request.read(), headers=HEADERS, timeout=5)
            return httpx2.Response(sent.status_code, content=sent.content)

    for inner in (None, httpx2.HTTPTransport(), WithRequests()):
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        with (
            router(replaying=False),
            current(tape),
            httpx2.Client(transport=TapeTransport(tape, inner)) as client,
        ):
            assert client.post(f"{endpoint.base_url}/v1/messages", json=body("hi")).is_success
        assert len(tape.calls) == 1


def test_a_bound_transport_needs_no_trial_around_it(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with router(replaying=False) as routed, httpx2.Client(transport=TapeTransport(tape)) as client:
        client.post(f"{endpoint.base_url}/v1/messages", json=body("hi"))
    assert len(tape.calls) == 1
    assert routed.refused == ()


def test_httpx2_keeps_streaming_while_it_is_recorded(tmp_path: Path) -> None:
    def slow(request: Any) -> Answer:
        return Answer("\n".join(f"line {number}" for number in range(40)))

    with LoopbackMessages(slow) as serving:
        serving.fail(Delay(between_s=0.05))
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        with (
            router(replaying=False),
            current(tape),
            httpx2.stream("POST", f"{serving.base_url}/v1/messages", json=body("", stream=True))
            as response,
        ):  # fmt: skip
            chunks = response.iter_raw()
            first = next(chunks)
            assert b"message_start" in first
            assert b"message_stop" not in first
            rest = b"".join(chunks)
    assert b"message_stop" in rest
    (call,) = tape.calls
    assert call.ttfb_s is not None
    assert call.latency_s is not None
    assert call.ttfb_s + 0.1 < call.latency_s


def test_a_call_that_is_cancelled_is_recorded_and_runs_out_of_time_in_replay(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    async def with_httpx2(url: str) -> None:
        async with httpx2.AsyncClient() as client:
            await client.post(f"{url}/v1/messages", json=body("hi"))

    async def with_aiohttp(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            await session.post(f"{url}/v1/messages", json=body("hi"))

    for ask, error in ((with_httpx2, httpx2.ReadTimeout), (with_aiohttp, TimeoutError)):
        endpoint.fail(Delay(5))
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        with router(replaying=False), current(tape), pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(ask(endpoint.base_url), 0.05))
        tape.close("timeout")
        (call,) = tape.calls
        assert (call.status, call.error) == (0, "ClosedEarly")
        again = Tape.replay(tmp_path / "a.json", IDENTITY)
        with router(replaying=True), current(again), pytest.raises(error):
            asyncio.run(ask(NOWHERE))
        again.close("timeout")


LIMIT_S, SLOW_S = 0.4, 15.0
TIMEOUTS = (
    requests.Timeout,
    urllib3.exceptions.TimeoutError,
    httpx.TimeoutException,
    httpx2.TimeoutException,
    aiohttp.ServerTimeoutError,
    anthropic.APITimeoutError,
)


def ask_within(limit: TimeLimit, path: Path, client: Client, url: str) -> Tape:
    """Asks until the client gives up, which must be because of the time."""
    tape = Tape.record(path, IDENTITY)
    began = time.monotonic()
    with (
        router(replaying=False),
        current(tape, TapeTransport(tape, limit=limit)),
        pytest.raises(TIMEOUTS),
    ):
        client(url, "hi")
    assert time.monotonic() - began < SLOW_S / 4  # the clients' own timeouts are no shorter
    tape.close("timeout")
    return tape


@pytest.mark.parametrize("cut", [False, True], ids=["limit", "Ctrl-C"])
def test_the_trials_time_ends_the_calls_of_every_client(
    tmp_path: Path, endpoint: LoopbackMessages, client: Client, cut: bool
) -> None:
    endpoint.fail(Delay(SLOW_S))
    limit = TimeLimit(60 if cut else LIMIT_S)
    timer = threading.Timer(LIMIT_S if cut else 60, limit.cut)
    timer.start()
    tape = ask_within(limit, tmp_path / "a.json", client, endpoint.base_url)
    timer.cancel()
    assert [(call.status, call.error) for call in tape.calls] == [(0, "ReadTimeout")]
    again = Tape.replay(tmp_path / "a.json", IDENTITY)
    with router(replaying=True), current(again), pytest.raises(TIMEOUTS):
        client(NOWHERE, "hi")
    again.close("timeout")


@pytest.mark.parametrize("name", ["httpx, streaming", "httpx2, async and streaming"])
def test_the_trials_time_ends_a_stream(
    tmp_path: Path, endpoint: LoopbackMessages, name: str
) -> None:
    endpoint.fail(Delay(between_s=SLOW_S))
    tape = ask_within(TimeLimit(LIMIT_S), tmp_path / "a.json", CLIENTS[name], endpoint.base_url)
    assert [(call.status, call.error) for call in tape.calls] == [(200, "ReadTimeout")]


def test_a_session_ends_what_its_agent_asks_by_another_client(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    class WithRequests:
        name = "a"

        def answer(self, trial: Trial, prompt: str, options: Any, session: Session) -> Reply:
            with_requests(endpoint.base_url, prompt)
            return Reply(text="never")

    endpoint.fail(Delay(SLOW_S))
    agent = BoundAgent(
        name="a", plugin=cast("Agent", WithRequests()), options=None, cassettes=tmp_path
    )
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    trial = Trial(scenario="s", format="f", agent="a", round=1)
    with router(replaying=False), Sessions() as sessions, trial_folders() as folders:
        session = sessions.open(tape, folders, timeout_s=LIMIT_S, env={})
        reply = attempt_once("a", agent, trial, "hi", session, tape)
    assert reply.failure is not None
    assert [call.error for call in tape.calls] == ["ReadTimeout"]


def test_a_body_that_ends_with_its_connection_is_not_whole_at_the_time_limit(
    tmp_path: Path,
) -> None:
    def dribble(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nsome")
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=dribble, args=(server,))
        thread.start()
        url = "http://127.0.0.1:{1}".format(*server.getsockname())
        tape = ask_within(TimeLimit(LIMIT_S), tmp_path / "a.json", with_requests, url)
        thread.join()
    assert [call.error for call in tape.calls] == ["ReadTimeout"]


def test_forms_iterators_and_files_are_recorded_as_the_bytes_they_are(tmp_path: Path) -> None:
    def as_sent(tape: Tape) -> list[bytes]:
        return [request.body for request in tape._cassette.requests]

    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    (tmp_path / "file").write_bytes(b"a file")
    with LoopbackMessages(answer) as serving, router(replaying=False), current(tape):
        url = f"{serving.base_url}/v1/messages"
        requests.post(url, data={"a": "b c"}, timeout=5)
        requests.post(url, data=iter([b"in ", b"parts"]), timeout=5)
        with (tmp_path / "file").open("rb") as file:
            requests.post(url, data=file, timeout=5)

        async def form() -> None:
            async with aiohttp.ClientSession() as session:
                await session.post(url, data={"a": "b c"})
                await session.post(url, data=bytearray(b"raw"))

        asyncio.run(form())
    assert as_sent(tape) == [b"a=b+c", b"in parts", b"a file", b"a=b+c", b"raw"]


def test_patches_are_made_once_and_undone_at_the_end() -> None:
    def look() -> list[object]:
        return [
            httpx2.HTTPTransport.handle_request,
            aiohttp.ClientSession._request,
            urllib3.HTTPConnectionPool.ConnectionCls,
            vcr.patch.force_reset,
            vcr.stubs.VCRConnection.getresponse,
        ]

    def enter_and_leave(number: int) -> None:
        with router(replaying=bool(number % 2)) as routed:
            assert routed is outer

    before = look()
    with router(replaying=False) as outer:
        once = look()
        assert not any(a is b for a, b in zip(before, once, strict=True))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(enter_and_leave, range(40)))
        with router(replaying=True) as inner:
            assert inner is outer
            assert look() == once
        assert look() == once
    assert look() == before


def test_a_pool_that_outlives_the_router_works_without_it(
    tmp_path: Path, endpoint: LoopbackMessages
) -> None:
    with requests.Session() as session:
        url = f"{endpoint.base_url}/v1/messages"
        assert session.post(url, json=body("hi"), timeout=5).ok
        tape = Tape.record(tmp_path / "a.json", IDENTITY)
        with router(replaying=False), current(tape):
            assert session.post(url, json=body("hi"), timeout=5).ok
        assert session.post(url, json=body("hi"), timeout=5).ok
    assert len(tape.calls) == 1
    assert len(endpoint.requests) == 3
