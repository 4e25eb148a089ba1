"""The statistics and summaries of a run: pure functions, no I/O."""

from ferrotape.analysis.report import RunReport

__all__ = ["RunReport"]
