"""``dataclasses``. ``__init__`` is written as source, so that it is a function like any other; what it usually does is done at once."""

from __future__ import annotations

import ast
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.construct import make_class
from ane_lsp.interp.stdlib.annotations import head, nodes_of
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name
from ane_lsp.interp.support import find_unknown, native
from ane_lsp.interp.text import to_repr
from ane_lsp.interp.values import (
    MISSING,
    Builtin,
    ClassObject,
    Function,
    Instance,
    ModuleObject,
    Opaque,
    Property,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

ABSENT = Opaque("dataclasses.MISSING")
KW_ONLY = Opaque("dataclasses.KW_ONLY")
_FROM_FACTORY = Opaque("a default that a factory makes")


@dataclass(slots=True)
class FieldSpec:
    """One field. kind: ``field``, ``initvar`` (passed to ``__post_init__`` only) or ``classvar``."""

    name: str
    default: Any = ABSENT
    default_factory: Any = ABSENT
    init: Any = True
    repr: Any = True
    compare: Any = True
    hash: Any = None
    kw_only: Any = ABSENT
    metadata: Any = dataclass_field(default_factory=dict)
    type: Any = None
    kind: str = "field"


@native("dataclasses.field", stores=True)
def _field(
    interp: Interpreter, *, default: Any = ABSENT, default_factory: Any = ABSENT, init: Any = True, repr: Any = True,
    hash: Any = None, compare: Any = True, metadata: Any = None, kw_only: Any = ABSENT, doc: Any = None,
) -> Any:  # fmt: skip
    made = Instance(field_class(interp))
    made.attrs.update(
        name=None, type=None, default=default, default_factory=default_factory, init=init, repr=repr, hash=hash,
        compare=compare, metadata={} if metadata is None else metadata, kw_only=kw_only,
    )  # fmt: skip
    return made


def field_class(interp: Interpreter) -> ClassObject:
    """``dataclasses.Field``: one class a run."""
    module = interp.import_module("dataclasses")
    assert isinstance(module, ModuleObject)
    found = module.namespace.get("Field")
    assert isinstance(found, ClassObject)
    return found


def fields_of(cls: Any) -> dict[str, FieldSpec] | None:
    """The fields of a dataclass by name, pseudo-fields included; None for other classes."""
    return cls.flags.get("dataclass") if isinstance(cls, ClassObject) else None


def _collect(interp: Interpreter, cls: ClassObject, kw_only: bool) -> dict[str, FieldSpec]:
    found: dict[str, FieldSpec] = {}
    for base in reversed(cls.mro[1:]):
        for name, spec in (fields_of(base) or {}).items():
            found[name] = spec
    nodes = nodes_of(cls)
    notes = cls.namespace.get("__annotations__", {})
    for name, note in list(notes.items()):
        kind = head(nodes.get(name))
        if kind == "KW_ONLY" or note is KW_ONLY:
            kw_only = True
            continue
        spec = FieldSpec(name, type=note, kw_only=kw_only)
        spec.kind = {"ClassVar": "classvar", "InitVar": "initvar"}.get(kind, "field")
        value = cls.namespace.get(name, ABSENT)
        if isinstance(value, Instance) and value.cls.lookup("__get__") is not MISSING:
            value = interp.getattr(cls, name)
        if isinstance(value, Instance) and value.cls is field_class(interp):
            for key in ("default", "default_factory", "init", "repr", "hash", "compare", "metadata"):
                setattr(spec, key, value.attrs[key])
            if value.attrs["kw_only"] is not ABSENT:
                spec.kw_only = value.attrs["kw_only"]
            if spec.default is ABSENT:
                del cls.namespace[name]
            else:
                cls.namespace[name] = spec.default
        elif value is not ABSENT:
            spec.default = value
            if isinstance(value, (list, dict, set)) and spec.kind == "field":
                interp.raise_(
                    ValueError, f"mutable default {type(value)} for field {name} is not allowed: use default_factory"
                )
        found.pop(name, None) if spec.kind == "classvar" else None
        if spec.kind != "classvar":
            found[name] = spec
    return found


def _flag(value: Any) -> bool:
    return value is True or (not isinstance(value, (Unknown, Opaque)) and bool(value))


def _init_source(specs: list[FieldSpec], post: bool, values: Namespace) -> str:
    positional: list[str] = []
    keyword: list[str] = []
    body: list[str] = []
    for spec in specs:
        has_factory = spec.default_factory is not ABSENT
        if _flag(spec.init):
            text = spec.name
            if has_factory:
                values[f"_make_{spec.name}"] = spec.default_factory
                text += "=_FACTORY"
            elif spec.default is not ABSENT:
                values[f"_default_{spec.name}"] = spec.default
                text += f"=_default_{spec.name}"
            (keyword if _flag(spec.kw_only) else positional).append(text)
            if spec.kind == "initvar":
                continue
            value = f"_make_{spec.name}() if {spec.name} is _FACTORY else {spec.name}" if has_factory else spec.name
            body.append(f"self.{spec.name} = {value}")
        elif has_factory:
            values[f"_make_{spec.name}"] = spec.default_factory
            body.append(f"self.{spec.name} = _make_{spec.name}()")
    if post:
        passed = ", ".join(s.name for s in specs if s.kind == "initvar")
        body.append(f"self.__post_init__({passed})")
    parameters = ["self", *positional, *(["*", *keyword] if keyword else [])]
    return f"def __init__({', '.join(parameters)}):\n    " + "\n    ".join(body or ["pass"])


def _make_init(interp: Interpreter, cls: ClassObject, specs: dict[str, FieldSpec], frozen: bool) -> Function:
    from ane_lsp.interp.frames import Frame

    module = ModuleObject(cls.module.name, cls.module.path, cls.module.is_package)
    module.is_torch = True  # no place of the program's own: what a factory calls is put down to the constructing call
    module.state = "done"
    values: Namespace = {"_FACTORY": _FROM_FACTORY}
    post = cls.lookup("__post_init__") is not MISSING
    source = _init_source(list(specs.values()), post, values)
    if frozen:
        values["_set"] = Builtin("__setattr__", lambda interp, args, kwargs: interp.setattr_plain(*args))
    module.namespace.update(values)
    try:
        tree = ast.parse(source)
    except SyntaxError:
        interp.raise_(TypeError, "non-default argument follows default argument")
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef)
    if frozen:
        for index, statement in enumerate(node.body):
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
                target = statement.targets[0]
                call = ast.Call(
                    ast.Name("_set", ast.Load()), [target.value, ast.Constant(target.attr), statement.value], []
                )
                node.body[index] = ast.fix_missing_locations(ast.copy_location(ast.Expr(call), statement))
                target.value.ctx = ast.Load()  # type: ignore[attr-defined]
    made = interp.plain_function(node, "__init__", Frame(module, module.namespace, None, interp.frame, "<module>"))
    made.qualname = f"{cls.qualname}.__init__"
    made.owner = cls
    assert isinstance(made, Function)
    made.fast = _Storing(list(specs.values()), post, frozen)
    return made


