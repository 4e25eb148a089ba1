"""From model objects to rows: what is written for a run and for a trial.

This is the hot path, so it goes by fixed statements on the plain connection; sqlite-utils looks
the table up anew at each insert.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ferrotape.store.encoding import encode_reply
from ferrotape.store.schema import insert_sql, update_sql

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ferrotape.model import Ingredient, Run, Trial, TrialResult

Row = tuple[str | int | float | None, ...]

_INSERT_RUN = insert_sql("runs")
_UPDATE_RUN = update_sql("runs")
_INSERT_INGREDIENT = insert_sql("ingredients")
_INSERT_REPLY = insert_sql("replies", once=True)
_INSERT_SUBMISSION = insert_sql("submissions", once=True)
_INSERT_TRIAL = insert_sql("trials")
_INSERT_CALL = insert_sql("calls")
_INSERT_VERDICT = insert_sql("verdicts")
_INSERT_FINDING = insert_sql("findings")
_INSERT_SCORE_PART = insert_sql("score_parts")


def insert_run(conn: sqlite3.Connection, run: Run) -> None:
    """Adds a run."""
    conn.execute(_INSERT_RUN, _run_row(run))


def insert_ingredients(
    conn: sqlite3.Connection, run_id: str, ingredients: Iterable[Ingredient]
) -> None:
    """Adds what a run was made of."""
    rows = ((run_id, entry.name, entry.digest, entry.value) for entry in ingredients)
    conn.executemany(_INSERT_INGREDIENT, rows)


def update_run(conn: sqlite3.Connection, run: Run) -> bool:
    """Rewrites a run; False if there is none with its id."""
    return conn.execute(_UPDATE_RUN, (*_run_row(run), run.id)).rowcount == 1


def insert_trial(conn: sqlite3.Connection, run_id: str, result: TrialResult) -> None:
    """Adds all rows of a trial; the caller holds the transaction.

    Raises:
        UnicodeError: A text holds lone surrogates.
    """
    reply = encode_reply(result.reply)
    reply_sha256 = _sha256(reply)
    conn.execute(_INSERT_REPLY, (reply_sha256, reply))
    code_sha256 = None
    if result.extraction is not None and result.extraction.code is not None:
        code_sha256 = result.extraction.code_sha256
        conn.execute(_INSERT_SUBMISSION, (code_sha256, result.extraction.code))
    row = _trial_row(run_id, result, reply_sha256, code_sha256)
    trial_id = conn.execute(_INSERT_TRIAL, row).lastrowid
    assert trial_id is not None  # noqa: S101 - an INSERT of one row
    conn.executemany(_INSERT_CALL, _call_rows(trial_id, result))
    conn.executemany(_INSERT_VERDICT, _verdict_rows(trial_id, result))
    conn.executemany(_INSERT_FINDING, _finding_rows(trial_id, result))
    conn.executemany(_INSERT_SCORE_PART, _score_part_rows(trial_id, result))


def delete_trial(conn: sqlite3.Connection, run_id: str, trial: Trial) -> None:
    """Removes a trial and what hangs on it; the caller holds the transaction."""
    conn.execute(
        "delete from trials where run_id = ? and scenario = ? and format = ? and agent = ?"
        " and round = ?",
        (run_id, trial.scenario, trial.format, trial.agent, trial.round),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _run_row(run: Run) -> Row:
    return (
        run.id,
        run.started_at,
        run.mode,
        run.pack,
        run.pack_version,
        run.pack_digest,
        run.seed,
        run.jobs,
        run.planned,
        json.dumps(run.scenarios),
        json.dumps(run.formats),
        json.dumps(run.agents),
        run.rounds,
        json.dumps(dict(run.environment)),
        run.status,
        run.finished_at,
        run.digest,
    )


def _trial_row(run_id: str, result: TrialResult, reply_sha256: str, code_sha256: str | None) -> Row:
    trial, reply, score = result.trial, result.reply, result.score
    failure, extraction = reply.failure, result.extraction
    usage = reply.usage if reply.measured else None
    return (
        run_id,
        trial.scenario,
        trial.format,
        trial.agent,
        trial.round,
        trial.order,
        reply_sha256,
        reply.model,
        failure.kind if failure else None,
        failure.kind.agent_caused if failure else None,
        reply.latency_s if reply.measured else None,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        extraction.extractor if extraction else None,
        extraction.rule if extraction else None,
        extraction.note if extraction else None,
        code_sha256,
        score.value,
        score.mean,
        score.cap,
        score.failure,
        score.lost_to_policy,
        score.partial,
        result.timings.reply_s,
        result.timings.extract_s,
        json.dumps(dict(result.timings.validators)),
        json.dumps(result.cached),
    )


def _call_rows(trial_id: int, result: TrialResult) -> Iterator[Row]:
    for position, call in enumerate(result.reply.calls):
        yield (
            trial_id,
            position,
            call.index,
            call.status,
            call.latency_s,
            call.ttfb_s,
            call.error,
        )


def _verdict_rows(trial_id: int, result: TrialResult) -> Iterator[Row]:
    for position, verdict in enumerate(result.verdicts):
        yield (
            trial_id,
            position,
            verdict.validator,
            verdict.version,
            verdict.status,
            verdict.score,
            verdict.summary,
            json.dumps(dict(verdict.metrics), default=str),
            verdict.failure,
            verdict.distribution,
        )


def _finding_rows(trial_id: int, result: TrialResult) -> Iterator[Row]:
    for verdict_position, verdict in enumerate(result.verdicts):
        for position, finding in enumerate(verdict.findings):
            yield (
                trial_id,
                verdict_position,
                position,
                finding.code,
                finding.message,
                finding.severity,
                finding.file,
                finding.line,
                finding.column,
            )


def _score_part_rows(trial_id: int, result: TrialResult) -> Iterator[Row]:
    for position, part in enumerate(result.score.parts):
        yield (trial_id, position, part.validator, part.weight, part.score, part.lost)
