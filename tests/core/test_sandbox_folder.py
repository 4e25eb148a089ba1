from __future__ import annotations

import stat
import sys

import pytest

from ferrotape.errors import ToolMissing
from ferrotape.sandbox import private_folder, run_trusted


def test_a_private_folder_is_empty_and_nobody_elses():
    with private_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert list(folder.iterdir()) == []


def test_a_private_folder_is_removed_with_what_is_in_it():
    with private_folder() as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x")
        (folder / "below").chmod(0)
    assert not folder.exists()


def test_a_private_folder_is_removed_after_an_error():
    with pytest.raises(ZeroDivisionError), private_folder() as folder:
        1 / 0  # noqa: B018
    assert not folder.exists()


def test_a_trusted_program_reports_its_status_and_output():
    finished = run_trusted([sys.executable, "-c", "print('out'); raise SystemExit(4)"])
    assert (finished.returncode, finished.stdout) == (4, "out\n")


def test_a_trusted_program_that_is_not_there_is_missing():
    with pytest.raises(ToolMissing, match="no-such-program cannot be started"):
        run_trusted(["no-such-program"])


def test_a_trusted_program_that_does_not_end_is_missing():
    with pytest.raises(ToolMissing, match="did not end"):
        run_trusted([sys.executable, "-c", "import time; time.sleep(600)"], timeout_s=0.5)
