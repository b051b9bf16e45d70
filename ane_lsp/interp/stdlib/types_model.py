"""``types``, and what ``type(x)`` is for functions, modules and the other values implemented here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.construct import make_class
from ane_lsp.interp.stdlib.common import Maker, Namespace, from_stub, native_type
from ane_lsp.interp.stdlib.functools_model import PARTIAL
from ane_lsp.interp.support import DictView, native
from ane_lsp.interp.values import (
    BoundMethod,
    Builtin,
    Function,
    IteratorObject,
    ModuleObject,
    NativeType,
    Opaque,
    Partial,
    Property,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def _method(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 2:
        return interp.raise_(TypeError, "method expected 2 arguments")
    return BoundMethod(args[0], args[1])


def _module(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = args[0] if args else kwargs.get("name")
    if not isinstance(name, str):
        return interp.unknown("a module with an unknown name")
    made = ModuleObject(name, None)
    made.state = "done"
    made.namespace["__name__"] = name
    return made


def _same(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0]


def _of_kind(name: str, *kinds: type) -> NativeType:
    return native_type("types", name, lambda value: isinstance(value, kinds))


def _generator(value: Any) -> bool:
    return isinstance(value, IteratorObject) and value.kind == "generator"


FUNCTION = _of_kind("function", Function)
METHOD = native_type("types", "method", lambda v: isinstance(v, BoundMethod), _method)
BUILTIN = _of_kind("builtin_function_or_method", Builtin)
MODULE = native_type("types", "module", lambda v: isinstance(v, ModuleObject), _module)
GENERATOR = native_type("types", "generator", _generator)
_ITERATOR = native_type("builtins", "iterator", lambda v: isinstance(v, IteratorObject))
_VIEWS = {
    kind: native_type("builtins", kind, lambda v, kind=kind: isinstance(v, DictView) and v.kind == kind)  # type: ignore[misc]
    for kind in ("dict_keys", "dict_values", "dict_items")
}
_PROXY = native_type("types", "mappingproxy", None, _same)
_ALIAS = native_type("types", "GenericAlias", lambda v: isinstance(v, Opaque), lambda interp, args, kwargs: args[0])
_UNION = native_type("types", "UnionType", lambda v: isinstance(v, Opaque) and v.name in ("Union", "Optional"))

_NATIVE: dict[type, NativeType] = {
    Function: FUNCTION, BoundMethod: METHOD, Builtin: BUILTIN, ModuleObject: MODULE, Partial: PARTIAL,
}  # fmt: skip


def type_of_native(value: Any) -> Any:
    """See :func:`ane_lsp.interp.builtins.native_type_of`."""
    kind = type(value)
    found = _NATIVE.get(kind)
    if found is not None:
        return found
    if kind is IteratorObject:
        return GENERATOR if value.kind == "generator" else _ITERATOR
    if kind is DictView:
        return _VIEWS[value.kind]
    if kind is Property:
        return property
    if kind is NativeType:
        return type
    if kind is Opaque:
        return Unknown(f"the type of {value.name}")
    return None


@native("types.new_class")
def _new_class(interp: Interpreter, name: Any, bases: Any = (), kwds: Any = None, exec_body: Any = None) -> Any:
    namespace: dict[str, Any] = {}
    if exec_body is not None:
        interp.call(exec_body, (namespace,), {})
    return make_class(interp, name, tuple(bases), namespace)


def _types(interp: Interpreter) -> Namespace:
    return {
        "FunctionType": FUNCTION, "LambdaType": FUNCTION, "MethodType": METHOD, "BuiltinFunctionType": BUILTIN,
        "BuiltinMethodType": BUILTIN, "ModuleType": MODULE, "GeneratorType": GENERATOR, "MappingProxyType": _PROXY,
        "GenericAlias": _ALIAS, "UnionType": _UNION, "NoneType": type(None), "EllipsisType": type(...),
        "NotImplementedType": type(NotImplemented), "DynamicClassAttribute": property, "new_class": _new_class,
        "CodeType": native_type("types", "code"), "TracebackType": native_type("types", "traceback"),
        "FrameType": native_type("types", "frame"), "CoroutineType": native_type("types", "coroutine"),
        "MethodWrapperType": native_type("types", "method-wrapper"), "WrapperDescriptorType": _of_kind("wrapper_descriptor"),
        "MethodDescriptorType": _of_kind("method_descriptor"), "ClassMethodDescriptorType": _of_kind("classmethod_descriptor"),
        "GetSetDescriptorType": _of_kind("getset_descriptor"), "MemberDescriptorType": _of_kind("member_descriptor"),
        "__missing__": from_stub(interp, "_ane_types", "SimpleNamespace"),
    }  # fmt: skip


MODULES: dict[str, Maker] = {"types": _types}
