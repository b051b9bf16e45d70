"""Objects: attribute look-up, calls, classes, truth, iteration, comparison and operators."""

from __future__ import annotations

import operator
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.interp import builtins, containers, methods, state, symbolic
from ane_lsp.interp.base import MAX_DEPTH, Base
from ane_lsp.interp.frames import UNDECIDED, Frame, UnknownIteration
from ane_lsp.interp.scopes import signature_of
from ane_lsp.interp.support import in_order
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    IteratorObject,
    Lazy,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Partial,
    Property,
    PyRaise,
    StaticMethod,
    Super,
    Tensor,
    TorchFunction,
)
from ane_lsp.torch_model.constants import FInfo, IInfo

_MAX_ELEMENTS = 1_000_000
_MAX_COMPARED = 200_000  # items of nested sequences, for one comparison
_PLAIN = (bool, int, float, str, bytes, complex, tuple, list, dict, set, frozenset, slice, range)

_BINARY: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "+": ("__add__", "__radd__", operator.add), "-": ("__sub__", "__rsub__", operator.sub),
    "*": ("__mul__", "__rmul__", operator.mul), "/": ("__truediv__", "__rtruediv__", operator.truediv),
    "//": ("__floordiv__", "__rfloordiv__", operator.floordiv), "%": ("__mod__", "__rmod__", operator.mod),
    "**": ("__pow__", "__rpow__", operator.pow), "@": ("__matmul__", "__rmatmul__", operator.matmul),
    "<<": ("__lshift__", "__rlshift__", operator.lshift), ">>": ("__rshift__", "__rrshift__", operator.rshift),
    "&": ("__and__", "__rand__", operator.and_), "|": ("__or__", "__ror__", operator.or_),
    "^": ("__xor__", "__rxor__", operator.xor),
}  # fmt: skip
_COMPARE: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "<": ("__lt__", "__gt__", operator.lt), "<=": ("__le__", "__ge__", operator.le),
    ">": ("__gt__", "__lt__", operator.gt), ">=": ("__ge__", "__le__", operator.ge),
}  # fmt: skip
_UNARY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "-": ("__neg__", operator.neg), "+": ("__pos__", operator.pos), "~": ("__invert__", operator.invert),
}  # fmt: skip


