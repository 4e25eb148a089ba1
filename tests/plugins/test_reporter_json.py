from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from reporter_samples import (
    hostile_report,
    sample_pack,
    sample_report,
    sample_results,
    sample_run,
)
from rich.console import Console

from ferrotape import Reporter
from ferrotape.analysis import RunReport, headline, summarise
from ferrotape.model import Timings
from ferrotape_plugins.reporters.json import JsonReporter

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)


def written(report: RunReport, folder: Path) -> str:
    console = Console(file=io.StringIO())
    [path] = JsonReporter().report(report, folder, console)
    assert path == folder / "benchmark-report.json"
    assert list(folder.iterdir()) == [path]
    return path.read_text(encoding="utf-8")


def validate(document: Any) -> None:
    Draft202012Validator(SCHEMA).validate(document)


def test_it_is_a_reporter() -> None:
    assert isinstance(JsonReporter(), Reporter)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_report_follows_the_schema(tmp_path: Path) -> None:
    validate(json.loads(written(sample_report(), tmp_path)))
    validate(json.loads(written(hostile_report("\x1b[31m <b>"), tmp_path)))


def test_the_report_of_nothing_follows_the_schema(tmp_path: Path) -> None:
    validate(json.loads(written(summarise(sample_run(), sample_pack(), []), tmp_path)))


@pytest.mark.parametrize(
    "path", [(), ("summary",), ("cells", 0), ("trials", 0), ("trials", 0, "reply"), ("run",)]
)
def test_the_schema_refuses_what_it_does_not_know(tmp_path: Path, path: tuple[Any, ...]) -> None:
    document = json.loads(written(sample_report(), tmp_path))
    place = document
    for step in path:
        place = place[step]
    place["surprise"] = 1
    with pytest.raises(ValidationError, match="surprise"):
        validate(document)


def test_figures_are_those_of_the_report(tmp_path: Path) -> None:
    report = sample_report()
    document = json.loads(written(report, tmp_path))
    assert document["summary"]["headline"] == headline(report)
    assert document["summary"]["mean"] == round(report.overall.mean or 0, 9)
    assert [cell["mean"] for cell in document["cells"]] == [92.0, 82.0, 100.0, 52.0, 63.0, 37.0]
    assert [s["position"] for s in document["scenarios"]] == ["above", "below"]
    assert document["measured"] is False
    trial = document["trials"][0]
    assert (trial["key"], trial["score"]) == (
        "claude-sample/rust-01-basic/code-heavy/round-1",
        100.0,
    )
    assert trial["reply"]["latency_s"] is None
    assert trial["reply"]["tokens"] is None
    assert trial["verdicts"][0]["metrics"] == {"held": 17, "share": 0.3}
    assert trial["lost_at"] is None


def test_outside_its_run_block_it_does_not_depend_on_the_run(tmp_path: Path) -> None:
    slower = [
        replace(
            result,
            trial=replace(result.trial, order=99),
            timings=Timings(reply_s=9.0, extract_s=9.0, validators={"patterns": 9.0}),
            cached=(),
        )
        for result in reversed(sample_results())
    ]
    other = replace(
        sample_run(), id="01JOTHER", jobs=2, started_at="later", environment={"rustc": "moved"}
    )
    texts = [
        written(sample_report(), tmp_path),
        written(summarise(other, sample_pack(), slower), tmp_path),
    ]
    before = [text[: text.index('\n  "run": {')] for text in texts]
    assert before[0] == before[1]
    assert texts[0] != texts[1]
    assert list(json.loads(texts[0]))[-1] == "run"


def test_the_same_report_gives_the_same_bytes_and_ends_with_a_newline(tmp_path: Path) -> None:
    first = written(sample_report(), tmp_path)
    assert first == written(sample_report(), tmp_path)
    assert first.endswith("}\n")


@settings(deadline=None, max_examples=40)
@given(message=st.text(alphabet=st.characters(codec=None, exclude_categories=[])))
def test_any_text_survives_and_none_steers_a_terminal(
    tmp_path_factory: pytest.TempPathFactory, message: str
) -> None:
    text = written(hostile_report(message), tmp_path_factory.mktemp("report"))
    assert text.isascii()
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    trials = json.loads(text)["trials"]
    messages = [
        trial["reply"]["failure"]["message"] for trial in trials if trial["reply"]["failure"]
    ]
    assert messages == [message]
