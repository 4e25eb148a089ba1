"""Where the shipped pack and cassettes are: in the wheel, or in the repository."""

from __future__ import annotations

from pathlib import Path


def starter_folder(kind: str) -> Path:
    """The folder of the shipped `scenarios` or `cassettes`.

    A wheel carries them inside the package; an editable install reads the repository's own.
    """
    package = Path(__file__).resolve().parent
    installed = package / "starter" / kind
    return installed if installed.is_dir() else package.parents[1] / kind
