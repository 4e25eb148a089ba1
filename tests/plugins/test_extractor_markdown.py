from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferrotape import Block, BlockKind, Extraction, Reply, Scenario
from ferrotape_plugins.extractors.markdown import MarkdownExtractor, ferrotape_extractors
from ferrotape_plugins.languages import language_of

MAIN = "pub fn answer() -> u32 {\n    42\n}\n"
TESTS = "#[test]\nfn it_works() {\n    assert_eq!(answer(), 42);\n}\n"


def scenario(interface: str = "pub fn answer() -> u32", language: str = "rust") -> Scenario:
    return Scenario(
        id="s",
        title="S",
        language=language,
        complexity="basic",
        expected_quality=(0, 100),
        interface=interface,
        prompts={},
        patterns=(),
    )


def extract(text: str, **of_scenario: str) -> Extraction:
    reply = Reply(blocks=(Block(kind=BlockKind.TEXT, text=text),))
    return MarkdownExtractor().extract(reply, scenario(**of_scenario))


def fenced(code: str, info: str = "rust", fence: str = "```") -> str:
    return f"{fence}{info}\n{code}{fence}\n"


def test_the_plugin_brings_one_extractor_for_all_languages():
    (extractor,) = ferrotape_extractors()
    assert (extractor.name, extractor.priority, extractor.languages) == ("markdown", 100, set())


def test_the_tagged_block_is_the_answer_word_for_word():
    found = extract(f"Here it is:\n\n{fenced(MAIN)}\nThat is all.\n")
    assert found == Extraction(code=MAIN, extractor="markdown", rule="first-tagged-block")


@pytest.mark.parametrize(
    "info",
    ["rust", "Rust", "RUST", "rs", "rust,ignore", "rust ignore", "rust{1,3}", "{.rust}", " rust",
     "rust:src/lib.rs", "rust, no_run", "```rust".lstrip("`"), "rust2021", "language-rust",
     "lang=rust", 'language="Rust"', "file=a.rs lang=rs", 'title="in c" rust', "title='c' rust",
     'rust title="c.c"', "{.rust .numbered from=3}", "{#main .rust}", "rust,edition=2021"],
)  # fmt: skip
def test_the_language_is_the_first_word_of_the_info_string(info):
    assert extract(fenced("other\n", "text") + fenced(MAIN, info)).code == MAIN


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("", ""),
        ("   ", ""),
        ("Py", "python"),
        ("c++", "cpp"),
        ("rustic", "rustic"),
        ("{}", ""),
        ('title="rust"', ""),
        ("#rust", ""),
        ("c#", "csharp"),
        ("lang=", ""),
        ("a=b c", "c"),
    ],
)
def test_tags_name_languages(tag, language):
    assert language_of(tag) == language


def test_blocks_in_other_languages_are_passed_over():
    found = extract(fenced("[package]\n", "toml") + fenced(MAIN) + fenced("cargo test\n", "sh"))
    assert (found.code, found.note) == (MAIN, "2 other blocks left aside")


def test_an_untagged_block_serves_if_none_is_tagged():
    found = extract(fenced("x\n", "toml") + fenced(MAIN, ""))
    assert (found.code, found.rule) == (MAIN, "first-untagged-block")


def test_a_tagged_block_goes_before_an_untagged_one():
    found = extract(fenced("$ cargo test\n", "") + fenced(MAIN))
    assert (found.code, found.rule) == (MAIN, "first-tagged-block")


def test_a_tag_of_a_million_letters_is_read_at_once():
    for tag in ("a" * 1_000_000, 'a="' * 300_000, "a=" * 500_000, "-" * 1_000_000):
        assert isinstance(language_of(tag), str)


@pytest.mark.parametrize("sign", ["\ufeff", "\u200b", "\u200b\ufeff\u2060"])
def test_invisible_letters_before_everything_hide_nothing(sign):
    assert extract(sign + fenced(MAIN)).code == MAIN
    assert extract(sign + MAIN).code == MAIN
    assert extract(f"{sign}\n{sign}").rule in {"no-text", "no-block"}


def test_invisible_letters_in_a_block_stay():
    code = f"\ufeff// \u200b\n\u200b```\n{MAIN}"
    assert extract("\ufeff" + fenced(code)).code == code


def test_of_several_blocks_the_first_is_the_answer_and_none_are_joined():
    found = extract(fenced(MAIN) + "And the tests:\n" + fenced(TESTS))
    assert (found.code, found.rule) == (MAIN, "first-tagged-block")
    assert found.note == "block 1 of 2 rust blocks, never joined"


def test_an_excerpt_gives_way_to_the_first_block_with_the_whole_interface():
    found = extract(fenced("let n = answer();\n") + fenced(MAIN) + fenced(MAIN + TESTS))
    assert (found.code, found.rule) == (MAIN, "complete-tagged-block")
    assert found.note == "block 2 of 3 rust blocks, never joined"


@pytest.mark.parametrize("comment", ["// {}", "/* {} /* nested */ */", "/// {}"])
def test_a_name_in_a_comment_is_not_declared(comment):
    excerpt = comment.format("The fn answer is below.") + "\nlet n = answer();\n"
    found = extract(fenced(excerpt) + fenced(MAIN))
    assert (found.code, found.rule) == (MAIN, "complete-tagged-block")


@pytest.mark.parametrize(
    ("language", "excerpt", "whole"),
    [
        ("python", "# def answer below\nprint(answer())\n", "def answer():\n    return 42\n"),
        ("kotlin", "/* class Answer */\nval a = 1\n", "class Answer\n"),
        ("cobol", "* class\n", "class Answer\n"),
    ],
)
def test_comments_of_other_languages_are_none_either(language, excerpt, whole):
    text = fenced(excerpt, language) + fenced(whole, language)
    interface = "def answer" if language == "python" else "class Answer"
    assert extract(text, language=language, interface=interface).code == whole


