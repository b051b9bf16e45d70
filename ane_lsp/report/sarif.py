"""SARIF 2.1.0 (OASIS), the format of code scanning services."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ane_lsp import __version__
from ane_lsp.checks.finding import Finding, Fix
from ane_lsp.graph import Span
from ane_lsp.knowledge import rules
from ane_lsp.report.model import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {"error": "error", "warning": "warning", "information": "note", "hint": "note"}


def write(report: Report) -> str:
    """The run as a SARIF log with one run."""
    codes = sorted({finding.code for finding in report.findings})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "ane-lsp",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code, report) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"uri": report.base.as_uri().rstrip("/") + "/"}},
        "results": [_result(report, finding, codes.index(finding.code)) for finding in report.findings],
        "invocations": [
            {
                "executionSuccessful": all(error.kind != "internal" for error in report.errors),
                "toolExecutionNotifications": [
                    {
                        "level": "warning" if error.kind == "budget" else "error",
                        "message": {"text": error.message},
                        "descriptor": {"id": error.kind},
                        "locations": [_location(report, error.span)],
                    }
                    for error in report.errors
                ],
            }
        ],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str, report: Report) -> dict[str, Any]:
    if code not in rules.codes():
        name = next(finding.name for finding in report.findings if finding.code == code)
        return {"id": code, "name": name, "shortDescription": {"text": name}}
    page = rules.page(code)
    rule = page.rule
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in page.sections.items() if title != "Examples")
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": page.sections["What it flags"]},
        "help": {"text": body.replace("## ", ""), "markdown": body},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {"tags": [rule.category, "apple-neural-engine"], "problem.severity": _problem(rule.severity)},
    }


def _problem(severity: str) -> str:
    return {"error": "error", "warning": "warning"}.get(severity, "recommendation")


def _result(report: Report, finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(report, finding.span)],
        "partialFingerprints": {
            "aneLsp/v1": report.line_fingerprint(finding),
            "aneLsp/v2": report.fingerprint(finding),
        },
        "properties": {
            "confidence": finding.confidence,
            "target": finding.target,
            "op": finding.op,
            "model": finding.model,
            "evidence": [
                f"{e.claim} ({', '.join(x for x in (e.source, e.chip, e.os) if x)})" for e in finding.evidence
            ],
        },
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(report, related.span), "message": {"text": related.message}}
            for number, related in enumerate(finding.related)
        ]
    fixes = [_fix(report, fix) for fix in finding.fixes if fix.edits]
    if fixes:
        result["fixes"] = fixes
    return result


def _fix(report: Report, fix: Fix) -> dict[str, Any]:
    by_file: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacement = {"deletedRegion": _region(report, edit.span), "insertedContent": {"text": edit.text}}
        by_file.setdefault(edit.span.file, []).append(replacement)
    return {
        "description": {"text": f"{fix.title} ({fix.safety})"},
        "artifactChanges": [
            {"artifactLocation": _artifact(report, file), "replacements": replacements}
            for file, replacements in by_file.items()
        ],
    }


def _location(report: Report, span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(report, span.file), "region": _region(report, span)}}


def _artifact(report: Report, file: str) -> dict[str, str]:
    path = report.path(file)
    if path.startswith("/") or ":" in path[:3]:
        return {"uri": "file://" + quote(path if path.startswith("/") else "/" + path)}
    return {"uri": quote(path), "uriBaseId": "ROOT"}


def _region(report: Report, span: Span) -> dict[str, int]:
    region = report.region(span)
    return {
        "startLine": region.line,
        "startColumn": region.col,
        "endLine": region.end_line,
        "endColumn": region.end_col,
    }
