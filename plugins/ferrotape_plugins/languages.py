"""Names of programming languages, as info strings and scenarios write them."""

from __future__ import annotations

import re

ALIASES = {
    "rs": "rust",
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "mjs": "javascript",
    "ts": "typescript",
    "golang": "go",
    "c++": "cpp",
    "cc": "cpp",
    "cxx": "cpp",
    "cs": "csharp",
    "c#": "csharp",
    "kt": "kotlin",
    "rb": "ruby",
    "sh": "bash",
    "shell": "bash",
}

PARSED = frozenset(
    {
        "bash",
        "c",
        "cpp",
        "csharp",
        "go",
        "java",
        "javascript",
        "kotlin",
        "lua",
        "php",
        "python",
        "ruby",
        "rust",
        "scala",
        "swift",
        "typescript",
    }
)
"""Languages that ast-grep parses. It panics on a name it does not know, so ask here first."""

_SEPARATORS = re.compile(r"[\s,:;(){}\[\]]+")


def language_of(tag: str) -> str:
    """The language that a tag or an info string names; empty if it names none.

    The first word counts, in lower case, aliases resolved: `Rust,ignore`, `rust:src/lib.rs` and
    `{.rs}` are `rust`.
    """
    words = (word.lstrip(".").lower() for word in _SEPARATORS.split(tag))
    word = next((word for word in words if word), "")
    return ALIASES.get(word, word)


def parsable(text: str) -> str:
    """The text with `?` for each lone surrogate, which parsers refuse and JSON can carry."""
    return text.encode("utf-8", "replace").decode()
