"""Runs and results to store: one made by hand, any by hypothesis."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Block,
    BlockKind,
    Call,
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
    Timings,
    Trial,
    TrialResult,
    Usage,
    Verdict,
)

RUN = Run(
    id="20261125-221530-k3f9q2",
    started_at="2026-11-25T22:15:30.000Z",
    mode=Mode.REPLAY,
    pack="rust-core",
    pack_version="1",
    pack_digest="0" * 64,
    seed=7,
    jobs=2,
    planned=2,
    scenarios=("rust-01-basic",),
    formats=("minimal", "metadata"),
    agents=("claude-sample",),
    rounds=1,
    environment={"ferrotape": "0.1.0"},
)


def make_run(number: int = 0, **changes: Any) -> Run:
    """A run; a higher number started later."""
    stamp = {
        "id": f"20261125-2215{number:02}-k3f9q2",
        "started_at": f"2026-11-25T22:15:{number:02}.000Z",
    }
    return dataclasses.replace(RUN, **{**stamp, **changes})


def verdict(validator: str, *, score: float | None = 100.0, **changes: Any) -> Verdict:
    """What a validator says; passed if the score is 100, unavailable if there is none."""
    status = Status.FAILED if score is not None and score < 100 else Status.PASSED
    fields: dict[str, Any] = {
        "validator": validator,
        "version": "1",
        "status": Status.UNAVAILABLE if score is None else status,
        "score": score,
        "summary": "as expected",
    }
    return Verdict(**{**fields, **changes})


def make_result(
    *verdicts: Verdict,
    scenario: str = "rust-01-basic",
    format: str = "minimal",  # noqa: A002 - the field's name
    round: int = 1,  # noqa: A002 - the field's name
    score: float | None = 80.0,
    code: str | None = "fn main() {}",
    failure: AgentFailureKind | None = None,
    **changes: Any,
) -> TrialResult:
    """A trial; with a failure it has neither code nor verdicts."""
    text = code or "no code"
    fields: dict[str, Any] = {
        "trial": Trial(scenario=scenario, format=format, agent="claude-sample", round=round),
        "reply": Reply(
            blocks=(Block(kind=BlockKind.TEXT, text=text),),
            model="claude",
            usage=Usage(input_tokens=10, output_tokens=20),
            calls=(Call(index=0, status=200, latency_s=1.5, ttfb_s=0.5),),
            failure=AgentFailure(kind=failure, message="it failed") if failure else None,
        ),
        "extraction": Extraction(code=code, extractor="markdown", rule="rust-block"),
        "verdicts": verdicts,
        "score": Score(value=score, mean=score),
    }
    if failure:
        fields["extraction"] = None
    return TrialResult(**{**fields, **changes})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcxyz-é'\"|", min_size=1, max_size=8)
points = st.floats(0, 100)
seconds = st.floats(0, 1e6)
counts = st.integers(0, 2**40)
metrics = st.dictionaries(texts, counts | texts | st.floats(allow_nan=False), max_size=3)
failures = st.none() | st.sampled_from(Failure)


def tuples_of(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=3).map(tuple)


findings = st.builds(
    Finding,
    code=texts,
    message=texts,
    severity=st.sampled_from(Severity),
    file=texts,
    line=st.none() | counts,
    column=st.none() | counts,
)
verdicts = st.builds(
    Verdict,
    validator=names,
    version=texts,
    status=st.sampled_from(Status),
    score=st.none() | points,
    summary=texts,
    findings=tuples_of(findings),
    metrics=metrics,
    failure=failures,
    distribution=texts,
)
replies = st.builds(
    Reply,
    blocks=tuples_of(st.builds(Block, kind=st.sampled_from(BlockKind), text=texts)),
    stop_reason=st.none() | texts,
    model=texts,
    usage=st.none()
    | st.builds(
        Usage,
        input_tokens=counts,
        output_tokens=counts,
        cache_read_tokens=counts,
        cache_write_tokens=counts,
    ),
    calls=tuples_of(
        st.builds(
            Call,
            index=counts,
            status=counts,
            latency_s=st.none() | seconds,
            ttfb_s=st.none() | seconds,
            error=texts,
        )
    ),
    failure=st.none()
    | st.builds(AgentFailure, kind=st.sampled_from(AgentFailureKind), message=texts),
    measured=st.booleans(),
)
scores = st.builds(
    Score,
    value=st.none() | points,
    mean=st.none() | points,
    cap=st.none() | points,
    failure=failures,
    lost_to_policy=points,
    parts=tuples_of(
        st.builds(
            ScorePart,
            validator=names,
            weight=st.floats(0, 1),
            score=st.none() | points,
            lost=points,
        )
    ),
    partial=st.booleans(),
)
results = st.builds(
    TrialResult,
    trial=st.builds(
        Trial, scenario=names, format=names, agent=names, round=st.integers(1, 99), order=counts
    ),
    reply=replies,
    extraction=st.none()
    | st.builds(Extraction, code=st.none() | texts, extractor=texts, rule=texts, note=texts),
    verdicts=tuples_of(verdicts),
    score=scores,
    timings=st.builds(
        Timings,
        reply_s=seconds,
        extract_s=seconds,
        validators=st.dictionaries(names, seconds, max_size=3),
    ),
    cached=tuples_of(names),
)
runs = st.builds(
    Run,
    id=names,
    started_at=texts,
    mode=st.sampled_from(Mode),
    pack=texts,
    pack_version=texts,
    pack_digest=texts,
    seed=counts,
    jobs=counts,
    planned=counts,
    scenarios=tuples_of(names),
    formats=tuples_of(names),
    agents=tuples_of(names),
    rounds=counts,
    environment=st.dictionaries(texts, texts, max_size=3),
    status=st.sampled_from(RunStatus),
    finished_at=st.none() | texts,
)
