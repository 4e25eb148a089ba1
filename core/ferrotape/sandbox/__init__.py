"""Running what is not trusted."""

from ferrotape.sandbox.outcome import MIB, Ended, Limits, Outcome, Sandbox, View

__all__ = ["MIB", "Ended", "Limits", "Outcome", "Sandbox", "View"]
