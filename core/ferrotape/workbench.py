"""What trials are carried out with: pack, plugins, sandbox, judge; opened once for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ferrotape.config import Settings
from ferrotape.judging import Judge
from ferrotape.model import Pack, Scenario, Submission
from ferrotape.packs import Judgement, load_pack
from ferrotape.plugins import Host, build_host
from ferrotape.sandbox import Sandbox, open_sandbox
from ferrotape.scoring import score_no_code
from ferrotape.store import VerdictCache


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """What trials are carried out with, opened once for a run."""

    settings: Settings
    pack: Pack
    host: Host
    sandbox: Sandbox
    judge: Judge


@contextmanager
def open_workbench(settings: Settings, *, use_cache: bool = True) -> Iterator[Workbench]:
    """Opens pack, plugins, sandbox and verdict cache.

    Raises:
        PackError, PluginError, ConfigError: As the parts say.
    """
    pack = load_pack(settings.pack)
    host = build_host(settings.disable_plugins)
    sandbox = open_sandbox()
    with ExitStack() as stack:
        cache = None
        if use_cache:
            cache = stack.enter_context(VerdictCache.open(settings.verdict_cache))
        judge = Judge(pack, host, sandbox, cache)
        yield Workbench(settings=settings, pack=pack, host=host, sandbox=sandbox, judge=judge)


@contextmanager
def open_judge(settings: Settings) -> Iterator[tuple[Pack, Callable[[Scenario, str], Judgement]]]:
    """The pack and a function that judges code anew at each call; blank code is no answer."""
    with open_workbench(settings, use_cache=False) as bench:

        def judge(scenario: Scenario, code: str) -> Judgement:
            if not code.strip():
                return Judgement(verdicts=(), score=score_no_code(bench.pack))
            submission = Submission(code=code, language=scenario.language)
            judged = bench.judge.judge(scenario, submission)
            return Judgement(verdicts=judged.verdicts, score=judged.score)

        yield bench.pack, judge
