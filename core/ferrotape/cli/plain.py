"""Text that others wrote, made harmless for a terminal."""

from __future__ import annotations

_LAYOUT = frozenset("\n\t")


def plain(text: str, *, one_line: bool = False) -> str:
    r"""The text with everything that does not print as itself shown as an escape, such as `\x1b`.

    That covers terminal control sequences, characters that reorder or hide text, and lone
    surrogates, which could not be printed at all. Line breaks and tabs stay, unless it is for
    `one_line`. Markup of rich is not touched: print with `markup=False`, or as a `rich.text.Text`.
    """
    if text.isprintable():
        return text
    kept = frozenset() if one_line else _LAYOUT
    return "".join(
        letter if letter.isprintable() or letter in kept else _escaped(letter) for letter in text
    )


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
