"""Ferrotape compares prompt formats for coding agents, with recorded calls and real tools.

This is the public face; plugins and scripts import from here.
"""

from ferrotape.contracts import Agent, Bench, Executor, Extractor, Reporter, Session, Validator
from ferrotape.hookspecs import hookimpl
from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Block,
    BlockKind,
    Call,
    Extraction,
    Failure,
    Finding,
    Pack,
    Reply,
    Run,
    Scenario,
    Score,
    Severity,
    Status,
    Submission,
    Trial,
    TrialResult,
    Usage,
    Verdict,
)

__all__ = [
    "Agent",
    "AgentFailure",
    "AgentFailureKind",
    "Bench",
    "Block",
    "BlockKind",
    "Call",
    "Executor",
    "Extraction",
    "Extractor",
    "Failure",
    "Finding",
    "Pack",
    "Reply",
    "Reporter",
    "Run",
    "Scenario",
    "Score",
    "Session",
    "Severity",
    "Status",
    "Submission",
    "Trial",
    "TrialResult",
    "Usage",
    "Validator",
    "Verdict",
    "hookimpl",
]
