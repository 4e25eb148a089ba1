"""The reporter `json`: everything for programs, as `docs/report.schema.json` lays it down.

What depends on the answers and the tools comes first and is the same, byte for byte, for every
run on the same cassettes. What differs from run to run is in the last block, `run`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ferrotape import Reply, Reporter, TrialResult, Verdict, hookimpl
from ferrotape.analysis import (
    Losses,
    RunReport,
    ScenarioSummary,
    Summary,
    Waterfall,
    Where,
    headline,
    lost_at,
)
from ferrotape.files import write_text

FILE_NAME = "benchmark-report.json"
SCHEMA_VERSION = 1
_DIGITS = 9


class JsonReporter:
    """Writes `benchmark-report.json`."""

    name = "json"
    version = "1"
    description = f"All figures and verdicts for programs, in {FILE_NAME}."

    def report(self, report: RunReport, folder: Path, console: Console) -> Sequence[Path]:  # noqa: ARG002
        """Writes the file, atomically, and returns its path."""
        # ASCII only: any text survives, lone surrogates too, and none can steer a terminal.
        text = json.dumps(_rounded(_document(report)), indent=2, allow_nan=False)
        return (write_text(folder / FILE_NAME, text + "\n"),)


@hookimpl
def ferrotape_reporters() -> Sequence[Reporter]:
    """The reporter of this module."""
    return [JsonReporter()]


def _document(report: RunReport) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "pack": _pack(report),
        "agents": [_agent(report, summary) for summary in report.agents],
        "measured": report.measured,
        "partial": [asdict(gap) for gap in report.partial],
        "copies": {
            "cells": [_where(where) for where in report.copies.cells],
            "of": report.copies.of,
        },
        "summary": {"headline": headline(report), **_figures(report.overall)},
        "formats": [{**_where(s.where), **_figures(s)} for s in report.formats],
        "scenarios": [_scenario(entry) for entry in report.scenarios],
        "cells": [{**_where(s.where), **_figures(s), "cv": s.cv} for s in report.cells],
        "waterfall": {
            "total": _waterfall(report.total_waterfall),
            "formats": [{**_where(w.where), **_waterfall(w)} for w in report.waterfalls],
        },
        "losses": [_losses(losses) for losses in report.losses],
        "flags": [
            {"kind": flag.kind, "where": _where(flag.where), "message": flag.message}
            for flag in report.flags
        ],
        "trials": [_trial(result) for result in report.results],
        "run": _run(report),
    }


def _pack(report: RunReport) -> dict[str, Any]:
    return {
        "name": report.pack.name,
        "version": str(report.pack.version),
        "digest": report.run.pack_digest,
        "language": report.pack.language,
        "weights": {name: entry.weight for name, entry in report.pack.validators.items()},
    }


def _agent(report: RunReport, summary: Summary) -> dict[str, Any]:
    mine = [r.reply for r in report.results if r.trial.agent == summary.where.agent]
    return {
        "name": summary.where.agent,
        "models": sorted({reply.model for reply in mine if reply.model}),
        **_figures(summary),
    }


def _where(where: Where) -> dict[str, Any]:
    return {
        "scenario": where.scenario or None,
        "format": where.format or None,
        "agent": where.agent or None,
    }


def _figures(summary: Summary) -> dict[str, Any]:
    return {
        "planned": summary.planned,
        "ran": summary.ran,
        "answered": summary.answered,
        "succeeded": summary.succeeded,
        "infrastructure_errors": summary.infrastructure,
        "scored": summary.scored,
        "mean": summary.mean,
        "mean_missing_as_zero": summary.mean_missing_as_zero,
        "sd": summary.sd,
        "min": summary.minimum,
        "max": summary.maximum,
        "success_rate": summary.success_rate,
        "success_rate_of_agent": summary.success_rate_of_agent,
        "error_rate": summary.error_rate,
        "measured": summary.measured,
        "latency_s": summary.latency_s,
        "input_tokens": summary.input_tokens,
        "output_tokens": summary.output_tokens,
    }


def _scenario(entry: ScenarioSummary) -> dict[str, Any]:
    low, high = entry.expected or (None, None)
    return {
        **_where(entry.figures.where),
        "title": entry.title,
        "complexity": entry.complexity,
        "expected": {"low": low, "high": high},
        "position": entry.position,
        **_figures(entry.figures),
    }


def _waterfall(fall: Waterfall) -> dict[str, Any]:
    return {
        "stages": [asdict(count) for count in fall.stages],
        "failures": [{"kind": kind, "trials": count} for kind, count in fall.failures],
    }


def _losses(losses: Losses) -> dict[str, Any]:
    return {
        **_where(losses.where),
        "scored": losses.scored,
        "by_validator": {loss.source: loss.points for loss in losses.by_validator},
        "by_failure": {loss.source: loss.points for loss in losses.by_failure},
        "checks": [asdict(check) for check in losses.checks],
    }


def _trial(result: TrialResult) -> dict[str, Any]:
    trial, score = result.trial, result.score
    return {
        "key": trial.key,
        "scenario": trial.scenario,
        "format": trial.format,
        "agent": trial.agent,
        "round": trial.round,
        "score": score.value,
        "mean": score.mean,
        "cap": score.cap,
        "failure": score.failure,
        "lost_to_policy": score.lost_to_policy,
        "partial": score.partial,
        "lost_at": lost_at(result),
        "parts": [asdict(part) for part in score.parts],
        "reply": _reply(result.reply),
        "extraction": _extraction(result),
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
    }


def _reply(reply: Reply) -> dict[str, Any]:
    """What is known of a reply; times and tokens only if they are the model's."""
    failure, usage = reply.failure, reply.usage if reply.measured else None
    return {
        "model": reply.model or None,
        "stop_reason": reply.stop_reason,
        "failure": {"kind": failure.kind, "message": failure.message} if failure else None,
        "measured": reply.measured,
        "latency_s": reply.latency_s if reply.measured else None,
        "tokens": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cache_read": usage.cache_read_tokens,
            "cache_write": usage.cache_write_tokens,
        }
        if usage
        else None,
        "calls": [{"status": call.status, "error": call.error} for call in reply.calls],
    }


def _extraction(result: TrialResult) -> dict[str, Any] | None:
    extraction = result.extraction
    if extraction is None:
        return None
    return {
        "extractor": extraction.extractor,
        "rule": extraction.rule,
        "note": extraction.note,
        "code_sha256": extraction.code_sha256 if extraction.code is not None else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "validator": verdict.validator,
        "version": verdict.version,
        "status": verdict.status,
        "score": verdict.score,
        "failure": verdict.failure,
        "summary": verdict.summary,
        "metrics": dict(sorted(verdict.metrics.items())),
        "findings": [asdict(finding) for finding in verdict.findings],
    }


def _run(report: RunReport) -> dict[str, Any]:
    run = report.run
    return {
        "id": run.id,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "status": run.status,
        "mode": run.mode,
        "seed": run.seed,
        "jobs": run.jobs,
        "digest": run.digest or None,
        "environment": dict(sorted(run.environment.items())),
        "trials": [
            {
                "key": result.trial.key,
                "order": result.trial.order,
                "reply_s": result.timings.reply_s,
                "extract_s": result.timings.extract_s,
                "validators_s": dict(sorted(result.timings.validators.items())),
                "cached": sorted(result.cached),
            }
            for result in report.results
        ],
    }


def _rounded(value: Any) -> Any:
    """The same with every float at 9 decimals; what is no finite number is null."""
    if isinstance(value, float):
        return round(value, _DIGITS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(entry) for entry in value]
    return value