def test_without_a_complete_block_the_first_is_the_answer():
    found = extract(
        fenced("pub struct Pool;\n") + fenced("impl Pool { pub fn go(&self) {} }\n"),
        interface="pub struct Pool\npub fn go(&self)\npub trait Missing",
    )
    assert (found.code, found.rule) == ("pub struct Pool;\n", "first-tagged-block")


def test_empty_blocks_are_skipped():
    assert extract(fenced("") + fenced("\n  \n") + fenced(MAIN)).code == MAIN


def test_only_empty_blocks_are_no_code():
    found = extract(fenced("") + fenced("\n", ""))
    assert (found.code, found.rule) == (None, "no-block-in-language")
    assert found.note == "blocks found: rust, untagged"


def test_a_fence_that_is_never_closed_reaches_to_the_end_and_is_noted():
    found = extract("Here:\n```rust\n" + MAIN)
    assert (found.code, found.note) == (MAIN, "the fence is not closed")


def test_a_closed_fence_at_the_very_end_is_closed():
    found = extract("```rust\n" + MAIN + "```")
    assert (found.code, found.note) == (MAIN, "")


def test_tilde_fences_are_fences():
    assert extract(fenced(MAIN, "rust", "~~~")).code == MAIN


def test_fences_in_doc_comments_do_not_end_the_block():
    code = "/// ```\n/// assert_eq!(answer(), 42);\n/// ```\n" + MAIN
    assert extract(fenced(code)).code == code


def test_a_longer_fence_holds_shorter_ones():
    code = "/*!\n```\nanswer();\n```\n*/\n" + MAIN
    assert extract(fenced(code, "rust", "````")).code == code


def test_the_indentation_of_a_block_in_a_list_is_taken_off():
    text = "1. The code:\n\n   ```rust\n   pub fn answer() -> u32 {\n       42\n   }\n   ```\n"
    assert extract(text).code == MAIN


def test_a_block_in_a_quote_is_found():
    text = "".join(f"> {line}\n" for line in fenced(MAIN).splitlines())
    assert extract(text).code == MAIN


def test_a_block_right_below_html_is_found():
    assert extract(f"<details>\n{fenced(MAIN)}</details>\n").code == MAIN


def test_a_document_wrapped_in_a_markdown_block_is_read():
    assert extract(fenced("# Answer\n" + fenced(MAIN), "markdown", "````")).code == MAIN
    # The inner fence, of the same length, ends the outer block.
    assert extract(fenced("# Answer\n" + fenced(MAIN), "markdown")).code == MAIN


def test_line_breaks_come_out_as_line_feeds():
    assert extract(fenced(MAIN).replace("\n", "\r\n")).code == MAIN


def test_plain_code_without_a_fence_is_the_answer():
    found = extract(MAIN)
    assert (found.code, found.rule) == (MAIN, "whole-text")


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help with that.",
        "Sorry",
        "Use `fn answer() -> u32`, which returns 42.",
        "Here you go:\n\npub fn answer() -> u32 { 42 }\n",
        "let x = 1;",
        "// only a comment\n",
    ],
)
def test_prose_and_scraps_are_no_code(text):
    found = extract(text)
    assert (found.code, found.rule) == (None, "no-block")


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_no_text_is_no_code(text):
    assert extract(text).rule == "no-text"


def test_a_reply_without_blocks_is_no_code():
    assert MarkdownExtractor().extract(Reply(), scenario()).rule == "no-text"


def test_thinking_is_not_searched():
    reply = Reply(blocks=(Block(kind=BlockKind.THINKING, text=fenced(MAIN)),))
    assert MarkdownExtractor().extract(reply, scenario()).code is None


def test_blocks_in_the_wrong_language_only_are_no_code():
    found = extract(fenced("def answer(): ...\n", "python"))
    assert (found.code, found.rule, found.note) == (
        None,
        "no-block-in-language",
        "blocks found: python",
    )


def test_plain_code_of_an_unknown_language_is_not_guessed():
    assert extract("MOVE A TO B.", language="cobol").rule == "no-block"


def test_other_languages_work_alike():
    code = "def answer():\n    return 42\n"
    assert extract(fenced(code, "py"), language="python", interface="def answer()").code == code
    assert extract(code, language="python").rule == "whole-text"


# A line of code that is no fence, and characters that CommonMark keeps as they are.
_lines = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])).filter(
    lambda line: not line.strip().startswith(("```", "~~~"))
)


@given(st.lists(_lines, min_size=1).filter(lambda lines: any(line.strip() for line in lines)))
def test_fenced_code_comes_back_word_for_word(lines):
    code = "".join(f"{line}\n" for line in lines)
    assert extract(f"Text.\n\n{fenced(code)}\nMore text.\n", interface="").code == code


@given(st.text(alphabet=st.sampled_from("`~ \n\tr>-*1.<#|[]()\\\0\r{}us"), max_size=120))
@example("```rust\r\x00")
@example(">" * 500 + "```rust\nx")
@example("- " * 500 + "```rust")
@example("\u2028```rust\n\x85\n```")
def test_no_text_whatever_makes_it_fail(text):
    found = extract(text)
    assert found.rule
    assert found.code is None or found.code.strip()


@given(st.text())
@example("\ud800")
@example("fn f() {} // \ud800")
def test_no_unicode_whatever_makes_it_fail(text):
    assert extract(text).extractor == "markdown"
