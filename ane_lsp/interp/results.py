"""What a kept call gave or raised, written down so that it can be given again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from ane_lsp.graph import Graph, Span, TensorType, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.probing import Probe, probe_of
from ane_lsp.interp.record import Recorder
from ane_lsp.interp.seen import PLAIN, NotKept, Seen
from ane_lsp.interp.values import ClassObject, Instance, PyRaise, Refusal, Tensor


@dataclass(frozen=True, slots=True)
class Made:
    """A tensor that a call returned. base: the place among the tensors it saw of the one it is a view of."""

    type: TensorType
    origin: str
    name: str
    requires_grad: bool
    value: Value | None
    base: int | None
    number: int
    probe: Probe | None
    why: Any


@dataclass(frozen=True, slots=True)
class MadeObject:
    """A plain object that a call made and returned, such as a model's output with names."""

    cls: ClassObject
    node: Span | None
    attrs: Any
    data: Any


@dataclass(frozen=True, slots=True)
class MadeDict:
    """A dict that a call made and returned."""

    kind: type
    items: tuple[tuple[Any, Any], ...]


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


def packed(
    result: Any, places: dict[int, int], seen: Seen, recorder: Recorder, probing: bool, made: AbstractSet[int]
) -> Any:
    """A result as it can be given again. made: containers that came with it, and nobody else holds. Raises NotKept."""
    numbers: dict[int, int] = {}
    probes = {seen.probe: seen.probe} if seen.probe is not None else {}

    def pack(one: Any) -> Any:
        kind = one.__class__
        if kind in PLAIN:
            return one
        if kind is Tensor:
            place = places.get(id(one))
            if place is not None:
                return Known(place)
            probe = probe_of(one)
            if probe is not None and not _made_from(probe, seen.probe):
                raise NotKept
            if probe is not None:  # as it is now: it may hear more
                probe = probe.copied(probes)
            known = one.value is None or one.graph is recorder.graph
            if not known or len(one.attrs or ()) != (probe is not None):
                raise NotKept
            if not probing and (one.why is not None or one.type.shape is None):
                raise NotKept
            number = numbers.setdefault(id(one), len(numbers))
            base = places.get(id(one.base)) if one.base is not None else None
            return Made(
                one.type,
                one.origin,
                one.name,
                one.requires_grad,
                one.value,
                base,
                number,
                probe,
                one.why if probing else None,
            )
        if kind is tuple:
            return tuple([pack(value) for value in one])
        if seen.holds(id(one)):
            raise NotKept
        if kind is list and id(one) not in numbers:
            numbers[id(one)] = -1  # once
            return [pack(value) for value in one]
        if id(one) in numbers:
            raise NotKept
        if (kind is dict or kind is OrderedDict) and id(one) in made:
            numbers[id(one)] = -1
            if any(name.__class__ not in PLAIN for name in one):
                raise NotKept
            return MadeDict(kind, tuple([(name, pack(value)) for name, value in one.items()]))
        if kind is Instance and id(one.attrs) in made and "_modules" not in one.attrs:
            numbers[id(one)] = -1
            return MadeObject(one.cls, one.node, pack(one.attrs), pack(one.data))
        raise NotKept

    return pack(result)


def ended(raised: PyRaise) -> Raised:
    """Raises NotKept where it cannot be told from another."""
    value = raised.value
    if not isinstance(value, BaseException) or any(held.__class__ not in PLAIN for held in value.args):
        raise NotKept
    return Raised(
        value.__class__, tuple(map(repr, value.args)), raised.span, raised.within, raised.from_operation, raised.refusal
    )


def _made_from(probe: Probe, root: Probe | None) -> bool:
    """Whether nothing is behind a probe but `root`, and what that was made from."""
    if root is None:
        return False
    above = {id(one) for one in root.leads_to()}
    pending = [probe]
    for one in pending:
        if one is not root:
            if id(one) in above or not one.links:
                return False
            pending += [source for source, _ in one.links if source not in pending]
    return True


def moved_result(held: Any, value_of: Callable[[Value], Value]) -> Any:
    """A result as it was packed, with other values."""
    kind = held.__class__
    if kind is Made:
        return held if held.value is None else replace(held, value=value_of(held.value))
    if kind is tuple or kind is list:
        return kind([moved_result(one, value_of) for one in held])
    if kind is MadeDict:
        return replace(held, items=moved_result(held.items, value_of))
    if kind is MadeObject:
        return replace(held, attrs=moved_result(held.attrs, value_of), data=moved_result(held.data, value_of))
    return held


class Results:
    """Gives the result of a kept call for the tensors that another one sees. root: the probe it was given. value_of: what stands for
    its values."""

    def __init__(self, root: Probe | None, seen: Seen, value_of: Callable[[Value], Value], graph: Graph) -> None:
        self._seen = seen
        self._value_of = value_of
        self._graph = graph
        self._made: dict[int, Tensor] = {}
        self._probes = {root: seen.probe} if root is not None and seen.probe is not None else {}

    def unpacked(self, packed: Any) -> Any:
        kind = packed.__class__
        if kind is Known:
            return self._seen.tensors[packed.place]
        if kind is Made:
            return self._made.get(packed.number) or self._tensor(packed)
        if kind is tuple or kind is list:
            return kind([self.unpacked(value) for value in packed])
        if kind is MadeDict:
            return packed.kind([(name, self.unpacked(value)) for name, value in packed.items])
        if kind is MadeObject:
            made = Instance(packed.cls, self.unpacked(packed.data))
            made.attrs, made.node = self.unpacked(packed.attrs), packed.node
            return made
        return packed

    def _tensor(self, packed: Made) -> Tensor:
        tensor = self._made[packed.number] = Tensor(packed.type, packed.origin)
        tensor.name, tensor.requires_grad, tensor.why = packed.name, packed.requires_grad, packed.why
        tensor.base = None if packed.base is None else self._seen.tensors[packed.base]
        if packed.value is not None:
            tensor.value, tensor.graph = self._value_of(packed.value), self._graph
        if packed.probe is not None:  # then one was given
            tensor.attrs = {"__probe__": packed.probe.copied(self._probes)}
        return tensor


__all__ = ["Known", "Made", "MadeDict", "MadeObject", "Raised", "Results", "ended", "moved_result", "packed"]
