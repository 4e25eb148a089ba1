"""The reporter `markdown`: the run as a page for people, in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console

from ferrotape import Reporter, analysis, hookimpl
from ferrotape.analysis import RunReport, Stage
from ferrotape.files import write_text
from ferrotape_plugins.reporters.drawing import Pen, plain
from ferrotape_plugins.reporters.views import views

FILE_NAME = "benchmark-report.md"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ACTIVE = re.compile(r"[\\`*_\[\]|~$@&<>]")
_AT_START = re.compile(r"^([-+=#]|\d+(?=[.)](\s|$)))")


class MarkdownReporter:
    """Writes `benchmark-report.md`."""

    name = "markdown"
    version = "1"
    description = f"Tables and bars for people, in {FILE_NAME}."

    def report(self, report: RunReport, folder: Path, console: Console) -> Sequence[Path]:  # noqa: ARG002
        """Writes the file, atomically, and returns its path."""
        return (write_text(folder / FILE_NAME, render(report)),)


@hookimpl
def ferrotape_reporters() -> Sequence[Reporter]:
    """The reporter of this module."""
    return [MarkdownReporter()]


def render(report: RunReport) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("ferrotape_plugins.reporters"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Escaped for Markdown first; what autoescape then gets is marked as safe.
        autoescape=True,
        finalize=_safe,
    )
    template = environment.get_template("benchmark-report.md.jinja")
    return template.render(
        report=report, views=views(report), analysis=analysis, pen=Pen(), stages=list(Stage)
    )


def escape(value: object) -> str:
    """Text that Markdown shows as it is: on one line, in a paragraph, a list or a table."""
    text = _ACTIVE.sub(_escaped, plain(str(value)).strip())
    return _AT_START.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", text)


def _safe(value: object) -> Markup:
    """What a template puts out: only the template's own text is Markdown."""
    return value if isinstance(value, Markup) else Markup(escape(value))  # noqa: S704


def _escaped(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")
