"""The composite score: a weighted mean of verdicts under the pack's failure policy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ferrotape.model import (
    AgentFailure,
    Failure,
    FailureRule,
    Pack,
    Score,
    ScorePart,
    Verdict,
)

_DIGITS = 9  # enough to tell scores apart, few enough to hide the order of additions


def score_verdicts(pack: Pack, verdicts: Iterable[Verdict]) -> Score:
    """Scores an answer from which code was taken.

    composite = min(sum(w_v * s_v) / sum(w_v), cap), over the weighted validators v that gave a
    score s_v (0-100); cap is the lowest that the failures among the verdicts call for. If that
    is a `score` and no cap, the composite is set to it. A validator of the pack without a score
    (unavailable, error, not installed) leaves the mean to the others and makes the score partial.
    """
    by_name = {verdict.validator: verdict for verdict in verdicts}
    weights = {name: entry.weight for name, entry in pack.validators.items()}
    scores = {name: by_name[name].score if name in by_name else None for name in weights}
    total = math.fsum(weights[name] for name, score in scores.items() if score is not None)
    parts = tuple(_part(name, weights[name], scores[name], total) for name in weights)
    partial = any(scores[name] is None and weight > 0 for name, weight in weights.items())
    if total == 0:
        return Score(value=None, parts=parts, partial=True)
    mean = math.fsum(weights[name] * score for name, score in scores.items() if score is not None)
    mean = round(mean / total, _DIGITS)
    cap, failure = _lowest_bound(pack.failure_policy, by_name.values())
    sets = failure is not None and pack.failure_policy[failure].score is not None
    value = mean if cap is None else cap if sets else min(mean, cap)
    return Score(
        value=value,
        mean=mean,
        cap=cap,
        failure=failure,
        lost_to_policy=round(mean - value, _DIGITS),
        parts=parts,
        partial=partial,
    )


def score_no_code(pack: Pack) -> Score:
    """Scores an answer in which no code was found, as the policy's `no_code` says (else 0)."""
    rule = pack.failure_policy.get(Failure.NO_CODE)
    value = rule.score if rule and rule.score is not None else 0.0
    return Score(value=value, failure=Failure.NO_CODE, lost_to_policy=100.0 - value)


def score_failure(failure: AgentFailure) -> Score:
    """Scores a trial without a usable reply: 0 if the agent caused it, missing otherwise."""
    if failure.kind.agent_caused:
        return Score(value=0.0, lost_to_policy=100.0)
    return Score(value=None)


def _part(name: str, weight: float, score: float | None, total: float) -> ScorePart:
    if score is None or total == 0:
        return ScorePart(validator=name, weight=0.0, score=score, lost=0.0)
    share = weight / total
    return ScorePart(
        validator=name,
        weight=round(share, _DIGITS),
        score=score,
        lost=round(share * (100.0 - score), _DIGITS),
    )


def _lowest_bound(
    policy: Mapping[Failure, FailureRule], verdicts: Iterable[Verdict]
) -> tuple[float | None, Failure | None]:
    caps: list[tuple[float, Failure]] = []
    for verdict in verdicts:
        rule = policy.get(verdict.failure) if verdict.failure else None
        if rule is None or verdict.failure is None:
            continue
        if rule.cap_base is not None:
            cap = rule.cap_base + (rule.cap_span or 0.0) * (verdict.score or 0.0) / 100.0
        else:
            cap = rule.cap if rule.cap is not None else rule.score or 0.0
        caps.append((round(cap, _DIGITS), verdict.failure))
    return min(caps, default=(None, None), key=lambda entry: entry[0])
