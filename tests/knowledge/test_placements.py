"""Placements in published models against our facts. What they contradict is listed with the reason, and nothing else is.

A report that only says where an operation was *preferred* contradicts nothing: preference is cost, not support.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import dispatch_cases
import pytest

from ane_lsp.graph import Op, TensorType
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.knowledge import eligibility, targets

with open(dispatch_cases.DATA / "placements.csv", encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


def typical(kind: str, params: str) -> Op:
    """The operation as such a model has it; run-time indices for lookups."""
    b = GraphBuilder()
    x = b.value(TensorType((1, 64, 32, 32), "f16"), "input")
    operands: dict[str, Any] = {"x": x}
    attrs: dict[str, Any] = {}
    if kind == "conv":
        operands["weight"] = b.const(TensorType((64, 64, 1, 1), "f16"))
    elif kind == "gather":
        operands["indices"] = b.value(TensorType((1, 4), "i64"), "input")
    elif kind == "max_pool":
        attrs = {"kernel_sizes": (9, 9)}
    elif kind == "matmul" and "5-D" in params:
        operands["x"] = b.value(TensorType((1, 2, 2, 8, 8), "f16"), "input")
    elif kind == "cast":
        attrs = {"dtype": "fp32"}
    b.emit(dispatch_cases._CALL, kind, operands, attrs, [x.type])
    return b.graph.ops[-1]


def contradicts(row: dict[str, str]) -> bool:
    """Whether the report says the opposite of our verdict."""
    target = targets.resolve(row["chip"] or "M4")[0]
    verdict = eligibility.op(typical(row["op"], row["params"]), target).ane
    supported = row["supported"]
    if supported == "unknown":
        return False
    return verdict == ("no" if "ANE" in supported else "yes")


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{r['op']}" for n, r in enumerate(ROWS)])
def test_a_contradiction_is_known_and_explained(row: dict[str, str]) -> None:
    assert contradicts(row) == bool(row["contradicts"]), row


def test_the_page_lists_every_contradiction() -> None:
    page = (Path(__file__).parents[2] / "docs" / "placements.md").read_text(encoding="utf-8")
    known = [row for row in ROWS if row["contradicts"]]
    assert known
    assert all(row["contradicts"] in page and row["model"] in page for row in known)
    assert f"{len(ROWS)} rows" in page
