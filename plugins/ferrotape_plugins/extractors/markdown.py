"""Takes the code out of an answer written in Markdown.

The rules, first that applies (docs/extraction.md has the reasons):

1. the first fenced block tagged with the scenario's language that declares every item of the
   interface, else the first tagged block that is not empty;
2. the same among blocks without a tag;
3. the whole text, if it holds no fence and is plain code;
4. no code.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from ferrotape import Extraction, hookimpl
from ferrotape_plugins.extractors.declarations import declared, is_plain_code
from ferrotape_plugins.languages import language_of

if TYPE_CHECKING:
    from ferrotape import Extractor, Reply, Scenario

MARKDOWN_TAGS = frozenset({"markdown", "md"})
"""A block tagged so is itself a document: some answers come wrapped whole."""
INVISIBLE = "\ufeff\u200b\u2060"
"""Byte order mark, zero-width space, word joiner: before a fence they would hide it."""


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """A fenced code block of a document."""

    language: str
    """Lower case, aliases resolved; empty if the block has no tag."""
    code: str
    closed: bool


class MarkdownExtractor:
    """Finds the fenced block that is the answer."""

    name = "markdown"
    version = "2"
    description = "The first fenced block in the scenario's language, else an untagged one."
    priority = 100
    languages: frozenset[str] = frozenset()

    def extract(self, reply: Reply, scenario: Scenario) -> Extraction:
        """The code and the rule that found it, or the rule that says why there is none."""
        text = reply.text.lstrip(INVISIBLE)
        if not text.strip():
            return self._nothing("no-text")
        language = language_of(scenario.language)
        blocks = list(fenced_blocks(text))
        for kind, tag in (("tagged", language), ("untagged", "")):
            candidates = [b for b in blocks if b.language == tag and b.code.strip()]
            if candidates:
                return self._found(kind, candidates, blocks, scenario.interface, language)
        if blocks:
            return self._nothing("no-block-in-language", note=_tags(blocks))
        if is_plain_code(text, language):
            return Extraction(code=text, extractor=self.name, rule="whole-text")
        return self._nothing("no-block")

    def _found(
        self,
        kind: str,
        candidates: Sequence[FencedBlock],
        blocks: Sequence[FencedBlock],
        interface: str,
        language: str,
    ) -> Extraction:
        chosen = candidates[0]
        if len(candidates) > 1:
            wanted = declared(interface, language)
            complete = (b for b in candidates if wanted and wanted <= declared(b.code, language))
            chosen = next(complete, chosen)
        first = chosen is candidates[0]
        return Extraction(
            code=chosen.code,
            extractor=self.name,
            rule=f"{'first' if first else 'complete'}-{kind}-block",
            note=_note(chosen, candidates, len(blocks)),
        )

    def _nothing(self, rule: str, note: str = "") -> Extraction:
        return Extraction(code=None, extractor=self.name, rule=rule, note=note)


def fenced_blocks(text: str) -> Iterator[FencedBlock]:
    """The fenced blocks of a CommonMark document, in order, those in lists and quotes included.

    A block tagged as Markdown is read as a document in its place, one level deep. As CommonMark
    says, every line break comes out as a line feed, U+0000 as U+FFFD, and the indentation of a
    fence is taken off its lines.
    """
    for block in _fences(text):
        if block.language in MARKDOWN_TAGS and (inner := list(_fences(block.code))):
            yield from inner
        else:
            yield block


def _fences(text: str) -> Iterator[FencedBlock]:
    for token in _parser().parse(text):
        if token.type == "fence" and token.map is not None:
            begin, end = token.map
            lines = token.content.count("\n") + (token.content[-1:] not in {"", "\n"})
            yield FencedBlock(
                language=language_of(token.info),
                code=token.content,
                closed=end - begin == lines + 2,  # the two fences
            )


@functools.cache
def _parser() -> MarkdownIt:
    """The parser, made once: all that a parse changes is in a state of its own."""
    # Only blocks matter. Raw HTML is off so that a fence right below `<details>` is seen.
    return MarkdownIt("commonmark").disable(["html_block", "reference", "inline"])


def _note(chosen: FencedBlock, candidates: Sequence[FencedBlock], total: int) -> str:
    remarks = []
    position = candidates.index(chosen) + 1
    if len(candidates) > 1:
        tag = chosen.language or "untagged"
        remarks.append(f"block {position} of {len(candidates)} {tag} blocks, never joined")
    if total > len(candidates):
        remarks.append(f"{total - len(candidates)} other blocks left aside")
    if not chosen.closed:
        remarks.append("the fence is not closed")
    return "; ".join(remarks)


def _tags(blocks: Sequence[FencedBlock]) -> str:
    tags = sorted({block.language or "untagged" for block in blocks})
    return f"blocks found: {', '.join(tags)}"


@hookimpl
def ferrotape_extractors() -> list[Extractor]:
    """The extractor for answers in Markdown."""
    return [MarkdownExtractor()]
