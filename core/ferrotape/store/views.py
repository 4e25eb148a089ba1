"""The views of the run history: the stable interface for queries.

Their names and columns stay; later versions only add to them. `docs/history.md` shows what is
written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view with what it means."""

    name: str
    about: str
    """What one row is."""
    columns: Mapping[str, str]
    """The meaning of each column, in order."""
    sql: str


_TRIAL_SCORES = View(
    name="trial_scores",
    about="One row a trial.",
    columns={
        "run": "id of the run",
        "started_at": "when the run started: UTC, ISO 8601",
        "pack": "name of the scenario pack",
        "scenario": "id of the scenario",
        "format": "id of the prompt format",
        "agent": "name of the agent in the configuration",
        "round": "repetition, from 1",
        "score": "0 to 100; null if the trial is missing (a failure that is not the agent's)"
        " or nothing could be scored",
        "mean": "the weighted mean before the failure policy",
        "lost_to_policy": "points taken by the failure policy",
        "failure": "the entry of the failure policy that decided; null if none did",
        "agent_failure": "why there is no usable reply; null if there is one",
        "partial": "1 if a weighted validator gave no score",
        "model": "the model as the endpoint named it",
        "latency_s": "seconds over all calls of the trial; null unless measured",
        "input_tokens": "as the endpoint counted them; null unless measured",
        "output_tokens": "as the endpoint counted them; null unless measured",
        "rule": "the rule that found the code, or why none did",
        "code_sha256": "hash of the code; equal for equal code",
        "answered": "1 if there is a usable reply",
        "extracted": "1 if code was found; from here on null for a missing trial",
        "compiled": "1 if rustc accepts the code; null if no tool could say",
        "interface_fits": "1 if it also compiles with the hidden tests; null if no tool could say",
        "tests_passed": "1 if all hidden tests pass; null if no tool could say",
        "lint_clean": "1 if neither rustc nor clippy objects; null if no tool could say",
    },
    # A trial that its agent failed is a 0 at every stage, one that is missing a null. `said` holds
    # what stages go by; it is looked up in the few verdicts of each trial. The same rules, in
    # Python, are those of ferrotape.analysis.
    sql="""
with said as (
    select
        t.*,
        (select v.status from verdicts v where v.trial_id = t.id and v.validator = 'rustc'
            and v.status in ('passed', 'failed')) as rustc,
        (select v.status from verdicts v where v.trial_id = t.id and v.validator = 'clippy'
            and v.status in ('passed', 'failed')) as clippy,
        (select v.status from verdicts v where v.trial_id = t.id and v.validator = 'tests'
            and v.status in ('passed', 'failed')) as tests,
        exists (select * from verdicts v where v.trial_id = t.id
            and v.status = 'error') as crashed,
        exists (select * from verdicts v where v.trial_id = t.id
            and v.failure = 'compile_error') as broken,
        exists (select * from verdicts v where v.trial_id = t.id
            and v.failure = 'interface_mismatch') as misfit,
        exists (select * from verdicts v where v.trial_id = t.id
            and v.failure = 'failed_tests') as wrong
    from trials t
),
answers as (
    select
        *,
        agent_failure is null as answered,
        case
            when agent_caused = 0 then null
            when agent_caused = 1 then 0
            when code_sha256 is not null then 1
            when not crashed then 0
        end as extracted
    from said
),
compilations as (
    select
        *,
        case
            when extracted = 0 or (extracted = 1 and broken) then 0
            when extracted = 1 and (rustc is not null or tests is not null) then 1
        end as compiled
    from answers
),
tested as (
    select
        *,
        case
            when compiled = 0 or (compiled = 1 and misfit) then 0
            when compiled = 1 and tests is not null then 1
        end as interface_fits
    from compilations
)
select
    r.id as run,
    r.started_at,
    r.pack,
    t.scenario,
    t.format,
    t.agent,
    t.round,
    case when t.agent_caused = 0 then null else t.score end as score,
    t.mean,
    t.lost_to_policy,
    t.failure,
    t.agent_failure,
    t.partial,
    t.model,
    t.latency_s,
    t.input_tokens,
    t.output_tokens,
    t.rule,
    t.code_sha256,
    t.answered,
    t.extracted,
    t.compiled,
    t.interface_fits,
    case
        when t.interface_fits = 0 or (t.interface_fits = 1 and t.wrong) then 0
        when t.interface_fits = 1 then t.tests = 'passed'
    end as tests_passed,
    case
        when t.compiled = 0 or t.rustc = 'failed' or t.clippy = 'failed' then 0
        when t.compiled = 1 and t.rustc = 'passed' and t.clippy = 'passed' then 1
    end as lint_clean
from tested t
join runs r on r.id = t.run_id
""".strip(),
)

