"""Settings: command line > FERROTAPE_* > ferrotape.toml or [tool.ferrotape] > defaults.

Relative paths in a file are relative to that file's folder, those of the command line and of
the environment to the current folder. Secrets are no settings: agents read them from the
environment when they record.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from ferrotape.errors import ConfigError
from ferrotape.live import LiveSettings
from ferrotape.options import decode
from ferrotape.starter import starter_folder

PREFIX = "FERROTAPE_"
STATE_FOLDER = ".ferrotape"
AGENTS: Mapping[str, Mapping[str, Any]] = {
    "claude-sample": {"plugin": "anthropic", "model": "claude-sample"},
    "anthropic": {"plugin": "anthropic", "model": "claude-sonnet-4-5"},
    "claude-code": {"plugin": "claude-code", "model": "claude-sonnet-4-5"},
}
"""Agents that are known without any settings; a file may say otherwise."""
_FOR_TESTS = "FERROTAPE_TEST_"
_MOST_ROUNDS = 10_000
_PATHS = ("cassettes", "store", "reports")


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """One `[agents.NAME]` table: the plugin and the options it gets."""

    plugin: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a project, resolved."""

    project: Path
    """The folder of the settings file, or the current folder if there is none."""
    pack: Path
    """The folder of the pack."""
    cassettes: Path
    store: Path
    """The SQLite history."""
    reports: Path
    agent: str
    jobs: int
    seed: int
    rounds: int | None
    """None for as many as are recorded."""
    disable_plugins: tuple[str, ...]
    agents: Mapping[str, AgentSettings]
    live: LiveSettings

    @property
    def verdict_cache(self) -> Path:
        """Beside the history; it can be deleted at any time."""
        return self.store.with_name(f"{self.store.stem}-verdicts.db")

    @property
    def batches(self) -> Path:
        """What has been submitted as batches and not been recorded in full yet."""
        return self.project / STATE_FOLDER / "batches"

    def cassettes_of(self, agent: str) -> Path:
        """Where that agent's recordings are read: the project's, else the starter's."""
        own = self.cassettes / agent
        shipped = starter_folder("cassettes")
        if not own.is_dir() and (shipped / agent).is_dir():
            return shipped
        return self.cassettes


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What files, the environment and the command line may say; None where they are silent."""

    pack: str | None = None
    cassettes: str | None = None
    store: str | None = None
    reports: str | None = None
    agent: str | None = None
    jobs: Annotated[int, Ge(1)] | None = None
    seed: Annotated[int, Ge(0)] | None = None
    rounds: Annotated[int, Ge(1), Le(_MOST_ROUNDS)] | None = None
    disable_plugins: tuple[str, ...] | None = None
    agents: Mapping[str, Mapping[str, Any]] | None = None
    live: Mapping[str, Any] | None = None


def load_settings(
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    config: Path | None = None,
    **options: object,
) -> Settings:
    """Reads and ranks the settings.

    Args:
        cwd: Where to look for a settings file, upwards; the current folder by default.
        env: The environment; `os.environ` by default.
        config: A settings file to read instead of the one found upwards.
        options: From the command line, by field name; None where not given.

    Raises:
        ConfigError: A setting is unknown, of the wrong type, or out of its range.
    """
    cwd = Path.cwd() if cwd is None else cwd
    env = os.environ if env is None else env
    file, table = _find_file(cwd) if config is None else _named_file(cwd / config)
    project = file.parent if file else cwd
    from_file = _checked(table, str(file) if file else "", file)
    from_env = _checked(_environment(env), "the environment", None)
    from_cli = _checked(
        {k: str(v) if isinstance(v, Path) else v for k, v in options.items() if v is not None},
        "the command line",
        None,
    )

    def ranked(name: str, default: Any) -> Any:
        for given in (from_cli, from_env, from_file):
            value = getattr(given, name)
            if value is not None:
                base = project if given is from_file else cwd
                return base / value if name in _PATHS else value
        return default

    pack = ranked("pack", "rust-core")
    pack_base = project if from_cli.pack is None and from_env.pack is None else cwd
    agents = {name: dict(entry) for name, entry in AGENTS.items()}
    agents |= {name: dict(entry) for name, entry in (from_file.agents or {}).items()}
    return Settings(
        project=project,
        pack=_find_pack(pack, pack_base, project),
        cassettes=ranked("cassettes", project / "cassettes"),
        store=ranked("store", project / STATE_FOLDER / "history.db"),
        reports=ranked("reports", project / "reports"),
        agent=ranked("agent", "claude-sample"),
        jobs=ranked("jobs", os.cpu_count() or 1),
        seed=ranked("seed", 0),
        rounds=ranked("rounds", None),
        disable_plugins=ranked("disable_plugins", ()),
        agents={name: _agent(name, entry, file) for name, entry in agents.items()},
        live=_live(from_file.live or {}, from_cli.live or {}, file),
    )


def _find_file(cwd: Path) -> tuple[Path | None, Mapping[str, Any]]:
    for folder in (cwd, *cwd.parents):
        own = folder / "ferrotape.toml"
        if own.is_file():
            return own, _read_toml(own)
        shared = folder / "pyproject.toml"
        if shared.is_file():
            table = _tool_table(shared)
            if table is not None:
                return shared, table
    return None, {}


def _named_file(file: Path) -> tuple[Path, Mapping[str, Any]]:
    if file.name == "pyproject.toml":
        return file, _tool_table(file) or {}
    return file, _read_toml(file)


def _tool_table(file: Path) -> Mapping[str, Any] | None:
    """`[tool.ferrotape]` of a pyproject.toml; None if there is none."""
    tool = _read_toml(file).get("tool", {})
    table = tool.get("ferrotape") if isinstance(tool, Mapping) else None
    if table is not None and not isinstance(table, Mapping):
        raise ConfigError(f"{file}: tool.ferrotape is no table", hint="Write [tool.ferrotape].")
    return table


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}", hint="Mend the file.") from error


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    names = {f.name for f in fields(_Given)} - {"agents", "live"}
    given: dict[str, Any] = {}
    for variable, value in env.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or variable.startswith(_FOR_TESTS):
            continue
        if name not in names:
            raise ConfigError(
                f"the environment: there is no setting {variable}",
                hint=f"Settings: {', '.join(sorted(PREFIX + n.upper() for n in names))}.",
            )
        if value:
            split = name == "disable_plugins"
            given[name] = tuple(filter(None, re.split(r"[,\s]+", value))) if split else value
    return given


def _checked(table: Mapping[str, Any], source: str, file: Path | None) -> _Given:
    if not table:
        return _Given()
    given: _Given = decode(_Given, table, lambda key: _place(source, file, key), noun="setting")
    return given


def _place(source: str, file: Path | None, key: str) -> str:
    if file is None:
        return source
    name = re.escape(key.split(".", 1)[0])
    lines = file.read_text(encoding="utf-8").splitlines()
    found = (n for n, line in enumerate(lines, 1) if re.match(rf"\s*(?:\[.*)?\b{name}\b", line))
    return f"{file}:{next(found, 1)}"


def _live(table: Mapping[str, Any], given: Mapping[str, Any], file: Path | None) -> LiveSettings:
    known = {key: value for key, value in given.items() if value is not None}
    if not table and not known:
        return LiveSettings()
    settings: LiveSettings = decode(
        LiveSettings, {**table, **known}, lambda key: _place("[live]", file, key), noun="setting"
    )
    return settings


def _agent(name: str, entry: Mapping[str, Any], file: Path | None) -> AgentSettings:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise ConfigError(
            f"{_place('', file, name)}: agent name {name!r} is no plain name",
            hint="Use lower-case letters, digits, dots and dashes: it names a folder of cassettes.",
        )
    options = dict(entry)
    plugin = options.pop("plugin", None)
    if not isinstance(plugin, str):
        raise ConfigError(
            f"{_place('', file, 'agents')}: [agents.{name}] names no plugin",
            hint='Add plugin = "anthropic", or another of `ferrotape plugins list`.',
        )
    return AgentSettings(plugin=plugin, options=options)


def _find_pack(pack: str, base: Path, project: Path) -> Path:
    """A path, or the name of a pack in the project's or the starter's scenarios folder."""
    candidates = (base / pack, project / "scenarios" / pack, starter_folder("scenarios") / pack)
    for candidate in candidates:
        if (candidate / "pack.yaml").is_file():
            return candidate
    raise ConfigError(
        f"there is no pack {pack!r}: no pack.yaml in "
        + ", ".join(str(candidate) for candidate in dict.fromkeys(candidates)),
        hint="Give --pack a folder that holds a pack.yaml; docs/scenarios.md shows how.",
    )
