"""Numbers for what a call records in an excerpt, in place of what it recorded before: fractions between those of what is around it, and where
others read a value, the number that this had."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Call, Graph, Op, Span, Value
from ane_lsp.interp.movers import Mover, Sizes, record
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Place, give

if TYPE_CHECKING:
    from ane_lsp.interp.repeats import Inner, Kept


class Renumbering:
    """The numbers of what a call records `again`. calls, ops: in its order. fresh: for values that nobody reads but itself.

    before: the kept calls that it makes, by their places among them, as parts of it before: those keep their numbers. seen: what stands for
    values that others read. was: what it recorded before. graph: what has been recorded ahead of it.
    """

    def __init__(
        self,
        place: Place,
        again: Kept,
        before: Mapping[int, Inner],
        seen: Mapping[int, Value],
        was: list[Op],
        graph: Graph,
        fresh: Iterator[int],
    ) -> None:
        start, kept = place.start, place.kept
        self._further = start.value - kept.value
        self._given = {value.id: there.id for (value, _), there in zip(kept.given, place.given)}
        self._fresh = fresh
        calls: list[Any] = [None] * len(again.calls)
        ops: list[Any] = [None] * len(again.ops)
        self._spans, self._starts = list[tuple[range, int]](), list[int]()
        for number, old in before.items():
            inner = again.inner[number]
            call, op, value = (
                there + then - first
                for there, then, first in zip(start, (old.call, old.op, old.value), (kept.call, kept.op, kept.value))
            )
            at_call, at_op = inner.call - again.call, inner.op - again.op
            calls[at_call : at_call + len(old.kept.calls)] = range(call, call + len(old.kept.calls))
            ops[at_op : at_op + len(old.kept.ops)] = range(op, op + len(old.kept.ops))
            self._starts.append(inner.value)
            self._spans.append((range(inner.value, inner.value + old.kept.values), value))
        self._values = dict[int, int]()
        made_by = {value.id: op.id for op in was for value in op.outputs}
        for number, one in seen.items():
            old_id = number + start.value
            if self.before(one.id) is not None or any(0 <= old_id - value < len(span) for span, value in self._spans):
                continue
            if one.producer is not None:
                at, maker = one.producer - again.op, made_by.get(old_id)
                if maker is None or not _fits(ops, at, maker):
                    continue
                ops[at] = maker
            self._values[one.id] = old_id
        self.calls = _between(calls, start.call, graph.calls[-1].id if graph.calls else -1)
        self.ops = _between(ops, start.op, graph.ops[-1].id if graph.ops else -1)

    def of_value(self, number: int) -> int:
        """The number of a value that it makes."""
        known = self._values.get(number)
        if known is None:
            known = self.before(number)
            if known is None:
                known = next(self._fresh)
            self._values[number] = known
        return known

    def had(self, number: int) -> int:
        """The number of a value that the call was given or made before, by its number in the call."""
        return self._given[number] if number in self._given else number + self._further

    def before(self, number: int) -> int | None:
        """That of a value which is made by a kept call that was made before; None of any other."""
        last = bisect_right(self._starts, number) - 1
        if last < 0 or number not in self._spans[last][0]:
            return None
        return number - self._starts[last] + self._spans[last][1]


def _fits(numbers: list[Any], at: int, number: int) -> bool:
    """Whether a number keeps those in order that are there."""
    if numbers[at] is not None:
        return bool(numbers[at] == number)
    before = next((one for one in reversed(numbers[:at]) if one is not None), number - 1)
    behind = next((one for one in numbers[at + 1 :] if one is not None), number + 1)
    return bool(before < number < behind)


def _between(numbers: list[Any], start: int, before: float) -> list[Any]:
    """The same with fractions in order in place of None, each nearer to what is ahead of it, or to `start` where that is outside. before:
    the last one outside."""
    missing = [at for at, number in enumerate(numbers) if number is None]
    for _, together in groupby(enumerate(missing), lambda one: one[1] - one[0]):
        places = [at for _, at in together]
        low = numbers[places[0] - 1] if places[0] else max(start - 0.5, before)
        room = 0.5 if places[0] else start - low
        for n, at in enumerate(places, 1):
            numbers[at] = low + room * n / (len(places) + 1)
    return numbers


class Renumbered(Mover):
    """What a call records in an excerpt, `graph`, with the `numbers` it has there. size: that of the last size made up before it.
    there: tells what stands for a value that was made before, too.
    """

    def __init__(
        self, kept: Kept, numbers: Renumbering, size: int, graph: Graph, there: Callable[[Value], Value]
    ) -> None:
        super().__init__(0, 0, Sizes.between(kept.size, kept.drawn, size))
        self.kept = kept
        self.numbers = numbers
        self._calls, self._ops = numbers.calls, numbers.ops
        self._around: Renumbered | None = None
        self._further = 0
        self._size = size
        self._graph = graph
        self._there = there

    def within(self, inner: Inner) -> Renumbered:
        """The same of a kept call that it makes."""
        kept = inner.kept
        size = self._size + inner.size - self.kept.size
        made = Renumbered(kept, self.numbers, size, self._graph, self._there)
        made._around, made._further = self, inner.value - kept.value
        call, op = inner.call - self.kept.call, inner.op - self.kept.op
        made._calls, made._ops = self._calls[call : call + len(kept.calls)], self._ops[op : op + len(kept.ops)]
        for (value, _), given in zip((*kept.given, *kept.taken), (*inner.given, *inner.taken)):
            with suppress(NotKept):  # of a layer that is left out: not every one of those is read
                give(made, value, self.value_of(given))
        return made

    def number_of(self, number: int) -> int:
        """The number of a value that the call is given or makes."""
        known = self.values.get(number)
        if known is not None:
            return known.id
        if number < self.kept.value:
            raise NotKept
        if self._around is not None:
            return self._around.number_of(number + self._further)
        return self.numbers.of_value(number)

    def _made(self, old: Value) -> Value:
        if old.id < self.kept.value:
            raise NotKept
        producer = None if old.producer is None else self._ops[old.producer - self.kept.op]
        kind = old.type if self.sizes is None else self.sizes.type(old.type)
        return self._there(Value(self.number_of(old.id), kind, old.origin, old.name, producer, old.fold))

    def record(self, calls: list[Call], ops: list[Op], callers: tuple[Span, ...], path: str) -> None:
        """Record some of what the call records. callers, path: those of the call."""
        graph, kept = self._graph, self.kept
        recorded, computed = len(graph.calls), len(graph.ops)
        record(self, graph, calls, ops, (0, 0), kept, callers, path)
        for call, was in zip(graph.calls[recorded:], calls):
            call.id = self._calls[was.id - kept.call]
        for op, of in zip(graph.ops[computed:], ops):
            op.id = self._ops[of.id - kept.op]


__all__ = ["Renumbered", "Renumbering"]
