"""What a run is made of: by name, down to cassette, validator and option."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from small_plugins import (
    Asked,
    Echo,
    NoSandbox,
    Whole,
    a_trial,
    host_with,
    record,
    scoring,
    small_pack,
)

from ferrotape.asking import BoundAgent
from ferrotape.config import load_settings
from ferrotape.judging import Judge
from ferrotape.model import Ingredient, Mode
from ferrotape.provenance import are_kept, differences, digest_of, ingredients_of
from ferrotape.selection import Plan
from ferrotape.workbench import Workbench


@dataclass(frozen=True)
class Manners:
    """Options of an agent of which the identity tells only one."""

    tone: str = "kind"
    endpoint: str = "https://internal.example"


class Polite(Echo):
    Options = Manners

    def identity(self, options: Any) -> dict[str, Any]:
        return {"tone": options.tone}


@dataclass(frozen=True)
class Strictness:
    """Options of a validator."""

    points: int = 5


class Strict(Asked):
    Options = Strictness

    def fingerprint(self) -> str:
        return "measure 1.0"


def strict() -> Strict:
    return Strict("strict", scoring("strict", 60).answer)


def made_of(
    root: Path,
    *,
    validator: Asked | None = None,
    run: dict[str, Any] | None = None,
    manners: Manners | None = None,
    seed: int = 0,
    mode: Mode = Mode.REPLAY,
    formats: tuple[str, ...] = ("minimal", "long"),
) -> tuple[Ingredient, ...]:
    agent, judging = Polite(), validator or strict()
    host = host_with(agents=(agent,), extractors=(Whole(),), validators=(judging, scoring("b", 1)))
    pack = replace(small_pack(strict=1), run=run or {}, digest="p")
    bench = Workbench(
        settings=load_settings(cwd=root, env={}, seed=seed),
        pack=pack,
        host=host,
        sandbox=NoSandbox(),
        judge=Judge(pack, host, NoSandbox(), None),
    )
    bound = BoundAgent(
        name="echo-1", plugin=agent, options=manners or Manners(), cassettes=root / "cassettes"
    )
    trials = tuple(a_trial(format=name) for name in formats)
    return ingredients_of(bench, Plan(mode=mode, trials=trials, agents={"echo-1": bound}, rounds=1))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("minimal", "long"):
        record(tmp_path / "cassettes", a_trial(format=name), "hello")
    return tmp_path


def names_of(before: tuple[Ingredient, ...], after: tuple[Ingredient, ...]) -> list[str]:
    return [entry.name for entry in differences(before, after)]


def test_all_that_has_a_say_in_the_results_is_an_ingredient(root):
    assert [entry.name for entry in made_of(root)] == [
        "cassette echo-1/greet/long/round-1",
        "cassette echo-1/greet/minimal/round-1",
        "option echo-1.endpoint",
        "option echo-1.tone",
        "option strict.points",
        "pack small",
        "plan",
        "plugin agent echo",
        "plugin extractor whole",
        "plugin validator strict",
        "sandbox",
        "scenario greet",
        "seed",
        "validator strict",
    ]


def test_the_same_ingredients_have_the_same_digest_in_any_order(root):
    first, second = made_of(root), made_of(root)
    assert differences(first, second) == ()
    assert digest_of(first) == digest_of(reversed(second))
    assert len(digest_of(first)) == 64


def test_what_differs_is_named(root):
    before = made_of(root)
    unavailable = strict()
    unavailable.lack = "there is no measure"
    newer = strict()
    newer.version = "2"
    for after, names in (
        (made_of(root, seed=1), ["seed"]),
        (made_of(root, run={"strict": {"points": 7}}), ["option strict.points"]),
        (made_of(root, manners=Manners(tone="curt")), ["option echo-1.tone"]),
        (made_of(root, validator=unavailable), ["validator strict"]),
        (made_of(root, validator=newer), ["plugin validator strict", "validator strict"]),
        (
            made_of(root, formats=("minimal",)),
            ["cassette echo-1/greet/long/round-1", "plan"],
        ),
    ):
        assert names_of(before, after) == names
        assert digest_of(before) != digest_of(after)


def test_a_cassette_counts_by_its_bytes(root):
    before = made_of(root)
    path = root / "cassettes/echo-1/greet/long/round-1.json"
    path.write_bytes(path.read_bytes() + b"\n")
    changed = made_of(root)
    path.unlink()
    missing = made_of(root)
    assert names_of(before, changed) == ["cassette echo-1/greet/long/round-1"]
    assert [entry.value for entry in missing if entry.name.endswith("long/round-1")] == ["missing"]
    assert len({digest_of(entries) for entries in (before, changed, missing)}) == 3


def test_a_run_that_records_has_no_cassettes_yet(root):
    recording = made_of(root, mode=Mode.RECORD)
    assert not [entry for entry in recording if entry.name.startswith("cassette")]


def test_values_are_told_but_for_options_that_no_cassette_holds(root):
    values = {entry.name: entry.value for entry in made_of(root)}
    assert values["validator strict"] == "1 measure 1.0"
    assert values["option strict.points"] == "5"
    assert values["option echo-1.tone"] == '"kind"'
    assert values["option echo-1.endpoint"] == ""
    assert values["plan"] == "2 trials, rounds up to 1"
    other = made_of(root, manners=Manners(endpoint="https://elsewhere.example"))
    assert names_of(made_of(root), other) == ["option echo-1.endpoint"]


def test_what_is_left_of_a_run_is_held_against_what_it_was_begun_with(root):
    whole = made_of(root)
    assert are_kept(made_of(root, formats=("long",), seed=3), whole)
    path = root / "cassettes/echo-1/greet/long/round-1.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert are_kept(made_of(root, formats=("minimal",)), whole)
    assert not are_kept(made_of(root, formats=("long",)), whole)


def test_an_ingredient_that_only_one_run_has_is_a_difference():
    (entry,) = differences((Ingredient(name="a", digest="1"),), ())
    assert (entry.name, entry.after) == ("a", None)
    assert entry.before == Ingredient(name="a", digest="1")
