import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Failure,
    FailureRule,
    Format,
    Pack,
    Status,
    ValidatorWeight,
    Verdict,
)
from ferrotape.scoring import score_failure, score_no_code, score_verdicts

WEIGHTS = {"patterns": 0.80, "tests": 0.10, "rustc": 0.05, "clippy": 0.05}
POLICY = {
    Failure.NO_CODE: FailureRule(score=0),
    Failure.COMPILE_ERROR: FailureRule(cap=5),
    Failure.INTERFACE_MISMATCH: FailureRule(cap=10),
    Failure.FAILED_TESTS: FailureRule(cap_base=10, cap_span=20),
}


def pack(weights: dict[str, float] | None = None) -> Pack:
    return Pack(
        name="p",
        version=1,
        language="rust",
        formats=(Format(id="minimal"),),
        validators={k: ValidatorWeight(weight=w) for k, w in (weights or WEIGHTS).items()},
        failure_policy=POLICY,
    )


def verdict(name: str, score: float | None, failure: Failure | None = None) -> Verdict:
    status = Status.UNAVAILABLE if score is None else Status.PASSED
    if score is not None and score < 100:
        status = Status.FAILED
    return Verdict(
        validator=name, version="1", status=status, score=score, summary="", failure=failure
    )


def all_of(patterns: float, tests: float, rustc: float, clippy: float) -> list[Verdict]:
    failed = Failure.FAILED_TESTS if tests < 100 else None
    return [
        verdict("patterns", patterns),
        verdict("tests", tests, failed),
        verdict("rustc", rustc),
        verdict("clippy", clippy),
    ]


def test_the_mean_is_weighted_as_the_pack_says() -> None:
    score = score_verdicts(pack(), all_of(70, 100, 95, 90))
    assert score.value == pytest.approx(0.8 * 70 + 0.1 * 100 + 0.05 * 95 + 0.05 * 90)
    assert score.failure is None
    assert not score.partial


def test_a_failed_test_caps_and_each_test_passed_still_counts() -> None:
    score = score_verdicts(pack(), all_of(100, 75, 100, 100))
    assert score.value == 10 + 20 * 0.75
    assert score.failure is Failure.FAILED_TESTS
    assert score.mean == pytest.approx(97.5)
    assert score.lost_to_policy == pytest.approx(97.5 - 25)


def test_the_lowest_cap_decides() -> None:
    verdicts = [
        verdict("patterns", 100),
        verdict("tests", 0, Failure.INTERFACE_MISMATCH),
        verdict("rustc", 0, Failure.COMPILE_ERROR),
        verdict("clippy", 0),
    ]
    score = score_verdicts(pack(), verdicts)
    assert score.value == 5
    assert score.failure is Failure.COMPILE_ERROR


def test_a_policy_can_set_a_score_instead_of_capping_it() -> None:
    lenient = pack()
    lenient = Pack(
        **(vars(lenient) | {"failure_policy": {Failure.COMPILE_ERROR: FailureRule(score=90)}})
    )
    verdicts = [verdict("patterns", 50), verdict("rustc", 0, Failure.COMPILE_ERROR)]
    score = score_verdicts(lenient, verdicts)
    assert (score.value, score.failure) == (90, Failure.COMPILE_ERROR)


def test_a_cap_never_lifts_a_lower_mean() -> None:
    score = score_verdicts(pack(), all_of(0, 50, 0, 0))
    assert score.value == pytest.approx(5)


def test_what_is_unavailable_leaves_the_mean_to_the_others_and_makes_it_partial() -> None:
    verdicts = [verdict("patterns", 80), verdict("tests", None), verdict("rustc", None)]
    score = score_verdicts(pack(), verdicts)
    assert score.value == 80
    assert score.partial
    assert {p.validator: p.weight for p in score.parts}["tests"] == 0


def test_nothing_known_is_no_score_and_not_zero() -> None:
    score = score_verdicts(pack(), [verdict("patterns", None)])
    assert score.value is None
    assert score.partial


def test_a_validator_of_weight_zero_is_run_but_not_scored() -> None:
    scored = score_verdicts(pack({"patterns": 1, "own": 0}), [verdict("patterns", 60)])
    assert scored.value == 60
    assert not scored.partial


def test_no_code_scores_what_the_policy_says() -> None:
    score = score_no_code(pack())
    assert (score.value, score.failure) == (0, Failure.NO_CODE)


@pytest.mark.parametrize("kind", list(AgentFailureKind))
def test_agent_errors_score_zero_and_infrastructure_errors_are_missing(
    kind: AgentFailureKind,
) -> None:
    score = score_failure(AgentFailure(kind=kind, message="x"))
    assert score.value == (0.0 if kind.agent_caused else None)


percent = st.floats(0, 100)


@given(percent, percent, percent, percent)
def test_a_score_is_a_percentage_and_the_losses_add_up(
    patterns: float, tests: float, rustc: float, clippy: float
) -> None:
    score = score_verdicts(pack(), all_of(patterns, tests, rustc, clippy))
    assert score.value is not None
    assert 0 <= score.value <= 100
    lost = sum(part.lost for part in score.parts) + score.lost_to_policy
    assert score.value + lost == pytest.approx(100, abs=1e-6)


@given(st.permutations(all_of(70, 80, 90, 60)))
def test_the_order_of_verdicts_does_not_matter(verdicts: list[Verdict]) -> None:
    assert score_verdicts(pack(), verdicts) == score_verdicts(pack(), all_of(70, 80, 90, 60))


@given(percent, percent, percent, percent, st.floats(0, 99))
def test_an_answer_that_misbehaves_never_outranks_the_same_answer_that_works(
    patterns: float, tests: float, rustc: float, clippy: float, worse: float
) -> None:
    works = score_verdicts(pack(), all_of(patterns, 100, rustc, clippy))
    fails = score_verdicts(pack(), all_of(patterns, worse, rustc, clippy))
    assert works.value is not None
    assert fails.value is not None
    assert fails.value <= works.value
