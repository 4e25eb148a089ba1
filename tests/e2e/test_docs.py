"""What the documents tell a reader to type works as written."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from started import Ferrotape

from ferrotape.config import load_settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path, tag: str) -> list[str]:
    return re.findall(rf"^```{tag}\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.rust
def test_the_commands_of_the_readme_work_one_after_the_other(ferrotape: Ferrotape) -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    assert len(lines) > 5
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "ferrotape"
        done = ferrotape(*arguments)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip(), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_settings_that_are_shown_are_settings(document: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(document, "toml")):
        if "[project" in block:
            continue
        assert tomllib.loads(block)
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "ferrotape.toml").write_text(block)
        assert load_settings(cwd=folder, env={}).agents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_the_excerpt_of_the_readme_is_of_the_sample_report() -> None:
    sample = (ROOT / "reports" / "sample" / "benchmark-report.md").read_text()
    (excerpt,) = blocks(ROOT / "README.md", "text")
    figures = re.findall(r"\d+\.\d ± \d+\.\d", excerpt)
    assert len(figures) == 18
    assert all(figure in sample for figure in figures)
    first = " ".join(excerpt.split("\n\n", 1)[0].split())
    assert first in sample


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "lint", "bench", "sample"])
def test_every_target_of_the_makefile_can_be_planned(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ferrotape" in done.stdout or "bin/" in done.stdout
