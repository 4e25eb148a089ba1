from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pack_samples import PACK, SCENARIO, write_pack

from ferrotape.errors import PackError
from ferrotape.model import Finding, Pack, Scenario, Score, Severity, Status, Verdict
from ferrotape.packs import Check, Judgement, load_pack, self_test

RUSTY = PACK.replace("  tests: {weight: 0.2}", "  tests: {weight: 0.2}\n  rustc: {weight: 0}")
WRONG = (
    "// wrong: it is | fails: test:answers, check:documented, rustc:error, rustc:warnings, rustc"
)
WRONG_BODY = "score 20\ntests answers\npatterns documented\nrustc error\nrustc warning\n"


def judge(scenario: Scenario, code: str) -> Judgement:
    """Judges code in a language of orders: `score N`, `VALIDATOR FINDING`, `VALIDATOR none`."""
    found: dict[str, list[str]] = {"patterns": [], "tests": [], "rustc": []}
    for validator, order in re.findall(r"^(patterns|tests|rustc) (\S+)$", code, re.M):
        found[validator].append(order)
    scores = re.findall(r"^score (\S+)$", code, re.M)
    return Judgement(
        verdicts=tuple(verdict(name, orders) for name, orders in found.items()),
        score=Score(value=float(scores[0]) if scores else 0.0),
    )


def verdict(validator: str, orders: list[str]) -> Verdict:
    missing = "none" in orders
    status = Status.UNAVAILABLE if missing else Status.FAILED if orders else Status.PASSED
    return Verdict(
        validator=validator,
        version="1",
        status=status,
        score=None if missing else 50.0,
        summary="no compiler" if missing else "",
        findings=tuple(
            Finding(
                code=order,
                message="",
                severity=Severity.WARNING if order == "warning" else Severity.ERROR,
            )
            for order in orders
        ),
    )


