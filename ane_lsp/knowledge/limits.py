"""Numeric limits by engine generation, ``rules/facts/limits.csv``: for explanations and reports.

Verdicts come from :mod:`ane_lsp.knowledge.eligibility`, whose conditions carry their own numbers; a test compares the two.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import tables
from ane_lsp.knowledge.eligibility import BASES
from ane_lsp.knowledge.evidence import Basis

COLUMNS = ("limit", "generations", "value", "unit", "confidence", "chip", "os", "source")
_STRENGTH = {"measured": 0, "documented": 1, "reported": 2}


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one or more generations. value: None where the source says there is none."""

    name: str
    generations: frozenset[int]
    value: float | None
    unit: str
    basis: Basis
    chip: str
    os: str
    source: str


@cache
def table() -> tuple[Limit, ...]:
    """Every row. Raises KnowledgeError for a wrong one."""
    found: list[Limit] = []
    for row in tables.load("limits.csv", COLUMNS, ("limit", "generations", "unit", "confidence", "source")):
        text = row["value"]
        found.append(
            Limit(
                name=row["limit"],
                generations=tables.generations(row, "generations"),
                value=None if text in ("", "unlimited") else row.number("value"),
                unit=row["unit"],
                basis=cast(Basis, row.choice("confidence", BASES)),
                chip=row["chip"],
                os=row["os"],
                source=row["source"],
            )
        )
    return tuple(found)


def value(name: str, generation: int) -> float | None:
    """The limit of a generation by its best evidence. Raises KeyError where the table has none."""
    rows = [limit for limit in table() if limit.name == name and generation in limit.generations]
    if not rows:
        raise KeyError(f"{name} for generation H{generation}")
    return min(rows, key=lambda limit: _STRENGTH[limit.basis]).value
