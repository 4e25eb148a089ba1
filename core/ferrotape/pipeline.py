"""One trial, step by step: reply, extraction, verdicts, score.

A trial is a function of the plan and its cassette. It shares nothing mutable with another trial,
and whatever goes wrong in it becomes part of its result.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial

from ferrotape.asking import Asker
from ferrotape.calling import call_plugin, conforming, sentence_of
from ferrotape.errors import FerrotapeError
from ferrotape.judging import Judge
from ferrotape.model import (
    AgentFailure,
    AgentFailureKind,
    Extraction,
    Pack,
    Reply,
    Scenario,
    Score,
    Status,
    Submission,
    Timings,
    Trial,
    TrialResult,
    Verdict,
)
from ferrotape.plugins import Host
from ferrotape.scoring import score_failure, score_no_code


class Pipeline:
    """The steps of a trial, with what all trials of a run read."""

    def __init__(
        self,
        *,
        pack: Pack,
        host: Host,
        judge: Judge,
        asker: Asker,
        jobs: int = 1,
    ) -> None:
        self._pack = pack
        self._host = host
        self._judge = judge
        self._asker = asker
        self._judging = threading.Semaphore(jobs)

    def work(self, trial: Trial) -> TrialResult:
        """Carries a trial out; a defect of Ferrotape costs this trial and not the run."""
        try:
            return self._work(trial)
        except Exception as error:  # noqa: BLE001 - the other trials of the run go on
            message = f"this is a defect of Ferrotape: {sentence_of(error)}"
            failure = AgentFailure(kind=AgentFailureKind.CRASHED, message=message)
            return TrialResult(
                trial=trial,
                reply=Reply(failure=failure, measured=False),
                extraction=None,
                verdicts=(),
                score=score_failure(failure),
            )

    def _work(self, trial: Trial) -> TrialResult:
        scenario = self._pack.scenario(trial.scenario)
        begun = time.perf_counter()
        reply = self._asker.ask(trial, scenario)
        replied = time.perf_counter()
        if reply.failure is not None:
            return TrialResult(
                trial=trial,
                reply=reply,
                extraction=None,
                verdicts=(),
                score=score_failure(reply.failure),
                timings=Timings(reply_s=replied - begun),
            )
        extraction, faults = self._extract(reply, scenario)
        timings = Timings(reply_s=replied - begun, extract_s=time.perf_counter() - replied)
        if extraction.code is None:
            score = Score(value=None, partial=True) if faults else score_no_code(self._pack)
            return TrialResult(
                trial=trial,
                reply=reply,
                extraction=extraction,
                verdicts=faults,
                score=score,
                timings=timings,
            )
        submission = Submission(code=extraction.code, language=scenario.language, text=reply.text)
        with self._judging:  # while recording, more trials are under way than processors
            judged = self._judge.judge(scenario, submission)
        return TrialResult(
            trial=trial,
            reply=reply,
            extraction=extraction,
            verdicts=(*faults, *judged.verdicts),
            score=judged.score,
            timings=replace(timings, validators=judged.seconds),
            cached=judged.cached,
        )

    def _extract(self, reply: Reply, scenario: Scenario) -> tuple[Extraction, tuple[Verdict, ...]]:
        """The first extraction that finds code, and an error verdict per extractor that failed."""
        faults: list[Verdict] = []
        last = Extraction(code=None, extractor="", rule="no-extractor")
        for extractor in self._host.extractors(scenario.language):
            source = self._host.distribution_of(extractor)
            who = f"extractor {extractor.name} of {source}"
            try:
                given = call_plugin(who, partial(extractor.extract, reply, scenario))
                last = conforming(who, given, Extraction)
            except FerrotapeError as error:
                faults.append(
                    Verdict(
                        validator=extractor.name,
                        version=extractor.version,
                        status=Status.ERROR,
                        score=None,
                        summary=error.message.splitlines()[0],
                        distribution=source,
                    )
                )
                continue
            if last.code is not None:
                break
        return last, tuple(faults)
