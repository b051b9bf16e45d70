"""What a Mac's owner can send in: where Core ML would run each operation of a model, without anything that tells the model.

The file holds operations, shapes, dtypes and attributes, each once with how often it occurs, in alphabetical order: no names, no
places, no weights, no order of execution. :mod:`ane_lsp.knowledge.observations` checks it and turns it into rows of facts.
"""

from __future__ import annotations

import json
from typing import Any

from ane_lsp import __version__
from ane_lsp.graph import Op
from ane_lsp.knowledge.observations import UNITS, VERSION
from ane_lsp.verify.anonymous import numbers
from ane_lsp.verify.run import Verification


class NothingToContribute(Exception):
    """Why there is no evidence in a run, in words."""


def evidence(found: Verification) -> dict[str, Any]:
    """The evidence file of a run. Raises NothingToContribute."""
    plan = found.outcome.results.get("plan")
    if found.program is None:
        raise NothingToContribute("the model did not convert")
    if not plan:
        raise NothingToContribute("Core ML's compute plan is what is contributed, and it needs macOS")
    answers = {row["output"]: row for row in plan["operations"]}
    rows: dict[str, dict[str, Any]] = {}
    for op in found.program.ops:
        answer = answers.get(op.outputs[0].name) if op.outputs else None
        if answer is None or not set(answer["supported"]) <= set(UNITS) or not _known(op):
            continue
        row = {
            "op": op.kind,
            "inputs": {name: _operand(given) for name, given in op.inputs.items()},
            "attrs": numbers(op.attrs),
            "outputs": [_operand(value) for value in op.outputs],
            "preferred": answer["preferred"],
            "supported": sorted(answer["supported"]),
        }
        known = rows.setdefault(json.dumps(row, sort_keys=True), {**row, "count": 0})
        known["count"] += 1
    if not rows:
        raise NothingToContribute("the compute plan names no operation of the converted program")
    packages = found.outcome.results.get("versions", {}).get("packages", {})
    return {
        "kind": "ane-lsp evidence", "version": VERSION, "ane_lsp": __version__, "chip": plan["chip"], "os": plan["os"],
        "coremltools": packages.get("coremltools") or "", "deployment_target": found.job.opset,
        "compute_units": plan["compute_units"], "rows": sorted(rows.values(), key=lambda row: (row["op"], json.dumps(row, sort_keys=True))),
    }  # fmt: skip


def _known(op: Op) -> bool:
    return all(v.type.is_static and v.type.dtype is not None for v in (*op.input_values(), *op.outputs))


def _operand(given: Any) -> Any:
    """``1x64x32x32:f16``, with `` constant`` behind weights; a list for several."""
    if isinstance(given, tuple):
        return [_operand(value) for value in given]
    shape = "x".join(map(str, given.type.shape)) or "scalar"
    return f"{shape}:{given.type.dtype}{' constant' if given.is_const else ''}"
