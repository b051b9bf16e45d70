"""The ``json`` format, version 1. Lines count from 1, columns from 0 in UTF-8 bytes, as in Python's ``ast``."""

from __future__ import annotations

import json
from typing import Any

from ane_lsp.analysis import AnalysisError, ModelSummary
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.report.model import Report

VERSION = 1


def write(report: Report) -> str:
    """The whole run as one JSON document."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The same as plain data."""
    found: dict[str, Any] = {
        "version": VERSION,
        "findings": [finding_json(report, finding) for finding in report.findings],
        "models": [_model(report, model) for model in report.models],
        "errors": [_error(report, error) for error in report.errors],
        "unfollowed": [{"message": one.message, **_place(report, one.span)} for one in report.unfollowed],
    }
    if report.statistics:
        found["statistics"] = [{"code": code, "name": name, "count": n} for code, name, n in report.counts()]
    return found


def finding_json(report: Report, finding: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        **_place(report, finding.span),
        "target": finding.target,
        "op": finding.op,
        "model": finding.model,
        "evidence": [
            {"claim": e.claim, "source": e.source, "chip": e.chip, "os": e.os, "grade": e.grade, "date": e.date}
            for e in finding.evidence
        ],
        "fixes": [{"title": fix.title, "safety": fix.safety} for fix in finding.fixes],
        "related": [{"message": r.message, **_place(report, r.span)} for r in finding.related],
    }


def _place(report: Report, span: Span) -> dict[str, Any]:
    return {
        "file": report.path(span.file),
        "line": span.line,
        "col": span.col,
        "end_line": span.end_line,
        "end_col": span.end_col,
    }


def _model(report: Report, model: ModelSummary) -> dict[str, Any]:
    return {
        "name": model.name,
        "file": report.path(model.span.file),
        "line": model.span.line,
        "ops": model.ops,
        "on_ane": model.on_ane,
        "unknown_shapes": model.unknown_shapes,
        "target": model.target,
        "findings": model.findings,
        "assumed": list(model.assumed),
        "stopped": model.stopped,
        "elsewhere": list(map(str, model.elsewhere)),
        "off_ane": dict(model.off_ane),
        "lost": list(map(str, model.lost)),
    }


def _error(report: Report, error: AnalysisError) -> dict[str, Any]:
    return {"kind": error.kind, "message": error.message, **_place(report, error.span)}
