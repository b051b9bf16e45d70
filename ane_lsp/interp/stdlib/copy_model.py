"""``copy``: shallow and deep copies of interpreter values.

A deep copy of a module instance has new tensors of the same types: they are other parameters, in other places.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.stdlib.common import Maker, by_name
from ane_lsp.interp.support import LIMIT, DefaultDict, native, too_large
from ane_lsp.interp.values import MISSING, BoundMethod, Function, Instance, OneOf, Partial, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def _shallow_instance(value: Instance, data: Any) -> Instance:
    made = Instance(value.cls, data)
    made.attrs.update(value.attrs)
    made.node = value.node
    return made


def copy_tensor(value: Tensor) -> Tensor:
    """Another tensor of the same type."""
    made = Tensor(value.type, value.origin)
    if value.origin in ("op", "input"):
        made.value, made.graph = value.value, value.graph
    made.name = value.name
    made.requires_grad = value.requires_grad
    made.attrs = None if value.attrs is None else dict(value.attrs)
    return made


@native("copy.copy")
def _copy(interp: Interpreter, x: Any) -> Any:
    if isinstance(x, Instance):
        special = x.cls.lookup("__copy__")
        if special is not MISSING and special is not None:
            return interp.call(interp.getattr(x, "__copy__"), (), {})
        data = x.data.copy() if isinstance(x.data, (list, dict, set, deque)) else x.data
        made = _shallow_instance(x, data)
        if "_modules" in made.attrs:  # a module copied so shares its children and parameters, not the tables of them
            for name in ("_modules", "_parameters", "_buffers"):
                if isinstance(made.attrs.get(name), dict):
                    made.attrs[name] = made.attrs[name].copy()
        return made
    if isinstance(x, (list, dict, set, deque)):
        return x.copy()
    if isinstance(x, Partial):
        return Partial(x.func, x.args, dict(x.kwargs), dict(x.attrs))
    if isinstance(x, Tensor):
        return copy_tensor(x)
    return x


class _Deep:
    """One deep copy. `memo` maps the identity of an original to its copy, and keeps the original alive."""

    def __init__(self, interp: Interpreter, memo: dict[Any, Any]) -> None:
        self.interp = interp
        self.memo = memo
        self.known: dict[int, tuple[Any, Any]] = {}
        self.count = 0

    def copy(self, value: Any) -> Any:
        kind = type(value)
        if kind in (int, str, float, bool, type(None), bytes, Function):
            return value
        known = self.known.get(id(value))
        if known is not None:
            return known[1]
        if id(value) in self.memo:
            return self.memo[id(value)]
        self.count += 1
        if self.count > LIMIT:
            return too_large(self.interp, "the copied structure")
        if self.count % 64 == 0:
            self.interp.tick()
        made = self._copy(value)
        self.known.setdefault(id(value), (value, made))
        return made

    def _note(self, value: Any, made: Any) -> Any:
        self.known[id(value)] = (value, made)
        return made

    def _copy(self, value: Any) -> Any:
        if isinstance(value, Instance):
            return self._instance(value)
        if isinstance(value, Tensor):
            return copy_tensor(value)
        if isinstance(value, (list, deque)):
            items = self._note(value, [] if isinstance(value, list) else deque(maxlen=value.maxlen))
            for item in list(value):
                items.append(self.copy(item))
            return items
        if isinstance(value, dict):
            table = self._note(
                value,
                DefaultDict(self.interp, value.default_factory) if isinstance(value, DefaultDict) else type(value)(),
            )
            for key, item in list(value.items()):
                table[self.copy(key)] = self.copy(item)
            return table
        if isinstance(value, tuple):
            parts = [self.copy(item) for item in value]
            if all(a is b for a, b in zip(parts, value, strict=False)):
                return value
            make = getattr(type(value), "_make", type(value))
            return make(parts)
        if isinstance(value, (set, frozenset)):
            return type(value)(self.copy(item) for item in value)
        if isinstance(value, Partial):
            args = tuple(self.copy(a) for a in value.args)
            return Partial(self.copy(value.func), args, self.copy(value.kwargs), self.copy(value.attrs))
        if isinstance(value, BoundMethod):
            return BoundMethod(value.func, self.copy(value.self))
        if isinstance(value, OneOf):
            return OneOf(tuple(self.copy(o) for o in value.options), value.told)
        return value

    def _instance(self, value: Instance) -> Any:
        if value.cls.flags.get("enum"):
            return value
        special = value.cls.lookup("__deepcopy__")
        if special is not MISSING and special is not None:
            return self.interp.call(self.interp.getattr(value, "__deepcopy__"), (self.memo,), {})
        made = self._note(value, Instance(value.cls))
        made.node = value.node
        if value.data is not None:
            made.data = value.data if isinstance(value.data, BaseException) else self.copy(value.data)
        for name, item in list(value.attrs.items()):
            made.attrs[name] = self.copy(item)
        return made


@native("copy.deepcopy")
def _deepcopy(interp: Interpreter, x: Any, memo: Any = None) -> Any:
    return _Deep(interp, memo if isinstance(memo, dict) else {}).copy(x)


@native("copy.replace")
def _replace(interp: Interpreter, obj: Any, /, **changes: Any) -> Any:
    return interp.call(interp.getattr(obj, "__replace__"), (), changes)


MODULES: dict[str, Maker] = {
    "copy": lambda interp: {**by_name(_copy, _deepcopy, _replace), "Error": type("Error", (Exception,), {})},
}  # fmt: skip
