"""Running what is not trusted, and the few trusted programs beside it."""

from ferrotape.sandbox.folder import private_folder
from ferrotape.sandbox.limits import LimitsSandbox, open_sandbox
from ferrotape.sandbox.outcome import MIB, Ended, Limits, Outcome, Sandbox, View
from ferrotape.sandbox.programs import Programs, basic_environment, find_program
from ferrotape.sandbox.trusted import run_trusted

__all__ = [
    "MIB",
    "Ended",
    "Limits",
    "LimitsSandbox",
    "Outcome",
    "Programs",
    "Sandbox",
    "View",
    "basic_environment",
    "find_program",
    "open_sandbox",
    "private_folder",
    "run_trusted",
]
