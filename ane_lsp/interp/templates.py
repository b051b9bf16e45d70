"""Modules built before: one that is built again from the same arguments is a copy of it.

Models repeat their blocks, and building a block is most of what an analysis interprets. Arguments are the same where they are
equal; objects such as a configuration where they hold the same, and a copy then holds the one that it was given. A module is
copied where building it left nothing behind but itself: what was written meanwhile (see :attr:`Base.written`) belongs to it or is
gone, no name that might have been read was bound anew (:attr:`Base.changes`), and no container that such names stand for is
another than before (:class:`ane_lsp.interp.outside.Outside`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.outside import Same
from ane_lsp.interp.references import HELD, LISTED, references
from ane_lsp.interp.state import Journal
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    Builtin,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    IteratorObject,
    NativeType,
    OneOf,
    Opaque,
    Partial,
    Tensor,
    TorchFunction,
)

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base
    from ane_lsp.interp.ran import Ran
    from ane_lsp.interp.scenes import Scene

MAX_TEMPLATES = 500
MAX_VERSIONS = 12
"""Of one module, in different states of names outside."""
MAX_GIVEN = 4_000
"""Values that an object given to a constructor may lead to."""
WORTH_IT = 60
"""Interpreter steps below which building a module is as quick as finding out that it can be copied."""

_PLAIN = frozenset({int, float, str, bool, type(None), DType, Device})
_NAMED = frozenset({ClassObject, Function, Builtin, NativeType, TorchFunction, type, Partial})  # told apart by identity
_SHARED = frozenset(
    {*_PLAIN, ClassObject, Builtin, NativeType, TorchFunction, type, Opaque, Unknown, bytes, complex, range}
)

_CONTAINERS = frozenset({tuple, list, dict})
_CHANGING = frozenset({list, dict, OrderedDict, set})
_CONTENTS = frozenset({type(None), dict, OrderedDict, list, set})


class Given:
    """What two constructions must have in common to give the same module.

    key: equal where they have; None where that cannot be told. objects: those that were given and all they lead to, in the
    same order for equal keys.
    """

    __slots__ = ("_numbers", "_room", "key", "objects")

    def __init__(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._room = MAX_GIVEN
        self.key: Any = None
        with suppress(_NotOurs, RecursionError):
            self.key = cls, *map(self._alike, args), *((name, self._alike(value)) for name, value in kwargs.items())

    def contents(self) -> list[tuple[Any, Any]]:
        """The containers among what was given, with what they hold now."""
        return [(one, one.copy()) for one in self.objects if one.__class__ in _CHANGING]

    def _alike(self, value: Any) -> Any:
        """Equal for arguments that no constructor tells apart. Raises _NotOurs where that is not known."""
        kind = value.__class__
        if kind in _PLAIN:
            return kind, value  # 1, 1.0 and True are equal and mean different things
        if kind in _NAMED or (kind is Sym and value.is_known):
            return value
        if kind is tuple or kind is list:
            return (kind, *map(self._alike, value))
        if kind is dict and all(name.__class__ is str for name in value):
            return (kind, *((name, self._alike(held)) for name, held in value.items()))
        if kind is Instance:  # what is built holds this very object, or what it holds
            return self._object(value)
        raise _NotOurs

    def _object(self, value: Any) -> Any:
        """Equal for objects that lead to the same, in the same ways. Raises _NotOurs where that cannot be told."""
        kind = value.__class__
        if kind in _PLAIN:
            return kind, value
        if kind in _NAMED or kind is Opaque or kind is Unknown or (kind is Sym and value.is_known):
            return Same(value)
        known = self._numbers.get(id(value))
        if known is not None:
            return kind, known
        self._room -= 1 if kind is Instance else len(value) if kind in _HOLDERS else 0
        if self._room < 0:
            raise _NotOurs
        if kind is Instance and value.cls.flags.get("enum"):
            return Same(value)
        self._numbers[id(value)] = len(self.objects)
        self.objects.append(value)
        if kind is Instance:
            if "_modules" in value.attrs or value.data.__class__ not in _CONTENTS:
                raise _NotOurs
            return kind, value.cls, self._object(value.attrs), self._object(value.data)
        if kind is tuple or kind is list:
            return (kind, *[self._object(held) for held in value])
        if kind is OneOf:
            return (kind, value.told, *[self._object(option) for option in value.options])
        if kind is dict or kind is OrderedDict:
            if any(name.__class__ not in _PLAIN for name in value):
                raise _NotOurs
            return (kind, *[(name.__class__, name, self._object(held)) for name, held in value.items()])
        if kind is set and all(held.__class__ in _PLAIN for held in value):
            return kind, frozenset((held.__class__, held) for held in value)
        raise _NotOurs


@dataclass(slots=True, eq=False)
class Copy:
    """A module as it was built. contents: what the tables among the objects that were given hold since, by their place among those; None
    where building it wrote to nothing but itself."""

    module: Instance
    contents: list[tuple[int, dict[Any, Any]]] | None


@dataclass(slots=True, eq=False)
class Template:
    """A module that was built. made: None where it cannot be copied. given: what it was built from. ran: the functions that
    ran for it. scene: where it was built, in a world with these `surroundings`; those it `left` may be others. number: grows from one
    to the next. parts: it, written down; None while nobody asked. before: what was given and held other contents then. after: the
    key of what was given once it was built."""

    made: Copy | None
    given: Given
    ran: Ran
    scene: Scene
    surroundings: tuple[int, int]
    left: tuple[int, int]
    number: int
    parts: tuple[Any, ...] | None = None
    after: Any = None
    before: list[tuple[Any, Any]] = field(default_factory=list)
    like: Template | None = None

    @property
    def state(self) -> int:
        """The state of names outside that it was built in."""
        return self.surroundings[1]

    @property
    def states(self) -> tuple[int, ...]:
        return self.surroundings[1], self.left[1]

    @property
    def apart_from_state(self) -> Any:
        """Equal for modules that may be the same but for the state of names outside."""
        return (self.given.key, self.surroundings[0]) if self.left == self.surroundings else self

    def is_of(self, key: Any, surroundings: tuple[int, int]) -> bool:
        """Whether it was built from the same in the same world, and left that as it was."""
        return self.surroundings == self.left == surroundings and self.given.key == key

    def again(self, interp: Base, given: Given, args: Iterable[Any], born: set[int]) -> Instance | None:
        """A copy that holds the objects which were `given` with `args`, to which is written what was; None where it cannot be copied.
        born: is told the attributes of other objects than modules that came into being, by identity."""
        if self.made is None:
            return None
        copier = _Copier(args, (), None)
        copier.made.update((id(old), new) for old, new in zip(self.given.objects, given.objects))
        made = copier.whole(self.made.module)
        if made is None:
            return None
        with suppress(_NotOurs):
            tables = [
                (given.objects[place], {name: copier.copy(held) for name, held in contents.items()})
                for place, contents in self.made.contents or ()
            ]
            for table, contents in tables:
                interp.touch(table)
                interp.put_back(table, contents)
            born.update(copier.born)
            return made
        return None


class _NotOurs(Exception):
    """Something that may be shared with the rest of the program."""


class _Copier:
    """Copies a module with all below it. given: the constructor's arguments, of which functions may be shared. objects: those among
    them and all they lead to, which are shared (see :class:`Given`). own: by identity, the attributes of those objects that are no
    modules and came into being with this one; None: all did.

    born: attributes of the copies of such objects, by identity.
    """

    def __init__(self, given: Iterable[Any], objects: Iterable[Any], own: Container[int] | None) -> None:
        self.own = own
        self.born: set[int] = set()
        self.given: set[int] = set()
        self.shared = set(map(id, objects))
        self.made: dict[int, Any] = {}
        pending = list(given)
        for value in pending:
            self.given.add(id(value))
            if value.__class__ in _CONTAINERS:
                pending += value.values() if isinstance(value, dict) else value
        self.outside = self.given | self.shared

    def copy(self, one: Any) -> Any:
        kind = one.__class__
        if kind in _SHARED:
            return one
        known = self.made.get(id(one), MISSING)
        if known is not MISSING:
            return known
        if id(one) in self.shared:
            return one
        if id(one) in self.given and kind in _CONTAINERS and kind is not tuple:
            raise _NotOurs  # whoever gave it may change it
        if kind is Instance:
            return self._instance(one)
        if kind is Tensor:
            return self._tensor(one)
        if kind is dict or kind is OrderedDict:
            made: Any = kind()
            self.made[id(one)] = made
            for key, value in one.items():
                if key.__class__ not in _PLAIN:
                    raise _NotOurs
                held = value.__class__
                if held in _SHARED:
                    made[key] = value
                elif held in _CHANGING and not value and id(value) not in self.made and id(value) not in self.outside:
                    made[key] = self.made[id(value)] = held()  # most of what a module holds
                else:
                    made[key] = self.copy(value)
            return made
        if kind is list:
            made = self.made[id(one)] = []
            made.extend([value if value.__class__ in _SHARED else self.copy(value) for value in one])
            return made
        if kind is tuple:
            made = self.made[id(one)] = tuple(
                [value if value.__class__ in _SHARED else self.copy(value) for value in one]
            )
            return made
        if kind is set:
            made = self.made[id(one)] = {self.copy(value) for value in one}
            return made
        if kind is Sym and one.is_known:
            return one
        if kind is Function and (one.closure is None or id(one) in self.given):
            return one
        if kind is Partial:
            if id(one) in self.given:
                return one
            made = self.made[id(one)] = Partial(self.copy(one.func), self.copy(one.args), self.copy(one.kwargs))
            made.attrs = self.copy(one.attrs)
            return made
        if kind is BoundMethod:
            made = self.made[id(one)] = BoundMethod(self.copy(one.func), self.copy(one.self))
            return made
        raise _NotOurs

    def whole(self, one: Any) -> Instance | None:
        """A copy of a module that shares nothing that can change; None where it holds something else."""
        if one.__class__ is not Instance or one.data is not None:
            return None
        with suppress(_NotOurs):
            made: Instance = self.copy(one)
            return made
        return None

    def _instance(self, one: Instance) -> Instance:
        if one.cls.flags.get("enum"):
            return one
        module = "_modules" in one.attrs
        if one.data is not None or one.cls.node is None:
            raise _NotOurs
        if not module and self.own is not None and id(one.attrs) not in self.own:
            raise _NotOurs
        made = self.made[id(one)] = Instance(one.cls)
        made.node = one.node
        made.attrs = self.copy(one.attrs)
        if not module:
            self.born.add(id(made.attrs))
        return made

    def _tensor(self, one: Tensor) -> Tensor:
        plain = one.attrs is None or all(value.__class__ in _PLAIN for value in one.attrs.values())
        if one.value is not None or not plain or not all(map(dims.is_known, one.type.shape or ())):
            raise _NotOurs
        made = self.made[id(one)] = one.bare()
        made.base = None if one.base is None else self.copy(one.base)
        made.attrs = None if one.attrs is None else self.copy(one.attrs)
        return made


def copied(value: Any) -> Instance | None:
    """A copy of a module that shares nothing that can change; None where it holds something else."""
    return _Copier((), (), frozenset()).whole(value)


def copy_of(
    value: Any, args: Iterable[Any], given: Given, changed: Iterable[Any], left: Collection[Any], own: Container[int]
) -> Copy | None:
    """What a module is that was just built from `args`; None where it cannot be copied.

    changed: containers among what was given that hold something else since. left: containers that were changed while it was built and
    are still held. own: see :class:`_Copier`.
    """
    copier = _Copier(args, given.objects, own)
    made = copier.whole(value)
    if made is None or made.cls is not given.key[0]:  # a constructor may give something else
        return None
    if all(id(one) in copier.made for one in left):
        return Copy(made, None)
    places = {id(one): place for place, one in enumerate(given.objects)}
    contents: list[tuple[int, dict[Any, Any]]] = []
    with suppress(_NotOurs):
        for one in changed:
            if one.__class__ is not dict:
                return None
            contents.append((places[id(one)], {name: copier.copy(held) for name, held in one.items()}))
        if all(id(one) in copier.made or id(one) in places for one in left):
            return Copy(made, contents)
    return None


_HOLDERS = frozenset({Instance, tuple, list, dict, OrderedDict, set})
_IN_CIRCLES = frozenset({*_HOLDERS, OneOf, Function, Frame, BoundMethod, Partial, Tensor})
MAX_FOLLOWED = 2_000
"""Objects that are looked at to find out whether they hold nothing but one another."""


def left_behind(
    written: dict[int, Any], interp: Base, harmless: Callable[[int], bool], handed: Iterable[Any] = (), *, since: int
) -> dict[int, Any]:
    """Of containers that were written, by identity, those that somebody still holds besides what keeps record of writing.

    What nobody holds but containers that are gone is gone as well: without the record it would be no more. So is what holds
    nothing but itself, as a function that a call made and the names of that call do until Python looks for such circles; they are
    only looked for where some are left that are not `harmless`. handed: objects that count as gone. since: :meth:`Base.changes_kept` when
    writing began.
    """
    _forget_iterators(written, interp)
    held, kept = _counted(written, interp, handed)
    left = {number: one for number, one in written.items() if held[number] > 0}
    if all(map(harmless, left)):
        return left
    left.clear()  # which are references, too
    kept.clear()
    _forget_missed(written, interp)
    _forget_saved(written, interp, since)
    held, kept = _counted(written, interp, handed)
    _let_go(list(interp.changed_since(since).values()), held, kept)
    return _held_elsewhere({number: one for number, one in written.items() if held[number] > 0}, held)


def forget_outside(written: Container[int], interp: Base, noted: int) -> None:
    """Containers outside that were noted after the first so many, changed, and are held by nobody any more hold what they held first: else
    names outside would never stand again for what they did before. written: a table of containers that is no more than a record."""
    recent = interp.outside.recent(noted)
    if not recent:
        return
    held, kept = _counted(recent, interp, (), written)
    saved = interp.undo.saved if isinstance(interp.undo, Journal) else {}
    gone: dict[int, Any] = {}
    while more := {number: one for number, one in recent.items() if not held[number] and number not in gone}:
        gone |= more
        _let_go([saved[number][1] for number in more if number in saved], held, kept)
    for container in gone.values():
        interp.outside.back_to_first(container)


def _counted(
    written: dict[int, Any], interp: Base, handed: Iterable[Any], besides: Container[int] = ()
) -> tuple[dict[int, int], list[Any]]:
    """How many references containers have besides records and what is gone, and what was met on the way, so that identities stay what
    they are. besides: another table that holds some of them."""
    counts = zip(written, references(written.values()))
    held = {number: count - HELD - interp.records(number) - (number in besides) for number, count in counts}
    for one in handed:
        if id(one) in held:
            held[id(one)] = 0
    gone = [written[number] for number, count in held.items() if count == 0]
    kept: list[Any] = []
    if len(gone) < len(held):
        _let_go([*gone, *(one for one in handed if one.__class__ in _HOLDERS and id(one) not in held)], held, kept)
    return held, kept


def _forget_iterators(written: dict[int, Any], interp: Base) -> None:
    """Let go of iterators that nobody goes on with: a generator holds what it works on where nobody sees it."""
    iterators = {number: one for number, one in written.items() if one.__class__ is IteratorObject}
    for number, count in zip(iterators, references(iterators.values())):
        if count == HELD + 1 + interp.records(number):
            del written[number]


def _forget_missed(written: Container[int], interp: Base) -> None:
    """Let go of tables that nobody holds any more but because something was looked up there in vain."""
    tables = [one for one, _ in interp.missed.values()]
    counts = zip(list(interp.missed), references(tables))
    gone = [key for key, count in counts if count - LISTED == interp.records(key) + (key in written)]
    for key in gone:
        del interp.missed[key]


def _forget_saved(written: Container[int], interp: Base, since: int) -> None:
    """Let go of containers that nobody holds any more but because they could be given back what they held, such as the names of functions
    that have returned: what lies in them would count as held."""
    if not isinstance(interp.undo, Journal):
        return
    saved, more = interp.undo.saved, True
    while more:  # what one holds may be another
        recent = list(interp.changed_since(since))
        counts = zip(recent, references([saved[key][0] for key in recent]))
        gone = [key for key, count in counts if count - LISTED == interp.records(key) + (key in written)]
        for key in gone:
            del saved[key]
        more = bool(gone)


def _let_go(gone: list[Any], held: dict[int, int], kept: list[Any]) -> None:
    """Take the references away that objects hold which are gone, and those of what is gone with them."""
    for one in gone:  # which grows
        parts = _linked(one)
        for part, count in zip(parts, references(parts)):
            number = id(part)
            if number not in held:
                if part.__class__ not in _IN_CIRCLES:
                    continue
                held[number] = count - LISTED
                kept.append(part)
            held[number] -= 1
            if held[number] == 0:
                gone.append(part)


def _held_elsewhere(left: dict[int, Any], held: dict[int, int]) -> dict[int, Any]:
    """Those of the containers that are held by more than one another and by what they lead to.

    held: how many references they have, and other objects as far as they were counted, besides those of what is gone.
    """
    inside = dict.fromkeys(left, 0)
    found = list(left.values())
    for one in found:  # which grows
        for part in _linked(one):
            if part.__class__ in _IN_CIRCLES:
                if id(part) not in inside:
                    inside[id(part)] = 0
                    found.append(part)
                inside[id(part)] += 1
        if len(found) > MAX_FOLLOWED:
            return left
    one = part = None  # which are references, too
    counts = zip(found, references(found))
    pending = [one for one, count in counts if held.get(id(one), count - LISTED) > inside[id(one)]]
    there = set(map(id, pending))
    for one in pending:  # which grows
        for part in _linked(one):
            if id(part) in inside and id(part) not in there:
                there.add(id(part))
                pending.append(part)
    return {number: one for number, one in left.items() if number in there}


def _linked(one: Any) -> Sequence[Any]:
    """What an object holds, each as often as it does, as far as it may hold the object itself."""
    kind = one.__class__
    if kind is Function:
        return one.closure, one.defaults, one.kw_defaults, one.attrs
    if kind is Frame:
        return one.locals, one.closure, one.extra, one.pending
    if kind is BoundMethod:
        return one.func, one.self
    if kind is OneOf:
        return (*one.options,)
    if kind is Partial:
        return one.func, one.args, one.kwargs, one.attrs
    if kind is Tensor:
        return one.attrs, one.base
    if kind is Instance and "_modules" in one.attrs:
        return ()
    return _parts(one)


def _parts(one: Any) -> list[Any]:
    """What an object holds, each as often as it does."""
    kind = one.__class__
    if kind is Instance:
        return [one.attrs, one.data]
    if kind is dict or kind is OrderedDict:
        return list(one.values())
    return list(one) if kind in _HOLDERS else []
