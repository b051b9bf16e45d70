"""What the fact tables say for each engine generation, and where two generations differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ane_lsp.knowledge import eligibility, limits, tables, targets
from ane_lsp.knowledge.eligibility import COLUMNS, Fact

MARKS = {"yes": "yes", "no": "**no**", "depends": "depends", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Line:
    """An operation in one situation (`when`, "" for any other) with the deciding row of each generation."""

    op: str
    when: str
    facts: dict[int, Fact | None]

    def answer(self, generation: int) -> str:
        """yes, no, depends or unknown. Rows for every operation (``*``) only ever say no."""
        fact = self.facts[generation]
        return "yes" if fact is None and self.op == "*" else "unknown" if fact is None else fact.ane

    def limited(self, generation: int) -> bool:
        """Whether the answer is that of the general case while other limits hold there on the same property."""
        fact = self.facts[generation]
        if not self.when or fact is None or conditions()[fact.line]:
            return False
        others = [row for row in eligibility.facts()[self.op] if not row.generations or generation in row.generations]
        words = set(re.findall(r"[a-z_]+", self.when)) - {"and", "or", "not"}
        return any(row.ane == "no" and words & set(re.findall(r"[a-z_]+", conditions()[row.line])) for row in others)

    def differs(self, generations: tuple[int, ...]) -> bool:
        """Whether the answer is not the same for all of them."""
        return len({self.answer(generation) for generation in generations}) > 1


def generations() -> tuple[int, ...]:
    """The engine generations of the chips Core ML can use, oldest first."""
    return tuple(sorted({chip.generation for chip in targets.chips() if chip.generation}))


def chips_of(generation: int) -> list[str]:
    """Short names of a generation's chips in phones and Macs, without their larger variants."""
    names = [
        chip.chip.replace(" Bionic", "")
        for chip in targets.chips()
        if chip.generation == generation and chip.family in "AM"
    ]
    plain = {name for name in names if re.fullmatch(r"[AM]\d+", name)}
    return [name for name in names if name in plain or not name.startswith(tuple(plain))]


@cache
def conditions() -> dict[int, str]:
    """Line of ane-ops.csv to its condition as written."""
    return {row.line: row["when"] for row in tables.load("ane-ops.csv", COLUMNS)}


@cache
def lines() -> tuple[Line, ...]:
    """Every operation and situation of the table, in its order."""
    found: list[Line] = []
    for op, facts in eligibility.facts().items():
        for when in dict.fromkeys(conditions()[fact.line] for fact in facts):
            deciding = {generation: _deciding(facts, when, generation) for generation in generations()}
            found.append(Line(op, when, deciding))
    return tuple(found)


def _deciding(facts: tuple[Fact, ...], when: str, generation: int) -> Fact | None:
    fitting = [fact for fact in facts if not fact.generations or generation in fact.generations]
    return next((fact for fact in fitting if conditions()[fact.line] in (when, "")), None)


def limit(name: str, generation: int) -> str:
    """A limit as a cell; empty where the table has none."""
    try:
        value = limits.value(name, generation)
    except KeyError:
        return ""
    if name in _flags():
        return "yes" if value else "no"
    return "none" if value is None else f"{value:g}"


@cache
def _flags() -> frozenset[str]:
    return frozenset(row.name for row in limits.table() if row.unit == "flag")


def limit_names() -> list[str]:
    """The limits that have a value for more than one generation, in the table's order."""
    names = dict.fromkeys(row.name for row in limits.table())
    return [name for name in names if sum(bool(limit(name, generation)) for generation in generations()) > 1]
