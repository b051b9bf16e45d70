"""What names outside all functions stand for, as numbers: equal for equal contents.

Calls and constructions that are not made again read containers that such names stand for: tables, lists, objects. Those that
they read are noted with all that lies in them (:meth:`Base.note_shared`), and so are the names of a class before one is bound
anew; from then on every change to one is seen (:meth:`Base.touch`). A change makes another state, and contents that come back make the state they had: a flag that is set for a
while, as a ``ContextVar`` is, costs nothing afterwards.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Container
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from ane_lsp.graph import Span, Sym, TensorType, Unknown
from ane_lsp.interp.state import contents_of, holds, restore
from ane_lsp.interp.values import Device, DType, OneOf, Tensor

MAX_MOVING = 200
MAX_ITEMS = 400
MAX_STATES = 5_000
MAX_NOTED = 100_000

_PLAIN = frozenset({int, str, bool, bytes, complex, type(None), Sym, DType, Device, Span, range, TensorType})
_HOLDING = frozenset({dict, OrderedDict, defaultdict, list, tuple, deque, set, frozenset})


class _TooMuch(Exception):
    """Contents that are too large to be told from others."""


class Same:
    """Equal to what stands for the very same object only."""

    __slots__ = ("one",)

    def __init__(self, one: Any) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Same and other.one is self.one

    def __hash__(self) -> int:
        return id(self.one)


class Outside:
    """The states of the containers that were noted.

    shared: those that were noted since one changed last, with all that lay in them then. noted: all, with the order in which
    they were.
    """

    def __init__(self) -> None:
        self.shared: dict[int, Any] = {}
        self.noted: dict[int, tuple[int, Any]] = {}
        # Those that changed since they were noted, each with its place among them, what it held before and that written down.
        self._moving: dict[int, tuple[int, Any, Any, Any]] = {}
        # Those that held what they held first before the top level of a module changed them.
        self._rebased: set[int] = set()
        # Those that nobody sees any more: they count as changed only where an earlier state is set.
        self._gone: set[int] = set()
        self._written: set[int] = set()  # those among them that may have changed since the state was told
        self._other: dict[int, Any] = {}  # by place, what they held then, where it was not what they held first
        self._numbers: dict[frozenset[tuple[int, Any]], int] = {}
        self.reads: set[int] | None = None  # by id, what is read from now on, where somebody asks
        # What they hold in a state, by place, where it is not what they held first.
        self._contents: dict[int, dict[int, Any]] = {}
        # By id of what contents that are kept hold: how often they do.
        self._references: defaultdict[int, int] = defaultdict(int)
        self._places = 0
        self._last = 0
        self._now: int | None = 0
        self._start = 0  # the state in which all hold what they held first

    def state(self) -> int:
        """The number of the present state."""
        if self._now is None or self._rebased:
            try:
                for key in tuple(self._rebased):
                    self._rebase(key)
                for key in self._written:
                    place, container, contents, first = self._moving[key]
                    held = _written_down(container)
                    self._watch(container)
                    if held == first or (key in self._gone and holds(container, contents)):
                        self._other.pop(place, None)
                    else:
                        self._other[place] = held
            except (_TooMuch, RecursionError):
                self.forget()
            else:
                self._written.clear()
                self._now = self._start if not self._other else self._number(frozenset(self._other.items()))
                if self._now not in self._contents:
                    others = (one for one in self._moving.values() if one[0] in self._other)
                    self._contents[self._now] = {place: self._saved(container) for place, container, _, _ in others}
        return self._start if self._now is None else self._now

    def _watch(self, container: Any) -> None:
        """What lies in a container that was written down counts as noted: else nobody would see it change."""
        pending: list[Any] = [container] if container.__class__ in _HOLDING else []
        for one in pending:  # which grows
            for held in one.values() if isinstance(one, dict) else one:
                if held.__class__ in _HOLDING:
                    pending.append(held)
                    if held.__class__ is not tuple and held.__class__ is not frozenset:
                        self.noted.setdefault(id(held), (len(self.noted), held))

    def _number(self, held: frozenset[tuple[int, Any]]) -> int:
        known = self._numbers.get(held)
        if known is None:
            self._last += 1
            known = self._numbers[held] = self._last
        return known

    def retain(self, states: AbstractSet[int]) -> None:
        """Nobody asks about other states than these any more: what they held is let go."""
        self._numbers = {held: number for held, number in self._numbers.items() if number in states}
        places = {place for held in self._numbers for place, _ in held}
        unseen = {key for key in self._gone if self._moving[key][0] not in places}
        for key in unseen:
            place, _, contents, _ = self._moving.pop(key)
            self._refer(contents, -1)
            self._other.pop(place, None)
            self._written.discard(key)
            self.shared.pop(key, None)
        if unseen:
            self._now = None
            self._gone -= unseen
            left = (one for key, (_, one) in self.noted.items() if key not in unseen)
            self.noted = {id(one): (number, one) for number, one in enumerate(left)}
        for number in self._contents.keys() - states:
            for contents in self._contents.pop(number).values():
                self._refer(contents, -1)

    def differing(self, one: int, other: int) -> set[int]:
        """By id, the containers that do not hold the same in two states; all that ever changed, where that is not known."""
        known = {number: held for held, number in self._numbers.items()}
        known[self._start] = frozenset()
        if one not in known or other not in known:
            return set(self._moving)
        places = {place for place, _ in known[one] ^ known[other]}
        return {key for key, (place, *_) in self._moving.items() if place in places}

    def grown(self, before: int, written: Container[int]) -> list[tuple[Any, int]] | None:
        """The lists that hold more now than in a state `before`, with how much they held then; None where anything else changed.
        written: what may have changed meanwhile but for what lies in it."""
        now = self.state()
        if before != self._start and before not in self._contents:
            return None
        there, differing, found = self._contents.get(before, {}), self.differing(before, now), []
        for key, (place, container, first, _) in self._moving.items():
            if key not in differing or key not in written:
                continue
            held = there.get(place, first)
            try:
                if container.__class__ is list and _alike(container[: len(held)], held):
                    found.append((container, len(held)))  # none more where it holds the same again
                elif not _alike(container, held):
                    return None
            except (_TooMuch, RecursionError):
                return None
        return found

    def recent(self, noted: int) -> dict[int, Any]:
        """By id, what was noted after the first so many, if any of it has changed."""
        found = {key: one for key, (_, one) in islice(reversed(self.noted.items()), len(self.noted) - noted)}
        return {} if self._moving.keys().isdisjoint(found) else found

    def back_to_first(self, container: Any) -> None:
        """Have a container that nobody sees any more hold what it held first, whatever lies in that."""
        if id(container) in self._moving:
            self.written(container)
            if id(container) in self._moving:
                self._gone.add(id(container))
                restore(container, self._moving[id(container)][2])

    def way_to(self, container: Any) -> tuple[Any, ...]:
        """How one comes to a container: the identity of one that changed, and the keys and places that lead on from there."""
        for key, (_, root, *_) in self._moving.items():
            if root is not container and key not in self._gone and (way := _way(root, container)) is not None:
                return key, *way
        return (id(container),)

    def at(self, way: tuple[Any, ...]) -> Any:
        """What one comes to on a way; None where it leads nowhere."""
        _, one = self.noted.get(way[0], (0, None))
        try:
            for step in way[1:]:
                one = one[step]
        except (LookupError, TypeError):
            return None
        return one

    def contents(self, state: int) -> list[tuple[Any, Any]]:
        """The containers that ever changed, with what they hold in a state."""
        others = self._contents.get(state, {})
        return [(container, others.get(place, first)) for place, container, first, _ in self._moving.values()]

    def _saved(self, container: Any) -> Any:
        contents = contents_of(container)
        self._refer(contents, 1)
        return contents

    def _refer(self, contents: Any, times: int) -> None:
        """Count references of kept contents, or forget about them."""
        for one in contents.values() if isinstance(contents, dict) else contents:
            if one.__class__ not in _PLAIN:
                self._references[id(one)] += times
                if not self._references[id(one)]:
                    del self._references[id(one)]

    def note(self, container: Any) -> None:
        """A call read it, or what it lies in."""
        if self.reads is not None:
            self.reads.add(id(container))
        if id(container) in self._moving and id(container) not in self.shared:
            self._written.add(id(container))  # what was put into it may have changed unseen until somebody read it
            self._now = None
        self.shared[id(container)] = container
        if id(container) not in self.noted:
            if len(self.noted) >= MAX_NOTED:
                self.forget()
            self.noted[id(container)] = len(self.noted), container

    def written(self, container: Any, lasting: bool = False) -> None:
        """A container that was noted is about to be changed. lasting: by the top level of a module, which runs late here but for the
        program ran before all else: it always held that."""
        self.shared.clear()
        key = id(container)
        if lasting and key not in self._written:
            if key not in self._moving:
                return
            if self._moving[key][0] not in self._other:
                self._rebased.add(key)
                return
        self._now = None
        if key in self._moving:
            try:
                self._rebase(key)
            except (_TooMuch, RecursionError):
                self.forget()
            else:
                self._written.add(key)
            return
        if len(self._moving) >= MAX_MOVING or len(self._numbers) > MAX_STATES:
            self.forget()
            return
        try:
            first = _written_down(container)
        except (_TooMuch, RecursionError):
            self.forget()
            return
        self._moving[id(container)] = self._places, container, self._saved(container), first
        self._places += 1
        self._written.add(id(container))

    def _rebase(self, key: int) -> None:
        """What a container holds is what it held first, if a top level has changed it."""
        if key in self._rebased:
            self._rebased.remove(key)
            place, container, contents, _ = self._moving[key]
            self._refer(contents, -1)
            self._moving[key] = place, container, self._saved(container), _written_down(container)

    def forget(self) -> None:
        """Nothing is known of earlier states any more: this one is like none of them."""
        self.shared.clear()
        self.noted.clear()
        self._moving.clear()
        self._rebased.clear()
        self._gone.clear()
        self._written.clear()
        self._other.clear()
        self._numbers.clear()
        self._contents.clear()
        self._references.clear()
        self._last += 1
        self._now = self._start = self._last

    def knows(self, key: int, noted: int) -> bool:
        """Whether what has this identity was among the first so many that were noted: :meth:`state` tells when it changed."""
        known = self.noted.get(key)
        return known is not None and known[0] < noted

    def records(self, key: int) -> int:
        """How many references to what has this identity are held here."""
        return (key in self.shared) + (key in self.noted) + (key in self._moving) + self._references.get(key, 0)


def _written_down(container: Any) -> Any:
    """Contents of a container, equal where what lies in it is the same and containers in it hold the same."""
    if container.__class__ is Tensor:
        return container.type, container.type.data, Same(container.value), Same(container.graph), container.origin
    held = _down(container, [MAX_ITEMS])
    if held.__class__ is Same:
        raise _TooMuch
    return held


def _alike(container: Any, contents: Any) -> bool:
    """Whether a container holds the same as when its contents were captured, or what counts as that."""
    return holds(container, contents) or (
        contents.__class__ is container.__class__ and _written_down(container) == _written_down(contents)
    )


def _way(root: Any, container: Any) -> list[Any] | None:
    """The keys and places that lead from one container to another which lies in it."""
    pending: list[tuple[Any, list[Any]]] = [(root, [])]
    for one, way in pending:  # which grows
        if isinstance(one, (set, frozenset)):
            continue
        for step, held in one.items() if isinstance(one, dict) else enumerate(one):
            if held is container:
                return [*way, step]
            if held.__class__ in _HOLDING and len(pending) < MAX_ITEMS:
                pending.append((held, [*way, step]))
    return None


def _down(one: Any, room: list[int]) -> Any:
    """room: how many more items may be looked at. A function of its own: one that refers to itself would hold the container."""
    kind = one.__class__
    if kind in _PLAIN:
        return kind, one
    if kind is float:
        return kind, repr(one)
    if kind is Unknown:
        return kind, one.reason, one.span, _down(one.item, room), _down(one.cause, room)
    if kind is OneOf:
        return kind, tuple([_down(option, room) for option in one.options]), one.told
    room[0] -= 1
    if room[0] < 0:
        raise _TooMuch
    if kind is dict or kind is OrderedDict or kind is defaultdict:
        return kind, tuple([(_down(name, room), _down(value, room)) for name, value in one.items()])
    if kind is list or kind is tuple or kind is deque:
        return kind, tuple([_down(value, room) for value in one])
    if kind is set or kind is frozenset:
        return kind, frozenset([_down(value, room) for value in one])
    if isinstance(one, (dict, list, tuple, set, frozenset, deque)):
        raise _TooMuch
    return Same(one)


__all__ = ["Outside", "Same"]
