from pathlib import Path

import pytest

from ferrotape.config import load_settings
from ferrotape.errors import ConfigError


def settings(cwd: Path, env: dict[str, str] | None = None, **options: object):
    return load_settings(cwd=cwd, env=env or {}, **options)


def test_defaults_serve_a_folder_without_any_settings(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.pack.name == "rust-core"
    assert (found.pack / "pack.yaml").is_file()
    assert found.store == tmp_path / ".ferrotape" / "history.db"
    assert found.reports == tmp_path / "reports"
    assert found.agent == "claude-sample"
    assert found.agents["claude-sample"].options == {"model": "claude-sample"}
    assert found.rounds is None


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "ferrotape.toml").write_text("seed = 1\njobs = 1\nrounds = 1\n")
    found = settings(tmp_path, {"FERROTAPE_SEED": "2", "FERROTAPE_JOBS": "2"}, seed=3)
    assert (found.seed, found.jobs, found.rounds) == (3, 2, 1)


def test_a_file_is_found_upwards_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "ferrotape.toml").write_text('store = "kept/history.db"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert settings(below).store == tmp_path / "kept" / "history.db"
    assert settings(below, store=Path("mine.db")).store == below / "mine.db"


def test_pyproject_serves_too_and_ferrotape_toml_goes_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ferrotape]\nseed = 7\n")
    assert settings(tmp_path).seed == 7
    (tmp_path / "ferrotape.toml").write_text("seed = 8\n")
    assert settings(tmp_path).seed == 8
    assert settings(tmp_path, config=Path("pyproject.toml")).seed == 7


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "ferrotape.toml").write_text("seed = 5\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert settings(inner).seed == 5


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("jobs = 1\nsede = 3\n", "ferrotape.toml:2", "Did you mean 'seed'?"),
        ("\njobs = 0\n", "ferrotape.toml:2", "docs/configuration.md"),
        ("jobs = 'many'\n", "ferrotape.toml:1", "docs/configuration.md"),
        ("[agents.opus]\nmodel = 'x'\n", "ferrotape.toml:1", "plugin ="),
        ("[agents.'../up']\nplugin = 'x'\n", "ferrotape.toml", "plain name|lower-case"),
        ("jobs = = 3\n", "ferrotape.toml", "Mend the file."),
    ],
)
def test_a_bad_setting_is_one_sentence_with_its_place(
    tmp_path: Path, text: str, place: str, hint: str
) -> None:
    (tmp_path / "ferrotape.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path)
    assert place in caught.value.message
    assert any(part in caught.value.hint for part in hint.split("|"))


def test_a_bad_variable_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the environment: setting jobs is 'x'"):
        settings(tmp_path, {"FERROTAPE_JOBS": "x"})


@pytest.mark.parametrize("text", ["tool = 5", "[tool]\nferrotape = 5", "[[tool]]\nferrotape = 1"])
def test_a_pyproject_of_an_odd_shape_is_a_mistake_or_none_of_ours(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    if text.startswith("[tool]"):
        with pytest.raises(ConfigError, match=r"tool\.ferrotape is no table"):
            settings(tmp_path)
    else:
        assert settings(tmp_path).seed == 0


def test_a_misspelt_variable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no setting FERROTAPE_JOBZ"):
        settings(tmp_path, {"FERROTAPE_JOBZ": "1"})
    assert settings(tmp_path, {"FERROTAPE_TEST_CLAUDE": "x"}).jobs > 0


def test_live_settings_have_a_table_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "ferrotape.toml").write_text(
        "[live]\nretries = 5\nmax_cost = 2.5\non_failure = 'fail'\n"
        "[live.prices]\nas_of = '2026-11-01'\nmodels.m = { input = 3, output = 15 }\n"
    )
    live = settings(tmp_path, live={"max_cost": 1.0, "calls": None}).live
    assert (live.retries, live.max_cost, live.calls) == (5, 1.0, 8)
    assert live.prices.models["m"].output == 15
    (tmp_path / "ferrotape.toml").write_text("[live]\nretrys = 5\n")
    with pytest.raises(ConfigError, match="no setting 'retrys'"):
        settings(tmp_path)


def test_disabled_plugins_come_as_a_list_of_names(tmp_path: Path) -> None:
    found = settings(tmp_path, {"FERROTAPE_DISABLE_PLUGINS": "reporters.json, house-style"})
    assert found.disable_plugins == ("reporters.json", "house-style")


def test_a_pack_that_is_nowhere_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no pack 'nowhere'") as caught:
        settings(tmp_path, pack="nowhere")
    assert str(tmp_path / "scenarios" / "nowhere") in caught.value.message


def test_an_agents_own_cassettes_go_before_the_shipped_ones(tmp_path: Path) -> None:
    found = settings(tmp_path)
    own = tmp_path / "cassettes"
    assert found.cassettes_of("never-recorded") == own
    (own / "claude-sample").mkdir(parents=True)
    assert found.cassettes_of("claude-sample") == own
