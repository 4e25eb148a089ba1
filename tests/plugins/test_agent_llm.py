from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from agent_samples import attempt

from ferrotape import AgentFailureKind, Usage
from ferrotape.errors import CassetteStale
from ferrotape.options import decode_options
from ferrotape_plugins.agents.llm import LlmAgent, LlmOptions

AGENT = LlmAgent()
MODEL = """
import llm

class Crowded(Exception):
    status_code = 529

class Tiny(llm.KeyModel):
    model_id = "tiny"
    needs_key = "tiny"

    class Options(llm.Options):
        times: int = 1

    def execute(self, prompt, stream, response, conversation, key):
        print("a model that talks too much")
        if prompt.prompt == "crowded":
            raise Crowded("come back later")
        if prompt.prompt == "wait":
            import time; time.sleep(60)
        response.set_usage(input=3, output=5)
        yield f"{prompt.system}: {prompt.prompt * prompt.options.times} by {key}"

@llm.hookimpl
def register_models(register):
    register(Tiny(), aliases=("wee",))
"""

needs_llm = pytest.mark.skipif(
    find_spec("llm") is None, reason="the extra ferrotape[llm] is not installed"
)


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """Options for a model of a plugin of `llm` that is installed in a folder of its own."""
    packages = tmp_path / "packages"
    info = packages / "llm_tiny-1.0.dist-info"
    info.mkdir(parents=True)
    (packages / "llm_tiny.py").write_text(MODEL)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[llm]\ntiny = llm_tiny\n")
    return {
        "model": "wee",
        "system": "Briefly",
        "options": {"times": 2},
        "key_env": "TINY_KEY",
        "env": {"PYTHONPATH": str(packages)},
    }


def record(tmp_path: Path, given: dict[str, Any], **more: Any) -> Any:
    env = {
        "TINY_KEY": "sk-secret-01",
        "HOME": str(tmp_path),
        "LLM_USER_PATH": str(tmp_path / "llm"),
    }
    return attempt(AGENT, given, tmp_path / "t.json", env=env, **more)


@needs_llm
def test_a_model_of_llm_answers_and_replays_without_llm(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    recorded = record(tmp_path, given)
    assert recorded.failure is None
    assert recorded.text == "Briefly: Say hello.Say hello. by [redacted]"
    assert recorded.model == "tiny"
    assert recorded.usage == Usage(input_tokens=3, output_tokens=5)
    assert "sk-secret-01" not in (tmp_path / "t.json").read_text()
    gone = {**given, "env": {}}
    replayed = attempt(AGENT, gone, tmp_path / "t.json", replaying=True)
    assert replayed == recorded


@needs_llm
@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "change", "kind"),
    [
        ("crowded", {}, AgentFailureKind.OVERLOADED),
        ("hello", {"model": "unheard-of"}, AgentFailureKind.INVALID_REQUEST),
        ("hello", {"key_env": ""}, AgentFailureKind.AUTHENTICATION),
        ("wait", {}, AgentFailureKind.TIMEOUT),
    ],
)
def test_failures_are_told_apart_and_replay_as_they_were(
    tmp_path: Path,
    given: dict[str, Any],
    prompt: str,
    change: dict[str, Any],
    kind: AgentFailureKind,
) -> None:
    changed = {**given, **change}
    recorded = record(tmp_path, changed, prompt=prompt, timeout_s=8)
    assert recorded.failure is not None
    assert recorded.failure.kind is kind
    replayed = attempt(
        AGENT, changed, tmp_path / "t.json", prompt=prompt, timeout_s=8, replaying=True
    )
    assert (replayed.failure, replayed.calls) == (recorded.failure, recorded.calls)


@needs_llm
def test_another_option_is_another_recording(tmp_path: Path, given: dict[str, Any]) -> None:
    record(tmp_path, given)
    changed = {**given, "options": {"times": 3}}
    with pytest.raises(CassetteStale, match=r"settings\.options\.times"):
        attempt(AGENT, changed, tmp_path / "t.json", replaying=True)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given = decode_options(LlmOptions, {"model": "m", "key_env": "TINY_KEY"}, "x")
    monkeypatch.setattr("ferrotape_plugins.agents.programs.find_spec", lambda name: None)
    assert "ferrotape[llm]" in (AGENT.missing(given, {}) or "")
    monkeypatch.setattr("ferrotape_plugins.agents.programs.find_spec", lambda name: name)
    assert AGENT.missing(given, {}) == "there is no TINY_KEY in the environment"
    assert AGENT.missing(given, {"TINY_KEY": "1"}) is None