_FORMAT_SUMMARY = View(
    name="format_summary",
    about="One row a run and format.",
    columns={
        "run": "id of the run",
        "started_at": "when the run started: UTC, ISO 8601",
        "format": "id of the prompt format",
        "trials": "trials that were stored",
        "answered": "trials with a usable reply",
        "missing": "trials without a usable reply for a reason that is not the agent's",
        "scored": "trials with a score, failures of the agent included as 0",
        "partial": "trials in which a weighted validator gave no score",
        "mean_score": "mean over the scored trials",
        "mean_answered": "mean over the scored trials with a usable reply",
        "min_score": "the lowest score",
        "max_score": "the highest score",
        "mean_latency_s": "mean latency of the measured trials; null if none was",
    },
    sql="""
select
    run,
    started_at,
    format,
    count(*) as trials,
    sum(answered) as answered,
    sum(not answered and score is null) as missing,
    count(score) as scored,
    sum(partial) as partial,
    avg(score) as mean_score,
    avg(case when answered then score end) as mean_answered,
    min(score) as min_score,
    max(score) as max_score,
    avg(latency_s) as mean_latency_s
from trial_scores
group by run, format
""".strip(),
)

_WATERFALL = View(
    name="waterfall",
    about="One row a run and format: how many trials got as far as each stage. Every stage counts"
    " only trials that passed the one before. It is null if not one of those could be checked, for"
    " want of a tool for instance, and so are then the stages after it.",
    columns={
        "run": "id of the run",
        "started_at": "when the run started: UTC, ISO 8601",
        "format": "id of the prompt format",
        "planned": "trials in the plan; of an interrupted run, its equal share for each format",
        "answered": "there is a usable reply",
        "extracted": "code was found in it",
        "compiles": "rustc accepts it",
        "interface_fits": "it compiles with the hidden tests",
        "tests_pass": "all hidden tests pass",
        "lint_clean": "neither rustc nor clippy objects",
    },
    # A count is null if, of the trials that got so far, not one could be checked, and then all
    # that follow are (`+ 0 *`): a null factor makes a null.
    sql="""
with stored as (
    select run_id, count(*) as trials from trials group by run_id
),
planned as (
    select
        r.id as run,
        r.started_at,
        f.value as format,
        case
            when coalesce(s.trials, 0) >= r.planned then 0
            else (r.planned + json_array_length(r.formats) - 1) / json_array_length(r.formats)
        end as share
    from runs r
    join json_each(r.formats) f
    left join stored s on s.run_id = r.id
),
stages as (
    select
        *,
        case when tests_passed = 0 then 0 when tests_passed = 1 then lint_clean end as clean
    from trial_scores
),
counts as (
    select
        p.run,
        p.started_at,
        p.format,
        max(p.share, count(t.run)) as planned,
        sum(t.answered) as answered,
        case when sum(t.answered) = 0 or count(case when t.answered then t.extracted end) > 0
            then coalesce(sum(t.extracted), 0) end as extracted,
        case when coalesce(sum(t.extracted), 0) = 0
            or count(case when t.extracted then t.compiled end) > 0
            then coalesce(sum(t.compiled), 0) end as compiles,
        case when coalesce(sum(t.compiled), 0) = 0
            or count(case when t.compiled then t.interface_fits end) > 0
            then coalesce(sum(t.interface_fits), 0) end as interface_fits,
        case when coalesce(sum(t.interface_fits), 0) = 0
            or count(case when t.interface_fits then t.tests_passed end) > 0
            then coalesce(sum(t.tests_passed), 0) end as tests_pass,
        case when coalesce(sum(t.tests_passed), 0) = 0
            or count(case when t.tests_passed then t.clean end) > 0
            then coalesce(sum(t.clean), 0) end as lint_clean
    from planned p
    left join stages t on t.run = p.run and t.format = p.format
    group by p.run, p.format
)
select
    run,
    started_at,
    format,
    planned,
    answered,
    extracted + 0 * answered as extracted,
    compiles + 0 * extracted as compiles,
    interface_fits + 0 * extracted * compiles as interface_fits,
    tests_pass + 0 * extracted * compiles * interface_fits as tests_pass,
    lint_clean + 0 * extracted * compiles * interface_fits * tests_pass as lint_clean
from counts
""".strip(),
)

VIEWS = (_TRIAL_SCORES, _FORMAT_SUMMARY, _WATERFALL)


def describe(views: Iterable[View] = VIEWS) -> str:
    """The views and their columns in Markdown, as `docs/history.md` shows them."""
    sections = []
    for view in views:
        rows = (f"| `{name}` | {meaning} |" for name, meaning in view.columns.items())
        sections.append(
            "\n".join(
                (
                    f"### `{view.name}`",
                    "",
                    view.about,
                    "",
                    "| column | meaning |",
                    "|---|---|",
                    *rows,
                )
            )
        )
    return "\n\n".join(sections)
