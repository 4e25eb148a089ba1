"""Checking and linting one answer against rustc, cargo new and cargo clippy one after another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Ratio, children_cpu, run
from ferrotape.config import load_settings
from ferrotape.contracts import Bench
from ferrotape.model import Scenario, Submission
from ferrotape.options import pack_options
from ferrotape.packs import load_pack
from ferrotape.plugins import build_host
from ferrotape.sandbox import open_sandbox

ROUNDS = 7


def measure() -> Iterator[Ratio]:
    """Medians of the processor time of child processes, the two ways in turn."""
    pack = load_pack(load_settings().pack)
    host = build_host()
    scenario = pack.scenarios[0]
    judges = [v for v in host.validators("rust") if v.name in {"rustc", "clippy"}]
    for judge in judges:
        judge.fingerprint()  # finds the toolchain, once a process

    def ours() -> None:
        submission = Submission(code=scenario.reference, language="rust")
        shared: dict[object, object] = {}
        for judge in judges:
            options = pack_options(judge.Options, pack.run, judge.name)
            sandbox = open_sandbox()
            bench = Bench(scenario=scenario, options=options, sandbox=sandbox, _shared=shared)
            verdict = judge.validate(submission, bench)
            assert verdict.score == 100, verdict

    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(children_cpu(ours))
        theirs.append(_plain(scenario))
    yield Ratio(
        name="check and lint of one answer / rustc + cargo new + cargo clippy",
        value=median(mine) / median(theirs),
        bound=1 / 6,
        at_most=True,
        detail=f"{median(mine) * 1000:.0f} / {median(theirs) * 1000:.0f} ms of CPU",
    )


def _plain(scenario: Scenario) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "answer.rs"
        source.write_text(scenario.reference)
        library = str(folder / "answer.rlib")
        commands = (
            ["rustc", "--edition", "2021", "--crate-type", "lib", str(source), "-o", library],
            ["cargo", "new", "--quiet", "--lib", "--vcs", "none", str(folder / "project")],
        )
        spent = sum(run(command, folder).cpu_s for command in commands)
        (folder / "project" / "src" / "lib.rs").write_text(scenario.reference)
        return spent + run(["cargo", "clippy", "--quiet"], folder / "project").cpu_s
