from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.errors import PackError
from ferrotape.packs.reader import MAX_BYTES, MAX_DEPTH, decode, parse_document, read_bytes

FILE = Path("pack.yaml")
# Text that is likely to mean something to a YAML parser.
YAMLISH = st.text(st.sampled_from("ab01:-?[]{}&*!|>'\"%@#,.~=<\\ \n\t\r\u0085\u2028é\x07_xe"))


def read(text: str) -> Any:
    return parse_document(text, FILE).data


def problems(text: str) -> list[tuple[int, str]]:
    try:
        found = parse_document(text, FILE).problems
    except PackError as error:
        found = error.problems
    return [(problem.line, problem.message) for problem in found]


def test_plain_values_have_their_types() -> None:
    text = "a: 1\nb: 1.5\nc: true\nd: ~\ne: text\nf: '1'\ng: [1, two]\nh: {i: .inf}\n"
    assert read(text) == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "text",
        "f": "1",
        "g": [1, "two"],
        "h": {"i": float("inf")},
    }


@pytest.mark.parametrize("value", ["2024-01-01", "2024-01-01 10:00:00", "=", "<<"])
def test_dates_and_other_oddities_of_yaml_stay_text(value: str) -> None:
    assert read(f"a: {value}") == {"a": value}


def test_keys_are_text_as_they_are_written() -> None:
    assert read("no: 1\n2021: 2\n1.50: 3\n'<<': 4\n") == {"no": 1, "2021": 2, "1.50": 3, "<<": 4}


def test_every_value_knows_its_line() -> None:
    document = parse_document("a: 1\nb:\n  - c: |\n      text\n    d: 2\n  - [3,\n     4]\n", FILE)
    assert document.line(()) == 1
    assert document.line(("b",)) == 2
    assert document.line(("b", 0, "c")) == 3
    assert document.line(("b", 0, "d")) == 5
    assert document.line(("b", 1, 1)) == 7
    assert document.line(("b", 0, "missing", "deeper")) == 3


def test_line_breaks_of_windows_and_a_byte_order_mark_are_read() -> None:
    raw = b"\xef\xbb\xbfa: 1\r\nb: 2\r\n"
    assert read(decode(raw, FILE)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", (3, "key `a` is given twice, first on line 1")),
        ("x: {a: 1, a: 2}", (1, "key `a` is given twice, first on line 1")),
        ("a: &x 1", (1, "anchor &x is not allowed")),
        ("a: &x 1\nb: *x", (2, "alias *x is not allowed; write the value out")),
        ("a:\n  <<: {b: 1}", (2, "merge key << is not allowed; write the entries out")),
        ("a: !x y", (1, "tag !x is not allowed")),
        ("a: !x {}", (1, "tag !x is not allowed")),
        (
            "a: !!python/object/apply:os.system [x]",
            (1, "tag !!python/object/apply:os.system is not allowed"),
        ),
        ("a: !!binary aGk=", (1, "tag !!binary is not allowed")),
        ("a: !!int x", (1, "`x` is no int")),
        ("a: !!bool x", (1, "`x` is no bool")),
        ("a: !!float x", (1, "`x` is no float")),
        ("a: 0b_", (1, "`0b_` is no int")),
        ("\na: " + "9" * 5000, (2, "a number has more than 40 characters; quote it as text")),
        ("a: 1" + ":1" * 99, (1, "a number has more than 40 characters; quote it as text")),
        ('a: "\\0"', (1, "there is a NUL or half a surrogate pair in this text")),
        ('"": 1', (1, "a key is empty")),
        ("? [a]\n: b", (1, "a key must be text")),
        ("a: [\n", (2, "this is no YAML: ")),
        ("a: b: c", (1, "this is no YAML: ")),
        ("a: 1\n\tb: 2", (2, "this is no YAML: ")),
        ("a: 1\nb: \x07", (2, "there is a character that YAML does not allow")),
        ("a: 1\n---\nb: 2", (2, "a second document begins here; a file holds one")),
        ("a:\n " + "[" * 50, (2, f"nested more than {MAX_DEPTH} levels deep")),
        ("", (0, "the file is empty")),
        ("# nothing but a comment\n", (0, "the file is empty")),
        ("a: %x", (1, "this is no YAML: ")),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, expected: tuple[int, str]) -> None:
    line, message = expected
    assert any(at == line and said.startswith(message) for at, said in problems(text))


def test_all_problems_of_a_file_are_found_at_once() -> None:
    text = "a: &x 1\na: 2\nb: *x\nc: !t 3\n<<: {d: 4}\n"
    assert [line for line, _ in problems(text)] == [1, 2, 3, 4, 5]


def test_a_repeated_key_keeps_its_first_value() -> None:
    assert read("a: 1\nb: {c: 1}\na: 3\nb: 4") == {"a": 1, "b": {"c": 1}}


def test_a_merge_bomb_is_refused_without_being_expanded() -> None:
    bomb = "a0: &a0 {k: v}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30)
    )
    with pytest.raises(PackError):
        read(bomb)


def test_a_tower_of_a_million_brackets_is_refused() -> None:
    with pytest.raises(PackError, match=r"deep|depth"):
        read("[" * 1_000_000)


@pytest.mark.parametrize(
    ("raw", "line", "message"),
    [
        (b"a: 1\nb: \xff\n", 2, "the bytes here are no UTF-8 text"),
        ("a: 1".encode("utf-16"), 1, "there is a NUL byte, so this is no UTF-8 text"),
        (b"a: 1\n\0", 2, "there is a NUL byte, so this is no UTF-8 text"),
    ],
)
def test_bytes_that_are_no_text_are_refused(raw: bytes, line: int, message: str) -> None:
    with pytest.raises(PackError) as caught:
        decode(raw, FILE)
    assert [(p.line, p.message) for p in caught.value.problems] == [(line, message)]


def test_large_missing_and_special_files_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PackError, match="larger than 1024 KiB"):
        read_bytes(large)
    with pytest.raises(PackError, match="no such file"):
        read_bytes(tmp_path / "missing")
    with pytest.raises(PackError, match="no such file"):
        read_bytes(tmp_path)


@given(st.one_of(st.text(), YAMLISH))
def test_any_text_is_read_or_refused_with_a_problem(text: str) -> None:
    try:
        parse_document(text, FILE)
    except PackError as error:
        assert error.problems  # noqa: PT017 - most texts raise, not all


@given(st.binary())
def test_any_bytes_are_text_or_refused_with_a_problem(raw: bytes) -> None:
    try:
        text = decode(raw, FILE)
    except PackError as error:
        assert error.problems  # noqa: PT017 - some bytes are text
    else:
        assert text.encode() == raw.removeprefix(b"\xef\xbb\xbf")


TREES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text("abcxyz-", min_size=1), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(TREES)
def test_what_pyyaml_writes_is_read_back(tree: Any) -> None:
    written = yaml.safe_dump(tree)  # in ASCII: PyYAML does not escape its own line breaks
    assert parse_document(written, FILE).data == tree
