"""`ferrotape run`: replay recorded answers, judge them, store and report."""

from __future__ import annotations

from typing import Annotated

import typer

from ferrotape.cli import params


def run(
    scenario: params.Scenarios = None,
    format: params.Formats = None,  # noqa: A002 - the option's name
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds; as many as are recorded by default.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(help="An agent of the configuration; may be given again.")
    ] = None,
    jobs: params.Jobs = None,
    seed: params.Seed = None,
    output: params.Output = None,
    cassettes: params.Cassettes = None,
    pack: params.Pack = None,
    store: params.Store = None,
    config: params.Config = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Judge anew, and renew the cached verdicts.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on with a run: do only what is missing of it."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the agents for real, as `ferrotape record` does.")
    ] = False,
    calls: params.Calls = None,
    max_cost: params.MaxCost = None,
    max_tokens: params.MaxTokens = None,
    yes: params.Yes = False,
    verbose: params.Verbose = False,
) -> None:
    """Replay recorded answers offline, judge them with real tools, store and report."""
    from ferrotape.cli.session import Wanted, carry_out, go_on
    from ferrotape.config import load_settings
    from ferrotape.errors import UsageError
    from ferrotape.model import Mode
    from ferrotape.selection import Selection

    settings = load_settings(
        config=config,
        jobs=jobs,
        seed=seed,
        reports=output,
        cassettes=cassettes,
        pack=pack,
        store=store,
        live={"calls": calls, "max_cost": max_cost, "max_tokens": max_tokens},
    )
    wanted = Wanted(fresh=fresh, verbose=verbose, yes=yes)
    if resume is not None:
        if scenario or format or rounds or agent or seed is not None or live:
            raise UsageError(
                "a run is resumed as it was planned: --resume goes with none of --scenario,"
                " --format, --rounds, --agent, --seed and --live"
            )
        raise typer.Exit(go_on(settings, resume, wanted))
    selection = Selection(
        scenarios=tuple(scenario or ()),
        formats=tuple(format or ()),
        agents=tuple(agent or ()),
        rounds=rounds,
    )
    raise typer.Exit(carry_out(settings, selection, Mode.RECORD if live else Mode.REPLAY, wanted))
