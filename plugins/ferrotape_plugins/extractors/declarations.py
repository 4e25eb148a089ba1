"""The names that code declares, and whether a text is code at all."""

from __future__ import annotations

import functools
import re

from ast_grep_py import SgRoot

from ferrotape.model import GRAMMARS
from ferrotape_plugins.languages import parsable
from ferrotape_plugins.rust.scopes import blank, span

_COMMENTS = ("comment", "line_comment", "block_comment", "multiline_comment", "haddock")
"""Kinds of syntax nodes that are comments, in the grammars that ast-grep has."""
_ITEM = re.compile(
    r"_(?:item|definition)$|^(?:function|method|class|interface|type)_declaration$"
    r"|^(?:class|module|method)$"
)
"""Kinds of syntax nodes that declare something, in the same grammars."""
_DECLARATION = re.compile(
    r"\b(?:fn|struct|enum|trait|union|def|class|func|function|interface)\s+([A-Za-z_]\w*)"
)


def declared(code: str, language: str) -> frozenset[str]:
    """The names that a text declares as functions or types, outside of comments."""
    return frozenset(_DECLARATION.findall(_without_comments(code, language)))


def is_plain_code(text: str, language: str) -> bool:
    """Whether a text without fences is code and not prose.

    It has to parse without an error, and its top level has to hold an item: a function, a type,
    a module. Prose hardly ever does the first, and never both.
    """
    if language not in GRAMMARS:
        return False
    root = SgRoot(parsable(text), language).root()
    if root.find(kind="ERROR") is not None:
        return False
    return any(_ITEM.search(node.kind()) for node in root.children())


def _without_comments(code: str, language: str) -> str:
    """The code with its comments blanked; as it is in a language without a grammar."""
    if language not in GRAMMARS:
        return code
    kinds = _comment_kinds(language)
    comments = SgRoot(parsable(code), language).root().find_all(any=[{"kind": k} for k in kinds])
    return blank(code, map(span, comments))


@functools.cache
def _comment_kinds(language: str) -> tuple[str, ...]:
    root = SgRoot("", language).root()
    known = []
    for kind in _COMMENTS:
        try:
            root.find(kind=kind)
        except RuntimeError:  # this grammar has no such kind
            continue
        known.append(kind)
    return tuple(known)
