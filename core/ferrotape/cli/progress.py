"""Shows trials as they end: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ferrotape.cli.plain import plain
from ferrotape.model import Pack, Trial, TrialResult

Cell = tuple[str, str, str]
"""Format, scenario, agent: the order in which `--verbose` shows them."""


@contextmanager
def show_trials(
    console: Console, pack: Pack, trials: Sequence[Trial], *, verbose: bool
) -> Iterator[Callable[[TrialResult], None]]:
    """Gives the function to call with each result."""
    marks = ("✓", "✗") if console.encoding.startswith("utf") else ("ok", "no")
    blocks = _Blocks(pack, trials, marks=marks)
    if not console.is_terminal:
        count = 0

        def in_lines(result: TrialResult) -> None:
            nonlocal count
            count += 1
            lines = blocks.add(result) if verbose else [_line(result, count, len(trials))]
            for line in lines:
                console.print(line, markup=False, highlight=False, soft_wrap=True)

        yield in_lines
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("trials", total=len(trials))

        def on_a_bar(result: TrialResult) -> None:
            progress.advance(task)
            for line in blocks.add(result) if verbose else []:
                progress.console.print(line, markup=False, highlight=False)

        yield on_a_bar


def _line(result: TrialResult, count: int, total: int) -> str:
    return f"[{count}/{total}] {result.trial.key}: {_quality(result)}"


def _quality(result: TrialResult) -> str:
    failure = result.reply.failure
    if failure is not None:
        return f"{failure.kind.value}: {plain(failure.message)}"
    if result.score.value is None:
        return "not scored"
    why = f" ({result.score.failure.value.replace('_', ' ')})" if result.score.failure else ""
    return f"quality {result.score.value:.1f}%{why}"


def _time(result: TrialResult) -> str:
    latency = result.reply.latency_s
    if latency is None or not result.reply.measured:
        return "not measured"
    return f"{latency * 1000:.0f}ms"


class _Blocks:
    """Turns results, in whatever order they come, into blocks a cell in reading order."""

    def __init__(self, pack: Pack, trials: Sequence[Trial], *, marks: tuple[str, str]) -> None:
        self._marks = marks
        formats, scenarios = pack.format_ids, [s.id for s in pack.scenarios]
        cells = {(t.format, t.scenario, t.agent) for t in trials}
        self._pack = pack
        self._order = sorted(
            cells, key=lambda c: (formats.index(c[0]), scenarios.index(c[1]), c[2])
        )
        self._sizes = {c: sum((t.format, t.scenario, t.agent) == c for t in trials) for c in cells}
        self._results: dict[Cell, list[TrialResult]] = {cell: [] for cell in cells}
        self._format = ""

    def add(self, result: TrialResult) -> list[str]:
        """The lines that can now be shown."""
        trial = result.trial
        self._results[(trial.format, trial.scenario, trial.agent)].append(result)
        lines: list[str] = []
        while self._order and self._is_full(self._order[0]):
            lines += self._block(self._order.pop(0))
        return lines

    def _is_full(self, cell: Cell) -> bool:
        return len(self._results[cell]) == self._sizes[cell]

    def _block(self, cell: Cell) -> list[str]:
        fmt, scenario_id, agent = cell
        scenario = self._pack.scenario(scenario_id)
        results = sorted(self._results[cell], key=lambda r: r.trial.round)
        lines = []
        if fmt != self._format:
            self._format = fmt
            lines += ["", "=" * 80, f"Testing format: {fmt.upper()}", "=" * 80]
        lines += ["", f"Scenario: {scenario_id} ({scenario.complexity} complexity), agent {agent}"]
        for result in results:
            sound = result.score.value is not None and result.score.failure is None
            mark = self._marks[0 if sound and result.reply.failure is None else 1]
            lines.append(f"  Round {result.trial.round}/{len(results)}")
            lines.append(f"    {mark} {_quality(result).capitalize()} | Time: {_time(result)}")
        lines.append(f"  Average: {_averages(results)}")
        return lines


def _averages(results: Sequence[TrialResult]) -> str:
    scores = [r.score.value for r in results if r.score.value is not None]
    times = [r.reply.latency_s for r in results if r.reply.measured]
    known = [seconds for seconds in times if seconds is not None]
    quality = f"quality {fmean(scores):.1f}%" if scores else "quality unknown"
    time = f"time {fmean(known) * 1000:.0f}ms" if known else "time not measured"
    return f"{quality} | {time}"
