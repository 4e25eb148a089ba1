"""From rows back to model objects."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ferrotape.model import (
    Call,
    Extraction,
    Failure,
    Finding,
    Ingredient,
    Mode,
    Run,
    RunStatus,
    Score,
    ScorePart,
    Severity,
    Status,
    Timings,
    Trial,
    TrialResult,
    Verdict,
)
from ferrotape.store.encoding import decode_reply
from ferrotape.store.schema import RUNS, columns_sql

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from ferrotape.model import Reply

Rows = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all its results, equal to what was added."""

    run: Run
    results: tuple[TrialResult, ...]
    """By scenario, format, agent, round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in a line of the history."""

    run: Run
    trials: int
    """How many were stored; fewer than `run.planned` if it was interrupted."""
    answered: int
    """How many have a usable reply."""
    scored: int
    """How many have a score."""
    partial: int
    """How many scores lack a weighted validator."""
    mean_score: float | None
    """Over the scored trials."""


@dataclass(frozen=True, slots=True)
class _Children:
    """The rows that belong to trials, by trial id, in order."""

    calls: Mapping[int, Rows]
    verdicts: Mapping[int, Rows]
    findings: Mapping[tuple[int, int], Rows]
    """By trial id and position of the verdict."""
    parts: Mapping[int, Rows]


def read_run(conn: sqlite3.Connection, run_id: str) -> Run | None:
    """The run with that id, if there is one."""
    sql = f"select {columns_sql(RUNS)} from runs where id = ?"  # noqa: S608 - our names
    row = conn.execute(sql, (run_id,)).fetchone()
    return None if row is None else _run(row)


def read_ingredients(conn: sqlite3.Connection, run_id: str) -> tuple[Ingredient, ...]:
    """What a run was made of, by name."""
    sql = "select name, digest, value from ingredients where run_id = ? order by name"
    rows = conn.execute(sql, (run_id,))
    return tuple(Ingredient(name=name, digest=digest, value=value) for name, digest, value in rows)


def read_latest(conn: sqlite3.Connection, pack: str, trial: Trial) -> tuple[str, int] | None:
    """The newest run of a pack that has that trial, and the trial's row."""
    sql = """
        select r.id, t.id from trials t join runs r on r.id = t.run_id
        where r.pack = ? and t.scenario = ? and t.format = ? and t.agent = ? and t.round = ?
        order by r.started_at desc, r.id desc limit 1
    """
    row: tuple[str, int] | None = conn.execute(sql, (pack, *trial.rank)).fetchone()
    return row


def read_summaries(conn: sqlite3.Connection, limit: int) -> tuple[RunSummary, ...]:
    """The newest runs first."""
    names = ", ".join(f'r."{name}"' for name in RUNS)
    sql = f"""
        select {names}, count(t.run), coalesce(sum(t.answered), 0), count(t.score),
            coalesce(sum(t.partial), 0), avg(t.score)
        from (select * from runs order by started_at desc, id desc limit ?) r
        left join trial_scores t on t.run = r.id
        group by r.id order by r.started_at desc, r.id desc
    """  # noqa: S608 - our names
    return tuple(
        RunSummary(
            run=_run(row[: len(RUNS)]),
            **dict(
                zip(
                    ("trials", "answered", "scored", "partial", "mean_score"),
                    row[len(RUNS) :],
                    strict=True,
                )
            ),
        )
        for row in conn.execute(sql, (limit,))
    )


def read_ids(conn: sqlite3.Connection) -> tuple[str, ...]:
    """The ids of all runs, newest first."""
    rows = conn.execute("select id from runs order by started_at desc, id desc")
    return tuple(run_id for (run_id,) in rows)


def read_trial_keys(conn: sqlite3.Connection, run_id: str) -> Mapping[str, int]:
    """The row of each trial of a run, by `Trial.key`."""
    rows = conn.execute(
        "select id, scenario, format, agent, round from trials where run_id = ?"
        " order by scenario, format, agent, round",
        (run_id,),
    )
    return {
        Trial(scenario=scenario, format=fmt, agent=agent, round=number).key: trial_id
        for trial_id, scenario, fmt, agent, number in rows
    }


def read_results(
    conn: sqlite3.Connection, run_id: str, trial_id: int | None = None
) -> tuple[TrialResult, ...]:
    """The results of a run, or of one of its trials, by scenario, format, agent, round."""
    which, params = "run_id = ?", (run_id,) if trial_id is None else (run_id, trial_id)
    if trial_id is not None:
        which += " and id = ?"
    children = _read_children(conn, which, params)
    rows = conn.execute(
        f"""
        select t.id, t.scenario, t.format, t.agent, t.round, t.plan_order,
            r.reply, t.extractor, t.rule, t.note, s.code,
            t.score, t.mean, t.cap, t.failure, t.lost_to_policy, t.partial,
            t.reply_s, t.extract_s, t.validators_s, t.cached
        from (select * from trials where {which}) t
        join replies r on r.sha256 = t.reply_sha256
        left join submissions s on s.sha256 = t.code_sha256
        """,  # noqa: S608 - our conditions
        params,
    )
    results = (_result(row, children) for row in rows)
    return tuple(sorted(results, key=lambda result: result.trial.rank))


