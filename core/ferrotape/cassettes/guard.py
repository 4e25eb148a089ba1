"""The socket guard: nothing in this process reaches the network unless it may.

In replay nothing may; while recording a trial's calls may, where they go by way of its tape.

It replaces methods of `socket.socket` and the functions that look names up, and puts them back at
the end. An audit hook would see the same calls (both miss C libraries with sockets of their own),
but cannot be removed and would slow down every import and `open` of the process for good.

What stays allowed: Unix sockets and `socketpair`, listening, and connections to addresses that
were let in by `allow`, such as that of Ferrotape's own proxy. Child processes are not guarded.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from ferrotape.cassettes.exchange import is_loopback

Refuse = Callable[[str], Exception | None]
"""Told what was attempted, gives the exception to raise; None to let it through."""

_LOCAL_FAMILIES = frozenset({socket.AF_UNIX, getattr(socket, "AF_NETLINK", socket.AF_UNIX)})
_allowed: dict[tuple[str, int], int] = {}


@contextmanager
def allow(host: str, port: int) -> Iterator[None]:
    """Lets connections to an address of this machine through, as long as it is entered.

    Raises:
        ValueError: It is an address of another machine.
    """
    if not is_loopback(host):
        raise ValueError(f"{host} is not this machine")
    address = (host, port)
    _allowed[address] = _allowed.get(address, 0) + 1
    try:
        yield
    finally:
        _allowed[address] -= 1
        if not _allowed[address]:
            del _allowed[address]


@contextmanager
def guarded(refuse: Refuse) -> Iterator[None]:
    """Refuses what would reach the network, as long as it is entered."""
    with ExitStack() as stack:
        for target, name, replacement in _patches(refuse):
            stack.enter_context(mock.patch.object(target, name, replacement))
        yield


def _patches(refuse: Refuse) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    for name, place in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("sendmsg", 3)):
        method = getattr(socket.socket, name)
        yield socket.socket, name, _checked_method(method, place, refuse)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        function = getattr(socket, name)
        yield socket, name, _checked_lookup(function, refuse)


def _checked_method(method: Callable[..., Any], place: int, refuse: Refuse) -> Callable[..., Any]:
    """A method of a socket that takes an address as its argument number `place`."""

    @functools.wraps(method)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        try:
            address = arguments[place]
        except IndexError:  # `sendmsg` on a socket that is connected
            address = None
        if address is not None and not _may_reach(self.family, address):
            refusal = refuse(f"a connection to {_shown(address)}")
            if refusal is not None:
                self.close()  # who gets it may not know that it has a socket to close
                raise refusal
        return method(self, *arguments)

    return checked


def _checked_lookup(function: Callable[..., Any], refuse: Refuse) -> Callable[..., Any]:
    @functools.wraps(function)
    def checked(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_local_name(host):
            refusal = refuse(f"a look-up of the name {_text(host)}")
            if refusal is not None:
                raise refusal
        return function(host, *arguments, **options)

    return checked


def _may_reach(family: int, address: Any) -> bool:
    if family in _LOCAL_FAMILIES:
        return True
    if not isinstance(address, tuple):
        return False
    return (_text(address[0]), address[1]) in _allowed


def _is_local_name(host: Any) -> bool:
    """Whether a look-up needs no name server: no name at all, a number, or this machine."""
    text = _text(host)
    if not text or is_loopback(text):
        return True
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text == socket.gethostname()
    return True


def _shown(address: Any) -> str:
    if isinstance(address, tuple) and len(address) > 1:
        return f"{_text(address[0])}:{address[1]}"
    return str(address)


def _text(host: Any) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