_DESCRIPTORS = frozenset({Property, Instance})


class _Storing:
    """What ``__init__`` of a dataclass does, at once, for objects as they usually are (see :mod:`ane_lsp.interp.fast`)."""

    def __init__(self, specs: list[FieldSpec], post: bool, frozen: bool) -> None:
        self._specs = specs
        self._positional = [s.name for s in specs if _flag(s.init) and not _flag(s.kw_only)]
        self._parameters = {s.name for s in specs if _flag(s.init)}
        self._required = {
            s.name for s in specs if _flag(s.init) and s.default is ABSENT and s.default_factory is ABSENT
        }
        self._stored = [s.name for s in specs if s.kind != "initvar"]
        self._post = post
        self._frozen = frozen

    def __call__(self, interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        obj = args[0] if args else None
        if obj.__class__ is not Instance or len(args) - 1 > len(self._positional):
            return MISSING
        given = dict(zip(self._positional, args[1:]))
        if not (kwargs.keys() <= self._parameters and given.keys().isdisjoint(kwargs)):
            return MISSING
        given.update(kwargs)
        if not (self._required <= given.keys() and self._simple(interp, obj.cls)):
            return MISSING
        attrs = obj.attrs
        interp.touch(attrs)
        passed: list[Any] = []
        for spec in self._specs:
            if spec.name in given:
                value = given[spec.name]
            elif spec.default_factory is not ABSENT:
                value = interp.call(spec.default_factory, ())
            elif spec.name in self._parameters:
                value = spec.default
            else:
                continue
            if spec.kind == "initvar":
                passed.append(value)
                continue
            if isinstance(value, dict):  # as :meth:`Attributes.setattr_plain` does
                interp.named_again((value,), attrs)
            attrs[spec.name] = value
        if self._post:
            interp.call(interp.getattr(obj, "__post_init__"), tuple(passed))
        return None

    def _simple(self, interp: Interpreter, cls: ClassObject) -> bool:
        """Whether assigning to a field stores the value and does nothing else."""
        if interp.is_nn_module(cls) or not (self._frozen or cls.lookup("__setattr__") is MISSING):
            return False
        return _DESCRIPTORS.isdisjoint([cls.lookup(name).__class__ for name in self._stored])


def _compared(cls: ClassObject) -> list[str]:
    return [s.name for s in (fields_of(cls) or {}).values() if s.kind == "field" and _flag(s.compare)]


@native("__eq__")
def _eq(interp: Interpreter, self: Any, other: Any) -> Any:
    if not isinstance(self, Instance) or not isinstance(other, Instance) or self.cls is not other.cls:
        return NotImplemented
    names = _compared(self.cls)
    mine = tuple(interp.getattr(self, n) for n in names)
    return interp.equal(mine, tuple(interp.getattr(other, n) for n in names))


def _order(symbol: str) -> Builtin:
    def run(interp: Interpreter, self: Any, other: Any) -> Any:
        if not isinstance(self, Instance) or not isinstance(other, Instance) or self.cls is not other.cls:
            return NotImplemented
        names = _compared(self.cls)
        mine = tuple(interp.getattr(self, n) for n in names)
        return interp.compare(symbol, mine, tuple(interp.getattr(other, n) for n in names))

    return native("order")(run)


@native("__repr__")
def _repr(interp: Interpreter, self: Any) -> Any:
    parts = []
    for spec in (fields_of(self.cls) or {}).values():
        if spec.kind == "field" and _flag(spec.repr):
            text = to_repr(interp, interp.getattr(self, spec.name))
            if isinstance(text, Unknown):
                return text
            parts.append(f"{spec.name}={text}")
    return f"{self.cls.qualname}({', '.join(parts)})"


@native("__setattr__")
def _frozen_setattr(interp: Interpreter, self: Any, name: Any, value: Any) -> Any:
    from dataclasses import FrozenInstanceError

    return interp.raise_(FrozenInstanceError, f"cannot assign to field {name!r}")


@native("__delattr__")
def _frozen_delattr(interp: Interpreter, self: Any, name: Any) -> Any:
    from dataclasses import FrozenInstanceError

    return interp.raise_(FrozenInstanceError, f"cannot delete field {name!r}")


@native("__hash__")
def _hash(interp: Interpreter, self: Any) -> Any:
    return interp.unknown("the hash of a value differs between runs")


def _replace_method(interp: Interpreter, self: Any, /, **changes: Any) -> Any:
    return _replaced(interp, self, changes)


def process(interp: Interpreter, cls: Any, options: Namespace) -> Any:
    """Make `cls` a dataclass."""
    if not isinstance(cls, ClassObject):
        return cls
    frozen = _flag(options.get("frozen", False))
    specs = _collect(interp, cls, _flag(options.get("kw_only", False)))
    interp.touch(cls.flags)
    cls.flags["dataclass"] = specs
    cls.flags["dataclass_options"] = {k: v for k, v in options.items() if isinstance(v, bool)}
    space = cls.namespace
    interp.touch(space)
    if _flag(options.get("init", True)) and "__init__" not in space:
        space["__init__"] = _make_init(interp, cls, specs, frozen)
    if _flag(options.get("repr", True)):
        space.setdefault("__repr__", _repr)
    if _flag(options.get("eq", True)):
        space.setdefault("__eq__", _eq)
        if frozen or _flag(options.get("unsafe_hash", False)):
            space.setdefault("__hash__", _hash)
    if _flag(options.get("order", False)):
        for name, symbol in (("__lt__", "<"), ("__le__", "<="), ("__gt__", ">"), ("__ge__", ">=")):
            space.setdefault(name, _order(symbol))
    if frozen:
        space["__setattr__"] = _frozen_setattr
        space["__delattr__"] = _frozen_delattr
    if _flag(options.get("match_args", True)):
        space.setdefault(
            "__match_args__", tuple(s.name for s in specs.values() if _flag(s.init) and not _flag(s.kw_only))
        )
    space["__dataclass_fields__"] = {s.name: _field_object(interp, s) for s in specs.values()}
    space["__dataclass_params__"] = Opaque("dataclass parameters")
    space["__replace__"] = native("__replace__", stores=True)(_replace_method)
    return cls


def _field_object(interp: Interpreter, spec: FieldSpec) -> Instance:
    made = Instance(field_class(interp))
    made.attrs.update(
        {n: getattr(spec, n) for n in ("name", "type", "default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")}
    )  # fmt: skip
    made.attrs["_field_type"] = Opaque(
        {"field": "_FIELD", "initvar": "_FIELD_INITVAR"}.get(spec.kind, "_FIELD_CLASSVAR")
    )
    return made


@native("dataclasses.dataclass")
def _dataclass(interp: Interpreter, cls: Any = None, /, **options: Any) -> Any:
    if cls is None:
        return native("dataclass")(lambda interp, cls: process(interp, cls, options))
    return process(interp, cls, options)


def _class_of(obj: Any) -> Any:
    return obj.cls if isinstance(obj, Instance) else obj


@native("dataclasses.fields")
def _fields(interp: Interpreter, class_or_instance: Any) -> Any:
    cls = _class_of(class_or_instance)
    if not isinstance(cls, ClassObject):
        if isinstance(cls, Unknown):
            return interp.unknown("the fields of an unknown value", cls)
        return interp.raise_(TypeError, "must be called with a dataclass type or instance")
    table = cls.lookup("__dataclass_fields__")
    if table is MISSING:
        return interp.raise_(TypeError, "must be called with a dataclass type or instance")
    return tuple(f for f in table.values() if f.attrs.get("_field_type") == Opaque("_FIELD"))


@native("dataclasses.is_dataclass")
def _is_dataclass(interp: Interpreter, obj: Any) -> Any:
    cls = _class_of(obj)
    if isinstance(cls, Unknown):
        return interp.unknown("whether an unknown value is a dataclass", cls)
    return isinstance(cls, ClassObject) and cls.lookup("__dataclass_fields__") is not MISSING


def _converted(interp: Interpreter, value: Any, factory: Any, as_tuple: bool) -> Any:
    if (isinstance(value, Instance) and fields_of(value.cls) is not None) or (
        isinstance(value, Instance) and value.cls.lookup("__dataclass_fields__") is not MISSING
    ):
        pairs = [
            (f.attrs["name"], _converted(interp, interp.getattr(value, f.attrs["name"]), factory, as_tuple))
            for f in _fields.fn(interp, (value,), {})
        ]
        if as_tuple:
            made: Any = tuple(v for _, v in pairs)
            return made if factory is None else interp.call(factory, (list(made),), {})
        return dict(pairs) if factory is None else interp.call(factory, (pairs,), {})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[_converted(interp, v, factory, as_tuple) for v in value])
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(interp, v, factory, as_tuple) for v in value)
    if isinstance(value, dict):
        made = value.copy()
        for key in made:
            made[key] = _converted(interp, made[key], factory, as_tuple)
        return made
    return interp.call(interp.getattr(interp.import_module("copy"), "deepcopy"), (value,), {})


