"""What a kept call gave or raised, written down so that it can be given again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import count
from typing import Any

from ane_lsp.graph import Graph, Span, TensorType, Unknown, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.movers import Mover, Sizes
from ane_lsp.interp.outside import Outside
from ane_lsp.interp.probing import Probe, probe_of
from ane_lsp.interp.record import Recorder
from ane_lsp.interp.seen import NAMED, PLAIN, UNCHANGING, NotKept, Seen
from ane_lsp.interp.values import ClassObject, Instance, OneOf, PyRaise, Refusal, Tensor


@dataclass(frozen=True, slots=True)
class Because:
    """Why something is not known. reasons: those of the call. place: among the tensors it saw, of the one that was not known before."""

    reasons: tuple[Unknown, ...]
    place: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """A tensor that a call returned. base: the place among the tensors it saw of the one it is a view of; of: the number of that one, if the
    call returned it, too. why: not known; on probes, where nobody hears it, the reason itself."""

    type: TensorType
    origin: str
    name: str
    requires_grad: bool
    value: Value | None
    base: int | None
    of: int | None
    number: int
    probe: Probe | None
    why: Any


@dataclass(frozen=True, slots=True)
class MadeObject:
    """A plain object that a call made and returned, such as a model's output with names. number: grows from one made thing to the next."""

    cls: ClassObject
    node: Span | None
    attrs: Any
    data: Any
    number: int


