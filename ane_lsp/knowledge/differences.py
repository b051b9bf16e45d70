"""Torch calls that coremltools converts into something else: ``rules/facts/torch-differences.csv``.

Each row was converted, the program computed operation by operation, and the result held against torch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ane_lsp.graph import Call
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import tables
from ane_lsp.knowledge.conversion import PATHS, VERSIONS, Condition, conditions_of, meets, spellings
from ane_lsp.knowledge.evidence import Severity

_PLACES = {
    (path, version): f"{path.removeprefix('export-')}_{version.replace('.', '_')}"
    for path in PATHS
    for version in VERSIONS
}
_COLUMNS = ("torch", "when", *_PLACES.values(), "what", "advice", "severity", "confidence", "source")


@dataclass(frozen=True, slots=True)
class Difference:
    """A kind of call whose program computes something else. where: export paths and versions that do so. what: what it does instead.
    severity: None for that of the rule's page."""

    conditions: tuple[Condition, ...]
    where: frozenset[tuple[str, str]]
    what: str
    advice: str
    severity: Severity | None

    def versions(self, path: str) -> tuple[str, ...]:
        """The versions of coremltools that compute something else on a path."""
        return tuple(version for version in VERSIONS if (path, version) in self.where)


@cache
def table() -> Mapping[str, tuple[Difference, ...]]:
    """Differences by torch name. Raises KnowledgeError for a wrong table."""
    found: dict[str, list[Difference]] = {}
    for row in tables.load("torch-differences.csv", _COLUMNS, ("torch", *_PLACES.values(), "what", "advice", "source")):
        row.choice("confidence", ("measured",))
        where = frozenset(
            place for place, column in _PLACES.items() if row.choice(column, ("same", "differs")) == "differs"
        )
        severity: Severity | None = "error" if row.choice("severity", ("error", "")) else None
        difference = Difference(conditions_of(row), where, row["what"], row["advice"], severity)
        for name in row.items("torch"):
            found.setdefault(name, []).append(difference)
    return {name: tuple(differences) for name, differences in found.items()}


@cache
def differences(name: str, path: str, version: str) -> tuple[Difference, ...]:
    """What may differ of a call by its name."""
    known = (row for spelling in spellings(name) for row in table().get(spelling, ()))
    return tuple(row for row in known if (path, version) in row.where)


def difference(call: Call, path: str, version: str) -> Difference | None:
    """How the program of a call differs from it, None for no known way."""
    return next((row for row in differences(call.torch, path, version) if meets(call, row.conditions)), None)
