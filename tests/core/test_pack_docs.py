"""The example in docs/scenarios.md is a whole pack that loads."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

from ferrotape.packs import load_pack
from ferrotape.packs.samples import load_samples

GUIDE = Path(__file__).parents[2] / "docs" / "scenarios.md"


def write_example(folder: Path) -> Path:
    """Writes each fenced block below a line that holds only a file's name in backticks."""
    tokens = MarkdownIt().parse(GUIDE.read_text(encoding="utf-8"))
    name = ""
    for token in tokens:
        if token.type == "inline" and (found := re.fullmatch(r"`(my-pack/\S+)`", token.content)):
            name = found[1]
        elif token.type == "fence" and name:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(token.content, encoding="utf-8")
            name = ""
    return folder / "my-pack"


def test_the_example_of_the_guide_loads_with_its_sample_answers(tmp_path: Path) -> None:
    pack = load_pack(write_example(tmp_path))
    (scenario,) = pack.scenarios
    samples = load_samples(pack, scenario)
    assert scenario.id == "add-numbers"
    assert "checked_add" in scenario.reference
    assert [sample.name for sample in samples.good] == ["good/by_hand.rs"]
    assert [str(claim) for claim in samples.wrong[0].claims] == [
        "test:overflow_gives_none",
        "check:checked-arithmetic",
    ]
