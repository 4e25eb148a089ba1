"""Where recordings lie: `ROOT/AGENT/SCENARIO/FORMAT/round-N.json`, and which there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ferrotape.errors import UsageError
from ferrotape.model import Trial

_ROUND = re.compile(r"round-([1-9][0-9]*)\.json")
_PLAIN = re.compile(r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]*")


def cassette_path(root: Path, trial: Trial) -> Path:
    """The place of a trial's cassette.

    Raises:
        UsageError: An id of the trial is no plain file name.
    """
    for kind, name in (
        ("agent", trial.agent),
        ("scenario", trial.scenario),
        ("format", trial.format),
    ):
        if not _PLAIN.fullmatch(name):
            raise UsageError(
                f"the {kind} {name!r} cannot name a folder of recordings",
                hint="Use letters, digits, `-` and `_`.",
            )
    return root / f"{trial.key}.json"


def recorded_rounds(root: Path, agent: str, scenario: str, format_id: str) -> tuple[int, ...]:
    """The rounds recorded for one agent, scenario and format, ascending."""
    return _rounds(root / agent / scenario / format_id)


def recorded_agents(root: Path) -> tuple[str, ...]:
    """The agents that have at least one recording, sorted."""
    return tuple(
        agent.name
        for agent in _folders(root)
        if any(_rounds(variant) for scenario in _folders(agent) for variant in _folders(scenario))
    )


def describe_missing(path: Path) -> tuple[str, str]:
    """What to say of a recording that is not there: a message, and a hint with the nearest."""
    message = f"there is no recording {path}"
    try:
        root, agent, scenario, variant = path.parents[3], *path.parts[-4:-1]
    except (IndexError, ValueError):
        return message, "Make one with `ferrotape record`."
    record = f"make it with `ferrotape record --agent {agent}`."
    rounds = recorded_rounds(root, agent, scenario, variant)
    if rounds:
        listed = ", ".join(map(str, rounds))
        return message, f"Recorded for {agent}, {scenario}, {variant}: rounds {listed}; or {record}"
    formats = [entry.name for entry in _folders(root / agent / scenario) if _rounds(entry)]
    if formats:
        return (
            message,
            f"Recorded for {agent}, {scenario}: formats {', '.join(formats)}; or {record}",
        )
    scenarios = [
        entry.name
        for entry in _folders(root / agent)
        if any(_rounds(inner) for inner in _folders(entry))
    ]
    if scenarios:
        return message, f"Recorded for {agent}: scenarios {', '.join(scenarios)}; or {record}"
    agents = recorded_agents(root)
    if agents:
        return message, f"Recorded agents: {', '.join(agents)}; or {record}"
    return message, f"Nothing is recorded below {root}; {record}"


def _rounds(folder: Path) -> tuple[int, ...]:
    if not folder.is_dir():
        return ()
    matches = (_ROUND.fullmatch(entry.name) for entry in folder.iterdir())
    return tuple(sorted(int(match[1]) for match in matches if match))


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(entry for entry in folder.iterdir() if entry.is_dir())
