"""Whether two calls record the same and give the same, and whether two modules were built alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from itertools import starmap
from typing import Any

from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Unknown, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.movers import Sizes, other_facts
from ane_lsp.interp.outside import Same
from ane_lsp.interp.probing import Probe
from ane_lsp.interp.repeats import GAP, Inner, Kept, parts
from ane_lsp.interp.results import (
    Because,
    Changing,
    GivenObject,
    Known,
    Made,
    MadeChoice,
    MadeDict,
    MadeList,
    MadeObject,
    Met,
    Raised,
)
from ane_lsp.interp.seen import NAMED, PLAIN, UNCHANGING, NotKept, alone, is_nested, read_around
from ane_lsp.interp.templates import Given
from ane_lsp.interp.values import ABSENT, BoundMethod, Function, Instance, Many, OneOf, Partial, Tensor, TorchFunction


def same_calls(one: Kept, other: Kept) -> bool:
    """Whether two calls record the same and give the same, but for the numbers they were given."""
    return _Likeness(one, other).of_calls(one, other)


def counterparts(one: Kept, other: Kept) -> dict[int, Value] | None:
    """Of two calls that may record different things, what stands in the other for the values of the first that are seen from outside, by
    their numbers from its first one on. None where they can be told apart otherwise."""
    return _Counterparts(one, other).seen(one, other)


def same_graphs(one: Graph, other: Graph, inner: list[Inner], others: list[Inner]) -> bool:
    """Whether two graphs are the same. inner, others: the kept calls they are made of."""
    return _Likeness(_START, _START).of_graphs(one, other, inner, others)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where what is compared begins: see :class:`Kept`."""

    call: int = 0
    op: int = 0
    value: int = 0
    path: str = ""
    callers: tuple[Span, ...] = ()
    size: int = 0
    drawn: int = 0


_START = _Origin()


