"""What docs/cassettes.md tells a reader to type works as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from started import Ferrotape

PAGE = Path(__file__).parents[2] / "docs" / "cassettes.md"


@pytest.mark.slow
@pytest.mark.rust
def test_the_commands_of_the_page_work_one_after_the_other(ferrotape: Ferrotape) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 7
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "ferrotape"
        done = ferrotape(*arguments)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), line