@pytest.fixture
def alpha(tmp_path: Path) -> Path:
    """The folder of a scenario whose sample answers all behave as they should."""
    folder = write_pack(tmp_path / "small", pack=RUSTY) / "alpha"
    for name, text in (
        ("reference.rs", "score 96\n"),
        ("good/plain.rs", "score 60\n"),
        ("wrong/bad.rs", f"{WRONG}\n{WRONG_BODY}"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def checks(
    alpha: Path, by: Callable[[Scenario, str], Judgement] = judge, repeat: int = 2
) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in self_test(load_pack(alpha.parent), by, repeat=repeat, scenarios=["alpha"]):
        assert check.scenario == "alpha"
        found.setdefault(check.subject, []).append(check)
    return found


def test_a_sound_scenario_passes_every_check(alpha: Path) -> None:
    found = checks(alpha)
    assert list(found) == ["reference", "empty answer", "wrong/bad.rs", "good/plain.rs"]
    assert [check.ok for group in found.values() for check in group] == [True] * 5
    assert found["reference"][0].message == "scores 96.0; at least 95 is expected"
    assert found["reference"][1].message == "judged 2 times, always with the same verdicts"
    assert found["good/plain.rs"][0].message == (
        "scores 60.0, above every wrong answer (the highest: wrong/bad.rs, 20.0)"
    )


def test_a_weak_reference_fails(alpha: Path) -> None:
    (alpha / "reference.rs").write_text("score 94.9\n")
    (check,) = checks(alpha, repeat=1)["reference"]
    assert (check.ok, check.message) == (False, "scores 94.9; at least 95 is expected")


def test_a_missing_reference_fails(alpha: Path) -> None:
    (alpha / "reference.rs").unlink()
    (check,) = checks(alpha)["reference"]
    assert (check.ok, check.message) == (False, "there is no reference.* beside scenario.yaml")


def test_verdicts_that_change_from_time_to_time_fail(alpha: Path) -> None:
    count = itertools.count()

    def moody(scenario: Scenario, code: str) -> Judgement:
        return judge(scenario, f"{code}tests t\n" if next(count) == 2 else code)

    score, stable = checks(alpha, moody, repeat=3)["reference"]
    assert score.ok is True
    assert (stable.ok, stable.message) == (False, "judged 3 times, its verdicts differ: tests")


def test_an_empty_answer_must_score_nothing(alpha: Path) -> None:
    def kind(scenario: Scenario, code: str) -> Judgement:
        return judge(scenario, code or "score 10")

    (check,) = checks(alpha, kind)["empty answer"]
    assert (check.ok, check.message) == (False, "scores 10.0; 0 is expected")


@pytest.mark.parametrize(
    ("without", "claim"),
    [
        ("tests answers", "test:answers"),
        ("patterns documented", "check:documented"),
        ("rustc error", "rustc:error"),
        ("rustc warning", "rustc:warnings"),
    ],
)
def test_a_wrong_answer_that_does_not_fail_as_it_says_fails(
    alpha: Path, without: str, claim: str
) -> None:
    (alpha / "wrong" / "bad.rs").write_text(f"{WRONG}\n{WRONG_BODY.replace(without, '')}")
    (check,) = checks(alpha)["wrong/bad.rs"]
    assert check.ok is False
    assert check.message == f"does not fail {claim}, which its first line names"


def test_a_validator_that_is_content_is_no_failure(alpha: Path) -> None:
    (alpha / "wrong" / "bad.rs").write_text("/* wrong: x | fails: rustc */\nscore 20\n")
    (check,) = checks(alpha)["wrong/bad.rs"]
    assert (check.ok, check.message) == (False, "does not fail rustc, which its first line names")


def test_a_good_answer_must_rank_above_every_wrong_one(alpha: Path) -> None:
    (alpha / "good" / "plain.rs").write_text("score 20\n")
    (check,) = checks(alpha)["good/plain.rs"]
    assert check.ok is False
    assert check.message == (
        "scores 20.0, not above every wrong answer (the highest: wrong/bad.rs, 20.0)"
    )


def test_what_needs_a_missing_tool_is_neither_good_nor_bad(alpha: Path) -> None:
    def poor(scenario: Scenario, code: str) -> Judgement:
        return judge(scenario, f"{code}\nrustc none\n") if code else judge(scenario, code)

    found = checks(alpha, poor)
    assert {subject: [check.ok for check in group] for subject, group in found.items()} == {
        "reference": [None, None],
        "empty answer": [True],
        "wrong/bad.rs": [None],
        "good/plain.rs": [None],
    }
    for subject in ("reference", "wrong/bad.rs", "good/plain.rs"):
        message = found[subject][0].message
        assert message.startswith("cannot be checked here: ")
        assert message.endswith("rustc is unavailable (no compiler)")


def test_results_come_one_by_one(alpha: Path) -> None:
    judged: list[str] = []

    def noting(scenario: Scenario, code: str) -> Judgement:
        judged.append(code)
        return judge(scenario, code)

    results = self_test(load_pack(alpha.parent), noting, repeat=1)
    assert judged == []
    assert next(results).subject == "reference"
    assert len(judged) == 1


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("fn answer() {}", "the first line must be a comment `wrong: WHAT | fails: test:NAME"),
        ("// wrong: it is", "the first line must be a comment"),
        ("// wrong: it is | fails: ", "the first line must be a comment"),
        ("// wrong: it is | fails: test:answer", "there is no hidden test `answer`"),
        (
            "// wrong: it is | fails: check:documente",
            "there is no pattern `documente`; did you mean `documented`?",
        ),
        (
            "// wrong: it is | fails: rustcc",
            "`rustcc` is no claim: the pack has no validator `rustcc`; did you mean `rustc`?",
        ),
        ("// wrong: it is | fails: rustc:warning", "`rustc:warning` is no claim; after the"),
        ("// wrong: it is | fails: test:", "there is no hidden test ``"),
    ],
)
def test_a_faulty_first_line_is_named_before_anything_is_judged(
    alpha: Path, first: str, message: str
) -> None:
    (alpha / "wrong" / "bad.rs").write_text(f"{first}\nscore 1\n")
    (alpha / "wrong" / "worse.rs").write_text("no header\n")

    def never(scenario: Scenario, code: str) -> Judgement:
        raise AssertionError(code)

    with pytest.raises(PackError) as caught:
        checks(alpha, never)
    one, other = caught.value.problems
    assert (one.file, one.line) == (alpha / "wrong" / "bad.rs", 1)
    assert one.message.startswith(message)
    assert other.file.name == "worse.rs"


def test_only_the_scenarios_asked_for_are_checked(alpha: Path) -> None:
    pack: Pack = load_pack(alpha.parent)
    both = {check.scenario for check in self_test(pack, judge, repeat=1)}
    assert both == {"alpha", "beta"}
    assert SCENARIO.startswith("id: alpha")
