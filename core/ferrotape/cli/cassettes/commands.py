"""The commands below `ferrotape cassettes`."""

from __future__ import annotations

import typer

from ferrotape.cli.cassettes import reading, tending

app = typer.Typer(
    help="Read, check and keep recordings. Name them by key, file or folder.",
    no_args_is_help=True,
)
app.command("list")(reading.list_recordings)
app.command("show")(reading.show)
app.command("diff")(reading.diff)
app.command("check")(tending.check)
app.command("scrub")(tending.scrub)
app.command("prune")(tending.prune)
app.command("verify")(tending.verify)