class _Likeness:
    """Whether the same is recorded in two places, but for the numbers it was given."""

    def __init__(self, one: Kept | _Origin, other: Kept | _Origin) -> None:
        self._one = one
        self._other = other
        self._probing = isinstance(one, Kept) and one.scene is not None and one.scene.probing
        self._sizes = Sizes.between(one.size, one.drawn, other.size)
        self._values: dict[Value, Value] = {}
        self._numbers: dict[int, int] = {}  # of what was given, which may be held with other dtypes as well
        self._probes: dict[Probe, Probe] = {}

    def of_graphs(self, one: Graph, other: Graph, inner: list[Inner], others: list[Inner]) -> bool:
        if (
            (one.name, one.shapes, one.asks_capture, one.lost, one.returned)
            != (other.name, other.shapes, other.asks_capture, other.lost, other.returned)
            or (len(one.calls), len(one.ops)) != (len(other.calls), len(other.ops))
            or one.custom
            or other.custom
        ):
            return False
        return (
            self._same(one.inputs, other.inputs)
            and self._recorded(one, other, inner, others)
            and self._same(one.outputs, other.outputs)
        )

    def _recorded(self, one: Kept | Graph, other: Kept | Graph, inner: list[Inner], others: list[Inner]) -> bool:
        """Whether calls and operations are the same. inner, others: the kept calls they are made of."""
        inner, others = list(parts(inner)), list(parts(others))
        if len(inner) != len(others) or not all(map(self._inner, inner, others)):
            return False
        calls, ops = list(other.calls), list(other.ops)
        for part in others:
            call, op = part.call - self._other.call, part.op - self._other.op
            calls[call : call + len(part.kept.calls)] = [GAP] * len(part.kept.calls)
            ops[op : op + len(part.kept.ops)] = [GAP] * len(part.kept.ops)
        return all(map(self._call, one.calls, calls)) and all(map(self._op, one.ops, ops))

    def of_calls(self, one: Kept, other: Kept) -> bool:
        return (
            one.values == other.values
            and other_facts(one.shapes, self._sizes) == other.shapes
            and (len(one.calls), len(one.ops)) == (len(other.calls), len(other.ops))
            and self._called(one, other)
            and self._recorded(one, other, one.inner, other.inner)
            and self._same(one.result, other.result)
        )

    def _called(self, one: Kept, other: Kept) -> bool:
        """Whether calls were given the same and left the same besides what they record and give."""
        if (
            one.reached != other.reached
            or one.drawn != other.drawn
            or one.lost != other.lost
            or one.quotients != other.quotients
            or one.told != other.told
            or [place for _, place in one.given] != [place for _, place in other.given]
            or [place for _, place in one.taken] != [place for _, place in other.taken]
        ):
            return False
        given = list(zip(_values(one.given), _values(other.given)))
        self._values.update(given)
        self._numbers.update((a.id, b.id) for a, b in given)
        self._probes.update(zip(one.probes, other.probes))
        return all(map(self._taken, _values(one.taken), _values(other.taken)))

    def _taken(self, one: Value, other: Value) -> bool:
        """The same of values that stand for tensors a call saw: those of another module have other names, and that their elements are the
        same is told by the keys of the calls."""
        return self._value(one, other, seen=True)

    def _inner(self, one: Inner, other: Inner) -> bool:
        return (
            (one.kept.like or one.kept) is (other.kept.like or other.kept)
            and one.call - self._one.call == other.call - self._other.call
            and one.op - self._one.op == other.op - self._other.op
            and one.value - self._one.value == other.value - self._other.value
            and all(map(self._value, one.given, other.given))
            and all(map(self._value, one.taken, other.taken))
        )

    def _call(self, one: Call, other: Call) -> bool:
        return other is GAP or (
            one.id - self._one.call == other.id - self._other.call
            and one.module[len(self._one.path) :] == other.module[len(self._other.path) :]
            and one.stack[len(self._one.callers) :] == other.stack[len(self._other.callers) :]
            and all(self._same(getattr(one, name), getattr(other, name)) for name in _OF_CALL)
        )

    def _op(self, one: Op, other: Op) -> bool:
        return other is GAP or (
            one.id - self._one.op == other.id - self._other.op
            and one.call.id - self._one.call == other.call.id - self._other.call
            and one.kind == other.kind
            and self._same(one.inputs, other.inputs)
            and self._same(one.attrs, other.attrs)
            and self._same(one.outputs, other.outputs)
        )

    def _value(self, one: Value, other: Value, seen: bool = False) -> bool:
        known = self._values.get(one)
        if known is not None:
            return known is other
        number = self._numbers.get(one.id)
        if number is not None:
            if number != other.id or not self._described(one, other, seen):
                return False
            self._values[one] = other
            return True
        if one.id - self._one.value != other.id - self._other.value or not self._described(one, other, seen):
            return False
        if one.producer is None or other.producer is None:
            if one.producer is not other.producer:
                return False
        elif one.producer - self._one.op != other.producer - self._other.op:
            return False
        self._values[one] = other
        return True

    def _described(self, one: Value, other: Value, seen: bool) -> bool:
        """Whether two values are alike but for their numbers. seen: see :meth:`_taken`."""
        if (one.origin, one.fold) != (other.origin, other.fold):
            return False
        if seen:
            return bool(one.type == other.type)
        return one.name == other.name and self._same(one.type, other.type)

    def _same(self, one: Any, other: Any) -> bool:
        kind = one.__class__
        if kind is not other.__class__:
            return False
        if kind is Value:
            return self._value(one, other)
        if kind in NAMED:
            return one is other or (kind is TorchFunction and one == other)
        if kind is float or kind is complex:
            return repr(one) == repr(other)
        if kind in _EQUAL:
            return bool(one == other or (self._sizes is not None and self._sizes.of(one) == other))
        if kind is tuple or kind is list:
            return len(one) == len(other) and all(map(self._same, one, other))
        if isinstance(one, Mapping):
            return list(one) == list(other) and all(self._same(value, other[name]) for name, value in one.items())
        if kind is slice:
            return self._same((one.start, one.stop, one.step), (other.start, other.stop, other.step))
        if kind is Unknown:
            if self._probing and alone(one) and alone(other):  # nobody hears why
                return bool(one.number == other.number)
            return same_unknown(one, other, self._same)
        if kind is TensorType:
            one = one if self._sizes is None else self._sizes.type(one)
            return one is other or (bool(one == other) and (one.data is other.data or self._same(one.data, other.data)))
        if kind is Probe:
            return self._probe(one, other)
        names = _MADE.get(kind)
        return names is not None and all(self._same(getattr(one, name), getattr(other, name)) for name in names)

    def _probe(self, one: Probe, other: Probe) -> bool:
        known = self._probes.get(one)
        if known is not None:
            return known is other
        self._probes[one] = other
        return (
            one.state() == other.state()
            and len(one.links) == len(other.links)
            and all(
                self._probe(a, b) and _same_function(told, again)
                for (a, told), (b, again) in zip(one.links, other.links)
            )
        )


