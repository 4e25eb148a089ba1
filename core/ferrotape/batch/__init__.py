"""Recording by batches: half the price, an answer within a day, no times."""

from ferrotape.batch.ledger import Entry, Ledger
from ferrotape.batch.recording import BatchRecording

__all__ = ["BatchRecording", "Entry", "Ledger"]
