"""``functools``. Caches keep plain results of plain arguments; called with anything else a function is run again, which gives
the same values."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name, from_stub
from ane_lsp.interp.support import native
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    Builtin,
    Function,
    Instance,
    NativeType,
    Partial,
    Property,
    Recalled,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_COPIED = ("__module__", "__name__", "__qualname__", "__doc__")  # annotations are looked for in `__wrapped__`


def _make_partial(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not args:
        return interp.raise_(TypeError, "type 'partial' takes at least one argument")
    func, given = args[0], args[1:]
    if isinstance(func, Unknown):
        return interp.unknown("a partial call of something unknown", func)
    if isinstance(func, Partial) and not func.attrs:
        return Partial(func.func, (*func.args, *given), {**func.kwargs, **kwargs})
    return Partial(func, given, dict(kwargs))


PARTIAL = NativeType("partial", "functools", _make_partial, lambda v: isinstance(v, Partial))


@native("functools.partialmethod", stores=True)
def _partialmethod(interp: Interpreter, func: Any, /, *args: Any, **kwargs: Any) -> Any:
    def run(interp: Interpreter, self: Any, /, *more: Any, **named: Any) -> Any:
        return interp.call(func, (self, *args, *more), {**kwargs, **named})

    return native(getattr(func, "name", "partialmethod"))(run)


@native("functools.update_wrapper", stores=True)
def _update_wrapper(interp: Interpreter, wrapper: Any, wrapped: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(wrapper, (Function, Partial)):
        return wrapper
    interp.touch(wrapper.attrs)
    if isinstance(wrapped, Unknown):
        wrapper.attrs["__wrapped__"] = wrapped
        return wrapper
    for name in kwargs.get("assigned", args[0] if args else _COPIED):
        if isinstance(wrapped, (Function, Builtin, BoundMethod, Instance, Partial)) or hasattr(wrapped, "name"):
            value = interp.lookup_attribute(wrapped, name)
            if value is not MISSING and not isinstance(value, Unknown):
                wrapper.attrs[name] = value
    if isinstance(wrapped, (Function, Partial)):
        wrapper.attrs.update(wrapped.attrs)
    wrapper.attrs["__wrapped__"] = wrapped
    return wrapper


@native("functools.wraps", stores=True)
def _wraps(interp: Interpreter, wrapped: Any, *args: Any, **kwargs: Any) -> Any:
    def decorate(interp: Interpreter, wrapper: Any) -> Any:
        return interp.call(_update_wrapper, (wrapper, wrapped, *args), kwargs)

    return native("wraps")(decorate)


_RESULTS = "__results__"
_KEPT = frozenset({bool, int, float, str, bytes, type(None)})


def _cached(interp: Interpreter, func: Any) -> Any:
    if isinstance(func, Function):
        interp.touch(func.attrs)
        func.attrs[_RESULTS] = Recalled()
        for name in ("cache_clear", "cache_info", "cache_parameters"):
            func.attrs.setdefault(name, Builtin(name, lambda interp, args, kwargs: None))
        func.attrs["cache_clear"] = Builtin("cache_clear", lambda interp, args, kwargs: _forget(interp, func))
        if func.fast is None and func.module.path not in interp.exchangeable:
            func.fast = _recalled
    return func


def _forget(interp: Interpreter, func: Function) -> None:
    known = func.attrs[_RESULTS]
    interp.touch(known)
    known.clear()
    known.always.clear()


def _recalled(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a cached function gave for these arguments; it is run where that is not known.

    A result is kept like any other state of the program, so a branch that is undone takes its results with it. None is kept
    of which the run says more than its value: what it ran of files that are edited, that it asked whether it is captured.
    """
    known = func.attrs.get(_RESULTS)
    key = (*[(v.__class__, v) for v in args], *[(name, v.__class__, v) for name, v in kwargs.items()])
    if known.__class__ is not Recalled or func.is_generator or not all(part[-2] in _KEPT for part in key):
        return MISSING
    found = known.get(key, MISSING)
    if found.__class__ not in _KEPT:  # it was kept in one of several branches, or not at all
        found = known.always.get(key, MISSING)
    if found is not MISSING:
        return found
    graph = interp.recorder.graph
    asked, graph.asks_capture = graph.asks_capture, False
    before, interp.ran = interp.ran, Ran()
    try:
        found = interp.follow_function(func, args, kwargs)
    finally:
        ran, interp.ran = interp.ran, before
        interp.ran |= ran
        asks, graph.asks_capture = graph.asks_capture, asked or graph.asks_capture
    if found.__class__ in _KEPT and not ran and not asks:
        if interp.undo is not interp.top_touched:
            interp.recall(known, key, found)
        elif not interp.journals:
            known.always[key] = found
    return found


@native("functools.lru_cache")
def _lru_cache(interp: Interpreter, maxsize: Any = 128, typed: Any = False) -> Any:
    if isinstance(maxsize, (Function, Builtin, Partial)):
        return _cached(interp, maxsize)
    return native("lru_cache")(lambda interp, func: _cached(interp, func))


@native("functools.cache")
def _cache(interp: Interpreter, user_function: Any, /) -> Any:
    return _cached(interp, user_function)


@native("functools.cached_property")
def _cached_property(interp: Interpreter, func: Any) -> Any:
    return Property(func, cached=True)


@native("functools.reduce", stores=True)
def _reduce(interp: Interpreter, function: Any, iterable: Any, initial: Any = MISSING, /) -> Any:
    source = interp.iterate(iterable)
    total = initial
    if total is MISSING:
        total = next(source, MISSING)
        if total is MISSING:
            return interp.raise_(TypeError, "reduce() of empty iterable with no initial value")
    for item in source:
        total = interp.call(function, (total, item), {})
    return total


@native("functools.cmp_to_key")
def _cmp_to_key(interp: Interpreter, mycmp: Any) -> Any:
    stub = interp.import_module("_ane_functools")
    return interp.call(interp.getattr(stub, "cmp_to_key"), (mycmp,), {})


def _functools(interp: Interpreter) -> Namespace:
    return {
        "partial": PARTIAL, "WRAPPER_ASSIGNMENTS": functools.WRAPPER_ASSIGNMENTS, "WRAPPER_UPDATES": ("__dict__",),
        **by_name(
            _partialmethod, _update_wrapper, _wraps, _lru_cache, _cache, _cached_property, _reduce, _cmp_to_key,
        ),
        "__missing__": from_stub(interp, "_ane_functools", "total_ordering", "singledispatch", "singledispatchmethod"),
    }  # fmt: skip


MODULES: dict[str, Maker] = {"functools": _functools}
