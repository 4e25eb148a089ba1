"""The safety net: calls of any HTTP client in this process go to the tape of their trial.

An agent gets a transport that is bound to its tape; this is for plugins that bring a client of
their own. The classes of the clients are patched once for the process, by vcrpy's builder where
it knows the client, with a router for a cassette that finds the tape by `scope.current_tape`.
vcrpy's own way, one patch a cassette, mixes up trials that run side by side.

httpx and httpx2 keep streaming, as they go through a `TapeTransport`. requests, urllib3 and
aiohttp get a response when it is complete. `urllib.request` and other clients are not known: the
socket guard stops them within a trial, so that nothing is paid for and then missing on the tape.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import vcr.patch
from vcr.patch import CassettePatcherBuilder, ConnectionRemover
from vcr.request import Request

from ferrotape.cassettes.exchange import Exchange
from ferrotape.cassettes.guard import guarded
from ferrotape.cassettes.playback import Recorded, play
from ferrotape.cassettes.scope import current_tape, is_direct
from ferrotape.cassettes.tape import Tape
from ferrotape.errors import CassetteError, CassetteMiss, OutsideTrial

_HINT: Final = (
    "Send it through `session.transport`; a thread of the agent's own must be started with"
    " `contextvars.copy_context().run`."
)
_UNKNOWN_HINT: Final = (
    "Send it through `session.transport`, or by a client that is recorded: httpx, httpx2,"
    " requests, urllib3 or aiohttp."
)


class _Switch:
    """Something that is on for the whole process as long as anybody wants it."""

    def __init__(self, turn_on: Callable[[ExitStack], Any]) -> None:
        self._turn_on = turn_on
        self._lock = threading.Lock()
        self._wanted = 0
        self._stack = ExitStack()
        self._value: Any = None

    @contextmanager
    def on(self) -> Iterator[Any]:
        with self._lock:
            if not self._wanted:
                with ExitStack() as stack:
                    self._value = self._turn_on(stack)
                    self._stack = stack.pop_all()
            self._wanted += 1
        try:
            yield self._value
        finally:
            with self._lock:
                self._wanted -= 1
                if not self._wanted:
                    self._stack.close()


class Router:
    """Stands for a cassette in vcrpy's stubs, and sends each call on to the tape of its trial."""

    # What vcrpy's builder and stubs read.
    _path = "Router"
    skip_patchers = ("httplib", "boto3", "httplib2", "tornado", "aiohttp", "httpx", "httpx2")
    custom_patches: tuple[tuple[Any, str, Any], ...] = ()
    write_protected = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: Counter[str] = Counter()
        self._under_way: weakref.WeakKeyDictionary[Request, Exchange] = weakref.WeakKeyDictionary()
        self._offline = 0

    @property
    def refused(self) -> tuple[str, ...]:
        """One sentence for each call or connection that no tape takes; none passed through."""
        with self._lock:
            counted = self._refused.items()
            return tuple(f"{said} ({n} times)" if n > 1 else said for said, n in counted)

    def tape_of(self, method: str, uri: str) -> Tape:
        """The tape of the trial that makes a call here.

        Raises:
            OutsideTrial: There is none. The call is noted as refused.
        """
        tape = current_tape()
        if tape is None:
            parts = urlsplit(uri)  # user names, paths and queries may hold secrets
            place = parts.netloc.rpartition("@")[2]
            attempt = f"the call {method} {parts.scheme}://{place}"
            raise self._noted(f"{attempt} belongs to no trial and was refused", _HINT)
        return tape

    def refuse(self, attempt: str) -> CassetteError | None:
        """The error for a connection, noted here or on the tape; None if it may be made.

        While recording it may be made outside any trial, and by what is on its way to a tape.
        """
        tape = current_tape()
        if tape is not None and (self._offline or tape.replaying):
            tape.refuse(attempt)
            return CassetteMiss(f"{attempt} was refused: replay has no network", hint=_HINT)
        if self._offline:
            return self._noted(f"{attempt} belongs to no trial and was refused", _HINT)
        if tape is None or is_direct():
            return None
        who = tape.identity.agent
        return self._noted(f"{attempt} by {who} goes by no tape and was refused", _UNKNOWN_HINT)

    def fail(self, request: Request, kind: str, message: str) -> None:
        """A call of a client ended without a response; ignored where it is not recorded."""
        exchange = self._under_way.pop(request, None)
        if exchange is not None:
            exchange.fail(kind, message)

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Keeps this process off the network altogether, as long as it is entered."""
        with self._lock:
            self._offline += 1
        try:
            yield
        finally:
            with self._lock:
                self._offline -= 1

    # -- what vcrpy's stubs call

    def can_play_response_for(self, request: Request) -> bool:
        """True in replay, a miss included; while recording this is when a call begins."""
        if is_direct():
            return False
        tape = self.tape_of(request.method, request.uri)
        if tape.replaying:
            return True
        self._begin(tape, request)
        return False

    def play_response(self, request: Request) -> dict[str, Any]:
        """The recorded response in vcrpy's terms.

        Raises:
            Recorded: The recorded call ended without a whole response.
        """
        played = play(self.tape_of(request.method, request.uri), _plain(request))
        if played.error is not None:
            raise Recorded(played.error)
        headers: dict[str, list[str]] = {}
        for name, value in played.headers:
            headers.setdefault(name, []).append(value)
        return {
            "status": {"code": played.code, "message": played.reason},
            "headers": headers,
            "body": {"string": played.body},
        }

    def append(self, request: Request, response: Mapping[str, Any]) -> None:
        """Records a call that has ended; its body has come decoded."""
        if is_direct():
            return
        exchange = self._under_way.pop(request, None)
        if exchange is None:  # a redirection that aiohttp followed by itself
            exchange = Exchange(self.tape_of(request.method, request.uri), _plain(request))
        status = response["status"]
        pairs = ((name, v) for name, values in response["headers"].items() for v in values)
        body = response["body"].get("string") or b""
        exchange.finish(status["code"], status["message"] or "", pairs, body)

    def filter_request(self, request: Request) -> Request:
        """The tape filters by itself."""
        return request

    def find_requests_with_most_matches(self, request: Request) -> list[Any]:  # noqa: ARG002
        """None: aiohttp's stub then asks for the redirection's target as it is."""
        return []

    def _begin(self, tape: Tape, request: Request) -> None:
        if request not in self._under_way:
            self._under_way[request] = Exchange(tape, _plain(request))

    def _noted(self, message: str, hint: str) -> OutsideTrial:
        with self._lock:
            self._refused[message] += 1
        return OutsideTrial(message, hint=hint)


def _plain(request: Request) -> Request:
    """The request with its body as bytes, whatever the client gave."""
    headers = {
        _text(name): _text(value)
        for name, value in request.headers.items()
        if isinstance(value, (str, bytes))
    }
    return Request(request.method, request.uri, _body(request), headers)


def _body(request: Request) -> bytes | None:
    body = request.body
    if body is None or isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        return _bytes(body.read())
    if isinstance(body, (Mapping, list, tuple)):
        return urlencode(body, doseq=True).encode()
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, Iterator):
        return b"".join(map(_bytes, body))
    raise CassetteError(
        f"the body of the call {request.method} {urlsplit(request.uri).path} is a"
        f" {type(body).__name__}, which cannot be recorded",
        hint="Give the client bytes, text or a mapping.",
    )


def _bytes(part: str | bytes) -> bytes:
    return part.encode() if isinstance(part, str) else bytes(part)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _patch_clients(stack: ExitStack) -> Router:
    router = Router()
    router.custom_patches = tuple(_custom_patches(router))
    # It would un-patch the process whenever a connection is made, and let other calls through.
    reset = vcr.patch.force_reset
    vcr.patch.force_reset = nullcontext
    stack.callback(setattr, vcr.patch, "force_reset", reset)
    for patcher in CassettePatcherBuilder(router).build():
        if isinstance(patcher, ConnectionRemover):
            # It would keep every pool of connections alive.
            patcher._connection_pool_to_connections = weakref.WeakKeyDictionary()
        stack.enter_context(patcher)
    stack.enter_context(guarded(router.refuse))
    return router


def _custom_patches(router: Router) -> Iterator[tuple[Any, str, Any]]:
    from ferrotape.cassettes.clients import for_httpx2

    yield from for_httpx2.patches(router)
    if find_spec("httpx"):
        from ferrotape.cassettes.clients import for_httpx

        yield from for_httpx.patches(router)
    if find_spec("urllib3"):
        from ferrotape.cassettes.clients import for_urllib3

        yield from for_urllib3.patches(router)
    if find_spec("aiohttp"):
        from ferrotape.cassettes.clients import for_aiohttp

        yield from for_aiohttp.patches(router)


_CLIENTS = _Switch(_patch_clients)


@contextmanager
def router(
    *, replaying: bool, on_refused: Callable[[str], object] | None = None
) -> Iterator[Router]:
    """Leads the calls of all HTTP clients in this process to the tape of their trial.

    The clients are patched when it is first entered and un-patched when it is last left, by
    however many threads. Within, a call outside `current` raises `OutsideTrial` and is listed in
    `Router.refused`, and so is a trial's connection by a client that is not known; nothing passes
    through.

    Args:
        replaying: Whether to keep this process off the network altogether. What is attempted
            within a trial is a miss of its tape.
        on_refused: Told each entry of `Router.refused` at the end.
    """
    with _CLIENTS.on() as routing:
        try:
            with routing.offline() if replaying else nullcontext():
                yield routing
        finally:
            if on_refused is not None:
                for sentence in routing.refused:
                    on_refused(sentence)
