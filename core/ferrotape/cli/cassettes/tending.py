"""`ferrotape cassettes check | scrub | prune | verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ferrotape.cli.cassettes.reading import CassettesOption, Several
from ferrotape.errors import ExitCode


def check(cassettes_given: Several = None, cassettes: CassettesOption = None) -> None:
    """Find secrets, and broken, stale and unused recordings."""
    from ferrotape.audit import Auditor, roots
    from ferrotape.cassettes.catalogue import choose
    from ferrotape.cli.cassettes.views import closing, say
    from ferrotape.config import load_settings

    settings = load_settings(cassettes=cassettes)
    files = choose(roots(settings), cassettes_given or ())
    auditor = Auditor(settings)
    found = [complaint for entry in files for complaint in auditor.complaints(entry)]
    for complaint in found:
        say(str(complaint))
    say(closing(len(files), found))
    raise typer.Exit(ExitCode.FAILED if found else ExitCode.OK)


def scrub(
    cassettes_given: Several = None,
    cassettes: CassettesOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Take secrets out of recordings; they still replay."""
    from ferrotape.cassettes.catalogue import choose
    from ferrotape.cassettes.redaction import scrub_recording
    from ferrotape.cli.cassettes.views import say, say_scrubbed
    from ferrotape.config import load_settings
    from ferrotape.errors import CassetteError

    files = choose([load_settings(cassettes=cassettes).cassettes], cassettes_given or ())
    paths = [entry.path for entry in files if not entry.draft]
    changed = left = broken = 0
    for path in paths:
        try:
            scrubbed = scrub_recording(path, dry_run=dry_run)
        except CassetteError as error:
            broken += 1
            say(error.message)
            continue
        say_scrubbed(scrubbed, dry_run=dry_run)
        changed += bool(scrubbed.removed)
        left += bool(scrubbed.kept)
    say(f"{changed} of {len(paths)} recordings {'would be ' if dry_run else ''}scrubbed.")
    if broken:
        say(f"{broken} could not be, and may hold secrets: `prune` removes what is broken.")
    raise typer.Exit(ExitCode.FAILED if left or broken else ExitCode.OK)


def prune(
    cassettes_given: Several = None,
    cassettes: CassettesOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove unused, stale and broken recordings, after showing them; no other file."""
    from ferrotape.audit import PRUNED, Auditor, remove
    from ferrotape.cassettes.catalogue import choose
    from ferrotape.cli.cassettes.views import say
    from ferrotape.config import load_settings

    settings = load_settings(cassettes=cassettes)
    root = settings.cassettes
    chosen = choose([root], cassettes_given or ())
    files = [entry for entry in chosen if entry.belongs_to(root)]
    if len(files) < len(chosen):
        say(f"{len(chosen) - len(files)} files stay, which are no recordings of {root}.")
    auditor = Auditor(settings)
    found = [c for entry in files for c in auditor.complaints(entry) if c.trouble in PRUNED]
    for complaint in found:
        say(str(complaint))
    paths = sorted({complaint.path for complaint in found})
    if not paths:
        say(f"Nothing to remove: all {len(files)} recordings are of use.")
        return
    if not yes:
        typer.confirm(f"Remove {len(paths)} of {len(files)} files?", abort=True)
    remove(paths, root)
    say(f"{len(paths)} of {len(files)} files removed.")


def verify(
    cassettes_given: Several = None,
    cassettes: CassettesOption = None,
    pack: Annotated[str | None, typer.Option(help="A pack's folder or name.")] = None,
    store: Annotated[Path | None, typer.Option(help="The SQLite history.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Trials at a time.")] = None,
) -> None:
    """Replay recordings, judge them anew, compare with the history's verdicts."""
    from ferrotape.cli.cassettes.verifying import verify_recordings
    from ferrotape.config import load_settings

    settings = load_settings(cassettes=cassettes, pack=pack, store=store, jobs=jobs)
    raise typer.Exit(verify_recordings(settings, cassettes_given or ()))
