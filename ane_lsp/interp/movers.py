"""What a call recorded as another one records it, whose values, operations and made-up sizes have other numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Call, DimLike, Graph, Op, ShapeFact, Span, Sym, TensorType, Unknown, Value, dims

if TYPE_CHECKING:
    from ane_lsp.interp.repeats import Kept


class Sizes:
    """Sizes that were made up in one place as those of another. first, count: so many were, after this number. by: how much further
    numbers are there."""

    def __init__(self, first: int, count: int, by: int) -> None:
        self._made_up = first, first + count, by
        self._types: dict[int, tuple[TensorType, TensorType]] = {}

    @classmethod
    def between(cls, first: int, count: int, now: int) -> Sizes | None:
        """Those of a place where the last size before had the number `now`; None where all are as they were."""
        return cls(first, count, now - first) if count and now != first else None

    def size(self, value: DimLike) -> DimLike:
        return dims.further(value, *self._made_up)

    def type(self, kind: TensorType) -> TensorType:
        known = self._types.get(id(kind))
        if known is None:
            made = kind
            if kind.shape is not None and any(isinstance(size, Sym) and not size.is_known for size in kind.shape):
                made = TensorType(tuple(map(self.size, kind.shape)), kind.dtype, kind.data)
            known = self._types[id(kind)] = kind, made
        return known[1]

    def of(self, held: Any) -> Any:
        """The other size or type of one; itself of anything else."""
        kind = held.__class__
        return self.size(held) if kind is Sym else self.type(held) if kind is TensorType else held


def other_facts(held: list[ShapeFact], sizes: Sizes | None) -> list[ShapeFact]:
    """Named tensors with other sizes."""
    return held if sizes is None else [ShapeFact(fact.span, fact.name, sizes.type(fact.type)) for fact in held]


HOLDING = frozenset({Value, dict, tuple, list, slice, Unknown})
_WITH_SIZES = HOLDING | {Sym, TensorType}


class Mover:
    """Values, and what holds them, of a kept call as those of another one. value, op: how much further numbers are there. values, calls: what
    stands there for others, by their numbers. sizes: where made-up sizes are others, too. given: the types of those that the call was given. first: values before
    this number stand for themselves."""

    holding: AbstractSet[type] = HOLDING

    def __init__(self, value: int, op: int, sizes: Sizes | None = None) -> None:
        self.value = value
        self.op = op
        self.sizes = sizes
        if sizes is not None:
            self.holding = _WITH_SIZES
        self.values: dict[int, Value] = {}
        self.given: dict[int, TensorType] = {}
        self.first = 0
        self.calls: dict[int, Call] = {}

    def give(self, old: Value, now: Value) -> None:
        """Have a value stand for one that the call was given."""
        self.values[old.id] = now
        self.given[old.id] = old.type

    def value_of(self, old: Value) -> Value:
        number = old.id
        if number < self.first:
            return old
        if number in self.given:  # of which the call may know more, or hold it in another dtype
            now, given = self.values[number], self.given[number]
            return now if old.type is given or old.type == given else self._seen(now, old)
        if old.made_as is not None:
            made_as = Value(number, old.made_as, old.origin, old.name, old.producer, old.fold)
            return self._seen(self.value_of(made_as), old)
        made = self.values.get(number)
        if made is None:
            made = self.values[number] = self._made(old)
        return made

    def _made(self, old: Value) -> Value:
        """What stands for a value that the call made."""
        producer = None if old.producer is None else old.producer + self.op
        kind = old.type if self.sizes is None else self.sizes.type(old.type)
        return Value(old.id + self.value, kind, old.origin, old.name, producer, old.fold)

    def _seen(self, made: Value, old: Value) -> Value:
        """A value as `old` is seen, which may be otherwise than where it was made."""
        return made.of_type(old.type if self.sizes is None else self.sizes.type(old.type))

    def values_of(self, placed: list[tuple[Value, int]]) -> tuple[Value, ...]:
        return tuple([self.value_of(value) for value, _ in placed])

    def moved(self, held: Any) -> Any:
        """`held` with the other values; itself where it has none."""
        kind = held.__class__
        if kind is Value:
            return self.value_of(held)
        if kind is dict:
            return self.in_dict(held)
        if kind is tuple or kind is list:
            found = self._others(enumerate(held))
            if not found:
                return held
            items = [found.get(place, item) for place, item in enumerate(held)]
            return items if kind is list else tuple(items)
        if kind is slice:
            return slice(self.moved(held.start), self.moved(held.stop), self.moved(held.step))
        if kind is Unknown:
            return held.of_item(self.moved(held.item))
        return held if self.sizes is None else self.sizes.of(held)

    def in_dict(self, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same of a dict."""
        found = self._others(held.items())
        return {**held, **found} if found else held

    def _others(self, held: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        """By their places, the items of a container for which others stand."""
        found = {}
        for place, item in held:
            if item.__class__ in self.holding:
                other = self.value_of(item) if item.__class__ is Value else self.moved(item)
                if other is not item:
                    found[place] = other
        return found


_PLAIN = frozenset({int, float, bool, str, type(None)})


def _is_plain(held: Any) -> bool:
    """Whether nothing in it is a tensor, or a size that was made up."""
    kind = held.__class__
    if kind in _PLAIN:
        return True
    if kind is dict:
        return all(map(_is_plain, held.values()))
    return (kind is tuple or kind is list) and all(map(_is_plain, held))


def record(
    mover: Mover, graph: Graph, calls: list[Call], ops: list[Op], further: tuple[int, int], kept: Kept | None = None,
    callers: tuple[Span, ...] = (), path: str = "",
) -> None:  # fmt: skip
    """Record `calls` and `ops` again; those of a `kept` call, made by a module of another path and other callers. further: how much
    further the numbers of calls and operations are there."""
    skipped, depth = (len(kept.path), len(kept.callers)) if kept is not None else (0, 0)
    moved, value_of, holding, renewed = mover.moved, mover.value_of, mover.holding, mover.calls
    recorded, computed = graph.calls, graph.ops
    more_calls, more_ops = further
    for call in calls:
        kwargs, params, result = call.kwargs, call.params, call.result
        renewed[call.id] = new = Call(
            call.id + more_calls, call.torch, call.kind, call.span, call.fn, path + call.module[skipped:],
            tuple([value_of(one) if one.__class__ is Value else moved(one) if one.__class__ in holding else one for one in call.args]),
            mover.in_dict(kwargs) if kwargs else kwargs,
            {
                name: value_of(one) if one.__class__ is Value else moved(one) if one.__class__ in holding else one
                for name, one in params.items()
            } if params else params,
            value_of(result) if result.__class__ is Value else moved(result), call.direct, call.ctor, call.hyper,
            callers + call.stack[depth:], call.optional, call.divided,
        )  # fmt: skip
        new._alike = call._alike
        recorded.append(new)
    for op in ops:
        inputs = {
            name: value_of(held) if held.__class__ is Value else tuple(map(value_of, held))  # type: ignore[arg-type]
            for name, held in op.inputs.items()
        }
        attrs = op.attrs
        if attrs:
            plain = op.alike.get(_is_plain)
            if plain is None:
                plain = op.alike[_is_plain] = _is_plain(attrs)
            if not plain:
                attrs = mover.in_dict(attrs)
        computed.append(
            op.again(
                op.id + more_ops,
                inputs,
                attrs,
                tuple([value_of(v) for v in op.outputs]),
                renewed[op.call.id],
            )
        )


__all__ = ["HOLDING", "Mover", "Sizes", "other_facts", "record"]
