"""A placement as plain data: what ``--format json`` prints and editors receive. Lines from 1, columns from 0 in UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ane_lsp.graph import Span
from ane_lsp.placement.plan import Placed, Placement
from ane_lsp.placement.words import describe, summary

VERSION = 1


def to_json(plan: Placement, path: Callable[[str], str] = str) -> dict[str, Any]:
    """Everything about a placement; `path` shortens file names. Times are ms."""
    return {
        "model": plan.model,
        "target": plan.target,
        "summary": summary(plan),
        "problem": plan.problem,
        "confidence": plan.confidence,
        "too_small": plan.too_small,
        "ops": len(plan.ops),
        "on_ane": plan.on_ane,
        "undecided": plan.undecided,
        "unpriced": plan.unpriced,
        "switches": plan.switches,
        "time_ms": {
            "ane": plan.ane_ms, "cpu": plan.cpu_ms, "fixed": plan.fixed_ms, "total": plan.total_ms,
            "all_cpu": plan.all_cpu_ms, "saving": plan.saving_ms,
        },
        "segments": [{"unit": s.unit, "first": s.first, "last": s.last, "ms": s.ms} for s in plan.segments],
        "removals": [
            {"kinds": list(r.kinds), "ops": r.ops, "moved": r.moved, "saved_ms": r.saved_ms, **_place(r.span, path)}
            for r in plan.removals
        ],
        "operations": [_operation(placed, plan, path) for placed in plan.ops],
    }  # fmt: skip


def _operation(placed: Placed, plan: Placement, path: Callable[[str], str]) -> dict[str, Any]:
    verdict = placed.verdict
    return {
        "op": placed.op.kind,
        "torch": placed.op.call.torch,
        "module": placed.op.call.module,
        "out": [str(value.type) for value in placed.op.outputs],
        "unit": placed.unit,
        "ane_ms": placed.ane_ms if verdict.ane != "no" else None,
        "cpu_ms": placed.cpu_ms,
        "eligible": verdict.ane,
        "reason": verdict.reason,
        "code": verdict.code,
        "confidence": verdict.confidence,
        "text": describe(placed, plan),
        **_place(placed.op.span, path),
    }


def _place(span: Span, path: Callable[[str], str]) -> dict[str, Any]:
    return {
        "file": path(span.file), "line": span.line, "col": span.col, "end_line": span.end_line, "end_col": span.end_col,
    }  # fmt: skip
