"""Agent programs by the command line: recorded, replayed, interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from started import Ferrotape

MARK = f"304.{os.getpid()}"
CELL = ("--scenario", "rust-01-basic", "--format", "minimal")


def settings(folder: Path, program: str) -> None:
    argv = json.dumps([sys.executable, "-c", program])
    text = f'[agents.prog]\nplugin = "command"\nargv = {argv}\n'
    (folder / "ferrotape.toml").write_text(text)


def leftovers() -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if line.startswith(f"sleep {MARK}")]


@pytest.mark.slow
def test_a_program_is_recorded_and_its_answer_replayed(
    ferrotape: Ferrotape, tmp_path: Path
) -> None:
    counted = tmp_path / "runs"
    code = "```rust\\npub fn f() {}\\n```"
    settings(tmp_path, f"open({str(counted)!r}, 'a').write('x'); print('{code}')")
    done = ferrotape("record", "--agent", "prog", "--yes", *CELL)
    assert "1 of 1 answered" in done.stdout, done.stdout + done.stderr
    done = ferrotape("run", "--agent", "prog", *CELL)
    assert "1 of 1 answered" in done.stdout, done.stdout + done.stderr
    assert counted.read_text() == "x"


def test_ctrl_c_ends_a_program_and_all_that_it_started(tmp_path: Path) -> None:
    up = tmp_path / "up"
    script = f"setsid sleep {MARK} & setsid sh -c 'sleep {MARK} & wait' & touch {up}; wait"
    settings(tmp_path, f"import subprocess; subprocess.run(['sh', '-c', {script!r}])")
    command = [sys.executable, "-m", "ferrotape", "record", "--agent", "prog", "--yes", *CELL]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        while not up.exists() and process.poll() is None:
            time.sleep(0.02)
        assert leftovers()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert leftovers() == []
    assert not list(tmp_path.rglob("round-*.json"))
