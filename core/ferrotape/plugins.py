"""The plugin host: what is registered, in which order, behind a typed facade.

Built-ins come first, in the order of `BUILTINS`; then third-party entry points of the group
`ferrotape`, by name, because the order of installed distributions differs between machines.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.metadata import version as distribution_version
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from ferrotape import hookspecs
from ferrotape.calling import call_plugin, sentence_of
from ferrotape.contracts import Agent, Executor, Extractor, Plugin, Reporter, Validator
from ferrotape.errors import FerrotapeError, PluginError

if TYPE_CHECKING:
    import typer

    from ferrotape.model import Run, TrialResult

BUILTINS = (
    "ferrotape_plugins.agents.anthropic",
    "ferrotape_plugins.agents.claude_code",
    "ferrotape_plugins.agents.command",
    "ferrotape_plugins.agents.llm",
    "ferrotape_plugins.agents.mcp",
    "ferrotape_plugins.extractors.markdown",
    "ferrotape_plugins.validators.patterns",
    "ferrotape_plugins.rust.plugin",
    "ferrotape_plugins.reporters.console",
    "ferrotape_plugins.reporters.markdown",
    "ferrotape_plugins.reporters.json",
    "ferrotape_plugins.executors.threads",
)
ENTRY_POINT_GROUP = "ferrotape"
OWN_DISTRIBUTION = "ferrotape"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True, slots=True)
class Registered:
    """One plugin, for `ferrotape plugins list` and for messages that name it."""

    kind: str
    plugin: Plugin
    distribution: str
    """Name and version of the package it comes from."""

    def __str__(self) -> str:
        return f"{self.kind} {self.plugin.name!r} of {self.distribution}"


class Host:
    """All plugins of a process. Build it with `build_host`."""

    def __init__(self, manager: pluggy.PluginManager, distributions: Mapping[str, str]) -> None:
        self._manager = manager
        self._distributions = distributions
        self._registered = tuple(self._collect())
        self._agents: dict[str, Agent] = self._of_kind("agent", Agent)
        self._extractors: dict[str, Extractor] = self._of_kind("extractor", Extractor)
        self._validators: dict[str, Validator] = self._of_kind("validator", Validator)
        self._reporters: dict[str, Reporter] = self._of_kind("reporter", Reporter)
        self._executors: dict[str, Executor] = self._of_kind("executor", Executor)

    @property
    def registered(self) -> tuple[Registered, ...]:
        """Every plugin, by kind, in order of registration."""
        return self._registered

    def agent(self, name: str) -> Agent:
        """The agent plugin of that name; `PluginError` if there is none."""
        return self._named("agent", self._agents, name)

    def executor(self, name: str) -> Executor:
        """The executor of that name; `PluginError` if there is none."""
        return self._named("executor", self._executors, name)

    def reporters(self) -> tuple[Reporter, ...]:
        """All reporters, in order of registration."""
        return tuple(self._reporters.values())

    def extractors(self, language: str) -> tuple[Extractor, ...]:
        """The extractors that serve a language, in the order they are tried."""
        serving = [e for e in self._extractors.values() if _serves(e.languages, language)]
        return tuple(sorted(serving, key=lambda e: (-e.priority, e.name)))

    def validators(self, language: str) -> tuple[Validator, ...]:
        """The validators that serve a language, in order of registration."""
        return tuple(v for v in self._validators.values() if _serves(v.languages, language))

    def distribution_of(self, plugin: Plugin) -> str:
        """The package a plugin comes from, for messages."""
        return next(
            (entry.distribution for entry in self._registered if entry.plugin is plugin), "unknown"
        )

    def run_started(self, run: Run) -> tuple[str, ...]:
        """Tells the observers; returns one sentence for each that failed."""
        return self._tell("ferrotape_run_started", run=run)

    def trial_finished(self, result: TrialResult) -> tuple[str, ...]:
        """Tells the observers; returns one sentence for each that failed."""
        return self._tell("ferrotape_trial_finished", result=result)

    def run_finished(self, run: Run) -> tuple[str, ...]:
        """Tells the observers; returns one sentence for each that failed."""
        return self._tell("ferrotape_run_finished", run=run)

    def add_commands(self, app: typer.Typer) -> None:
        """Lets plugins add their commands to the command line."""
        for implementation in self._manager.hook.ferrotape_commands.get_hookimpls():
            source = self._distributions[implementation.plugin_name]
            add = partial(implementation.function, app=app)
            call_plugin(f"ferrotape_commands of {source}", add)

    def _tell(self, hook: str, **arguments: object) -> tuple[str, ...]:
        # One by one, not by the relay: an observer that fails must not silence the others.
        failures = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            accepted = {name: arguments[name] for name in implementation.argnames}
            source = self._distributions[implementation.plugin_name]
            try:
                call_plugin(f"{hook} of {source}", partial(implementation.function, **accepted))
            except FerrotapeError as error:
                failures.append(error.message)
        return tuple(failures)

    def _collect(self) -> Iterator[Registered]:
        for kind in ("agent", "extractor", "validator", "reporter", "executor"):
            hook = f"ferrotape_{kind}s"
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                source = self._distributions[implementation.plugin_name]
                found = partial(_all_of, implementation.function)
                for plugin in call_plugin(f"{hook} of {source}", found):
                    yield Registered(kind, plugin, source)

    def _of_kind(self, kind: str, protocol: type) -> dict[str, Any]:
        found: dict[str, Any] = {}
        owners: dict[str, str] = {}
        for entry in self._registered:
            if entry.kind != kind:
                continue
            plugin = entry.plugin
            who = f"a plugin of {entry.distribution}"
            if not call_plugin(who, partial(isinstance, plugin, protocol)):
                lacking = [m for m in _members(protocol) if not hasattr(plugin, m)]
                raise PluginError(
                    f"{entry.distribution} gives {plugin!r} as {kind}, which lacks"
                    f" {', '.join(lacking)}",
                    hint=f"See the {protocol.__name__} protocol in ferrotape.contracts.",
                )
            texts = (plugin.name, plugin.version, plugin.description)
            if not all(isinstance(text, str) for text in texts):
                raise PluginError(f"{entry}: name, version and description must be text")
            if not _NAME.fullmatch(plugin.name):
                raise PluginError(f"{entry}: the name is not kebab-case")
            if plugin.name in found:
                raise PluginError(
                    f"two {kind}s are named {plugin.name!r}: one of {owners[plugin.name]},"
                    f" one of {entry.distribution}",
                    hint="Disable one: FERROTAPE_DISABLE_PLUGINS=ENTRY-POINT-NAME.",
                )
            found[plugin.name] = plugin
            owners[plugin.name] = entry.distribution
        return found

    @staticmethod
    def _named(kind: str, plugins: Mapping[str, P], name: str) -> P:
        if name not in plugins:
            raise PluginError(
                f"there is no {kind} plugin {name!r}",
                hint=f"Installed: {', '.join(plugins) or 'none'}.",
            )
        return plugins[name]


def build_host(disabled: Iterable[str] = (), extra: Sequence[EntryPoint] | None = None) -> Host:
    """Builds the host.

    Args:
        disabled: Plugins not to load: entry point names, or modules of `BUILTINS` without their
            package (`reporters.json`).
        extra: Entry points instead of the installed ones, for tests.

    Raises:
        PluginError: A plugin cannot be imported, implements an unknown hook or one with wrong
            arguments, lacks a member, or has a name that is taken.
    """
    blocked = set(disabled)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    distributions: dict[str, str] = {}
    own = f"{OWN_DISTRIBUTION} {distribution_version(OWN_DISTRIBUTION)}"
    for module in BUILTINS:
        if module.removeprefix("ferrotape_plugins.") not in blocked:
            distributions[module] = own
            manager.register(importlib.import_module(module), name=module)
    found = entry_points(group=ENTRY_POINT_GROUP) if extra is None else extra
    for entry in sorted(found, key=lambda e: (e.name, e.value)):
        if entry.name not in blocked:
            _load(manager, entry, distributions)
    return Host(manager, distributions)


def _load(manager: pluggy.PluginManager, entry: EntryPoint, distributions: dict[str, str]) -> None:
    source = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
    off = f"Update or remove {source}, or run with FERROTAPE_DISABLE_PLUGINS={entry.name}."
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {entry.name!r} of {source} cannot be imported: {sentence_of(error)}", hint=off
        ) from error
    if entry.name in distributions:
        raise PluginError(
            f"two plugins have the entry point {entry.name!r}:"
            f" {distributions[entry.name]} and {source}",
            hint="Remove one of them.",
        )
    distributions[entry.name] = source
    try:
        manager.register(module, name=entry.name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        sentence = " ".join(str(error).split())
        raise PluginError(f"plugin {entry.name!r} of {source}: {sentence}", hint=off) from error


def _all_of(function: Callable[[], Iterable[Plugin]]) -> tuple[Plugin, ...]:
    return tuple(function())


def _serves(languages: frozenset[str], language: str) -> bool:
    return not languages or language in languages


def _members(protocol: type) -> list[str]:
    return sorted(name for name in dir(protocol) if not name.startswith("_"))
