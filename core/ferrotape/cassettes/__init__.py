"""Recording and replay: one cassette for one trial, one transport bound to it.

Record and replay are two separate ways of opening a tape, and there is no third: recording
never reads an old file, and replay has no network to fall back on.
"""

from ferrotape.cassettes.door import DUMMY_KEY
from ferrotape.cassettes.exchange import is_loopback
from ferrotape.cassettes.identity import Identity
from ferrotape.cassettes.library import cassette_path, recorded_agents, recorded_rounds
from ferrotape.cassettes.routing import Router, router
from ferrotape.cassettes.scope import current
from ferrotape.cassettes.tape import ANSWERED, Tape
from ferrotape.cassettes.transport import TapeTransport

__all__ = [
    "ANSWERED",
    "DUMMY_KEY",
    "Identity",
    "Router",
    "Tape",
    "TapeTransport",
    "cassette_path",
    "current",
    "is_loopback",
    "recorded_agents",
    "recorded_rounds",
    "router",
]
