"""Methods of ``torch.nn.Module``, and what else models run thousands of times, done at once instead of statement by statement.

Each does what the stub of the same name does (``torch_model/stubs/torch/nn/modules/module.py``) for modules as they
usually are, and declines everything else: a subclass that overrides a method or attribute access, a child that may be one
of several, an argument of the wrong kind. The stub, or the library's function, is then followed as written. Building a leaf module of torch
(``Linear(768, 768)``) with arguments that were met before copies what was built then.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp import array_ways, containing, weights
from ane_lsp.interp.values import (
    ABSENT,
    MISSING,
    MORE,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    Many,
    OneOf,
    Property,
    read_plainly,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Fast = Callable[["Interpreter", Function, tuple[Any, ...], dict[str, Any]], Any]
"""(interp, the stub's function, args, kwargs) to a result; MISSING where the stub is to be followed."""

_DICTS = ("_parameters", "_buffers", "_modules")
_STATE = ("training", *_DICTS, "_non_persistent_buffers_set")


def _children(module: Instance) -> dict[str, Instance] | None:
    """The registered children by name, None where one of them is not simply a module."""
    found = module.attrs.get("_modules")
    if found.__class__ is not dict:
        return None
    children = {name: child for name, child in found.items() if child is not None}
    if all(read_plainly(child) for child in children.values()):
        return children
    return None


def _own(func: Function, module: Instance) -> bool:
    """Whether `func` is what the module would be asked for under its name."""
    return module.cls.lookup(func.name) is func and func.name not in module.attrs


def _init(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1 or kwargs or args[0].__class__ is not Instance:
        return MISSING
    module = args[0]
    cls: ClassObject = module.cls
    if cls.lookup("call_super_init") is not False or cls.lookup("__setattr__") is not MISSING:
        return MISSING
    if not interp.is_nn_module(cls) or any(cls.lookup(n).__class__ in (Property, Instance) for n in _STATE):
        return MISSING
    if any(name in module.attrs for name in _DICTS):
        return MISSING
    attrs = module.attrs
    interp.touch(attrs)
    attrs["training"] = True
    for name in _DICTS:
        attrs[name] = interp.make({})
    attrs["_non_persistent_buffers_set"] = interp.make(set())
    return None


def _possible_children(module: Instance) -> list[Any] | None:
    """The registered children, with all that one of them may be if it is there."""
    table = module.attrs.get("_modules")
    if table.__class__ is not dict:
        return None
    held = (one for child in table.values() for one in (child.options if child.__class__ is OneOf else (child,)))
    return [one for one in held if one is not None and one is not ABSENT and one.__class__ is not Many]


def _family(func: Function, module: Any, possible: bool = False) -> list[Instance] | None:
    """A module and all below it, each once for every place, children first; None where one has a way of its own. possible: with those
    that may be there."""
    if not read_plainly(module) or not _own(func, module):
        return None
    known = None if possible else _children(module)
    children = _possible_children(module) if possible else None if known is None else list(known.values())
    if children is None:
        return None
    found: list[Instance] = []
    for child in children:
        below = _family(func, child, possible)
        if below is None or len(found) > 20_000:
            return None
        found += below
    found.append(module)
    return found


def _train(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or not args or len(args) > 2 or (len(args) == 2 and args[1].__class__ is not bool):
        return MISSING
    mode = args[1] if len(args) == 2 else True
    family = _family(func, args[0], possible=True)  # if one of them is there, it is told
    if family is None or any(
        m.cls.lookup("__setattr__") is not MISSING or m.cls.lookup("training").__class__ in (Property, Instance)
        for m in family
    ):
        return MISSING
    for module in family:
        if module.attrs.get("training") is not mode:
            interp.touch(module.attrs)
            module.attrs["training"] = mode
    return args[0]


def _apply(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Children first. What `fn` changes is seen, because each module's children are looked up when its turn comes."""
    if kwargs or len(args) != 2:
        return MISSING
    module, fn = args
    if not read_plainly(module) or not _own(func, module) or module.cls.lookup("children").__class__ is not Function:
        return MISSING
    if any(module.cls.lookup(n).module is not func.module for n in ("children", "named_children")):
        return MISSING
    children = _children(module)
    if children is None:
        return MISSING
    seen: set[int] = set()
    for child in children.values():
        if id(child) in seen:
            continue
        seen.add(id(child))
        if _apply(interp, func, (child, fn), kwargs) is MISSING:
            interp.call(interp.getattr(child, "apply"), (fn,))
    interp.tick()
    interp.call(fn, (module,))
    return module


def _named_children(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1 or kwargs or not read_plainly(args[0]) or _children(args[0]) is None:
        return MISSING
    registered: dict[str, Any] = args[0].attrs["_modules"]
    if MORE in registered:
        return MISSING

    def produce() -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for name, child in tuple(registered.items()):  # as they are when the first is asked for
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    return IteratorObject(produce(), "generator")


def _child_modules(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1 or not read_plainly(args[0]) or "named_children" in args[0].attrs:
        return MISSING
    named = args[0].cls.lookup("named_children")
    if named.__class__ is not Function or named.module is not func.module:
        return MISSING
    pairs = _named_children(interp, named, args, kwargs)
    return MISSING if pairs is MISSING else IteratorObject((child for _, child in pairs), "generator")


def _unlike_others(module: Instance) -> bool:
    """Whether two modules of this kind are the same only where they are one: a class may say otherwise."""
    return module.cls.lookup("__eq__") is MISSING and not any(isinstance(base, Unknown) for base in module.cls.mro)


def _named_modules(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Each module when its turn comes: whoever goes through them may exchange those that come later."""
    if not args or len(args) > 4 or not kwargs.keys() <= _NAMED_MODULES.keys():
        return MISSING
    family = _family(func, args[0])
    if family is None or not all(map(_unlike_others, family)) or any(MORE in m.attrs["_modules"] for m in family):
        return MISSING
    memo, prefix, once = {**_NAMED_MODULES, **dict(zip(_NAMED_MODULES, args[1:])), **kwargs}.values()
    if memo is not None or prefix.__class__ is not str or once.__class__ is not bool:
        return MISSING
    modules = _Modules(interp, {id(module): module for module in family}, once)
    return IteratorObject(modules.below(args[0], prefix), "generator")


class _Modules:
    """Goes through modules. known: those that were there when it began, by identity. once: each only once."""

    def __init__(self, interp: Interpreter, known: dict[int, Any], once: bool) -> None:
        self._interp = interp
        self._known = known
        self._once = once
        self._met: set[Any] = interp.make(set())

    def below(self, module: Any, path: str) -> Iterator[tuple[str, Any]]:
        interp, met = self._interp, self._met
        if id(module) not in self._known:  # it has come in the meantime
            given = {"memo": met, "prefix": path, "remove_duplicate": self._once}
            yield from interp.iterate(interp.call(interp.getattr(module, "named_modules"), (), given))
            return
        interp.tick()
        if module in met:
            return
        if self._once:
            interp.touch(met)
            met.add(module)
        yield path, module
        registered = module.attrs["_modules"]
        for name in tuple(registered):
            child = registered.get(name)
            if child is not None:
                yield from self.below(child, f"{path}.{name}" if path else name)


_NAMED_MODULES: dict[str, Any] = {"memo": None, "prefix": "", "remove_duplicate": True}
_NAMED_APPLY: dict[str, Any] = {
    "fn": MISSING,
    "module": MISSING,
    "name": "",
    "depth_first": True,
    "include_root": False,
}


def _named_apply(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """timm's way to fill the weights of a model: `fn` is told each module below `module` and where it is."""
    if len(args) > len(_NAMED_APPLY) or not kwargs.keys() <= _NAMED_APPLY.keys():
        return MISSING
    if func.module.path in interp.exchangeable:
        return MISSING
    fn, module, name, depth_first, include_root = {**_NAMED_APPLY, **dict(zip(_NAMED_APPLY, args)), **kwargs}.values()
    if name.__class__ is not str or not read_plainly(module):
        return MISSING
    if depth_first.__class__ is not bool or include_root.__class__ is not bool or "named_children" in module.attrs:
        return MISSING
    named = module.cls.lookup("named_children")
    if named.__class__ is not Function or named.module.name != _MODULE or _children(module) is None:
        return MISSING
    if include_root and not depth_first:
        interp.call(fn, (), {"module": module, "name": name})
    seen: set[int] = set()
    for below, child in tuple(module.attrs["_modules"].items()):  # as they are when the first is asked for
        if child is not None and id(child) not in seen:
            seen.add(id(child))
            given = {"fn": fn, "module": child, "name": f"{name}.{below}" if name else below}
            interp.call(func, (), {**given, "depth_first": depth_first, "include_root": True})
    if include_root and depth_first:
        interp.call(fn, (), {"module": module, "name": name})
    return module


_MODULE = "torch.nn.modules.module"

FAST: dict[str, Fast] = {
    f"{_MODULE}:Module.__init__": _init,
    f"{_MODULE}:Module.train": _train,
    f"{_MODULE}:Module.apply": _apply,
    f"{_MODULE}:Module.named_children": _named_children,
    f"{_MODULE}:Module.named_modules": _named_modules,
    f"{_MODULE}:Module.children": _child_modules,
    "timm.models._manipulate:named_apply": _named_apply,
}


SOURCES = {"timm.models._manipulate:named_apply": "7a2f1fbe9303fdf07d874eff696b2def"}
"""Of functions that are none of ours, the :func:`digest` that they had when they were read (timm 1.0.31): another one may do something
else, and is followed as it is written."""


def digest(node: ast.AST) -> str:
    """Tells a function from another whatever its comments and line breaks."""
    from hashlib import sha256

    return sha256(ast.unparse(node).encode()).hexdigest()[:32]


def fast_path(module: str, qualname: str, node: ast.AST) -> Fast | None:
    """The quick way for a function of a stub or a library, if it has one."""
    key = f"{module}:{qualname}"
    found = FAST.get(key) or containing.WAYS.get(key) or weights.WAYS.get(key) or array_ways.WAYS.get(key)
    return found if found is None or key not in SOURCES or SOURCES[key] == digest(node) else None
