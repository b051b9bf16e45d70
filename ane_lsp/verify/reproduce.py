"""A minimal, anonymous file for a disagreement: what the two sides say, and the operation, without names or source text."""

from __future__ import annotations

import hashlib
from typing import Any

from ane_lsp import __version__
from ane_lsp.graph import Graph
from ane_lsp.verify.anonymous import describe
from ane_lsp.verify.compare import Comparison, overlap
from ane_lsp.verify.run import Verification


def report(found: Verification) -> dict[str, Any]:
    """Every disagreement with the operations on its line, static and converted: kinds, shapes, dtypes and attributes only.

    Files, lines, module names and messages of the converter are left out; a place is a number.
    """
    versions = found.outcome.results.get("versions", {})
    return {
        "version": 1,
        "ane_lsp": __version__,
        "packages": {k: v for k, v in versions.get("packages", {}).items() if v},
        "python": versions.get("python"),
        "target": found.target.chip,
        "deployment_target": found.job.opset,
        "path": found.outcome.results.get("program", {}).get("path"),
        "disagreements": [_one(c, found) for c in found.comparisons if c.is_disagreement],
    }


def _one(comparison: Comparison, found: Verification) -> dict[str, Any]:
    finding = comparison.finding
    place = hashlib.sha256(f"{finding.span.file}:{finding.span.line}".encode()).hexdigest()[:8]
    return {
        "code": finding.code,
        "status": comparison.status,
        "op": finding.op,
        "place": place,
        "static": _ops(found.static, finding.span),
        "converted": _ops(found.program, finding.span),
    }


def _ops(graph: Graph | None, span: Any) -> list[dict[str, Any]]:
    if graph is None:
        return []
    return [describe(op) for op in graph.ops if overlap(op.span, span) and not op.folds][:12]
