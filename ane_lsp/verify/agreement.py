"""Operation by operation: does the graph that was read from the source say what the converted program turned out to be?

Both graphs are reduced to the operations that run (as placement sees them, casts left out) and joined by source statement.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field

from ane_lsp.graph import Graph, Op, Span
from ane_lsp.graph.rearranging import rearranged
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import eligibility
from ane_lsp.knowledge.targets import Target
from ane_lsp.placement.chain import chain

Place = tuple[str, int]  # file and the first line of a statement
_FLOATS = frozenset({"f16", "f32", "bf16", "f64"})


@dataclass(slots=True)
class Rate:
    """said: what the source says; there: what the program has; both: what agrees."""

    said: int = 0
    there: int = 0
    both: int = 0

    def add(self, said: Counter[tuple[object, ...]], there: Counter[tuple[object, ...]]) -> None:
        self.said += said.total()
        self.there += there.total()
        self.both += (said & there).total()

    @property
    def precision(self) -> float | None:
        return self.both / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.both / self.there if self.there else None


@dataclass(slots=True)
class Agreement:
    """anywhere: MIL names, wherever they stand. kinds: MIL names per statement. shapes: with the output's shape. dtypes: and whether it is float, integer or boolean.
    refused: operations the Neural Engine cannot run. lines: statements with operations on both sides; same_verdict: those
    where both say the same about the Neural Engine. differences: in words, most frequent first."""

    anywhere: Rate = field(default_factory=Rate)
    kinds: Rate = field(default_factory=Rate)
    shapes: Rate = field(default_factory=Rate)
    dtypes: Rate = field(default_factory=Rate)
    refused: Rate = field(default_factory=Rate)
    lines: int = 0
    same_verdict: int = 0
    differences: list[tuple[Place, str]] = field(default_factory=list)


def agree(static: Graph, program: Graph, target: Target) -> Agreement:
    """Hold the operations of `static` against those of `program`; operations without a place are left out."""
    said, there = _rows(static, target), _rows(program, target)
    statements = _Statements(op.span for op, _ in said)
    by_place: dict[Place, tuple[list[tuple[Op, str]], list[tuple[Op, str]]]] = {}
    for side, rows in enumerate((said, there)):
        for op, verdict in rows:
            by_place.setdefault(statements.place(op.span.file, op.span.line), ([], []))[side].append((op, verdict))
    found = Agreement()
    found.anywhere.add(_count(said, 1), _count(there, 1))
    for place, (ours, theirs) in sorted(by_place.items()):
        found.kinds.add(_count(ours, 1), _count(theirs, 1))
        found.shapes.add(_count(ours, 2), _count(theirs, 2))
        found.dtypes.add(_count(ours, 3), _count(theirs, 3))
        found.refused.add(_refused(ours), _refused(theirs))
        if ours and theirs:
            found.lines += 1
            found.same_verdict += _worst(ours) == _worst(theirs)
        if _count(ours, 2) != _count(theirs, 2):
            found.differences.append((place, _words(_count(ours, 2), _count(theirs, 2))))
    return found


def _rows(graph: Graph, target: Target) -> list[tuple[Op, str]]:
    judge = eligibility.on(target, rearranged(graph))
    return [(op, judge(op).ane) for op in chain(graph) if op.span.file and op.kind != "cast" and op.outputs]


def _count(rows: Iterable[tuple[Op, str]], depth: int) -> Counter[tuple[object, ...]]:
    return Counter(_key(op)[:depth] for op, _ in rows)


def _key(op: Op) -> tuple[object, ...]:
    made = op.outputs[0].type
    dtype = made.dtype or "?"
    kind = "float" if dtype in _FLOATS else "bool" if dtype == "b8" else "int"
    return op.kind, None if made.shape is None else tuple(map(str, made.shape)), kind


def _refused(rows: Iterable[tuple[Op, str]]) -> Counter[tuple[object, ...]]:
    return Counter((op.kind,) for op, verdict in rows if verdict == "no")


def _worst(rows: Iterable[tuple[Op, str]]) -> str:
    verdicts = {verdict for _, verdict in rows}
    return next((v for v in ("no", "unknown", "depends") if v in verdicts), "yes")


def _words(ours: Counter[tuple[object, ...]], theirs: Counter[tuple[object, ...]]) -> str:
    def listed(rows: Counter[tuple[object, ...]]) -> str:
        names = (f"{n} x " * (n > 1) + f"{key[0]} {_shape(key[1])}" for key, n in sorted(rows.items(), key=str))
        return ", ".join(names) or "nothing"

    return f"source only: {listed(ours - theirs)}; program only: {listed(theirs - ours)}"


def _shape(shape: object) -> str:
    return "x".join(shape) if isinstance(shape, tuple) else "?"


class _Statements:
    """Lines that belong together: a converter names a line of an expression over several, and not always the first."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._real: dict[str, str] = {}
        lines: dict[str, list[tuple[int, int]]] = {}
        for span in spans:
            lines.setdefault(self.real(span.file), []).append((span.line, span.end_line))
        self._merged = {file: _merge(sorted(set(found))) for file, found in lines.items()}

    def real(self, file: str) -> str:
        if file not in self._real:
            self._real[file] = os.path.realpath(file)
        return self._real[file]

    def place(self, file: str, line: int) -> Place:
        file = self.real(file)
        ranges = self._merged.get(file, [])
        index = bisect_right(ranges, (line, 1 << 60)) - 1
        return (file, ranges[index][0]) if index >= 0 and line <= ranges[index][1] else (file, line)


def _merge(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in ranges:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
