"""The names of the tests in a file of hidden tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ast_grep_py import SgNode, SgRoot

_IGNORE = re.compile(r"#\[\s*ignore\b")


def test_paths(source: str) -> tuple[str, ...]:
    """The paths of the tests, such as `hidden_tests::empty_is_an_error`, in order.

    They are read from the source and not asked of the compiled program, because that also holds
    the answer, which could hide or invent tests. Ignored tests are left out.
    """
    return tuple(_tests_in(SgRoot(source, "rust").root(), ""))


def _tests_in(parent: SgNode, prefix: str) -> Iterator[str]:
    attributes: list[str] = []
    for node in parent.children():
        kind = node.kind()
        if kind == "attribute_item":
            attributes.append(node.text())
            continue
        if kind in {"line_comment", "block_comment"}:
            continue
        name = node.field("name")
        if kind == "mod_item" and name is not None:
            body = node.field("body")
            if body is not None:
                yield from _tests_in(body, f"{prefix}{name.text()}::")
        elif kind == "function_item" and name is not None and _is_run(attributes):
            yield f"{prefix}{name.text()}"
        attributes = []


def _is_run(attributes: list[str]) -> bool:
    bare = [re.sub(r"\s+", "", attribute) for attribute in attributes]
    return "#[test]" in bare and not any(_IGNORE.match(attribute) for attribute in attributes)
