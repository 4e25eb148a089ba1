"""What is wrong with recordings: broken, stale, unused, with secrets in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ferrotape.asking import BoundAgent
from ferrotape.cassettes.catalogue import Shelved
from ferrotape.cassettes.recording import Recording, open_recording
from ferrotape.cassettes.secrets import Secret, find_secrets
from ferrotape.config import Settings
from ferrotape.errors import CassetteError, UsageError
from ferrotape.model import Scenario, Trial
from ferrotape.options import decode_options
from ferrotape.packs import load_pack
from ferrotape.plugins import build_host
from ferrotape.starter import starter_folder


class Trouble(StrEnum):
    """What can be wrong with a recording, the worst first."""

    SECRET = "secret"  # noqa: S105 - no password
    """It holds what looks like a secret."""
    BROKEN = "broken"
    """It is no whole, valid cassette."""
    STALE = "stale"
    """It was made for something else than today's pack and configuration ask."""
    UNUSED = "unused"
    """No agent, scenario or format would read it."""


PRUNED = frozenset({Trouble.BROKEN, Trouble.STALE, Trouble.UNUSED})
"""What `ferrotape cassettes prune` removes: recordings that replay cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong with one file."""

    path: Path
    trouble: Trouble
    message: str
    line: int = 0
    """1-based; 0 where the whole file is meant."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.trouble}: {self.message}"


def roots(settings: Settings) -> tuple[Path, ...]:
    """Where recordings are read: the project's folder, then the starter's."""
    own, shipped = settings.cassettes, starter_folder("cassettes")
    same = own.resolve() == shipped.resolve()
    return (own,) if same else (own, shipped)


def remove(paths: Iterable[Path], root: Path) -> None:
    """Removes recordings, and the folders below the root that are empty without them.

    Raises:
        UsageError: A file cannot be removed, or is no recording below that root.
    """
    for path in paths:
        if not Shelved(path).belongs_to(root):
            raise UsageError(
                f"{path} is not removed: it is no recording of {root}",
                hint="Those lie at AGENT/SCENARIO/FORMAT/round-N.json.",
            )
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot remove {path}: {error.strerror}") from error
        with suppress(OSError):  # it is not empty, which is as well
            for folder in path.parents[:3]:
                folder.rmdir()


class Auditor:
    """Holds recordings against the configured agents and the packs of the project.

    A scenario may be of any pack in the project's folder `scenarios`, or of the configured one.
    """

    def __init__(self, settings: Settings) -> None:
        """Loads packs and plugins.

        Raises:
            PackError, PluginError, ConfigError: As the parts say.
        """
        self._packs = tuple(load_pack(folder) for folder in _pack_folders(settings))
        self._agents = _bound(settings)

    def complaints(self, shelved: Shelved) -> Iterator[Complaint]:
        """All that is wrong with a file, read once."""
        path = shelved.path
        if shelved.draft:
            message = "left behind by a save that did not come to its end"
            yield Complaint(path=path, trouble=Trouble.BROKEN, message=message)
            return
        try:
            recording = open_recording(path)
        except CassetteError as error:
            yield _broken(path, error.message)
        else:
            yield from _secrets(recording)
            yield from self._place(shelved, recording)

    def _place(self, shelved: Shelved, recording: Recording) -> Iterator[Complaint]:
        """Whether a trial would read it, and whether that trial would accept it."""

        def complaint(trouble: Trouble, message: str) -> Complaint:
            return Complaint(path=shelved.path, trouble=trouble, message=message)

        if shelved.key is None:
            message = "its place is not AGENT/SCENARIO/FORMAT/round-N.json"
            yield complaint(Trouble.UNUSED, message)
            return
        trial = trial_of(shelved.key)
        agent = self._agents.get(trial.agent)
        scenarios = [s for pack in self._packs for s in pack.scenarios if s.id == trial.scenario]
        asking = [s for s in scenarios if trial.format in s.prompts]
        if agent is None:
            message = f"there is no agent {trial.agent!r} in the configuration"
            yield complaint(Trouble.UNUSED, message)
        elif not scenarios:
            known = ", ".join(pack.name for pack in self._packs)
            message = f"there is no scenario {trial.scenario!r} in {known}"
            yield complaint(Trouble.UNUSED, message)
        elif not asking:
            message = f"{trial.scenario} has no format {trial.format!r}"
            yield complaint(Trouble.UNUSED, message)
        else:
            changes = min((_changes(agent, trial, s, recording) for s in asking), key=len)
            if changes:
                yield complaint(Trouble.STALE, "; ".join(changes))


def trial_of(key: str) -> Trial:
    """The trial with that key, `agent/scenario/format/round-N`."""
    agent, scenario, format_id, number = key.split("/")
    return Trial(
        agent=agent,
        scenario=scenario,
        format=format_id,
        round=int(number.removeprefix("round-")),
    )


def _changes(
    agent: BoundAgent, trial: Trial, scenario: Scenario, recording: Recording
) -> tuple[str, ...]:
    today = agent.identity(trial, scenario.prompts[trial.format])
    return today.changes_since(recording.identity)


def _broken(path: Path, message: str) -> Complaint:
    """The complaint for an error about a file, which the message begins with."""
    line, _, rest = message.removeprefix(str(path)).lstrip(":").partition(": ")
    if line.isdecimal():
        return Complaint(path=path, trouble=Trouble.BROKEN, message=rest, line=int(line))
    said = message.removeprefix(f"{path} ").removeprefix("is ")
    return Complaint(path=path, trouble=Trouble.BROKEN, message=said)


def _secrets(recording: Recording) -> Iterator[Complaint]:
    text = recording.path.read_text(encoding="utf-8")
    for secret in find_secrets(recording):
        yield Complaint(
            path=recording.path,
            trouble=Trouble.SECRET,
            message=f"{secret.rule} in the {secret.where}: {secret.masked}",
            line=_line(text, secret),
        )


def _line(text: str, secret: Secret) -> int:
    """The first line that holds it; 0 if it is split or spelled in another way."""
    at = text.find(secret.value)
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


def _bound(settings: Settings) -> Mapping[str, BoundAgent]:
    host = build_host(settings.disable_plugins)
    found = {}
    for name, entry in settings.agents.items():
        plugin = host.agent(entry.plugin)
        options = decode_options(plugin.Options, entry.options, f"[agents.{name}]")
        found[name] = BoundAgent(
            name=name, plugin=plugin, options=options, cassettes=settings.cassettes_of(name)
        )
    return found


def _pack_folders(settings: Settings) -> list[Path]:
    folders = [settings.pack, *(f.parent for f in settings.project.glob("scenarios/*/pack.yaml"))]
    return sorted({folder.resolve() for folder in folders})
