from __future__ import annotations

from pathlib import Path

import pytest
from small_plugins import SCENARIO, Asked, NoSandbox, host_with, scoring, small_pack

from ferrotape.errors import ConfigError
from ferrotape.judging import Judge
from ferrotape.model import Finding, Severity, Status, Submission, Verdict
from ferrotape.store import VerdictCache

SUBMISSION = Submission(code="hello", language="text", text="hello")


def judge(*validators: Asked, cache: VerdictCache | None = None, **weights: float) -> Judge:
    pack = small_pack(**(weights or {v.name: 1.0 for v in validators}))
    return Judge(pack, host_with(validators=validators), NoSandbox(), cache)


def gives(**changes: object) -> Asked:
    fields = {
        "validator": "odd",
        "version": "1",
        "status": Status.PASSED,
        "score": 100.0,
        "summary": "",
    }
    return Asked("odd", lambda submission, bench: Verdict(**(fields | changes)))


def raises(error: BaseException) -> Asked:
    def answer(submission: object, bench: object) -> object:
        raise error

    return Asked("odd", answer)


def test_every_validator_of_the_pack_is_asked_and_weighed() -> None:
    judged = judge(scoring("a", 100), scoring("b", 40), a=3, b=1).judge(SCENARIO, SUBMISSION)
    assert [verdict.validator for verdict in judged.verdicts] == ["a", "b"]
    assert judged.score.value == 85
    assert set(judged.seconds) == {"a", "b"}
    assert all(verdict.distribution == "small_plugins_of_a_test" for verdict in judged.verdicts)


@pytest.mark.parametrize(
    ("validator", "says"),
    [
        (raises(ValueError("no such\nthing")), "failed: ValueError: no such"),
        (raises(RecursionError()), "failed: RecursionError"),
        (Asked("odd", lambda s, b: None), "gave a NoneType instead of a Verdict"),
        (
            gives(score=float("nan")),
            "gave a Verdict whose score does not fit",
        ),
        (gives(score=101.0), "gave the score 101.0, which is not from 0 to 100"),
        (gives(score=-1.0), "gave the score -1.0, which is not from 0 to 100"),
        (gives(score=None), "gave status passed with score None"),
        (gives(status=Status.ERROR), "gave status error with score 100.0"),
        (gives(validator="other"), "gave a verdict in the name of 'other'"),
        (gives(summary=b"x"), "gave a Verdict whose summary does not fit"),
        (gives(score="90"), "gave a Verdict whose score does not fit"),
        (gives(score=True), "gave a Verdict whose score does not fit"),
        (gives(findings=None), "gave a Verdict whose findings does not fit"),
        (gives(metrics=None), "gave a Verdict whose metrics does not fit"),
        (gives(metrics={"a": float("inf")}), "gave a Verdict whose metrics.a.float does not fit"),
        (gives(status="great"), "gave a Verdict whose status does not fit"),
        (gives(failure="junk"), "gave a Verdict whose failure does not fit"),
        (gives(version=None), "gave a Verdict whose version does not fit"),
        (
            gives(findings=(Finding(code=1, message="x", severity=Severity.NOTE),)),
            "gave a Verdict whose findings.0.code does not fit",
        ),
        (raises(SystemExit(0)), "failed: SystemExit"),
    ],
)
def test_what_a_validator_does_wrong_is_an_error_verdict_with_its_name(
    validator: Asked, says: str
) -> None:
    judged = judge(validator, scoring("good", 80)).judge(SCENARIO, SUBMISSION)
    odd = judged.verdicts[0]
    assert odd.status is Status.ERROR
    assert odd.score is None
    assert odd.summary.startswith("odd of small_plugins_of_a_test ")
    assert says in odd.summary
    assert judged.score.value == 80
    assert judged.score.partial


