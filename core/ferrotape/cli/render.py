"""Runs and trials of the history as tables for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ferrotape.cli.formats import as_text
from ferrotape.cli.plain import plain
from ferrotape.model import Finding, Run, TrialResult, Verdict
from ferrotape.store import QueryResult, RunSummary, StoredRun, run_query

_PIPE_WIDTH = 10_000
"""Columns where there is no terminal: lines are then as long as they need to be."""
_FACTS_WIDTH = 12

_CELLS_SQL = """
select scenario, format, avg(score), count(score), count(*) from trial_scores
where run = ? group by scenario, format
"""
_WATERFALL_SQL = """
select format, planned, answered, extracted, compiles, interface_fits, tests_pass, lint_clean
from waterfall where run = ?
"""


def print_table(table: Table) -> None:
    """Prints a table, as wide as the terminal or, in a pipe, as wide as it is."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def result_table(result: QueryResult) -> Table:
    """The answer of a query; columns of numbers are aligned to the right."""
    table = _table(result.columns, ([as_text(value) for value in row] for row in result.rows))
    for place, column in enumerate(table.columns):
        values = [row[place] for row in result.rows if row[place] is not None]
        if values and all(isinstance(value, int | float) for value in values):
            column.justify = "right"
    return table


def summary_table(summaries: Sequence[RunSummary]) -> Table:
    """The runs of the history, a line each."""
    heads = ("run", "mode", "status", "pack", "agents", "trials", "mean")
    table = _table(
        heads,
        (
            (
                summary.run.id,
                summary.run.mode,
                summary.run.status,
                f"{summary.run.pack} {summary.run.pack_version}",
                ", ".join(summary.run.agents),
                f"{summary.trials}/{summary.run.planned}",
                _points(summary.mean_score) + (" partial" if summary.partial else ""),
            )
            for summary in summaries
        ),
    )
    table.columns[0].no_wrap = True  # to be copied whole
    return table


def show_run(stored: StoredRun, path: Path) -> None:
    """Prints the facts of a run, its scores, how far its trials came, and what went wrong."""
    run = stored.run
    for name, value in _facts(run):
        _say(f"{name:<{_FACTS_WIDTH}}  {value}")
    _heading("Mean scores (trials with a score / stored)")
    print_table(_score_table(run, path))
    _heading("How far the trials came")
    waterfall = run_query(path, _WATERFALL_SQL, (run.id,))
    places = {name: place for place, name in enumerate(run.formats)}
    rows = sorted(waterfall.rows, key=lambda row: places[str(row[0])])
    print_table(_table(waterfall.columns, ([_known(cell) for cell in row] for row in rows)))
    failures = [(result.trial.key, *_went_wrong(result)) for result in stored.results]
    failures = [failure for failure in failures if failure[1]]
    if failures:
        _heading("What went wrong")
        print_table(_table(("trial", "what", "in a sentence"), failures))


def show_trial(result: TrialResult) -> None:
    """Prints where a trial's points went, and every verdict with its findings."""
    score, extraction = result.score, result.extraction
    _say(result.trial.key)
    _say(f"score       {_points(score.value)}{' (partial)' if score.partial else ''}")
    what, sentence = _went_wrong(result)
    if what:
        _say(f"failure     {what}: {sentence}" if sentence else f"failure     {what}")
    if extraction is not None:
        note = f" ({extraction.note})" if extraction.note else ""
        _say(f"extraction  {extraction.extractor}: {extraction.rule}{note}")
    _heading("Where points were lost")
    lost = [
        (part.validator, f"{part.weight:.0%}", _points(part.score), f"{part.lost:.1f}")
        for part in score.parts
    ]
    lost.append(("failure policy", "", score.failure or "", f"{score.lost_to_policy:.1f}"))
    print_table(_table(("part", "weight", "score", "lost"), lost))
    for verdict in result.verdicts:
        _heading(_verdict_line(verdict, cached=verdict.validator in result.cached))
        if verdict.findings:
            print_table(_table(("severity", "code", "place", "message"), _findings(verdict)))


def _facts(run: Run) -> Iterable[tuple[str, object]]:
    yield "run", run.id
    yield "started", run.started_at
    yield "finished", run.finished_at or "-"
    yield "status", run.status
    yield "mode", run.mode
    yield "pack", f"{run.pack} {run.pack_version} ({run.pack_digest[:12]})"
    yield "agents", ", ".join(run.agents)
    yield "planned", f"{run.planned} trials, seed {run.seed}, {run.jobs} at a time"
    yield "digest", run.digest or "-"
    yield from sorted(run.environment.items())


def _score_table(run: Run, path: Path) -> Table:
    """Mean scores, a scenario a row, a format a column."""
    found = {
        (str(scenario), str(fmt)): f"{_points(mean)} ({scored!s}/{stored!s})"
        for scenario, fmt, mean, scored, stored in run_query(path, _CELLS_SQL, (run.id,)).rows
    }
    rows = (
        (scenario, *(found.get((scenario, fmt), "-") for fmt in run.formats))
        for scenario in run.scenarios
    )
    return _table(("scenario", *run.formats), rows)


def _went_wrong(result: TrialResult) -> tuple[str, str]:
    """The kind of a trial's failure and a sentence about it; empty if nothing went wrong."""
    if result.reply.failure is not None:
        return result.reply.failure.kind, result.reply.failure.message
    if result.score.failure is not None:
        to_blame = (v.summary for v in result.verdicts if v.failure is result.score.failure)
        return result.score.failure, next(to_blame, "")
    return "", ""


def _verdict_line(verdict: Verdict, *, cached: bool) -> str:
    source = ", from the cache" if cached else ""
    return (
        f"{verdict.validator} {verdict.version}: {verdict.status}, {_points(verdict.score)}"
        f"{source}: {verdict.summary}"
    )


def _findings(verdict: Verdict) -> Iterable[tuple[str, ...]]:
    for finding in verdict.findings:
        yield (finding.severity, finding.code, _place(finding), finding.message)


def _place(finding: Finding) -> str:
    parts = (finding.file, finding.line, finding.column)
    return ":".join(str(part) for part in parts if part)


def _points(score: object) -> str:
    return f"{score:.1f}" if isinstance(score, int | float) else "-"


def _known(cell: object) -> object:
    return "-" if cell is None else cell


def _heading(text: str) -> None:
    _say("")
    _say(text)


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(plain(text))


def _table(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(Text(plain(head, one_line=True)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(str(cell), one_line=True)) for cell in row))
    return table
