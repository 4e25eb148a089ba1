from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from history_samples import EVIL, make_history, make_run
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from ferrotape.cli.formats import as_csv, as_json, as_markdown
from ferrotape.cli.main import app
from ferrotape.cli.plain import plain
from ferrotape.errors import QueryError
from ferrotape.store import QueryResult

MEANS = "select format, avg(score) as mean from trial_scores group by format order by format"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_history(tmp_path / "history.db")


def ask(path: Path, sql: str, *options: str) -> str:
    done = CliRunner().invoke(app, ["query", sql, "--store", str(path), *options])
    assert done.exit_code == 0, done.exception
    return done.stdout


def test_the_answer_is_a_table_with_numbers_to_the_right(path):
    assert ask(path, MEANS).splitlines() == ["format    mean", "metadata    26", "minimal     90"]


def test_the_answer_can_be_csv_json_or_markdown(path):
    assert ask(path, MEANS, "--output", "csv").splitlines() == [
        "format,mean",
        "metadata,26.0",
        "minimal,90.0",
    ]
    assert json.loads(ask(path, MEANS, "--output", "json")) == [
        {"format": "metadata", "mean": 26.0},
        {"format": "minimal", "mean": 90.0},
    ]
    assert ask(path, MEANS, "--output", "markdown").splitlines() == [
        "| format | mean |",
        "| --- | --- |",
        "| metadata | 26 |",
        "| minimal | 90 |",
    ]


def test_a_wide_answer_is_not_cut_in_a_pipe(path):
    text = ask(path, "select *, hex(zeroblob(100)) as wide from trial_scores")
    assert make_run(0).id in text
    assert "0" * 200 in text


def test_a_query_without_rows_still_has_its_columns(path):
    sql = "select run, score from trial_scores where 0"
    assert ask(path, sql).split() == ["run", "score"]
    assert ask(path, sql, "--output", "csv").splitlines() == ["run,score"]
    assert json.loads(ask(path, sql, "--output", "json")) == []


def test_text_of_a_model_is_escaped_in_a_table(path):
    text = ask(path, "select reply, 'a' || char(10) || 'b' as lines from replies")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"a\nb" in text


@pytest.mark.parametrize("output", ["csv", "markdown"])
def test_text_of_a_model_is_escaped_in_every_format_on_a_terminal(path, output):
    sql = "select json_extract(reply, '$.blocks[0].text') from replies"
    code = "import typer; from ferrotape.cli.query import query; typer.run(query)"
    arguments = [sql, "--store", str(path), "--output", output]
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", code, *arguments], stdout=theirs, check=True)
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert r"\x1b[2J[bold]evil[/bold] \u202egnp.exe" in shown
    assert "\x1b" not in shown


def test_a_wrong_query_is_an_error(path):
    done = CliRunner().invoke(app, ["query", "select * from nowhere", "--store", str(path)])
    assert isinstance(done.exception, QueryError)
    assert "trial_scores" in done.exception.hint


def test_the_time_limit_can_be_set(path):
    sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    done = CliRunner().invoke(app, ["query", sql, "--store", str(path), "--time-limit", "0.1"])
    assert isinstance(done.exception, QueryError)
    assert "0.1 s" in done.exception.message


def test_columns_of_the_same_name_are_all_written(path):
    sql = "select 1 as a, 2 as a"
    assert json.loads(ask(path, sql, "--output", "json")) == [{"a": 1, "a_2": 2}]
    assert ask(path, sql, "--output", "csv").splitlines() == ["a,a_2", "1,2"]
    assert ask(path, sql, "--output", "markdown").splitlines()[0] == "| a | a_2 |"
    assert ask(path, sql).split() == ["a", "a_2", "1", "2"]


def test_a_query_in_bytes_that_are_no_text_is_a_mistake_and_no_defect(path):
    command = [sys.executable, "-m", "ferrotape", "query", b'select "\xff"', "--store", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no valid Unicode" in done.stderr


def one(value: object) -> QueryResult:
    return QueryResult(columns=("x",), rows=((value,),))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(a)", "\t=1", "\r=1"])
def test_csv_gives_a_spreadsheet_no_formula(text):
    assert list(csv.reader(io.StringIO(as_csv(one(text)), newline="")))[1] == [f"'{text}"]


def test_csv_leaves_numbers_as_they_are():
    assert as_csv(one(-1.5)) == "x\r\n-1.5\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_csv_and_json_keep_the_text(text):
    cell = list(csv.reader(io.StringIO(as_csv(one(f"x{text}")), newline="")))[1]
    assert cell == [f"x{text}"]
    assert json.loads(as_json(one(text))) == [{"x": text}]


@pytest.mark.parametrize("text", ["a|b", "a\nb", "a\r\nb", "\\|", "<b>|</b>", EVIL, "`|`", ""])
def test_markdown_keeps_a_cell_a_cell(text):
    source = as_markdown(QueryResult(columns=("x", "y"), rows=((text, "end"),)))
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    assert [token.type for token in tokens].count("td_open") == 2
    assert "<b>" not in source
    assert plain(source) == source


def test_json_has_no_values_that_json_does_not_know():
    assert json.loads(as_json(one(float("inf")))) == [{"x": None}]
    assert json.loads(as_json(one(b"\x00\xff"))) == [{"x": "00ff"}]


@given(st.text())
def test_plain_text_prints_as_itself_and_can_always_be_encoded(text):
    shown = plain(text, one_line=True)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert all(letter.isprintable() or letter in "\n\t" for letter in plain(text))


def test_plain_text_keeps_lines_and_tabs_unless_for_one_line():
    assert plain("a\n\tb\r[red]é") == "a\n\tb\\r[red]é"
    assert plain("a\n\tb", one_line=True) == r"a\n\tb"
