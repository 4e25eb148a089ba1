"""The console of the command line."""

from __future__ import annotations

import os
import sys

from rich.console import Console


class SteadyConsole(Console):
    """A console that falls silent when its reader has gone.

    rich ends the process then; a run must still be finished, stored and reported.
    """

    def on_broken_pipe(self) -> None:
        """Writes the rest to nowhere."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
