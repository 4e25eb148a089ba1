"""The reporter `console`: a run at a glance, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ferrotape import Reporter, hookimpl
from ferrotape.analysis import (
    Position,
    RunReport,
    Stage,
    Summary,
    Waterfall,
    counted_both_ways,
    headline,
    mean_and_sd,
    percent,
    place,
    points,
    provenance,
    run_facts,
    warnings,
)
from ferrotape_plugins.reporters.drawing import Pen, plain
from ferrotape_plugins.reporters.views import AgentView, views

_NAMES, _CELL, _TRACK = 24, 13, 26
_MOST_CHECKS, _MOST_LOST = 8, 10
_MOST_FACTS = 2  # versions are in the files and in `ferrotape show`
_FAIR, _GOOD = 40.0, 70.0
_POSITIONS = {
    Position.BELOW: "red",
    Position.INSIDE: "green",
    Position.ABOVE: "cyan",
    Position.UNKNOWN: "dim",
}


class ConsoleReporter:
    """Prints tables and bars; writes no file."""

    name = "console"
    version = "1"
    description = "Tables and bars on the terminal."

    def report(self, report: RunReport, folder: Path, console: Console) -> Sequence[Path]:  # noqa: ARG002
        """Prints to `console`; returns no path."""
        page = _Page(report=report, pen=Pen(ascii=console.options.ascii_only), width=console.width)
        for part in page.parts():
            console.print(part)
        return ()


@hookimpl
def ferrotape_reporters() -> Sequence[Reporter]:
    """The reporter of this module."""
    return [ConsoleReporter()]


@dataclass(frozen=True, kw_only=True)
class _Page:
    report: RunReport
    pen: Pen
    width: int

    def parts(self) -> Iterator[RenderableType]:
        """The page from top to bottom."""
        report = self.report
        for warning in warnings(report):
            yield self.text(f"! {warning}", "bold yellow")
        yield self.text(headline(report), "bold")
        if both := counted_both_ways(report.overall):
            yield self.text(f"Counted both ways: {both}.")
        for view in views(report):
            yield from self.heat(view)
            yield from self.formats(view)
            yield from self.scenarios(view)
            yield from self.waterfalls(view)
            yield from self.losses(view)
            yield from self.checks(view)
        yield from self.lost()
        yield from self.flags()
        yield self.heading("Where the data come from")
        for line in (*provenance(report), *run_facts(report)[:_MOST_FACTS]):
            yield self.line(line, "dim")

    def heat(self, view: AgentView) -> Iterator[RenderableType]:
        """Scenario x format, a bar in every cell."""
        yield self.heading(f"Mean score ± SD between rounds{view.of}")
        rows = [(name, [self.score(cell) for cell in cells]) for name, cells in view.scores]
        rows.append(("all", [self.score(summary) for summary in view.formats]))
        yield from self.grid("scenario", view, rows, last_apart=True)

    def score(self, summary: Summary) -> Text:
        """A mean with its spread, a bar below."""
        words = self.text(mean_and_sd(summary)).append("\n")
        if summary.mean is None:
            return words.append(self.bar(None, "dim"))
        style = "red" if summary.mean < _FAIR else "yellow" if summary.mean < _GOOD else "green"
        return words.append(self.bar(summary.mean / 100, style))

    def formats(self, view: AgentView) -> Iterator[RenderableType]:
        """One line a format."""
        yield self.heading(f"Formats{view.of}")
        table = self.table("format")
        columns = ["mean ± SD", "lowest", "highest", "code found"]
        for column in [*columns, "seconds", "tokens"] if view.timed else columns:
            table.add_column(self.text(column), justify="right")
        for summary in view.formats:
            cells = [mean_and_sd(summary), points(summary.minimum), points(summary.maximum)]
            cells.append(f"{summary.succeeded}/{summary.ran} {percent(summary.success_rate)}")
            if view.timed:
                cells += [points(summary.latency_s), points(summary.output_tokens)]
            table.add_row(self.text(summary.where.format), *map(self.text, cells))
        yield table
        for summary in view.formats:
            if both := counted_both_ways(summary):
                yield self.line(f"{summary.where.format}: {both}")

    def scenarios(self, view: AgentView) -> Iterator[RenderableType]:
        """Each scenario's mean on a scale beside its expected range."""
        yield self.heading(f"Scenarios, with the range expected of a typical agent{view.of}")
        table = self.table("scenario")
        for column in ("0" + "50".center(_TRACK - 4) + "100", "mean", "expected", ""):
            table.add_column(self.text(column))
        for entry in view.scenarios:
            drawn, expected = "", points(None)
            if entry.expected:
                low, high = entry.expected
                drawn = self.pen.track(low, high, entry.figures.mean, _TRACK)
                expected = f"{low:g}–{high:g}"  # noqa: RUF001 - a range
            table.add_row(
                self.text(entry.figures.where.scenario),
                Text(drawn),
                self.text(points(entry.figures.mean)),
                self.text(expected),
                self.text(entry.position, _POSITIONS[entry.position]),
            )
        yield table

    def waterfalls(self, view: AgentView) -> Iterator[RenderableType]:
        """Stages down, formats across: a bar and the number that got there."""
        yield self.heading(f"How far the trials came{view.of}")
        rows = [(stage, [self.reached(fall, stage) for fall in view.falls]) for stage in Stage]
        yield from self.grid("stage", view, rows)
        for fall in view.falls:
            if fall.failures:
                kinds = ", ".join(f"{count} {kind}" for kind, count in fall.failures)
                yield self.line(f"no answer in {fall.where.format}: {kinds}")

    def reached(self, fall: Waterfall, stage: Stage) -> Text:
        """One stage of one format."""
        count, planned = fall.at(stage), fall.at(Stage.PLANNED).reached
        if count.reached is None:
            return self.text("not checked", "yellow")
        style = "yellow" if count.lost else "green"
        drawn = self.bar(count.reached / planned if planned else None, style, _CELL - 4)
        return drawn.append(f" {count.reached:>3}")

    def losses(self, view: AgentView) -> Iterator[RenderableType]:
        """Where points were lost; bars relative to the largest loss."""
        yield self.heading(f"Mean points lost, by where{view.of}")
        rows = [
            (source, [self.small((lost or 0.0) / view.most_lost, points(lost)) for lost in row])
            for source, row in view.losses
        ]
        yield from self.grid("lost to", view, rows)

    def checks(self, view: AgentView) -> Iterator[RenderableType]:
        """The checks that failed most often, with the answers they were held against."""
        yield self.heading(f"Checks of the rubric that failed most often{view.of}")
        rows = [
            (
                name,
                [
                    self.small(entry.failed / entry.of, f"{entry.failed}/{entry.of}")
                    if entry
                    else self.small(0.0, "0")
                    for entry in row
                ],
            )
            for name, _, row in view.checks[:_MOST_CHECKS]
        ]
        yield from self.grid("check", view, rows)
        if len(view.checks) > _MOST_CHECKS:
            yield self.line(f"and {len(view.checks) - _MOST_CHECKS} others less often", "dim")

    def small(self, share: float, words: str) -> Text:
        """A short bar and a figure."""
        return self.bar(share, "magenta", _CELL - 6).append(f" {words:>5}")

    def lost(self) -> Iterator[RenderableType]:
        """The trials that did not come as far as passing all hidden tests."""
        lost = self.report.lost_trials
        if lost:
            yield self.heading("Trials that did not pass all hidden tests")
        for entry in lost[:_MOST_LOST]:
            yield self.line(f"{points(entry.score):>5}  {entry.trial.key}")
            yield self.line(f"{entry.stage}: no. {entry.why}", "dim", indent=9)
        if len(lost) > _MOST_LOST:
            yield self.line(f"and {len(lost) - _MOST_LOST} more", "dim")

    def flags(self) -> Iterator[RenderableType]:
        """The red flags by kind, or that there are none."""
        yield self.heading("Red flags")
        flags = self.report.flags
        if not flags:
            none = "none of: all scores near 0 or near 100, spread over 30%, errors over 10%"
            yield self.line(none, "dim")
        for kind in dict.fromkeys(flag.kind for flag in flags):
            yield self.line(f"! {kind.question}", "yellow")
            for flag in flags:
                if flag.kind is kind:
                    yield self.line(f"{place(self.report, flag.where)}: {flag.message}", indent=4)

    def grid(
        self,
        title: str,
        view: AgentView,
        rows: Sequence[tuple[str, Sequence[Text]]],
        *,
        last_apart: bool = False,
    ) -> Iterator[RenderableType]:
        """Rows with a cell a format; as many tables below each other as the width asks for."""
        if not rows:
            yield self.line("none", "dim")
            return
        fit = max(1, (self.width - _NAMES) // (_CELL + 3))
        for at in range(0, len(view.names), fit):
            table = self.table(title)
            for name in view.names[at : at + fit]:
                table.add_column(self.text(name), min_width=_CELL, overflow="fold")
            for name, cells in rows:
                if last_apart and name == rows[-1][0]:
                    table.add_section()
                table.add_row(self.text(name), *cells[at : at + fit])
            yield table

    def table(self, title: str) -> Table:
        """A table with its first column, which is as wide everywhere."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
        table.add_column(self.text(title), min_width=_NAMES, max_width=_NAMES, overflow="fold")
        return table

    def heading(self, title: str) -> Text:
        """A heading with space above."""
        return Text("\n").append(self.text(title, "bold cyan"))

    def line(self, words: str, style: str = "", indent: int = 2) -> RenderableType:
        """An indented line; what does not fit goes below it."""
        return Padding(self.text(words, style), (0, 0, 0, indent), expand=False)

    def bar(self, share: float | None, style: str, width: int = _CELL) -> Text:
        """A bar in colour."""
        drawn = self.pen.bar(share, width)
        filled = drawn.rstrip("·.")
        return Text(filled, style=style).append(drawn[len(filled) :], style="dim")

    def text(self, words: str, style: str = "") -> Text:
        """Words as they are: no markup, no control characters."""
        return Text(self.pen.write(plain(words)), style=style)
