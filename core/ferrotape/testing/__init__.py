"""The test kit: a loopback endpoint that speaks the Messages API, with faults on demand."""

from ferrotape.testing.faults import (
    OVERLOADED,
    RATE_LIMITED,
    SERVER_ERROR,
    UNAUTHORIZED,
    BatchFault,
    Delay,
    ErrorEvent,
    Fault,
    HttpError,
    Reset,
    Truncation,
)
from ferrotape.testing.loopback import LoopbackMessages, SeenRequest
from ferrotape.testing.messages import Answer
from ferrotape.testing.recorded import RecordedAnswers

__all__ = [
    "OVERLOADED",
    "RATE_LIMITED",
    "SERVER_ERROR",
    "UNAUTHORIZED",
    "Answer",
    "BatchFault",
    "Delay",
    "ErrorEvent",
    "Fault",
    "HttpError",
    "LoopbackMessages",
    "RecordedAnswers",
    "Reset",
    "SeenRequest",
    "Truncation",
]
