"""From code to a score: every validator of the pack, the verdict cache, the composite."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol

from ferrotape.calling import call_plugin, conforming
from ferrotape.contracts import Bench, Validator
from ferrotape.errors import ConfigError, FerrotapeError
from ferrotape.model import Pack, Scenario, Score, Status, Submission, Verdict
from ferrotape.options import pack_options
from ferrotape.plugins import Host
from ferrotape.sandbox import Sandbox
from ferrotape.scoring import score_verdicts
from ferrotape.store.verdicts import verdict_key


class Cache(Protocol):
    """Where verdicts are kept between runs."""

    def get(self, key: str) -> Verdict | None:
        """The verdict kept under that key, if any."""
        ...

    def put(self, key: str, verdict: Verdict) -> None:
        """Keeps a verdict."""
        ...


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the validators made of one submission."""

    verdicts: tuple[Verdict, ...]
    score: Score
    seconds: Mapping[str, float]
    """Wall time by validator; a shared pass counts for the one that ran it."""
    cached: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Seat:
    """A validator, ready to work: its options decoded, its needs looked at, once a run."""

    validator: Validator
    name: str
    version: str
    options: Any
    distribution: str
    missing: str | None
    fingerprint: str

    def without_score(self, status: Status, summary: str) -> Verdict:
        """A verdict that is none: unavailable, or an error of the validator's own."""
        return Verdict(
            validator=self.name, version=self.version, status=status, score=None, summary=summary
        )


class Judge:
    """Holds submissions against a pack. Shared by all trials of a run; nothing in it changes."""

    def __init__(
        self,
        pack: Pack,
        host: Host,
        sandbox: Sandbox,
        cache: Cache | None,
        *,
        reuse: bool = True,
    ) -> None:
        """Makes ready.

        Args:
            pack: Whose validators, weights and policy count.
            host: Where the validators come from.
            sandbox: What validators start processes in.
            cache: Where verdicts are kept; None to keep none.
            reuse: Whether kept verdicts are used; they are renewed in any case.
        """
        self._pack = pack
        self._reuse = reuse
        self._sandbox = sandbox
        self._cache = cache
        self._seats = tuple(self._seat(name, host) for name in pack.validators)
        self._refuse_unknown_options(host)

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Why a validator cannot work on this machine, by its name."""
        return {s.name: s.missing for s in self._seats if s.missing is not None}

    @property
    def versions(self) -> Mapping[str, str]:
        """What verdicts depend on besides the answer, by validator, for a run's record."""
        return {seat.name: f"{seat.version} {seat.fingerprint}".strip() for seat in self._seats}

    def judge(self, scenario: Scenario, submission: Submission) -> Judged:
        """Asks every validator of the pack, in the pack's order, and scores."""
        shared: dict[object, Any] = {}
        verdicts: list[Verdict] = []
        seconds: dict[str, float] = {}
        cached: list[str] = []
        for seat in self._seats:
            begun = time.perf_counter()
            verdict, hit = self._ask(seat, scenario, submission, shared)
            seconds[seat.name] = time.perf_counter() - begun
            verdicts.append(replace(verdict, distribution=seat.distribution))
            if hit:
                cached.append(seat.name)
        return Judged(
            verdicts=tuple(verdicts),
            score=score_verdicts(self._pack, verdicts),
            seconds=seconds,
            cached=tuple(cached),
        )

    def _refuse_unknown_options(self, host: Host) -> None:
        """A scalar directly below a pack's `run` must be an option of some validator."""
        classes = [v.Options for v in host.validators(self._pack.language)]
        known = {f.name for c in classes if is_dataclass(c) for f in fields(c)}
        for name, value in self._pack.run.items():
            if not isinstance(value, Mapping) and name not in known:
                raise ConfigError(
                    f"pack.yaml: run: no validator has the option {name!r}",
                    hint=f"Options: {', '.join(sorted(known))}.",
                )

    def _seat(self, name: str, host: Host) -> _Seat:
        serving = host.validators(self._pack.language)
        validator = next((v for v in serving if v.name == name), None)
        if validator is None:
            validator = _NotInstalled(name, self._pack.language)
            run: Mapping[str, Any] = {}
        else:
            run = self._pack.run
        distribution = host.distribution_of(validator)
        who = f"{name} of {distribution}"
        try:
            missing = call_plugin(who, validator.unavailable)
            fingerprint = "" if missing else call_plugin(who, validator.fingerprint)
        except FerrotapeError as error:
            missing, fingerprint = error.message, ""
        return _Seat(
            validator=validator,
            name=name,
            version=validator.version,
            options=pack_options(validator.Options, run, name),
            distribution=distribution,
            missing=missing,
            fingerprint=str(fingerprint),
        )

    def _ask(
        self, seat: _Seat, scenario: Scenario, submission: Submission, shared: dict[object, Any]
    ) -> tuple[Verdict, bool]:
        if seat.missing is not None:
            return seat.without_score(Status.UNAVAILABLE, seat.missing), False
        key = ""
        if self._cache is not None:
            key = verdict_key(
                code_sha256=submission.code_sha256,
                text_sha256=submission.text_sha256,
                language=submission.language,
                scenario_digest=scenario.digest,
                options=seat.options,
                validator=seat.name,
                version=seat.version,
                fingerprint=seat.fingerprint,
                sandbox_policy=self._sandbox.policy,
            )
            known = self._cache.get(key) if self._reuse else None
            if known is not None:
                return known, True
        bench = Bench(
            scenario=scenario, options=seat.options, sandbox=self._sandbox, _shared=shared
        )
        verdict = _validate(seat, submission, bench)
        if self._cache is not None and verdict.status in {Status.PASSED, Status.FAILED}:
            self._cache.put(key, verdict)
        return verdict, False


def _validate(seat: _Seat, submission: Submission, bench: Bench) -> Verdict:
    """The validator's verdict; whatever it does wrong becomes an error verdict with its name."""
    validator, who = seat.validator, f"{seat.name} of {seat.distribution}"
    try:
        given = call_plugin(who, lambda: validator.validate(submission, bench))
        verdict = conforming(who, given, Verdict)
    except FerrotapeError as error:
        return seat.without_score(Status.ERROR, error.message.splitlines()[0])
    fault = _fault(verdict, seat.name)
    if fault:
        return seat.without_score(Status.ERROR, f"{who} gave {fault}")
    return verdict


def _fault(verdict: Verdict, name: str) -> str | None:
    """What is wrong with a verdict whose fields have the right types, if anything."""
    if verdict.validator != name:
        return f"a verdict in the name of {verdict.validator!r}"
    scored = verdict.status in {Status.PASSED, Status.FAILED}
    if scored != (verdict.score is not None):
        return f"status {verdict.status} with score {verdict.score}"
    if verdict.score is not None and not 0 <= verdict.score <= 100:  # noqa: PLR2004 - percent
        return f"the score {verdict.score}, which is not from 0 to 100"
    return None


@dataclass(frozen=True)
class _NoOptions:
    """Options of a validator that is not there."""


class _NotInstalled:
    """Stands for a validator that the pack weighs but no plugin brings."""

    version = ""
    description = ""
    languages: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    Options = _NoOptions

    def __init__(self, name: str, language: str) -> None:
        self.name = name
        self._language = language

    def unavailable(self) -> str | None:
        return f"no installed plugin brings the validator {self.name!r} for {self._language}"

    def fingerprint(self) -> str:
        return ""

    def validate(self, submission: Submission, bench: Bench) -> Verdict:
        raise NotImplementedError  # it is unavailable
