"""The shipped pack under the real validators: what its samples claim about themselves is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from rust_samples import NEEDS_RUST, rust_validators

from ferrotape import Bench, Failure, Scenario, Submission, Verdict
from ferrotape.options import pack_options
from ferrotape.packs.load import load_pack
from ferrotape.sandbox import open_sandbox
from ferrotape_plugins.validators.patterns import PatternsValidator

pytestmark = [pytest.mark.slow, *NEEDS_RUST]

FOLDER = Path(__file__).parents[2] / "scenarios" / "rust-core"
PACK = load_pack(FOLDER)
VALIDATORS = {"patterns": PatternsValidator(), **rust_validators()}
HARMLESS = {"poorly_engineered", "warnings"}
"""Wrong answers that the hidden tests have nothing against."""


def samples(kind: str) -> list[Any]:
    return [
        pytest.param(scenario, file, id=f"{scenario.id}/{file.stem}")
        for scenario in PACK.scenarios
        for file in sorted((FOLDER / scenario.id / kind).glob("*.rs"))
    ]


def judge(scenario: Scenario, code: str) -> dict[str, Verdict]:
    shared: dict[object, object] = {}
    sandbox = open_sandbox()
    return {
        name: validator.validate(
            Submission(code=code, language="rust"),
            Bench(
                scenario=scenario,
                options=pack_options(validator.Options, PACK.run, name),
                sandbox=sandbox,
                _shared=shared,
            ),
        )
        for name, validator in VALIDATORS.items()
    }


def notices(verdicts: dict[str, Verdict], claim: str) -> bool:
    """Whether the check that a sample names objects to it."""
    kind, _, name = claim.partition(":")
    match kind:
        case "test":
            return any(finding.code == name for finding in verdicts["tests"].findings)
        case "check":
            return any(finding.code == name for finding in verdicts["patterns"].findings)
        case "clippy":
            return verdicts["clippy"].score < 100
    rustc = verdicts["rustc"]
    failed = rustc.failure is Failure.COMPILE_ERROR
    return failed if name == "error" else not failed and rustc.score < 100


@pytest.mark.parametrize("scenario", PACK.scenarios, ids=lambda scenario: scenario.id)
def test_the_reference_has_full_marks(scenario):
    verdicts = judge(scenario, scenario.reference)
    assert {name: verdict.score for name, verdict in verdicts.items()} == dict.fromkeys(
        VALIDATORS, 100.0
    )


@pytest.mark.parametrize(("scenario", "file"), samples("good"))
def test_good_answers_do_what_was_asked(scenario, file):
    verdicts = judge(scenario, file.read_text())
    assert verdicts["tests"].score == verdicts["rustc"].score == 100.0


@pytest.mark.parametrize(("scenario", "file"), samples("wrong"))
def test_wrong_answers_fail_what_they_say_they_fail(scenario, file):
    code = file.read_text()
    verdicts = judge(scenario, code)
    claims = re.search(r"fails: (.*)", code.partition("\n")[0])[1].split(", ")
    assert [claim for claim in claims if not notices(verdicts, claim.strip())] == []
    assert (verdicts["tests"].failure is None) == (file.stem in HARMLESS)
