"""The host, with modules made for the tests in place of installed packages."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import typer

from ferrotape import hookimpl
from ferrotape.errors import PluginError
from ferrotape.model import Mode, Run
from ferrotape.plugins import BUILTINS, build_host


class Shouter:
    name = "shouter"
    version = "1"
    description = "Counts capitals."

    def report(self, report: object, folder: object, console: object) -> list[object]:
        return []


@pytest.fixture
def module(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    made = types.ModuleType("plugin_made_for_a_test")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def entry(name: str = "house-style", value: str = "plugin_made_for_a_test") -> EntryPoint:
    return EntryPoint(name=name, value=value, group="ferrotape")


def giving(*plugins: object) -> Any:
    @hookimpl
    def ferrotape_reporters() -> list[object]:
        return list(plugins)

    return ferrotape_reporters


def a_run() -> Run:
    return Run(
        id="r",
        started_at="2026-01-01T00:00:00.000Z",
        mode=Mode.REPLAY,
        pack="p",
        pack_version="1",
        pack_digest="",
        seed=0,
        jobs=1,
        planned=0,
        scenarios=(),
        formats=(),
        agents=(),
        rounds=1,
    )


def test_the_built_ins_are_there_and_come_first(module: types.ModuleType) -> None:
    module.ferrotape_reporters = giving(Shouter())
    host = build_host(extra=[entry()])
    assert [r.name for r in host.reporters()] == ["console", "markdown", "json", "shouter"]
    assert host.agent("anthropic").name == "anthropic"
    assert {v.name for v in host.validators("rust")} == {"patterns", "rustc", "clippy", "tests"}
    assert [e.name for e in host.extractors("rust")] == ["markdown"]


def test_third_parties_are_sorted_by_name_whatever_the_order_of_installation(
    module: types.ModuleType,
) -> None:
    for name in ("b", "a"):
        other = types.ModuleType(f"plugin_{name}")
        plugin = Shouter()
        plugin.name = f"shouter-{name}"
        other.ferrotape_reporters = giving(plugin)
        sys.modules[other.__name__] = other
    points = [entry("b", "plugin_b"), entry("a", "plugin_a")]
    names = [r.name for r in build_host(extra=points).reporters()][3:]
    assert names == ["shouter-a", "shouter-b"]
    assert names == [r.name for r in build_host(extra=points[::-1]).reporters()][3:]


def test_an_import_that_fails_names_the_plugin_and_says_what_to_do() -> None:
    with pytest.raises(PluginError, match="'gone' of no_such_module cannot be imported") as caught:
        build_host(extra=[entry("gone", "no_such_module")])
    assert "FERROTAPE_DISABLE_PLUGINS=gone" in caught.value.hint


def test_a_misspelt_hook_is_an_error(module: types.ModuleType) -> None:
    @hookimpl
    def ferrotape_reporter() -> list[object]:
        return []

    module.ferrotape_reporter = ferrotape_reporter
    with pytest.raises(PluginError, match=r"house-style.*ferrotape_reporter"):
        build_host(extra=[entry()])


def test_a_hook_with_a_wrong_signature_is_an_error(module: types.ModuleType) -> None:
    @hookimpl
    def ferrotape_run_started(runn: object) -> None: ...

    module.ferrotape_run_started = ferrotape_run_started
    with pytest.raises(PluginError, match=r"(?s)house-style.*runn"):
        build_host(extra=[entry()])


def test_a_name_clash_names_both_packages(module: types.ModuleType) -> None:
    clash = Shouter()
    clash.name = "json"
    module.ferrotape_reporters = giving(clash)
    with pytest.raises(PluginError, match=r"two reporters are named 'json': one of ferrotape \d"):
        build_host(extra=[entry()])


def test_what_lacks_a_member_of_its_protocol_is_refused_by_name(module: types.ModuleType) -> None:
    class Half:
        name = "half"
        version = "1"

    module.ferrotape_reporters = giving(Half())
    with pytest.raises(PluginError, match="lacks description, report"):
        build_host(extra=[entry()])


@pytest.mark.parametrize("name", ["Shouter", "two words", "", "-a", "a_b"])
def test_a_name_that_is_not_kebab_case_is_refused(module: types.ModuleType, name: str) -> None:
    plugin = Shouter()
    plugin.name = name
    module.ferrotape_reporters = giving(plugin)
    with pytest.raises(PluginError, match="kebab-case"):
        build_host(extra=[entry()])


def test_any_plugin_can_be_disabled(module: types.ModuleType) -> None:
    module.ferrotape_reporters = giving(Shouter())
    host = build_host(disabled=["house-style", "reporters.json"], extra=[entry()])
    assert [r.name for r in host.reporters()] == ["console", "markdown"]


@pytest.mark.parametrize("module", BUILTINS)
def test_any_built_in_can_be_disabled_on_its_own(module: str) -> None:
    every = len(build_host(extra=[]).registered)
    without = build_host(disabled=[module.removeprefix("ferrotape_plugins.")], extra=[])
    assert len(without.registered) == every - (3 if module.endswith("rust.plugin") else 1)


def test_an_observer_that_fails_is_named_and_silences_no_other(module: types.ModuleType) -> None:
    seen: list[str] = []

    @hookimpl
    def ferrotape_run_started(run: Run) -> None:
        raise ValueError("no disk")

    module.ferrotape_run_started = ferrotape_run_started
    other = types.ModuleType("plugin_observer")

    @hookimpl(specname="ferrotape_run_started")
    def note(run: Run) -> None:
        seen.append(run.id)

    other.note = note
    sys.modules[other.__name__] = other
    host = build_host(extra=[entry(), entry("observer", "plugin_observer")])
    (warning,) = host.run_started(a_run())
    assert warning.startswith("ferrotape_run_started of plugin_made_for_a_test failed: ValueError")
    assert seen == ["r"]


def test_plugins_add_commands(module: types.ModuleType) -> None:
    @hookimpl
    def ferrotape_commands(app: typer.Typer) -> None:
        app.command("house")(lambda: None)

    module.ferrotape_commands = ferrotape_commands
    app = typer.Typer()
    build_host(extra=[entry()]).add_commands(app)
    assert [command.name for command in app.registered_commands] == ["house"]


def test_a_plugin_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(PluginError, match="no agent plugin 'gpt'") as caught:
        build_host(extra=[]).agent("gpt")
    assert "anthropic" in caught.value.hint
