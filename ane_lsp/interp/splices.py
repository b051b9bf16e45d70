"""Graphs in which kept calls record something else since an edit, though they give what they gave: only that is exchanged.

What such a call records is found out by making it once more by itself (:mod:`ane_lsp.interp.cutoff`), with gaps for the kept calls that
it makes in turn. In the graphs of models that are made of it, what comes after it has other numbers, and what read its results
reads those of the new operations. The call, and calls that are made of it, are cut out of the first such graph again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial
from typing import Any, NamedTuple

from ane_lsp.graph import Graph, Span, Unknown, Value, dims
from ane_lsp.graph.liveness import values
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.movers import Mover, Sizes, other_facts, record
from ane_lsp.interp.repeats import GAP, Inner, Kept
from ane_lsp.interp.results import moved_result
from ane_lsp.interp.seen import NotKept, alone

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
        return _Splice(self, old).of(made_of)

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
class _Part:
    """Where a kept call lies in a graph as it was before. start, given, taken: in the numbers of that graph. parts, within: of a call that
    is concerned, but was not made once more."""

    inner: Inner
    start: Numbers
    given: tuple[Value, ...]
    taken: tuple[Value, ...]
    path: str
    callers: tuple[Span, ...]
    parts: list[_Part] | None = None
    within: _Within | None = None

    @property
    def kept(self) -> Kept:
        return self.inner.kept


class _Splice(Mover):
    """One graph."""

    holding = Mover.holding | {Unknown}

    def __init__(self, splices: Splices, old: Graph) -> None:
        super().__init__(0, 0)
        self._splices = splices
        self._old = old
        self._new = Graph(
            old.name, source=old.source, asks_capture=old.asks_capture, lost=old.lost, returned=old.returned
        )
        self._places: list[_Part] = []  # of those that were made once more, in order
        # Where values and operations of those end, and how much further the numbers are that follow.
        self._value_ends, self._value_shifts = list[int](), [0]
        self._op_ends, self._op_shifts = list[int](), [0]
        self._taken: dict[_Part, tuple[Value, ...]] = {}
        self._numbered: set[Value] = set()
        self._before: dict[int, Value] | None = None

    def of(self, made_of: list[Inner]) -> Spliced:
        old, new = self._old, self._new
        parts = self._located(made_of, _Within(self._numbered))
        if not self._places:
            return Spliced(old, made_of, 0, 0)
        if old.custom:
            raise NotKept
        call, op, self.first, shape, _ = self._places[0].start
        new.calls, new.ops, new.shapes = old.calls[:call], old.ops[:op], old.shapes[:shape]
        self.calls = dict(enumerate(new.calls))
        for place in self._places:
            kept, (calls, ops, _, shapes, _) = place.kept, place.start
            record(self, new, old.calls[call:calls], old.ops[op:ops])
            new.shapes += old.shapes[shape:shapes]
            self._record(place)
            call, op, shape = calls + len(kept.calls), ops + len(kept.ops), shapes + len(kept.shapes)
        record(self, new, old.calls[call:], old.ops[op:])
        new.shapes += old.shapes[shape:]
        new.inputs, new.outputs = list(map(self.value_of, old.inputs)), list(map(self.value_of, old.outputs))
        steps = sum(map(self._more_steps, parts))
        return Spliced(new, self._inner(parts, [*Numbers()], True), self._value_shifts[-1], steps)

    def _located(self, made_of: Iterable[Inner], within: _Within) -> list[_Part]:
        """Where kept calls lie in the graph."""
        parts = []
        for inner in made_of:
            kept = inner.kept
            start = _further(_start(inner), within.shifts)
            given, taken = (tuple(map(within.value_of, held)) for held in (inner.given, inner.taken))
            callers = within.callers + inner.callers[within.depth :]
            part = _Part(inner, start, given, taken, within.path_of(inner.path), callers)
            parts.append(part)
            if kept in self._splices.remade:
                self._places.append(part)
            elif self._splices.concern(kept):
                held = {value.id: now for (value, _), now in zip(kept.given, part.given)}
                shifts = _further(start, [-number for number in _start(kept)])
                part.within = _Within(
                    self._numbered, shifts, kept.value, held, part.path, kept.path, callers, len(kept.callers)
                )
                part.parts = self._located(kept.inner, part.within)
        return parts

    # -- what is recorded ------------------------------------------------------------------------------------------------

    def _record(self, place: _Part) -> None:
        """Record what a call records that was made once more."""
        new, kept, (again, seen) = self._new, place.kept, self._splices.remade[place.kept]
        if any(self._splices.concern(inner.kept) for inner in again.inner):
            raise NotKept  # what that records now is not known yet
        value, size = place.start.value, place.start.size
        start = Numbers(len(new.calls), len(new.ops), value + self._value_shifts[-1], len(new.shapes), size)
        sizes = Sizes.between(again.size, again.drawn, size)
        mover = Mover(start.value - again.value, start.op - again.op, sizes)
        for (one, _), value_there in zip(again.given, place.given):
            _give(mover, one, self._now(value_there))
        mover.values.update(self._renamed(again, place, mover))
        new.shapes += other_facts(again.shapes, sizes)
        own = partial(record, mover, new, kept=again, callers=place.callers, path=place.path)
        inside, call, op = list[Inner](), 0, 0
        for inner in again.inner:
            calls, ops = inner.call - again.call, inner.op - again.op
            own(again.calls[call:calls], again.ops[op:ops])
            shape = start.shape + inner.shape - again.shape
            inside.append(self._record_inner(inner, shape, size + inner.size - again.size, again, place, mover))
            call, op = calls + len(inner.kept.calls), ops + len(inner.kept.ops)
        own(again.calls[call:], again.ops[op:])
        for number, one in seen.items():
            self.values[number + value] = now = mover.value_of(one)
            self.given[number + value] = now.type
        self._value_ends.append(value + kept.values)
        self._value_shifts.append(self._value_shifts[-1] + again.values - kept.values)
        self._op_ends.append(place.start.op + len(kept.ops))
        self._op_shifts.append(self._op_shifts[-1] + len(again.ops) - len(kept.ops))
        given, self._taken[place] = mover.values_of(again.given), mover.values_of(again.taken)
        if kept not in self._splices.cut:
            end = Numbers(len(new.calls), len(new.ops), start.value + again.values, len(new.shapes), size + again.drawn)
            self._splices.cut[kept] = {
                **self._cut_out(place, start, end, given, self._taken[place], inside),
                "result": moved_result(again.result, mover.value_of, sizes),
                "steps": again.steps, "ran": again.ran, "probes": again.probes, "told": again.told,
            }  # fmt: skip

    def _record_inner(self, inner: Inner, shape: int, size: int, again: Kept, place: _Part, around: Mover) -> Inner:
        """Record what a kept call records that such a call makes. shape: the number of its first one. size: that of the last size before."""
        new, kept = self._new, inner.kept
        now = Inner(
            kept, len(new.calls), len(new.ops), inner.value + around.value, shape, size,
            tuple(map(around.value_of, inner.given)), tuple(map(around.value_of, inner.taken)),
            place.path + inner.path[len(again.path) :], place.callers + inner.callers[len(again.callers) :],
        )  # fmt: skip
        mover = Mover(now.value - kept.value, now.op - kept.op, Sizes.between(kept.size, kept.drawn, size))
        for held, there in ((kept.given, now.given), (kept.taken, now.taken)):
            for (value, _), made in zip(held, there):
                _give(mover, value, made)
        record(mover, new, kept.calls, kept.ops, kept, now.callers, now.path)
        first = inner.value - kept.value
        around.values.update((number + first, made) for number, made in mover.values.items() if number >= kept.value)
        return now

    def _renamed(self, again: Kept, place: _Part, mover: Mover) -> dict[int, Value]:
        """What stands for values that a call made for tensors it saw: of another module they have other names. By their numbers."""
        if not place.taken:
            return {}
        calls, ops = place.start.call, place.start.op
        operations = self._old.ops[ops : ops + len(place.kept.ops)]
        read = {value.id: value for op in operations for value in op.input_values()}
        if any(value.id not in read for value in place.taken):
            made = self._old.calls[calls : calls + len(place.kept.calls)]
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
        if number < len(self._places) and old.id >= self._places[number].start.value:
            raise NotKept
        producer = old.producer
        if producer is not None:
            place = bisect_right(self._op_ends, producer)
            if place < len(self._places) and producer >= self._places[place].start.op:
                raise NotKept
            producer += self._op_shifts[place]
        return Value(old.id + self._value_shifts[number], old.type, old.origin, old.name, producer, old.fold)

    def moved(self, held: Any) -> Any:
        if held.__class__ is Unknown:
            if not alone(held):
                raise NotKept
            return held
        return super().moved(held)

    def _now(self, value: Value) -> Value:
        """The same for one that may only have its number: the very value that was recorded."""
        if value not in self._numbered:
            return self.value_of(value)
        if value.id >= self.first:
            if value.id not in self.values and value.origin != "op":  # it has another name there
                raise NotKept
            return self.value_of(value)
        if self._before is None:
            calls, ops, _, _, _ = self._places[0].start
            self._before = {one.id: one for one in self._old.inputs}
            for call in filter(None, self._old.calls[:calls]):
                self._before.update((one.id, one) for one in values((call.args, call.kwargs, call.params, call.result)))
            for op in filter(None, self._old.ops[:ops]):
                self._before.update((one.id, one) for one in (*op.input_values(), *op.outputs))
        before = self._before.get(value.id, value)
        if value.made_as is not None:
            before = before.of_type(value.type)
        if before is value and value.origin != "op":
            raise NotKept
        return before

    def _now_in(self, within: _Within, value: Value) -> Value:
        return self._now(within.value_of(value))

    # -- what it is made of ----------------------------------------------------------------------------------------------

    def _inner(self, parts: Iterable[_Part], shift: list[int], of_graph: bool = False) -> list[Inner]:
        """The parts where they are now; instead of one that cannot be cut out any more, what it is made of. shift: how much further the
        numbers are there so far. of_graph: they are parts of the graph, not of a call in it."""
        found: list[Inner] = []
        for part in parts:
            kept, taken = part.kept, self._taken.get(part)
            if of_graph and part.start.value < self.first and part.parts is None and taken is None:
                found.append(part.inner)
                continue
            start = _further(part.start, shift)
            given = tuple(map(self._now, part.given))
            inside: list[Inner] = []
            if taken is not None:
                now, before = _sizes(self._splices.remade[kept][0]), _sizes(kept)
                shift[:] = [far + new - old for far, new, old in zip(shift, now, before)]
            elif part.parts is not None:
                inside = self._inner(part.parts, shift)
            try:
                taken = taken or tuple(map(self._now, part.taken))
                if part.within is not None and kept not in self._splices.cut:
                    end = _further(_further(part.start, _sizes(kept)), shift)
                    self._splices.cut[kept] = {
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
        self, part: _Part, start: Numbers, end: Numbers, given: tuple[Value, ...], taken: tuple[Value, ...],
        inner: list[Inner],
    ) -> dict[str, Any]:  # fmt: skip
        """What a call records, cut out of the graph as it is now."""
        kept, new = part.kept, self._new
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

    def _more_steps(self, part: _Part) -> int:
        if part.parts is not None:
            return sum(map(self._more_steps, part.parts))
        return self._splices.remade[part.kept][0].steps - part.kept.steps if part in self._taken else 0


def _give(mover: Mover, one: Value, there: Value) -> None:
    """Have a value stand for one that a call was given. Raises NotKept where it has other sizes: so has what the call makes of them."""
    if one.type.shape != there.type.shape:
        raise NotKept
    mover.give(one, there)


def _start(one: Kept | Inner) -> Numbers:
    return Numbers(one.call, one.op, one.value, one.shape, one.size)


def _sizes(kept: Kept) -> Numbers:
    return Numbers(len(kept.calls), len(kept.ops), kept.values, len(kept.shapes), kept.drawn)


def _further(start: Numbers, shift: Iterable[int]) -> Numbers:
    return Numbers(*(number + more for number, more in zip(start, shift)))


__all__ = ["Remade", "Spliced", "Splices"]
