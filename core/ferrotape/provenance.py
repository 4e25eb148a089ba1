"""What the results of a run depend on, by name and digest: its ingredients.

In replay they decide the report: finished runs with the same digest give the same report,
outside its block of run facts. Python, the machine and the number of workers are no ingredients,
as results must not depend on them; a validator's fingerprint holds what it takes from a machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ferrotape.cassettes import cassette_path
from ferrotape.errors import PluginError
from ferrotape.model import Ingredient, Mode
from ferrotape.options import pack_options

if TYPE_CHECKING:
    from pathlib import Path

    from ferrotape.contracts import Plugin
    from ferrotape.selection import Plan
    from ferrotape.workbench import Workbench

_FORMAT = 1
"""Raise it when the same ingredients get another digest."""
CASSETTE = "cassette "
MISSING = "missing"
_OF_A_PLAN = frozenset({"plan", "seed"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An ingredient that two runs do not share; None where a run does not have it at all."""

    name: str
    before: Ingredient | None
    after: Ingredient | None


def ingredients_of(bench: Workbench, plan: Plan) -> tuple[Ingredient, ...]:
    """What the plan's results will depend on, by name. Reads every cassette in replay.

    A run that records has no cassettes yet, so its ingredients do not decide its report.
    """
    found = [
        *_pack(bench, plan),
        *_plugins(bench, plan),
        *_options(bench, plan),
        *_toolchain(bench),
        _text("sandbox", bench.sandbox.policy),
        _text("seed", str(bench.settings.seed)),
        _plan(plan),
        *(_cassettes(plan) if plan.mode is Mode.REPLAY else ()),
    ]
    return tuple(sorted(found, key=lambda entry: entry.name))


def digest_of(ingredients: Iterable[Ingredient]) -> str:
    """The digest of all ingredients together, in hex; their order makes no difference."""
    pairs = sorted((entry.name, entry.digest) for entry in ingredients)
    return _sha256(json.dumps([_FORMAT, pairs]).encode())


def are_kept(rest: Iterable[Ingredient], kept: Iterable[Ingredient]) -> bool:
    """Whether what is left of a run is made of what the run was begun with.

    Its plan is shorter, and its seed is the run's own.
    """
    known = {(entry.name, entry.digest) for entry in kept}
    today = {(entry.name, entry.digest) for entry in rest if entry.name not in _OF_A_PLAN}
    return today <= known


def differences(
    before: Iterable[Ingredient], after: Iterable[Ingredient]
) -> tuple[Difference, ...]:
    """The ingredients in which two runs differ, by name."""
    first, second = ({entry.name: entry for entry in side} for side in (before, after))
    pairs = ((name, first.get(name), second.get(name)) for name in sorted(first | second))
    return tuple(
        Difference(name=name, before=old, after=new)
        for name, old, new in pairs
        if old is None or new is None or old.digest != new.digest
    )


def cassette_ingredient(key: str, path: Path) -> Ingredient:
    """The ingredient that a trial's cassette is: the digest of its bytes."""
    try:
        return Ingredient(name=f"{CASSETTE}{key}", digest=_sha256(path.read_bytes()))
    except FileNotFoundError:
        return _text(f"{CASSETTE}{key}", MISSING)
    except OSError as error:
        return _text(f"{CASSETTE}{key}", f"unreadable: {error.strerror}")


def _pack(bench: Workbench, plan: Plan) -> Iterator[Ingredient]:
    pack = bench.pack
    yield Ingredient(name=f"pack {pack.name}", digest=pack.digest, value=f"version {pack.version}")
    planned = {trial.scenario for trial in plan.trials}
    for scenario in pack.scenarios:
        if scenario.id in planned:
            yield Ingredient(name=f"scenario {scenario.id}", digest=scenario.digest)


def _plugins(bench: Workbench, plan: Plan) -> Iterator[Ingredient]:
    """Those that have a say in the results: agents asked, extractors, validators, reporters."""
    host, pack = bench.host, bench.pack
    judging = [v for v in host.validators(pack.language) if v.name in pack.validators]
    agents = {agent.plugin.name: agent.plugin for agent in plan.agents.values()}
    kinds: Mapping[str, Iterable[Plugin]] = {
        "agent": agents.values(),
        "extractor": host.extractors(pack.language),
        "validator": judging,
        "reporter": host.reporters(),
    }
    for kind, plugins in kinds.items():
        for plugin in plugins:
            value = f"{plugin.version} of {host.distribution_of(plugin)}"
            yield _text(f"plugin {kind} {plugin.name}", value)


def _options(bench: Workbench, plan: Plan) -> Iterator[Ingredient]:
    """Options of agents and validators. Values that no cassette holds are not given away."""
    for name, agent in plan.agents.items():
        try:
            settings = agent.settings
        except PluginError as error:  # its trials fail, each with this sentence
            yield _text(f"option {name}", f"unknown: {error.message}")
            continue
        yield from _each(f"option {name}", settings)
        private = {k: v for k, v in _fields(agent.options).items() if k not in settings}
        for entry in _each(f"option {name}", private):
            yield dataclasses.replace(entry, value="")
    for validator in bench.host.validators(bench.pack.language):
        if validator.name in bench.pack.validators:
            options = pack_options(validator.Options, bench.pack.run, validator.name)
            yield from _each(f"option {validator.name}", _fields(options))


def _toolchain(bench: Workbench) -> Iterator[Ingredient]:
    lacking = bench.judge.unavailable
    for name, version in bench.judge.versions.items():
        text = f"unavailable: {lacking[name]}" if name in lacking else version
        yield _text(f"validator {name}", text)


def _plan(plan: Plan) -> Ingredient:
    keys = [trial.key for trial in plan.trials]
    return Ingredient(
        name="plan",
        digest=_sha256(json.dumps(keys).encode()),
        value=f"{len(keys)} trials, rounds up to {plan.rounds}",
    )


def _cassettes(plan: Plan) -> Iterator[Ingredient]:
    for trial in plan.trials:
        path = cassette_path(plan.agents[trial.agent].cassettes, trial)
        yield cassette_ingredient(trial.key, path)


def _fields(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _each(owner: str, values: Mapping[str, Any]) -> Iterator[Ingredient]:
    for key, value in values.items():
        # Sorted, as the text of a set changes from process to process.
        plain = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        yield _text(f"{owner}.{key}", json.dumps(plain, sort_keys=True, default=str))


def _text(name: str, value: str) -> Ingredient:
    return Ingredient(name=name, digest=_sha256(value.encode(errors="surrogatepass")), value=value)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
