"""What all tests share: a test marked `rust` is skipped, and says why, without a toolchain."""

from __future__ import annotations

import pytest

from ferrotape_plugins.rust.toolchain import Toolchain


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("rust")]
    if not marked:
        return
    toolchain = Toolchain()
    lack = toolchain.no_linker or toolchain.no_clippy
    if lack:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=lack))
