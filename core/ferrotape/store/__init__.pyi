from .history import Store
from .ids import new_run_id
from .query import QueryResult, run_query
from .reader import RunSummary, StoredRun
from .verdicts import VerdictCache, verdict_key

__all__ = [
    "QueryResult",
    "RunSummary",
    "Store",
    "StoredRun",
    "VerdictCache",
    "new_run_id",
    "run_query",
    "verdict_key",
]
