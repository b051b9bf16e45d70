"""The rows of ``ane-lsp trace``: one for each distinct torch operation a run reached."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ane_lsp.graph import Call, Graph, Sym, Unknown, Value, dim_json
from ane_lsp.interp.run import Run

_WITHIN = 8


def _value_json(value: Any, depth: int = 0) -> Any:
    if isinstance(value, Value):
        shape = value.type.shape
        return {"t": None if shape is None else [dim_json(d) for d in shape], "d": value.type.dtype or "?"}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Sym):
        return str(value)
    if isinstance(value, slice):
        return {"slice": [_value_json(value.start), _value_json(value.stop), _value_json(value.step)]}
    if value is Ellipsis:
        return "..."
    if isinstance(value, (list, tuple)) and depth < 3:
        return [_value_json(v, depth + 1) for v in list(value)[:24]]
    if isinstance(value, dict) and depth < 3:
        return {str(k): _value_json(v, depth + 1) for k, v in list(value.items())[:24]}
    if isinstance(value, Unknown):
        return "?"
    return {"obj": getattr(getattr(value, "cls", None), "name", type(value).__name__)}


def rows(graphs: Iterable[Graph], relative: Any) -> list[dict[str, Any]]:
    """Rows in order of first execution; equal ones at a site are merged and counted in ``n``.

    relative: from an absolute path to one relative to its import root.
    """
    made: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    for graph in graphs:
        mil: dict[int, list[str]] = {}
        for op in graph.ops:
            mil.setdefault(op.call.id, []).append(op.kind)
        for call in graph.calls:
            file = files.get(call.span.file)
            if file is None:
                file = files[call.span.file] = relative(Path(call.span.file))
            row = _row(call, file, mil.get(call.id, []))
            key = json.dumps(row, default=str)
            known = made.get(key)
            if known is None:
                made[key] = {**row, "within": [call.module], "n": 1}
            else:
                known["n"] += 1
                if call.module not in known["within"] and len(known["within"]) < _WITHIN:
                    known["within"].append(call.module)
    return list(made.values())


def _row(call: Call, file: str, mil: list[str]) -> dict[str, Any]:
    span = call.span
    row: dict[str, Any] = {
        "file": file, "line": span.line, "col": span.col, "end_line": span.end_line, "end_col": span.end_col,
        "fn": call.fn, "op": call.torch, "kind": call.kind, "direct": call.direct,
        "in": _value_json(list(call.args)), "out": _value_json(call.result),
    }  # fmt: skip
    if call.kwargs:
        row["kw"] = _value_json(dict(call.kwargs))
    if call.hyper:
        row["hyper"] = _value_json(dict(call.hyper))
    row["mil"] = mil
    return row


def summary(run: Run, graphs: Iterable[Graph], assumed: Iterable[str] = ()) -> dict[str, Any]:
    """The closing row: counts of the graphs that are shown, what could not be followed, what was assumed, why the run ended early."""
    calls = [call for graph in graphs for call in graph.calls]
    unknown = sum(1 for call in calls if not _known(call.result))
    return {
        "summary": {
            "ops": len(calls),
            "unknown_shapes": unknown,
            "unresolved_calls": [f"{span}: {reason}" for reason, span in list(run.interp.unresolved.items())[:50]],
            "errors": [f"{span}: {text}" if span else text for text, span in run.errors[:20]],
            "assumed": list(assumed),
            "internal_errors": [f"{span}: {text}" for text, span in run.internal.items()],
            "stopped": run.stopped,
            "seconds": round(run.seconds, 3),
        }
    }


def _known(result: Any) -> bool:
    if isinstance(result, Value):
        return result.type.shape is not None and all(not isinstance(d, Sym) or d.is_known for d in result.type.shape)
    if isinstance(result, (list, tuple)):
        return all(_known(r) for r in result)
    return True
