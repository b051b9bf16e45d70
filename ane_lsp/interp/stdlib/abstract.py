"""``collections.abc``, ``abc`` and ``numbers``: what isinstance answers, and the methods their subclasses inherit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp.stdlib.common import Maker, Namespace, identity, native_type
from ane_lsp.interp.support import DictView, is_module_class, native
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    NativeType,
    Partial,
    Property,
    PyRaise,
    StaticMethod,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_SEQUENCES = (list, tuple, str, bytes, bytearray, range, deque)
_SIZED = (*_SEQUENCES, dict, set, frozenset, DictView)
_UNHASHABLE = (list, dict, set, bytearray, deque)


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Instance) and value.data is not None else value


def _defines(value: Any, *names: str) -> bool:
    """Whether the class of an instance defines all of `names`."""
    if not isinstance(value, Instance):
        return False
    for name in names:
        raw = value.cls.lookup(name)
        if raw is None:
            return False
        if raw is MISSING and not any(isinstance(c, NativeType) and name in c.methods for c in value.cls.mro):
            return False
    return True


def _kind(*builtin_types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(_data(value), builtin_types)


def _protocol(names: tuple[str, ...], *builtin_types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(_data(value), builtin_types) or _defines(value, *names)


def _is_callable(value: Any) -> bool:
    if isinstance(value, Instance):
        return _defines(value, "__call__") or is_module_class(value.cls)
    return isinstance(value, (Function, Builtin, BoundMethod, Partial, ClassObject, NativeType, type))


# -- methods that subclasses get -------------------------------------------------------------------------------------------------


@native("Mapping.get")
def _get(interp: Interpreter, self: Any, key: Any, default: Any = None) -> Any:
    try:
        return interp.getitem(self, key)
    except PyRaise as error:
        if error.is_a(KeyError):
            return default
        raise


@native("Mapping.__contains__")
def _contains_key(interp: Interpreter, self: Any, key: Any) -> Any:
    try:
        interp.getitem(self, key)
    except PyRaise as error:
        if error.is_a(KeyError):
            return False
        raise
    return True


@native("Mapping.keys")
def _keys(interp: Interpreter, self: Any) -> Any:
    return DictView("dict_keys", tuple(interp.iterate(self)))


@native("Mapping.items")
def _items(interp: Interpreter, self: Any) -> Any:
    return DictView("dict_items", tuple((k, interp.getitem(self, k)) for k in list(interp.iterate(self))))


@native("Mapping.values")
def _values(interp: Interpreter, self: Any) -> Any:
    return DictView("dict_values", tuple(interp.getitem(self, k) for k in list(interp.iterate(self))))


@native("MutableMapping.pop")
def _pop(interp: Interpreter, self: Any, key: Any, default: Any = MISSING) -> Any:
    try:
        value = interp.getitem(self, key)
    except PyRaise as error:
        if error.is_a(KeyError) and default is not MISSING:
            return default
        raise
    interp.delitem(self, key)
    return value


@native("MutableMapping.setdefault")
def _setdefault(interp: Interpreter, self: Any, key: Any, default: Any = None) -> Any:
    try:
        return interp.getitem(self, key)
    except PyRaise as error:
        if not error.is_a(KeyError):
            raise
    interp.setitem(self, key, default)
    return default


@native("MutableMapping.update")
def _update(interp: Interpreter, self: Any, /, *args: Any, **kwargs: Any) -> Any:
    from ane_lsp.interp.construct import fill_dict

    added: dict[Any, Any] = {}
    lost = fill_dict(interp, added, args, kwargs)
    if lost is not None:
        return lost
    for key, value in added.items():
        interp.setitem(self, key, value)
    return None


@native("MutableMapping.clear")
def _clear(interp: Interpreter, self: Any) -> None:
    for key in list(interp.iterate(self)):
        interp.delitem(self, key)


def _positions(interp: Interpreter, self: Any) -> Any:
    return interp.call(interp.getattr(self, "__len__"), (), {})


@native("Sequence.__iter__")
def _iter(interp: Interpreter, self: Any) -> Any:
    length = _positions(interp, self)
    if not isinstance(length, int):
        return interp.unknown("a sequence of unknown length", length if isinstance(length, Unknown) else None)
    return IteratorObject(interp.getitem(self, i) for i in range(length))


@native("Sequence.__reversed__")
def _reversed(interp: Interpreter, self: Any) -> Any:
    return IteratorObject(iter(list(interp.iterate(self))[::-1]))


@native("Sequence.__contains__")
def _contains(interp: Interpreter, self: Any, value: Any) -> Any:
    return interp.contains(list(interp.iterate(self)), value)


@native("Sequence.index")
def _index(interp: Interpreter, self: Any, value: Any, *bounds: Any) -> Any:
    return interp.call(interp.getattr(list(interp.iterate(self)), "index"), (value, *bounds), {})


@native("Sequence.count")
def _count(interp: Interpreter, self: Any, value: Any) -> Any:
    return interp.call(interp.getattr(list(interp.iterate(self)), "count"), (value,), {})


@native("MutableSequence.append")
def _append(interp: Interpreter, self: Any, value: Any) -> None:
    interp.call(interp.getattr(self, "insert"), (_positions(interp, self), value), {})


@native("MutableSequence.extend")
def _extend(interp: Interpreter, self: Any, values: Any) -> None:
    for value in list(interp.iterate(values)):
        interp.call(interp.getattr(self, "append"), (value,), {})


_MAPPING = {"get": _get, "__contains__": _contains_key, "keys": _keys, "items": _items, "values": _values}
_MUTABLE_MAPPING = {**_MAPPING, "pop": _pop, "setdefault": _setdefault, "update": _update, "clear": _clear}
_SEQUENCE = {"__iter__": _iter, "__reversed__": _reversed, "__contains__": _contains, "index": _index, "count": _count}
_MUTABLE_SEQUENCE = {**_SEQUENCE, "append": _append, "extend": _extend}


def _register(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[-1]


_REGISTER = Builtin("register", _register)


def _abc(name: str, matches: Callable[[Any], bool], methods: Namespace | None = None, base: Any = object) -> NativeType:
    known = {"register": _REGISTER, **(methods or {})}
    return native_type("collections.abc", name, matches, methods=known, base=base, why=f"{name} is abstract")


def _is_iterable(value: Any) -> bool:
    return isinstance(_data(value), (*_SIZED, IteratorObject, Tensor)) or _defines(value, "__iter__")


def _is_hashable(value: Any) -> bool:
    if isinstance(value, Instance) and value.data is not None and value.cls.lookup("__hash__") is MISSING:
        value = value.data
    return not isinstance(value, (*_UNHASHABLE, DictView, slice))


ITERABLE = _abc("Iterable", _is_iterable)
SIZED = _abc("Sized", _protocol(("__len__",), *_SIZED, Tensor))
CONTAINER = _abc("Container", _protocol(("__contains__",), *_SIZED, Tensor))
COLLECTION = _abc("Collection", _protocol(("__len__", "__iter__", "__contains__"), *_SIZED, Tensor), base=ITERABLE)
MAPPING = _abc("Mapping", _kind(dict), _MAPPING, COLLECTION)
SEQUENCE = _abc("Sequence", _kind(*_SEQUENCES), _SEQUENCE, COLLECTION)
SET = _abc("Set", lambda v: isinstance(_data(v), (set, frozenset)) or _is_view(v), base=COLLECTION)
ITERATOR = _abc("Iterator", _protocol(("__next__", "__iter__"), IteratorObject), base=ITERABLE)


def _is_view(value: Any) -> bool:
    return isinstance(value, DictView) and value.kind != "dict_values"


def _is_generator(value: Any) -> bool:
    return isinstance(value, IteratorObject) and value.kind == "generator"


ABSTRACT: dict[str, NativeType] = {
    "Iterable": ITERABLE, "Sized": SIZED, "Container": CONTAINER, "Collection": COLLECTION, "Mapping": MAPPING,
    "Sequence": SEQUENCE, "Set": SET, "Iterator": ITERATOR,
    "MutableMapping": _abc("MutableMapping", _kind(dict), _MUTABLE_MAPPING, MAPPING),
    "MutableSequence": _abc("MutableSequence", _kind(list, bytearray, deque), _MUTABLE_SEQUENCE, SEQUENCE),
    "MutableSet": _abc("MutableSet", _kind(set), base=SET),
    "ByteString": _abc("ByteString", _kind(bytes, bytearray), base=SEQUENCE),
    "Hashable": _abc("Hashable", _is_hashable), "Callable": _abc("Callable", _is_callable),
    "Generator": _abc("Generator", _is_generator, base=ITERATOR),
    "Reversible": _abc("Reversible", _protocol(("__reversed__",), *_SEQUENCES, dict), base=ITERABLE),
    "KeysView": _abc("KeysView", lambda v: isinstance(v, DictView) and v.kind == "dict_keys"),
    "ValuesView": _abc("ValuesView", lambda v: isinstance(v, DictView) and v.kind == "dict_values"),
    "ItemsView": _abc("ItemsView", lambda v: isinstance(v, DictView) and v.kind == "dict_items"),
    "MappingView": _abc("MappingView", lambda v: isinstance(v, DictView)),
    "Awaitable": _abc("Awaitable", _protocol(("__await__",))),
    "Coroutine": _abc("Coroutine", _protocol(("__await__", "send"))),
    "AsyncIterable": _abc("AsyncIterable", _protocol(("__aiter__",))),
    "AsyncIterator": _abc("AsyncIterator", _protocol(("__anext__", "__aiter__"))),
    "AsyncGenerator": _abc("AsyncGenerator", _protocol(("__anext__", "asend"))),
    "Buffer": _abc("Buffer", _kind(bytes, bytearray)),
}  # fmt: skip


# -- numbers -------------------------------------------------------------------------------------------------------------------

_NUMBER = native_type("numbers", "Number", _kind(int, float, complex, Sym, SymRatio))
_COMPLEX = native_type("numbers", "Complex", _kind(int, float, complex, Sym, SymRatio), base=_NUMBER)
_REAL = native_type("numbers", "Real", _kind(int, float, Sym, SymRatio), base=_COMPLEX)
_RATIONAL = native_type("numbers", "Rational", _kind(int, Sym), base=_REAL)
_INTEGRAL = native_type("numbers", "Integral", _kind(int, Sym), base=_RATIONAL)


# -- abc -------------------------------------------------------------------------------------------------------------------------


ABC = native_type("abc", "ABC", methods={"register": _REGISTER}, why="ABC is abstract")
ABC_META = native_type("abc", "ABCMeta", lambda v: isinstance(v, ClassObject), base=type)


@native("abc.abstractproperty")
def _abstract_property(
    interp: Interpreter, fget: Any = None, fset: Any = None, fdel: Any = None, doc: Any = None
) -> Any:
    return Property(fget, fset, fdel)


def _abc_module(interp: Interpreter) -> Namespace:
    return {
        "ABC": ABC, "ABCMeta": ABC_META, "abstractmethod": identity("abstractmethod"),
        "abstractproperty": _abstract_property,
        "abstractclassmethod": native("abstractclassmethod")(lambda interp, f: ClassMethod(f)),
        "abstractstaticmethod": native("abstractstaticmethod")(lambda interp, f: StaticMethod(f)),
        "update_abstractmethods": identity("update_abstractmethods"),
    }  # fmt: skip


MODULES: dict[str, Maker] = {
    "collections.abc": lambda interp: dict(ABSTRACT), "_collections_abc": lambda interp: dict(ABSTRACT),
    "abc": _abc_module,
    "numbers": lambda interp: {
        "Number": _NUMBER, "Complex": _COMPLEX, "Real": _REAL, "Rational": _RATIONAL, "Integral": _INTEGRAL,
    },
}  # fmt: skip
