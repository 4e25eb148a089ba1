"""Starting programs of the machine that are trusted, such as `rustc --version`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ferrotape.errors import ToolMissing


def run_trusted(
    command: Sequence[str], *, timeout_s: float = 30.0
) -> subprocess.CompletedProcess[str]:
    """Runs a trusted program to its end, with the environment of Ferrotape and no input.

    Returns:
        Its exit status and what it wrote; the caller looks at `returncode`.

    Raises:
        ToolMissing: It could not be started, or did not end in time.
    """
    try:
        return subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        raise ToolMissing(f"{command[0]} cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolMissing(f"{command[0]} did not end within {timeout_s:g} s") from error
