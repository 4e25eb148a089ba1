"""The socket guard: nothing in this process reaches the network unless it may."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferrotape.cassettes import Identity, Tape, current, router
from ferrotape.cassettes.guard import allow, guarded
from ferrotape.errors import CassetteMiss, OutsideTrial
from ferrotape.session import Sessions, trial_folders
from ferrotape.testing import Answer, LoopbackMessages

IDENTITY = Identity(
    agent="a", plugin="p", settings={}, scenario="s", format="f", round=1, prompt_sha256=""
)
AWAY = "192.0.2.1"  # a documentation address: nobody answers there


class Refused(Exception):
    pass


@pytest.fixture
def listening() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def connect(family: int, kind: int, address: tuple[str, int]) -> None:
    with socket.socket(family, kind) as sock:
        sock.connect(address)


def connect_ex(address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        sock.connect_ex(address)


def send_to(address: tuple[str, int], *, message: bool = False) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if message:
            sock.sendmsg([b"x"], [], 0, address)
        else:
            sock.sendto(b"x", address)


async def open_connection(host: str) -> None:
    await asyncio.open_connection(host, 80)


ATTEMPTS: dict[str, Callable[[], object]] = {
    "connect": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, (AWAY, 80)),
    "connect, IPv6": lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, ("2001:db8::1", 80)),
    "connect, UDP": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, (AWAY, 53)),
    "connect by name": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("api.example.org", 80)),
    "connect_ex": lambda: connect_ex((AWAY, 80)),
    "connect to this machine": lambda: connect_ex(("127.0.0.1", 9)),
    "sendto": lambda: send_to((AWAY, 53)),
    "sendmsg": lambda: send_to((AWAY, 53), message=True),
    "create_connection": lambda: socket.create_connection((AWAY, 80)),
    "getaddrinfo": lambda: socket.getaddrinfo("api.example.org", 443),
    "getaddrinfo, bytes": lambda: socket.getaddrinfo(b"api.example.org", 443),
    "gethostbyname": lambda: socket.gethostbyname("api.example.org"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("api.example.org"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("api.example.org"),
    "urllib.request": lambda: urllib.request.urlopen("http://api.example.org/"),
    "http.client": lambda: http.client.HTTPConnection(AWAY).request("GET", "/"),
    "asyncio": lambda: asyncio.run(open_connection(AWAY)),
    "asyncio by name": lambda: asyncio.run(open_connection("api.example.org")),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_what_would_reach_the_network_is_refused_and_told(attempt: Callable[[], object]) -> None:
    told: list[str] = []

    def refuse(what: str) -> Refused:
        told.append(what)
        return Refused(what)

    with guarded(refuse), pytest.raises(Refused):
        attempt()
    assert len(told) == 1
    assert any(place in told[0] for place in (AWAY, "2001:db8::1", "api.example.org", "127.0.0.1"))


def test_what_stays_on_this_machine_is_allowed(tmp_path: Path) -> None:
    with guarded(Refused):
        left, right = socket.socketpair()
        with left, right:
            left.sendmsg([b"a pair"])
            assert right.recv(9) == b"a pair"
        path = str(tmp_path / "socket")
        with (
            socket.socket(socket.AF_UNIX) as server,
            socket.socket(socket.AF_UNIX) as client,
        ):
            server.bind(path)
            server.listen()
            client.connect(path)
        assert socket.getaddrinfo("127.0.0.1", 80)
        assert socket.getaddrinfo("localhost", 80)
        assert socket.getaddrinfo(None, 0)
        with socket.create_server(("127.0.0.1", 0)):
            pass

        async def wait() -> int:
            return await asyncio.to_thread(lambda: 7)

        assert asyncio.run(wait()) == 7  # asyncio wakes itself by a pair of sockets


def test_an_address_that_is_allowed_is_reached_until_it_is_left(
    listening: tuple[str, int],
) -> None:
    host, port = listening
    with guarded(Refused):
        with allow(host, port):
            with allow(host, port):
                pass
            socket.create_connection(listening, timeout=5).close()
            with pytest.raises(Refused):
                socket.create_connection((host, port + 1), timeout=5)
        with pytest.raises(Refused):
            socket.create_connection(listening, timeout=5)


@pytest.mark.parametrize("host", ["192.0.2.1", "api.example.org", "10.0.0.1"])
def test_another_machine_cannot_be_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="is not this machine"), allow(host, 80):
        pass


def test_the_guard_is_gone_at_the_end(listening: tuple[str, int]) -> None:
    lookup, before = socket.getaddrinfo, dict(vars(socket.socket))
    with router(replaying=True), router(replaying=True):
        assert socket.getaddrinfo is not lookup
    assert socket.getaddrinfo is lookup
    assert dict(vars(socket.socket)) == before
    socket.create_connection(listening, timeout=5).close()


def test_what_is_outside_any_trial_may_connect_while_recording(
    tmp_path: Path, listening: tuple[str, int]
) -> None:
    def connect_freely() -> None:
        socket.create_connection(listening, timeout=5).close()

    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with router(replaying=False) as routed:
        connect_freely()
        with current(tape), ThreadPoolExecutor(1) as pool:
            pool.submit(connect_freely).result()
    assert routed.refused == ()


@pytest.mark.parametrize(
    "attempt",
    # asyncio looks names up in a thread that is outside the trial; it may, but not connect
    [pytest.param(a, id=name) for name, a in ATTEMPTS.items() if name != "asyncio by name"],
)
def test_an_unknown_client_of_a_trial_is_refused_while_recording(
    tmp_path: Path, attempt: Callable[[], object]
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    told: list[str] = []
    with (
        router(replaying=False, on_refused=told.append),
        current(tape),
        pytest.raises(OutsideTrial, match="by a goes by no tape and was refused") as caught,
    ):
        attempt()
    assert "session.transport" in caught.value.hint
    assert told == [caught.value.message]


def test_an_agent_with_an_unknown_client_pays_for_nothing_and_has_no_answer(
    tmp_path: Path,
) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with LoopbackMessages(lambda _: Answer("hi")) as endpoint:
        with router(replaying=False) as routed, current(tape), pytest.raises(OutsideTrial):
            urllib.request.urlopen(endpoint.base_url, data=b"{}")  # noqa: S310 - it is HTTP
        assert endpoint.requests == ()
    assert len(routed.refused) == 1


def test_a_tape_in_replay_has_no_network_while_others_are_recorded(tmp_path: Path) -> None:
    Tape.record(tmp_path / "a.json", IDENTITY).close()
    tape = Tape.replay(tmp_path / "a.json", IDENTITY)
    with router(replaying=False), current(tape), pytest.raises(CassetteMiss):
        socket.create_connection((AWAY, 443))
    with pytest.raises(CassetteMiss):
        tape.close()


def test_the_proxy_of_the_session_is_reached_by_any_client(tmp_path: Path) -> None:
    tape = Tape.record(tmp_path / "a.json", IDENTITY)
    with (
        LoopbackMessages(lambda _: Answer("hi")) as endpoint,
        router(replaying=False) as routed,
        Sessions() as sessions,
        trial_folders() as folders,
    ):
        session = sessions.open(tape, folders, timeout_s=30, env={})
        asked = b'{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}'
        with (
            session.proxy(endpoint.base_url) as url,
            current(tape, session.transport),
            urllib.request.urlopen(f"{url}/v1/messages", data=asked) as response,  # noqa: S310 - it is HTTP
        ):
            assert b"hi" in response.read()
    assert len(tape.calls) == 1
    assert routed.refused == ()


def test_an_attempt_within_a_trial_is_a_miss_of_its_tape(tmp_path: Path) -> None:
    Tape.record(tmp_path / "a.json", IDENTITY).close()
    tape = Tape.replay(tmp_path / "a.json", IDENTITY)
    with router(replaying=True) as routed, current(tape):
        for _ in range(2):
            with pytest.raises(CassetteMiss, match=r"look-up of the name api\.example\.org"):
                urllib.request.urlopen("http://api.example.org/v1/messages")
    assert routed.refused == ()
    with pytest.raises(CassetteMiss, match=r"(?s)2 requests of a .*api\.example\.org"):
        tape.close()


def test_an_attempt_outside_any_trial_is_told_with_its_count() -> None:
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(OutsideTrial):
            socket.create_connection((AWAY, 443))

    with router(replaying=True, on_refused=told.append):
        for _ in range(3):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    assert told == [f"a connection to {AWAY}:443 belongs to no trial and was refused (3 times)"]