@dataclass(frozen=True, slots=True)
class MadeDict:
    """A dict that a call made and returned. number: as of a :class:`MadeObject`."""

    kind: type
    items: tuple[tuple[Any, Any], ...]
    number: int


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list that a call made and returned. number: as of a :class:`MadeObject`."""

    items: tuple[Any, ...]
    number: int


@dataclass(frozen=True, slots=True)
class MadeChoice:
    """One of a few values. told: see :class:`OneOf`. number: as of a :class:`MadeObject`."""

    options: tuple[Any, ...]
    told: Any
    number: int


@dataclass(frozen=True, slots=True)
class Met:
    """The object, dict, list or choice of that number once more."""

    number: int


@dataclass(frozen=True, slots=True)
class Raised:
    """What a call raised: a builtin exception with arguments, and where."""

    kind: type
    args: tuple[str, ...]
    span: Span | None
    within: Span | None
    from_operation: bool
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Known:
    """The place of a tensor that the call was given or found in its module."""

    place: int


@dataclass(frozen=True, slots=True)
class GivenObject:
    """The place of an object among all that the arguments of the call led to."""

    place: int


@dataclass(frozen=True, slots=True)
class Changing:
    """A result of a call that changed what it was given, such as a cache of keys and values, or lists outside. contents: what containers
    hold since, by their places. more: what lists outside hold since besides what they held, by how one comes to them. lists: their
    identities."""

    result: Any
    contents: tuple[tuple[int, Any], ...]
    more: tuple[tuple[tuple[Any, ...], Any], ...]
    lists: tuple[int, ...]


class Packing:
    """Writes the result of a call down as it can be given again.

    places: of the tensors that the call saw, by identity. made: containers that came with the result, and nobody else holds. changed:
    containers that the call was given and has written to, by their places. views: tensors in the result that are views of others which
    are gone. handed: those of `made` that are in the result.
    """

    def __init__(
        self, places: dict[int, int], seen: Seen, recorder: Recorder, probing: bool, made: AbstractSet[int],
        changed: Mapping[int, Any],
    ) -> None:  # fmt: skip
        self._places = places
        self._seen = seen
        self._recorder = recorder
        self._probing = probing
        self._made = made
        self._changed = changed
        self._numbers: dict[int, int] = {}
        self._next = count()
        self._probes = {probe: probe for probe in seen.probes}
        self._tensors: set[int] = set()
        self._reasons = {id(one.why): place for place, one in enumerate(seen.tensors) if one.why is not None}
        self.views: list[Tensor] = []
        self.handed: list[Any] = []

    def result(self, result: Any, grown: list[tuple[Any, int]], outside: Outside) -> Any:
        """grown: see :meth:`Outside.grown`. Raises NotKept."""
        held = [(place, self._contents(container)) for place, container in self._changed.items()]
        more = [(outside.way_to(one), [self._packed(value) for value in one[before:]]) for one, before in grown]
        packed = self._packed(result)
        if held or more:
            packed = Changing(packed, tuple(held), tuple(more), tuple([id(one) for one, _ in grown]))
        self.views = [view for view in self.views if id(view.base) not in self._tensors]
        return packed

    def _packed(self, one: Any) -> Any:
        kind = one.__class__
        if kind in PLAIN:
            return one
        if kind is Tensor:
            place = self._places.get(id(one))
            return Known(place) if place is not None else self._tensor(one)
        if kind is tuple:
            return tuple([self._packed(value) for value in one])
        seen, numbers = self._seen, self._numbers
        if seen.holds(id(one)):
            given = seen.place_given(id(one))
            if given is None:
                raise NotKept
            return GivenObject(given)
        if kind in NAMED or kind in UNCHANGING:
            return one
        if kind is Unknown and self._probing and seen.lost(one):
            return one
        number = numbers.get(id(one))
        if number is not None:
            if number < 0:
                raise NotKept
            return Met(number)
        numbers[id(one)] = -1  # nothing in itself
        packed: MadeDict | MadeList | MadeObject | MadeChoice
        if (kind is dict or kind is OrderedDict) and id(one) in self._made:
            self.handed.append(one)
            packed = self._table(one)
        elif kind is list:
            packed = MadeList(tuple([self._packed(value) for value in one]), next(self._next))
        elif kind is OneOf:
            packed = MadeChoice(tuple([self._packed(option) for option in one.options]), one.told, next(self._next))
        elif kind is Instance and id(one.attrs) in self._made and "_modules" not in one.attrs:
            attrs, data = self._packed(one.attrs), self._packed(one.data)
            packed = MadeObject(one.cls, one.node, attrs, data, next(self._next))
        else:
            raise NotKept
        numbers[id(one)] = packed.number
        return packed

    def _contents(self, container: Any) -> Any:
        """What a container holds that the call was given. Raises NotKept."""
        kind = container.__class__
        if kind is list:
            return [self._packed(value) for value in container]
        if kind is dict or kind is OrderedDict:
            return self._table(container)
        raise NotKept

    def _table(self, one: Any) -> MadeDict:
        if any(name.__class__ not in PLAIN for name in one):
            raise NotKept
        items = tuple([(name, self._packed(value)) for name, value in one.items()])
        return MadeDict(one.__class__, items, next(self._next))

    def _tensor(self, one: Tensor) -> Made:
        probe = probe_of(one)
        if probe is not None and not _made_from(probe, self._seen.probes):
            raise NotKept
        if probe is not None:  # as it is now: it may hear more
            probe = probe.copied(self._probes)
        known = one.value is None or one.graph is self._recorder.graph
        if not known or len(one.attrs or ()) != (probe is not None):
            raise NotKept
        number, base, of = self._number(one), None, None
        self._tensors.add(id(one))
        if one.base is not None:
            base = self._places.get(id(one.base))
            if base is None:
                of = self._number(one.base)
                self.views.append(one)
        why = one.why if self._probing or one.why is None else self._because(one.why)
        return Made(one.type, one.origin, one.name, one.requires_grad, one.value, base, of, number, probe, why)

    def _because(self, why: Any) -> Because:
        reasons: list[Unknown] = []
        one = why
        while one is not None and id(one) not in self._reasons:
            if one.__class__ is not Unknown or one.item is not None:
                raise NotKept
            reasons.append(replace(one, cause=None))
            one = one.cause
        return Because(tuple(reasons), self._reasons.get(id(one)))

    def _number(self, tensor: Tensor) -> int:
        if id(tensor) not in self._numbers:
            self._numbers[id(tensor)] = next(self._next)
        return self._numbers[id(tensor)]


def ended(raised: PyRaise) -> Raised:
    """Raises NotKept where it cannot be told from another."""
    value = raised.value
    if not isinstance(value, BaseException) or any(held.__class__ not in PLAIN for held in value.args):
        raise NotKept
    return Raised(
        value.__class__, tuple(map(repr, value.args)), raised.span, raised.within, raised.from_operation, raised.refusal
    )


def _made_from(probe: Probe, roots: list[Probe]) -> bool:
    """Whether nothing is behind a probe but `roots`, and what those were made from."""
    above = {one for root in roots for one in root.leads_to()}
    pending = [probe]
    for one in pending:
        if one not in roots:
            if one in above or not one.links:
                return False
            pending += [source for source, _ in one.links if source not in pending]
    return True


def moved_result(held: Any, value_of: Callable[[Value], Value], sizes: Sizes | None) -> Any:
    """A result as it was packed, with other values and `sizes`."""
    kind = held.__class__
    if kind is Made:
        if held.value is None and sizes is None:
            return held
        value = None if held.value is None else value_of(held.value)
        return replace(held, value=value, type=held.type if sizes is None else sizes.type(held.type))
    if kind is tuple or kind is list:
        return kind([moved_result(one, value_of, sizes) for one in held])
    if kind is MadeDict or kind is MadeList:
        return replace(held, items=moved_result(held.items, value_of, sizes))
    if kind is MadeObject:
        attrs, data = (moved_result(one, value_of, sizes) for one in (held.attrs, held.data))
        return replace(held, attrs=attrs, data=data)
    if kind is MadeChoice:
        return replace(held, options=moved_result(held.options, value_of, sizes))
    if kind is Changing:
        result, contents = (moved_result(one, value_of, sizes) for one in (held.result, held.contents))
        more = tuple([(way, moved_result(items, value_of, sizes)) for way, items in held.more])
        return Changing(result, contents, more, held.lists)
    return held if sizes is None else sizes.of(held)


class Results:
    """Gives the result of a kept call for the tensors that another one sees. roots: the probes it was given. mover: tells what stands for
    its values and sizes. handed: tables that were made for the result."""

    def __init__(self, roots: list[Probe], seen: Seen, mover: Mover, graph: Graph) -> None:
        self._seen = seen
        self._mover = mover
        self._graph = graph
        self._made: dict[int, Any] = {}
        self._views: list[tuple[Tensor, int]] = []
        self.handed: list[Any] = []
        self._probes = dict(zip(roots, seen.probes))

    def given(self, packed: Any, change: Callable[[Any, Any], None], outside: Outside) -> Any:
        """What the call gives. change: called with each container that it changes, and what it then holds."""
        result = packed
        if packed.__class__ is Changing:
            for place, contents in packed.contents:
                change(self._seen.objects[place], self.unpacked(contents))
            for way, more in packed.more:
                container = outside.at(way)
                change(container, [*container, *self.unpacked(more)])
            result = packed.result
        made = self.unpacked(result)
        for view, of in self._views:
            view.base = self._made.get(of)
        return made

    def unpacked(self, packed: Any) -> Any:
        kind = packed.__class__
        if kind is Known:
            return self._seen.tensors[packed.place]
        if kind is GivenObject:
            return self._seen.objects[packed.place]
        if kind is Made:
            return self._made.get(packed.number) or self._tensor(packed)
        if kind is tuple or kind is list:
            return kind([self.unpacked(value) for value in packed])
        if kind is MadeDict:
            table = packed.kind([(name, self.unpacked(value)) for name, value in packed.items])
            self.handed.append(table)
            self._made[packed.number] = table
            return table
        if kind is MadeObject:
            made = Instance(packed.cls)
            made.attrs, made.data, made.node = self.unpacked(packed.attrs), self.unpacked(packed.data), packed.node
            self._made[packed.number] = made
            return made
        if kind is MadeList:
            made_list = self._made[packed.number] = [self.unpacked(value) for value in packed.items]
            return made_list
        if kind is MadeChoice:
            options = tuple([self.unpacked(option) for option in packed.options])
            choice = self._made[packed.number] = OneOf(options, packed.told)
            return choice
        if kind is Met:
            return self._made[packed.number]
        return packed if self._mover.sizes is None else self._mover.sizes.of(packed)

    def _why(self, why: Any) -> Any:
        if why.__class__ is not Because:
            return why
        cause = None if why.place is None else self._seen.tensors[why.place].why
        for one in reversed(why.reasons):
            cause = replace(one, cause=cause)
        return cause

    def _tensor(self, packed: Made) -> Tensor:
        sizes = self._mover.sizes
        kind = packed.type if sizes is None else sizes.type(packed.type)
        tensor = self._made[packed.number] = Tensor(kind, packed.origin)
        tensor.name, tensor.requires_grad, tensor.why = packed.name, packed.requires_grad, self._why(packed.why)
        tensor.base = None if packed.base is None else self._seen.tensors[packed.base]
        if packed.of is not None:
            self._views.append((tensor, packed.of))
        if packed.value is not None:
            tensor.value, tensor.graph = self._mover.value_of(packed.value), self._graph
        if packed.probe is not None:  # then some were given
            tensor.attrs = {"__probe__": packed.probe.copied(self._probes)}
        return tensor


__all__ = [
    "Because", "Changing", "GivenObject", "Known", "Made", "MadeChoice", "MadeDict", "MadeList", "MadeObject", "Met", "Packing", "Raised", "Results", "ended", "moved_result",
]  # fmt: skip