@native("dataclasses.asdict", strict=True)
def _asdict(interp: Interpreter, obj: Any, *, dict_factory: Any = None) -> Any:
    return _converted(interp, obj, None if dict_factory is dict else dict_factory, False)


@native("dataclasses.astuple", strict=True)
def _astuple(interp: Interpreter, obj: Any, *, tuple_factory: Any = None) -> Any:
    return _converted(interp, obj, None if tuple_factory is tuple else tuple_factory, True)


def _replaced(interp: Interpreter, obj: Any, changes: Namespace) -> Any:
    if not isinstance(obj, Instance):
        return interp.unknown("replace() on something unknown", find_unknown(obj))
    given = dict(changes)
    for spec in (fields_of(obj.cls) or {}).values():
        if not _flag(spec.init):
            if spec.name in given:
                interp.raise_(
                    ValueError, f"field {spec.name} is declared with init=False, it cannot be specified with replace()"
                )
        elif spec.name not in given:
            if spec.kind == "initvar":
                if spec.default is ABSENT:
                    interp.raise_(ValueError, f"InitVar '{spec.name}' must be specified with replace()")
                given[spec.name] = spec.default
            else:
                given[spec.name] = interp.getattr(obj, spec.name)
    return interp.call(obj.cls, (), given)


@native("dataclasses.replace", stores=True)
def _replace(interp: Interpreter, obj: Any, /, **changes: Any) -> Any:
    return _replaced(interp, obj, changes)


