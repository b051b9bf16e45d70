"""Every case that the dispatch study measured in context is placed as Core ML placed it."""

from __future__ import annotations

import context_cases
import pytest

from ane_lsp import placement
from ane_lsp.knowledge import targets

ROWS = context_cases.rows()
M4 = targets.resolve("M4")[0]


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 180
    assert sum(r["in_context"] == "ANE" for r in ROWS) == 114


@pytest.mark.parametrize("row", ROWS, ids=[r["case"] for r in ROWS])
def test_m4_macos_27(row: dict[str, str]) -> None:
    graph, op = context_cases.build(row)
    plan = placement.place(graph, M4)
    assert plan.problem is None
    (placed,) = [p for p in plan.ops if p.op.id == op.id]
    assert placed.unit == row["in_context"], placement.describe(placed, plan)