class Objects(Base):
    # -- attributes --------------------------------------------------------------------------------------------------

    def getattr(self, obj: Any, name: str, default: Any = MISSING) -> Any:
        """``obj.name``. Raises PyRaise(AttributeError) where it is missing and no default is given."""
        found = self.lookup_attribute(obj, name)
        if found is MISSING:
            if default is not MISSING:
                return default
            if isinstance(obj, ModuleObject):
                self.raise_(AttributeError, f"module '{obj.name}' has no attribute '{name}'")
            self.raise_(AttributeError, f"'{self.type_name(obj)}' object has no attribute '{name}'")
        return found

    def lookup_attribute(self, obj: Any, name: str) -> Any:
        """The attribute, or MISSING."""
        kind = obj.__class__
        if kind is Instance:
            getter = obj.cls.flags.get("__getattribute__")
            if getter is None:
                getter = obj.cls.flags["__getattribute__"] = obj.cls.lookup("__getattribute__")
            if getter is MISSING:
                return self._instance_attribute(obj, name)
            return self._overridden_attribute(getter, obj, name)
        if kind is Tensor:
            return self.tensor_getattr(obj, name)
        if kind is ModuleObject:
            return self.module_attribute(obj, name)
        if kind is ClassObject:
            return self._class_attribute(obj, name)
        if kind is Unknown:
            return Unknown(f"`.{name}` of something unknown", self.here(), obj)
        if kind is OneOf:
            found = [v for v in (self.lookup_attribute(o, name) for o in obj.options) if v is not MISSING]
            return state.join(found, UNDECIDED, self.here()) if found else MISSING
        if kind is Super:
            return self._super_attribute(obj, name)
        if kind is Function:
            return self._function_attribute(obj, name)
        if kind is BoundMethod:
            if name == "__self__":
                return obj.self
            if name == "__func__":
                return obj.func
            return self.lookup_attribute(obj.func, name)
        if kind is Partial:
            if name in ("func", "args"):
                return getattr(obj, name)
            if name == "keywords":
                return obj.kwargs
            return obj.attrs.get(name, MISSING)
        if kind is Property:
            return self._property_attribute(obj, name)
        if kind is NativeType:
            return self._native_attribute(obj, name)
        if kind is Opaque:
            if name in ("__origin__", "__args__"):
                return MISSING
            if name.startswith("__"):
                return obj.name.rsplit(".", 1)[-1] if name in ("__name__", "__qualname__") else MISSING
            return Opaque(f"{obj.name}.{name}")
        if kind is DType:
            return self._dtype_attribute(obj, name)
        if kind is Device:
            return {"type": obj.type, "index": obj.index}.get(name, MISSING)
        if kind is TorchFunction:
            if name in ("__name__", "__qualname__"):
                return obj.name.rsplit(".", 1)[-1]
            return obj.name.rsplit(".", 1)[0] if name == "__module__" else MISSING
        if kind is Builtin:
            if name in ("__name__", "__qualname__"):
                return obj.name
            return MISSING if name != "__doc__" else None
        if isinstance(obj, (Sym, SymRatio)):
            return self._number_attribute(obj, name)
        if isinstance(obj, (StaticMethod, ClassMethod)):
            return obj.func if name == "__func__" else self.lookup_attribute(obj.func, name)
        if isinstance(obj, type):
            return self._builtin_type_attribute(obj, name)
        if name == "__class__":
            return self.type_of(obj)
        if isinstance(obj, (FInfo, IInfo)):
            return getattr(obj, name, MISSING)
        if isinstance(obj, BaseException):
            if name == "args":
                return tuple(obj.args)
            if name in ("with_traceback", "add_note"):
                return Builtin(name, lambda interp, args, kwargs: obj)
            return getattr(obj, "_attrs", {}).get(name, None if name.startswith("__") else MISSING)
        return methods.method(self, obj, name)  # type: ignore[arg-type]

    def _overridden_attribute(self, getter: Any, obj: Instance, name: str) -> Any:
        """An attribute of an object whose class defines ``__getattribute__``."""
        try:
            return self.call(getter, (obj, name))
        except PyRaise as raised:
            if not isinstance(raised.value, AttributeError):
                raise
        fallback = obj.cls.lookup("__getattr__")
        if fallback is MISSING or name.startswith("__"):
            return MISSING
        try:
            return self.call(fallback, (obj, name))
        except PyRaise as raised:
            if isinstance(raised.value, AttributeError):
                return MISSING
            raise

    def plain_attribute(self, obj: Any, name: Any) -> Any:
        """``object.__getattribute__``."""
        if not isinstance(obj, Instance):
            return self.getattr(obj, name)
        found = self._instance_attribute(obj, name)
        if found is MISSING:
            self.raise_(AttributeError, f"'{obj.cls.name}' object has no attribute '{name}'")
        return found

    def _instance_attribute(self, obj: Instance, name: str) -> Any:
        cls = obj.cls
        raw = cls.lookup(name)
        if raw is not MISSING and raw.__class__ is Property:
            if raw.cached and name in obj.attrs:
                return obj.attrs[name]
            return self._run_property(raw, obj, name)
        attrs = obj.attrs
        if name in attrs:
            return attrs[name]
        if raw is not MISSING:
            return self.bind(raw, obj, cls)
        if "_modules" in attrs:
            found = self.nn_getattr(obj, name)
            if found is not MISSING:
                return found
        if name == "__class__":
            return cls
        if name == "__dict__":
            return attrs
        found = self._native_member(obj, name)
        if found is not MISSING:
            return found
        fallback = cls.lookup("__getattr__")
        if fallback is not MISSING and not name.startswith("__"):
            try:
                return self.call(self.bind(fallback, obj, cls), (name,))
            except PyRaise as raised:
                if isinstance(raised.value, AttributeError):
                    return MISSING
                raise
        for base in cls.mro:
            if isinstance(base, Unknown):
                return Unknown(f"`.{name}`: a base class of {cls.name} is unknown: {base.reason}", self.here(), base)
        if name == "__doc__":
            return None
        if name == "__module__":
            return cls.module.name
        if name in ("__init__", "__init_subclass__", "__setstate__"):
            return Builtin(name, lambda interp, args, kwargs: None)
        if name == "__setattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.setattr_nn(obj, args[0], args[1]))
        if name == "__getattribute__":
            return Builtin(name, lambda interp, args, kwargs: interp.plain_attribute(obj, args[0]))
        return MISSING

    def _run_property(self, prop: Property, obj: Any, name: str) -> Any:
        if prop.fget is None:
            return MISSING
        value = self.call(prop.fget, (obj,))
        if prop.cached and isinstance(obj, Instance):
            self.touch(obj.attrs)
            obj.attrs[name] = value
        return value

    def _native_member(self, obj: Instance, name: str) -> Any:
        """A member that comes from a builtin or native base class."""
        for base in obj.cls.mro:
            if isinstance(base, NativeType) and name in base.methods:
                return self.bind(base.methods[name], obj, obj.cls)
        if obj.data is not None:
            if isinstance(obj.data, BaseException):
                return self.lookup_attribute(obj.data, name) if name in ("args", "with_traceback") else MISSING
            return self.lookup_attribute(obj.data, name) if name != "__class__" else MISSING
        return MISSING

    def bind(self, raw: Any, obj: Any, cls: Any) -> Any:
        """What a raw class attribute becomes when it is read through an instance."""
        kind = raw.__class__
        if kind is Function or kind is Builtin or kind is TorchFunction:
            return BoundMethod(raw, obj)
        if kind is Property:
            return self._run_property(raw, obj, "")
        if kind is ClassMethod:
            return BoundMethod(raw.func, cls)
        if kind is StaticMethod:
            return raw.func
        if kind is Instance:
            getter = raw.cls.lookup("__get__")
            if getter is not MISSING:
                return self.call(getter, (raw, obj, cls))
            if property in raw.cls.mro and "fget" in raw.attrs:
                return self.call(raw.attrs["fget"], (obj,))
        return raw

    def _class_attribute(self, cls: ClassObject, name: str) -> Any:
        raw = cls.lookup(name)
        if raw is not MISSING:
            if raw.__class__ is ClassMethod:
                return BoundMethod(raw.func, cls)
            if raw.__class__ is StaticMethod:
                return raw.func
            if raw.__class__ is Instance:
                getter = raw.cls.lookup("__get__")
                if getter is not MISSING:
                    return self.call(getter, (raw, None, cls))
            return raw
        simple = {
            "__name__": cls.name,
            "__qualname__": cls.qualname,
            "__module__": cls.module.name,
            "__bases__": cls.bases,
        }
        if name in simple:
            return simple[name]
        if name == "__mro__":
            return (*cls.mro, object) if object not in cls.mro else cls.mro
        if name == "mro":
            return Builtin("mro", lambda interp, args, kwargs: list(cls.mro))
        if name == "__dict__":
            return cls.namespace
        if name == "__class__":
            return cls.metaclass
        if name == "__doc__":
            return None
        if name == "__subclasses__":
            return Builtin(name, lambda interp, args, kwargs: [])
        for base in cls.mro:
            if isinstance(base, NativeType):
                found = base.methods.get(name, MISSING)
                if found is not MISSING:
                    return BoundMethod(found.func, cls) if isinstance(found, ClassMethod) else found
        meta = cls.metaclass
        if isinstance(meta, ClassObject):
            raw = meta.lookup(name)
            if raw is not MISSING:
                return self.bind(raw, cls, meta)
        for base in cls.mro:
            if isinstance(base, Unknown):
                return Unknown(f"`.{name}`: a base class of {cls.name} is unknown: {base.reason}", self.here(), base)
        if name == "__new__":
            return Builtin("__new__", lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name in ("__init__", "__init_subclass__", "__post_init__") and name != "__post_init__":
            return Builtin(name, lambda interp, args, kwargs: None)
        if name == "__setattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.setattr_default(*args))
        if isinstance(cls.native_base, type):
            return self._builtin_type_attribute(cls.native_base, name)
        return MISSING

    def _super_attribute(self, sup: Super, name: str) -> Any:
        mro = sup.obj_class.mro if isinstance(sup.obj_class, ClassObject) else (sup.obj_class,)
        start = mro.index(sup.owner) + 1 if sup.owner in mro else 0
        for cls in mro[start:]:
            if isinstance(cls, ClassObject):
                if name in cls.namespace:
                    raw = cls.namespace[name]
                    if raw.__class__ is Property:
                        return self._run_property(raw, sup.obj, name)
                    if raw.__class__ is Function and isinstance(sup.obj, ClassObject) and name == "__new__":
                        return raw
                    if raw.__class__ is StaticMethod and name == "__new__":
                        return raw.func
                    return self.bind(raw, sup.obj, sup.obj_class)
                if name == "__setattr__" and self._is_module_base(cls):
                    return Builtin(name, lambda interp, args, kwargs: interp.setattr_nn(sup.obj, args[0], args[1]))
                if name == "__delattr__" and self._is_module_base(cls):
                    return Builtin(name, lambda interp, args, kwargs: interp.nn_delattr(sup.obj, args[0]))
                if name == "__getattr__" and self._is_module_base(cls):
                    return Builtin(name, lambda interp, args, kwargs: interp.nn_getattr_or_raise(sup.obj, args[0]))
                if name == "__call__" and self._is_module_base(cls):
                    return Builtin(name, lambda interp, args, kwargs: interp.nn_call(sup.obj, args, kwargs))
            elif isinstance(cls, NativeType):
                if name in cls.methods:
                    return self.bind(cls.methods[name], sup.obj, sup.obj_class)
            elif isinstance(cls, Unknown):
                return Unknown(f"super().{name}: a base class is unknown: {cls.reason}", self.here(), cls)
        obj = sup.obj
        if name == "__new__":
            return Builtin("__new__", lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name == "__init__":
            return Builtin("__init__", lambda interp, args, kwargs: interp.native_init(obj, args, kwargs))
        if name == "__call__" and isinstance(obj, ClassObject):  # type.__call__, from a metaclass
            return Builtin(name, lambda interp, args, kwargs: interp.construct_plain(obj, args, kwargs))
        if name == "__setattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.setattr_nn(obj, args[0], args[1]))
        if name == "__delattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.delattr_plain(obj, args[0]))
        if name == "__getattribute__":
            return Builtin(name, lambda interp, args, kwargs: interp.plain_attribute(obj, args[0]))
        if name in ("__init_subclass__", "__post_init__"):
            return Builtin(name, lambda interp, args, kwargs: None)
        if name in ("__eq__", "__hash__", "__repr__", "__str__", "__dir__", "__format__", "__reduce__"):
            return Builtin(name, lambda interp, args, kwargs: interp.unknown(f"object.{name}"))
        if isinstance(obj, Instance) and obj.data is not None:
            return self.lookup_attribute(obj.data, name)
        return MISSING

    def _is_module_base(self, cls: ClassObject) -> bool:
        return cls.name == "Module" and cls.module.name == "torch.nn.modules.module"

    def _function_attribute(self, func: Function, name: str) -> Any:
        if name in func.attrs:
            return func.attrs[name]
        if name == "__name__":
            return func.name
        if name == "__qualname__":
            return func.qualname
        if name == "__module__":
            return func.module.name
        if name == "__dict__":
            return func.attrs
        if name == "__defaults__":
            return tuple(func.defaults) or None
        if name == "__kwdefaults__":
            return func.kw_defaults or None
        if name == "__globals__":
            return func.module.namespace
        if name in ("__doc__", "__closure__"):
            return None
        if name == "__annotations__":
            return {}
        if name == "__code__":
            return self._code_of(func)
        if name == "__get__":
            return Builtin(
                "__get__", lambda interp, args, kwargs: BoundMethod(func, args[0]) if args[0] is not None else func
            )
        if name == "__call__":
            return func
        return MISSING

    def _code_of(self, func: Function) -> Any:
        signature = signature_of(func.node)
        code = Instance(ClassObject("code", "code", (), {}, func.module))
        names = (*signature.positional, *signature.kwonly)
        code.attrs.update(co_varnames=names, co_argcount=len(signature.positional), co_name=func.name, co_flags=0)
        return code

    def _property_attribute(self, prop: Property, name: str) -> Any:
        if name in ("fget", "fset", "fdel"):
            return getattr(prop, name)
        if name in ("setter", "getter", "deleter"):
            slot = "f" + name[:3]

            def replaced(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Property:
                made = Property(prop.fget, prop.fset, prop.fdel, prop.cached)
                setattr(made, slot, args[0])
                return made

            return Builtin(name, replaced)
        return MISSING

    def _native_attribute(self, native: NativeType, name: str) -> Any:
        if name in native.methods:
            found = native.methods[name]
            if isinstance(found, ClassMethod):
                return BoundMethod(found.func, native)
            return found.func if isinstance(found, StaticMethod) else found
        if name in ("__name__", "__qualname__"):
            return native.name
        if name == "__module__":
            return native.module
        if name in ("__doc__", "__init__"):
            return None if name == "__doc__" else Builtin(name, lambda interp, args, kwargs: None)
        return MISSING

    def _dtype_attribute(self, dtype: DType, name: str) -> Any:
        if name == "is_floating_point":
            return dtype.name.startswith(("f", "bf"))
        if name == "is_complex":
            return dtype.name.startswith("c")
        if name == "is_signed":
            return not dtype.name.startswith(("u", "b8"))
        if name == "itemsize":
            bits = int("".join(c for c in dtype.name.split("e")[0] if c.isdigit()))
            return max(1, bits // 8)
        if name in ("to_real", "to_complex"):
            return Builtin(name, lambda interp, args, kwargs: dtype)
        return MISSING

    def _number_attribute(self, value: Any, name: str) -> Any:
        if name in ("real", "numerator"):
            return value
        if name == "is_integer":
            return Builtin(
                name, lambda interp, args, kwargs: isinstance(value, Sym) or interp.unknown("a ratio of sizes")
            )
        if name in ("__add__", "__mul__", "__floordiv__", "__sub__", "__mod__"):
            symbol = {"__add__": "+", "__mul__": "*", "__floordiv__": "//", "__sub__": "-", "__mod__": "%"}[name]
            return Builtin(name, lambda interp, args, kwargs: interp.binary(symbol, value, args[0]))
        return MISSING

    def _builtin_type_attribute(self, cls: type, name: str) -> Any:
        if name in ("__name__", "__qualname__"):
            return cls.__name__
        if name == "__module__":
            return cls.__module__
        if name == "__mro__":
            return cls.__mro__
        if name == "__doc__":
            return None
        if name == "__new__":
            return Builtin("__new__", lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name == "__init__":
            return Builtin("__init__", lambda interp, args, kwargs: interp.native_init(args[0], args[1:], kwargs))
        if name == "__setattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.setattr_default(*args))
        if name == "__getattribute__":
            return Builtin(name, lambda interp, args, kwargs: interp.plain_attribute(args[0], args[1]))
        found = builtins.type_attribute(cls, name)
        if found is not MISSING:
            return found
        if hasattr(cls, name) and not name.startswith("__"):

            def unbound(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                target = args[0].data if isinstance(args[0], Instance) else args[0]
                return interp.call(interp.getattr(target, name), args[1:], kwargs)

            return Builtin(name, unbound)
        if name.startswith("__") and hasattr(cls, name):

            def dunder(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                target = args[0].data if isinstance(args[0], Instance) and args[0].data is not None else args[0]
                return interp.call_dunder(target, name, args[1:])

            return Builtin(name, dunder)
        return MISSING

    def call_dunder(self, target: Any, name: str, args: tuple[Any, ...]) -> Any:
        """``type.__name__(target, *args)`` for a value of builtin type."""
        if name == "__getitem__":
            return self.getitem(target, args[0])
        if name == "__setitem__":
            return self.setitem(target, args[0], args[1])
        if name == "__contains__":
            return self.contains(target, args[0])
        if name == "__eq__":
            return self.equal(target, args[0])
        if name == "__iter__":
            return IteratorObject(self.iterate(target))
        if name == "__len__":
            return self.call(builtins.BUILTINS["len"], (target,))
        if name in ("__repr__", "__str__"):
            return self.call(builtins.BUILTINS["repr"], (target,))
        if name == "__hash__":
            return self.unknown("hash()")
        for symbol, (forward, backward, _) in _BINARY.items():
            if name == forward:
                return self.binary(symbol, target, args[0])
            if name == backward:
                return self.binary(symbol, args[0], target)
        return self.unknown(f"{name} is not modelled")

    def setattr(self, obj: Any, name: str, value: Any) -> None:
        """``obj.name = value``."""
        kind = obj.__class__
        if kind is Instance:
            raw = obj.cls.lookup("__setattr__")
            if raw is not MISSING:
                self.call(self.bind(raw, obj, obj.cls), (name, value))
                return
            self.setattr_nn(obj, name, value)
        elif kind is Tensor:
            self.tensor_setattr(obj, name, value)
        elif kind is ClassObject or kind is ModuleObject:
            self.touch(obj.namespace)
            obj.namespace[name] = value
        elif kind is Function or kind is Partial:
            self.touch(obj.attrs)
            obj.attrs[name] = value
        elif kind is OneOf:
            for option in obj.options:
                self.setattr(option, name, value)
        elif kind is BoundMethod:
            self.setattr(obj.func, name, value)

    def setattr_nn(self, obj: Instance, name: str, value: Any) -> None:
        """Attribute assignment after any user-defined ``__setattr__``: properties, modules, then plain attributes."""
        raw = obj.cls.lookup(name)
        if raw is not MISSING and raw.__class__ is Property and not raw.cached:
            if raw.fset is None:
                self.raise_(AttributeError, f"property '{name}' has no setter")
            self.call(raw.fset, (obj, value))
            return
        if raw.__class__ is Instance:
            setter = raw.cls.lookup("__set__")
            if setter is not MISSING:
                self.call(setter, (raw, obj, value))
                return
        if self.is_nn_module(obj.cls) and self.nn_setattr(obj, name, value):
            return
        self.setattr_plain(obj, name, value)

    def setattr_default(self, obj: Any, name: str, value: Any) -> None:
        """``object.__setattr__``: descriptors of the class, then the object's own attributes."""
        raw = obj.cls.lookup(name) if isinstance(obj, Instance) else MISSING
        if raw.__class__ is Property and raw.fset is not None:
            self.call(raw.fset, (obj, value))
        else:
            self.setattr_plain(obj, name, value)

    def setattr_plain(self, obj: Any, name: str, value: Any) -> None:
        """``object.__setattr__``."""
        if isinstance(obj, Instance):
            if name == "__class__" and isinstance(value, ClassObject):
                obj.cls = value
                return
            if self.journals:
                self.touch(obj.attrs)
            obj.attrs[name] = value
        elif not isinstance(obj, Unknown):
            self.setattr(obj, name, value)

    def delattr(self, obj: Any, name: str) -> None:
        if isinstance(obj, Instance) and self.is_nn_module(obj.cls) and self.nn_delattr(obj, name):
            return
        self.delattr_plain(obj, name)

    def delattr_plain(self, obj: Any, name: str) -> None:
        space = (
            obj.attrs
            if isinstance(obj, (Instance, Function))
            else obj.namespace
            if isinstance(obj, (ClassObject, ModuleObject))
            else None
        )
        if space is None or isinstance(obj, Unknown):
            return
        if name not in space:
            self.raise_(AttributeError, name)
        self.touch(space)
        del space[name]

    # -- calls ---------------------------------------------------------------------------------------------------------

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Call anything."""
        kind = func.__class__
        if kind is Function:
            return self.call_function(func, args, kwargs or {})
        if kind is BoundMethod:
            return self.call(func.func, (func.self, *args), kwargs)
        if kind is Builtin:
            return func.fn(self, args, kwargs or {})
        if kind is TorchFunction:
            return self.torch_function(func, args, kwargs or {})
        if kind is ClassObject:
            return self.construct(func, args, kwargs or {})
        if kind is Partial:
            merged = {**func.kwargs, **kwargs} if kwargs else func.kwargs
            return self.call(func.func, (*func.args, *args), merged)
        if kind is Instance:
            raw = func.cls.lookup("__call__")
            if raw is not MISSING and not (raw.__class__ is Function and raw.module.name == "torch.nn.modules.module"):
                return self.call(self.bind(raw, func, func.cls), args, kwargs)
            if self.is_nn_module(func.cls):
                return self.nn_call(func, args, kwargs or {})
            native = self._native_member(func, "__call__")
            if native is not MISSING:
                return self.call(native, args, kwargs)
            return self.unknown(f"a {func.cls.name} object is not callable as far as is known")
        if kind is OneOf:
            return self.fork_value(self.frame, [lambda f=f: self.call(f, args, kwargs) for f in func.options])  # type: ignore[misc]
        if kind is Unknown:
            return self.lost_call(func)
        if kind is NativeType:
            return func.construct(self, args, kwargs or {})
        if isinstance(func, type):
            return builtins.construct(self, func, args, kwargs or {})  # type: ignore[arg-type]
        if kind is Opaque:
            return func
        if isinstance(func, (StaticMethod, ClassMethod)):
            return self.call(func.func, args, kwargs)
        if kind is Tensor or kind is ModuleObject or func is None or isinstance(func, _PLAIN):
            return self.raise_(TypeError, f"'{self.type_name(func)}' object is not callable")
        return self.unknown(f"calling a {self.type_name(func)} is not modelled")

    def lost_call(self, func: Unknown) -> Unknown:
        """A call of something unknown: remembered for the summary."""
        span = self.here()
        if span is not None:
            self.unresolved.setdefault(func.first.reason, span)
        return Unknown("the result of a call that could not be followed", span, func)

    def call_function(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.tick()
        frame = self.bind_arguments(func, args, kwargs)
        if frame.depth > MAX_DEPTH:
            self.raise_(RecursionError, "maximum recursion depth exceeded")
        if signature_of(func.node).is_generator:
            return self.start_generator(func, frame)
        return self.run_function(func, frame)

    def bind_arguments(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Frame:
        """A frame for `func` with its parameters bound. Raises PyRaise(TypeError) where the call does not fit."""
        signature = signature_of(func.node)
        positional = signature.positional
        space: dict[str, Any] = {}
        count = len(positional)
        given = len(args)
        if given > count and signature.vararg is None:
            self.raise_(TypeError, f"{func.name}() takes {count} positional arguments but {given} were given")
        for name, value in zip(positional, args):
            space[name] = value
        if signature.vararg is not None:
            space[signature.vararg] = tuple(args[count:])
        extra: dict[str, Any] = {}
        if kwargs:
            accepted = positional[signature.posonly_count :]
            for name, value in kwargs.items():
                if name in accepted:
                    if name in space:
                        self.raise_(TypeError, f"{func.name}() got multiple values for argument '{name}'")
                    space[name] = value
                elif name in signature.kwonly:
                    space[name] = value
                elif signature.kwarg is not None:
                    extra[name] = value
                elif name == "**":
                    pass
                else:
                    self.raise_(TypeError, f"{func.name}() got an unexpected keyword argument '{name}'")
        lost = kwargs.get("**") if kwargs else None
        if len(space) < count + (signature.vararg is not None) or signature.kwonly:
            first_default = count - len(func.defaults)
            for i, name in enumerate(positional):
                if name not in space:
                    if lost is not None:
                        space[name] = lost
                    elif i >= first_default:
                        space[name] = func.defaults[i - first_default]
                    else:
                        self.raise_(TypeError, f"{func.name}() missing required argument: '{name}'")
            for name in signature.kwonly:
                if name not in space:
                    if name in func.kw_defaults:
                        space[name] = func.kw_defaults[name]
                    elif lost is not None:
                        space[name] = lost
                    else:
                        self.raise_(TypeError, f"{func.name}() missing required keyword-only argument: '{name}'")
        if signature.kwarg is not None:
            extra.pop("**", None)
            space[signature.kwarg] = extra
        frame = Frame(func.module, space, func.closure, self.frame, func.qualname, signature.local_names)
        frame.owner = func.owner
        return frame

    # -- classes -------------------------------------------------------------------------------------------------------

    def construct(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``cls(*args, **kwargs)``."""
        self.tick()
        for base in cls.mro:
            if isinstance(base, NativeType) and "__class_call__" in base.methods:
                return self.call(base.methods["__class_call__"], (cls, *args), kwargs)
        if isinstance(cls.metaclass, ClassObject):
            caller = cls.metaclass.lookup("__call__")
            if caller is not MISSING:
                return self.call(caller, (cls, *args), kwargs)
        return self.construct_plain(cls, args, kwargs)

    def construct_plain(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        maker = cls.lookup("__new__")
        if maker is not MISSING:
            obj = self.call(maker.func if isinstance(maker, StaticMethod) else maker, (cls, *args), kwargs)
            if not isinstance(obj, Instance) or not obj.cls.is_subclass(cls):
                return obj
        else:
            obj = self.new_instance(cls, args, kwargs)
            if not isinstance(obj, Instance):
                return obj
        obj.node = self.here()
        init = cls.lookup("__init__")
        if init is not MISSING:
            self.call(init, (obj, *args), kwargs)
        else:
            for base in cls.mro:
                if isinstance(base, NativeType) and "__init__" in base.methods:
                    self.call(base.methods["__init__"], (obj, *args), kwargs)
                    return obj
            if maker is MISSING or args or kwargs:
                self.native_init(obj, args, kwargs)
        return obj

    def new_instance(self, cls: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """``object.__new__`` or that of a builtin base."""
        if not isinstance(cls, ClassObject):
            return self.call(cls, args, kwargs or {})
        obj = Instance(cls)
        base = cls.native_base
        if base is not None:
            if issubclass(base, BaseException):
                obj.data = Exception(*[a for a in args if isinstance(a, str)])
                obj.attrs["args"] = tuple(args)
            elif base in (dict, list, set, deque):
                obj.data = base()
            elif base in (int, float, str, bytes, frozenset, complex) or issubclass(base, tuple):
                obj.data = builtins.construct(self, base, args, kwargs or {})  # type: ignore[arg-type]
        return obj

    def native_init(self, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """``__init__`` of a builtin base."""
        if not isinstance(obj, Instance):
            return
        base = obj.cls.native_base
        if property in obj.cls.mro:
            names = ("fget", "fset", "fdel")
            self.touch(obj.attrs)
            obj.attrs.update({**dict.fromkeys(names), **dict(zip(names, args)), **kwargs})
        if base in (dict, list, set, deque) and (args or kwargs):
            filled = builtins.construct(self, base, args, kwargs)  # type: ignore[arg-type]
            if isinstance(filled, (dict, list, set, deque)):
                self.touch(obj.data)
                state.restore(obj.data, filled)
        elif base is not None and issubclass(base, BaseException):
            obj.attrs["args"] = tuple(args)

    def class_attributes_created(self, cls: ClassObject) -> None:
        """Run the hooks of native bases, ``__set_name__`` and ``__init_subclass__`` for a new class."""
        for base in cls.mro[1:]:
            hook = base.methods.get("__class_created__") if isinstance(base, NativeType) else None
            if hook is None and isinstance(base, ClassObject):
                hook = base.flags.get("__class_created__")
            if hook is not None:
                self.call(hook, (cls,))
        for name, value in list(cls.namespace.items()):
            if isinstance(value, Instance):
                setter = value.cls.lookup("__set_name__")
                if setter is not MISSING:
                    self.call(setter, (value, cls, name))

    # -- types -----------------------------------------------------------------------------------------------------------

    def type_of(self, value: Any) -> Any:
        """The class of a value."""
        if isinstance(value, Instance):
            return value.cls
        if isinstance(value, ClassObject):
            return value.metaclass
        if isinstance(value, Unknown):
            return Unknown("the type of something unknown", self.here(), value)
        if isinstance(value, OneOf):
            return state.join([self.type_of(v) for v in value.options], UNDECIDED)
        if isinstance(value, (Sym, SymRatio)):
            return int if isinstance(value, Sym) else float
        native = self.torch_type_of(value)
        if native is None:
            native = builtins.native_type_of(value)
        return native if native is not None else type(value)

    def type_name(self, value: Any) -> str:
        cls = self.type_of(value)
        return str(getattr(cls, "name", None) or getattr(cls, "__name__", "object"))

    def isinstance(self, value: Any, cls: Any) -> Any:
        """``isinstance``, three-valued."""
        if isinstance(cls, tuple):
            verdicts = [self.isinstance(value, c) for c in cls]
            if any(v is True for v in verdicts):
                return True
            return next((v for v in verdicts if v is not False), False)
        if isinstance(cls, Unknown):
            return Unknown(f"isinstance against something unknown: {cls.reason}", self.here(), cls)
        if isinstance(value, Unknown):
            return Unknown("the type of something unknown", self.here(), value)
        if isinstance(value, OneOf):
            return state.join([self.isinstance(v, cls) for v in value.options], UNDECIDED)
        if cls is object:
            return True
        if isinstance(value, Instance):
            if isinstance(cls, ClassObject):
                checker = (
                    cls.metaclass.lookup("__instancecheck__") if isinstance(cls.metaclass, ClassObject) else MISSING
                )
                if checker is not MISSING:
                    return self.truth(self.call(checker, (cls, value)))
                if cls in value.cls.mro:
                    return True
            elif isinstance(cls, NativeType):
                if cls in value.cls.mro or cls.matches(value):
                    return True
            elif isinstance(cls, type):
                if cls in value.cls.mro or (
                    value.cls.native_base is not None and issubclass(value.cls.native_base, cls)
                ):
                    return True
            for base in value.cls.mro:
                if isinstance(base, Unknown):
                    return Unknown(f"a base class of {value.cls.name} is unknown", self.here(), base)
            if isinstance(cls, Opaque):
                return Unknown(f"isinstance against {cls.name}", self.here())
            return False
        if isinstance(cls, NativeType):
            return bool(cls.matches(value))
        if isinstance(cls, type):
            if isinstance(value, Sym):
                return issubclass(int, cls)
            if isinstance(value, SymRatio):
                return cls is float
            if cls is type:
                return isinstance(value, (type, ClassObject, NativeType))
            if isinstance(value, (Tensor, Function, ModuleObject, ClassObject, Builtin, BoundMethod, DType, Device)):
                return False
            return isinstance(value, cls)
        if isinstance(cls, ClassObject):
            if isinstance(value, ClassObject):
                return cls is value.metaclass or (
                    isinstance(value.metaclass, ClassObject) and value.metaclass.is_subclass(cls)
                )
            if isinstance(value, Tensor):
                return bool(value.attrs and value.attrs.get("__class__") is cls)
            return False
        if isinstance(cls, Opaque):
            return Unknown(f"isinstance against {cls.name}", self.here())
        return False

    def issubclass(self, cls: Any, parent: Any) -> Any:
        """``issubclass``, three-valued."""
        if isinstance(parent, tuple):
            verdicts = [self.issubclass(cls, p) for p in parent]
            if any(v is True for v in verdicts):
                return True
            return next((v for v in verdicts if v is not False), False)
        if isinstance(cls, Unknown) or isinstance(parent, Unknown):
            return self.unknown("issubclass of something unknown")
        if parent is object or cls is parent:
            return True
        if isinstance(cls, ClassObject):
            if parent in cls.mro:
                return True
            if isinstance(parent, type) and cls.native_base is not None:
                return issubclass(cls.native_base, parent)
            unknown = next((b for b in cls.mro if isinstance(b, Unknown)), None)
            return unknown if unknown is not None else False
        if isinstance(cls, type) and isinstance(parent, type):
            return issubclass(cls, parent)
        if isinstance(cls, NativeType):
            base = cls.base
            return base is parent or (isinstance(base, (NativeType, type)) and self.issubclass(base, parent) is True)
        return False

    def exception_matches(self, value: Any, kinds: Any) -> Any:
        """Whether an except clause catches `value`."""
        if isinstance(value, Unknown) or isinstance(kinds, (Unknown, Opaque)):
            return True
        if isinstance(kinds, tuple):
            return any(self.exception_matches(value, k) is not False for k in kinds)
        verdict = self.isinstance(value, kinds)
        return True if isinstance(verdict, Unknown) else verdict

    def exception_of(self, value: Any) -> Any:
        """The exception object a raise statement raises."""
        if isinstance(value, ClassObject):
            return self.construct(value, (), {})
        if isinstance(value, type) and issubclass(value, BaseException):
            return value()
        return value

    # -- truth, equality, order ------------------------------------------------------------------------------------------

    def truth(self, value: Any) -> Any:
        """``bool(value)``: True, False, or Unknown."""
        if value is None or value is False:
            return False
        if value is True:
            return True
        kind = value.__class__
        if kind in (int, float, str, tuple, list, dict, set, bytes, range, frozenset, complex):
            return bool(value)
        if kind is Unknown:
            return value
        if kind is Tensor:
            return self.tensor_truth(value)
        if kind is OneOf:
            verdicts = [self.truth(v) for v in value.options]
            if all(v is True for v in verdicts):
                return True
            if all(v is False for v in verdicts):
                return False
            return self.unknown("depends on which of several values it is")
        if kind is Sym:
            verdict = dims.equal(value, 0)
            if dims.lower_bound(value) > 0:
                return True
            return self.unknown(f"whether {value} is zero") if verdict is None else not verdict
        if kind is Instance:
            for name in ("__bool__", "__len__"):
                raw = value.cls.lookup(name)
                if raw is not MISSING:
                    return self.truth(self.call(self.bind(raw, value, value.cls), ()))
            if value.data is not None and not isinstance(value.data, BaseException):
                return self.truth(value.data)
            return True
        if isinstance(value, (SymRatio, IteratorObject)):
            return True if isinstance(value, IteratorObject) else self.truth(value.numerator)
        try:
            return bool(value)
        except Exception:
            return True

    def equal(self, left: Any, right: Any) -> Any:
        """``left == right``: True, False, Unknown, or a tensor for elementwise comparison."""
        if left is right and not isinstance(left, (Unknown, Tensor, float, OneOf)):
            return True
        lk, rk = left.__class__, right.__class__
        if lk is Unknown or rk is Unknown:
            return Unknown("a comparison with something unknown", self.here(), left if lk is Unknown else right)
        if lk is Tensor or rk is Tensor:
            if left is None or right is None or lk is str or rk is str:
                return False
            return self.torch_method("torch.Tensor.eq", (left, right) if lk is Tensor else (right, left))
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.equal(a, b), left, right)
        if lk in (Sym, SymRatio) or rk in (Sym, SymRatio):
            if not all(isinstance(v, (int, float, Sym, SymRatio)) for v in (left, right)):
                return False
            verdict = symbolic.compare("==", left, right)
            return self.unknown(f"whether {left} equals {right}") if verdict is None else verdict
        if lk is Instance or rk is Instance:
            for first, second in ((left, right), (right, left)):
                if isinstance(first, Instance):
                    raw = first.cls.lookup("__eq__")
                    if raw is not MISSING:
                        verdict = self.call(self.bind(raw, first, first.cls), (second,))
                        if verdict is not NotImplemented:
                            return verdict
            ldata = left.data if lk is Instance else left
            rdata = right.data if rk is Instance else right
            if ldata is not None and rdata is not None and not isinstance(ldata, Instance):
                return self.equal(ldata, rdata)
            return False
        if (lk is rk and lk in (list, tuple)) or (isinstance(left, tuple) and isinstance(right, tuple)):
            if len(left) != len(right):
                return False
            return self._all_equal(zip(left, right))
        if lk is dict and rk is dict:
            if left.keys() != right.keys():
                return False
            return self._all_equal((left[k], right[k]) for k in left)
        try:
            return bool(left == right)
        except Exception:
            return self.unknown("a comparison that is not modelled")

    def _all_equal(self, pairs: Iterable[tuple[Any, Any]]) -> Any:
        """Whether all pairs are equal. Lists that hold one list many times over are not compared to the end."""
        outermost = self.compared == 0
        verdict: Any = True
        try:
            for left, right in pairs:
                self.compared += 1
                if self.compared > _MAX_COMPARED:
                    return self.unknown("too many items to compare")
                same = self.truth(self.equal(left, right))
                if same is False:
                    return False
                if same is not True and verdict is True:
                    verdict = same
        finally:
            if outermost:
                self.compared = 0
        return verdict

    def identical(self, left: Any, right: Any) -> Any:
        """``left is right``: three-valued."""
        if isinstance(left, OneOf) or isinstance(right, OneOf):
            return self._spread(self.identical, left, right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            if left is right:
                return True
            return Unknown("identity of something unknown", self.here(), left if isinstance(left, Unknown) else right)
        if left is right:
            return True
        if isinstance(left, BoundMethod) and isinstance(right, BoundMethod):
            return left == right
        if type(left) is type(right) and isinstance(left, (int, str, DType, Device, TorchFunction)):
            return left == right
        return False

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        """``left < right`` and the like."""
        forward, backward, plain = _COMPARE[symbol]
        lk, rk = left.__class__, right.__class__
        if lk is Unknown or rk is Unknown:
            return Unknown("a comparison with something unknown", self.here(), left if lk is Unknown else right)
        if lk is Tensor or rk is Tensor:
            if lk is Tensor:
                return self.torch_method(f"torch.Tensor.{forward.strip('_')}", (left, right))
            return self.torch_method(f"torch.Tensor.{backward.strip('_')}", (right, left))
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.compare(symbol, a, b), left, right)
        if isinstance(left, (Sym, SymRatio)) or isinstance(right, (Sym, SymRatio)):
            return self._compare_sizes(symbol, left, right)
        for first, second, name in ((left, right, forward), (right, left, backward)):
            if isinstance(first, Instance):
                raw = first.cls.lookup(name)
                if raw is not MISSING:
                    verdict = self.call(self.bind(raw, first, first.cls), (second,))
                    if verdict is not NotImplemented:
                        return verdict
        ldata = left.data if lk is Instance and left.data is not None else left
        rdata = right.data if rk is Instance and right.data is not None else right
        if lk in (tuple, list) and rk is lk:
            return self._compare_sequences(symbol, left, right)
        try:
            return plain(ldata, rdata)
        except TypeError as error:
            if lk is Instance or rk is Instance:
                return self.unknown("an order that is not modelled")
            return self.raise_(TypeError, str(error))
        except Exception:
            return self.unknown("an order that is not modelled")

    def _compare_sequences(self, symbol: str, left: Any, right: Any) -> Any:
        for a, b in zip(left, right):
            self.tick()
            same = self.truth(self.equal(a, b))
            if same is True:
                continue
            return same if same is not False else self.compare(symbol, a, b)
        return _COMPARE[symbol][2](len(left), len(right))

    def _compare_sizes(self, symbol: str, left: Any, right: Any) -> Any:
        if isinstance(left, bool):
            left = int(left)
        answer = symbolic.compare(symbol, left, right)
        return self.unknown(f"whether {left} {symbol} {right}") if answer is None else answer

    def _spread(self, operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        lefts = left.options if isinstance(left, OneOf) else (left,)
        rights = right.options if isinstance(right, OneOf) else (right,)
        results: list[Any] = []
        error: PyRaise | None = None
        for a in lefts:
            for b in rights:
                try:
                    results.append(operation(a, b))
                except PyRaise as raised:
                    error = raised
        if not results and error is not None:
            raise error
        return state.join(results, UNDECIDED, self.here())

    def contains(self, container: Any, item: Any) -> Any:
        """``item in container``: three-valued."""
        kind = container.__class__
        if kind is Unknown:
            return Unknown("membership in something unknown", self.here(), container)
        if kind is OneOf:
            return self._spread(lambda c, i: self.contains(c, i), container, item)
        if isinstance(item, OneOf):
            return self._spread(lambda c, i: self.contains(c, i), container, item)
        if kind is Instance:
            raw = container.cls.lookup("__contains__")
            if raw is not MISSING:
                return self.truth(self.call(self.bind(raw, container, container.cls), (item,)))
            native = self._native_member(container, "__contains__")
            if native is not MISSING and container.data is None:
                return self.truth(self.call(native, (item,)))
            if container.data is not None:
                return self.contains(container.data, item)
        if isinstance(container, (dict, set, frozenset)):
            if isinstance(item, Unknown):
                return Unknown("membership of something unknown", self.here(), item)
            if not isinstance(item, (Sym, Instance)):
                try:
                    found = item in container
                except TypeError:
                    return self.raise_(TypeError, f"unhashable type: '{self.type_name(item)}'")
                if not found and isinstance(container, dict) and self.force_pending_imports(container):
                    found = item in container
                if found or not any(isinstance(k, (Sym, OneOf)) for k in container):
                    return found
        if isinstance(container, str):
            if isinstance(item, Instance) and isinstance(item.data, str):
                item = item.data
            if isinstance(item, str):
                return item in container
            if item is None or isinstance(item, _PLAIN):
                self.raise_(TypeError, f"'in <string>' requires string as left operand, not {self.type_name(item)}")
            return Unknown("membership of something unknown", self.here(), item if isinstance(item, Unknown) else None)
        if isinstance(container, range) and isinstance(item, (int, float)):
            return int(item) in container if item == item // 1 else False
        if isinstance(container, (ClassObject, NativeType)):
            checker = self.lookup_attribute(container, "__contains__")
            if checker is not MISSING:
                return self.truth(self.call(checker, (item,)))
        undecided: Any = False
        try:
            for element in self.iterate(container):
                self.tick()
                verdict = self.identical(element, item)
                if verdict is not True:
                    verdict = self.truth(self.equal(element, item))
                if verdict is True:
                    return True
                if verdict is not False:
                    undecided = verdict
        except UnknownIteration as lost:
            return Unknown("membership in something unknown", self.here(), lost.unknown)
        return undecided

    # -- operators ---------------------------------------------------------------------------------------------------------

    def binary(self, symbol: str, left: Any, right: Any) -> Any:
        """``left + right`` and the like."""
        lk, rk = left.__class__, right.__class__
        if (lk is int or lk is float) and (rk is int or rk is float):
            return self._numbers(symbol, left, right)
        if lk is Tensor or rk is Tensor:
            return self._tensor_binary(symbol, left, right)
        if lk is Unknown or rk is Unknown:
            return Unknown(
                "computed from something unknown",
                self.here(),
                left if lk is Unknown else right,
            )
        if lk is OneOf or rk is OneOf:
            return self._spread(lambda a, b: self.binary(symbol, a, b), left, right)
        forward, backward, plain = _BINARY[symbol]
        if symbol == "%" and isinstance(left, (str, bytes)):
            return methods.percent_format(self, left, right)  # type: ignore[arg-type]
        if lk is Instance or rk is Instance:
            return self._instance_binary(symbol, left, right, forward, backward)
        if symbol == "|" and (isinstance(left, (type, ClassObject, NativeType, Opaque)) or left is None):
            return Opaque("Union")
        if symbol == "|" and isinstance(right, (type, ClassObject, NativeType, Opaque)):
            return Opaque("Union")
        if lk is Sym or rk is Sym or lk is SymRatio or rk is SymRatio:
            return self._sizes(symbol, left, right)
        if symbol == "*" and (
            isinstance(left, (list, tuple, str, bytes)) or isinstance(right, (list, tuple, str, bytes))
        ):
            sequence, times = (left, right) if isinstance(left, (list, tuple, str, bytes)) else (right, left)
            if isinstance(times, int) and len(sequence) * times > _MAX_ELEMENTS:
                return self.unknown("a sequence too large to build here")
        if (
            symbol == "+"
            and isinstance(left, (list, tuple, str, bytes))
            and isinstance(right, (list, tuple, str, bytes))
        ):
            if len(left) + len(right) > _MAX_ELEMENTS:
                return self.unknown("a sequence too large to build here")
        if isinstance(left, (int, float, complex)) and isinstance(right, (int, float, complex)):
            return self._numbers(symbol, left, right)
        try:
            return plain(left, right)
        except TypeError as error:
            return self.raise_(TypeError, str(error))
        except Exception:
            return self.unknown(f"{symbol} on these operands")

    def _numbers(self, symbol: str, left: Any, right: Any) -> Any:
        if (
            symbol == "**"
            and isinstance(left, int)
            and isinstance(right, int)
            and abs(right) * left.bit_length() > 20_000
        ):
            return self.unknown("a number too large to compute here")
        if (
            symbol == "<<"
            and isinstance(left, int)
            and isinstance(right, int)
            and (right > 20_000 or left.bit_length() > 200_000)
        ):
            return self.unknown("a number too large to compute here")
        if symbol == "*" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > 200_000:
                return self.unknown("a number too large to compute here")
        try:
            return _BINARY[symbol][2](left, right)
        except ZeroDivisionError as error:
            raise PyRaise(ZeroDivisionError(str(error)), self.here()) from None
        except TypeError as error:
            return self.raise_(TypeError, str(error))
        except (OverflowError, ValueError) as error:
            raise PyRaise(type(error)(str(error)), self.here()) from None

    def _sizes(self, symbol: str, left: Any, right: Any) -> Any:
        if isinstance(left, bool):
            left = int(left)
        if isinstance(right, bool):
            right = int(right)
        try:
            if isinstance(left, (list, tuple, str)) or isinstance(right, (list, tuple, str)):
                return self.unknown("a sequence repeated a symbolic number of times")
            answer = symbolic.arithmetic(symbol, left, right)
            if answer is not None:
                return answer
        except ZeroDivisionError as error:
            raise PyRaise(ZeroDivisionError(str(error)), self.here()) from None
        except (TypeError, NotImplementedError):
            pass
        return self.unknown(
            f"{symbol} of a symbolic size and {self.type_name(right if isinstance(left, Sym) else left)}"
        )

    def _instance_binary(self, symbol: str, left: Any, right: Any, forward: str, backward: str) -> Any:
        for first, second, name in ((left, right, forward), (right, left, backward)):
            if isinstance(first, Instance):
                raw = first.cls.lookup(name)
                if raw is not MISSING:
                    result = self.call(self.bind(raw, first, first.cls), (second,))
                    if result is not NotImplemented:
                        return result
                else:
                    native = self._native_member(first, name) if first.data is None else MISSING
                    if native is not MISSING:
                        return self.call(native, (second,))
        ldata = left.data if isinstance(left, Instance) and left.data is not None else left
        rdata = right.data if isinstance(right, Instance) and right.data is not None else right
        if ldata is not left or rdata is not right:
            if not isinstance(ldata, Instance) and not isinstance(rdata, Instance):
                return self.binary(symbol, ldata, rdata)
        for side in (left, right):
            if isinstance(side, Instance):
                for base in side.cls.mro:
                    if isinstance(base, Unknown):
                        return self.unknown(f"{symbol} of a {side.cls.name}: a base class is unknown", base)
        return self.raise_(
            TypeError,
            f"unsupported operand type(s) for {symbol}: '{self.type_name(left)}' and '{self.type_name(right)}'",
        )

    def _tensor_binary(self, symbol: str, left: Any, right: Any) -> Any:
        forward, backward, _ = _BINARY[symbol]
        if isinstance(left, OneOf) or isinstance(right, OneOf):
            return self._spread(lambda a, b: self.binary(symbol, a, b), left, right)
        if isinstance(left, Instance) or isinstance(right, Instance):
            other = left if isinstance(left, Instance) else right
            raw = other.cls.lookup(backward if other is right else forward)
            if raw is not MISSING:
                return self.call(self.bind(raw, other, other.cls), (right if other is left else left,))
        if isinstance(left, Tensor):
            name = _TENSOR_FORWARD.get(symbol, forward)
            return self.torch_method(f"torch.Tensor.{name}", (left, right))
        name = _TENSOR_BACKWARD.get(symbol, backward)
        return self.torch_method(f"torch.Tensor.{name}", (right, left))

    def binary_inplace(self, symbol: str, left: Any, right: Any) -> Any:
        """``left += right``: in place for lists, sets, dicts and tensors."""
        if isinstance(left, Tensor):
            name = _TENSOR_INPLACE.get(symbol, "__i" + _BINARY[symbol][0][2:])
            return self.torch_method(f"torch.Tensor.{name}", (left, right))
        if isinstance(left, list) and symbol == "+":
            try:
                items = self.listed(right)
            except UnknownIteration as lost:
                items = [Unknown("items of an unknown sequence", self.here(), lost.unknown)]
            if len(left) + len(items) > _MAX_ELEMENTS:
                return self.unknown("a sequence too large to build here")
            self.touch(left)
            left.extend(items)
            return left
        if isinstance(left, list) and symbol == "*" and isinstance(right, int) and len(left) * right <= _MAX_ELEMENTS:
            self.touch(left)
            left *= right
            return left
        if isinstance(left, set) and isinstance(right, (set, frozenset)):
            self.touch(left)
            changed = _BINARY[symbol][2](left, right)
            left.clear()
            left.update(changed)
            return left
        if isinstance(left, dict) and symbol == "|" and isinstance(right, dict):
            self.touch(left)
            left.update(right)
            return left
        if isinstance(left, Instance):
            raw = left.cls.lookup("__i" + _BINARY[symbol][0][2:])
            if raw is not MISSING:
                return self.call(self.bind(raw, left, left.cls), (right,))
        return self.binary(symbol, left, right)

    def unary(self, symbol: str, value: Any) -> Any:
        name, plain = _UNARY[symbol]
        kind = value.__class__
        if kind is Unknown:
            return Unknown("computed from something unknown", self.here(), value)
        if kind is Tensor:
            method = {"-": "neg", "+": "positive", "~": "__invert__"}[symbol]
            return self.torch_method(f"torch.Tensor.{method}", (value,))
        if kind is OneOf:
            return state.join([self.unary(symbol, v) for v in value.options], UNDECIDED, self.here())
        if kind is Instance:
            raw = value.cls.lookup(name)
            if raw is not MISSING:
                return self.call(self.bind(raw, value, value.cls), ())
            if value.data is not None:
                return self.unary(symbol, value.data)
        try:
            return plain(value)
        except TypeError as error:
            return self.raise_(TypeError, str(error))

    # -- items ---------------------------------------------------------------------------------------------------------------

    def getitem(self, obj: Any, key: Any) -> Any:
        """``obj[key]``."""
        kind = obj.__class__
        if kind is Tensor:
            return self.torch_method("torch.Tensor.__getitem__", (obj, key))
        if kind is Unknown:
            return Unknown("an item of something unknown", self.here(), obj)
        if kind is OneOf:
            return self._spread(lambda o, k: self.getitem(o, k), obj, key)
        if kind is Instance:
            raw = obj.cls.lookup("__getitem__")
            if raw is not MISSING:
                return self.call(self.bind(raw, obj, obj.cls), (key,))
            native = self._native_member(obj, "__getitem__") if obj.data is None else MISSING
            if native is not MISSING:
                return self.call(native, (key,))
            if obj.data is not None:
                if isinstance(obj.data, dict) and not isinstance(key, (Unknown, OneOf)) and key not in obj.data:
                    missing = obj.cls.lookup("__missing__")
                    if missing is not MISSING:
                        return self.call(self.bind(missing, obj, obj.cls), (key,))
                return self.getitem(obj.data, key)
            return self.unknown(f"an item of a {obj.cls.name}")
        if isinstance(obj, (ClassObject, NativeType, Opaque, type)):
            if isinstance(obj, ClassObject):
                raw = obj.lookup("__class_getitem__")
                if raw is not MISSING:
                    return self.call(raw.func if isinstance(raw, ClassMethod) else raw, (obj, key))
            getter = (
                self.lookup_attribute(obj, "__getitem__") if isinstance(obj, (ClassObject, NativeType)) else MISSING
            )
            if getter is not MISSING and not isinstance(getter, Function):
                return self.call(getter, (key,))
            return obj  # a generic alias stands for its class
        if isinstance(key, OneOf):
            return self._spread(lambda o, k: self.getitem(o, k), obj, key)
        if isinstance(obj, dict):
            return self._dict_item(obj, key)
        return methods.getitem(self, obj, key)  # type: ignore[arg-type]

    def _dict_item(self, obj: dict[Any, Any], key: Any) -> Any:
        if isinstance(key, Unknown):
            return Unknown("looked up by something unknown", self.here(), key)
        try:
            if key in obj:
                found = obj[key]
                return found if found.__class__ is not Lazy else self.resolve_lazy(found, obj, key)
        except TypeError:
            return self.raise_(TypeError, f"unhashable type: '{self.type_name(key)}'")
        factory = getattr(obj, "default_factory", None)
        if factory is not None:
            made = self.call(factory, ())
            self.touch(obj)
            obj[key] = made
            return made
        known = containers.find_key(self, obj, key)  # type: ignore[arg-type]
        if known is not MISSING:
            return obj[known]
        if isinstance(obj, Counter):
            return 0
        if self.force_pending_imports(obj) and key in obj:
            return obj[key]
        raise PyRaise(KeyError(key if isinstance(key, (str, int)) else str(key)), self.here())

    def setitem(self, obj: Any, key: Any, value: Any) -> None:
        """``obj[key] = value``."""
        kind = obj.__class__
        if kind is Tensor:
            self.torch_method("torch.Tensor.__setitem__", (obj, key, value))
        elif kind is Instance:
            raw = obj.cls.lookup("__setitem__")
            if raw is not MISSING:
                self.call(self.bind(raw, obj, obj.cls), (key, value))
                return
            native = self._native_member(obj, "__setitem__") if obj.data is None else MISSING
            if native is not MISSING:
                self.call(native, (key, value))
            elif obj.data is not None:
                self.setitem(obj.data, key, value)
        elif isinstance(obj, dict):
            if isinstance(key, (Unknown, OneOf)):
                return
            self.touch(obj)
            try:
                obj[key] = value
            except TypeError:
                self.raise_(TypeError, f"unhashable type: '{self.type_name(key)}'")
        elif isinstance(obj, list):
            methods.setitem(self, obj, key, value)  # type: ignore[arg-type]
        elif kind is OneOf:
            for option in obj.options:
                self.setitem(option, key, value)
        elif kind is not Unknown:
            methods.setitem(self, obj, key, value)  # type: ignore[arg-type]

    def delitem(self, obj: Any, key: Any) -> None:
        """``del obj[key]``."""
        if isinstance(obj, Instance):
            raw = obj.cls.lookup("__delitem__")
            if raw is not MISSING:
                self.call(self.bind(raw, obj, obj.cls), (key,))
            elif obj.data is not None:
                self.delitem(obj.data, key)
        elif isinstance(obj, (dict, list)) and not isinstance(key, (Unknown, OneOf)):
            self.touch(obj)
            try:
                del obj[key]
            except (KeyError, IndexError, TypeError) as error:
                raise PyRaise(type(error)(str(error)), self.here()) from None

    # -- iteration -----------------------------------------------------------------------------------------------------------

    def iterate(self, value: Any) -> Iterator[Any]:
        """The items of `value`, as Python would iterate it. Raises UnknownIteration where nobody knows them."""
        kind = value.__class__
        if kind in (list, tuple, range, str, dict, set, frozenset, bytes):
            if kind is list:
                return self._iterate_list(value)
            if kind in (set, frozenset):
                return iter(in_order(value))
            return iter(list(value)) if kind is dict else iter(value)
        if kind is IteratorObject:
            return value.source  # type: ignore[no-any-return]
        if kind is Tensor:
            return self.iterate_tensor(value)
        if kind is Unknown:
            raise UnknownIteration(value)
        if kind is OneOf:
            raise UnknownIteration(self.unknown("one of several values is iterated"))
        if kind is Instance:
            raw = value.cls.lookup("__iter__")
            if raw is not MISSING:
                made = self.call(self.bind(raw, value, value.cls), ())
                if made is value or (isinstance(made, Instance) and made.cls.lookup("__next__") is not MISSING):
                    return self._iterate_next(made)
                return self.iterate(made)
            native = self._native_member(value, "__iter__") if value.data is None else MISSING
            if native is not MISSING:
                return self.iterate(self.call(native, ()))
            if value.data is not None and not isinstance(value.data, BaseException):
                return self.iterate(value.data)
            if value.cls.lookup("__getitem__") is not MISSING:
                return self._iterate_items(value)
        if isinstance(value, (ClassObject, NativeType)):
            maker = self.lookup_attribute(value, "__iter__")
            if maker is not MISSING and not isinstance(maker, Function):
                return self.iterate(self.call(maker, ()))
        if isinstance(value, Opaque):
            raise UnknownIteration(self.unknown(f"{value.name} is iterated"))
        if isinstance(value, (Sym, SymRatio, int, float)) or value is None:
            self.raise_(TypeError, f"'{self.type_name(value)}' object is not iterable")
        found = methods.iterate(self, value)  # type: ignore[arg-type]
        if found is None:
            self.raise_(TypeError, f"'{self.type_name(value)}' object is not iterable")
        return found  # type: ignore[return-value]

    def listed(self, value: Any) -> list[Any]:
        """All items of `value`. Raises UnknownIteration where nobody knows them or there are too many."""
        items = list(islice(self.iterate(value), _MAX_ELEMENTS + 1))
        if len(items) > _MAX_ELEMENTS:
            raise UnknownIteration(self.unknown("more items than can be gone through here"))
        return items

    def _iterate_list(self, value: list[Any]) -> Iterator[Any]:
        index = 0
        while index < len(value):
            yield value[index]
            index += 1

    def _iterate_next(self, value: Instance) -> Iterator[Any]:
        step = self.bind(value.cls.lookup("__next__"), value, value.cls)
        while True:
            self.tick()
            try:
                item = self.call(step, ())
            except PyRaise as raised:
                if isinstance(raised.value, StopIteration):
                    return
                raise
            yield item

    def _iterate_items(self, value: Instance) -> Iterator[Any]:
        index = 0
        while True:
            self.tick()
            try:
                item = self.getitem(value, index)
            except PyRaise as raised:
                if isinstance(raised.value, IndexError):
                    return
                raise
            yield item
            index += 1

    # -- context managers ----------------------------------------------------------------------------------------------------

    def enter_context(self, manager: Any) -> Any:
        enter = self.lookup_attribute(manager, "__enter__")
        if enter is MISSING or isinstance(enter, Unknown):
            return Unknown("entered something unknown", self.here(), manager if isinstance(manager, Unknown) else None)
        return self.call(enter, ())

    def exit_context(self, manager: Any, raised: PyRaise | None) -> bool:
        leave = self.lookup_attribute(manager, "__exit__")
        if leave is MISSING or isinstance(leave, Unknown):
            return False
        if raised is None:
            self.call(leave, (None, None, None))
            return False
        return self.truth(self.call(leave, (self.type_of(raised.value), raised.value, None))) is True


# What torch records for an operator on tensors: names its Tensor class defines for them.
_TENSOR_FORWARD = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "//": "__floordiv__", "%": "__mod__",
                   "**": "__pow__"}  # fmt: skip
_TENSOR_BACKWARD = {"+": "add", "*": "mul", "-": "__rsub__", "/": "__rdiv__", "@": "__rmatmul__"}
_TENSOR_INPLACE = {"+": "add_", "-": "sub_", "*": "mul_", "/": "div_"}