def test_a_validator_that_lacks_its_tool_is_unavailable_and_never_asked() -> None:
    lacking = scoring("a", 100)
    lacking.lack = "there is no compiler"
    panel = judge(lacking, scoring("b", 50))
    judged = panel.judge(SCENARIO, SUBMISSION)
    assert panel.unavailable == {"a": "there is no compiler"}
    assert judged.verdicts[0].status is Status.UNAVAILABLE
    assert lacking.asked == 0
    assert judged.score.partial


@pytest.mark.parametrize("method", ["unavailable", "fingerprint"])
def test_a_validator_that_cannot_say_what_it_needs_is_unavailable(method: str) -> None:
    odd = scoring("odd", 100)

    def broken() -> str:
        raise OSError("no disk")

    setattr(odd, method, broken)
    judged = judge(odd).judge(SCENARIO, SUBMISSION)
    assert judged.verdicts[0].status is Status.UNAVAILABLE
    assert "odd of small_plugins_of_a_test failed: OSError: no disk" in judged.verdicts[0].summary


def test_a_misspelt_option_of_the_pack_is_an_error() -> None:
    pack = small_pack(a=1)
    pack = type(pack)(**(vars(pack) | {"run": {"crate_nam": "x"}}))
    with pytest.raises(ConfigError, match=r"run: no validator has the option 'crate_nam'"):
        Judge(pack, host_with(validators=(scoring("a", 1),)), NoSandbox(), None)


def test_a_validator_that_no_plugin_brings_is_unavailable_by_name() -> None:
    judged = judge(scoring("a", 100), a=1, style=1).judge(SCENARIO, SUBMISSION)
    assert judged.verdicts[1].status is Status.UNAVAILABLE
    assert "no installed plugin brings the validator 'style'" in judged.verdicts[1].summary


def test_the_cache_saves_the_second_asking(tmp_path: Path) -> None:
    validator = scoring("a", 70)
    with VerdictCache.open(tmp_path / "verdicts.db") as cache:
        panel = judge(validator, cache=cache)
        first = panel.judge(SCENARIO, SUBMISSION)
        second = panel.judge(SCENARIO, SUBMISSION)
        assert (first.cached, second.cached) == ((), ("a",))
        assert second.verdicts == first.verdicts
        assert validator.asked == 1


@pytest.mark.parametrize("change", ["code", "text", "version", "digest"])
def test_the_cache_is_asked_by_all_that_a_verdict_depends_on(tmp_path: Path, change: str) -> None:
    validator = scoring("a", 70)
    scenario, submission = SCENARIO, SUBMISSION
    with VerdictCache.open(tmp_path / "verdicts.db") as cache:
        judge(validator, cache=cache).judge(scenario, submission)
        if change == "version":
            validator.version = "2"
        elif change == "digest":
            scenario = type(scenario)(**(vars(scenario) | {"digest": "e"}))
        else:
            submission = Submission(**{"code": "hello", "language": "text", change: "other"})
        assert judge(validator, cache=cache).judge(scenario, submission).cached == ()


def test_an_error_verdict_is_never_kept(tmp_path: Path) -> None:
    broken = raises(ValueError("now and then"))
    with VerdictCache.open(tmp_path / "verdicts.db") as cache:
        panel = judge(broken, cache=cache)
        panel.judge(SCENARIO, SUBMISSION)
        panel.judge(SCENARIO, SUBMISSION)
    assert broken.asked == 2


def test_validators_of_one_submission_share_work() -> None:
    done: list[str] = []

    def answer(name: str) -> Asked:
        def validate(submission: Submission, bench: object) -> Verdict:
            bench.share("pass", lambda: done.append(submission.code))
            return Verdict(validator=name, version="1", status=Status.PASSED, score=100, summary="")

        return Asked(name, validate)

    panel = judge(answer("a"), answer("b"))
    panel.judge(SCENARIO, SUBMISSION)
    panel.judge(SCENARIO, Submission(code="again", language="text"))
    assert done == ["hello", "again"]
