from __future__ import annotations

from pathlib import Path

import pytest
from pack_samples import PACK, SCENARIO, problems_of, write_pack

from ferrotape.errors import PackError
from ferrotape.model import AstGrepPattern, Failure, RegexPattern
from ferrotape.packs import find_packs, load_pack


def test_a_pack_becomes_frozen_data_with_tuples(tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path / "small"))
    alpha = pack.scenario("alpha")
    assert (pack.name, pack.format_ids) == ("small", ("minimal", "metadata"))
    assert [scenario.id for scenario in pack.scenarios] == ["alpha", "beta"]
    assert pack.run == {"crate_name": "answer", "tests": {"args": ("--edition", "2021")}}
    assert pack.failure_policy[Failure.FAILED_TESTS].cap_span == 20
    assert alpha.expected_quality == (60.0, 80.5)
    assert alpha.prompts["metadata"] == "task: write it\n"
    assert [type(pattern) for pattern in alpha.patterns] == [RegexPattern, AstGrepPattern]
    assert "fn answers" in alpha.hidden_tests
    assert alpha.reference == "// fine\n"
    assert alpha.folder == tmp_path / "small" / "alpha"


def test_a_digest_changes_with_what_it_covers_and_with_nothing_else(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    before = load_pack(folder)
    (folder / "alpha" / "reference.rs").write_text("// better")
    assert load_pack(folder).digest == before.digest
    (folder / "alpha" / "hidden_tests.rs").write_text("#[test] fn t() {}")
    after = load_pack(folder)
    assert after.scenario("alpha").digest != before.scenario("alpha").digest
    assert after.scenario("beta").digest == before.scenario("beta").digest
    assert after.digest != before.digest


def test_hidden_tests_may_have_any_suffix_and_a_reference_may_be_missing(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    (folder / "alpha" / "hidden_tests.rs").rename(folder / "alpha" / "hidden_tests.py")
    (folder / "alpha" / "reference.rs").unlink()
    alpha = load_pack(folder).scenario("alpha")
    assert "fn answers" in alpha.hidden_tests
    assert alpha.reference == ""


def test_packs_are_found_by_their_pack_yaml(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_pack(tmp_path / name)
    (tmp_path / "c").mkdir()
    assert find_packs(tmp_path) == (tmp_path / "a", tmp_path / "b")
    assert find_packs(tmp_path / "nowhere") == ()


def test_missing_and_doubled_files_are_named(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    (folder / "alpha" / "hidden_tests.rs").unlink()
    (folder / "beta" / "scenario.yaml").unlink()
    (folder / "beta" / "reference.py").touch()
    assert problems_of(folder) == [
        ("alpha", 0, "there is no hidden_tests.* here"),
        ("beta", 0, "only one of reference.py and reference.rs can count"),
        ("beta/scenario.yaml", 0, "there is no such file"),
    ]


def test_hidden_tests_that_are_no_text_are_named(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    (folder / "alpha" / "hidden_tests.rs").write_bytes(b"\n\xff")
    assert problems_of(folder) == [("alpha/hidden_tests.rs", 2, "the bytes here are no UTF-8 text")]


def test_a_folder_without_pack_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no pack in") as caught:
        load_pack(tmp_path)
    assert "docs/scenarios.md" in caught.value.hint


def test_drafts_are_left_alone(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    (folder / "beta").rename(folder / "_beta")
    (folder / "pack.yaml").write_text(PACK.replace("[alpha, beta]", "[alpha]"))
    assert [scenario.id for scenario in load_pack(folder).scenarios] == ["alpha"]


def test_all_faults_of_all_files_come_in_one_error(tmp_path: Path) -> None:
    pack = PACK.replace("0.8", "-1").replace("version: 1", "version: 1\nversion: 2")
    scenario = SCENARIO.replace("'///'", "'('").replace("title:", "titel:").replace("60", "99")
    found = problems_of(write_pack(tmp_path / "small", pack=pack, scenario=scenario))
    assert [(file, line) for file, line, _ in found] == [
        ("alpha/scenario.yaml", 1),
        ("alpha/scenario.yaml", 2),
        ("alpha/scenario.yaml", 5),
        ("alpha/scenario.yaml", 15),
        ("pack.yaml", 3),
        ("pack.yaml", 11),
    ]


def test_shapes_that_are_wrong_all_over_are_refused_without_a_crash(tmp_path: Path) -> None:
    for n, text in enumerate(("- a\n", "a\n", "3\n", "scenarios: x\nformats: {a: 1}\n")):
        assert problems_of(write_pack(tmp_path / f"p{n}", pack=text))
    patterns = "patterns: [x, {}, 3, {kind: regex, rule: 1}, {kind: [a]}, {kind: {}}]\n"
    for n, text in enumerate((patterns, "prompts: [a]\npatterns: {}\n", "expected_quality: {}\n")):
        assert problems_of(write_pack(tmp_path / f"s{n}", scenario=text))
