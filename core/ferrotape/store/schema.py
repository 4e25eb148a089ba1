"""The tables of the run history, and the statements that fill them.

Tables are not the query interface and may change with any version; the views are
(`ferrotape.store.views`). The columns below are those of the newest schema, in the order of
the rows that `ferrotape.store.writer` makes.
"""

from __future__ import annotations

RUNS = (
    "id",
    "started_at",
    "mode",
    "pack",
    "pack_version",
    "pack_digest",
    "seed",
    "jobs",
    "planned",
    "scenarios",
    "formats",
    "agents",
    "rounds",
    "environment",
    "status",
    "finished_at",
    "digest",
)
INGREDIENTS = ("run_id", "name", "digest", "value")
REPLIES = ("sha256", "reply")
SUBMISSIONS = ("sha256", "code")
TRIALS = (
    "run_id",
    "scenario",
    "format",
    "agent",
    "round",
    "plan_order",
    "reply_sha256",
    "model",
    "agent_failure",
    "agent_caused",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "extractor",
    "rule",
    "note",
    "code_sha256",
    "score",
    "mean",
    "cap",
    "failure",
    "lost_to_policy",
    "partial",
    "reply_s",
    "extract_s",
    "validators_s",
    "cached",
)
CALLS = ("trial_id", "position", "call_index", "status", "latency_s", "ttfb_s", "error")
VERDICTS = (
    "trial_id",
    "position",
    "validator",
    "version",
    "status",
    "score",
    "summary",
    "metrics",
    "failure",
    "distribution",
)
FINDINGS = (
    "trial_id",
    "verdict",
    "position",
    "code",
    "message",
    "severity",
    "file",
    "line",
    "column",
)
SCORE_PARTS = ("trial_id", "position", "validator", "weight", "score", "lost")

COLUMNS = {
    "runs": RUNS,
    "ingredients": INGREDIENTS,
    "replies": REPLIES,
    "submissions": SUBMISSIONS,
    "trials": TRIALS,
    "calls": CALLS,
    "verdicts": VERDICTS,
    "findings": FINDINGS,
    "score_parts": SCORE_PARTS,
}


def columns_sql(columns: tuple[str, ...]) -> str:
    """The columns, quoted and in order, for a SELECT or an INSERT."""
    return ", ".join(f'"{column}"' for column in columns)


def insert_sql(table: str, *, once: bool = False) -> str:
    """The statement that adds a row; with `once`, one that is already there stays."""
    columns = COLUMNS[table]
    verb = "insert or ignore" if once else "insert"
    marks = ", ".join("?" * len(columns))
    return f'{verb} into "{table}" ({columns_sql(columns)}) values ({marks})'


def update_sql(table: str) -> str:
    """The statement that rewrites a row; its parameters are a whole row, then the first column."""
    columns = COLUMNS[table]
    changes = ", ".join(f'"{column}" = ?' for column in columns)
    return f'update "{table}" set {changes} where "{columns[0]}" = ?'  # noqa: S608 - our names
