"""Attributes: looking up, binding, setting, deleting."""

from __future__ import annotations

import ast
import typing
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp import absent, builtins, methods, state
from ane_lsp.interp.base import Base
from ane_lsp.interp.classes import mro_of, order
from ane_lsp.interp.frames import UNDECIDED
from ane_lsp.interp.scopes import signature_of
from ane_lsp.interp.stdlib import real_class_has
from ane_lsp.interp.support import concrete, find_unknown
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.torch_types import TENSOR
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    LiteralOf,
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
    UnionOf,
)
from ane_lsp.syntax.exchange import walked
from ane_lsp.torch_model.class_names import has_besides
from ane_lsp.torch_model.constants import FInfo, IInfo

_FUNCTIONS = (FunctionType, BuiltinFunctionType)
_KINDS: dict[type, tuple[type, ...]] = {
    Function: (FunctionType,), Builtin: _FUNCTIONS, TorchFunction: _FUNCTIONS, StaticMethod: (staticmethod,), ClassMethod: (classmethod,),
}  # fmt: skip


def docstring(node: ast.AST | None) -> str | None:
    """The ``__doc__`` of a function or class."""
    documented = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return ast.get_docstring(node, clean=False) if documented else None  # type: ignore[arg-type]


def _by_name(name: str, count: int, work: Callable[[Any, tuple[Any, ...]], Any]) -> Builtin:
    """A method of an object that is given the name of an attribute first; count: its arguments."""

    def checked(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs or len(args) != count:
            return interp.raise_(TypeError, f"{name}() takes {count} arguments, {len(args) + len(kwargs)} given")
        if count == 1 and not isinstance(args[0], str):  # what is set under such a name may be any
            return interp.unknown("an attribute whose name is not known", find_unknown(args[0]))
        return work(interp, args)

    return Builtin(name, checked)


def _unbound(
    name: str, run: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any], count: int | None = None
) -> Builtin:
    """A method of a builtin type, called with the object as its first argument. count: of its arguments, where that is fixed."""

    def checked(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args or (count is not None and len(args) != count):
            return interp.raise_(TypeError, f"{name}() got {len(args)} arguments")
        return run(interp, args, kwargs)

    return Builtin(name, checked)


def _may_add(maker: Any, name: str) -> bool:
    """Whether a metaclass's ``__new__`` may give its classes that attribute: by name, or by a name that is computed."""
    if not isinstance(maker, Function):
        return True
    for part in walked(maker.node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and part.attr == name:
            return True
        key: ast.expr | None = None
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
            key = part.slice
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "setattr":
            key = part.args[1] if len(part.args) > 1 else part
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            key = part if part.func.attr in ("update", "setdefault") else None
        if key is not None and (not isinstance(key, ast.Constant) or key.value == name):
            return True
    return False


def _type_call(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``type.__call__(cls, *args)``: what a metaclass's own ``__call__`` is made around."""
    made = interp.construct_plain if isinstance(args[0], ClassObject) else interp.call
    return made(args[0], args[1:], kwargs)


_BOUND = frozenset({Function, Builtin, ClassMethod, StaticMethod})
# Of functions of torch that are written in Python, the defaults of what they are given by name only.
_IN_PYTHON = {name: {"indexing": None} for name in ("torch.meshgrid", "torch.functional.meshgrid")}


class Attributes(Base):
    def getattr(self, obj: Any, name: str, default: Any = MISSING) -> Any:
        """``obj.name``. Raises PyRaise(AttributeError) where it is missing and no default is given."""
        found = self.lookup_attribute(obj, name)
        if found is MISSING:
            if default is not MISSING:
                return default
            fallback = obj.cls.lookup("__getattr__") if isinstance(obj, Instance) and name[:2] != "__" else MISSING
            if isinstance(fallback, Function) and not fallback.module.is_torch:
                return self.call(BoundMethod(fallback, obj), (name,))  # which raises what it raises
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
        if kind is LiteralOf and name == "__args__":
            return obj.choices
        if name == "__module__" and isinstance(obj, Opaque):
            own = kind is not UnionOf and hasattr(typing, obj.name)  # `int | str` is of another module in each Python
            return "typing" if own else self.unknown(f"the module of {obj.name}")
        if kind is Opaque:
            if name in ("__origin__", "__args__"):
                return MISSING
            if name.startswith("__"):
                return obj.name.rsplit(".", 1)[-1] if name in ("__name__", "__qualname__") else MISSING
            return Opaque(f"{obj.name}.{name}")
        if kind is DType:
            return self._dtype_attribute(obj, name)
        if kind is Device:
            if name in ("__enter__", "__exit__"):  # where tensors are made decides no shape
                return Builtin(name, lambda interp, args, kwargs: obj if name == "__enter__" else None)
            return {"type": obj.type, "index": obj.index}.get(name, MISSING)
        if kind is TorchFunction:
            if name in ("__name__", "__qualname__"):
                return obj.name.rsplit(".", 1)[-1]
            if name == "__kwdefaults__" and obj.name in _IN_PYTHON:
                return dict(_IN_PYTHON[obj.name])
            return obj.name.rsplit(".", 1)[0] if name == "__module__" else self._unmodelled(obj, name)
        if kind is Builtin:
            if name in ("__name__", "__qualname__"):
                return obj.name
            return self._unmodelled(obj, name) if name != "__doc__" else None
        if isinstance(obj, (Sym, SymRatio)):
            return self._number_attribute(obj, name)
        if isinstance(obj, (StaticMethod, ClassMethod)):
            return (
                obj.func if name == "__func__" else self._unmodelled(obj, name, self.lookup_attribute(obj.func, name))
            )
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
            if not raised.is_a(AttributeError):
                raise
        fallback = obj.cls.lookup("__getattr__")
        if fallback is MISSING or name.startswith("__"):
            return MISSING
        try:
            return self.call(fallback, (obj, name))
        except PyRaise as raised:
            if raised.is_a(AttributeError):
                return MISSING
            raise

    def plain_attribute(self, obj: Any, name: Any) -> Any:
        """``object.__getattribute__``."""
        if not isinstance(obj, Instance):
            return self.getattr(obj, name)
        found = self._instance_attribute(obj, name, computed=False)
        if found is MISSING:
            self.raise_(AttributeError, f"'{obj.cls.name}' object has no attribute '{name}'")
        return found

    def _instance_attribute(self, obj: Instance, name: str, computed: bool = True) -> Any:
        """An attribute along Python's order; with `computed` the class's ``__getattr__`` is asked last."""
        cls = obj.cls
        if name in self.ordinals or name == "__dict__":
            self.ordinals_read += 1
        raw = cls.lookup(name)
        if raw is not MISSING and raw.__class__ is Property:
            if raw.cached and name in obj.attrs:
                return obj.attrs[name]
            return self._run_property(raw, obj, name)
        attrs = obj.attrs
        if name in attrs:
            found = attrs[name]
            if found.__class__ is OneOf and absent.optional(found):
                if raw is MISSING:
                    return self.plain_or_registered(obj, name)
                return state.join([absent.present(found), self.bind(raw, obj, cls)], UNDECIDED, self.here())
            return found
        if raw is not MISSING:
            return self.bind(raw, obj, cls)
        if "_modules" in attrs:
            found = self.nn_getattr(obj, name)
            if found is not MISSING:
                return found
            if name == "__getattr__":  # asked for by its name, it knows parameters, buffers and modules only
                return _by_name(name, 1, lambda interp, args: interp.nn_getattr_or_raise(obj, args[0]))
        if name == "__class__":
            return cls
        if name == "__dict__":
            return attrs
        found = self._native_member(obj, name)
        if found is not MISSING:
            return found
        if MORE in attrs and not name.startswith("__"):
            why = attrs[MORE]
            cause = why if why.__class__ is Unknown else None
            return self.unknown(f"`.{name}` of an object with attributes that nobody knows", cause)
        fallback = cls.lookup("__getattr__") if computed else MISSING
        if fallback is not MISSING and not name.startswith("__"):
            try:
                return self.call(self.bind(fallback, obj, cls), (name,))
            except PyRaise as raised:
                if raised.is_a(AttributeError):
                    return MISSING
                raise
        lost = self._lost_attribute(cls, name)
        if lost is not None:
            return lost
        if name == "__doc__":
            return docstring(cls.node)
        if name == "__module__":
            return cls.module.name
        if name in ("__init__", "__init_subclass__", "__setstate__"):
            return Builtin(name, lambda interp, args, kwargs: None)
        if name == "__setattr__":
            return _by_name(name, 2, lambda interp, args: interp.setattr_nn(obj, args[0], args[1]))
        if name == "__delattr__":
            return Builtin(name, lambda interp, args, kwargs: interp.delattr(obj, args[0]))
        if name == "__getattribute__":
            return _by_name(name, 1, lambda interp, args: interp.plain_attribute(obj, args[0]))
        return MISSING

    def may_lack(self, obj: Any, name: str) -> bool:
        """Whether it depends on a condition nobody can decide that an object has an attribute."""
        if obj.__class__ is not Instance or obj.cls.lookup(name) is not MISSING:
            return False
        kinds = [obj.attrs.get(kind) for kind in ("_parameters", "_modules", "_buffers")]
        tables = [table for table in (obj.attrs, *kinds) if isinstance(table, dict)]
        held = [table[name] for table in tables if name in table]
        if not held:  # it may be one of those whose names nobody knows
            return not name.startswith("_") and any(MORE in table for table in tables)
        return all(map(absent.optional, held))

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
            return self._of_data(obj, name) if name != "__class__" else MISSING
        return MISSING

    def _of_data(self, obj: Instance, name: str) -> Any:
        """A member of the builtin object that an object of a class which extends its class is."""
        if name == "__getitem__" and isinstance(obj.data, dict):
            return Builtin(name, lambda interp, args, kwargs: interp.stored_item(obj, *args))
        return self.lookup_attribute(obj.data, name)

    def bind(self, raw: Any, obj: Any, cls: Any) -> Any:
        """What a raw class attribute becomes when it is read through an instance."""
        kind = raw.__class__
        if kind is Function or kind is Builtin or (kind is TorchFunction and raw.name.startswith("torch.Tensor.")):
            return BoundMethod(raw, obj)  # torch's other functions are compiled ones, which are not bound
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
        if kind is OneOf and not _BOUND.isdisjoint([option.__class__ for option in raw.options]):
            return OneOf(tuple([self.bind(option, obj, cls) for option in raw.options]))
        if self.written is not None:
            self.note_shared(raw)
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
            if self.written is not None:
                self.note_shared(raw)
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
            self.bindings += 1
            return cls.namespace
        if name == "__class__":
            return cls.metaclass
        if name == "__doc__":
            return docstring(cls.node)
        if name == "__subclasses__":
            return Builtin(name, lambda interp, args, kwargs: [])
        for base in cls.mro:
            if isinstance(base, NativeType):
                found = base.methods.get(name, MISSING)
                if found is not MISSING:
                    return BoundMethod(found.func, cls) if isinstance(found, ClassMethod) else found
        meta = cls.metaclass
        # Every class has these from `object`, ahead of its metaclass, which makes classes by its own.
        if isinstance(meta, ClassObject) and name not in ("__new__", "__init__", "__init_subclass__"):
            raw = meta.lookup(name)
            if raw is not MISSING:
                return self.bind(raw, cls, meta)
        lost = self._lost_attribute(cls, name)
        if lost is not None:
            return lost
        if name == "__new__":
            return _unbound(name, lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name in ("__init__", "__init_subclass__", "__post_init__") and name != "__post_init__":
            return Builtin(name, lambda interp, args, kwargs: None)
        if name == "__setattr__":
            return _unbound(name, lambda interp, args, kwargs: interp.setattr_default(*args), 3)
        if name == "__delattr__":
            return _unbound(name, lambda interp, args, kwargs: interp.delattr(*args), 2)
        if isinstance(cls.native_base, type):
            return self._builtin_type_attribute(cls.native_base, name)
        return MISSING

    def _super_attribute(self, sup: Super, name: str) -> Any:
        mro = sup.obj_class.mro if isinstance(sup.obj_class, ClassObject) else (sup.obj_class,)
        start = mro.index(sup.owner) + 1 if sup.owner in mro else 0
        for cls in mro[start:]:
            if isinstance(cls, ClassObject):
                if name == "__dict__" and isinstance(sup.obj, Instance):  # which the class hands down that brings it
                    return self.getattr(sup.obj, name)
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
                    return _by_name(name, 2, lambda interp, args: interp.setattr_nn(sup.obj, args[0], args[1]))
                if name == "__delattr__" and self._is_module_base(cls):
                    return _by_name(name, 1, lambda interp, args: interp.nn_delattr(sup.obj, args[0]))
                if name == "__getattr__" and self._is_module_base(cls):
                    return _by_name(name, 1, lambda interp, args: interp.nn_getattr_or_raise(sup.obj, args[0]))
                if name == "__call__" and self._is_module_base(cls):
                    return Builtin(name, lambda interp, args, kwargs: interp.nn_call(sup.obj, args, kwargs))
            elif isinstance(cls, NativeType):
                if name in cls.methods:
                    return self.bind(cls.methods[name], sup.obj, sup.obj_class)
            elif isinstance(cls, Unknown):
                if name == "__new__" and isinstance(sup.obj, ClassObject) and self.is_nn_module(sup.obj):
                    continue
                if name == "__init__" and isinstance(sup.obj, Instance) and self.is_nn_module(sup.obj.cls):
                    return self._module_start(sup.obj)
                return Unknown(f"super().{name}: a base class is unknown: {cls.reason}", self.here(), cls)
        obj = sup.obj
        if name == "__new__":
            return _unbound(name, lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name == "__init__":
            return Builtin("__init__", lambda interp, args, kwargs: interp.native_init(obj, args, kwargs))
        if name == "__call__" and isinstance(obj, ClassObject):  # type.__call__, from a metaclass
            return Builtin(name, lambda interp, args, kwargs: interp.construct_plain(obj, args, kwargs))
        if name == "__setattr__":
            return _by_name(name, 2, lambda interp, args: interp.setattr_nn(obj, args[0], args[1]))
        if name == "__delattr__":
            return _by_name(name, 1, lambda interp, args: interp.delattr_plain(obj, args[0]))
        if name == "__getattribute__":
            return _by_name(name, 1, lambda interp, args: interp.plain_attribute(obj, args[0]))
        if name in ("__init_subclass__", "__post_init__"):
            return Builtin(name, lambda interp, args, kwargs: None)
        if name in ("__eq__", "__hash__", "__repr__", "__str__", "__dir__", "__format__", "__reduce__"):
            return Builtin(name, lambda interp, args, kwargs: interp.unknown(f"object.{name}"))
        if isinstance(obj, Instance) and obj.data is not None:
            return self._of_data(obj, name)
        return MISSING

    def plain_or_registered(self, obj: Instance, name: str) -> Any:
        """An attribute that an object may have: where a branch that nobody can decide has made it a module or parameter, or that None,
        it is the one or the other."""
        plain = absent.present(obj.attrs[name])
        for kind in ("_modules", "_parameters", "_buffers"):
            table = obj.attrs.get(kind)
            held = table.get(name, MISSING) if isinstance(table, dict) else MISSING
            if held is not MISSING:
                there = absent.present(held)
                joined = state.join([there, plain], UNDECIDED, self.here())
                if held.__class__ is OneOf and held.told is not None:
                    held.told.tell(joined, [there, plain])
                return joined
        return plain

    def _lost_attribute(self, cls: ClassObject, name: str) -> Unknown | None:
        """What an attribute is that a base class may have of which nobody knows all."""
        for base in cls.mro:
            if isinstance(base, Unknown):
                return Unknown(f"`.{name}`: a base class of {cls.name} is unknown: {base.reason}", self.here(), base)
            if not isinstance(base, ClassObject) or name.startswith("__"):
                continue
            maker = base.flags.get("metaclass_new")
            if maker is not None and _may_add(getattr(maker, "func", maker), name):
                return Unknown(f"`.{name}`: what the metaclass of {base.name} adds is not modelled", self.here())
            module = base.module
            if (
                module.name == "numpy"
                or (module.is_torch and has_besides(f"{module.name}.{base.name}", name))
                or (self.stands_for_stdlib(module) and real_class_has(module.name, name))
            ):
                return Unknown(f"`.{name}` of {module.name}.{base.name} is not modelled", self.here())
        return None

    def _module_start(self, obj: Instance) -> Builtin:
        """The constructor of an unknown base of a module: at least what ``nn.Module`` does."""
        return Builtin("__init__", lambda interp, args, kwargs: interp.call(self.module_init(obj.cls), (obj,)))

    def module_init(self, cls: ClassObject) -> Any:
        """The constructor of ``nn.Module`` itself; None for a class that is not derived from it."""
        base = next((c for c in cls.mro if isinstance(c, ClassObject) and self._is_module_base(c)), None)
        return None if base is None else base.namespace["__init__"]

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
        if name in ("__defaults__", "__kwdefaults__"):
            self.looked_at_signature(func)
        if name == "__defaults__":
            return tuple(func.defaults) or None
        if name == "__kwdefaults__":
            return func.kw_defaults or None
        if name == "__globals__":
            return func.module.namespace
        if name == "__doc__":  # no edit moves or exchanges a function with another docstring
            return docstring(func.node)
        if name == "__closure__":
            return None
        if name == "__annotations__":
            wrapped = func.attrs.get("__wrapped__")
            return self._annotations_of(wrapped if isinstance(wrapped, Function) else func)
        if name == "__code__":
            return self._code_of(func)
        if name == "__get__":
            return Builtin(
                "__get__", lambda interp, args, kwargs: BoundMethod(func, args[0]) if args[0] is not None else func
            )
        return self._unmodelled(func, name)

    def _annotations_of(self, func: Function) -> dict[str, Any]:
        frame = func.closure or self.frame_in(func.module)
        args = func.node.args
        given = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
        notes = {arg.arg: arg.annotation for arg in given if arg is not None}
        notes["return"] = getattr(func.node, "returns", None)
        return {name: self.annotation(note, frame) for name, note in notes.items() if note is not None}

    def _unmodelled(self, obj: Any, name: str, found: Any = MISSING) -> Any:
        """What is not known of an attribute that Python's own objects of this kind have."""
        if found is not MISSING or not any(hasattr(kind, name) for kind in _KINDS[obj.__class__]):
            return found
        if name == "__class__":
            return self.type_of(obj)
        return obj if name == "__call__" else Unknown(f"`.{name}` of a function is not modelled", self.here())

    def _code_of(self, func: Function) -> Any:
        signature = signature_of(func.node)
        code = Instance(ClassObject("code", "code", (), {}, func.module))
        names = (*signature.positional, *signature.kwonly)
        code.attrs.update(
            co_varnames=names, co_argcount=len(signature.positional), co_name=func.name, co_flags=0, co_filename=func.module.path,
            co_firstlineno=func.node.lineno, co_kwonlyargcount=len(signature.kwonly),
        )  # fmt: skip
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
        if name in ("__get__", "__set__", "__delete__"):

            def applied(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                if name == "__get__" and args[0] is None:
                    return prop
                function = getattr(prop, "f" + name[2:5])
                if function is None:
                    self.raise_(AttributeError, f"property has no {name[2:5]}ter")
                return self.call(function, args[: 2 if name == "__set__" else 1])

            return Builtin(name, applied)
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
        if name == "__mro__":
            return (*mro_of(native), object)
        if name in ("__doc__", "__init__"):
            return None if name == "__doc__" else Builtin(name, lambda interp, args, kwargs: None)
        return self.tensor_class_attribute(name) if TENSOR in (native, native.base) else MISSING

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
        if name in ("__mro__", "__bases__"):
            return getattr(cls, name)
        if name == "__dict__":
            held = {own: self._builtin_type_attribute(cls, own) for own in vars(cls) if own != name}
            return {own: value for own, value in held.items() if value is not MISSING}
        if name == "__doc__":
            return None
        if name == "__new__":
            return _unbound(name, lambda interp, args, kwargs: interp.new_instance(args[0], args[1:], kwargs))
        if name == "__init__":
            return _unbound(name, lambda interp, args, kwargs: interp.native_init(args[0], args[1:], kwargs))
        if name == "__call__" and cls is type:
            return _unbound(name, _type_call)
        if name == "__setattr__":
            return _unbound(name, lambda interp, args, kwargs: interp.setattr_default(*args), 3)
        if name == "__delattr__":
            return _unbound(name, lambda interp, args, kwargs: interp.delattr(*args), 2)
        if name == "__getattribute__":
            return _unbound(name, lambda interp, args, kwargs: interp.plain_attribute(*args), 2)
        found = builtins.type_attribute(cls, name)
        if found is not MISSING:
            return found
        if hasattr(cls, name) and not name.startswith("__"):

            def unbound(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                target = args[0].data if isinstance(args[0], Instance) else args[0]
                return interp.call(interp.getattr(target, name), args[1:], kwargs)

            return _unbound(name, unbound)
        if name.startswith("__") and hasattr(cls, name):

            def dunder(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                target = args[0].data if isinstance(args[0], Instance) and args[0].data is not None else args[0]
                return interp.call_dunder(target, name, args[1:])

            return _unbound(name, dunder)
        return MISSING

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
        elif kind is ClassObject and name == "__bases__" and not self.journals:
            self._extend(obj, value)
        elif kind is ClassObject or kind is ModuleObject:
            if kind is ModuleObject:
                self.changes += 1
                self.bindings += 1
            else:
                self.outside.note(obj.namespace)
                self.named_again((value,), obj.namespace)
            self.touch_names(obj.namespace)
            obj.namespace[name] = value
            if obj.is_torch if kind is ModuleObject else obj.module.is_torch:
                self.templates.clear()  # torch itself was changed: what was built before may be built differently now
        elif kind is Function or kind is Partial:
            self.touch_names(obj.attrs)
            obj.attrs[name] = value
        elif kind is OneOf:
            for option in obj.options:
                self.setattr(option, name, value)
        elif kind is BoundMethod:
            self.setattr(obj.func, name, value)

    def _extend(self, cls: ClassObject, bases: Any) -> None:
        """``cls.__bases__ = bases``, as a decorator of the class has it."""
        self.changes += 1
        self.bindings += 1
        cls.bases = (
            tuple([one for one in bases if not isinstance(one, Opaque)]) if isinstance(bases, tuple) else (bases,)
        )
        order(cls)
        for known in ("nn", "__getattribute__"):
            cls.flags.pop(known, None)

    def setattr_nn(self, obj: Instance, name: Any, value: Any) -> None:
        """Attribute assignment after any user-defined ``__setattr__``: properties, modules, then plain attributes."""
        if name.__class__ is not str:
            name = builtins.attribute_name(self, name)
            if name.__class__ is not str:
                builtins.set_any(self, obj, value, name)
                return
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
                self.touch(obj)
                if self.repeats is not None:
                    self.repeats.pieces.clear()
                obj.cls = value
                return
            if name == "__dict__" and isinstance(concrete(value), dict):
                if self.undo is not None:
                    self.undo.lasting = True
                if self.repeats is not None:
                    self.repeats.pieces.clear()
                obj.attrs = concrete(value)  # ``self.__dict__ = self`` of a dict: its entries are attributes
                return
            if name == "__dict__" and value.__class__ is Unknown:
                name = MORE
            if self.journals or self.written is not None or self.undo is not None or self.outside.noted or self.covered:
                self.touch(obj.attrs)
            if isinstance(value, dict):  # it may be a registry, where a module has a name for the object
                self.named_again((value,), obj.attrs)
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
        if isinstance(obj, ClassObject):
            self.outside.note(space)
        self.touch(space)
        del space[name]
