"""The socket guard: in replay nothing in this process reaches the network."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferrotape.cassettes import Identity, Tape, current, router
from ferrotape.cassettes.guard import allow, guarded
from ferrotape.errors import CassetteMiss, OutsideTrial

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


def test_recording_is_not_guarded(listening: tuple[str, int]) -> None:
    with router(replaying=False):
        socket.create_connection(listening, timeout=5).close()


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
