"""What the tape takes for granted of vcrpy, private names among it.

`pyproject.toml` pins vcrpy to one minor version; when the pin moves, these tests come first.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vcr.cassette import Cassette
from vcr.record_mode import RecordMode
from vcr.request import Request
from vcr.serialize import deserialize, serialize

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
