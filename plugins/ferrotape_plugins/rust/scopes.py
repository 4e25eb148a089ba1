"""Cuts a Rust file into the scopes that patterns look at.

A scope is the whole text with everything outside of it replaced by spaces, line breaks kept, so
that lines and columns stay true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from ast_grep_py import SgNode, SgRoot

from ferrotape_plugins.languages import parsable

_BLANKED = re.compile(r"[^\r\n]+")

Span = tuple[int, int]
"""Begin and end, in characters."""


class RustFile:
    """A Rust source text and its scopes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = SgRoot(text, "rust").root()

    def scope(self, name: str) -> str:
        """The text of the scope `code`, `tests`, `docs` or `all`."""
        match name:
            case "code":
                return blank(self._text, [*self._tests, *self._comments])
            case "tests":
                return blank(self._text, [*self._outside_tests, *self._comments])
            case "docs":
                return blank(self._text, self._tests)
            case _:
                return self._text

    @cached_property
    def _comments(self) -> list[Span]:
        comments = self._root.find_all(any=[{"kind": "line_comment"}, {"kind": "block_comment"}])
        return [span(node) for node in comments]

    @cached_property
    def _tests(self) -> list[Span]:
        return list(_test_items(self._root))

    @cached_property
    def _outside_tests(self) -> list[Span]:
        edges = [0, *(edge for span in self._tests for edge in span), len(self._text)]
        return list(zip(edges[::2], edges[1::2], strict=True))


def blank(text: str, spans: Iterable[Span]) -> str:
    """Replaces the spans by spaces, line breaks kept; spans may overlap."""
    parts = []
    done = 0
    for begin, end in sorted(spans):
        if end > done:
            start = max(begin, done)
            parts += [text[done:start], _BLANKED.sub(_spaces, text[start:end])]
            done = end
    parts.append(text[done:])
    return "".join(parts)


def is_test_attribute(attribute: str) -> bool:
    """Whether an outer attribute is `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, ...))]`."""
    inner = re.sub(r"\s+", "", attribute).removeprefix("#[").removesuffix("]")
    if inner in {"test", "cfg(test)"}:
        return True
    every = re.fullmatch(r"cfg\(all\((.*)\)\)", inner)
    return every is not None and "test" in every[1].split(",")


def span(node: SgNode) -> Span:
    """Where a syntax node begins and ends."""
    # ast-grep counts `index` in characters, as Python does; its columns too.
    place = node.range()
    return place.start.index, place.end.index


def names_crate(text: str) -> bool:
    """Whether a file has the attribute `#![crate_name = "..."]`."""
    if "crate_name" not in text:
        return False
    for node in SgRoot(parsable(text), "rust").root().children():
        if node.kind() == "inner_attribute_item":
            attribute = node.find(kind="attribute")
            name = attribute.child(0) if attribute is not None else None
            if name is not None and name.text() == "crate_name":
                return True
    return False


def _test_items(root: SgNode) -> Iterator[Span]:
    """The top-level items under a test attribute, from their first attribute on."""
    attributes: list[SgNode] = []
    for node in root.children():
        kind = node.kind()
        if kind == "attribute_item":
            attributes.append(node)
        elif kind not in {"line_comment", "block_comment"}:
            if any(is_test_attribute(attribute.text()) for attribute in attributes):
                yield span(attributes[0])[0], span(node)[1]
            attributes = []


def _spaces(found: re.Match[str]) -> str:
    return " " * len(found[0])
