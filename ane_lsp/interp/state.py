"""Undo and join: how a branch nobody can decide is run both ways and merged again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from operator import is_
from typing import Any

from ane_lsp.graph import Span, Sym, TensorType, Unknown, dims
from ane_lsp.interp import absent
from ane_lsp.interp.symbolic import kind_of_one
from ane_lsp.interp.values import ABSENT, MISSING, MORE, BoundMethod, DType, Instance, OneOf, Partial, Tensor

MAX_OPTIONS = 6
Container = Any


class Written(dict[int, Any]):
    """Containers that were changed meanwhile, by identity. born: those that came into being meanwhile, as far as anybody asks; who holds one
    of them was changed to do so. made: those among both that are as they were made."""

    __slots__ = ("born", "made")

    def __init__(self) -> None:
        super().__init__()
        self.born: set[int] = set()
        self.made: set[int] = set()

    def take(self, others: Mapping[int, Any], made: AbstractSet[int], born: AbstractSet[int]) -> None:
        """What a call changed that was made meanwhile. made, born: those among all of `others` that it made."""
        self.update(others)
        self.made.update(made & others.keys())
        self.born.update(born & others.keys())


class Journal:
    """Remembers containers as they were before their first change, so that a branch can be undone.

    made: containers that were made since, by identity: elsewhere they do not exist. watching: it is only to know what has
    changed, and the journal below it on the stack is kept as well.
    """

    __slots__ = ("lasting", "made", "saved", "watching")

    def __init__(self, watching: bool = False) -> None:
        self.watching = watching
        self.saved: dict[int, tuple[Container, Any]] = {}
        self.made: dict[int, Container] = {}
        self.lasting = False  # something was changed that cannot be undone

    @property
    def containers(self) -> Mapping[int, Any]:
        """What was touched, by identity."""
        return self.saved

    def touch(self, container: Container) -> None:
        key = id(container)
        if key not in self.saved:
            self.saved[key] = (container, contents_of(container))

    def capture(self) -> dict[int, tuple[Container, Any]]:
        """The touched containers with their present contents."""
        return {key: (container, contents_of(container)) for key, (container, _) in self.saved.items()}

    def rollback(self) -> None:
        for container, before in self.saved.values():
            restore(container, before)


class Touched:
    """Remembers when containers were last changed, not how they were before.

    stage: the number of the present stage, whose ledger is `ledger`. when: by identity, the container and the number of the
    stage in which it was changed last; half a stage more where that stage had changed it itself before.
    """

    __slots__ = ("lasting", "ledger", "stage", "when")

    def __init__(self) -> None:
        self.when: dict[int, tuple[Container, float]] = {}
        self.stage = 0
        self.ledger: Journal | None = None
        self.lasting = False

    @property
    def containers(self) -> Mapping[int, Any]:
        """What was touched, by identity."""
        return self.when

    def touch(self, container: Container) -> None:
        key = id(container)
        late = self.ledger is not None and key in self.ledger.saved
        known = self.when.get(key)
        self.when[key] = (container, max(self.stage + 0.5 * late, known[1] if known is not None else 0.0))


def contents_of(container: Container) -> Any:
    if isinstance(container, Tensor):
        return (container.type, container.value, container.graph, container.origin)
    if isinstance(container, Instance):
        return (container.cls,)
    return container.copy()


def holds(container: Container, contents: Any) -> bool:
    """Whether `container` holds the very same as when its contents were captured."""
    if isinstance(container, (Tensor, Instance)):
        return all(map(is_, contents_of(container), contents))
    if len(container) != len(contents):
        return False
    if isinstance(container, dict):
        return all(map(is_, container.values(), contents.values())) and all(map(is_, container, contents))
    if isinstance(container, (list, deque)):
        return all(map(is_, container, contents))
    return {id(one) for one in container} == {id(one) for one in contents}


def restore(container: Container, contents: Any) -> None:
    """Put `contents` (as a journal captured them) back into `container`."""
    if isinstance(container, Tensor):
        container.type, container.value, container.graph, container.origin = contents
    elif isinstance(container, Instance):
        (container.cls,) = contents
    elif isinstance(container, (dict, set)):
        container.clear()
        container.update(contents)
    elif isinstance(container, (list, deque)):
        container.clear()
        container.extend(contents)


def merge(container: Container, states: list[Any], cause: str, span: Span | None, names: bool = False) -> Any:
    """Contents of `container` after one of several branches ran: the join of what each left in it.

    names: it holds names; a program that goes on to read one that may not be bound is taken to have it bound.
    """
    first = states[0]

    def together(values: list[Any]) -> Any:
        return join(values, cause, span)

    if isinstance(container, Tensor):
        joined = join([_as_tensor(s) for s in states], cause, span)
        return (joined.type, first[1], first[2], first[3])
    if isinstance(container, Instance):  # of several classes the one that a branch has given it
        return next((state for state in states if state != (container.cls,)), first)
    if isinstance(container, dict):
        if not names:
            entries = absent.merged(states, together)
            for kind in absent.tables_of(entries):
                held = entries[kind]
                if held.__class__ is OneOf and not absent.optional(held):
                    entries[kind] = merge(held.options[0], list(held.options), cause, span)
            return entries
        merged: dict[Any, Any] = {}
        for state in states:
            for key in state:
                if key not in merged:
                    merged[key] = together([s.get(key, MISSING) for s in states])
        return merged
    if isinstance(container, (list, deque)):
        return absent.aligned(states, together)
    everywhere = set.intersection(*states)
    return everywhere | {absent.perhaps(member) for member in set.union(*states) - everywhere}


def _as_tensor(state: Any) -> Tensor:
    made = Tensor(state[0], state[3])
    made.value, made.graph = state[1], state[2]
    return made


def join(
    values: list[Any], cause: str = "depends on a condition nobody can decide here", span: Span | None = None
) -> Any:
    """One value that stands for any of `values`. Absent ones (MISSING) are left out."""
    present = [v for v in values if v is not MISSING]
    if not present:
        return MISSING
    first = present[0]
    if all(v is first for v in present[1:]):
        return first
    if any(v.__class__ is OneOf and absent.optional(v) for v in present):
        there = join([absent.present(v) for v in present if v is not ABSENT], cause, span)
        return absent.like(next(filter(absent.repeated, present), absent.perhaps(there)), there)
    options: list[Any] = []
    for value in present:
        for option in value.options if isinstance(value, OneOf) else (value,):
            if isinstance(option, Unknown):
                return _any_of(option, present)
            for i, known in enumerate(options):
                merged = _same(known, option, cause, span)
                if merged is not MISSING:
                    options[i] = merged
                    break
            else:
                options.append(option)
    if len(options) == 1:
        return options[0]
    if len(options) > MAX_OPTIONS:
        return Unknown(cause, span)
    return OneOf(tuple(options))


def _any_of(lost: Unknown, values: list[Any]) -> Unknown:
    """What is unknown of values, one of which is: that it is a number or what its items are like only where that holds for all."""
    if not lost.number and lost.item is None:
        return lost
    options = [one for value in values for one in (value.options if isinstance(value, OneOf) else (value,))]
    number = kind_of_one(options)
    item = lost.item if all(isinstance(one, Unknown) and one.item is lost.item for one in options) else None
    return lost if number == lost.number and item is lost.item else replace(lost, number=number, item=item)


def likeness(items: Iterable[Any]) -> Any:
    """What stands for each of the items of a sequence whose length is not known; None where nobody knows that."""
    joined = join([absent.present(item) for item in items])
    return None if joined is MISSING or isinstance(joined, Unknown) else joined


def put_more(table: dict[Any, Any], value: Any) -> None:
    """Enter `value` under a key that nobody knows: it joins what stands for such entries."""
    table[MORE] = join([table.get(MORE, MISSING), absent.present(value)])


def _same(left: Any, right: Any, cause: str, span: Span | None) -> Any:
    """The value both stand for, if one value can; MISSING if they are to be kept apart."""
    if left is right:
        return left
    kind = type(left)
    if kind is not type(right):
        return MISSING
    if kind in (int, float, str, bool, bytes, complex, Sym, DType):
        return left if left == right else MISSING
    if kind is Tensor:
        made = Tensor(join_types(left.type, right.type), left.origin if left.origin == right.origin else "op")
        chosen = left if left.value is not None else right
        made.value, made.graph = chosen.value, chosen.graph
        made.requires_grad = left.requires_grad or right.requires_grad
        return made
    if kind in (list, tuple) and len(left) == len(right):
        items = [join([a, b], cause, span) for a, b in zip(left, right)]
        return items if kind is list else tuple(items)
    if kind is dict and left.keys() == right.keys():
        return {k: join([left[k], right[k]], cause, span) for k in left}
    if isinstance(left, tuple) and len(left) == len(right):
        make = getattr(kind, "_make", kind)
        return make(join([a, b], cause, span) for a, b in zip(left, right))
    if kind is BoundMethod:
        return left if left == right else MISSING
    if kind is Partial:
        return MISSING
    try:
        return left if left == right and not isinstance(left, (list, dict, set)) else MISSING
    except (TypeError, RecursionError):
        return MISSING


def join_types(left: TensorType, right: TensorType) -> TensorType:
    """What holds for a tensor that is one of two types."""
    dtype = left.dtype if left.dtype == right.dtype else None
    if left.shape is None or right.shape is None or len(left.shape) != len(right.shape):
        return TensorType(None, dtype)
    shape = tuple(a if a == b else dims.fresh() for a, b in zip(left.shape, right.shape))
    return TensorType(shape, dtype, left.data if left.data is not None and left.data == right.data else None)
