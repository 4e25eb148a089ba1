"""The shipped pack."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ferrotape.model import Pack
from ferrotape.packs import find_packs, load_pack
from ferrotape.packs.samples import load_samples

SCENARIOS = Path(__file__).parents[2] / "scenarios"

# Recordings answer exactly these prompts: SHA-256 of each, as UTF-8.
PROMPTS = {
    ("rust-01-basic", "minimal"): (
        "d34a68d37a1aa52786113a4127e80ca0732663b653dea3350a1b6bcd518ca9a1"
    ),
    ("rust-01-basic", "metadata"): (
        "d80389626f2e73fe28788eef66d044f4f64da0c39461d5d1c9c4c0f94c55ebdf"
    ),
    ("rust-01-basic", "code-heavy"): (
        "fed65d462e05720d9e0105290b6dff8d9573c4bd1a2809a0fc9c298e255a0184"
    ),
    ("rust-02-concurrent", "minimal"): (
        "c5eca6232b2f3c5094f590bd31f271d65b0d01a88d438d013ed7a93af7065826"
    ),
    ("rust-02-concurrent", "metadata"): (
        "408c63b8739bccb4f5217dfd8dbc6bbf6b6de2545a0c2c4245790a010c5dad74"
    ),
    ("rust-02-concurrent", "code-heavy"): (
        "282a7e78c0055744d88c35c15d271c830445eae125335108a7dddf06fa7f3286"
    ),
    ("rust-03-lru-cache", "minimal"): (
        "ca87a2fef62f2293f5bcc8364b62e35e052e99b7697db46b6d954f93dd6af015"
    ),
    ("rust-03-lru-cache", "metadata"): (
        "bd6831a44a21e38f01a2f9ab4c841ac9a23719a5400a65baaf45fa0f5356aacf"
    ),
    ("rust-03-lru-cache", "code-heavy"): (
        "4084acabdb9fa1c026d708cd7963c790418b2272b132307ab00fac22a19dc11d"
    ),
    ("rust-04-zero-copy", "minimal"): (
        "fd9f842969e65a92db074b1d191314f5f70574592d39556cb00733708c0466d6"
    ),
    ("rust-04-zero-copy", "metadata"): (
        "4ff7beca0617e0e0a06926639bdf05bff9b8551fbef59409dff8bd4300dd1e71"
    ),
    ("rust-04-zero-copy", "code-heavy"): (
        "f4e7a47609ee75bab280b2bd57bdb2eca8f14b56dab779a854880805bcd95cf3"
    ),
    ("rust-05-async-scheduler", "minimal"): (
        "c66961d475ca93e9b63f4437f7996f3cd277e3e8dec8f6ea25060533c30f38ab"
    ),
    ("rust-05-async-scheduler", "metadata"): (
        "b5953c8af8a3f305e17bccb45b41c3bda782aff4069c901c9757175fa04c7e24"
    ),
    ("rust-05-async-scheduler", "code-heavy"): (
        "b1371fa1ea93a4e37462e74dabba246888f13b3b4f0c0cae4211a5414be2fa1e"
    ),
}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(SCENARIOS / "rust-core")


def test_the_pack_is_found_and_loads(pack: Pack) -> None:
    assert find_packs(SCENARIOS) == (SCENARIOS / "rust-core",)
    assert pack.name == "rust-core"
    assert len(pack.scenarios) == 5
    assert pack.format_ids == ("minimal", "metadata", "code-heavy")


def test_the_prompts_are_those_that_were_answered(pack: Pack) -> None:
    found = {
        (scenario.id, name): hashlib.sha256(prompt.encode()).hexdigest()
        for scenario in pack.scenarios
        for name, prompt in scenario.prompts.items()
    }
    assert found == PROMPTS


def test_every_scenario_has_a_reference_good_and_wrong_answers(pack: Pack) -> None:
    for scenario in pack.scenarios:
        samples = load_samples(pack, scenario)
        assert scenario.reference
        assert len(samples.good) >= 2
        assert len(samples.wrong) >= 8
        assert all(sample.claims for sample in samples.wrong)


def test_the_digest_is_the_same_on_every_load(pack: Pack) -> None:
    assert load_pack(SCENARIOS / "rust-core") == pack


def test_importing_the_packs_and_the_model_loads_no_heavy_library() -> None:
    code = (
        "import sys, ferrotape.packs, ferrotape.cli.scenarios, ferrotape.model.scenario;"
        "heavy = {'pydantic', 'ast_grep_py', 'regex', 'rich.table'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
