"""Edits recordings as no tape would."""

from __future__ import annotations

from pathlib import Path

from ferrotape.cassettes import document, layout


def rewrite(path: Path, old: str, new: str) -> Path:
    """Changes the first place of a text in a recording, and its digest with it."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    tree = layout.load(text.replace(old, new, 1))
    metadata = tree["metadata"]
    metadata["digest"] = document.digest_of(metadata, tree["interactions"])
    path.write_text(layout.dump(tree), encoding="utf-8")
    return path
