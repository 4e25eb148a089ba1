"""A report in words: what every reporter says in the same way.

Names and messages in these sentences come from files, plugins and models; a reporter escapes
them for its medium.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ferrotape.analysis.cells import Summary, Where
from ferrotape.analysis.losses import NO_ANSWER
from ferrotape.analysis.report import RunReport
from ferrotape.analysis.waterfall import Stage
from ferrotape.model import Failure, Mode, Status

UNDEFINED = "–"  # noqa: RUF001 - an en dash


def points(value: float | None) -> str:
    """A score or a number of points with one decimal."""
    return UNDEFINED if value is None else f"{value:.1f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage, rounded towards what is not yet full or empty."""
    if share is None:
        return UNDEFINED
    text = f"{share:.0%}"
    return f"{share:.1%}" if text in {"0%", "100%"} and share not in {0, 1} else text


def mean_and_sd(summary: Summary) -> str:
    """`88.1 ± 4.2`; the mean alone where there is no spread to give."""
    if summary.sd is None:
        return points(summary.mean)
    return f"{points(summary.mean)} ± {points(summary.sd)}"


def headline(report: RunReport) -> str:
    """The run in one sentence."""
    overall = report.overall
    trials = _count(overall.ran, "trial")
    if overall.ran < overall.planned:
        trials = f"{overall.ran} of {_count(overall.planned, 'planned trial')}"
    names = _listed([summary.where.agent for summary in report.agents])
    return (
        f"{trials} of {names} on {report.pack.name}: {_means(report.agents)};"
        f" {overall.answered} of {overall.ran} answered; {_tests(report)}."
    )


def warnings(report: RunReport) -> tuple[str, ...]:
    """What a reader must know before any figure: an unfinished or partial run, copies."""
    said: list[str] = []
    overall = report.overall
    if overall.ran < overall.planned:
        said.append(f"Unfinished: {overall.ran} of {overall.planned} planned trials were run.")
    for gap in report.partial:
        how = "was unavailable" if gap.status is Status.UNAVAILABLE else "failed by itself"
        said.append(
            f"Partial: {gap.validator} {how} in {gap.trials} of {overall.ran}"
            f" trials ({gap.why}). Do not compare these scores with complete ones."
        )
    if report.copies.cells:
        said.append(
            f"{len(report.copies.cells)} of {report.copies.of} cells hold identical answers:"
            " their rounds are no independent answers, and their spread says little."
        )
    return tuple(said)


def counted_both_ways(summary: Summary) -> str:
    """The mean and success rate with infrastructure errors counted, where that matters."""
    said: list[str] = []
    if summary.scored < summary.ran:
        missing = summary.ran - summary.scored
        said.append(
            f"mean {points(summary.mean)} without {_count(missing, 'missing score')},"
            f" {points(summary.mean_missing_as_zero)} counting missing as 0"
        )
    if summary.infrastructure:
        said.append(
            f"success {percent(summary.success_rate)} of all trials,"
            f" {percent(summary.success_rate_of_agent)} without"
            f" {_count(summary.infrastructure, 'infrastructure error')}"
        )
    return "; ".join(said)


def place(report: RunReport, where: Where) -> str:
    """Where something is, in words; the agent's name only if the run has several."""
    alone = len(report.agents) == 1
    return str(replace(where, agent="") if alone and (where.scenario or where.format) else where)


def loss_label(source: str) -> str:
    """A source of loss in words: `patterns`, `policy: failed_tests`, `no answer`."""
    if source == NO_ANSWER:
        return "no answer"
    return f"policy: {source}" if source in set(Failure) else source


def provenance(report: RunReport) -> tuple[str, ...]:
    """Where the data come from; the same for every run on the same cassettes."""
    replayed = report.run.mode is Mode.REPLAY
    return (
        "answers: replayed from recordings, without any network"
        if replayed
        else "answers: from the agents' endpoints, recorded in this run",
        f"latency and tokens: {_measured(report.overall)}",
        f"pack: {report.pack.name}, version {report.pack.version},"
        f" digest {report.run.pack_digest[:12] or UNDEFINED}",
        "scores: described only; whether formats differ is not tested here",
    )


def run_facts(report: RunReport) -> tuple[str, ...]:
    """What differs from run to run: id, times, seed, jobs, digest of ingredients, versions."""
    run = report.run
    ended = f", finished {run.finished_at}" if run.finished_at else ""
    return (
        f"run: {run.id}, started {run.started_at}{ended}",
        f"plan: seed {run.seed}, jobs {run.jobs}",
        *((f"digest: {run.digest}",) if run.digest else ()),
        *(f"{name}: {value}" for name, value in sorted(run.environment.items())),
    )


def _measured(overall: Summary) -> str:
    if not overall.answered:
        return "no answer to measure"
    if not overall.measured:
        return "not measured (answers served by a loopback endpoint)"
    if overall.measured < overall.answered:
        return (
            f"of {overall.measured} of {overall.answered} answers"
            " (the others were served by a loopback endpoint)"
        )
    return f"as recorded, of all {overall.answered} answers"


def _means(agents: Sequence[Summary]) -> str:
    if len(agents) == 1:
        mean = agents[0].mean
        return "no score" if mean is None else f"mean score {points(mean)}"
    each = (f"{points(summary.mean)} ({summary.where.agent})" for summary in agents)
    return f"mean scores {_listed(list(each))}"


def _tests(report: RunReport) -> str:
    count = report.total_waterfall.at(Stage.TESTS_PASS)
    if count.reached is None:
        return "hidden tests not checked"
    unrun = report.overall.planned - report.overall.ran
    unknown = count.not_checked - unrun
    note = f" ({unknown} not checked)" if unknown else ""
    return f"{count.reached} of {report.overall.ran} pass all hidden tests{note}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Iterable[str]) -> str:
    *most, last = list(names) or ["no agent"]
    return f"{', '.join(most)} and {last}" if most else last
