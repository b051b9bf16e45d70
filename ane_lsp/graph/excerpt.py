"""As much of a graph as tells everything: of layers in a row that record the same, a few.

What a rule says of a layer in the middle of thirty it says of the one before. So rules are asked about the first, the last and one
between them, which stands for all others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, groupby, pairwise, zip_longest
from operator import and_, attrgetter, eq, sub
from typing import Any, NamedTuple

from ane_lsp.graph.dims import Sym
from ane_lsp.graph.ir import Call, Graph, Op, Operand, Value
from ane_lsp.graph.liveness import idle_ops
from ane_lsp.graph.moves import VIEWS
from ane_lsp.graph.types import TensorType, Unknown

# At either end of a row so many operations stay, in whole layers: rules look at what is near.
_NEAR = 20
# So many rows that turn out to be none end the search for those of as many layers together.
_MISTAKEN = 16
# Of so many layers at most one may do something that the others do not: attention over all that went before, without positions.
_TOGETHER = 6
# Fewer operations that are left are not worth a search for such.
_WORTH_IT = 500


class Row(NamedTuple):
    """`layers` in a row, of `ops` operations and `calls` calls each. op, call: the ids of the first ones. stand_in: so many stay ahead of the one
    that stands for those in the middle; behind: so many at the end.
    """

    op: int
    call: int
    ops: int
    calls: int
    layers: int
    stand_in: int
    behind: int

    @property
    def left_out(self) -> range:
        """The layers that have a stand-in, counted from 0."""
        return range(self.stand_in + 1, self.layers - self.behind)

    @property
    def one(self) -> range:
        """The layer that stands for them, as a range."""
        return range(self.stand_in, self.stand_in + 1)

    @property
    def each(self) -> list[range]:
        """It, and each layer that it stands for."""
        return [range(layer, layer + 1) for layer in (self.stand_in, *self.left_out)]

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
    """`graph`: what is left of one without layers of some `rows`. Operations and calls keep their ids.

    stand_ins: what stands for values of the last layers that were left out, by their ids; the next layer reads those. paths: for each row
    the modules that make the calls of the stand-in, and of each layer that it stands for. now: the rows of the graph that will be made of one that
    was made ahead of it. In such a one `rows` and ids are those of the graph before: what has been recorded since has fractions between them.
    """

    def __init__(
        self, graph: Graph, rows: Sequence[Row] = (), stand_ins: Mapping[int, Value] | None = None,
        paths: Sequence[Sequence[list[str]]] = (), now: Sequence[Row] = (),
    ) -> None:  # fmt: skip
        self.graph = graph
        self.rows = rows
        self.stand_ins = stand_ins or {}
        self.paths = paths
        self.now = now
        self._counts = {
            graph.ops[at].id: 1 + len(row.left_out) for row in rows for at in _among(graph.ops, row.ops_of(row.one))
        }

    def __reduce__(self) -> Any:
        return type(None), ()  # a copy finds it out again

    def settle(self) -> None:
        """Find out what everybody asks of its operations, while nobody waits."""
        for op in self.graph.ops:
            _ = op.reads, op.makes, op.folds
        for call in self.graph.calls:
            _ = call.reads

    def holds(self) -> bool:
        """Whether what is near to rows is still as if they went on there, of those of which no layer stays at an end."""
        ops, calls = self.graph.ops, self.graph.calls
        for row in self.rows:
            one = _among(ops, row.ops_of(row.one))
            its_calls = _among(calls, row.calls_of(row.one))
            if not row.stand_in and not _goes_on_ahead(ops, one, calls, its_calls):
                return False
            if not row.behind and not _goes_on_behind(ops, one.stop, len(one)):
                return False
        return True

    def completed(self, whole: Graph) -> Excerpt:
        """That of the graph, which has been made."""
        return _taken_from(whole, self.now)

    def count(self, ops: Iterable[Op]) -> int:
        """How many operations they are with those that they stand for."""
        counts = self._counts
        return sum([counts.get(op.id, 1) for op in ops])

    def times(self, op: Op) -> int:
        """For how many operations one stands, itself included."""
        return self._counts.get(op.id, 1)

    def is_stand_in(self, call: Call) -> bool:
        """Whether a call stands for others."""
        return self._row_of(call) is not None

    def all_of(self, calls: Sequence[Call]) -> list[Call]:
        """Calls, and behind stand-ins those that they stand for, layer by layer: the same of other modules."""
        found: list[Call] = []
        for number, together in groupby(calls, self._row_of):
            stand_ins = list(together)
            found += stand_ins
            if number is not None:
                row = self.rows[number]
                for layer, modules in zip(row.left_out, self._modules[number]):
                    further = (layer - row.stand_in) * row.calls
                    found += [call.elsewhere(call.id + further, _module_in(call.module, modules)) for call in stand_ins]
        return found

    def _row_of(self, call: Call) -> int | None:
        """The number of the row in which a call is a stand-in."""
        return next((number for number, row in enumerate(self.rows) if _is_among(call, row.calls_of(row.one))), None)

    @cached_property
    def _modules(self) -> list[list[dict[str, str]]]:
        """For each row, and each layer that was left out, the paths of modules in place of those of its stand-in: the first ones that differ."""
        return [[_differing(one, other) for other in others] for one, *others in self.paths]


def _is_among(one: Call | Op, numbers: range) -> bool:
    """Whether it has one of these numbers, or a fraction that is nearer to them than to others."""
    return numbers.start - 0.5 <= one.id < numbers.stop - 0.5


def _among(held: Sequence[Op] | Sequence[Call], numbers: range) -> range:
    """The places of those that have such numbers."""
    return range(*(bisect_left(held, number - 0.5, key=attrgetter("id")) for number in (numbers.start, numbers.stop)))


def excerpt_of(graph: Graph) -> Excerpt:
    """The excerpt of a graph to which nothing will be added any more; found out once. It is the graph itself where no layers repeat."""
    if graph.excerpt is None:
        rows = [] if graph.custom else _rows(graph)
        graph.excerpt = _taken_from(graph, rows) if rows else _NONE
    return Excerpt(graph) if graph.excerpt is _NONE else graph.excerpt


def _taken_from(whole: Graph, rows: Sequence[Row]) -> Excerpt:
    rows = [one if following is None else _apart(one, following) for one, following in zip_longest(rows, rows[1:])]
    there = _stand_ins(whole, rows)
    ops, calls = list[Op](), list[Call]()
    op = call = 0
    for row in rows:
        left_out, calls_left_out = row.ops_of(row.left_out), row.calls_of(row.left_out)
        ops += whole.ops[op : left_out.start]
        calls += whole.calls[call : calls_left_out.start]
        layer = whole.ops[left_out.stop : left_out.stop + row.ops]  # or what is behind all layers
        call = max([calls_left_out.stop + row.calls, *(one.call.id + 1 for one in layer)])
        join(layer, whole.calls[calls_left_out.stop : call], there, ops, calls)
        op = left_out.stop + row.ops
    ops += whole.ops[op:]
    calls += whole.calls[call:]
    hidden = [row.ops_of(row.left_out) for row in rows]
    outputs = [value for value in whole.outputs if not any(value.producer in numbers for numbers in hidden)]
    paths = [
        [[call.module for call in whole.calls[numbers.start : numbers.stop]] for numbers in map(row.calls_of, row.each)]
        for row in rows
    ]
    return Excerpt(whole.of(calls, ops, whole.inputs, outputs), rows, there, paths)


def _apart(row: Row, following: Row) -> Row:
    """A row of which a layer stays at its end where layers of the following one are left out too near to it."""
    reach = row.ops_of(row.left_out).stop + row.ops
    return row if reach <= following.ops_of(following.left_out).start else row._replace(behind=_ends(row.ops))


def _stand_ins(whole: Graph, rows: Iterable[Row]) -> dict[int, Value]:
    found = dict[int, Value]()
    for row in rows:
        last, one = row.ops_of(row.left_out[-1:]), row.ops_of(row.one)
        for old, now in zip(whole.ops[last.start : last.stop], whole.ops[one.start : one.stop]):
            found.update((value.id, other) for value, other in zip(old.outputs, now.outputs))
    return found


def _differing(these: Iterable[str], those: Iterable[str]) -> dict[str, str]:
    """By the first parts of paths, as far as they differ, those that stand there instead."""
    found: dict[str, str] = {}
    for one, other in {*zip(these, those)}:
        a, b = one.split("."), other.split(".")
        at = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), None)
        if at is not None:
            found[".".join(a[: at + 1])] = ".".join(b[: at + 1])
    return found


def _module_in(path: str, modules: Mapping[str, str]) -> str:
    """A path with the first part that `modules` has another one for."""
    parts = path.split(".")
    for number in range(1, len(parts) + 1):
        instead = modules.get(".".join(parts[:number]))
        if instead is not None:
            return ".".join([instead, *parts[number:]])
    return path


def _rows(graph: Graph) -> list[Row]:
    marks = _marks(graph)
    places: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        places.setdefault(mark, []).append(number)
    rows: list[Row] = []
    tried: list[tuple[range, int]] = []  # where a layer of so many operations may begin in what was looked at
    for together in range(1, _TOGETHER + 1):
        if together == 1 or len(graph.ops) - _left_out(rows) >= _WORTH_IT:
            steady = (one for same in places.values() for one in _steady(same, together))
            _look_at(graph, marks, steady, rows, tried)
    if any(not row.behind for row in rows):
        idle = idle_ops(graph)
        rows = [row for row in (_used_alike(graph, row, idle) for row in rows) if row is not None]
    return sorted(rows)


def _used_alike(graph: Graph, row: Row, idle: frozenset[int]) -> Row | None:
    """A row of which a layer stays at its end where of the last one left out not all that is made is of use which is of use of the others."""
    last, one = row.ops_of(row.left_out[-1:]), row.ops_of(row.one)
    if row.behind or all((a in idle) == (b in idle) for a, b in zip(last, one)):
        return row
    row = row._replace(behind=_ends(row.ops))
    return None if _of_use_elsewhere(graph, row) else row


def _look_at(
    graph: Graph, marks: list[int], steady: Iterable[tuple[int, int]], rows: list[Row], tried: list[tuple[range, int]]
) -> None:
    """Add rows that begin where something comes again and again at the same distance, in place of those in them that leave out less."""
    mistaken = 0
    for first, length in steady:
        if any(first in row.all_ops and length < 2 * row.ops for row in rows) or any(
            first in one and length == n for one, n in tried
        ):
            continue
        tried.append((range(first, first + length), length))
        start, layers = _from_the_top(graph, marks, first, length)
        row = None
        if layers:
            start, count = _longest(graph, start, length, layers)
            # The first or the last of them may read something else than all others.
            without = ((first, last) for last in (0, 1) for first in (0, 1))
            likely = (_row(graph, start + first * length, length, count - first - last) for first, last in without)
            row = next(filter(None, likely), None)
        others = [one for one in rows if row is not None and _overlap(row.all_ops, one.all_ops)]
        if row is not None and _left_out([row]) > _left_out(others):
            rows[:] = [one for one in rows if one not in others] + [row]
        elif layers:
            mistaken += 1
            if mistaken == _MISTAKEN:
                return


def _steady(places: list[int], together: int) -> Iterator[tuple[int, int]]:
    """Where something begins to come again and again, so many times `together`, at the same distance, and that distance, where it does so
    often enough."""
    at = 0
    for distance, same in groupby(map(sub, places[together:], places)):
        count = len(list(same))
        if count // together + 1 >= _fewest(distance):
            yield places[at], distance
        at += count


def _left_out(rows: Iterable[Row]) -> int:
    """How many operations have a stand-in."""
    return sum(len(row.ops_of(row.left_out)) for row in rows)


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _marks(graph: Graph) -> list[int]:
    """For each operation a number that others have which are written at the same place; none where too few repeat to be worth it."""
    numbers: dict[tuple[Any, str], int] = {}
    marks = [numbers.setdefault((op.call.span, op.kind), len(numbers)) for op in graph.ops]
    return marks if len(numbers) * 2 < len(marks) else []


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
    shared = [_shared(one, other) for one, other in pairwise(modules)]
    if not shared:  # a layer of one operation at the very beginning
        return start, count
    first = shared.index(min(shared)) + max(start, 1)
    from_there = _count(marks, first, length)
    return (first, from_there) if from_there else (start, count)


def _longest(graph: Graph, start: int, length: int, count: int) -> tuple[int, int]:
    """Of layers that look alike the longest row of those that are: where it starts and how many there are."""
    ops = graph.ops
    ends = [0]
    for layer in range(1, count):
        at = start + layer * length
        if not all(map(alike, ops[at - length : at], ops[at : at + length])):
            ends.append(layer)
    first, end = max(pairwise([*ends, count]), key=lambda one: one[1] - one[0])
    return start + first * length, end - first


def alike(one: Op, other: Op) -> bool:
    """Whether rules cannot tell apart two operations by themselves."""
    if one.alike is other.alike:
        return True
    a, b = one.call, other.call
    sizes: dict[Any, Any] = {}
    same = (
        (one.kind, a.torch, a.span, a.ctor, a.stack, a.kind, a.direct, a.optional, a.divided, a.hyper)
        == (other.kind, b.torch, b.span, b.ctor, b.stack, b.kind, b.direct, b.optional, b.divided, b.hyper)
        and _same(
            (one.inputs, one.attrs, one.outputs, a.args, a.kwargs, a.params),
            (other.inputs, other.attrs, other.outputs, b.args, b.kwargs, b.params),
            sizes,
        )
    )  # fmt: skip
    if same:
        other.be_like(one)
    return same


def _same(one: Any, other: Any, sizes: dict[Any, Any]) -> bool:
    """Whether what operations hold is the same. sizes: which of those that nobody knows stand for which."""
    kind = one.__class__
    if kind is not other.__class__:
        return False
    if kind is Value:
        return (
            one.origin == other.origin and one.fold == other.fold and _same(one.type, other.type, sizes)
            and _same(one.made_as, other.made_as, sizes)
        )  # fmt: skip
    if kind is TensorType:
        return one is other or (
            one.dtype == other.dtype and one.data == other.data and _same(one.shape, other.shape, sizes)
        )
    if kind is tuple or kind is list:
        return len(one) == len(other) and all(_same(a, b, sizes) for a, b in zip(one, other))
    if kind is dict:
        return one.keys() == other.keys() and all(_same(held, other[name], sizes) for name, held in one.items())
    if kind is slice:
        return _same((one.start, one.stop, one.step), (other.start, other.stop, other.step), sizes)
    if kind is Sym and not one.is_known and not other.is_known:
        return bool(sizes.setdefault(one, other) == other)
    return bool(one == other)


def _row(graph: Graph, start: int, length: int, count: int) -> Row | None:
    """These layers, where they make the same calls and read the same: what the one before made, or what all do."""
    if count < _fewest(length):
        return None
    layers = [graph.ops[at : at + length] for at in range(start, start + count * length, length)]
    calls = [[op.call.id for op in layer] for layer in layers]
    ahead = _calls_ahead(graph, start, calls[1][0] - max(calls[0]) - 1, calls[1][0])
    row = Row(start, calls[0][0] - ahead, length, calls[1][0] - calls[0][0], count, 0, 0)
    if not _goes_on_ahead(graph.ops, row.ops_of(row.one), graph.calls, row.calls_of(row.one)):
        row = row._replace(stand_in=_ends(length))
    if not _goes_on_behind(graph.ops, row.all_ops.stop, length):
        row = row._replace(behind=_ends(length))
    if row.calls <= max(calls[0]) - row.call or row.call + count * row.calls > len(graph.calls):
        return None
    if any(set(map(sub, after, before)) != {row.calls} for before, after in pairwise(calls)):
        return None
    stack = layers[0][0].call.stack
    if any(layer[0].call.stack != stack for layer in layers):
        return None
    read = [[value for op in layer for value in op.input_values()] for layer in layers]
    if _may_write(graph, row):  # to a buffer of its own, which is a finding of its own
        return None
    makers = [[-1 if value.producer is None else value.producer for value in values] for values in read]
    for number in range(row.stand_in or 1, count):
        first = start + (number - 1) * length
        for maker, before, one, other in zip(makers[number], makers[number - 1], read[number], read[number - 1]):
            if maker - before != length if maker >= first else one.id != other.id and not (maker < 0 and one.is_const):
                return None
    return None if _of_use_elsewhere(graph, row) else row


def _goes_on_ahead(ops: Sequence[Op], one: range, calls: Sequence[Call], its_calls: range) -> bool:
    """Whether what is near ahead of a layer, the first of a row, is as if another of them was there, and all that it does has been done ahead:
    what is said of a model once is said where it is done first, which no layer is that stands for others."""
    return (
        one.start >= _NEAR
        and _repeats(ops, one.start - _NEAR, len(one))
        and {(op.span, op.kind) for op in ops[: one.start]}.issuperset(
            (op.span, op.kind) for op in ops[one.start : one.stop]
        )
        and {(call.span, call.torch) for call in calls[: its_calls.start]}.issuperset(
            (call.span, call.torch) for call in calls[its_calls.start : its_calls.stop]
        )
    )


def _goes_on_behind(ops: Sequence[Op], end: int, length: int) -> bool:
    """The same of what is behind."""
    return end + _NEAR <= len(ops) and _repeats(ops, end - length, length)


def _repeats(ops: Sequence[Op], start: int, length: int) -> bool:
    """Whether operations from there on are alike, and read the same of each other, so many further."""
    places = {op.id: number for number, op in enumerate(ops[start : start + _NEAR + length])}
    for one, other in zip(ops[start : start + _NEAR], ops[start + length : start + _NEAR + length]):
        if not alike(one, other):
            return False
        for value, further in zip(one.input_values(), other.input_values()):
            maker = None if value.producer is None else places.get(value.producer)
            if maker is not None and (further.producer is None or places.get(further.producer) != maker + length):
                return False
    return True


def _may_write(graph: Graph, row: Row) -> bool:
    """Whether each layer may change a buffer of its own: by the names of what it calls on such a buffer, or on what may be a view of one."""
    one, other = (graph.calls[row.call :][layer * row.calls : (layer + 1) * row.calls] for layer in range(2))
    for call, again in zip(one, other):
        name = call.torch.rsplit(".", 1)[-1]
        if name.endswith("_") and (not name.startswith("__") or name.startswith("__i") or name == "__setitem__"):
            for a, b in zip(call.given[:1], again.given[:1]):
                memory = _memory_of(graph, a)
                if memory.origin == "buffer" and memory.id != _memory_of(graph, b).id:
                    return True
    return False


def _memory_of(graph: Graph, value: Value) -> Value:
    """The tensor whose memory one may share."""
    while (maker := graph.producer(value)) is not None and maker.kind in VIEWS and maker.input_values():
        value = maker.input_values()[0]
    return value


def _calls_ahead(graph: Graph, start: int, most: int, call: int) -> int:
    """How many calls ahead of that of its first operation a layer begins with, as modules go: calls that made none. start: the first
    operation of the first layer. call: the call of the first one of the second."""
    before = graph.ops[start].call.id - (graph.ops[start - 1].call.id + 1 if start else 0)
    modules = [one.module.split(".") for one in graph.calls[call - most - 1 : call + 1]]
    shared = [_shared(one, other) for one, other in pairwise(modules)]
    return min(most - shared.index(min(shared)), max(before, 0)) if shared else 0


def _shared(one: list[str], other: list[str]) -> int:
    """How long the part is that two paths have in common."""
    return sum(accumulate(map(eq, one, other), and_))


def _of_use_elsewhere(graph: Graph, row: Row) -> bool:
    """Whether layers in the middle make something that is read behind the next one, or of which the model returns more of one of them."""
    between = range(row.op + row.stand_in * row.ops, row.ops_of(row.left_out).stop)
    next_end = between.stop + row.ops
    behind = {value.producer for op in graph.ops[next_end:] for value in op.input_values()}
    near = {value.producer for op in graph.ops[between.stop : next_end] for value in op.input_values()}
    if not (behind.isdisjoint(between) and near.isdisjoint(between[: -row.ops])):
        return True
    returned: dict[int, list[int]] = {layer: [] for layer in (row.stand_in, *row.left_out)}
    for value in graph.outputs:
        if value.producer is not None and value.producer in between:
            layer, place = divmod(value.producer - row.op, row.ops)
            returned[layer].append(place)
    return any(places != returned[row.stand_in] for places in returned.values())


def join(layer: list[Op], calls: list[Call], there: Mapping[int, Value], ops: list[Op], recorded: list[Call]) -> None:
    """Add a layer, with the values that stand `there` for those of the one before."""
    renewed: dict[int, Call] = {}
    for call in calls:
        held = call.args, call.kwargs, call.params, call.result
        now = _with(held, there)
        if now is not held:
            renewed[call.id] = call = call.of(*now)
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
        return kind([_with(item, there) for item in held]) if _changes(held, there) else held
    if kind is slice:
        ends = held.start, held.stop, held.step
        return slice(*_with(ends, there)) if _changes(ends, there) else held
    if kind is dict:
        return {name: _with(item, there) for name, item in held.items()} if _changes(held.values(), there) else held
    if kind is Unknown:
        return held.of_item(_with(held.item, there))
    return held


def _changes(items: Iterable[Any], there: Mapping[int, Value]) -> bool:
    """Whether others stand for some."""
    for item in items:
        kind = item.__class__
        if kind is Value:
            if item.id in there and _with(item, there) is not item:
                return True
        elif kind in _HOLDING and _with(item, there) is not item:
            return True
    return False


_HOLDING = frozenset({tuple, list, slice, dict, Unknown})


_NONE = Excerpt(Graph())
"""In place of the excerpt of a graph of which all is looked at."""


__all__ = ["Excerpt", "Row", "alike", "excerpt_of", "join"]
