"""Recording and replay: one cassette for one trial, one transport bound to it.

Record and replay are two separate ways of opening a tape, and there is no third: recording
never reads an old file, and replay has no network to fall back on.
"""

from ferrotape.cassettes.identity import Identity
from ferrotape.cassettes.library import cassette_path, recorded_agents, recorded_rounds
from ferrotape.cassettes.tape import ANSWERED, Tape
from ferrotape.cassettes.transport import TapeTransport

__all__ = [
    "ANSWERED",
    "Identity",
    "Tape",
    "TapeTransport",
    "cassette_path",
    "recorded_agents",
    "recorded_rounds",
]
