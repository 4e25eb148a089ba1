"""A small run with everything in it that a report can show."""

from __future__ import annotations

from dataclasses import replace

from ferrotape.analysis import RunReport, summarise
from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Call,
    Extraction,
    Failure,
    Finding,
    Format,
    Mode,
    Pack,
    RegexPattern,
    Reply,
    Run,
    RunStatus,
    Scenario,
    Score,
    ScorePart,
    Severity,
    Status,
    Timings,
    Trial,
    TrialResult,
    Usage,
    ValidatorWeight,
    Verdict,
)

SCENARIOS = ("rust-01-basic", "rust-05-async-scheduler")
FORMATS = ("minimal", "metadata", "code-heavy")
SCORES = {"rust-01-basic": (90.0, 80.0, 100.0), "rust-05-async-scheduler": (50.0, 61.0, 35.0)}


def sample_pack() -> Pack:
    return Pack(
        name="rust-core",
        version=1,
        language="rust",
        formats=tuple(Format(id=fmt) for fmt in FORMATS),
        validators={"patterns": ValidatorWeight(weight=0.8), "tests": ValidatorWeight(weight=0.2)},
        failure_policy={},
        scenarios=tuple(
            Scenario(
                id=name,
                title=name,
                language="rust",
                complexity="basic",
                expected_quality=(55.0, 85.0),
                interface="pub fn f()",
                prompts=dict.fromkeys(FORMATS, "Write f."),
                patterns=(
                    RegexPattern(id="documented", description="Docs", kind="regex", pattern="x"),
                ),
            )
            for name in SCENARIOS
        ),
        digest="ab" * 32,
    )


def sample_run(rounds: int = 2) -> Run:
    return Run(
        id="01JRUN",
        started_at="2025-01-02T03:04:05.678Z",
        finished_at="2025-01-02T03:04:15.000Z",
        mode=Mode.REPLAY,
        pack="rust-core",
        pack_version="1",
        pack_digest="ab" * 32,
        seed=42,
        jobs=1,
        planned=rounds * 6,
        scenarios=SCENARIOS,
        formats=FORMATS,
        agents=("claude-sample",),
        rounds=rounds,
        environment={"rustc": "1.95.0", "ferrotape": "0.1.0"},
        status=RunStatus.FINISHED,
    )


def sample_result(scenario: str, fmt: str, number: int, *, message: str = "x") -> TrialResult:
    """Round 2 is 4 points better; `message` goes wherever others can put text."""
    value = min(SCORES[scenario][FORMATS.index(fmt)] + 4.0 * (number - 1), 100.0)
    fails = value < 40
    trial = Trial(scenario=scenario, format=fmt, agent="claude-sample", round=number, order=number)
    finding = Finding(code="documented", message=message, severity=Severity.WARNING, line=3)
    return TrialResult(
        trial=trial,
        reply=Reply(
            model="claude-sample",
            stop_reason="end_turn",
            calls=(Call(index=0, status=200, latency_s=0.01, ttfb_s=0.01),),
            usage=Usage(input_tokens=1, output_tokens=2),
            measured=False,
        ),
        extraction=Extraction(code=f"// {trial.key}", extractor="markdown", rule="rust-block"),
        verdicts=(
            Verdict(
                validator="patterns",
                version="1",
                status=Status.FAILED,
                score=value,
                summary=message,
                findings=(finding,),
                metrics={"held": 17, "share": 0.1 + 0.2},
            ),
            Verdict(
                validator="tests",
                version="1",
                status=Status.FAILED if fails else Status.PASSED,
                score=50.0 if fails else 100.0,
                summary=message,
                failure=Failure.FAILED_TESTS if fails else None,
            ),
        ),
        score=Score(
            value=value,
            mean=value,
            parts=(ScorePart(validator="patterns", weight=1.0, score=value, lost=100.0 - value),),
        ),
        timings=Timings(reply_s=0.5, validators={"tests": 0.25}),
        cached=("patterns",),
    )


def sample_results(message: str = "x") -> list[TrialResult]:
    return [
        sample_result(scenario, fmt, number, message=message)
        for scenario in SCENARIOS
        for fmt in FORMATS
        for number in (1, 2)
    ]


def sample_report() -> RunReport:
    """Complete but for lints, which nothing checks."""
    return summarise(sample_run(), sample_pack(), sample_results())


def hostile_report(message: str) -> RunReport:
    """The same, with `message` for every text that comes from models, plugins or files."""
    results = sample_results(message)
    results[0] = replace(
        results[0],
        reply=Reply(failure=AgentFailure(kind=AgentFailureKind.OVERLOADED, message=message)),
        extraction=None,
        verdicts=(),
        score=Score(value=None),
    )
    extraction = Extraction(code=None, extractor="markdown", rule="none", note=message)
    results[1] = replace(results[1], extraction=extraction, verdicts=(), score=Score(value=0.0))
    unavailable = replace(results[2].verdicts[0], status=Status.UNAVAILABLE, score=None)
    results[2] = replace(results[2], verdicts=(unavailable, *results[2].verdicts[1:]))
    pack = sample_pack()
    described = tuple(
        replace(
            scenario,
            complexity=message,
            patterns=(replace(scenario.patterns[0], description=message or "x"),),
        )
        for scenario in pack.scenarios
    )
    run = replace(sample_run(), environment={"rustc": message})
    return summarise(run, replace(pack, name=message, scenarios=described), results)
