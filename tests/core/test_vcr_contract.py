"""What the tape takes for granted of vcrpy, private names among it.

`pyproject.toml` pins vcrpy to one minor version; when the pin moves, these tests come first.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import io
import json
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiohttp
import requests
import vcr.patch
import vcr.stubs
from vcr.cassette import Cassette
from vcr.patch import CassettePatcherBuilder
from vcr.record_mode import RecordMode
from vcr.request import Request
from vcr.serialize import deserialize, serialize
from vcr.stubs import aiohttp_stubs, requests_stubs, urllib3_stubs

from ferrotape.testing import Answer, LoopbackMessages

RESPONSE: dict[str, Any] = {
    "status": {"code": 200, "message": "OK"},
    "headers": {"content-type": ["text/plain"]},
    "body": {"string": b"hello"},
    "timing": {"latency_s": 1.5},
}


def make_request(body: bytes = b"{}") -> Request:
    return Request("POST", "/v1/messages?b=2&a=1", body, {"Content-Type": "application/json"})


def make_cassette(mode: RecordMode, persister: Any = None, **hooks: Any) -> Cassette:
    return Cassette(path=Path("nowhere"), persister=persister, record_mode=mode, **hooks)


def test_a_cassette_takes_the_arguments_the_tape_gives() -> None:
    parameters = inspect.signature(Cassette).parameters
    assert {
        "path",
        "serializer",
        "persister",
        "record_mode",
        "before_record_request",
        "before_record_response",
    } <= parameters.keys()


def test_a_new_cassette_reads_nothing_and_an_empty_one_is_falsy() -> None:
    cassette = make_cassette(RecordMode.NEW_EPISODES, persister=None)
    assert len(cassette) == 0
    assert not cassette


def test_saving_hands_requests_responses_and_metadata_to_the_persister() -> None:
    saved: list[Any] = []
    persister = SimpleNamespace(
        save_cassette=lambda path, cassette, serializer: saved.append((path, cassette))
    )
    cassette = make_cassette(RecordMode.NEW_EPISODES, persister)
    cassette.append(make_request(), RESPONSE)
    assert cassette.get_metadata("identity", {"a": 1}) == {"a": 1}
    cassette._save(force=True)
    ((path, content),) = saved
    assert path == Path("nowhere")
    assert content["metadata"] == {"identity": {"a": 1}}
    assert content["responses"] == [RESPONSE]
    assert [request.method for request in content["requests"]] == ["POST"]


def test_an_empty_cassette_is_saved_when_forced() -> None:
    saved: list[Any] = []
    persister = SimpleNamespace(save_cassette=lambda *a, **k: saved.append(a))
    make_cassette(RecordMode.NEW_EPISODES, persister)._save(force=True)
    assert len(saved) == 1


def test_loading_runs_the_hooks_and_keeps_order_and_metadata() -> None:
    loaded = ([make_request(b"1"), make_request(b"2")], [RESPONSE, RESPONSE], {"outcome": "x"})
    persister = SimpleNamespace(load_cassette=lambda path, serializer: loaded)
    seen: list[bytes] = []
    cassette = Cassette.load(
        path=Path("nowhere"),
        persister=persister,
        record_mode=RecordMode.NONE,
        before_record_request=lambda request: seen.append(request.body) or request,
    )
    assert seen == [b"1", b"2"]
    assert [request.body for request in cassette.requests] == [b"1", b"2"]
    assert cassette.responses == [RESPONSE, RESPONSE]
    assert cassette.get_metadata("outcome", None) == "x"
    assert cassette.record_mode is RecordMode.NONE


def test_errors_of_the_persister_are_not_swallowed() -> None:
    class Broken(Exception):
        pass

    def fail(path: Path, serializer: Any) -> None:
        raise Broken

    try:
        Cassette.load(path=Path("nowhere"), persister=SimpleNamespace(load_cassette=fail))
    except Broken:
        return
    raise AssertionError("vcrpy treats a broken cassette as an empty one")


def test_appending_copies_the_response_and_keeps_extra_keys() -> None:
    cassette = make_cassette(RecordMode.NEW_EPISODES)
    response = {**RESPONSE, "headers": dict(RESPONSE["headers"])}
    cassette.append(make_request(), response)
    response["headers"].clear()
    assert cassette.responses == [RESPONSE]


def test_the_serializer_gets_vcrpys_format_and_gives_it_back() -> None:
    kept: list[Any] = []

    def keep(data: Any) -> str:
        kept.append(data)
        return "text"

    serializer = SimpleNamespace(serialize=keep, deserialize=lambda text: kept[0])
    content = {"requests": [make_request()], "responses": [RESPONSE], "metadata": {"a": 1}}
    assert serialize(content, serializer) == "text"
    assert kept[0]["version"] == 1
    assert kept[0]["metadata"] == {"a": 1}
    entry = kept[0]["interactions"][0]
    assert entry["request"]["headers"] == {"Content-Type": ["application/json"]}
    requests, responses, metadata = deserialize("text", serializer)
    assert requests[0].uri == "/v1/messages?b=2&a=1"
    assert responses[0]["body"]["string"] == b"hello"
    assert metadata == {"a": 1}


def test_a_request_without_a_host_has_path_query_and_body() -> None:
    request = make_request()
    assert request.path == "/v1/messages"
    assert request.query == [("a", "1"), ("b", "2")]
    assert request.body == b"{}"
    assert request.headers["content-type"] == "application/json"


# -- what the router takes for granted of the patches and stubs


class Playing:
    """As little of a cassette as the builder and the stubs can do with."""

    _path = "Playing"
    write_protected = False
    custom_patches: tuple[Any, ...] = ()
    skip_patchers: tuple[str, ...] = ()

    def __init__(self, *, plays: bool = True) -> None:
        self.plays = plays
        self.asked: list[tuple[str, Any]] = []
        self.kept: list[Any] = []

    def can_play_response_for(self, request: Request) -> bool:
        self.asked.append(("can_play_response_for", request))
        return self.plays

    def play_response(self, request: Request) -> Any:
        self.asked.append(("play_response", request))
        return {**RESPONSE, "headers": {"content-type": ["text/plain"]}}

    def append(self, request: Request, response: Any) -> None:
        self.kept.append((request, response))

    def filter_request(self, request: Request) -> Request:
        return request


@contextmanager
def patched(cassette: Playing, *skipped: str) -> Iterator[list[Any]]:
    """vcrpy's patches for a cassette, without those of the skipped clients."""
    cassette.skip_patchers = ("httplib", "boto3", "httplib2", "tornado", *skipped)
    with ExitStack() as stack:
        patchers = list(CassettePatcherBuilder(cassette).build())
        for patcher in patchers:
            stack.enter_context(patcher)
        stack.enter_context(mock.patch.object(vcr.patch, "force_reset", nullcontext))
        yield patchers


