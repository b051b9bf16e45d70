"""What a call of a module sees, written down as a key: all that the module and its arguments lead to.

What a module leads to is written down once, as a :class:`Piece` made of those of the modules below it, and counts until a
container in it is written to (:meth:`Pieces.written`, which :meth:`Base.touch` and whoever puts old contents back call) and does
not hold the same again when it is asked for, one of its tensors is another, or a module below it has another path. Keys hold a
number for each piece: equal for equal ones.

Layers are often told which of all they are (``self.layer_idx``) and seldom ask. Such numbers stand beside the key, and
:attr:`Base.ordinals_read` counts who reads one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Container, Iterator
from typing import Any

from ane_lsp.graph import Sym, TensorType, Unknown, Value
from ane_lsp.interp.outside import Same
from ane_lsp.interp.probing import Probe, probe_of
from ane_lsp.interp.record import Recorder
from ane_lsp.interp.scopes import names_in
from ane_lsp.interp.state import holds
from ane_lsp.interp.values import (
    ABSENT,
    BoundMethod,
    Builtin,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    Many,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Partial,
    Tensor,
    TorchFunction,
)
from ane_lsp.torch_model.constants import FInfo, IInfo

MAX_PARTS = 12_000
MAX_FOUND = 100_000
MAX_NUMBERS = 20_000
WORTH_IT = 12
"""Attributes from which on an object that is no module is written down once for all that hold it."""

PLAIN = frozenset({
    int, float, str, bool, type(None), type(...), bytes, complex, DType, Device, Sym, range, TensorType, FInfo, IInfo,
})  # fmt: skip
NAMED = frozenset({ClassObject, ModuleObject, Builtin, NativeType, TorchFunction, type, Opaque})
"""Told apart by identity."""
UNCHANGING = frozenset({ABSENT.__class__, Many})
"""What a choice may hold besides values."""
_WRITABLE = frozenset({dict, OrderedDict, list, set})
_ORDINAL = re.compile(r"(?:^|_)(?:idx|index|id|number|no)$")


class NotKept(Exception):
    """Something that a call made again cannot be told from another by, or cannot be given again."""


def alone(unknown: Unknown) -> bool:
    """Whether no values are said to be like what nobody knows."""
    return all(one.item is None for one in _reasons(unknown))


def _reasons(unknown: Unknown) -> Iterator[Unknown]:
    """What is not known and the causes of that: equal for those that are not known for the same reasons."""
    one: Unknown | None = unknown
    while one is not None:
        yield one
        one = one.cause


def is_nested(function: Function) -> bool:
    """Whether a function was made in another one, where another of the same code may be as good."""
    return function.closure is not None or (
        "<locals>" in function.qualname and not (function.defaults or function.kw_defaults or function.attrs)
    )


def read_around(function: Function) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The names of the functions around one, which have returned, and those among them that it may read. Raises NotKept."""
    names, around = names_in(function.node), function.closure
    if names is None:
        raise NotKept
    while around is not None:
        if around.parent is not None:
            raise NotKept
        yield around.locals, sorted(names & around.locals.keys())
        around = around.closure


