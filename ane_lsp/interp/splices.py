"""Graphs in which kept calls record something else since an edit, though they give what they gave: only that is exchanged.

What such a call records is found out by making it once more by itself (:mod:`ane_lsp.interp.cutoff`), with gaps for the kept calls that
it makes in turn. In the graphs of models that are made of it, what comes after it has other numbers, and what read its results
reads those of the new operations. The call, and calls that are made of it, are cut out of the first such graph again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial
from operator import add, sub
from typing import Any, NamedTuple

from ane_lsp.graph import Call, Graph, Op, Span, Value, dims
from ane_lsp.graph.liveness import values
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.movers import Mover, Sizes, other_facts, record
from ane_lsp.interp.repeats import GAP, Inner, Kept
from ane_lsp.interp.results import moved_result
from ane_lsp.interp.seen import NotKept

Remade = Mapping[Kept, "tuple[Kept, dict[int, Value]]"]
"""Calls, each with what it records now, and what stands there for the values that others see of it, by their numbers from its
first one on."""


class Numbers(NamedTuple):
    """Of the next call, operation, value and shape, and of the last size that was made up."""

    call: int = 0
    op: int = 0
    value: int = 0
    shape: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Spliced:
    """A graph and what it is made of. values, steps: how many more than before were made and taken."""

    graph: Graph
    made_of: list[Inner]
    values: int
    steps: int


class Splices:
    """Exchanges what `remade` calls recorded. cut: what they, and calls made of them, are since."""

    def __init__(self, remade: Remade) -> None:
        self.remade = remade
        self.cut: dict[Kept, dict[str, Any]] = {}
        self._concerned: dict[Kept, bool] = {}

    def concern(self, kept: Kept) -> bool:
        """Whether a call is one of those, or made of some."""
        known = self._concerned.get(kept)
        if known is None:
            known = kept in self.remade or any(self.concern(inner.kept) for inner in kept.inner)
            self._concerned[kept] = known
        return known

    def graph(self, old: Graph, made_of: list[Inner]) -> Spliced:
        """The graph as it is now; itself where it is made of none of them. Raises NotKept where something else reads what is gone."""
        return Splice(self, old).of(made_of)

    def alone(self, kept: Kept) -> None:
        """Find out what a call records now that is part of no graph any more."""
        with suppress(NotKept):
            record = Graph("", [GAP] * kept.call + kept.calls, [GAP] * kept.op + kept.ops)
            record.shapes = [GAP] * kept.shape + kept.shapes
            self.graph(record, [kept.here()])

    def commit(self) -> None:
        """From here on calls record what they record now."""
        for kept, contents in self.cut.items():
            kept.become(contents)

    def lost(self, kept: Kept) -> bool:
        """Whether nothing tells what a call records now."""
        return self.concern(kept) and kept not in self.cut


@dataclass(slots=True, eq=False)
class _Within:
    """How what lies in a kept call is numbered and named in a graph. shifts: how much further the numbers are there. own: the first
    value that is the call's own. given: what stands for others, by their numbers. numbered: is told of values that were made for the number
    that others have there.
    """

    numbered: set[Value]
    shifts: Numbers = Numbers()
    own: int = 0
    given: Mapping[int, Value] = field(default_factory=dict)
    path: str = ""
    below: str = ""
    callers: tuple[Span, ...] = ()
    depth: int = 0

    @property
    def is_graph(self) -> bool:
        """Whether it is the graph itself. A kept call may have been cut out of another one in which it had the same numbers."""
        return not self.below

    def value_of(self, value: Value) -> Value:
        """A value with the number that it has in the graph."""
        if self.is_graph:
            return value
        if value.made_as is not None and (value.type.shape is None or not all(map(dims.is_known, value.type.shape))):
            raise NotKept  # sizes that were made up have other numbers there
        if value.id < self.own:
            if value.id not in self.given:
                raise NotKept
            given = self.given[value.id]
            seen = given.as_made() if value.made_as is None else given.of_type(value.type)
            if given in self.numbered:
                self.numbered.add(seen)
            return seen
        _, op, number, _, _ = self.shifts
        producer = None if value.producer is None else value.producer + op
        made = Value(value.id + number, value.type, value.origin, value.name, producer, value.fold, value.made_as)
        self.numbered.add(made)
        return made

    def path_of(self, path: str) -> str:
        if self.below and path != self.below and not path.startswith(self.below + "."):
            raise NotKept
        return self.path + path[len(self.below) :]


@dataclass(slots=True, eq=False)
class Place:
    """Where a kept call lies in a graph as it was before. around: in which other call. start: in the numbers of that graph. parts,
    within: of a call that is concerned, but was not made once more."""

    inner: Inner
    around: _Within
    start: Numbers
    path: str
    callers: tuple[Span, ...]
    parts: list[Place] | None = None
    within: _Within | None = None
    _given: tuple[Value, ...] | None = None
    _taken: tuple[Value, ...] | None = None

    @property
    def kept(self) -> Kept:
        return self.inner.kept

    @property
    def given(self) -> tuple[Value, ...]:
        """The values that it was given, in the numbers of the graph. Raises NotKept."""
        if self._given is None:
            self._given = tuple(map(self.around.value_of, self.inner.given))
        return self._given

    @property
    def taken(self) -> tuple[Value, ...]:
        """The values that it made for tensors it saw, likewise."""
        if self._taken is None:
            self._taken = tuple(map(self.around.value_of, self.inner.taken))
        return self._taken


class Splice(Mover):
    """One graph."""

    def __init__(self, splices: Splices, old: Graph) -> None:
        super().__init__(0, 0)
        self.splices = splices
        self.old = old
        self.new = Graph(
            old.name, source=old.source, asks_capture=old.asks_capture, lost=old.lost, returned=old.returned
        )
        self.places: list[Place] = []  # of those that were made once more, in order
        # Where values and operations of those end, and how much further the numbers are that follow.
        self._value_ends, self._value_shifts = list[int](), [0]
        self._op_ends, self._op_shifts = list[int](), [0]
        self._call_shift = 0
        self._taken: dict[Place, tuple[Value, ...]] = {}
        self._numbered: set[Value] = set()
        self._before: dict[int, Value] | None = None

    def of(self, made_of: list[Inner]) -> Spliced:
        parts = self._located(made_of, _Within(self._numbered))
        if not self.places:
            return Spliced(self.old, made_of, 0, 0)
        if self.old.custom:
            raise NotKept
        graph = self.recorded()
        values = sum(self.growth(place).value for place in self.places)
        return Spliced(graph, self.parts_now(parts, made_of), values, sum(map(self._more_steps, parts)))

    def recorded(self) -> Graph:
        """The graph, with what is exchanged. Raises NotKept."""
        old, new = self.old, self.new
        call, op, self.first, shape, _ = self.places[0].start
        new.calls, new.ops, new.shapes = old.calls[:call], old.ops[:op], old.shapes[:shape]
        self.calls = dict(enumerate(new.calls))
        for place in self.places:
            kept, (calls, ops, _, shapes, _) = place.kept, place.start
            record(self, new, old.calls[call:calls], old.ops[op:ops], self._further)
            new.shapes += old.shapes[shape:shapes]
            self._record_place(place)
            self._go_past(place)
            call, op, shape = calls + len(kept.calls), ops + len(kept.ops), shapes + len(kept.shapes)
        record(self, new, old.calls[call:], old.ops[op:], self._further)
        new.shapes += old.shapes[shape:]
        new.inputs, new.outputs = list(map(self.value_of, old.inputs)), list(map(self.value_of, old.outputs))
        return new

    def parts_now(self, parts: list[Place], before: list[Inner]) -> list[Inner]:
        """The calls that the graph is made of, as they are in it now."""
        return self._inner(parts, [*Numbers()], True)

    @property
    def _further(self) -> tuple[int, int]:
        """How much further the numbers of calls and operations are behind the places so far."""
        return self._call_shift, self._op_shifts[-1]

    def _go_past(self, place: Place) -> None:
        """Count what a call records more than before."""
        growth, end = self.growth(place), moved_by(place.start, sizes_of(place.kept))
        self._value_ends.append(end.value)
        self._value_shifts.append(self._value_shifts[-1] + growth.value)
        self._op_ends.append(end.op)
        self._op_shifts.append(self._op_shifts[-1] + growth.op)
        self._call_shift += growth.call

    def growth(self, place: Place) -> Numbers:
        """How many more of each a call records than before."""
        again = self.splices.remade[place.kept][0]
        return Numbers._make(map(sub, sizes_of(again), sizes_of(place.kept)))

    def _located(self, made_of: Iterable[Inner], within: _Within) -> list[Place]:
        """Where kept calls lie in the graph."""
        parts = []
        for inner in made_of:
            kept = inner.kept
            start = moved_by(_start(inner), within.shifts)
            callers = within.callers + inner.callers[within.depth :]
            part = Place(inner, within, start, within.path_of(inner.path), callers)
            parts.append(part)
            if kept in self.splices.remade:
                self.places.append(part)
            elif self.splices.concern(kept):
                held = {value.id: now for (value, _), now in zip(kept.given, part.given)}
                shifts = moved_by(start, [-number for number in _start(kept)])
                part.within = _Within(
                    self._numbered, shifts, kept.value, held, part.path, kept.path, callers, len(kept.callers)
                )
                part.parts = self._located(kept.inner, part.within)
        return parts

    # -- what is recorded ------------------------------------------------------------------------------------------------

    def _record_place(self, place: Place) -> None:
        """Record what a call records that was made once more."""
        new, kept, (again, seen) = self.new, place.kept, self.splices.remade[place.kept]
        if any(self.splices.concern(inner.kept) for inner in again.inner):
            raise NotKept  # what that records now is not known yet
        value, size = place.start.value, place.start.size
        calls, ops = self._further
        start = Numbers(
            place.start.call + calls, place.start.op + ops, value + self._value_shifts[-1], len(new.shapes), size
        )
        sizes = Sizes.between(again.size, again.drawn, size)
        mover = Mover(start.value - again.value, start.op - again.op, sizes)
        for (one, _), there in zip(again.given, place.given):
            give(mover, one, self.now(there))
        mover.values.update(self._renamed(again, place, mover))
        new.shapes += other_facts(again.shapes, sizes)
        further = start.call - again.call, mover.op
        own = partial(record, mover, new, further=further, kept=again, callers=place.callers, path=place.path)
        inside = list[Inner]()
        for inner, its_calls, its_ops in own_parts(again):
            own(its_calls, its_ops)
            if inner is not None:
                shape = start.shape + inner.shape - again.shape
                size_there = size + inner.size - again.size
                inside.append(self._record_inner(inner, shape, size_there, again, place, mover, further))
        for number, one in seen.items():
            self.values[number + value] = now = mover.value_of(one)
            self.given[number + value] = now.type
        given, self._taken[place] = mover.values_of(again.given), mover.values_of(again.taken)
        if kept not in self.splices.cut:
            end = Numbers(len(new.calls), len(new.ops), start.value + again.values, len(new.shapes), size + again.drawn)
            self.splices.cut[kept] = {
                **self._cut_out(place, start, end, given, self._taken[place], inside),
                "result": moved_result(again.result, mover.value_of, sizes),
                "steps": again.steps, "ran": again.ran, "probes": again.probes, "told": again.told,
            }  # fmt: skip

    def _record_inner(
        self, inner: Inner, shape: int, size: int, again: Kept, place: Place, around: Mover, further: tuple[int, int]
    ) -> Inner:
        """Record what one of the kept calls records that such a call makes. shape: the number of its first one. size: that of the last size
        before."""
        kept = inner.kept
        now = Inner(
            kept, inner.call + further[0], inner.op + further[1], inner.value + around.value, shape, size,
            tuple(map(around.value_of, inner.given)), tuple(map(around.value_of, inner.taken)),
            place.path + inner.path[len(again.path) :], place.callers + inner.callers[len(again.callers) :],
        )  # fmt: skip
        mover = Mover(now.value - kept.value, now.op - kept.op, Sizes.between(kept.size, kept.drawn, size))
        for held, there in ((kept.given, now.given), (kept.taken, now.taken)):
            for (value, _), made in zip(held, there):
                give(mover, value, made)
        record(mover, self.new, kept.calls, kept.ops, (now.call - kept.call, mover.op), kept, now.callers, now.path)
        first = inner.value - kept.value
        around.values.update((number + first, made) for number, made in mover.values.items() if number >= kept.value)
        return now

    def _renamed(self, again: Kept, place: Place, mover: Mover) -> dict[int, Value]:
        """What stands for values that a call made for tensors it saw: of another module they have other names. By their numbers."""
        if not place.taken:
            return {}
        calls, ops = place.start.call, place.start.op
        operations = self.old.ops[ops : ops + len(place.kept.ops)]
        read = {value.id: value for op in operations for value in op.input_values()}
        if any(value.id not in read for value in place.taken):
            made = self.old.calls[calls : calls + len(place.kept.calls)]
            read.update((one.id, one) for call in made for one in values((call.args, call.kwargs, call.params)))
        found = {}
        for (value, _), taken in zip(again.taken, place.taken):
            named = read.get(taken.id)
            if named is None:
                raise NotKept
            found[value.id] = Value(value.id + mover.value, named.type, named.origin, named.name, None, named.fold)
        return found

    def _made(self, old: Value) -> Value:
        """What stands for a value of the graph as it was. Raises NotKept where it is gone."""
        number = bisect_right(self._value_ends, old.id)
        if number < len(self.places) and old.id >= self.places[number].start.value:
            raise NotKept
        producer = old.producer
        if producer is not None:
            place = bisect_right(self._op_ends, producer)
            if place < len(self.places) and producer >= self.places[place].start.op:
                raise NotKept
            producer += self._op_shifts[place]
        return Value(old.id + self._value_shifts[number], old.type, old.origin, old.name, producer, old.fold)

    def now(self, value: Value) -> Value:
        """The same for one that may only have its number: the very value that was recorded."""
        if value not in self._numbered:
            return self.value_of(value)
        if value.id >= self.first:
            if value.id not in self.values and value.origin != "op":  # it has another name there
                raise NotKept
            return self.value_of(value)
        before = self._recorded_before(value)
        if value.made_as is not None:
            before = before.of_type(value.type)
        if before is value and value.origin != "op":
            raise NotKept
        return before

    def _recorded_before(self, value: Value) -> Value:
        """The value of that number that was recorded before the first place; `value` where there is none."""
        maker = self.old.ops[value.producer] if value.producer is not None else None
        if maker is not None:
            return next((one for one in maker.outputs if one.id == value.id), value)
        if self._before is None:
            calls, ops, _, _, _ = self.places[0].start
            self._before = {one.id: one for one in self.old.inputs}
            for call in filter(None, self.old.calls[:calls]):
                self._before.update((one.id, one) for one in values((call.args, call.kwargs, call.params, call.result)))
            for op in filter(None, self.old.ops[:ops]):
                self._before.update((one.id, one) for one in op.input_values())
        return self._before.get(value.id, value)

    def _now_in(self, within: _Within, value: Value) -> Value:
        return self.now(within.value_of(value))

    # -- what it is made of ----------------------------------------------------------------------------------------------

    def _inner(self, parts: Iterable[Place], shift: list[int], of_graph: bool = False) -> list[Inner]:
        """The parts where they are now; instead of one that cannot be cut out any more, what it is made of. shift: how much further the
        numbers are there so far. of_graph: they are parts of the graph, not of a call in it."""
        found: list[Inner] = []
        for part in parts:
            kept, taken = part.kept, self._taken.get(part)
            if of_graph and part.start.value < self.first and part.parts is None and taken is None:
                found.append(part.inner)
                continue
            start = moved_by(part.start, shift)
            given = tuple(map(self.now, part.given))
            inside: list[Inner] = []
            if taken is not None:
                shift[:] = moved_by(Numbers(*shift), self.growth(part))
            elif part.parts is not None:
                inside = self._inner(part.parts, shift)
            try:
                taken = taken or tuple(map(self.now, part.taken))
                if part.within is not None and kept not in self.splices.cut:
                    end = moved_by(moved_by(part.start, sizes_of(kept)), shift)
                    self.splices.cut[kept] = {
                        **self._cut_out(part, start, end, given, taken, inside),
                        "result": moved_result(
                            kept.result,
                            partial(self._now_in, part.within),
                            Sizes.between(kept.size, kept.drawn, part.start.size),
                        ),
                        "steps": kept.steps + self._more_steps(part),
                    }
            except NotKept:
                found += inside
            else:
                found.append(Inner(kept, *start, given, taken, part.path, part.callers))
        return found

    def _cut_out(
        self, part: Place, start: Numbers, end: Numbers, given: tuple[Value, ...], taken: tuple[Value, ...],
        inner: list[Inner],
    ) -> dict[str, Any]:  # fmt: skip
        """What a call records, cut out of the graph as it is now."""
        kept, new = part.kept, self.new
        call, op, value, shape, size = start
        return {
            "calls": new.calls[call : end.call],
            "ops": new.ops[op : end.op],
            "shapes": new.shapes[shape : end.shape],
            "call": call, "op": op, "value": value, "shape": shape, "size": size, "values": end.value - value,
            "given": [(now, place) for now, (_, place) in zip(given, kept.given)],
            "taken": [(now, place) for now, (_, place) in zip(taken, kept.taken)],
            "path": part.path, "callers": part.callers, "inner": inner,
        }  # fmt: skip

    def _more_steps(self, part: Place) -> int:
        if part.parts is not None:
            return sum(map(self._more_steps, part.parts))
        again = self.splices.remade.get(part.kept)
        return again[0].steps - part.kept.steps if again is not None else 0


def own_parts(again: Kept) -> Iterator[tuple[Inner | None, list[Call], list[Op]]]:
    """The calls and operations that a call records by itself, cut at the kept calls that it makes: each of those behind what comes ahead
    of it, and None behind the rest."""
    call = op = 0
    for inner in again.inner:
        calls, ops = inner.call - again.call, inner.op - again.op
        yield inner, again.calls[call:calls], again.ops[op:ops]
        call, op = calls + len(inner.kept.calls), ops + len(inner.kept.ops)
    yield None, again.calls[call:], again.ops[op:]


def give(mover: Mover, one: Value, there: Value) -> None:
    """Have a value stand for one that a call was given. Raises NotKept where it has other sizes: so has what the call makes of them."""
    if one.type.shape != there.type.shape:
        raise NotKept
    mover.give(one, there)


def _start(one: Kept | Inner) -> Numbers:
    return Numbers(one.call, one.op, one.value, one.shape, one.size)


def sizes_of(kept: Kept) -> Numbers:
    return Numbers(len(kept.calls), len(kept.ops), kept.values, len(kept.shapes), kept.drawn)


def moved_by(start: Numbers, shift: Iterable[int]) -> Numbers:
    return Numbers._make(map(add, start, shift))


__all__ = ["Numbers", "Place", "Remade", "Splice", "Spliced", "Splices", "give", "moved_by", "own_parts", "sizes_of"]
