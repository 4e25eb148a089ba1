"""`ferrotape record`: ask an agent for real and keep every call on a cassette."""

from __future__ import annotations

from typing import Annotated

import typer

from ferrotape.cli import params


def record(
    agent: Annotated[list[str], typer.Option(help="An agent of the configuration.")],
    scenario: params.Scenarios = None,
    format: params.Formats = None,  # noqa: A002 - the option's name
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds to record.", show_default="as set, else 1")
    ] = None,
    jobs: params.Jobs = None,
    seed: params.Seed = None,
    output: params.Output = None,
    cassettes: params.Cassettes = None,
    pack: params.Pack = None,
    store: params.Store = None,
    config: params.Config = None,
    calls: params.Calls = None,
    max_cost: params.MaxCost = None,
    max_tokens: params.MaxTokens = None,
    batch: params.Batch = False,
    dry_run: params.DryRun = False,
    yes: params.Yes = False,
    verbose: params.Verbose = False,
) -> None:
    """Ask an agent over the network, keep every call on a cassette, then judge and report.

    Recordings of the same trials are replaced. The key comes from the environment, such as
    ANTHROPIC_API_KEY, and is never written anywhere. With --batch the command may be ended and
    given again at any time: what was submitted is not asked for, nor paid for, twice.
    """
    from ferrotape.cli.session import Wanted, carry_out
    from ferrotape.config import load_settings
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
    selection = Selection(
        scenarios=tuple(scenario or ()),
        formats=tuple(format or ()),
        agents=tuple(agent),
        rounds=rounds,
    )
    wanted = Wanted(verbose=verbose, yes=yes, dry_run=dry_run, batch=batch)
    raise typer.Exit(carry_out(settings, selection, Mode.RECORD, wanted))
