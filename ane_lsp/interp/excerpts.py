"""Excerpts of graphs in which calls record something else since an edit: they tell what is found, and are made in a third of the time.

Of the layers that an excerpt has none of nothing is recorded. The graph itself is made when somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ane_lsp.graph import Graph, Value
from ane_lsp.graph.excerpt import Excerpt, Row, alike, excerpt_of
from ane_lsp.interp.movers import Mover, record
from ane_lsp.interp.repeats import GAP
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Place, Splice, Spliced, Splices, give, moved_by, sizes_of

if TYPE_CHECKING:
    from ane_lsp.interp.repeats import Inner, Kept


def spliced(splices: Splices, old: Graph, made_of: list[Inner], make: Callable[[], Graph]) -> Spliced:
    """A graph with its excerpt as they are now, of which the rest is left to `make`. Raises NotKept where only all of it can be made."""
    if not excerpt_of(old).rows:
        raise NotKept
    return _OfExcerpt(splices, old, make).of(made_of)


class _OfExcerpt(Splice):
    """One graph, of which only the excerpt is recorded."""

    cuts = False

    def __init__(self, splices: Splices, old: Graph, make: Callable[[], Graph]) -> None:
        super().__init__(splices, old)
        self._make = make
        self._excerpt = excerpt_of(old)
        self._aligned: dict[Place, dict[int, Inner]] = {}
        self._outputs: dict[int, tuple[Value, ...]] = {}  # of operations within places, by their numbers before

    def recorded(self) -> Graph:
        old, new, few = self.old, self.new, self._excerpt.graph
        rows = self._rows()
        left_out = [row.ops_of(row.left_out) for row in self._excerpt.rows]
        call_ids, op_ids = [call.id for call in few.calls], [op.id for op in few.ops]
        start = self.places[0].start
        self.first = start.value
        call, op = bisect_left(call_ids, start.call), bisect_left(op_ids, start.op)
        new.calls, new.ops = few.calls[:call], few.ops[:op]
        self.calls = {one.id: one for one in new.calls}
        for place in self.places:
            start, end = place.start, moved_by(place.start, sizes_of(place.kept))
            calls, ops = bisect_left(call_ids, start.call), bisect_left(op_ids, start.op)
            record(self, new, few.calls[call:calls], few.ops[op:ops], self.further)
            if not any(start.op in numbers for numbers in left_out):
                self.record_place(place)
            self.go_past(place)
            call, op = bisect_left(call_ids, end.call), bisect_left(op_ids, end.op)
        record(self, new, few.calls[call:], few.ops[op:], self.further)
        inputs, outputs = list(map(self.value_of, few.inputs)), list(map(self.value_of, few.outputs))
        shown = old.of(new.calls, new.ops, inputs, outputs)
        return old.later(Excerpt(shown, rows, None, self._excerpt.paths), self._make)

    def parts_now(self, parts: list[Place], before: list[Inner]) -> list[Inner]:
        return before  # until the graph itself is made

    # -- rows of layers --------------------------------------------------------------------------------------------------

    def _rows(self) -> list[Row]:
        """The rows of layers as they are now. Raises NotKept where not all layers of one change alike."""
        found: list[Row] = []
        places = deque(self.places)
        calls = ops = 0
        for row in self._excerpt.rows:
            numbers = row.all_ops
            while places and _end(places[0]) <= row.op:
                growth = self.growth(places.popleft())
                calls, ops = calls + growth.call, ops + growth.op
            if places and places[0].start.op <= row.op and _end(places[0]) >= numbers.stop:  # it makes all of them
                more_calls, more_ops = self._moved_in(places[0], row)
                found.append(row._replace(op=row.op + ops + more_ops, call=row.call + calls + more_calls))
                continue
            changes: list[list[_Change]] = [[] for _ in range(row.layers)]
            grown_calls = grown_ops = 0
            while places and places[0].start.op < numbers.stop:
                place = places.popleft()
                layer, op = divmod(place.start.op - row.op, row.ops)
                call = place.start.call - row.call - layer * row.calls
                if op + len(place.kept.ops) > row.ops or not 0 <= call <= row.calls - len(place.kept.calls):
                    raise NotKept
                again = self.splices.remade[place.kept][0]
                changes[layer].append(_Change(op, call, again, _given(place, again, row, layer)))
                if layer == 0:
                    growth = self.growth(place)
                    grown_calls, grown_ops = grown_calls + growth.call, grown_ops + growth.op
            one = changes[row.stand_in]
            ahead, others = changes[: row.stand_in], changes[row.stand_in :]
            if not all(_same_sizes(change, one) for change in ahead) or not all(
                _same_changes(change, one) for change in others
            ):
                raise NotKept
            ops_each, calls_each = row.ops + grown_ops, row.calls + grown_calls
            found.append(Row(row.op + ops, row.call + calls, ops_each, calls_each, row.layers, row.stand_in))
            calls, ops = calls + row.layers * grown_calls, ops + row.layers * grown_ops
        return found

    def _moved_in(self, place: Place, row: Row) -> tuple[int, int]:
        """How much further, from its first one on, the calls and operations of a row are in a call that makes all its layers. Raises NotKept
        where they are not what kept calls record as before."""
        kept, again = place.kept, self.splices.remade[place.kept][0]
        op, call = row.op - place.start.op + kept.op, row.call - place.start.call + kept.call
        last_op, last_call = op + row.layers * row.ops, call + row.layers * row.calls
        moved = set[tuple[int, int]]()
        for number, old in self._as_before(place).items():
            if old.op < last_op and old.op + len(old.kept.ops) > op:
                now = again.inner[number]
                moved.add((now.call - again.call - old.call + kept.call, now.op - again.op - old.op + kept.op))
                if old.op <= op and old.call <= call:
                    op, call = old.op + len(old.kept.ops), old.call + len(old.kept.calls)
        if op < last_op or call < last_call or len(moved) != 1:
            raise NotKept
        return moved.pop()

    def _as_before(self, place: Place) -> dict[int, Inner]:
        """Of the kept calls that such a call makes now, by their places among them, those that it made before."""
        found = self._aligned.get(place)
        if found is None:
            found = self._aligned[place] = {}
            before = place.kept.inner
            first = 0
            for number, now in enumerate(self.splices.remade[place.kept][0].inner):
                at = next((n for n in range(first, len(before)) if before[n].kept is now.kept), None)
                if at is not None:
                    found[number] = before[at]
                    first = at + 1
        return found

    # -- what is recorded ------------------------------------------------------------------------------------------------

    def record_kept(self, place: Place, number: int, now: Inner, mover: Mover) -> None:
        old = self._as_before(place).get(number)
        if old is None:
            super().record_kept(place, number, now, mover)
            return
        kept, graph = now.kept, self.new
        # Its numbers in the graph as it was.
        call, op = place.start.call + old.call - place.kept.call, place.start.op + old.op - place.kept.op
        end_call, end_op = call + len(kept.calls), op + len(kept.ops)

        def put(calls: range, ops: range) -> None:
            before = len(graph.ops)
            its_calls, its_ops = (
                held[numbers.start - start : numbers.stop - start]
                for held, numbers, start in ((kept.calls, calls, call), (kept.ops, ops, op))
            )
            record(mover, graph, its_calls, its_ops, (now.call - kept.call, mover.op), kept, now.callers, now.path)  # type: ignore[arg-type]
            self._outputs.update((ops.start + n, made.outputs) for n, made in enumerate(graph.ops[before:]))

        at_call, at_op = call, op
        for row in self._excerpt.rows:
            calls, ops = row.calls_of(row.left_out), row.ops_of(row.left_out)
            put(range(at_call, _within(calls.start, call, end_call)), range(at_op, _within(ops.start, op, end_op)))
            for one in range(max(ops.stop - row.ops, op), min(ops.stop, end_op)):  # which the next layer reads
                there = self._outputs[one - len(row.left_out) * row.ops]
                mover.values.update((value.id, made) for value, made in zip(kept.ops[one - op].outputs, there))
            at_call = max(at_call, _within(calls.stop, call, end_call))
            at_op = max(at_op, _within(ops.stop, op, end_op))
        put(range(at_call, end_call), range(at_op, end_op))

    def give_all(self, place: Place, again: Kept, mover: Mover) -> None:
        missing = set[int]()
        for (one, _), there in zip(again.given, place.given):
            try:
                give(mover, one, self.now(there))
            except NotKept:  # a layer that was left out made it: the keys of one before among those that are cached
                missing.add(one.id)
        if missing and not missing.isdisjoint(_read_by(again)):
            raise NotKept

    def gone(self, old: Value, number: int) -> Value:
        place = self.places[number]  # perhaps one that was left out, and reads a parameter that others read, too
        again, seen = self.splices.remade[place.kept]
        one = seen.get(old.id - place.start.value)
        if old.producer is not None or one is None or one.id < again.value or one.origin != old.origin:
            raise NotKept
        now = one.id - again.value + place.start.value + self.value_shifts[number]
        return Value(now, old.type, old.origin, old.name, None, old.fold)

    def now(self, value: Value) -> Value:
        stand_in = self._excerpt.stand_ins.get(value.id)
        return super().now(value if stand_in is None else stand_in.of_type(value.type))


class _Change(NamedTuple):
    """What a call records now that lies in a layer of a row. op, call: its place there. given: where what it was given comes from, by
    the numbers of the values."""

    op: int
    call: int
    again: Kept
    given: Mapping[int, object]


def _given(place: Place, again: Kept, row: Row, layer: int) -> dict[int, object]:
    """What is made in a layer, or the one before, has a place from there on; all else is the same in all layers."""
    start = row.op + layer * row.ops
    return {
        one.id: there.id if there.producer is None or there.producer < start - row.ops else (there.producer - start,)
        for (one, _), there in zip(again.given, place.given)
    }


def _same_sizes(one: list[_Change], other: list[_Change]) -> bool:
    """Whether as much is exchanged in two layers, at the same places: the first may read something else than all others."""
    return [(c.op, c.call, len(c.again.ops), len(c.again.calls)) for c in one] == [
        (c.op, c.call, len(c.again.ops), len(c.again.calls)) for c in other
    ]


def _same_changes(one: list[_Change], other: list[_Change]) -> bool:
    """Whether rules cannot tell apart what is exchanged in two layers."""
    return len(one) == len(other) and all(
        (a.op, a.call) == (b.op, b.call)
        and (
            a.given == b.given
            if a.again is b.again
            else _wiring(a.again, a.given) == _wiring(b.again, b.given) and _record_alike(a.again, b.again)
        )
        for a, b in zip(one, other)
    )


def _record_alike(one: Kept, other: Kept) -> bool:
    """Whether two calls record operations that are alike one by one."""
    return one is other or (
        (len(one.calls), len(one.ops), len(one.inner)) == (len(other.calls), len(other.ops), len(other.inner))
        and all(a is b or alike(a, b) for a, b in zip(one.ops, other.ops))
        and all(_record_alike(a.kept, b.kept) for a, b in zip(one.inner, other.inner))
    )


def _wiring(kept: Kept, given: Mapping[int, object]) -> list[object]:
    """What the operations of a call read and come from, by places in it, and where the calls lie that it is made of."""
    read = [
        [value.id - kept.value if value.id >= kept.value else given.get(value.id) for value in op.input_values()]
        for op in filter(None, kept.ops)
    ]
    made_by = [GAP if op is GAP else op.call.id - kept.call for op in kept.ops]
    return [read, made_by, [(inner.call - kept.call, inner.op - kept.op) for inner in kept.inner]]


def _read_by(kept: Kept) -> set[int]:
    """The numbers of the values that operations of a call read, those of kept calls in it included."""
    found = {value.id for op in filter(None, kept.ops) for value in op.input_values()}
    for inner in kept.inner:
        read = _read_by(inner.kept)
        found.update(there.id for (one, _), there in zip(inner.kept.given, inner.given) if one.id in read)
    return found


def _end(place: Place) -> int:
    """The number of the first operation behind it."""
    return place.start.op + len(place.kept.ops)


def _within(number: int, first: int, end: int) -> int:
    return min(max(number, first), end)


__all__ = ["spliced"]
