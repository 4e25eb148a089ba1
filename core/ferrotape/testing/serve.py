"""`python -m ferrotape.testing.serve ANSWERS --pack PACK`: an endpoint that serves a folder.

It prints its base URL on one line and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ferrotape.testing.loopback import LoopbackMessages
from ferrotape.testing.recorded import RecordedAnswers


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ferrotape.testing.serve",
        description="Serve answers from a folder by the Messages API, on this machine only.",
    )
    parser.add_argument("answers", type=Path, help="holds SCENARIO/FORMAT/round-N.md")
    parser.add_argument("--pack", type=Path, required=True, help="the folder of pack.yaml")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) for any free one")
    options = parser.parse_args(arguments)

    from ferrotape.errors import FerrotapeError
    from ferrotape.packs import load_pack

    try:
        answers = RecordedAnswers(options.answers, load_pack(options.pack))
    except (FerrotapeError, ValueError) as error:
        parser.error(str(error))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with LoopbackMessages(answers, port=options.port) as endpoint:
        sys.stdout.write(f"{endpoint.base_url}\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