@native("dataclasses.make_dataclass")
def _make_dataclass(
    interp: Interpreter, cls_name: Any, fields: Any, *, bases: Any = (), namespace: Any = None, **options: Any
) -> Any:
    notes: Namespace = {}
    space: Namespace = dict(namespace or {})
    for item in interp.iterate(fields):
        parts = [item] if isinstance(item, str) else list(interp.iterate(item))
        if not isinstance(parts[0], str):
            return interp.unknown("a dataclass with an unknown field", find_unknown(parts))
        notes[parts[0]] = parts[1] if len(parts) > 1 else Opaque("Any")
        if len(parts) == 3:
            space[parts[0]] = parts[2]
    space["__annotations__"] = notes
    made = make_class(interp, cls_name, tuple(bases), space)
    options.pop("module", None)
    return process(interp, made, options)


def _dataclasses(interp: Interpreter) -> Namespace:
    from dataclasses import FrozenInstanceError

    module = ModuleObject("dataclasses", None)
    return {
        **by_name(_dataclass, _field, _fields, _is_dataclass, _asdict, _astuple, _replace, _make_dataclass),
        "Field": ClassObject("Field", "Field", (), {}, module), "MISSING": ABSENT, "KW_ONLY": KW_ONLY,
        "InitVar": Opaque("InitVar"), "FrozenInstanceError": FrozenInstanceError, "_FIELD": Opaque("_FIELD"),
        "_FIELD_INITVAR": Opaque("_FIELD_INITVAR"), "_FIELD_CLASSVAR": Opaque("_FIELD_CLASSVAR"),
    }  # fmt: skip


MODULES: dict[str, Maker] = {"dataclasses": _dataclasses}
