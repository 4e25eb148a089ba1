"""What trials are carried out with: pack, plugins, sandbox, judge; opened once for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
def open_workbench(settings: Settings, *, fresh: bool = False) -> Iterator[Workbench]:
    """Opens pack, plugins, sandbox and verdict cache.

    Args:
        settings: Where all of that is.
        fresh: Judge anew; the verdicts renew those in the cache.

    Raises:
        PackError, PluginError, ConfigError: As the parts say.
    """
    pack = load_pack(settings.pack)
    host = build_host(settings.disable_plugins)
    sandbox = open_sandbox()
    with VerdictCache.open(settings.verdict_cache) as cache:
        judge = Judge(pack, host, sandbox, cache, reuse=not fresh)
        yield Workbench(settings=settings, pack=pack, host=host, sandbox=sandbox, judge=judge)


def open_judge(settings: Settings) -> tuple[Pack, Callable[[Scenario, str], Judgement]]:
    """The pack and a function that judges code anew at each call; blank code is no answer."""
    pack = load_pack(settings.pack)
    panel = Judge(pack, build_host(settings.disable_plugins), open_sandbox(), cache=None)

    def judge(scenario: Scenario, code: str) -> Judgement:
        if not code.strip():
            return Judgement(verdicts=(), score=score_no_code(pack))
        judged = panel.judge(scenario, Submission(code=code, language=scenario.language))
        return Judgement(verdicts=judged.verdicts, score=judged.score)

    return pack, judge
