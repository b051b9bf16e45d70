"""Whether what is left of a probed forward can still tell something about the inputs that are probed.

A convolution over the picture tells its rank and its channels. What comes out is linked to the picture by its rank alone, so
once the picture itself is used no more, the rest of the model has nothing to tell, and is left. That the picture is used no
more is read from the source of the running functions: each of them has handed it on with the call that is running, and does
not name it afterwards. Everything that is not plain makes the probe run to its end.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.probing import Probe, probe_of, tells_more
from ane_lsp.interp.state import Written
from ane_lsp.interp.stdlib.dataclasses_model import FieldSpec
from ane_lsp.interp.values import (
    ABSENT,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    Lazy,
    Many,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Property,
    StaticMethod,
    Tensor,
    TorchFunction,
)

if TYPE_CHECKING:
    from ane_lsp.interp.torch_operations import TorchOperations

_MAX_ASKED = 12
"""How often it is worth asking about one run of a forward: a model that adds its input to what follows never has enough."""
_MAX_PARTS = 5_000  # values that are looked at
_PLAIN = frozenset({
    bool, int, float, complex, str, bytes, type(None), type, range, slice, type(Ellipsis), object, Sym, DType, Device, ModuleObject,
    ClassObject, Builtin, NativeType, TorchFunction, Opaque, FieldSpec, Lazy, Many, type(ABSENT),
    Instance,  # what was put into one is among what was written
})  # fmt: skip
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)
_OPEN = (ast.FunctionDef, ast.If, ast.For, ast.With, ast.Try)
_JUMPS = (ast.Break, ast.Continue)


class Listening:
    """The probes of one run of a forward, and the frame that started it.

    While it listens, ``interp.written`` collects the containers that are changed: a tensor may wait in one of them.
    """

    def __init__(self, interp: TorchOperations, probes: Iterable[Probe]) -> None:
        self.probes = tuple(probes)
        self._top: Frame = interp.frame
        self._left = _MAX_ASKED
        self._waiting = False
        self._ids = frozenset(map(id, self.probes))

    def matters(self, probe: Probe | None) -> bool:
        """Whether a use of a value that stands for `probe` can tell more than the rank of a probed input."""
        pending = [probe] if probe is not None else []
        for one in pending:
            if id(one) in self._ids:
                return True
            pending += [source for source, back in one.links if tells_more(back)]
        return False

    def enough(self, interp: TorchOperations, name: str, given: Probe | None, result: Probe | None) -> bool:
        """Whether nothing after the running operation can tell more. given, result: what its first argument and its result
        stand for."""
        if self._left <= 0 or not (self._waiting or self.matters(given)) or self.matters(result):
            return False
        self._waiting = any(probe.rank is None or not probe.told for probe in self.probes)
        if self._waiting:  # what was made of them may tell their rank
            return False
        self._left -= 1
        try:
            return self._used_up(interp, name.rpartition(".")[2])
        except _Unclear:
            return False

    def _used_up(self, interp: TorchOperations, called: str) -> bool:
        if interp.journals:
            return False
        if any(m.instance.attrs.get("_forward_hooks") for m in interp.recorder.modules):
            return False
        running = list(_callers(interp.frame, self._top))
        # A wrapper that is a module's forward has a name of its own.
        forwards = [m.instance.cls.lookup("forward") for m in interp.recorder.modules]
        codes = [one.node for one in forwards if one.__class__ is Function]
        for frame in running:
            if not self._handed_on(interp, frame, called):
                return False
            called = "forward" if frame.code in codes else frame.function.rpartition(".")[2]
        asked = {id(value) for frame in running for value in frame.locals.values()}  # whether they are used any more
        changed = interp.written if interp.written is not None else Written()
        written = [one for key, one in changed.items() if key not in asked and key not in changed.made]
        return not self._waits(interp, [list(_contents(one)) for one in written])

    def _handed_on(self, interp: TorchOperations, frame: Frame, called: str) -> bool:
        """Whether a running function has no use for the probed inputs after its call of `called`."""
        code = frame.code
        if not isinstance(code, ast.FunctionDef) or frame.pending:
            return False
        if not _calls(frame, called) or self._waits(interp, list(_around(frame))):
            return False
        way = _way_to(code, frame.node)
        statement = way[-1] if way else None
        if not isinstance(statement, _SIMPLE) or not all(isinstance(above, _OPEN) for above in way[:-1]):
            return False
        names = [name for name, value in frame.locals.items() if self._waits(interp, [value])]
        inside = set(map(id, ast.walk(frame.node)))
        later = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
                 and id(n) not in inside}  # fmt: skip
        return later.isdisjoint(names) and not any(_used_after(name, way) for name in names)

    def _waits(self, interp: TorchOperations, values: list[Any]) -> bool:
        """Whether one of the values is, or holds, what a probed input's shape can be told by. Raises _Unclear where that cannot
        be seen."""
        pending, seen = list(values), set[int]()
        for value in pending:
            kind = value.__class__
            if kind in _PLAIN or id(value) in seen:
                continue
            seen.add(id(value))
            if len(seen) > _MAX_PARTS:
                raise _Unclear
            if kind is Tensor:
                if self.matters(probe_of(value)):
                    return True
            elif kind is Unknown:
                asked = interp.probe_shapes.get(id(value))
                if asked is not None and self.matters(asked[1]):
                    return True
                pending.append(value.item)
            elif kind is BoundMethod:
                pending += (value.func, value.self)
            elif kind is Function:
                pending += _around(value)
            elif kind is OneOf:
                pending += value.options
            elif kind is ClassMethod or kind is StaticMethod:
                pending.append(value.func)
            elif kind is Property:
                pending += (value.fget, value.fset, value.fdel)
            else:
                pending += _contents(value)
        return False


def _callers(frame: Frame, top: Frame) -> Iterator[Frame]:
    """The running functions from the innermost outwards, up to what started the forward."""
    running: Frame | None = frame
    while running is not top:
        if running is None:
            raise _Unclear
        yield running
        running = running.parent


class _Unclear(Exception):
    """A value in which a tensor may wait unseen."""


def _contents(container: Any) -> Iterator[Any]:
    if isinstance(container, dict):
        return iter(container.values())
    if isinstance(container, (list, tuple, set, deque)):
        return iter(container)
    if container.__class__ is Tensor:
        return iter((container,))
    raise _Unclear


def _around(inner: Frame | Function) -> Iterator[Any]:
    """What the names of the functions around one stand for."""
    scope = inner.closure
    while scope is not None:
        yield from scope.locals.values()
        scope = scope.closure


def _calls(frame: Frame, called: str) -> bool:
    """Whether the running expression of a frame calls a function of that name itself, and not something that does."""
    node = frame.node
    if not isinstance(node, ast.Call):
        return False
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == called:
        return True
    if isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr":
        return called == "forward"
    while isinstance(func, (ast.Attribute, ast.Subscript)):
        func = func.value
    if not isinstance(func, ast.Name):
        return False
    scope: Frame | None = frame
    while scope is not None and func.id not in scope.locals:
        scope = scope.closure
    value = scope.locals[func.id] if scope is not None else None
    if value.__class__ is Instance:
        return called == "forward"
    if func is not node.func:
        return False
    if value.__class__ is BoundMethod:
        value = value.func
    return value.name == called if value.__class__ is Function else value is None and func.id == called


def _way_to(code: ast.FunctionDef, node: ast.expr) -> list[ast.AST]:
    """A function and its statements from the outermost to the one that holds `node`; empty where it is not found."""
    way: list[ast.AST] = [code]
    body: list[ast.stmt] = code.body
    while True:
        here = (one for one in body if one.lineno <= node.lineno <= (one.end_lineno or one.lineno))
        statement = next((one for one in here if any(part is node for part in ast.walk(one))), None)
        if statement is None:
            return way if len(way) > 1 else []
        way.append(statement)
        body = [one for block in ("body", "orelse", "finalbody") for one in getattr(statement, block, ())]
        body = [one for one in body if isinstance(one, ast.stmt)]


def _used_after(name: str, way: list[ast.AST]) -> bool:
    """Whether the value of a name can be read after the last statement of `way`, which :data:`_OPEN` statements surround."""
    if _binds(way[-1], name) or isinstance(way[-1], ast.Return):
        return False
    steady = not any(isinstance(part, _JUMPS) for part in ast.walk(way[0]))
    for above, statement in zip(way[-2::-1], way[:0:-1]):
        blocks: list[list[ast.stmt]] = [getattr(above, "body", []), getattr(above, "orelse", [])]
        block = next((block for block in blocks if any(one is statement for one in block)), None)
        if block is None:  # what a try does in the end
            return True
        place = next(number for number, one in enumerate(block) if one is statement)
        if isinstance(above, ast.Try) and _reads((*above.handlers, *above.orelse, *above.finalbody), name):
            return True
        rounds = [block[place + 1 :]]
        if isinstance(above, ast.For):
            if _reads([above.iter], name):  # it is held while its items are gone through
                return True
            rounds.append(block)
        for following in rounds:
            for one in following:
                if _reads([one], name):
                    return True
                if steady and _binds(one, name) and following is rounds[0]:
                    return False
    return False


def _reads(nodes: Iterable[ast.AST], name: str) -> bool:
    return any(
        isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Store)
        for node in nodes
        for part in ast.walk(node)
    )


def _binds(statement: ast.AST, name: str) -> bool:
    """Whether a statement gives a name another value, whatever happens."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value is not None and isinstance(statement.target, ast.Name) and statement.target.id == name
    return isinstance(statement, ast.Assign) and any(
        isinstance(part, ast.Name) and part.id == name
        for target in statement.targets
        for part in (target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target])
    )


__all__ = ["Listening"]