def test_the_clients_the_router_leads_itself_can_be_skipped_by_name() -> None:
    assert {"httplib", "boto3", "httplib2", "tornado", "aiohttp", "httpx", "httpx2"} <= set(
        vcr.patch.PATCHER_NAMES
    )
    with patched(Playing(), "aiohttp", "httpx", "httpx2") as patchers:
        targets = {str(patcher.target) for patcher in patchers if hasattr(patcher, "target")}
    assert targets
    assert all("urllib3" in target for target in targets)


def test_custom_patches_are_made_along_with_the_others() -> None:
    class Target:
        attribute = 1

    cassette = Playing()
    cassette.custom_patches = ((Target, "attribute", 2),)
    with patched(cassette):
        assert Target.attribute == 2
    assert Target.attribute == 1


def test_the_stubs_look_up_force_reset_when_they_use_it() -> None:
    """So that replacing the module's attribute is enough."""
    with (
        patched(Playing(), "aiohttp", "httpx", "httpx2"),
        mock.patch.object(vcr.patch, "force_reset", side_effect=nullcontext) as reset,
    ):
        assert requests.post("http://nowhere.invalid/", data=b"x", timeout=1).text == "hello"
    assert reset.called
    for stub in (vcr.stubs, aiohttp_stubs, requests_stubs, urllib3_stubs):
        assert not hasattr(stub, "force_reset")