class _Counterparts(_Likeness):
    """Whether others see the same of two calls, whatever those record."""

    def __init__(self, one: Kept, other: Kept) -> None:
        super().__init__(one, other)
        self._met = {value.id: -1 for value, _ in other.given}  # what stands for them, by number

    def seen(self, one: Kept, other: Kept) -> dict[int, Value] | None:
        alike = (one.asks_capture, one.counts) == (other.asks_capture, other.counts)
        if not alike or not self._called(one, other) or not self._same(one.result, other.result):
            return None
        return {
            old.id - one.value: new for old, new in self._values.items() if old.id >= one.value and old.made_as is None
        }

    def _value(self, one: Value, other: Value, seen: bool = False) -> bool:
        known = self._values.get(one)
        if known is not None:
            return known is other
        if (
            self._met.get(other.id, one.id) != one.id  # it stands for another one
            or self._numbers.get(one.id, other.id) != other.id
            or one.id < self._one.value
            or other.id < self._other.value
            or not self._described(one, other, seen)
        ):
            return False
        self._values[one] = other
        self._met[other.id], self._numbers[one.id] = one.id, other.id
        return True


def same_unknown(one: Unknown | None, other: Unknown | None, same: Callable[[Any, Any], bool]) -> bool:
    """Whether two values are unknown for the same reasons at the same places, and what is known of their items is the `same`."""
    while one is not None and other is not None and one is not other:
        if one != other or not same(one.item, other.item):
            return False
        one, other = one.cause, other.cause
    return one is other


def _values(placed: list[tuple[Value, int]]) -> list[Value]:
    return [value for value, _ in placed]


def _same_function(one: Any, other: Any) -> bool:
    """Whether two functions, or data they go by, are alike: the same code around the same."""
    if one is other:
        return True
    code = getattr(one, "__code__", None)
    if code is None:
        return one.__class__ is other.__class__ and bool(one == other)
    if code is not getattr(other, "__code__", None):
        return False
    around = [[cell.cell_contents for cell in function.__closure__ or ()] for function in (one, other)]
    return all(starmap(_same_function, zip(*around)))


_EQUAL = (PLAIN - {TensorType}) | {Span, Known, GivenObject, Met, Raised}
_OF_CALL = (
    "torch", "kind", "span", "fn", "args", "kwargs", "params", "result", "direct", "ctor", "hyper", "optional", "divided",
)  # fmt: skip
_MADE = {
    Made: ("type", "origin", "name", "requires_grad", "value", "base", "of", "number", "probe", "why"),
    MadeObject: ("cls", "node", "attrs", "data", "number"),
    MadeDict: ("kind", "items", "number"),
    MadeList: ("items", "number"),
    MadeChoice: ("options", "told", "number"),
    Many: ("place",),
    ABSENT.__class__: (),
    Because: ("reasons", "place"),
    Changing: ("result", "contents", "more"),
}
"""What counts of a result that a call made."""


