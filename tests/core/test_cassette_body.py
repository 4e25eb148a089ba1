"""Bodies and layout: exact to the byte, and one changed word is one changed line."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.cassettes import layout
from ferrotape.cassettes.body import BinaryBody, Frame, JsonBody, SseBody, TextBody, pack

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["$lines", "$raw"]), inner, max_size=4)
    ),
    max_leaves=12,
)
styles = st.sampled_from(["compact", "spaced", "compact-ascii", "spaced-ascii"])


def dumped(tree: Any, style: str) -> bytes:
    separators = (",", ":") if style.startswith("compact") else (", ", ": ")
    text = json.dumps(tree, separators=separators, ensure_ascii=style.endswith("ascii"))
    return text.encode(errors="surrogatepass")


@given(st.binary() | st.text().map(str.encode), st.sampled_from(["", "text/event-stream"]))
def test_any_bytes_come_back_exactly(content: bytes, content_type: str) -> None:
    assert pack(content, content_type).encode() == content


@given(st.dictionaries(st.text(), json_values, min_size=1), styles)
def test_json_documents_come_back_exactly_in_every_style(tree: Any, style: str) -> None:
    content = dumped(tree, style)
    assert pack(content).encode() == content


frames = st.one_of(
    st.builds(
        lambda tree, style, padding, event: (
            event + b"data: " + dumped(tree, style)[:-1] + b" " * padding + dumped(tree, style)[-1:]
        ),
        st.dictionaries(st.text(), json_values, max_size=3),
        styles,
        st.integers(0, 20),
        st.sampled_from([b"", b"event: ping\n", b"event:  odd \n", b"event: \n"]),
    ),
    st.sampled_from([b": comment", b"data: ", b"data: 1  5", b"data: [DONE]", b"id: 3\ndata: {}"]),
    st.binary(max_size=20),
)


@given(st.lists(frames, max_size=5), st.binary(max_size=20))
def test_streams_of_events_come_back_exactly(parts: list[bytes], rest: bytes) -> None:
    content = b"".join(part + b"\n\n" for part in parts) + rest
    assert pack(content, "text/event-stream; charset=utf-8").encode() == content


def test_events_are_kept_as_trees_with_their_padding() -> None:
    content = b'event: ping\ndata: {"type": "ping"}\n\ndata: {"a":1      }\n\nevent: cut\nda'
    assert pack(content, "text/event-stream") == SseBody(
        [
            Frame(event="ping", data={"type": "ping"}, style="spaced"),
            Frame(data={"a": 1}, padding=6),
        ],
        "event: cut\nda",
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"a":1}', JsonBody),
        (b'{"a":1,"a":2}', TextBody),  # a tree has one `a` only
        (b'{"a":NaN}', TextBody),
        (b'{"a":1e999}', TextBody),
        (b'{"a":"\\ud800"}', TextBody),
        (b'{"a":1}\n', TextBody),
        (b"[" * 5000 + b"]" * 5000, TextBody),
        (b'{"a":' + b"1" * 5000 + b"}", TextBody),
        (b"plain", TextBody),
        (b"\xff\x00", BinaryBody),
    ],
)
def test_what_a_tree_cannot_hold_exactly_stays_text(content: bytes, kind: type) -> None:
    body = pack(content)
    assert type(body) is kind
    assert body.encode() == content


@given(json_values)
def test_any_tree_survives_the_layout(tree: Any) -> None:
    assert layout.load(layout.dump(tree)) == tree


def test_lone_surrogates_survive_the_layout() -> None:
    assert layout.load(layout.dump({"a": "\ud800 é"})) == {"a": "\ud800 é"}


@pytest.mark.parametrize("text", ['{"$lines": "a"}', '{"$lines": [1]}', '{"$raw": [1, 2]}', "NaN"])
def test_misused_markers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must hold|no JSON value"):
        layout.load(text)


@given(st.integers(0, 59))
def test_a_changed_word_in_a_long_text_is_a_one_line_diff(number: int) -> None:
    lines = [f"    let value_{i} = compute({i});" for i in range(60)]
    before = layout.dump({"text": "\n".join(lines)})
    lines[number] = lines[number].replace("compute", "derive")
    after = layout.dump({"text": "\n".join(lines)})
    diff = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))
    assert len([line for line in diff[2:] if line[0] in "+-"]) == 2
