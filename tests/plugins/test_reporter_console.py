from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporter_samples import (
    FORMATS,
    hostile_report,
    sample_pack,
    sample_report,
    sample_results,
    sample_run,
)
from rich.cells import cell_len
from rich.console import Console

from ferrotape import Reporter
from ferrotape.analysis import RunReport, headline, points, summarise
from ferrotape.model import Format
from ferrotape_plugins.reporters.console import ConsoleReporter
from ferrotape_plugins.reporters.drawing import Pen, plain

SGR = re.compile(r"\x1b\[[0-9;]*m")


def printed(report: RunReport, *, width: int = 80, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    assert ConsoleReporter().report(report, Path("nowhere"), console) == ()
    return out.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_it_is_a_reporter() -> None:
    assert isinstance(ConsoleReporter(), Reporter)


def test_the_headline_comes_first_and_where_the_data_come_from_last() -> None:
    report = sample_report()
    text = printed(report)
    assert flat(text).startswith(headline(report))
    tail = text[text.index("Where the data come from") :]
    assert "latency and tokens: not measured (answers served by a loopback endpoint)" in flat(tail)


def test_warnings_come_before_the_headline() -> None:
    text = flat(printed(hostile_report("no compiler")))
    assert text.startswith("! Partial: patterns was unavailable in 1 of 12 trials (no compiler).")


def test_every_cell_shows_its_mean_its_spread_and_a_bar() -> None:
    report = sample_report()
    text = printed(report)
    for cell in report.cells:
        assert f"{points(cell.mean)} ± {points(cell.sd)}" in text
    assert "████████████· " in text  # 92 of 100 on 13 characters
    assert re.search(r"rust-05-async-scheduler +·+◆░+·+ +50\.7 +55–85 +below", text)  # noqa: RUF001
    assert re.search(r"hidden tests pass +█{9} +4 +█{9} +4 +████▌···· +2", text)
    assert re.search(r"lint clean +not checked +not checked +not checked", text)
    assert re.search(r"documented +█{7} +4/4 +█{7} +4/4 +█{7} +4/4", text)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_console(width: int, colour: bool) -> None:
    for report in (sample_report(), hostile_report("a long message " * 9)):
        lines = SGR.sub("", printed(report, width=width, colour=colour)).splitlines()
        assert max(cell_len(line) for line in lines) <= width


def test_without_a_terminal_nothing_is_coloured() -> None:
    assert "\x1b" not in printed(sample_report())


def test_many_formats_go_into_several_tables() -> None:
    names = (*FORMATS, "fourth", "fifth")
    pack = replace(sample_pack(), formats=tuple(Format(id=name) for name in names))
    text = printed(summarise(replace(sample_run(), formats=names), pack, sample_results()))
    heat = text[: text.index("Formats\n")]
    assert len(re.findall(r"^scenario ", heat, re.MULTILINE)) == 2
    assert max(map(len, text.splitlines())) <= 80


def test_several_agents_get_tables_of_their_own() -> None:
    second = [replace(r, trial=replace(r.trial, agent="other")) for r in sample_results()]
    run = replace(sample_run(), agents=("claude-sample", "other"), planned=24)
    text = printed(summarise(run, sample_pack(), [*sample_results(), *second]))
    assert "Formats (claude-sample)" in text
    assert "Formats (other)" in text


def test_an_ascii_console_gets_ascii() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as out:
        ConsoleReporter().report(hostile_report("é"), Path(), Console(file=out, width=80))
        out.flush()
        text = raw.getvalue().decode("ascii")
    assert re.search(r"#{7}", text)
    assert "92.0 + 2.8" not in text


def test_the_report_of_nothing_stands() -> None:
    assert "Unfinished: 0 of 12" in printed(summarise(sample_run(), sample_pack(), []))


@settings(deadline=None, max_examples=25)
@given(st.text(alphabet=st.characters(codec=None, exclude_categories=[])))
def test_no_text_steers_the_terminal(message: str) -> None:
    text = printed(hostile_report(f"\x1b]0;{message}\x9b2J"))
    assert "\x1b" not in text
    assert "\x9b" not in text
    coloured = SGR.sub("", printed(hostile_report(message), colour=True))
    assert "\x1b" not in coloured


def test_markup_is_shown_and_not_obeyed() -> None:
    assert "[red]x[/red]" in printed(hostile_report("[red]x[/red]"))


def test_plain_text_is_one_line_without_hidden_characters() -> None:
    assert plain("a\nb\tc") == "a b c"
    assert plain("\x1b[1m\u202e\ud800\u2028") == "\\x1b[1m\\u202e\\ud800\\u2028"
    assert plain("naïve – ✓") == "naïve – ✓"  # noqa: RUF001


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 40))
def test_a_bar_is_as_wide_as_asked_and_grows(share: float, width: int) -> None:
    for pen in (Pen(), Pen(ascii=True)):
        assert cell_len(pen.bar(share, width)) == width
        assert pen.bar(share, width).count("█" if pen == Pen() else "#") <= width
    assert Pen().bar(1.0, width) == "█" * width
    assert Pen().bar(None, width) == "·" * width


@settings(deadline=None)
@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_track_has_its_mark_in_the_range_if_the_value_is(
    a: float, b: float, value: float
) -> None:
    low, high = sorted((a, b))
    track = Pen().track(low, high, value, 26)
    assert len(track) == 26
    assert track.count("◆") == 1
    rest = track.replace("◆", "")
    if "░" in rest and low <= value <= high:
        assert "◆░" in track or "░◆" in track
