"""The application: its commands, its global options, and how it ends."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated, NoReturn

import typer

from ferrotape.cli import calibrate, history, plugins, query, record, run, scenarios, show
from ferrotape.cli.cassettes import commands as cassettes
from ferrotape.errors import ExitCode, FerrotapeError

app = typer.Typer(
    name="ferrotape",
    help="Compare prompt formats for coding agents: record, replay, judge with real tools.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run.run)
app.command()(record.record)
app.command()(calibrate.calibrate)
app.command()(history.history)
app.command()(show.show)
app.command()(query.query)
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(plugins.app, name="plugins")
app.add_typer(cassettes.app, name="cassettes")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ferrotape {version('ferrotape')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Compare prompt formats for coding agents: record, replay, judge with real tools."""


def main() -> NoReturn:
    """Runs the command line and ends the process with an `ExitCode`."""
    debug = "--debug" in sys.argv[1:]
    try:
        _add_commands_of_plugins(sys.argv[1:])
        app(standalone_mode=True)
    except FerrotapeError as error:
        if debug:
            traceback.print_exc()
        _say(error.message, error.hint)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort
        if debug:
            traceback.print_exc()
        _say(
            f"this is a defect of Ferrotape: {type(error).__name__}: {error}",
            "Run again with --debug and report what it shows.",
        )
        sys.exit(ExitCode.INTERNAL)
    sys.exit(ExitCode.OK)


def _say(message: str, hint: str) -> None:
    from ferrotape.cli.plain import plain

    typer.echo(f"ferrotape: {plain(message)}", err=True)
    if hint:
        typer.echo(plain(hint), err=True)


def _add_commands_of_plugins(arguments: list[str]) -> None:
    """Loads the plugins if a command is asked for that is not built in.

    Only then: `--help` and the built-in commands start without importing any plugin.
    """
    command = next((word for word in arguments if not word.startswith("-")), None)
    built_in = {entry.callback.__name__ for entry in app.registered_commands if entry.callback}
    if command is None or command in built_in | {group.name for group in app.registered_groups}:
        return
    from ferrotape.config import load_settings
    from ferrotape.plugins import build_host

    build_host(load_settings().disable_plugins).add_commands(app)
