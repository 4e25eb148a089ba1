from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ferrotape.cli.scenarios import app
from ferrotape.errors import ExitCode, PackError, UsageError

RUST_CORE = Path(__file__).parents[2] / "scenarios" / "rust-core"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the shipped pack with its first scenario only."""
    folder = tmp_path / "pack"
    shutil.copytree(RUST_CORE / "rust-01-basic", folder / "rust-01-basic")
    text = (RUST_CORE / "pack.yaml").read_text(encoding="utf-8")
    text = re.sub(r"  - rust-0[2-5]-\S+\n", "", text)
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return folder


def test_list_shows_every_scenario_on_a_line() -> None:
    result = CliRunner().invoke(app, ["list", "--pack", str(RUST_CORE)])
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 6
    assert re.fullmatch(
        r"rust-01-basic +Reverse the order of words in a string +basic +70-85% +3 +18 +132 lines *",
        lines[1],
    )


def test_show_prints_the_prompt_of_the_first_format_as_it_is() -> None:
    result = CliRunner().invoke(app, ["show", "rust-01-basic", "--pack", str(RUST_CORE)])
    assert result.exit_code == 0
    assert "prompt in the format minimal:\n\nWrite a Rust function" in result.output
    assert "pub fn reverse_words(input: &str) -> Result<String, E>\n```\n" in result.output


def test_show_prints_the_prompt_of_the_format_asked_for() -> None:
    asked = ["show", "rust-01-basic", "--format", "metadata", "--pack", str(RUST_CORE)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert "prompt in the format metadata:\n\n---\nrole: senior Rust engineer\n" in result.output


def test_text_of_a_pack_can_neither_style_nor_steer_the_terminal(pack: Path) -> None:
    file = pack / "rust-01-basic" / "scenario.yaml"
    text = file.read_text(encoding="utf-8")
    title = 'title: "[red]x[/red] [/] \\e[31m"'
    file.write_text(re.sub(r"title: .*", lambda _: title, text), encoding="utf-8")
    for command in (["list"], ["show", "rust-01-basic"]):
        output = CliRunner().invoke(app, [*command, "--pack", str(pack)]).output
        assert "[red]x[/red] [/] \\x1b[31m" in output
        assert "\x1b" not in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "rust-01-basc"], "no scenario `rust-01-basc`.*did you mean `rust-01-basic`"),
        (["show", "rust-01-basic", "--format", "metdata"], "did you mean `metadata`"),
        (["check", "--scenario", "nothing-like-it"], "no scenario `nothing-like-it`"),
    ],
)
def test_a_name_that_is_not_there_is_a_usage_error(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--pack", str(RUST_CORE)])
    assert isinstance(result.exception, UsageError)
    assert re.search(message, str(result.exception))


def test_a_broken_pack_is_a_usage_error_with_all_problems(pack: Path) -> None:
    (pack / "pack.yaml").write_text("name: x\nnam: y\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["list", "--pack", str(pack)])
    assert isinstance(result.exception, PackError)
    assert result.exception.exit_code is ExitCode.USAGE
    assert "pack.yaml:2: unknown key `nam`; did you mean `name`?" in str(result.exception)


@pytest.mark.rust
def test_check_of_a_sound_scenario_says_what_holds(pack: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--repeat", "2", "--pack", str(pack)])
    lines = result.output.splitlines()
    assert lines[-1] == "13 of 13 checks hold, 0 failed, 0 cannot be checked here."
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert result.exit_code == ExitCode.OK


@pytest.mark.rust
def test_check_fails_when_a_wrong_answer_does_not_fail_as_it_says(pack: Path) -> None:
    wrong = pack / "rust-01-basic" / "wrong"
    shutil.rmtree(wrong)
    wrong.mkdir()
    reference = (pack / "rust-01-basic" / "reference.rs").read_text(encoding="utf-8")
    header = "// wrong: nothing at all | fails: test:two_words_swap_places\n"
    (wrong / "not_wrong.rs").write_text(header + reference, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", "--repeat", "1", "--pack", str(pack)])
    assert "does not fail test:two_words_swap_places, which its first line" in result.output
    assert "not above every wrong answer" in result.output
    assert result.exit_code == ExitCode.FAILED


@pytest.mark.rust
@pytest.mark.slow
def test_the_shipped_pack_passes_its_self_test() -> None:
    result = CliRunner().invoke(app, ["check", "--pack", str(RUST_CORE)])
    assert result.exit_code == ExitCode.OK, result.output
    assert ", 0 failed, 0 cannot be checked here." in result.output
