"""Hand-built runs for the tests of the analysis."""

from __future__ import annotations

from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Block,
    BlockKind,
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
    Scenario,
    Score,
    ScorePart,
    Severity,
    Status,
    Trial,
    TrialResult,
    Usage,
    ValidatorWeight,
    Verdict,
)

AGENT = "sample"


def pack(
    scenarios: tuple[str, ...] = ("one", "two"), formats: tuple[str, ...] = ("b", "a")
) -> Pack:
    """Two scenarios that expect 40-60; both have the check `documented`."""
    return Pack(
        name="little",
        version=1,
        language="rust",
        formats=tuple(Format(id=fmt) for fmt in formats),
        validators={
            "patterns": ValidatorWeight(weight=0.8),
            "tests": ValidatorWeight(weight=0.2),
            "rustc": ValidatorWeight(weight=0.0),
            "clippy": ValidatorWeight(weight=0.0),
        },
        failure_policy={},
        scenarios=tuple(
            Scenario(
                id=name,
                title=f"Scenario {name}",
                language="rust",
                complexity="basic",
                expected_quality=(40.0, 60.0),
                interface="pub fn f()",
                prompts=dict.fromkeys(formats, "Write f."),
                patterns=(
                    check("documented", "It is documented"),
                    check(f"only-in-{name}", "Something of its own"),
                ),
            )
            for name in scenarios
        ),
    )


def check(name: str, description: str) -> RegexPattern:
    return RegexPattern(id=name, description=description, kind="regex", pattern="x")


def run(
    *,
    rounds: int = 2,
    scenarios: tuple[str, ...] = ("one", "two"),
    formats: tuple[str, ...] = ("b", "a"),
    agents: tuple[str, ...] = (AGENT,),
) -> Run:
    return Run(
        id="01J",
        started_at="2025-01-02T03:04:05.678Z",
        mode=Mode.REPLAY,
        pack="little",
        pack_version="1",
        pack_digest="ab" * 32,
        seed=7,
        jobs=2,
        planned=rounds * len(scenarios) * len(formats) * len(agents),
        scenarios=scenarios,
        formats=formats,
        agents=agents,
        rounds=rounds,
    )


def result(
    scenario: str,
    fmt: str,
    number: int,
    value: float | None,
    *,
    agent: str = AGENT,
    code: str | None = "",
    lost: tuple[float, float] = (0.0, 0.0),
    policy: float = 0.0,
    failure: Failure | None = None,
    failed_checks: tuple[str, ...] = (),
    unavailable: tuple[str, ...] = (),
    lints: bool = True,
    measured: bool = False,
    latency_s: float | None = None,
    usage: Usage | None = None,
) -> TrialResult:
    """An answered trial; `failure` makes the verdict concerned fail, `code=None` finds none."""
    trial = Trial(scenario=scenario, format=fmt, agent=agent, round=number)
    reply = Reply(
        blocks=(Block(kind=BlockKind.TEXT, text="an answer"),),
        stop_reason="end_turn",
        measured=measured,
        usage=usage,
        calls=(Call(index=0, status=200, latency_s=latency_s, ttfb_s=None),),
    )
    text = f"// {trial.key}" if code == "" else code
    verdicts = () if text is None else _verdicts(failure, failed_checks, unavailable, lints)
    return TrialResult(
        trial=trial,
        reply=reply,
        extraction=Extraction(code=text, extractor="markdown", rule="rust-block"),
        verdicts=verdicts,
        score=Score(
            value=value,
            failure=failure,
            lost_to_policy=policy,
            parts=(
                ScorePart(validator="patterns", weight=0.8, score=None, lost=lost[0]),
                ScorePart(validator="tests", weight=0.2, score=None, lost=lost[1]),
            ),
        ),
    )


def failed(
    scenario: str, fmt: str, number: int, kind: AgentFailureKind, *, agent: str = AGENT
) -> TrialResult:
    """A trial without an answer, scored as the engine does."""
    return TrialResult(
        trial=Trial(scenario=scenario, format=fmt, agent=agent, round=number),
        reply=Reply(failure=AgentFailure(kind=kind, message="it did not work"), measured=False),
        extraction=None,
        verdicts=(),
        score=Score(value=0.0, lost_to_policy=100.0) if kind.agent_caused else Score(value=None),
    )


def _verdicts(
    failure: Failure | None, checks: tuple[str, ...], unavailable: tuple[str, ...], lints: bool
) -> tuple[Verdict, ...]:
    compiles = failure is not Failure.COMPILE_ERROR
    passed = {
        "patterns": not checks,
        "rustc": compiles,
        "tests": failure is None,
        "clippy": lints and compiles,
    }
    blamed = {"tests": failure, "rustc": None if compiles else failure}
    return tuple(
        _verdict(name, ok, blamed.get(name), checks if name == "patterns" else ())
        if name not in unavailable
        else Verdict(
            validator=name,
            version="1",
            status=Status.UNAVAILABLE,
            score=None,
            summary=f"no {name} here",
        )
        for name, ok in passed.items()
    )


def _verdict(name: str, ok: bool, failure: Failure | None, checks: tuple[str, ...]) -> Verdict:
    return Verdict(
        validator=name,
        version="1",
        status=Status.PASSED if ok else Status.FAILED,
        score=100.0 if ok else 50.0,
        summary=f"{name} {'has nothing to say' if ok else 'objects'}",
        failure=failure,
        findings=tuple(
            Finding(code=code, message="not so", severity=Severity.WARNING) for code in checks
        ),
    )
