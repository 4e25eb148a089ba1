"""Real processes: the command line as a user starts it, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from started import Ferrotape


@pytest.fixture
def ferrotape(tmp_path: Path) -> Ferrotape:
    """Runs `ferrotape` in an empty folder, with nothing of ours in the environment."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, cwd: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        ours = ("FERROTAPE_", "ANTHROPIC_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return subprocess.run(
            [sys.executable, "-m", "ferrotape", *arguments],
            cwd=cwd,
            env={**inherited, "COLUMNS": "100", **(env or {})},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run
