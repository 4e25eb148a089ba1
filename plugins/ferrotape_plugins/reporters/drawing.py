"""Pictures made of characters, and text made safe to show; for the reporters beside it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_ODD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ASCII = str.maketrans({"█": "#", "·": ".", "░": "-", "◆": "o", "–": "-", "±": "+"})  # noqa: RUF001
_BLANKS = "\n\r\t"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def plain(text: str) -> str:
    r"""`text` on one line, with nothing in it that steers a terminal or hides from a reader.

    Line ends and tabs become spaces; control characters, invisible and bidirectional marks and
    lone surrogates become escapes such as `\x1b`.
    """
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in _BLANKS:
        return " "
    if unicodedata.category(char) not in _ODD:
        return char
    return char.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws with block characters, or with ASCII for outputs that have nothing else."""

    ascii: bool = False

    def bar(self, share: float | None, width: int) -> str:
        """A bar `width` characters wide, filled up to `share` (0 to 1, cut off beyond)."""
        eighths = round(min(max(share or 0.0, 0.0), 1.0) * width * 8)
        full, rest = divmod(eighths, 8)
        if self.ascii:
            full, rest = full + (rest >= 4), 0  # noqa: PLR2004 - half of the eighths
        drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
        return self.write(drawn.ljust(width, "·"))

    def track(self, low: float, high: float, value: float | None, width: int) -> str:
        """A scale of 0 to 100 with the range from `low` to `high` and a mark at `value`."""

        def place(points: float) -> int:
            return min(int(points / 100 * width), width - 1)

        cells = ["░" if place(low) <= at <= place(high) else "·" for at in range(width)]
        if value is not None:
            cells[place(value)] = "◆"
        return self.write("".join(cells))

    def write(self, text: str) -> str:
        """`text` in the characters there are."""
        if not self.ascii:
            return text
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
