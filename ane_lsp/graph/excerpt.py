"""As much of a graph as tells everything: of layers in a row that record the same, a few.

What a rule says of a layer in the middle of thirty it says of the one before. So rules are asked about the first, the last and one
between them, which stands for all others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from operator import and_, eq, sub
from typing import Any, NamedTuple

from ane_lsp.graph.ir import Call, Graph, Op, Operand, Value

# At either end of a row so many operations stay, in whole layers: rules look at what is near.
_NEAR = 20
# So many distances to the next op like it are tried for each op as the length of a layer.
_TRIED = 4
# So many rows that turn out to be none end the search.
_MISTAKEN = 4


class Row(NamedTuple):
    """`layers` in a row, of `ops` operations and `calls` calls each. op, call: the ids of the first ones. stand_in: so many stay at either
    end, and the one behind the first of them stands for those in the middle.
    """

    op: int
    call: int
    ops: int
    calls: int
    layers: int
    stand_in: int

    @property
    def left_out(self) -> range:
        """The layers that have a stand-in, counted from 0."""
        return range(self.stand_in + 1, self.layers - self.stand_in)

    @property
    def all_ops(self) -> range:
        """The ids of all its operations."""
        return self.ops_of(range(self.layers))

    def ops_of(self, layers: range) -> range:
        """The ids of the operations of some layers."""
        return range(self.op + layers.start * self.ops, self.op + layers.stop * self.ops)

    def calls_of(self, layers: range) -> range:
        """The ids of their calls."""
        return range(self.call + layers.start * self.calls, self.call + layers.stop * self.calls)


def _ends(ops: int) -> int:
    """How many layers of so many operations stay at either end of a row."""
    return -(-_NEAR // ops)


def _fewest(ops: int) -> int:
    """The shortest row of which layers are left out: two at least."""
    return 2 * _ends(ops) + 3


class Excerpt:
    """`graph`: what is left of a `whole` one without layers of some `rows`. Operations and calls keep their ids."""

    def __init__(self, whole: Graph, rows: Sequence[Row], graph: Graph | None = None) -> None:
        self.whole = whole
        self.rows = rows
        self.graph = graph or (self._without() if rows else whole)
        self._counts = {
            number: 1 + len(row.left_out)
            for row in rows
            for number in range(row.op + row.stand_in * row.ops, row.op + row.left_out.start * row.ops)
        }

    def __reduce__(self) -> Any:
        return type(None), ()  # a copy finds it out again

    def count(self, ops: Iterable[Op]) -> int:
        """How many operations they are with those that they stand for."""
        return sum(self.times(op) for op in ops)

    def times(self, op: Op) -> int:
        """For how many operations one stands, itself included."""
        return self._counts.get(op.id, 1)

    def all_of(self, calls: Sequence[Call]) -> list[Call]:
        """Calls, and behind stand-ins those that they stand for, layer by layer."""
        found: list[Call] = []
        for row, together in groupby(calls, self._row_of):
            stand_ins = list(together)
            found += stand_ins
            if row is not None:
                further = [(layer - row.stand_in) * row.calls for layer in row.left_out]
                found += [self.whole.calls[call.id + more] for more in further for call in stand_ins]
        return found

    def _row_of(self, call: Call) -> Row | None:
        """The row in which a call is a stand-in."""
        for row in self.rows:
            if 0 <= call.id - row.call - row.stand_in * row.calls < row.calls:
                return row
        return None

    @cached_property
    def stand_ins(self) -> dict[int, Value]:
        """What stands for values of the last layers that were left out, by their ids: the next layer reads those."""
        ops, found = self.whole.ops, dict[int, Value]()
        for row in self.rows:
            last = row.op + (row.left_out.stop - 1) * row.ops
            stand_in = row.op + row.stand_in * row.ops
            for old, now in zip(ops[last : last + row.ops], ops[stand_in : stand_in + row.ops]):
                found.update((value.id, other) for value, other in zip(old.outputs, now.outputs))
        return found

    def _without(self) -> Graph:
        whole, there = self.whole, self.stand_ins
        ops, calls = list[Op](), list[Call]()
        op = call = 0
        for row in self.rows:
            first, last = row.left_out.start, row.left_out.stop
            ops += whole.ops[op : row.op + first * row.ops]
            calls += whole.calls[call : row.call + first * row.calls]
            op, call = row.op + last * row.ops, row.call + last * row.calls
            _join(whole.ops[op : op + row.ops], whole.calls[call : call + row.calls], there, ops, calls)
            op, call = op + row.ops, call + row.calls
        ops += whole.ops[op:]
        calls += whole.calls[call:]
        return whole.of(calls, ops)


def excerpt_of(graph: Graph) -> Excerpt:
    """The excerpt of a graph to which nothing will be added any more; found out once. It is the graph itself where no layers repeat."""
    if graph.excerpt is None:
        graph.excerpt = Excerpt(graph, [] if graph.custom else _rows(graph))
    return graph.excerpt


def _rows(graph: Graph) -> list[Row]:
    marks = [id(op.alike) for op in graph.ops]
    later: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        later.setdefault(mark, []).append(number)
    rows: list[Row] = []
    mistaken = 0
    for same in later.values():
        at = failed = 0
        # The first of its kind begins a row, or the second: the first one may be called elsewhere.
        while failed < 2 and len(same) >= at + 3:
            row = next((one for one in rows if same[at] in one.all_ops), None)
            if row is None:
                length = _length(marks, same[at : at + 1 + _TRIED])
                start, layers = _from_the_top(graph, marks, same[at], length)
                row = _row(graph, start, length, layers) if layers else None
                if row is not None and any(row.op < one.all_ops.stop and one.op < row.all_ops.stop for one in rows):
                    row = None
                if row is not None:
                    rows.append(row)
                elif layers:
                    mistaken += 1
                    if mistaken == _MISTAKEN:
                        return sorted(rows)
            failed += row is None
            at = at + 1 if row is None else bisect_left(same, row.all_ops.stop)
    return sorted(rows)


def _length(marks: list[int], places: list[int]) -> int:
    """Of the distances from the first place to the others, the one at which most looks alike in a row."""
    first, *others = places
    return max((other - first for other in others), key=lambda length: length * _count(marks, first, length))


def _count(marks: list[int], start: int, length: int) -> int:
    """How many layers of so many operations look alike from there on; 0 for fewer than are of use."""
    least = marks[start : start + length * _fewest(length) : length]
    if len(least) < _fewest(length) or least.count(least[0]) < len(least):
        return 0
    one = marks[start : start + length]
    count = 1
    while marks[start + count * length : start + (count + 1) * length] == one:
        count += 1
    return count if count >= _fewest(length) else 0


def _from_the_top(graph: Graph, marks: list[int], start: int, length: int) -> tuple[int, int]:
    """Where the first of such layers begins as modules go, and how many there are from there on."""
    count = _count(marks, start, length)
    if not count:
        return start, 0
    modules = [op.call.module.split(".") for op in graph.ops[max(start - 1, 0) : start + length]]
    shared = [sum(accumulate(map(eq, one, other), and_)) for one, other in pairwise(modules)]
    first = shared.index(min(shared)) + max(start, 1)
    from_there = _count(marks, first, length)
    return (first, from_there) if from_there else (start, count)


def _row(graph: Graph, start: int, length: int, count: int) -> Row | None:
    """These layers, where they make the same calls and read the same: what the one before made, or what all do."""
    layers = [graph.ops[at : at + length] for at in range(start, start + count * length, length)]
    calls = [[op.call.id for op in layer] for layer in layers]
    row = Row(start, calls[0][0], length, calls[1][0] - calls[0][0], count, _ends(length))
    if row.calls <= max(calls[0]) - row.call or row.call + count * row.calls > len(graph.calls):
        return None
    if any(set(map(sub, after, before)) != {row.calls} for before, after in pairwise(calls)):
        return None
    stack = layers[0][0].call.stack
    if any(layer[0].call.stack != stack for layer in layers):
        return None
    read = [[value for op in layer for value in op.input_values()] for layer in layers]
    if any(value.origin == "buffer" for value in read[0]):  # which each layer may write
        return None
    makers = [[-1 if value.producer is None else value.producer for value in values] for values in read]
    for number in range(row.stand_in, count):
        first = start + (number - 1) * length
        for maker, before, one, other in zip(makers[number], makers[number - 1], read[number], read[number - 1]):
            if maker - before != length if maker >= first else one.id != other.id and not (maker < 0 and one.is_const):
                return None
    # What they make must be of no use but to themselves and the next one.
    between = range(start + row.stand_in * length, start + row.left_out.stop * length)
    behind = {value.producer for op in graph.ops[between.stop + length :] for value in op.input_values()}
    behind.update([value.producer for value in graph.outputs])
    return row if behind.isdisjoint(between) else None


def _join(layer: list[Op], calls: list[Call], there: Mapping[int, Value], ops: list[Op], recorded: list[Call]) -> None:
    """Add a layer, with the values that stand `there` for those of the one before."""
    renewed: dict[int, Call] = {}
    for call in calls:
        held = call.args, call.kwargs, call.params, call.result
        args, kwargs, params, result = now = tuple(_with(one, there) for one in held)
        if not all(map(_is, now, held)):
            renewed[call.id] = call = call.of(args, kwargs, params, result)
        recorded.append(call)
    for op in layer:
        inputs: dict[str, Operand] = _with(op.inputs, there)
        call = renewed.get(op.call.id, op.call)
        if call is not op.call or inputs is not op.inputs:
            op = op.again(op.id, inputs, _with(op.attrs, there), op.outputs, call)
        ops.append(op)


def _with(held: Any, there: Mapping[int, Value]) -> Any:
    """`held` with other values; itself where it has none of those."""
    kind = held.__class__
    if kind is Value:
        now = there.get(held.id)
        return held if now is None else now.of_type(held.type)
    if kind is tuple or kind is list:
        items = [_with(item, there) for item in held]
        return held if all(map(_is, items, held)) else kind(items)
    if kind is slice:
        ends = held.start, held.stop, held.step
        return held if _with(ends, there) is ends else slice(*_with(ends, there))
    if kind is dict:
        items = [_with(item, there) for item in held.values()]
        return held if all(map(_is, items, held.values())) else dict(zip(held, items))
    return held


def _is(one: Any, other: Any) -> bool:
    return one is other


__all__ = ["Excerpt", "Row", "excerpt_of"]
