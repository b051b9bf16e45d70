"""Excerpts of graphs in which calls record something else since an edit: they tell what is found, long before the graphs are made.

What such calls record now has numbers between those of what is around them, and what others read of it has the numbers that it had
before: so all else stays as it is, the very operations. Of the layers that an excerpt has none of nothing is recorded. The graph
itself is made when somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ane_lsp.graph import Call, Graph, Op, Value
from ane_lsp.graph.excerpt import Excerpt, Row, alike, excerpt_of, join
from ane_lsp.graph.liveness import values
from ane_lsp.interp.movers import Mover
from ane_lsp.interp.renumbering import Renumbered, Renumbering
from ane_lsp.interp.repeats import GAP
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Place, Splice, Spliced, Splices, give, moved_by, own_parts, sizes_of

if TYPE_CHECKING:
    from ane_lsp.interp.repeats import Inner, Kept

_BY_ID = attrgetter("id")
_NEW = 2**40
"""Values that nobody else reads have numbers from this one on, which no other has."""


def spliced(splices: Splices, old: Graph, made_of: list[Inner], make: Callable[[], Graph]) -> Spliced:
    """A graph with its excerpt as they are now, of which the rest is left to `make`. Raises NotKept where only all of it can be made."""
    if not excerpt_of(old).rows:
        raise NotKept
    return _OfExcerpt(splices, old, make).of(made_of)


class _OfExcerpt(Splice):
    """One graph, of which only the excerpt is recorded."""

    def __init__(self, splices: Splices, old: Graph, make: Callable[[], Graph]) -> None:
        super().__init__(splices, old)
        self._make = make
        self._excerpt = excerpt_of(old)
        self._hidden = [row.ops_of(row.left_out) for row in self._excerpt.rows]
        self._aligned: dict[Place, dict[int, Inner]] = {}
        self._fresh = count(_NEW)
        self._instead: dict[int, Value] = {}  # for values of the excerpt as it was that have another number now
        self._gone = set[int]()
        self._given: dict[int, Value] | None = None  # what is read of the excerpt as it was and no operation makes
        self._held: dict[int, Value] | None = None  # what its calls hold

    def recorded(self) -> Graph:
        old, new, few = self.old, self.new, self._excerpt.graph
        rows = self._rows()
        call = op = 0
        for place in self.places:
            start, end = place.start, moved_by(place.start, sizes_of(place.kept))
            calls, ops = _from(few.calls, start.call), _from(few.ops, start.op)
            self._keep(few.calls[call:calls], few.ops[op:ops])
            call, op = _from(few.calls, end.call), _from(few.ops, end.op)
            if not any(start.op in numbers for numbers in self._hidden):
                self._record_now(place, few.calls[calls:call], few.ops[ops:op])
        self._keep(few.calls[call:], few.ops[op:])
        inputs, outputs = (list(map(self._now, held)) for held in (few.inputs, few.outputs))
        shown = old.of(new.calls, new.ops, inputs, outputs)
        excerpt = Excerpt(shown, self._excerpt.rows, None, self._excerpt.paths, rows)
        if not excerpt.holds():
            raise NotKept
        return old.later(excerpt, self._make)

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
            if not all(_same_sizes(one, change) for change in ahead) or not all(
                _same_changes(one, change) for change in others
            ):
                raise NotKept
            ops_each, calls_each = row.ops + grown_ops, row.calls + grown_calls
            found.append(row._replace(op=row.op + ops, call=row.call + calls, ops=ops_each, calls=calls_each))
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

    def _keep(self, calls: list[Call], ops: list[Op]) -> None:
        """Record what is as it was, but for what it reads."""
        if self._gone and not self._gone.isdisjoint([value for op in ops for value in op.reads]):
            raise NotKept
        self._put(calls, ops, self._instead)

    def _put(self, calls: list[Call], ops: list[Op], instead: Mapping[int, Value]) -> None:
        if instead:
            join(ops, calls, instead, self.new.ops, self.new.calls)
        else:
            self.new.calls += calls
            self.new.ops += ops

    def _record_now(self, place: Place, calls: list[Call], ops: list[Op]) -> None:
        """Record what a call records that was made once more, where it recorded `calls` and `ops`."""
        again, seen = self.splices.remade[place.kept]
        if any(self.splices.concern(inner.kept) for inner in again.inner):
            raise NotKept  # what that records now is not known yet
        before, start, recorded = self._as_before(place), place.start, len(self.new.ops)
        numbers = Renumbering(place, again, before, seen, ops, self.new, self._fresh)
        mover = Renumbered(again, numbers, start.size, self.new, self._there)
        self._give_all(place, again, mover)
        mover.values.update(self._named(again, place, numbers, calls, ops))
        for number, (inner, its_calls, its_ops) in enumerate(own_parts(again)):
            mover.record(its_calls, its_ops, place.callers, place.path)
            if inner is not None:
                self._record_inner_now(place, inner, before.get(number), mover, calls, ops)
        for number, one in seen.items():
            now = mover.value_of(one)
            if now.id != number + start.value:
                self._instead[number + start.value] = now
        own = range(start.value, start.value + place.kept.values)
        there = _held_by(self.new.ops[recorded:])
        self._gone.update(one for one in _held_by(ops) - there if one in own and one not in self._instead)

    def _record_inner_now(
        self, place: Place, inner: Inner, before: Inner | None, around: Renumbered, calls: list[Call], ops: list[Op]
    ) -> None:
        """Record one of the kept calls that such a call makes, which it made `before`, too, as part of `calls` and `ops`, or did not."""
        kept, again, old = inner.kept, around.kept, place.kept
        callers, path = inner.callers[len(again.callers) :], inner.path[len(again.path) :]
        if before is None:
            around.within(inner).record(kept.calls, kept.ops, place.callers + callers, place.path + path)
            return
        call, op = place.start.call + before.call - old.call, place.start.op + before.op - old.op
        calls = calls[_from(calls, call) : _from(calls, call + len(kept.calls))]
        ops = ops[_from(ops, op) : _from(ops, op + len(kept.ops))]
        if (callers, path) == (before.callers[len(old.callers) :], before.path[len(old.path) :]):
            instead = dict[int, Value]()
            for is_given, was_given in zip(inner.given, before.given) if calls else ():
                with suppress(NotKept):  # given what is missing, which is not read
                    was = self._shown_for(around.numbers.had(was_given.id))
                    if self._shown_for(around.number_of(is_given.id)) != was:
                        instead[was] = around.value_of(is_given)
            self._put(calls, ops, instead)
        elif calls:
            its_calls, its_ops = [kept.calls[one.id - call] for one in calls], [kept.ops[one.id - op] for one in ops]
            around.within(inner).record(its_calls, its_ops, place.callers + callers, place.path + path)

    def _shown_for(self, number: int) -> int:
        stand_in = self._excerpt.stand_ins.get(number)
        return number if stand_in is None else stand_in.id

    def _give_all(self, place: Place, again: Kept, mover: Mover) -> None:
        """Have what a call is given in the excerpt stand for what it was given when it was made once more."""
        missing = set[int]()
        for (one, _), there in zip(again.given, place.given):
            try:
                give(mover, one, self.now(there))
            except NotKept:  # a layer that was left out made it: the keys of one before among those that are cached
                missing.add(one.id)
        if missing and not missing.isdisjoint(_read_by(again)):
            raise NotKept

    def _named(
        self, again: Kept, place: Place, numbers: Renumbering, calls: list[Call], ops: list[Op]
    ) -> dict[int, Value]:
        """What stands for values that a call made for tensors it saw, by their numbers: those that it made before."""
        taken = [(value.id, was.id) for (value, _), was in zip(again.taken, place.taken)]
        if not taken:
            return {}
        read = {value.id: value for op in ops for value in op.input_values()}
        if any(was not in read and numbers.before(number) is None for number, was in taken):
            read.update((one.id, one) for call in calls for one in values((call.args, call.kwargs, call.params)))
        return {number: read[was] for number, was in taken if was in read}

    def now(self, value: Value) -> Value:
        now = self._now(value)
        if now is value and value in self._numbered:  # it may only have its number
            now = self._recorded_as(value).as_made()
            if value.made_as is not None:
                now = now.of_type(value.type)
        return now

    def _recorded_as(self, value: Value) -> Value:
        """The value of that number which the excerpt had. Raises NotKept."""
        few = self._excerpt.graph
        if value.producer is not None:
            with suppress(KeyError):
                maker = few.producer(value)
                return next(one for one in maker.outputs if one.id == value.id) if maker is not None else value
        elif self._given is None:
            self._given = {one.id: one for op in few.ops for one in op.input_values() if one.producer is None}
            self._given.update((one.id, one) for one in few.inputs)
        if self._given is not None and value.id in self._given:
            return self._given[value.id]
        if self._held is None:
            held = (one for call in few.calls for one in values((call.args, call.kwargs, call.params, call.result)))
            self._held = {one.id: one for one in held}
        if value.id not in self._held:
            raise NotKept
        return self._held[value.id]

    def _now(self, value: Value) -> Value:
        """A value of the excerpt as it was, or of a layer that it has none of. Raises NotKept where it is gone."""
        if value.id in self._gone:
            raise NotKept
        stand_in = self._excerpt.stand_ins.get(value.id)
        number = value.id if stand_in is None else stand_in.id
        other = self._instead.get(number, stand_in)
        return value if other is None else other.of_type(value.type)

    def _there(self, made: Value) -> Value:
        """A value that a kept call makes which was made before: perhaps a layer does that the excerpt has none of. Raises NotKept."""
        stand_in = self._excerpt.stand_ins.get(made.id)
        if stand_in is not None:
            return stand_in.of_type(made.type)
        if made.producer.__class__ is int and any(made.producer in numbers for numbers in self._hidden):
            raise NotKept
        return made


def _held_by(ops: list[Op]) -> set[int]:
    """The numbers of all values that operations read and make."""
    return set[int]().union(*[op.reads for op in ops], *[op.makes for op in ops])


def _from(held: Sequence[Call] | Sequence[Op], number: int) -> int:
    """The place of the first one that has that number or a higher one."""
    return bisect_left(held, number, key=_BY_ID)


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


__all__ = ["spliced"]
