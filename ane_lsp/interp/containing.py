"""``Sequential`` and ``ModuleList`` that hold modules which may be absent: each keeps its place.

The stubs (``torch_model/stubs/torch/nn/modules/container.py``) name modules by their number, and behind one that may be absent nobody
knows the number. What is here is done instead of them where a container holds such modules, and declines everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp import absent, state
from ane_lsp.interp.frames import UnknownIteration, item_of
from ane_lsp.interp.values import MISSING, MORE, Function, Instance

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def _fill(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``Sequential(*modules)`` and ``ModuleList(modules)`` where some of them may be absent: each keeps its place."""
    if not interp.gaps or not args or args[0].__class__ is not Instance:
        return MISSING
    module, given = args[0], args[1:]
    if func.qualname == "ModuleList.__init__":
        given = (*given, *kwargs.values())
        if len(given) != 1 or given[0] is None or given[0].__class__ is Unknown:
            return MISSING
        found: list[Any] = []
        try:
            found.extend(interp.items_of(given[0]))
        except UnknownIteration as lost:  # it may be an iterator, that cannot be asked again
            like = state.likeness([*found, item_of(lost.unknown, lost.unknown.span)])
            many = Unknown(lost.unknown.reason, lost.unknown.span, lost.unknown, like)
            return interp.follow_function(func, (module, many), {})
        if not any(map(absent.optional, found)):
            return interp.follow_function(func, (module, found), {})
        given = tuple(found)
    elif not any(map(absent.optional, given)):
        return MISSING
    base = module.cls.mro[module.cls.mro.index(func.owner) + 1]
    interp.call(base.lookup("__init__"), (module,), {})
    table = module.attrs["_modules"]
    interp.touch(table)
    table.update((str(place), one) for place, one in enumerate(given))
    return None


def _append(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``append`` behind modules that may be absent."""
    if not interp.gaps or len(args) != 2 or kwargs or args[0].__class__ is not Instance:
        return MISSING
    table = args[0].attrs.get("_modules")
    if not isinstance(table, dict) or MORE in table or not absent.gappy(table):
        return MISSING
    interp.touch(table)
    table[str(len(table))] = args[1]
    return args[0]


def _at(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``modules[index]`` where some of them may be absent."""
    if not interp.gaps or len(args) != 2 or kwargs or args[0].__class__ is not Instance or isinstance(args[1], slice):
        return MISSING
    table = args[0].attrs.get("_modules")
    if not isinstance(table, dict) or MORE in table or not absent.gappy(table):
        return MISSING
    return interp.getitem(list(table.values()), args[1])


_HOME = "torch.nn.modules.container"
_BOTH = ("Sequential", "ModuleList")

WAYS: dict[str, Callable[[Interpreter, Function, tuple[Any, ...], dict[str, Any]], Any]] = {
    **{f"{_HOME}:{name}.__init__": _fill for name in _BOTH},
    **{f"{_HOME}:{name}.append": _append for name in _BOTH},
    **{f"{_HOME}:{name}.__getitem__": _at for name in _BOTH},
}
"""By module and name, as in fast.py."""
