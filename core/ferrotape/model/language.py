"""Names of programming languages, as scenarios and the tags of code blocks write them."""

from __future__ import annotations

GRAMMARS = frozenset(
    {"bash", "c", "cpp", "csharp", "css", "dart", "elixir", "go", "haskell", "hcl", "html", "java"}
    | {"javascript", "json", "kotlin", "lua", "nix", "php", "python", "ruby", "rust", "scala"}
    | {"solidity", "swift", "tsx", "typescript", "yaml"}
)
"""Languages that ast-grep parses. It panics on a name that it does not know, so ask here first."""

_ALIASES = {
    "rs": "rust",
    "rust2015": "rust",
    "rust2018": "rust",
    "rust2021": "rust",
    "rust2024": "rust",
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "mjs": "javascript",
    "jsx": "javascript",
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
    "yml": "yaml",
}


def plain_language(name: str) -> str:
    """The language in lower case, aliases resolved: `rs` and `Rust` are `rust`."""
    lower = name.lower()
    return _ALIASES.get(lower, lower)
