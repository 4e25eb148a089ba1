"""Names of programming languages, as info strings and scenarios write them."""

from __future__ import annotations

import re

from ferrotape.model import plain_language

_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]+)=("[^"]*"|'[^']*'|[^\s,;}\]]*)""")
_NAMING = frozenset({"lang", "language"})
_PREFIX = re.compile(r"lang(?:uage)?-")
_SEPARATORS = re.compile(r"[\s,:;(){}\[\]]+")


def language_of(tag: str) -> str:
    """The language that a tag or an info string names; empty if it names none.

    The first word counts, in lower case, aliases resolved: `Rust,ignore`, `rust:src/lib.rs`,
    `{.rs}`, `language-rust`, `rust2021` are all `rust`. Attributes such as `title="x"` and ids
    such as `#main` are no words; without a word, `lang=rust` names the language.
    """
    words = (word.lstrip(".") for word in _SEPARATORS.split(_ATTRIBUTE.sub(" ", tag)))
    named = (value.strip("\"'") for key, value in _ATTRIBUTE.findall(tag) if key.lower() in _NAMING)
    word = next((word for word in (*words, *named) if word and not word.startswith("#")), "")
    return plain_language(_PREFIX.sub("", word.lower(), count=1))


def parsable(text: str) -> str:
    """The text with `?` for each lone surrogate, which parsers refuse and JSON can carry."""
    return text.encode("utf-8", "replace").decode()
