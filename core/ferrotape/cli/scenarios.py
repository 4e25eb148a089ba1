"""`ferrotape scenarios`: what is asked, and whether the pack can tell good answers from wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ferrotape.errors import ExitCode

app = typer.Typer(help="List, show and check the scenarios of a pack.", no_args_is_help=True)
PackOption = Annotated[
    Path | None, typer.Option("--pack", help="The pack's folder.", show_default="as configured")
]


@app.command("list")
def list_scenarios(pack: PackOption = None) -> None:
    """List the scenarios of the pack."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ferrotape.cli.plain import plain
    from ferrotape.config import load_settings
    from ferrotape.packs import load_pack

    console = Console(emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)  # room for titles on one line
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "title", "complexity", "expected", "formats", "checks"):
        table.add_column(heading, no_wrap=heading != "title")
    table.add_column("hidden tests")
    for scenario in load_pack(load_settings(pack=pack).pack).scenarios:
        low, high = scenario.expected_quality
        texts = (scenario.id, scenario.title, scenario.complexity, f"{low:g}-{high:g}%")
        hidden = len(scenario.hidden_tests.splitlines())
        counts = (len(scenario.prompts), len(scenario.patterns), f"{hidden} lines")
        cells = (*texts, *map(str, counts))
        table.add_row(*(Text(plain(cell, one_line=True)) for cell in cells))
    console.print(table)


@app.command()
def show(
    scenario_id: Annotated[str, typer.Argument(metavar="ID", help="The scenario.")],
    format_id: Annotated[
        str | None, typer.Option("--format", help="The prompt to show.", show_default="the first")
    ] = None,
    pack: PackOption = None,
) -> None:
    """Show a scenario with one of its prompts."""
    from ferrotape.cli.plain import plain
    from ferrotape.config import load_settings
    from ferrotape.packs import load_pack, pick

    loaded = load_pack(load_settings(pack=pack).pack)
    scenario = loaded.scenario(pick("scenario", scenario_id, [s.id for s in loaded.scenarios]))
    chosen = pick("format", format_id or loaded.format_ids[0], loaded.format_ids)
    low, high = scenario.expected_quality
    typer.echo(plain(f"{scenario.id}: {scenario.title}"))
    typer.echo(plain(f"complexity {scenario.complexity}, {scenario.estimated_time or 'any time'}"))
    typer.echo(f"expected {low:g}-{high:g}%, {len(scenario.patterns)} checks:")
    for pattern in scenario.patterns:
        typer.echo(plain(f"  {pattern.weight:>4g}  {pattern.id}: {pattern.description}"))
    typer.echo(plain(f"prompt in the format {chosen}:\n\n{scenario.prompts[chosen]}"))


@app.command()
def check(
    repeat: Annotated[int, typer.Option(min=1, help="How often to judge the reference.")] = 3,
    scenario: Annotated[list[str] | None, typer.Option(help="Only these.", metavar="ID")] = None,
    pack: PackOption = None,
) -> None:
    """Check the pack's files, then hold its rubric against its own sample answers."""
    from rich.console import Console

    from ferrotape.cli.plain import plain
    from ferrotape.config import load_settings
    from ferrotape.packs import pick, self_test
    from ferrotape.workbench import open_judge

    words = {True: "ok    ", False: "FAILED", None: "-     "}
    counts = {True: 0, False: 0, None: 0}
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    loaded, judge = open_judge(load_settings(pack=pack))
    chosen = [pick("scenario", s, [s.id for s in loaded.scenarios]) for s in scenario or ()]
    with console.status("judging", spinner="line") as status:
        for found in self_test(loaded, judge, repeat=repeat, scenarios=chosen):
            counts[found.ok] += 1
            where = f"{found.scenario}  {found.subject}"
            console.print(plain(f"{words[found.ok]}  {where}: {found.message}", one_line=True))
            status.update(f"{sum(counts.values())} checks done")
    closing = f"{counts[True]} of {sum(counts.values())} checks hold, {counts[False]} failed"
    console.print(f"{closing}, {counts[None]} cannot be checked here.")
    raise typer.Exit(ExitCode.FAILED if counts[False] else ExitCode.OK)
