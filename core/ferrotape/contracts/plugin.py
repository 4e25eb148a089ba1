"""What all plugins have."""

from __future__ import annotations

from typing import Protocol


class Plugin(Protocol):
    """What all plugins have."""

    @property
    def name(self) -> str:
        """Kebab-case; unique among plugins of the same kind."""
        ...

    @property
    def version(self) -> str:
        """Part of cache keys and reports; raise it when results change."""
        ...

    @property
    def description(self) -> str:
        """One line for `ferrotape plugins list`."""
        ...
