from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape import BlockKind
from ferrotape_plugins.agents.answers import answer_blocks, written_files
from ferrotape_plugins.extractors.markdown import fenced_blocks


def test_files_that_match_are_found_by_their_relative_paths(tmp_path: Path) -> None:
    for name in ("lib.rs", "src/a.rs", "notes.md", "target/x.rs", ".git/y.rs", "src/.z.rs"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    assert written_files(tmp_path, ("*.rs",)) == {"lib.rs": "lib.rs", "src/a.rs": "src/a.rs"}
    assert written_files(tmp_path, ("**/*.rs",)) == written_files(tmp_path, ("*.rs",))
    assert list(written_files(tmp_path, ("src/*.rs", "*.md"))) == ["notes.md", "src/a.rs"]


def test_links_pipes_large_files_and_what_cannot_be_read_are_no_answer(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("fn secret() {}")
    work = tmp_path / "work"
    work.mkdir()
    (work / "link.rs").symlink_to(tmp_path / "outside")
    (work / "gone.rs").symlink_to(tmp_path / "nowhere")
    os.mkfifo(work / "pipe.rs")
    (work / "folder.rs").mkdir()
    (work / "large.rs").write_bytes(b"x" * (1024 * 1024 + 1))
    (work / "odd.rs").write_bytes(b"fn f() {} // \xff")
    assert written_files(work, ("*.rs",)) == {"odd.rs": "fn f() {} // \ufffd"}


@pytest.mark.parametrize(
    ("counts", "files", "text", "other"),
    [
        ("text", {"a.rs": "fn a() {}\n"}, "Done.", "`a.rs`:\n\n```rs\nfn a() {}\n```\n"),
        ("files", {"a.rs": "fn a() {}\n"}, "`a.rs`:\n\n```rs\nfn a() {}\n```\n", "Done."),
        ("files-or-text", {"a.rs": "x"}, "`a.rs`:\n\n```rs\nx\n```\n", "Done."),
        ("files-or-text", {}, "Done.", ""),
        ("files", {}, "", "Done."),
    ],
)
def test_the_option_says_what_counts_and_the_rest_is_kept(
    counts: str, files: dict[str, str], text: str, other: str
) -> None:
    blocks = answer_blocks("Done.", files, counts)  # type: ignore[arg-type]
    kept = {kind: "".join(b.text for b in blocks if b.kind is kind) for kind in BlockKind}
    assert (kept[BlockKind.TEXT], kept[BlockKind.OTHER]) == (text, other)


lines = st.lists(st.sampled_from(["```", "````rs", "  ```", "~~~", "fn a() {}", "", "`"]))


@given(lines.map("\n".join))
def test_the_extractor_gets_each_file_back_whatever_fences_are_in_it(content: str) -> None:
    (block,) = answer_blocks("", {"src/a.rs": content}, "files")
    (found,) = list(fenced_blocks(block.text))
    assert found.language == "rust"
    assert found.code == (content if content.endswith("\n") or not content else f"{content}\n")