def test_a_stub_of_urllib3_asks_the_cassette_in_getresponse_by_its_own_request() -> None:
    cassette, seen = Playing(), []
    respond = vcr.stubs.VCRConnection.getresponse

    def watched(self: Any, *arguments: Any, **options: Any) -> Any:
        seen.append((self.cassette, self._vcr_request))
        return respond(self, *arguments, **options)

    with (
        patched(cassette, "aiohttp", "httpx", "httpx2"),
        mock.patch.object(vcr.stubs.VCRConnection, "getresponse", watched),
    ):
        for url in ("http://nowhere.invalid/p?a=1", "https://nowhere.invalid/p?a=1"):
            assert requests.post(url, data=b"x", timeout=1).text == "hello"
    assert all(owner is cassette for owner, _ in seen)
    assert [request.body for _, request in seen] == [b"x", b"x"]
    assert [name for name, _ in cassette.asked] == ["can_play_response_for", "play_response"] * 2
    assert [request for _, request in cassette.asked[::2]] == [request for _, request in seen]


def test_the_removers_of_connections_hold_pools_in_a_mapping_that_may_be_weak() -> None:
    with patched(Playing(), "aiohttp", "httpx", "httpx2") as patchers:
        removers = [p for p in patchers if isinstance(p, vcr.patch.ConnectionRemover)]
        assert removers
        for remover in removers:
            assert remover._connection_pool_to_connections == {}
            remover._connection_pool_to_connections = weakref.WeakKeyDictionary()
        requests.get("http://nowhere.invalid/", timeout=1)
        gc.collect()
        assert not any(remover._connection_pool_to_connections for remover in removers)


def test_what_is_recorded_of_urllib3_comes_with_a_decoded_body_and_lists_of_headers() -> None:
    cassette = Playing(plays=False)
    with (
        LoopbackMessages(lambda _: Answer("text"), compress=True) as endpoint,
        patched(cassette, "aiohttp", "httpx", "httpx2"),
    ):
        asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        requests.post(f"{endpoint.base_url}/v1/messages", json=asked, timeout=5)
    ((request, response),) = cassette.kept
    assert request.uri == f"{endpoint.base_url}/v1/messages"
    assert json.loads(request.body) == asked
    assert response["status"] == {"code": 200, "message": "OK"}
    assert response["headers"]["content-encoding"] == ["gzip"]
    assert json.loads(response["body"]["string"])["content"][0]["text"] == "text"


def test_the_stub_of_aiohttp_takes_any_cassette_and_the_request_to_wrap() -> None:
    cassette = Playing()
    stub = aiohttp_stubs.vcr_request(cassette, aiohttp.ClientSession._request)

    async def ask() -> str:
        async with aiohttp.ClientSession() as session:
            url = session._build_url("http://nowhere.invalid/")
            response = await stub(session, "POST", url, data=b"x", headers={"a": "b"})
            return str(await response.text())

    assert asyncio.run(ask()) == "hello"
    assert [name for name, _ in cassette.asked] == ["can_play_response_for", "play_response"]
    request = cassette.asked[0][1]
    assert (request.body, request.headers["a"]) == (b"x", "b")


def test_a_request_can_be_a_weak_key_and_is_equal_to_itself_only() -> None:
    one, other = make_request(), make_request()
    kept = weakref.WeakKeyDictionary({one: 1})
    assert one in kept
    assert other not in kept


def test_a_request_gives_files_and_iterators_as_such() -> None:
    assert Request("POST", "/", iter([b"a", b"b"]), {}).body.__next__() == b"a"
    assert Request("POST", "/", io.BytesIO(b"ab"), {}).body.read() == b"ab"
    assert Request("POST", "/", "text", {}).body == b"text"
    assert Request("POST", "/", {"a": "b"}, {}).body == {"a": "b"}


def test_vcrpy_logs_to_loggers_below_its_own_name() -> None:
    for module in (vcr.cassette, vcr.patch, vcr.stubs, aiohttp_stubs):
        assert module.log.name.startswith("vcr.")
