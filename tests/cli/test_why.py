"""`ferrotape show --why`: in what two runs differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from history_samples import EVIL, make_results, make_run
from typer.testing import CliRunner

from ferrotape.cli.main import app
from ferrotape.errors import StoreError
from ferrotape.model import Ingredient, Mode
from ferrotape.provenance import digest_of
from ferrotape.store import Store

SAME = (
    Ingredient(name="cassette a/b/c/round-1", digest="1" * 64),
    Ingredient(name="validator rustc", digest="2" * 64, value="1 rustc 1.95.0"),
)


def why(path: Path, *arguments: str) -> list[str]:
    done = CliRunner().invoke(app, ["show", "--why", *arguments, "--store", str(path)])
    assert done.exit_code == 0, done.exception
    return done.stdout.splitlines()


def history(
    path: Path,
    *made_of: tuple[Ingredient, ...],
    modes: tuple[Mode, ...] = (Mode.REPLAY, Mode.REPLAY),
    results: tuple[int, int] = (3, 3),
) -> tuple[str, str]:
    ids = []
    with Store.open(path) as store:
        for number, ingredients in enumerate(made_of):
            digest = digest_of(ingredients) if modes[number] is Mode.REPLAY else ""
            run = replace(make_run(number), mode=modes[number], digest=digest)
            store.begin(run, ingredients)
            for result in make_results()[-results[number] :]:
                store.add(run.id, result)
            ids.append(run.id)
    return ids[0], ids[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_runs_with_the_same_ingredients_are_said_to_be_the_same(path):
    first, second = history(path, SAME, SAME)
    digest = digest_of(SAME)
    assert why(path, first, second) == [
        f"A  {first}  replay  digest {digest}",
        f"B  {second}  replay  digest {digest}",
        "No ingredient differs: all 2 are the same.",
        "Nor do the results of the 3 trials that both have.",
    ]


def test_each_ingredient_that_differs_is_named_with_its_values_or_digests(path):
    other = (
        Ingredient(name="cassette a/b/c/round-1", digest="3" * 64),
        Ingredient(name="option claude.model", digest="4" * 64, value=f'"{EVIL}"'),
        Ingredient(name="validator rustc", digest="5" * 64, value="1 rustc 1.96.0"),
    )
    lines = why(path, *history(path, SAME, other))
    assert lines[2:] == [
        "3 of 3 ingredients differ:",
        "  cassette a/b/c/round-1: 111111111111 -> 333333333333",
        "  option claude.model: only in B",
        "  validator rustc: 1 rustc 1.95.0 -> 1 rustc 1.96.0",
    ]


def test_values_reach_the_terminal_only_escaped(path):
    evil = (Ingredient(name="plan", digest="6" * 64, value=EVIL), *SAME)
    calm = (Ingredient(name="plan", digest="7" * 64, value="2 trials"), *SAME)
    text = "\n".join(why(path, *history(path, evil, calm)))
    assert r"\x1b[2J[bold]evil[/bold] \u202egnp.exe -> 2 trials" in text
    assert "\x1b" not in text


def test_a_run_that_recorded_is_compared_without_cassettes(path):
    first, second = history(path, SAME[1:], SAME, modes=(Mode.RECORD, Mode.REPLAY))
    lines = why(path, first, second)
    assert lines[0] == f"A  {first}  record  digest none"
    assert lines[2] == "A run that records makes its cassettes, so those are not compared."
    assert lines[3] == "No ingredient differs: all 1 are the same."


def test_a_run_of_an_older_version_has_no_ingredients_to_compare(path):
    first, second = history(path, (), SAME)
    assert f"The ingredients of {first} were not kept" in " ".join(why(path, first, second))


def test_the_same_ingredients_with_other_results_are_called_a_defect(path):
    first, second = history(path, SAME, SAME, results=(3, 2))
    assert why(path, first, second)[3] == "Nor do the results of the 2 trials that both have."
    with Store.open(path) as store:
        third = replace(make_run(3), digest=digest_of(SAME))
        store.begin(third, SAME)
        result = make_results()[0]
        changed = replace(result, score=replace(result.score, value=1.0))
        store.add(third.id, changed)
    lines = why(path, first, third.id)
    assert lines[3] == "But 1 of 1 results do, which is a defect of a plugin:"
    assert lines[4].endswith("score: 90.0, now 1.0")


def test_a_run_that_is_not_there_is_an_error(path):
    history(path, SAME, SAME)
    done = CliRunner().invoke(app, ["show", "--why", "1999", "latest", "--store", str(path)])
    assert isinstance(done.exception, StoreError)
