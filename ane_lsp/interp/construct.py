"""Calling a builtin type: ``int(x)``, ``list(it)``, ``dict(a=1)``, ``type(x)``, ``range(...)``, ``ValueError("...")``."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp import symbolic
from ane_lsp.interp.absent import optional, perhaps, present
from ane_lsp.interp.state import join
from ane_lsp.interp.support import (
    HOST_ERRORS,
    LIMIT,
    DefaultDict,
    collect,
    concrete,
    find_unknown,
    host_call,
    index_of,
    need,
    plain,
    spread,
    too_large,
    type_name,
)
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.tensors import has_one_element
from ane_lsp.interp.text import to_str
from ane_lsp.interp.values import (
    MISSING,
    ClassMethod,
    ClassObject,
    Instance,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Property,
    PyRaise,
    StaticMethod,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
_MAX_DIGITS = 4300  # what Python itself reads


def construct(interp: Interpreter, cls: type, args: Args, kwargs: Kwargs) -> Any:
    """The value of ``cls(*args, **kwargs)``; Unknown where an argument that decides it is not known."""
    maker = _MAKERS.get(cls)
    if maker is not None:
        if args and args[0].__class__ is OneOf and cls in _CONVERSIONS:
            rest = args[1:]
            return spread(interp, args[:1], {}, lambda interp, one, _: maker(interp, (*one, *rest), kwargs))
        made = maker(interp, args, kwargs)
        return interp.make(made) if interp.journals and isinstance(made, (list, dict, set, deque)) else made
    if isinstance(cls, type):
        if issubclass(cls, BaseException):
            return _exception(interp, cls, args, kwargs)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return host_call(interp, cls.__name__, cls, *args, **kwargs)
        if issubclass(cls, PurePath):
            return _path(interp, args, kwargs)
    return interp.unknown(f"{getattr(cls, '__name__', cls)}() is not modelled")


def _arity(interp: Interpreter, name: str, args: Args, kwargs: Kwargs, least: int, most: int) -> None:
    if kwargs:
        interp.raise_(TypeError, f"{name}() takes no keyword arguments")
    if not least <= len(args) <= most:
        interp.raise_(TypeError, f"{name} expected at most {most} arguments, got {len(args)}")


def _unknown(interp: Interpreter, name: str, value: Any) -> Unknown:
    return interp.unknown(f"{name}() of an unknown value", value if isinstance(value, Unknown) else find_unknown(value))


def to_int(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    if "base" in kwargs:
        args = (*args, kwargs["base"])
    elif kwargs:
        return interp.raise_(TypeError, "int() got an unexpected keyword argument")
    _arity(interp, "int", args, {}, 0, 2)
    if not args:
        return 0
    value = concrete(args[0])
    if len(args) == 2:
        lost = need(interp, "int()", *args)
        return lost if lost is not None else host_call(interp, "the number", int, value, args[1])
    if isinstance(value, (str, bytes)):
        if len(value) > _MAX_DIGITS:
            return too_large(interp, "the number")
        return host_call(interp, "the number", int, value)
    if isinstance(value, (bool, int, float)):
        return host_call(interp, "the number", int, value)
    if isinstance(value, (Sym, SymRatio)):
        whole = symbolic.truncate(value)
        return whole if whole is not None else interp.unknown(f"the sign of the symbolic {value} is not known")
    if isinstance(value, Unknown):
        return replace(_unknown(interp, "int", value), number=True)
    if isinstance(value, Tensor):
        return _of_item(interp, value, to_int, "__int__")
    for name in ("__int__", "__index__", "__trunc__"):
        method = interp.lookup_attribute(value, name) if isinstance(value, Instance) else MISSING
        if method is not MISSING:
            return interp.call(method, (), {})
    message = f"int() argument must be a string, a bytes-like object or a real number, not '{type_name(value)}'"
    return interp.raise_(TypeError, message)


def _of_item(interp: Interpreter, tensor: Tensor, make: Callable[..., Any], method: str) -> Any:
    if has_one_element(tensor) is False:
        return interp.torch_method(f"torch.Tensor.{method}", (tensor,))  # which refuses it
    item = interp.call(interp.getattr(tensor, "item"), (), {})
    if isinstance(item, Tensor):
        return interp.unknown("the value of a tensor")
    interp.taken_out(method, tensor, item)
    return make(interp, (item,), {})


def to_float(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "float", args, kwargs, 0, 1)
    if not args:
        return 0.0
    value = concrete(args[0])
    if isinstance(value, (bool, int, float, str, bytes)):
        return host_call(interp, "the number", float, value)
    if isinstance(value, Sym):
        return SymRatio(value, 1)
    if isinstance(value, SymRatio):
        return value
    if isinstance(value, Unknown):
        return replace(_unknown(interp, "float", value), number=True)
    if isinstance(value, Tensor):
        return _of_item(interp, value, to_float, "__float__")
    for name in ("__float__", "__index__"):
        method = interp.lookup_attribute(value, name) if isinstance(value, Instance) else MISSING
        if method is not MISSING:
            return interp.call(method, (), {})
    message = f"float() argument must be a string or a real number, not '{type_name(value)}'"
    return interp.raise_(TypeError, message)


def _complex(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    lost = need(interp, "complex()", *args, *kwargs.values())
    return lost if lost is not None else host_call(interp, "the number", complex, *args, **kwargs)


def _bool(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "bool", args, kwargs, 0, 1)
    return interp.truth(args[0]) if args else False


def _str(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    if len(args) + len(kwargs) > 1:
        lost = need(interp, "str()", *args, *kwargs.values())
        return lost if lost is not None else host_call(interp, "the text", str, *args, **kwargs)
    value = args[0] if args else kwargs.get("object", "")
    return to_str(interp, value)


def _bytes(kind: type) -> Callable[..., Any]:
    def make(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
        if args and type(args[0]) is int and args[0] > LIMIT:
            return too_large(interp, "the bytes")
        if args and isinstance(args[0], (list, tuple, range)):
            args = (list(args[0][:LIMIT]), *args[1:])
        lost = need(interp, f"{kind.__name__}()", *args, *kwargs.values())
        if lost is not None:
            return lost
        return host_call(interp, "the bytes", kind, *args, **kwargs)

    return make


def _list(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "list", args, kwargs, 0, 1)
    if args and isinstance(args[0], Unknown) and args[0].item is not None:
        return args[0]
    return collect(interp, args[0], "the list", gaps=True) if args else []


def _tuple(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "tuple", args, kwargs, 0, 1)
    if not args:
        return ()
    if type(args[0]) is tuple or (isinstance(args[0], Unknown) and args[0].item is not None):
        return args[0]
    items = collect(interp, args[0], "the tuple", gaps=True)
    return items if isinstance(items, Unknown) else tuple(items)


def hashable_key(interp: Interpreter, key: Any) -> Any:
    """`key` as a dict key; raises the program's TypeError for an unhashable one."""
    try:
        hash(key)
    except TypeError as error:
        raise PyRaise(TypeError(str(error))) from None
    return key


