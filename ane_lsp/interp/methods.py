"""Attributes, items and iteration of values of builtin types: text, numbers, containers, iterators."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.interp import absent, containers, state
from ane_lsp.interp.frames import UnknownIteration, item_of
from ane_lsp.interp.support import (
    LIMIT,
    DefaultDict,
    DictView,
    collect,
    concrete,
    find_unknown,
    host_call,
    index_of,
    need,
    spoil,
    spread,
    spreading,
    too_large,
    type_name,
)
from ane_lsp.interp.text import format_string, percent_format, to_repr, to_str
from ane_lsp.interp.values import MISSING, MORE, Builtin, Function, Instance, IteratorObject, OneOf, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

__all__ = ["TAKES_ANY", "attribute_of", "getitem", "iterate", "method", "percent_format", "setitem"]

# Methods that store what they are given: they take Unknown and OneOf as they are.
TAKES_ANY = frozenset(
    {"list.append", "list.insert", "list.extend", "dict.setdefault", "dict.update", "dict.get", "dict.pop", "deque.append", "deque.appendleft"}
)  # fmt: skip

_TEXT = frozenset(
    [
        "capitalize",
        "casefold",
        "center",
        "count",
        "encode",
        "endswith",
        "expandtabs",
        "find",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isprintable",
        "isspace",
        "istitle",
        "isupper",
        "ljust",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rjust",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "translate",
        "upper",
        "zfill",
    ]
)
_BYTES = (_TEXT - {"casefold", "encode", "isdecimal", "isidentifier", "isnumeric", "isprintable"}) | {"decode", "hex"}
_INT = frozenset({"bit_length", "bit_count", "to_bytes", "conjugate", "as_integer_ratio"})
_FLOAT = frozenset({"is_integer", "hex", "conjugate", "as_integer_ratio"})
_RANGE = frozenset({"index", "count"})
_HOST_METHODS: dict[type, frozenset[str]] = {
    str: _TEXT, bytes: _BYTES, bytearray: _BYTES, bool: _INT, int: _INT, float: _FLOAT, complex: frozenset({"conjugate"}),
    range: _RANGE, slice: frozenset({"indices"}),
}  # fmt: skip
_DATA: dict[type, frozenset[str]] = {
    int: frozenset({"real", "imag", "numerator", "denominator"}), bool: frozenset({"real", "imag", "numerator", "denominator"}),
    float: frozenset({"real", "imag"}), complex: frozenset({"real", "imag"}), range: frozenset({"start", "stop", "step"}),
    slice: frozenset({"start", "stop", "step"}), deque: frozenset({"maxlen"}), DefaultDict: frozenset({"default_factory"}),
}  # fmt: skip

# Attribute look-up for host types that a stdlib model brings along (re.Match, paths): (interp, obj, name) -> value.
_EXTRA: list[tuple[type | tuple[type, ...], Callable[[Any, Any, str], Any]]] = []


def attribute_of(kind: type | tuple[type, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the attribute look-up of a host type: ``fn(interp, obj, name)``, MISSING where there is none."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        _EXTRA.append((kind, fn))
        return fn

    return register


def method(interp: Interpreter, obj: Any, name: str) -> Any:
    """``obj.name`` for a value of builtin type (a bound method is a Builtin), or MISSING."""
    if isinstance(obj, tuple) and hasattr(obj, "_fields"):  # a field may be called `count` or `index`
        found = _record_attribute(interp, obj, name)
        if found is not MISSING:
            return found
    for kind in type(obj).__mro__:
        table = containers.TABLES.get(kind)
        if table is not None and name in table:
            return _bound(f"{kind.__name__}.{name}", table[name], obj)
        data = _DATA.get(kind)
        if data is not None and name in data:
            return getattr(obj, name)
        host = _HOST_METHODS.get(kind)
        if host is not None:
            if name in host:
                return _on_host(kind, name, obj)
            if kind is str or kind is bytes:
                special = _SPECIAL_TEXT.get(name)
                if special is not None:
                    return _bound(f"{kind.__name__}.{name}", special, obj)
            break
    if name == "numel" and type(obj) is tuple and all(isinstance(v, (int, Sym)) for v in obj):
        # Shapes are plain tuples here; torch.Size has this method.
        return Builtin("Size.numel", lambda interp, args, kwargs: dims.product(obj))
    if isinstance(obj, IteratorObject) and name in _ITERATOR:
        return _bound(f"{obj.kind}.{name}", _ITERATOR[name], obj)
    for extra, lookup in _EXTRA:
        if isinstance(obj, extra):
            return lookup(interp, obj, name)
    if name in _DUNDERS and (name in _ALWAYS or hasattr(type(obj), name)):
        return _bound(name, _DUNDERS[name], obj)
    if name == "__doc__":
        return None
    return MISSING


# Methods of containers and texts that only answer: a OneOf among their arguments is spread.
_ANSWERS = frozenset(
    {"format"}
    | {"index", "count", "join", "union", "intersection", "difference", "issubset", "issuperset", "isdisjoint"}
)


def _bound(name: str, fn: Callable[..., Any], obj: Any) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return fn(interp, obj, *args, **kwargs)

    checked = _checked(name, fn, obj, run)
    if name.rpartition(".")[2] in _ANSWERS:
        return spreading(name, checked)
    if name.endswith(".get") and isinstance(obj, dict):
        return Builtin(name, lambda interp, args, kwargs: _get_any(interp, args, kwargs, checked))
    return Builtin(name, checked)


def _get_any(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any], get: Callable[..., Any]) -> Any:
    """``dict.get`` for one of several keys; the default is given back as it is."""
    if not args or args[0].__class__ is not OneOf:
        return get(interp, args, kwargs)
    return spread(interp, args[:1], {}, lambda interp, key, _: get(interp, (*key, *args[1:]), kwargs))


def _checked(name: str, fn: Callable[..., Any], obj: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """`run`, where a call that does not fit the signature raises the program's TypeError."""
    from ane_lsp.interp.support import _signature

    def checked(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return run(interp, args, kwargs)
        except TypeError as error:
            signature = _signature(fn)
            if signature is not None:
                try:
                    signature.bind(interp, obj, *args, **kwargs)
                except TypeError:
                    raise PyRaise(TypeError(f"{name}() {error}")) from None
            raise

    return checked


def _on_host(kind: type, name: str, obj: Any) -> Builtin:
    label = f"{kind.__name__}.{name}"

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = tuple(concrete(a) for a in args)
        named = {k: concrete(v) for k, v in kwargs.items()}
        if not all(type(a) in (str, int) for a in given) or named:
            lost = need(interp, f"{label}()", *given, *named.values())
            if lost is not None:
                return lost
        if name in ("center", "ljust", "rjust", "zfill", "to_bytes", "expandtabs"):
            if any(isinstance(a, int) and abs(a) > LIMIT for a in (*given, *named.values())):
                return too_large(interp, "the text")
            if name == "expandtabs" and len(obj) * max([8, *(a for a in given if isinstance(a, int))]) > LIMIT:
                return too_large(interp, "the text")
        if name == "replace" and len(given) >= 2 and all(isinstance(g, (str, bytes)) for g in given[:2]):
            if len(obj) + (len(obj) + 1) * len(given[1]) > LIMIT and obj.count(given[0]) * len(given[1]) > LIMIT:
                return too_large(interp, "the text")
        return host_call(interp, "the text", getattr(obj, name), *given, **named)

    return spreading(label, run)


# -- text with interpreter values in it ----------------------------------------------------------------------------------


def _join(interp: Interpreter, separator: Any, iterable: Any, /) -> Any:
    parts = collect(interp, iterable, "the text")
    if isinstance(parts, Unknown):
        return parts
    texts = []
    total = 0
    for position, part in enumerate(parts):
        text = concrete(part)
        if isinstance(text, (Unknown, OneOf)):
            return interp.unknown("a text joined from an unknown part", text if isinstance(text, Unknown) else None)
        if not isinstance(text, type(separator)):
            wanted = "str instance" if isinstance(separator, str) else "a bytes-like object"
            interp.raise_(TypeError, f"sequence item {position}: expected {wanted}, {type_name(part)} found")
        texts.append(text)
        total += len(text) + len(separator)
    return too_large(interp, "the text") if total > LIMIT else separator.join(texts)


def _format(interp: Interpreter, template: str, /, *args: Any, **kwargs: Any) -> Any:
    return format_string(interp, template, args, kwargs)


def _format_map(interp: Interpreter, template: str, mapping: Any, /) -> Any:
    mapping = concrete(mapping)
    if not isinstance(mapping, dict) or not all(isinstance(k, str) for k in mapping):
        return interp.unknown("str.format_map() of something that is not a plain dict", find_unknown(mapping))
    return format_string(interp, template, (), mapping)


_SPECIAL_TEXT: dict[str, Callable[..., Any]] = {"join": _join, "format": _format, "format_map": _format_map}


# -- named tuples ---------------------------------------------------------------------------------------------------------


def _record_attribute(interp: Interpreter, obj: Any, name: str) -> Any:
    kind = type(obj)
    if name in kind._fields:
        return tuple.__getitem__(obj, kind._fields.index(name))
    if name == "_fields":
        return kind._fields
    if name == "_field_defaults":
        return dict(kind._field_defaults)
    if name == "_asdict":
        return Builtin("_asdict", lambda interp, args, kwargs: dict(zip(kind._fields, obj)))
    if name == "_make":
        return Builtin("_make", lambda interp, args, kwargs: host_call(interp, "", kind, *interp.iterate(args[0])))
    if name == "_replace":

        def replace(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            extra = [k for k in kwargs if k not in kind._fields]
            if extra:
                interp.raise_(ValueError, f"Got unexpected field names: {extra!r}")
            return kind(**{**dict(zip(kind._fields, obj)), **kwargs})

        return Builtin("_replace", replace)
    return MISSING


# -- iterators --------------------------------------------------------------------------------------------------------------


def _step(interp: Interpreter, iterator: IteratorObject) -> Any:
    try:
        return next_of(interp, iterator)
    except StopIteration:
        raise PyRaise(StopIteration()) from None


def next_of(interp: Interpreter, iterator: IteratorObject) -> Any:
    """The next item; where it may be absent, it may be one of those after it. Raises StopIteration."""
    item = next(iterator.source)
    if not absent.optional(item):
        return item
    lost = Unknown(absent.NUMBER, interp.here(), item=state.likeness([item, *iterator.source]))

    def rest() -> Iterator[Any]:
        raise UnknownIteration(lost)
        yield

    iterator.source = rest()
    return item_of(lost, lost.span)


def _send(interp: Interpreter, iterator: IteratorObject, value: Any) -> Any:
    if iterator.send is None:
        return interp.raise_(AttributeError, f"'{iterator.kind}' object has no attribute 'send'")
    try:
        return iterator.send(value)
    except StopIteration:
        raise PyRaise(StopIteration()) from None


def _close(interp: Interpreter, iterator: IteratorObject) -> None:
    iterator.source = iter(())


_ITERATOR: dict[str, Callable[..., Any]] = {
    "__next__": _step, "__iter__": lambda interp, iterator: iterator, "send": _send, "close": _close,
    "throw": lambda interp, iterator, *args: interp.unknown("generator.throw() is not modelled"),
    "__enter__": lambda interp, iterator: iterator,
}  # fmt: skip


# -- special methods --------------------------------------------------------------------------------------------------------


def _init(interp: Interpreter, obj: Any, *args: Any, **kwargs: Any) -> None:
    """``list.__init__`` and the like: new contents for a mutable container."""
    from ane_lsp.interp.construct import construct

    if isinstance(obj, (list, dict, set, deque)):
        made = construct(interp, type(obj), args, kwargs)
        if isinstance(made, Unknown):
            spoil(interp, obj, made.reason)
            return
        interp.touch(obj)
        state.restore(obj, made)


def _compare(symbol: str) -> Callable[..., Any]:
    return lambda interp, obj, other: interp.compare(symbol, obj, other)


def _operate(symbol: str, swapped: bool) -> Callable[..., Any]:
    if swapped:
        return lambda interp, obj, other: interp.binary(symbol, other, obj)
    return lambda interp, obj, other: interp.binary(symbol, obj, other)


def _not_equal(interp: Interpreter, obj: Any, other: Any) -> Any:
    verdict = interp.truth(interp.equal(obj, other))
    return verdict if isinstance(verdict, Unknown) else not verdict


_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "and": "&", "or": "|",
    "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
_DUNDERS: dict[str, Callable[..., Any]] = {
    "__getitem__": lambda interp, obj, key: interp.getitem(obj, key),
    "__setitem__": lambda interp, obj, key, value: interp.setitem(obj, key, value),
    "__delitem__": lambda interp, obj, key: interp.delitem(obj, key),
    "__contains__": lambda interp, obj, item: interp.contains(obj, item),
    "__len__": lambda interp, obj: len(obj),
    "__iter__": lambda interp, obj: IteratorObject(interp.iterate(obj)),
    "__eq__": lambda interp, obj, other: interp.equal(obj, other),
    "__ne__": _not_equal,
    "__lt__": _compare("<"), "__le__": _compare("<="), "__gt__": _compare(">"), "__ge__": _compare(">="),
    "__hash__": lambda interp, obj: interp.unknown("the hash of a value differs between runs"),
    "__repr__": lambda interp, obj: to_repr(interp, obj),
    "__str__": lambda interp, obj: to_str(interp, obj),
    "__format__": lambda interp, obj, spec: interp.call(interp.getattr(to_str(interp, obj), "__format__"), (spec,), {}),
    "__bool__": lambda interp, obj: interp.truth(obj),
    "__init__": _init,
    "__neg__": lambda interp, obj: interp.unary("-", obj),
    "__pos__": lambda interp, obj: interp.unary("+", obj),
    "__invert__": lambda interp, obj: interp.unary("~", obj),
    "__int__": lambda interp, obj: int(obj), "__index__": lambda interp, obj: int(obj),
    "__float__": lambda interp, obj: float(obj), "__abs__": lambda interp, obj: abs(obj),
    **{f"__{name}__": _operate(symbol, False) for name, symbol in _OPERATORS.items()},
    **{f"__r{name}__": _operate(symbol, True) for name, symbol in _OPERATORS.items()},
}  # fmt: skip
_ALWAYS = frozenset({"__eq__", "__ne__", "__repr__", "__str__", "__hash__", "__init__"})


# -- items ------------------------------------------------------------------------------------------------------------------


def _bounds(interp: Interpreter, key: slice) -> Any:
    """A slice with plain bounds, or Unknown."""
    parts: list[Any] = []
    for part in (key.start, key.stop, key.step):
        if part is not None:
            part = index_of(interp, part)
            if isinstance(part, Unknown):
                return interp.unknown("a slice with an unknown bound", part)
            if isinstance(part, Sym):
                return interp.unknown(f"a slice up to the symbolic size {part}")
        parts.append(part)
    return slice(*parts)


def getitem(interp: Interpreter, obj: Any, key: Any) -> Any:
    """``obj[key]`` for sequences and the like; dicts are the machine's."""
    if isinstance(obj, (list, tuple, str, bytes, bytearray, range)):
        if interp.gaps and isinstance(obj, (list, tuple)) and absent.gappy(obj):
            return _among_gaps(interp, obj, key)
        if type(key) is int:
            if -len(obj) <= key < len(obj):
                return obj[key] if type(obj) in (list, tuple, str) else _item(interp, obj, key)
            return interp.raise_(IndexError, f"{type_name(obj)} index out of range")
        return _sequence_item(interp, obj, key)
    if isinstance(obj, deque):
        if interp.gaps and absent.gappy(obj):
            return _among_gaps(interp, list(obj), key)
        index = index_of(interp, key)
        if isinstance(index, int):
            return host_call(interp, "the item", obj.__getitem__, index)
        return interp.unknown("an item at an unknown position", find_unknown(index))
    if isinstance(obj, Unknown):
        return interp.unknown("an item of an unknown value", obj)
    found: Any = method(interp, obj, "__getitem__") if not isinstance(obj, Instance) else MISSING
    if isinstance(found, Builtin) and found.name != "__getitem__":
        return interp.call(found, (key,), {})
    if isinstance(obj, Function) and getattr(obj.node, "decorator_list", None):  # a kernel: `run[grid](x)`
        return interp.unknown(f"an item of {obj.name}: what its decorator makes of it is not known")
    return interp.raise_(TypeError, f"'{type_name(obj)}' object is not subscriptable")


def _among_gaps(interp: Interpreter, items: Any, key: Any) -> Any:
    """``items[key]`` where some of the items may be absent."""
    if isinstance(key, slice):
        bounds = _bounds(interp, key)
        where = absent.cut(items, bounds) if isinstance(bounds, slice) else None
        return items[where] if where is not None else interp.uncounted(items)
    index = index_of(interp, key)
    found = absent.candidates(items, index) if isinstance(index, int) else [absent.present(item) for item in items]
    if not found:
        return interp.raise_(IndexError, f"{type_name(items)} index out of range")
    return state.join(found, absent.NUMBER, interp.here())


def position(items: Any, index: int) -> int | None:
    """Where ``items[index]`` is for certain."""
    held = list(items)
    return absent.place(held, index) if index >= 0 else absent.place_from_end(held, index)


def delete_among_gaps(interp: Interpreter, items: list[Any], key: Any) -> None:
    """``del items[key]`` where some of the items may be absent."""
    if isinstance(key, slice):
        bounds = _bounds(interp, key)
        where: Any = absent.cut(items, bounds) if isinstance(bounds, slice) else None
    else:
        index = index_of(interp, key)
        where = position(items, index) if isinstance(index, int) else None
    interp.touch(items)
    if where is not None:
        del items[where]
    else:  # any of them may be the one
        items[:] = [absent.perhaps(item) for item in items]


def _item(interp: Interpreter, obj: Any, key: int) -> Any:
    return host_call(interp, "the item", obj.__getitem__, key)


def _sequence_item(interp: Interpreter, obj: Any, key: Any) -> Any:
    if isinstance(key, slice):
        bounds = _bounds(interp, key)
        if isinstance(bounds, Unknown):
            return bounds
        return host_call(interp, "the slice", lambda: obj[bounds])
    if key is None or isinstance(key, (str, float, tuple, list)):
        kind = "string indices" if isinstance(obj, str) else f"{type_name(obj)} indices"
        wanted = "integers" if isinstance(obj, str) else "integers or slices"
        return interp.raise_(TypeError, f"{kind} must be {wanted}, not {type_name(key)}")
    index = index_of(interp, key)
    if isinstance(index, int):
        return getitem(interp, obj, index)
    if isinstance(obj, (list, tuple)) and 0 < len(obj) <= 4:
        return state.join(list(obj), "an item at an unknown position", interp.unknown("").span)
    cause = index if isinstance(index, Unknown) else None
    return interp.unknown(f"an item at an unknown position of a {type_name(obj)}", cause)


def setitem(interp: Interpreter, obj: Any, key: Any, value: Any) -> None:
    """``obj[key] = value`` for lists and deques."""
    if isinstance(obj, Unknown):
        return
    if not isinstance(obj, (list, deque, bytearray)):
        interp.raise_(TypeError, f"'{type_name(obj)}' object does not support item assignment")
    if isinstance(key, slice):
        bounds = _bounds(interp, key)
        items = collect(interp, value, "the assigned items", gaps=True)
        if interp.gaps and isinstance(bounds, slice) and absent.gappy(obj):
            bounds = absent.cut(obj, bounds) or interp.unknown(absent.NUMBER)
        if isinstance(bounds, Unknown) or isinstance(items, Unknown):
            spoil(interp, obj, "an assignment to an unknown slice")
            return
        interp.touch(obj)
        host_call(interp, "the list", obj.__setitem__, bounds, items)
        return
    if isinstance(key, (Unknown, OneOf)):
        if isinstance(obj, list):
            interp.touch(obj)
            obj[:] = [state.join([old, value]) for old in obj]
        return
    index = index_of(interp, key)
    if not isinstance(index, int):
        spoil(interp, obj, "an assignment at an unknown position")
        return
    if interp.gaps and absent.gappy(obj):
        where = position(obj, index)
        if where is None:
            interp.touch(obj)
            kept = [absent.like(old, state.join([absent.present(old), value])) for old in obj]
            state.restore(obj, kept)
            return
        index = where
    interp.touch(obj)
    host_call(interp, "the list", obj.__setitem__, index, value)


def iterate(interp: Interpreter, value: Any) -> Iterator[Any] | None:
    """The items of a value of builtin type that the machine does not know itself; None where it is not iterable."""
    if isinstance(value, (dict, set, frozenset, deque, list)):
        if MORE in value and isinstance(value, dict):
            raise UnknownIteration(containers.uncounted_keys(interp))
        return iter(list(value))
    if isinstance(value, (tuple, DictView, bytearray, Counter)):
        return iter(value)
    return None
