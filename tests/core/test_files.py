from __future__ import annotations

from pathlib import Path

import pytest

from ferrotape.errors import UsageError
from ferrotape.files import write_text


def test_text_is_written_as_it_is_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.md"
    assert write_text(path, "é\r\n") == path
    assert path.read_bytes() == "é\r\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_place_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("a much longer old text", encoding="utf-8")
    write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "new"


def test_what_cannot_be_encoded_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert [entry.read_text(encoding="utf-8") for entry in tmp_path.iterdir()] == ["old"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot write .*report\.md: ") as caught:
        write_text(tmp_path / "file" / "report.md", "text")
    assert caught.value.hint