def _set(kind: type) -> Callable[..., Any]:
    def make(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
        _arity(interp, kind.__name__, args, kwargs, 0, 1)
        if not args:
            return kind()
        items = collect(interp, args[0], "the set", gaps=True)
        if isinstance(items, Unknown):
            return items
        for item in items:
            if isinstance(present(item), (Unknown, OneOf)):
                return _unknown(interp, kind.__name__, item)
        return host_call(interp, "the set", kind, items)

    return make


def fill_dict(interp: Interpreter, target: dict[Any, Any], args: Args, kwargs: Kwargs) -> Unknown | None:
    """What ``dict.update`` does; Unknown where a key or the source is not known (then `target` is unchanged)."""
    _arity(interp, "dict", args, {}, 0, 1)
    made: list[tuple[Any, Any]] = []
    if args:
        source = concrete(args[0])
        if isinstance(source, Unknown):
            return _unknown(interp, "dict", source)
        if isinstance(source, dict):
            made += source.items()
        elif isinstance(source, Instance) and interp.lookup_attribute(source, "keys") is not MISSING:
            keys = interp.call(interp.getattr(source, "keys"), (), {})
            made += [(key, interp.getitem(source, key)) for key in interp.iterate(keys)]
        else:
            pairs = collect(interp, source, "the dict", gaps=True)
            if isinstance(pairs, Unknown):
                return pairs
            for position, pair in enumerate(pairs):
                gap, pair = optional(pair), present(pair)
                if isinstance(pair, (Unknown, OneOf)):
                    return _unknown(interp, "dict", pair)
                if not isinstance(pair, (list, tuple, str, Instance)) and not hasattr(pair, "__iter__"):
                    message = f"cannot convert dictionary update sequence element #{position} to a sequence"
                    interp.raise_(TypeError, message)
                items = list(interp.iterate(pair))
                if len(items) != 2:
                    text = f"dictionary update sequence element #{position} has length {len(items)}; 2 is required"
                    interp.raise_(ValueError, text)
                made.append((items[0], perhaps(items[1]) if gap else items[1]))
    for key, _ in made:
        if isinstance(key, (Unknown, OneOf)):
            return _unknown(interp, "dict", key)
        hashable_key(interp, key)
    made += kwargs.items()
    if made:
        interp.touch(target)
        for key, value in made:
            target[key] = join([target[key], present(value)]) if optional(value) and key in target else value
    return None


def _dict(kind: type) -> Callable[..., Any]:
    def make(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
        target = kind()
        lost = fill_dict(interp, target, args, kwargs)
        return target if lost is None else lost

    return make


def _default_dict(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    target = DefaultDict(interp, args[0] if args else None)
    lost = fill_dict(interp, target, args[1:], kwargs)
    return target if lost is None else lost


def _counter(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    target: Counter[Any] = Counter()
    lost = fill_counter(interp, target, args, kwargs, 1)
    return target if lost is None else lost


def fill_counter(interp: Interpreter, target: Counter[Any], args: Args, kwargs: Kwargs, sign: int) -> Unknown | None:
    """What ``Counter.update`` (sign 1) and ``subtract`` (-1) do."""
    counts: list[tuple[Any, Any]] = list(kwargs.items())
    if args and args[0] is not None:
        source = concrete(args[0])
        if isinstance(source, dict):
            counts += source.items()
        else:
            items = collect(interp, source, "the counter")
            if isinstance(items, Unknown):
                return items
            counts += [(item, 1) for item in items]
    for key, count in counts:
        if isinstance(key, (Unknown, OneOf)) or not isinstance(count, (int, float)):
            return _unknown(interp, "Counter", key)
        hashable_key(interp, key)
    interp.touch(target)
    for key, count in counts:
        target[key] = target.get(key, 0) + sign * count
    return None


def _deque(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    maxlen = kwargs.get("maxlen", args[1] if len(args) > 1 else None)
    source = args[0] if args else kwargs.get("iterable", ())
    if isinstance(maxlen, Unknown):
        return _unknown(interp, "deque", maxlen)
    items = collect(interp, source, "the deque", gaps=True)
    return items if isinstance(items, Unknown) else host_call(interp, "the deque", deque, items, maxlen)


def _range(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "range", args, kwargs, 1, 3)
    bounds = [index_of(interp, a) for a in args]
    for bound in bounds:
        if isinstance(bound, Unknown):
            return _numbers(interp, "range() over an unknown number", bound)
    for bound in bounds:
        if isinstance(bound, Sym):
            return _numbers(interp, f"range() over the symbolic size {bound}")
    return host_call(interp, "the range", range, *bounds)


def _numbers(interp: Interpreter, reason: str, cause: Unknown | None = None) -> Unknown:
    """A range nobody knows the end of."""
    number = Unknown("a number of a range whose end is not known", interp.here(), number=True)
    return Unknown(reason, interp.here(), cause, number)


def _slice(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    _arity(interp, "slice", args, kwargs, 1, 3)
    return slice(*args)


def _type(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    if len(args) == 1:
        if isinstance(args[0], (Unknown, OneOf)):
            return _unknown(interp, "type", args[0])
        return interp.type_of(args[0])
    if len(args) != 3:
        return interp.raise_(TypeError, "type() takes 1 or 3 arguments")
    name, bases, namespace = args
    return make_class(interp, name, bases, namespace)


def make_class(interp: Interpreter, name: Any, bases: Any, namespace: Any) -> Any:
    """``type(name, bases, namespace)``."""
    name = concrete(name)
    if not isinstance(name, str) or not isinstance(bases, tuple) or not isinstance(namespace, dict):
        return interp.unknown("a class made from unknown parts", find_unknown([name, bases]))
    if not all(isinstance(k, str) for k in namespace):
        return interp.unknown("a class with attributes whose names are not known")
    from ane_lsp.interp.classes import order

    kept = tuple(b for b in bases if not isinstance(b, Opaque))
    module = interp.frame.module
    cls = ClassObject(name, name, kept, dict(namespace), module)
    order(cls)
    parents = [b for b in cls.mro[1:] if isinstance(b, ClassObject)]
    cls.metaclass = next((b.metaclass for b in parents if b.metaclass is not type), type)
    interp.class_attributes_created(cls)
    for parent in parents:
        hook = parent.namespace.get("__init_subclass__")
        if hook is not None:
            interp.call(hook.func if isinstance(hook, ClassMethod) else hook, (cls,), {})
            break
    return cls


def _property(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    given = dict(zip(("fget", "fset", "fdel", "doc"), args), **kwargs)
    return Property(given.get("fget"), given.get("fset"), given.get("fdel"))


def _object(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    if args or kwargs:
        return interp.raise_(TypeError, "object() takes no arguments")
    return object()


def _exception(interp: Interpreter, cls: type, args: Args, kwargs: Kwargs) -> Any:
    if issubclass(cls, OSError):
        # The host derives the subclass and the text from errno: only for plain arguments.
        if not all(plain(a) for a in args):
            args = tuple(a if plain(a) else "?" for a in args)
    try:
        return cls(*args, **kwargs)
    except HOST_ERRORS as error:
        raise PyRaise(error) from None


def _path(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    parts: list[Any] = []
    for arg in args:
        part = concrete(arg)
        if isinstance(part, (Unknown, OneOf)):
            return interp.unknown("a path with an unknown part", part if isinstance(part, Unknown) else None)
        if not isinstance(part, (str, PurePath)):
            return interp.raise_(TypeError, f"expected str, bytes or os.PathLike object, not {type_name(part)}")
        parts.append(part)
    return host_call(interp, "the path", PurePosixPath, *parts)


def _module_type(interp: Interpreter, args: Args, kwargs: Kwargs) -> Any:
    if not args or not isinstance(args[0], str):
        return interp.unknown("a module with an unknown name")
    made = ModuleObject(args[0], None)
    made.state = "done"
    made.namespace["__name__"] = args[0]
    return made


_MAKERS: dict[Any, Callable[..., Any]] = {
    int: to_int, float: to_float, complex: _complex, bool: _bool, str: _str, bytes: _bytes(bytes),
    bytearray: _bytes(bytes), list: _list, tuple: _tuple, set: _set(set), frozenset: _set(frozenset),
    dict: _dict(dict), OrderedDict: _dict(OrderedDict), DefaultDict: _default_dict, Counter: _counter, deque: _deque,
    range: _range, slice: _slice, type: _type, property: _property, object: _object,
    classmethod: lambda interp, args, kwargs: ClassMethod(*args[:1]),
    staticmethod: lambda interp, args, kwargs: StaticMethod(*args[:1]),
    ModuleObject: _module_type, PurePosixPath: lambda interp, args, kwargs: _path(interp, args, kwargs),
}  # fmt: skip

_CONVERSIONS = frozenset(
    {int, float, complex, bool, str, bytes, list, tuple, set, frozenset, dict, range, PurePosixPath}
)

__all__ = [
    "ClassObject",
    "NativeType",
    "construct",
    "fill_counter",
    "fill_dict",
    "hashable_key",
    "make_class",
    "to_float",
    "to_int",
]
