"""The numbered steps from an empty file to the newest schema.

A step never changes once it has been released: add another one. Each runs in one transaction
with its record; a step that changes a view ends with `create_views`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from ferrotape.errors import StoreError
from ferrotape.store.connection import immediate
from ferrotape.store.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

SET_NAME = "ferrotape"
"""The name under which the steps are recorded; it also marks a file as a run history."""

# Rows of a trial lie together (WITHOUT ROWID, keyed by trial): one page is written a table, and
# one read. Replies and code are keyed by what they hold, so an answer seen again costs nothing.
_TABLES = """
create table runs (
    id text primary key not null,
    started_at text not null,
    mode text not null,
    pack text not null,
    pack_version text not null,
    pack_digest text not null,
    seed integer not null,
    jobs integer not null,
    planned integer not null,
    scenarios text not null,    -- JSON array
    formats text not null,      -- JSON array
    agents text not null,       -- JSON array
    rounds integer not null,
    environment text not null,  -- JSON object
    status text not null,
    finished_at text
) strict;

create table replies (
    sha256 text primary key not null,  -- of `reply` as UTF-8
    reply text not null                -- JSON of a Reply without its calls
) strict;

create table submissions (
    sha256 text primary key not null,  -- of `code` as UTF-8
    code text not null
) strict;

create table trials (
    id integer primary key,
    run_id text not null references runs (id) on delete cascade,
    scenario text not null,
    format text not null,
    agent text not null,
    round integer not null,
    plan_order integer not null,
    reply_sha256 text not null references replies (sha256),
    model text not null,
    agent_failure text,
    agent_caused integer,              -- null without an agent failure
    latency_s real,                    -- null unless measured
    input_tokens integer,              -- null unless measured
    output_tokens integer,             -- null unless measured
    extractor text,                    -- null without an extraction
    rule text,
    note text,
    code_sha256 text references submissions (sha256),
    score real,
    mean real,
    cap real,
    failure text,
    lost_to_policy real not null,
    partial integer not null,
    reply_s real not null,
    extract_s real not null,
    validators_s text not null,        -- JSON object
    cached text not null,              -- JSON array
    unique (run_id, scenario, format, agent, round)
) strict;

create table calls (
    trial_id integer not null references trials (id) on delete cascade,
    position integer not null,
    call_index integer not null,
    status integer not null,
    latency_s real,
    ttfb_s real,
    error text not null,
    primary key (trial_id, position)
) strict, without rowid;

create table verdicts (
    trial_id integer not null references trials (id) on delete cascade,
    position integer not null,
    validator text not null,
    version text not null,
    status text not null,
    score real,
    summary text not null,
    metrics text not null,             -- JSON object
    failure text,
    distribution text not null,
    primary key (trial_id, position)
) strict, without rowid;

create table findings (
    trial_id integer not null,
    verdict integer not null,          -- the position of its verdict
    position integer not null,
    code text not null,
    message text not null,
    severity text not null,
    file text not null,
    line integer,
    "column" integer,
    primary key (trial_id, verdict, position),
    foreign key (trial_id, verdict) references verdicts (trial_id, position) on delete cascade
) strict, without rowid;

create table score_parts (
    trial_id integer not null references trials (id) on delete cascade,
    position integer not null,
    validator text not null,
    weight real not null,
    score real,
    lost real not null,
    primary key (trial_id, position)
) strict, without rowid;
"""


_INGREDIENTS = """
alter table runs add column digest text not null default '';  -- empty if not replayed

create table ingredients (
    run_id text not null references runs (id) on delete cascade,
    name text not null,
    digest text not null,
    value text not null,               -- for readers; empty for files and what stays private
    primary key (run_id, name)
) strict, without rowid;
"""


def _history(db: Database) -> None:
    db.executescript(_TABLES)
    create_views(db)


def _ingredients(db: Database) -> None:
    db.executescript(_INGREDIENTS)


_STEPS = {"0001_history": _history, "0002_ingredients": _ingredients}


def create_views(db: Database) -> None:
    """Brings every view to its newest definition."""
    for view in VIEWS:
        db.create_view(view.name, view.sql, replace=True)


def migrations() -> Migrations:
    """All steps, in order."""
    steps = Migrations(SET_NAME)
    for name, step in _STEPS.items():
        steps(name=name)(step)
    return steps


def refuse_strangers(db: Database, path: Path) -> None:
    """Reads whether `db`, opened from `path`, is one that this version may use.

    Raises:
        StoreError: The file is no run history, or one of a newer Ferrotape.
    """
    db.begin()  # one snapshot: another process may be creating the tables just now
    try:
        applied = {step.name for step in migrations().applied(db)}
        foreign = not applied and bool(db.table_names())
    finally:
        db.rollback()
    unknown = sorted(applied - _STEPS.keys())
    if unknown:
        raise StoreError(
            f"the run history {path} was written by a newer Ferrotape (it has {unknown[-1]})",
            hint="Upgrade Ferrotape, or give another file with --store.",
        )
    if foreign:
        raise StoreError(
            f"{path} is no run history: it is a database of something else",
            hint="Give another file with --store.",
        )


def refuse_older(db: Database, path: Path) -> None:
    """Reads whether `db`, which cannot be written, is of the newest schema.

    Raises:
        StoreError: It would have to be brought up to date first.
    """
    if migrations().pending(db):
        raise StoreError(
            f"the run history {path} was written by an older Ferrotape and cannot be brought up"
            " to date here: it is read-only",
            hint="Copy it to a folder that you may write to, and give the copy with --store.",
        )


def migrate(db: Database) -> None:
    """Brings the history in `db` to the newest schema; nothing is done if it is there."""
    steps = migrations()
    if steps.pending(db):
        # The lock comes first: another process may be at it, and then nothing is left to do.
        with immediate(db.conn):
            steps.apply(db)
