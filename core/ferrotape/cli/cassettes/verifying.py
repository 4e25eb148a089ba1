"""Carries `ferrotape cassettes verify` out."""

from __future__ import annotations

from collections.abc import Sequence

from ferrotape.audit import roots, trial_of
from ferrotape.cassettes.catalogue import choose
from ferrotape.cli.cassettes.views import say
from ferrotape.cli.changes import difference_lines
from ferrotape.cli.console import SteadyConsole
from ferrotape.cli.progress import show_trials
from ferrotape.config import Settings
from ferrotape.errors import ExitCode
from ferrotape.model import Trial
from ferrotape.store import Store
from ferrotape.verification import Verified, plan_for, verify
from ferrotape.workbench import Workbench, open_workbench


def verify_recordings(settings: Settings, wanted: Sequence[str]) -> ExitCode:
    """Replays, compares and tells; failed if a verdict is not what the history says."""
    with (
        Store.open(settings.store, create=False) as store,
        open_workbench(settings, fresh=True) as bench,
    ):
        trials = _trials(bench, wanted)
        if not trials:
            say("There is nothing to verify: no recording is of this pack and these agents.")
            return ExitCode.OK
        plan = plan_for(bench, trials)
        with show_trials(SteadyConsole(), bench.pack, plan.trials, verbose=False) as on_result:
            verified = verify(bench, store, plan, on_result)
    for entry in verified:
        _tell(entry)
    differing = sum(bool(entry.changes) for entry in verified)
    unknown = sum(entry.run_id is None for entry in verified)
    say(
        f"{len(verified)} recordings replayed: {len(verified) - differing - unknown} as in the"
        f" history, {differing} otherwise, {unknown} not in the history."
    )
    return ExitCode.FAILED if differing else ExitCode.OK


def _trials(bench: Workbench, wanted: Sequence[str]) -> tuple[Trial, ...]:
    """The trials of the recordings; without a selection, those of this pack and its agents."""
    keys = [f.key for f in choose(roots(bench.settings), wanted) if f.key is not None]
    trials = tuple(trial_of(key) for key in keys)
    if wanted:
        return trials
    prompts = {s.id: s.prompts for s in bench.pack.scenarios}
    agents = bench.settings.agents
    return tuple(t for t in trials if t.agent in agents and t.format in prompts.get(t.scenario, ()))


def _tell(entry: Verified) -> None:
    for change in entry.changes:
        say(f"{entry.key}: {change} (run {entry.run_id})")
    for line in difference_lines(entry.causes):
        say(f"  {line}")
