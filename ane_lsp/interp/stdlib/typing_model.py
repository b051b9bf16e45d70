"""``typing`` and ``typing_extensions``: names without effect, aliases that are the builtin they stand for, NamedTuple, TypedDict."""

from __future__ import annotations

import ast
from collections import Counter, OrderedDict, deque, namedtuple
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.stdlib.abstract import ABSTRACT
from ane_lsp.interp.stdlib.common import Maker, Namespace, identity, native_type
from ane_lsp.interp.support import DefaultDict, find_unknown, host_call, native
from ane_lsp.interp.values import (
    Builtin,
    ClassObject,
    Function,
    Instance,
    LiteralOf,
    ModuleObject,
    NativeType,
    Opaque,
    UnionOf,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_OPAQUE = [
    "Any",
    "Union",
    "Optional",
    "Literal",
    "Final",
    "ClassVar",
    "Annotated",
    "NoReturn",
    "Never",
    "Self",
    "Concatenate",
    "ParamSpec",
    "TypeVar",
    "TypeVarTuple",
    "Unpack",
    "TypeAlias",
    "TypeGuard",
    "TypeIs",
    "Generic",
    "Protocol",
    "AnyStr",
    "Required",
    "NotRequired",
    "ReadOnly",
    "ForwardRef",
    "SupportsInt",
    "SupportsFloat",
    "SupportsIndex",
    "SupportsAbs",
    "SupportsBytes",
    "SupportsComplex",
    "SupportsRound",
    "BinaryIO",
    "TextIO",
    "IO",
    "LiteralString",
    "Pattern",
    "Match",
    "TypeAliasType",
    "Doc",
    "Sentinel",
    "ContextManager",
    "AsyncContextManager",
]
_ALIASES: dict[str, Any] = {
    "List": list, "Dict": dict, "Tuple": tuple, "Set": set, "FrozenSet": frozenset, "Type": type, "Text": str,
    "DefaultDict": DefaultDict, "OrderedDict": OrderedDict, "Counter": Counter, "Deque": deque, "AbstractSet": ABSTRACT["Set"],
}  # fmt: skip


def record_type(interp: Interpreter, name: Any, fields: Any, defaults: Any = (), rename: bool = False) -> Any:
    """A named tuple type: the host's own, whose fields hold interpreter values."""
    return host_call(interp, "the type", namedtuple, name, fields, rename=rename, defaults=defaults)


def _annotated(cls: ClassObject) -> list[str]:
    return list(cls.namespace.get("__annotations__", {}))


@native("NamedTuple.__class_created__")
def _record_class(interp: Interpreter, cls: Any) -> None:
    if NAMED_TUPLE not in cls.bases:
        return
    fields = _annotated(cls)
    given = [f for f in fields if f in cls.namespace]
    record = record_type(interp, cls.name, fields, [cls.namespace[f] for f in given])
    if isinstance(record, Unknown):
        return
    for field in given:
        del cls.namespace[field]
    cls.mro = (*cls.mro, record, tuple)
    cls.native_base = record


def _make_record(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``NamedTuple("P", [("x", int)])``."""
    name = args[0] if args else None
    fields = args[1] if len(args) > 1 else list(kwargs.items())
    if find_unknown([name, fields]) is not None:
        return interp.unknown("a named tuple with unknown fields", find_unknown([name, fields]))
    return record_type(interp, name, [next(iter(interp.iterate(f))) for f in interp.iterate(fields)])


NAMED_TUPLE = NativeType(
    "NamedTuple", "typing", _make_record, lambda v: isinstance(v, tuple) and hasattr(v, "_fields"),
    {"__class_created__": _record_class},
)  # fmt: skip


@native("TypedDict.__class_call__")
def _typed_dict_call(interp: Interpreter, cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    return interp.call(dict, args, kwargs)


TYPED_DICT = NativeType(
    "TypedDict", "typing", lambda interp, args, kwargs: dict, lambda v: False, {"__class_call__": _typed_dict_call}
)


@native("typing.cast")
def _cast(interp: Interpreter, typ: Any, val: Any) -> Any:
    return val


@native("typing.NewType")
def _new_type(interp: Interpreter, name: Any, tp: Any) -> Any:
    return identity(str(name))


@native("typing.get_type_hints")
def _get_type_hints(interp: Interpreter, obj: Any, *args: Any, **kwargs: Any) -> Any:
    hints: dict[str, Any] = {}
    if isinstance(obj, Instance):
        obj = obj.cls
    if isinstance(obj, ClassObject):
        for cls in reversed(obj.mro):
            if isinstance(cls, ClassObject):
                hints.update(cls.namespace.get("__annotations__", {}))
        return hints
    if isinstance(obj, ModuleObject):
        return dict(obj.namespace.get("__annotations__", {}))
    if isinstance(obj, Function):
        return _function_hints(interp, obj)
    return interp.unknown("the type hints of something not modelled", obj if isinstance(obj, Unknown) else None)


def _function_hints(interp: Interpreter, func: Function) -> dict[str, Any]:
    """The classes that annotations name; what else they say is not taken apart."""
    frame = func.closure or interp.frame_in(func.module)
    found = {}
    args = func.node.args
    for name, note in (
        *((arg.arg, arg.annotation) for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)),
        ("return", getattr(func.node, "returns", None)),
    ):
        if note is None:
            continue
        kind = interp.annotation(note, frame) if isinstance(note, (ast.Name, ast.Attribute)) else None
        known = isinstance(kind, (type, ClassObject, NativeType))
        found[name] = kind if known else interp.unknown(f"the annotation of `{name}` is not taken apart")
    return found


_UNCLEAR = "generic aliases are not taken apart"


@native("typing.get_args")
def _get_args(interp: Interpreter, tp: Any) -> Any:
    if isinstance(tp, LiteralOf):
        return tp.choices
    if isinstance(tp, UnionOf):
        return tuple(type(None) if member is None else member for member in tp.members)
    return () if isinstance(tp, (type, ClassObject, NativeType)) else interp.unknown(_UNCLEAR)


@native("typing.assert_never")
def _assert_never(interp: Interpreter, arg: Any, /) -> Any:
    return interp.raise_(AssertionError, "Expected code to be unreachable")


def _variable(name: str) -> Builtin:
    """``TypeVar("T", bound=...)``: named, and without effect."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return Opaque(args[0] if args and isinstance(args[0], str) else name)

    return Builtin(name, run)


def _decorator_with_options(name: str) -> Builtin:
    """A decorator that is used as ``@d`` or ``@d(...)`` and changes nothing."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) == 1 and isinstance(args[0], (Function, ClassObject)):
            return args[0]
        return identity(name)

    return Builtin(name, run)


def _typing(interp: Interpreter) -> Namespace:
    return {
        **{name: Opaque(name) for name in _OPAQUE},
        **{name: kind for name, kind in ABSTRACT.items() if name not in ("Set", "Buffer")},
        **_ALIASES,
        **{name: _variable(name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple", "TypeAliasType")},
        "NamedTuple": NAMED_TUPLE, "TypedDict": TYPED_DICT, "TYPE_CHECKING": False, "cast": _cast, "NewType": _new_type,
        "get_type_hints": _get_type_hints, "assert_never": _assert_never,
        **{n: identity(n) for n in ("overload", "final", "no_type_check", "runtime_checkable", "runtime", "override", "reveal_type", "type_check_only")},
        "assert_type": native("typing.assert_type")(lambda interp, val, typ: val),
        "dataclass_transform": _decorator_with_options("dataclass_transform"),
        "deprecated": _decorator_with_options("deprecated"),
        "get_origin": Builtin("get_origin", lambda interp, args, kwargs: interp.unknown(_UNCLEAR)),
        "get_args": _get_args,
        "is_typeddict": Builtin("is_typeddict", lambda interp, args, kwargs: isinstance(args[0], ClassObject) and TYPED_DICT in args[0].mro),
        "_GenericAlias": native_type("typing", "_GenericAlias", lambda v: isinstance(v, Opaque)),
        "_UnionGenericAlias": native_type("typing", "_UnionGenericAlias", lambda v: isinstance(v, Opaque)),
    }  # fmt: skip


MODULES: dict[str, Maker] = {
    "typing": _typing, "typing_extensions": _typing,
    "_typeshed": lambda interp: {"__missing__": lambda name: Opaque(name)},
}  # fmt: skip