def written_down(module: Instance, given: Given | None, own: Iterable[Any] = ()) -> tuple[Any, ...]:
    """Equal for modules that were built alike. given: what they were built from, if anything.

    own: containers that were changed meanwhile and are still held. Raises NotKept where one of them is neither the module's nor was
    given, or where the module leads to something that cannot be told from another.
    """
    objects = given.objects if given is not None else ()
    down = _Down(objects)
    down.add(module, True)
    others = {id(one) for one in own} - down.found.keys()
    if not others <= set(map(id, objects)):
        raise NotKept
    return tuple(down.parts)


_SIMPLE = frozenset({int, bool, str, type(None)})
_NAMES = frozenset({str})


class _Down:
    """Writes down what a module leads to. found: that, by identity, numbered."""

    def __init__(self, given: Iterable[Any]) -> None:
        self.parts: list[Any] = []
        self.found: dict[int, int] = {}
        self._given = {id(one): number for number, one in enumerate(given)}

    def add(self, one: Any, root: bool = False) -> None:
        kind, parts = one.__class__, self.parts
        if kind is float or kind is complex:
            parts += (kind, repr(one))
        elif kind in PLAIN:
            parts += (kind, one, one.data if kind is TensorType else None)
        elif kind is Span:
            parts.append(one)
        elif kind in NAMED or (kind is Function and not is_nested(one)):
            parts.append(one if kind is TorchFunction else Same(one))
        elif kind is Unknown:
            self._unknown(one)
        elif id(one) in self._given:
            parts += (_Down, self._given[id(one)])
        elif id(one) in self.found:
            parts += (-1, self.found[id(one)])
        else:
            self.found[id(one)] = len(self.found)
            parts.append(kind)
            self._held(one, kind, root)

    def _held(self, one: Any, kind: type, root: bool) -> None:
        if kind is Instance:
            self.parts += (one.cls, None if root else one.node)
            held: Iterable[Any] = (one.attrs, one.data)
        elif kind is Tensor:
            if one.value is not None:
                raise NotKept
            self.parts += (one.origin, one.name, one.requires_grad)
            held = one.type, one.why, one.base, one.attrs
        elif kind is dict or kind is OrderedDict:
            if _NAMES.issuperset(map(type, one)):
                self.parts.append(tuple(one))
            elif any(name.__class__ not in PLAIN for name in one):
                raise NotKept
            else:
                self.parts.append(tuple([(name.__class__, name) for name in one]))
            held = one.values()
        elif kind is list or kind is tuple:
            self.parts.append(len(one))
            held = one
        elif kind is set and all(value.__class__ in PLAIN for value in one):
            self.parts.append(frozenset((value.__class__, value) for value in one))
            held = ()
        elif kind is Partial:
            held = one.func, one.args, one.kwargs, one.attrs
        elif kind is BoundMethod:
            held = one.func, one.self
        elif kind is OneOf:
            self.parts += (len(one.options), one.told)
            held = one.options
        elif kind is Function:
            self.parts += (one.node, one.module, one.owner)
            held = [one.defaults, one.kw_defaults, one.attrs]
            for names, read in read_around(one):
                self.parts.append(tuple(read))
                held += [names[name] for name in read]
        elif kind in UNCHANGING:
            held = (one.place,) if kind is Many else ()
        else:
            raise NotKept
        parts = self.parts
        for value in held:  # most of what modules hold is simple
            if value.__class__ in _SIMPLE:
                parts.append(value.__class__)
                parts.append(value)
            else:
                self.add(value)

    def _unknown(self, one: Unknown | None) -> None:
        while one is not None:
            self.parts += (Unknown, one.reason, one.span, one.number)
            self.add(one.item)
            one = one.cause


__all__ = ["counterparts", "same_calls", "same_graphs", "same_unknown", "written_down"]
