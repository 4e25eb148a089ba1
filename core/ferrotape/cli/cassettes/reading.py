"""`ferrotape cassettes list | show | diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Several = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CASSETTE]...", help="Keys, files or folders.", show_default="all"),
]
One = Annotated[str, typer.Argument(help="A key (AGENT/SCENARIO/FORMAT/round-N) or a file.")]
CassettesOption = Annotated[
    Path | None,
    typer.Option("--cassettes", help="Their folder.", show_default="as configured"),
]


def list_recordings(cassettes_given: Several = None, cassettes: CassettesOption = None) -> None:
    """List recordings by agent, scenario and format: rounds, outcome, size."""
    from ferrotape.audit import roots
    from ferrotape.cassettes.catalogue import choose
    from ferrotape.cli.cassettes.views import listing
    from ferrotape.cli.render import print_table
    from ferrotape.config import load_settings

    settings = load_settings(cassettes=cassettes)
    found = choose(roots(settings), cassettes_given or ())
    if not found:
        typer.echo("There are no recordings yet; `ferrotape record` makes them.")
        return
    print_table(listing(found))


def show(cassette: One, cassettes: CassettesOption = None) -> None:
    """Show a recording: what it was made for, its calls and times, prompt and answer."""
    from ferrotape.audit import roots
    from ferrotape.cassettes.catalogue import choose_one
    from ferrotape.cassettes.recording import open_recording
    from ferrotape.cli.cassettes.views import show_recording
    from ferrotape.config import load_settings

    found = choose_one(roots(load_settings(cassettes=cassettes)), cassette)
    show_recording(found.name, open_recording(found.path))


def diff(a: One, b: One, cassettes: CassettesOption = None) -> None:
    """Show how two recordings differ: identity, prompt, answer."""
    from ferrotape.audit import roots
    from ferrotape.cassettes.catalogue import choose_one
    from ferrotape.cassettes.recording import open_recording
    from ferrotape.cli.cassettes.views import show_difference
    from ferrotape.config import load_settings

    where = roots(load_settings(cassettes=cassettes))
    first, second = choose_one(where, a), choose_one(where, b)
    sides = [(found.name, open_recording(found.path)) for found in (first, second)]
    show_difference(*sides)