def _read_children(conn: sqlite3.Connection, which: str, params: tuple[Any, ...]) -> _Children:
    def read(columns: str, table: str, order: str) -> Iterable[tuple[Any, ...]]:
        sql = (
            f"select {columns} from {table}"  # noqa: S608 - our names
            f" where trial_id in (select id from trials where {which}) order by trial_id, {order}"
        )
        return conn.execute(sql, params)

    return _Children(
        calls=_by_trial(
            read("trial_id, call_index, status, latency_s, ttfb_s, error", "calls", "position")
        ),
        verdicts=_by_trial(
            read(
                "trial_id, position, validator, version, status, score, summary, metrics,"
                " failure, distribution",
                "verdicts",
                "position",
            )
        ),
        findings=_by_verdict(
            read(
                'trial_id, verdict, code, message, severity, file, line, "column"',
                "findings",
                "verdict, position",
            )
        ),
        parts=_by_trial(
            read("trial_id, validator, weight, score, lost", "score_parts", "position")
        ),
    )


def _by_trial(rows: Iterable[tuple[Any, ...]]) -> Mapping[int, Rows]:
    groups: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for trial_id, *rest in rows:
        groups[trial_id].append(tuple(rest))
    return {key: tuple(group) for key, group in groups.items()}


def _by_verdict(rows: Iterable[tuple[Any, ...]]) -> Mapping[tuple[int, int], Rows]:
    groups: defaultdict[tuple[int, int], list[tuple[Any, ...]]] = defaultdict(list)
    for trial_id, verdict, *rest in rows:
        groups[trial_id, verdict].append(tuple(rest))
    return {key: tuple(group) for key, group in groups.items()}


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(RUNS, row, strict=True))
    for name in ("scenarios", "formats", "agents"):
        values[name] = tuple(json.loads(values[name]))
    values["environment"] = json.loads(values["environment"])
    values["mode"] = Mode(values["mode"])
    values["status"] = RunStatus(values["status"])
    return Run(**values)


def _result(row: tuple[Any, ...], children: _Children) -> TrialResult:
    trial_id, scenario, fmt, agent, number, order, reply, *rest = row
    extractor, rule, note, code, *rest = rest
    *score, reply_s, extract_s, validators_s, cached = rest
    extraction = None
    if extractor is not None:
        extraction = Extraction(code=code, extractor=extractor, rule=rule, note=note)
    return TrialResult(
        trial=Trial(scenario=scenario, format=fmt, agent=agent, round=number, order=order),
        reply=_reply(reply, children.calls.get(trial_id, ())),
        extraction=extraction,
        verdicts=tuple(
            _verdict(verdict, children.findings.get((trial_id, verdict[0]), ()))
            for verdict in children.verdicts.get(trial_id, ())
        ),
        score=_score(tuple(score), children.parts.get(trial_id, ())),
        timings=Timings(reply_s=reply_s, extract_s=extract_s, validators=json.loads(validators_s)),
        cached=tuple(json.loads(cached)),
    )


def _reply(text: str, calls: Rows) -> Reply:
    return replace(
        decode_reply(text),
        calls=tuple(
            Call(index=index, status=status, latency_s=latency_s, ttfb_s=ttfb_s, error=error)
            for index, status, latency_s, ttfb_s, error in calls
        ),
    )


def _verdict(row: tuple[Any, ...], findings: Rows) -> Verdict:
    _, validator, version, status, score, summary, metrics, failure, distribution = row
    return Verdict(
        validator=validator,
        version=version,
        status=Status(status),
        score=score,
        summary=summary,
        findings=tuple(
            Finding(
                code=code,
                message=message,
                severity=Severity(severity),
                file=file,
                line=line,
                column=column,
            )
            for code, message, severity, file, line, column in findings
        ),
        metrics=json.loads(metrics),
        failure=None if failure is None else Failure(failure),
        distribution=distribution,
    )


def _score(row: tuple[Any, ...], parts: Rows) -> Score:
    value, mean, cap, failure, lost_to_policy, partial = row
    return Score(
        value=value,
        mean=mean,
        cap=cap,
        failure=None if failure is None else Failure(failure),
        lost_to_policy=lost_to_policy,
        parts=tuple(
            ScorePart(validator=validator, weight=weight, score=score, lost=lost)
            for validator, weight, score, lost in parts
        ),
        partial=bool(partial),
    )
