"""Asking agents for real: retries, pace, budget."""

from ferrotape.live.budget import Budget, Estimate, OverBudget, Price, Prices
from ferrotape.live.calls import LiveCalls
from ferrotape.live.limit import AdaptiveLimit
from ferrotape.live.rates import RateLimit
from ferrotape.live.retry import RETRIED, RetryPolicy
from ferrotape.live.settings import LiveSettings, OnFailure

__all__ = [
    "RETRIED",
    "AdaptiveLimit",
    "Budget",
    "Estimate",
    "LiveCalls",
    "LiveSettings",
    "OnFailure",
    "OverBudget",
    "Price",
    "Prices",
    "RateLimit",
    "RetryPolicy",
]
