"""A small history for the commands that show one."""

from __future__ import annotations

from pathlib import Path

from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Block,
    BlockKind,
    Extraction,
    Failure,
    Finding,
    Mode,
    Reply,
    Run,
    RunStatus,
    Score,
    ScorePart,
    Severity,
    Status,
    Trial,
    TrialResult,
    Verdict,
)
from ferrotape.store import Store

EVIL = "\x1b[2J[bold]evil[/bold] \u202egnp.exe"
"""Clears the screen, looks like markup, and reverses what follows; from a model, say."""


def make_run(number: int) -> Run:
    return Run(
        id=f"2026112{number}-221530-k3f9q2",
        started_at=f"2026-11-2{number}T22:15:30.000Z",
        mode=Mode.REPLAY,
        pack="rust-core",
        pack_version="1",
        pack_digest="0123456789abcdef",
        seed=7,
        jobs=2,
        planned=3,
        scenarios=("rust-01-basic",),
        formats=("minimal", "metadata"),
        agents=("claude-sample",),
        rounds=2,
        environment={"rustc": "1.95.0"},
        status=RunStatus.FINISHED,
        finished_at=f"2026-11-2{number}T22:16:00.000Z",
    )


def make_results() -> tuple[TrialResult, ...]:
    """One that works, one that fails a test with a finding of evil text, one that is missing."""

    def trial(format_id: str, number: int) -> Trial:
        return Trial(
            scenario="rust-01-basic", format=format_id, agent="claude-sample", round=number
        )

    good = Verdict(
        validator="tests", version="1", status=Status.PASSED, score=100.0, summary="15 of 15"
    )
    bad = Verdict(
        validator="tests",
        version="1",
        status=Status.FAILED,
        score=80.0,
        summary=f"12 of 15: {EVIL}",
        failure=Failure.FAILED_TESTS,
        findings=(
            Finding(
                code="reverses",
                message=f"line one\nline two {EVIL}",
                severity=Severity.ERROR,
                file="answer.rs",
                line=7,
                column=3,
            ),
        ),
    )
    reply = Reply(blocks=(Block(kind=BlockKind.TEXT, text=EVIL),))
    extraction = Extraction(code="fn f() {}", extractor="markdown", rule="rust-block", note=EVIL)
    return (
        TrialResult(
            trial=trial("minimal", 1),
            reply=reply,
            extraction=extraction,
            verdicts=(good,),
            score=Score(value=90.0, mean=90.0),
        ),
        TrialResult(
            trial=trial("metadata", 1),
            reply=reply,
            extraction=extraction,
            verdicts=(bad,),
            score=Score(
                value=26.0,
                mean=72.5,
                cap=26.0,
                failure=Failure.FAILED_TESTS,
                lost_to_policy=46.5,
                parts=(ScorePart(validator="tests", weight=0.25, score=80.0, lost=5.0),),
            ),
            cached=("tests",),
        ),
        TrialResult(
            trial=trial("minimal", 2),
            reply=Reply(
                failure=AgentFailure(kind=AgentFailureKind.OVERLOADED, message=f"busy {EVIL}")
            ),
            extraction=None,
            verdicts=(),
            score=Score(value=None),
        ),
    )


def make_history(path: Path, runs: int = 2) -> Path:
    """Stores runs 0, 1, ... with the same three trials each."""
    with Store.open(path) as store:
        for number in range(runs):
            run = make_run(number)
            store.begin(run)
            for result in make_results():
                store.add(run.id, result)
    return path
