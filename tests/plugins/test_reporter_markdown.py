from __future__ import annotations

import io
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reporter_samples import hostile_report, sample_pack, sample_report, sample_run
from rich.console import Console

from ferrotape import Reporter
from ferrotape.analysis import headline, summarise
from ferrotape_plugins.reporters.drawing import plain
from ferrotape_plugins.reporters.markdown import MarkdownReporter, escape, render

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=[]))
PARTS = st.sampled_from(
    [
        "|",
        "\\",
        "`",
        "``",
        "<b>",
        "</td>",
        "<!--",
        "&lt;",
        "&#124;",
        "[a](b)",
        "![",
        "*",
        "_",
        "~~",
        "---",
        "=",
        "http://a.b",
        "@me",
        "$",
        "# ",
        "- ",
        "1. ",
        "> ",
        "\n",
        "\n\n",
        "\x1b[31m",
        "\u202e",
    ]
)
NASTY = st.lists(PARTS | ANY_TEXT, max_size=8).map("".join)


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def shape(tokens: list[Token]) -> list[str]:
    """The blocks of a page, and within them all that is no text."""
    kinds: list[str] = []
    for token in tokens:
        kinds.append(token.type)
        children = token.children or []
        kinds += [child.type for child in children if child.type not in {"text", "text_special"}]
    return kinds


def words(token: Token) -> str:
    return "".join(child.content for child in token.children or [])


def test_it_is_a_reporter_and_writes_one_file(tmp_path: Path) -> None:
    reporter = MarkdownReporter()
    assert isinstance(reporter, Reporter)
    [path] = reporter.report(sample_report(), tmp_path, Console(file=io.StringIO()))
    assert path == tmp_path / "benchmark-report.md"
    assert path.read_text(encoding="utf-8") == render(sample_report())


def test_the_page_starts_with_the_headline_and_ends_with_where_the_data_come_from() -> None:
    report = sample_report()
    lines = render(report).splitlines()
    assert lines[:3] == ["# Benchmark report: rust-core", "", headline(report)]
    headings = [line for line in lines if line.startswith("## ")]
    assert headings[-2:] == ["## Where the data come from", "## This run"]
    assert "- latency and tokens: not measured (answers served by a loopback endpoint)" in lines


def test_cells_show_mean_and_spread_with_a_bar() -> None:
    page = render(sample_report())
    assert "| rust-01-basic | 92.0 ± 2.8<br>`███████████·` | 82.0 ± 2.8<br>" in page
    track = "`·············◆░░░░░░░░░···`"
    assert f"| rust-05-async-scheduler | basic | {track} | 50.7 | 55–85 | below |" in page  # noqa: RUF001
    assert "| lint clean | not checked | not checked | not checked |" in page
    assert "| documented | Docs | 4/4 | 4/4 | 4/4 |" in page


def test_a_partial_run_says_so_before_anything_else() -> None:
    lines = render(hostile_report("no compiler")).splitlines()
    assert lines[2] == (
        "> **Partial: patterns was unavailable in 1 of 12 trials (no compiler)."
        " Do not compare these scores with complete ones.**"
    )


def test_the_page_of_nothing_stands() -> None:
    page = render(summarise(sample_run(), sample_pack(), []))
    assert "> **Unfinished: 0 of 12 planned trials were run.**" in page


def test_no_claim_is_made_on_whether_formats_differ() -> None:
    page = render(sample_report())
    assert "whether formats differ is not tested here" in page
    assert "no difference" not in page.lower()


def test_it_has_no_trailing_blanks_and_no_runs_of_empty_lines() -> None:
    for page in (render(sample_report()), render(hostile_report("x"))):
        assert "\n\n\n" not in page
        assert [line for line in page.splitlines() if line != line.rstrip()] == []
        assert page.endswith("\n")
        assert not page.endswith("\n\n")


@settings(deadline=None)
@given(NASTY)
@example("1.")
@example("- x")
def test_escaped_text_is_read_as_it_is(text: str) -> None:
    shown = plain(text).strip()
    tokens = parse(f"| a | b |\n| -- | -- |\n| {escape(text)} | x |\n")
    cells = [words(token) for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    assert cells[2].strip() == shown
    assert shape(parse(escape(text) or "x")) == ["paragraph_open", "inline", "paragraph_close"]


@settings(deadline=None, max_examples=25)
@given(NASTY)
def test_no_text_changes_the_structure_of_the_page(text: str) -> None:
    page = render(hostile_report(f"x{text}"))
    assert shape(parse(page)) == shape(parse(render(hostile_report("x"))))
    assert "\x1b" not in page
