"""What a plugin is: the protocols of agents, extractors, validators, reporters, executors.

Every plugin has a `name` (kebab-case, unique among its kind), a `version` (part of cache keys:
raise it when results change) and a `description` of one line. `Options`, where a kind has it,
is a frozen dataclass with defaults: Ferrotape validates the user's settings into it, unknown
keys refused.
"""

from ferrotape.contracts.agent import Agent
from ferrotape.contracts.batches import BatchAgent, Batches, BatchProgress, BatchResult
from ferrotape.contracts.judgement import Bench, Extractor, Validator
from ferrotape.contracts.plugin import Plugin
from ferrotape.contracts.running import Executor, Reporter
from ferrotape.contracts.session import Lent, Session

__all__ = [
    "Agent",
    "BatchAgent",
    "BatchProgress",
    "BatchResult",
    "Batches",
    "Bench",
    "Executor",
    "Extractor",
    "Lent",
    "Plugin",
    "Reporter",
    "Session",
    "Validator",
]