class Parts:
    """What was written down, equal for equal ones. It is long, so its hash is worked out once."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, parts: list[Any]) -> None:
        self._parts = tuple(parts)
        self._hash = hash(self._parts)

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Parts and other._hash == self._hash and other._parts == self._parts

    def __hash__(self) -> int:
        return self._hash


class Piece:
    """What a module leads to. number: equal for those that are alike. found: what was met, by identity, in order.

    tensors: those among it, as they were in `states`. below: the modules right below it, with their paths from here, and the large
    objects it holds, with "". above: what is made of it. covers: containers that it was written down from itself. paths: of the graph it was last found true for.
    written: those of its containers that may have changed since, with what they held. doubted: there are such, here or below.
    alike: it is written down alike whether the module's forward is run on probes or not. ordinals: see :class:`_Walk`.
    """

    __slots__ = (
        "above", "alike", "below", "covers", "doubted", "found", "module", "number", "ordinals", "paths", "states", "tensors",
        "valid", "written",
    )  # fmt: skip

    def __init__(self, module: Instance, number: int, walk: _Walk, paths: Any) -> None:
        self.module = module
        self.number = number
        self.found = walk.found
        self.tensors = walk.tensors
        self.states = [(t, t.type, t.origin, t.requires_grad, t.attrs, t.base, t.why) for t in walk.tensors]
        self.below = walk.below
        self.covers = walk.covers
        self.alike = walk.alike
        self.ordinals = tuple(walk.ordinals)
        self.above: list[Piece] = []
        self.paths = paths
        self.valid = True
        self.written: dict[int, tuple[Any, Any]] = {}
        self.doubted = False

    def doubt(self) -> None:
        """It and what is made of it may be no more."""
        if not self.doubted:
            self.doubted = True
            for piece in self.above:
                piece.doubt()

    def confirmed(self) -> bool:
        """Whether all that was written to holds the same again."""
        if self.doubted:
            if any(not piece.valid or not piece.confirmed() for piece, _ in self.below):
                return False
            if not all(holds(container, contents) for container, contents in self.written.values()):
                return False
            self.written.clear()
            self.doubted = False
        return True

    def holds_for(self, recorder: Recorder) -> bool:
        """Whether tensors and paths are as they were."""
        for one, kind, origin, grad, attrs, base, why in self.states:
            if (
                one.type is not kind
                or one.origin != origin
                or one.requires_grad is not grad
                or one.attrs is not attrs
                or one.base is not base
                or one.why is not why
            ):
                return False
        return self._named_as_before(recorder)

    def _named_as_before(self, recorder: Recorder) -> bool:
        if self.paths is recorder.paths:
            return True
        start = recorder.path_of(self.module)
        for piece, path in self.below:
            there = path and (start + path if start else path[1:])
            if recorder.path_of(piece.module) != there or not piece._named_as_before(recorder):
                return False
        self.paths = recorder.paths
        return True


class Pieces:
    """What modules lead to. covered: by identity, containers with the pieces that were written down from them. ordinals: the names
    of numbers that are not part of their keys. probe_shapes: see :attr:`Base.probe_shapes`."""

    def __init__(self, covered: dict[int, dict[Piece, None]], ordinals: set[str], probe_shapes: Container[int]) -> None:
        self.ordinals = ordinals
        self._covered = covered
        self._probe_shapes = probe_shapes
        self._known: dict[tuple[int, bool], Piece] = {}
        self._numbers: dict[Any, int] = {}
        self._last = 0

    def written(self, container: Any) -> None:
        """`container` is about to be changed."""
        contents = None
        for piece in self._covered.get(id(container), ()):
            if id(container) not in piece.written:
                contents = contents if contents is not None else container.copy()
                piece.written[id(container)] = (container, contents)
                piece.doubt()

    def lost(self, unknown: Unknown) -> bool:
        """Whether nothing that is done with it, where a forward is run on probes, tells anything of those."""
        return id(unknown) not in self._probe_shapes and alone(unknown)

    def clear(self) -> None:
        """Let go of all modules."""
        for piece in self._known.values():
            piece.valid = False
        self._known.clear()
        self._covered.clear()

    def of(self, recorder: Recorder, module: Instance, probing: bool) -> Piece:
        """What `module` leads to. Raises NotKept."""
        key = (id(module), probing)  # which the piece keeps alive
        known = self._known.get(key)
        if known is not None:
            if known.valid and known.confirmed() and known.holds_for(recorder):
                return known
            self._drop(known)
        other = self._known.get((id(module), not probing))
        if other is not None and other.alike and other.valid and other.confirmed() and other.holds_for(recorder):
            self._known[key] = other
            return other
        walk = _Walk(recorder, module, probing, self, True)
        walk.add(module)
        parts = tuple(walk.parts)
        number = self._numbers.get(parts)
        if number is None:
            if len(self._numbers) >= MAX_NUMBERS:
                self._numbers.clear()
            self._last += 1
            number = self._numbers[parts] = self._last
        made = self._known[key] = Piece(module, number, walk, recorder.paths)
        for piece, _ in made.below:
            piece.above.append(made)
        for container in made.covers:
            self._covered.setdefault(container, {})[made] = None
        return made

    def _drop(self, piece: Piece) -> None:
        if not piece.valid:
            return
        piece.valid = False
        for container in piece.covers:
            covering = self._covered.get(container)
            if covering is not None:
                covering.pop(piece, None)
                if not covering:
                    del self._covered[container]
        for above in piece.above:
            above.doubt()


class _Walk:
    """Writes down what `root`, or what is added besides, leads to.

    probes: those among it, where a forward is run on probes (see :mod:`ane_lsp.interp.probing`). apart: where modules below
    the root are written down by themselves, in `pieces`. ordinals: which of many its modules are, in order.
    """

    def __init__(self, recorder: Recorder, root: Instance, probing: bool, pieces: Pieces, apart: bool) -> None:
        self._recorder = recorder
        self._probing = probing
        self._pieces = pieces
        self._apart = apart
        self._root = root
        self._path = recorder.path_of(root)
        self.probes: list[Probe] = []
        self.found: dict[int, int] = {}
        self.objects: list[Any] = []  # what was found, in order, where nothing is written down apart
        self.tensors: list[Tensor] = []
        self.parts: list[Any] = []
        self.below: list[tuple[Piece, str]] = []
        self.covers: list[int] = []
        self.ordinals: list[int] = []
        self._counted: Any = None  # attributes of the module that is written down
        self.alike = True  # the other way of probing, the same would have been written down

    def add(self, one: Any) -> None:
        kind = one.__class__
        parts = self.parts
        if kind in PLAIN:
            parts.append(kind)
            parts.append(one if kind is not float else repr(one))  # 0.0 and -0.0 are equal
            if kind is TensorType:
                parts.append(one.data)  # which is no part of its equality
            return
        if kind in NAMED:
            parts.append(one)
            return
        if kind is Unknown:
            self.alike = False
            if not self._probing:
                parts.append(tuple(_reasons(one)) if alone(one) else Same(one))
            elif self._pieces.lost(one):  # nobody hears why
                parts += (Unknown, one.number)
            else:
                raise NotKept
            return
        known = self.found.get(id(one))
        if known is not None:
            parts.append(-1)
            parts.append(known)
            return
        if len(parts) > MAX_PARTS:
            raise NotKept
        self.found[id(one)] = len(self.found)
        if not self._apart:
            self.objects.append(one)
        if kind in _WRITABLE:
            self.covers.append(id(one))
        if kind is Tensor:
            self._tensor(one)
        elif kind is dict or kind is OrderedDict:
            parts += (kind, len(one))
            for name, value in one.items():
                if name.__class__ is not str:
                    if name.__class__ not in PLAIN:
                        raise NotKept
                    parts.append(name.__class__)
                kind = value.__class__
                if kind is int and one is self._counted and _ORDINAL.search(name):
                    parts += (name, kind, None)
                    self.ordinals.append(value)
                    self._pieces.ordinals.add(name)
                elif kind in PLAIN:  # most of what modules hold, so here once more
                    parts += (name, kind, value if kind is not float else repr(value))
                else:
                    parts.append(name)
                    self.add(value)
        elif kind is tuple or kind is list:
            parts += (kind, len(one))
            for value in one:
                self.add(value)
        elif kind is Instance:
            self._instance(one)
        elif kind is set or kind is frozenset:
            if any(value.__class__ not in PLAIN for value in one):
                raise NotKept
            parts += (kind, frozenset((value.__class__, value) for value in one))
        elif kind is Function:
            if is_nested(one):
                self._nested(one)
            else:
                parts.append(one)
        elif kind in UNCHANGING:
            parts += (kind, one.place if kind is Many else None)
        elif kind is Partial:
            parts.append(kind)
            for value in (one.func, one.args, one.kwargs, one.attrs):
                self.add(value)
        elif kind is BoundMethod:
            parts.append(kind)
            self.add(one.func)
            self.add(one.self)
        elif kind is OneOf:
            parts += (kind, len(one.options), one.told)
            for value in one.options:
                self.add(value)
        else:
            raise NotKept

    def _instance(self, one: Instance) -> None:
        first = one is self._root  # nothing tells where it was made
        path = self._recorder.path_of(one)
        if path and not first:
            if not self._path:
                path = "." + path
            elif path.startswith(self._path + "."):
                path = path[len(self._path) :]
            else:
                raise NotKept
        if self._apart and not first and "_modules" in one.attrs:
            if not path:
                raise NotKept  # a name that it gets later would not be noticed
            self._piece(one, path, self._pieces.of(self._recorder, one, self._probing))
            return
        if self._apart and not first and not path and len(one.attrs) > WORTH_IT:
            try:  # a configuration that many modules hold
                piece = self._pieces.of(self._recorder, one, self._probing)
            except NotKept:  # it may be that it holds modules
                pass
            else:
                self._piece(one, "", piece)
                return
        self.parts += (Instance, one.cls, None if first else one.node, "" if first else path)
        outer = self._counted
        self._counted = one.attrs if "_modules" in one.attrs and not one.cls.module.is_torch else None
        self.add(one.attrs)
        self._counted = outer
        self.add(one.data)

    def _piece(self, one: Instance, path: str, piece: Piece) -> None:
        """What is below a module, by its number; and which of it was met before."""
        found, inner = self.found, piece.found
        del found[id(one)]  # it is the first in its piece
        if len(found) + len(inner) > MAX_FOUND:
            raise NotKept
        shared = sorted((inner[key], found[key]) for key in inner.keys() & found.keys())
        self.parts += (Piece, piece.number, one.node, path, tuple(shared))
        self.tensors += [tensor for tensor in piece.tensors if id(tensor) not in found] if shared else piece.tensors
        for key in inner:
            if key not in found:
                found[key] = len(found)
        self.below.append((piece, path))
        self.ordinals += piece.ordinals
        self.alike = self.alike and piece.alike

    def _nested(self, one: Function) -> None:
        self.parts += (Function, one.node, one.module, one.owner)
        for held in (one.defaults, one.kw_defaults, one.attrs):
            self.add(held)
        for names, read in read_around(one):
            self.covers.append(id(names))
            for name in read:
                self.parts.append(name)
                self.add(names[name])

    def _tensor(self, one: Tensor) -> None:
        probe = probe_of(one)
        if probe is not None and (self._apart or len(one.attrs or ()) != 1):
            raise NotKept
        if one.why is not None or one.type.shape is None:
            if not self._probing:  # else nobody hears why
                if self._apart or (one.why is not None and one.why.__class__ is not Unknown):
                    raise NotKept
                self.parts.append(None if one.why is None else one.why.first)
            self.alike = False
        self.tensors.append(one)
        self.parts += (Tensor, one.type, one.type.data, one.origin, one.requires_grad)
        if probe is not None:
            self.alike = False
            self.parts += (Probe, self._number_of(probe))
        elif one.attrs is None and one.base is None:
            self.parts.append(None)
            return
        else:
            self.add(one.attrs)
        self.add(one.base)

    def _number_of(self, probe: Probe) -> int:
        """Which of the probes it is."""
        if probe not in self.probes:
            self.probes.append(probe)
        return self.probes.index(probe)


class Seen(_Walk):
    """What a call sees: the key of everything a module and its arguments lead to, and the tensors there in order.

    given: so many of the objects were found first, in the arguments. number: of the piece that its module is, where it has one.
    """

    def __init__(
        self, recorder: Recorder, root: Instance, args: Any, kwargs: Any, probing: bool, pieces: Pieces
    ) -> None:
        super().__init__(recorder, root, probing, pieces, False)
        self.add(args)  # where something is that has no key, it is mostly here
        self.add(kwargs)
        self.given = len(self.objects)
        self.number: int | None = None
        self._piece_of_root: dict[int, int] = {}
        try:
            piece = pieces.of(recorder, root, probing)
        except NotKept:
            self.add(root)
            return
        found, inner = self.found, piece.found
        shared = tuple([(number, inner[key]) for key, number in found.items() if key in inner])
        self.parts += (Piece, piece.number, shared)
        self.tensors = [*self.tensors, *(t for t in piece.tensors if id(t) not in found)]
        self.ordinals += piece.ordinals
        self.number, self._piece_of_root = piece.number, inner

    def holds(self, key: int) -> bool:
        """Whether it led to what has this identity."""
        return key in self.found or key in self._piece_of_root

    def place_given(self, key: int) -> int | None:
        """The place among the objects of what has this identity, if its arguments led there."""
        place = self.found.get(key)
        return place if place is not None and place < self.given else None

    def lost(self, unknown: Unknown) -> bool:
        """See :meth:`Pieces.lost`."""
        return self._pieces.lost(unknown)

    def bound(self) -> list[Value | None]:
        """What stands for each of the tensors in the present graph."""
        graph = self._recorder.graph
        return [tensor.value if tensor.graph is graph else None for tensor in self.tensors]


__all__ = ["NAMED", "PLAIN", "UNCHANGING", "NotKept", "Parts", "Pieces", "Seen", "alone", "is_nested", "read_around"]
