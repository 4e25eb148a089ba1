"""`ferrotape plugins`: what is installed."""

from __future__ import annotations

import typer

app = typer.Typer(help="See which plugins are installed.", no_args_is_help=True)


@app.command("list")
def list_plugins() -> None:
    """List agents, extractors, validators, reporters and executors with their origin."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ferrotape.cli.plain import plain
    from ferrotape.config import load_settings
    from ferrotape.plugins import build_host

    host = build_host(load_settings().disable_plugins)
    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "name", "version", "distribution", "description"):
        table.add_column(heading, overflow="fold")
    for entry in host.registered:
        plugin = entry.plugin
        cells = (entry.kind, plugin.name, plugin.version, entry.distribution, plugin.description)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    Console(emoji=False).print(table)
