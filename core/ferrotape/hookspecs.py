"""The hooks that plugins implement (pluggy, project `ferrotape`).

A plugin package names its module in the entry point group `ferrotape`; the module implements
hooks with `@ferrotape.hookimpl`. Results of all implementations count, in the order: built-ins,
then third parties by entry point name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from ferrotape.contracts import Agent, Executor, Extractor, Reporter, Validator
    from ferrotape.model import Run, TrialResult

PROJECT = "ferrotape"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def ferrotape_agents() -> Sequence[Agent]:  # type: ignore[empty-body]
    """Agents this plugin brings. Fires once, when the host is built; all results count."""


@hookspec
def ferrotape_extractors() -> Sequence[Extractor]:  # type: ignore[empty-body]
    """Extractors this plugin brings. Fires once, when the host is built; all results count.

    For a reply they are tried by falling `priority`, then by name; the first that finds code
    wins.
    """


@hookspec
def ferrotape_validators() -> Sequence[Validator]:  # type: ignore[empty-body]
    """Validators this plugin brings. Fires once, when the host is built; all results count."""


@hookspec
def ferrotape_reporters() -> Sequence[Reporter]:  # type: ignore[empty-body]
    """Reporters this plugin brings. Fires once, when the host is built; all results count."""


@hookspec
def ferrotape_executors() -> Sequence[Executor]:  # type: ignore[empty-body]
    """Executors this plugin brings. Fires once, when the host is built; all results count."""


@hookspec
def ferrotape_run_started(run: Run) -> None:
    """A run has been planned and stored. Fires in the main thread; results are ignored."""


@hookspec
def ferrotape_trial_finished(result: TrialResult) -> None:
    """A trial has been stored. Fires in the main thread, as trials end; results are ignored."""


@hookspec
def ferrotape_run_finished(run: Run) -> None:
    """A run has ended, also when it was interrupted. Fires once; results are ignored."""


@hookspec
def ferrotape_commands(app: typer.Typer) -> None:
    """Adds commands to the command line.

    Fires when a command is asked for that is not built in, and for `ferrotape plugins list`;
    results are ignored.
    """
