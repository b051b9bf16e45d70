"""``enum``: members are instances of their class, made when the class is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.stdlib.common import Maker, Namespace, identity
from ane_lsp.interp.support import native
from ane_lsp.interp.text import to_repr, to_str
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
    Property,
    PyRaise,
    StaticMethod,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_DESCRIPTORS = (Function, Property, ClassMethod, StaticMethod, Builtin, BoundMethod)


class _Auto:
    """``enum.auto()`` until the class is made."""


@dataclass(frozen=True, slots=True)
class _Wished:
    """``enum.member(value)`` and ``enum.nonmember(value)`` until the class is made."""

    value: Any
    member: bool


def _members(cls: Any) -> dict[str, Instance]:
    """Names to members in order of definition, aliases included."""
    found: dict[str, Instance] = cls.flags.get("enum_members", {}) if isinstance(cls, ClassObject) else {}
    return found


def _canonical(cls: Any) -> list[Instance]:
    return [m for name, m in _members(cls).items() if m.attrs["_name_"] == name and not _is_composite(cls, m)]


def _is_composite(cls: ClassObject, member: Instance) -> bool:
    value = member.attrs["_value_"]
    return FLAG in cls.mro and isinstance(value, int) and (value == 0 or value & (value - 1) != 0)


def build(interp: Interpreter, cls: ClassObject) -> None:
    """Turn the names a new Enum class assigned into members."""
    space = cls.namespace
    kind = cls.native_base
    for base in cls.mro[1:]:
        if isinstance(base, NativeType) and base in (INT_ENUM, STR_ENUM, INT_FLAG):
            kind = str if base is STR_ENUM else int
            cls.native_base = kind
            if kind not in cls.mro:
                cls.mro = (*cls.mro, kind)
            break
    members: dict[str, Instance] = {}
    ignored = space.get("_ignore_", ())
    values: list[Any] = []
    for name, value in list(space.items()):
        if isinstance(value, _Wished):
            space[name] = value.value
            if not value.member:
                continue
            value = value.value
        elif not _may_be_member(cls, name) or isinstance(value, _DESCRIPTORS) or name in ignored:
            continue
        elif isinstance(value, ClassObject) and value.qualname == f"{cls.qualname}.{name}":
            continue  # a class defined inside is no member since Python 3.13, and rare before
        elif isinstance(value, Instance) and value.cls.lookup("__get__") is not MISSING:
            continue
        if isinstance(value, tuple) and any(isinstance(v, _Auto) for v in value):
            value = tuple(_next_value(interp, cls, name, values) if isinstance(v, _Auto) else v for v in value)
        if isinstance(value, _Auto):
            value = _next_value(interp, cls, name, values)
        member = _make_member(interp, cls, kind, name, value)
        values.append(member.attrs["_value_"])
        for known in members.values():
            if interp.truth(interp.equal(known.attrs["_value_"], member.attrs["_value_"])) is True:
                member = known
                break
        members[name] = member
        space[name] = member
    if members:
        cls.flags["enum_members"] = members
        space["__members__"] = members
        space["_member_map_"] = members
        space["_member_names_"] = [m.attrs["_name_"] for m in _canonical(cls)]
    if FLAG in cls.mro:
        for name, method in _FLAG_METHODS.items():
            space.setdefault(name, method)  # before those of int
    cls.flags["enum"] = True


def _may_be_member(cls: ClassObject, name: str) -> bool:
    """``_names_`` and ``__names__`` are enum's own, and ``__name`` is private to the class; ``_NAME`` is a member as any."""
    return not name.startswith("_") or not (name.endswith("_") or name.startswith(f"_{cls.name.lstrip('_')}__"))


def _next_value(interp: Interpreter, cls: ClassObject, name: str, values: list[Any]) -> Any:
    custom = cls.lookup("_generate_next_value_")
    if custom is not MISSING:
        func = custom.func if isinstance(custom, StaticMethod) else custom
        return interp.call(func, (name, 1, len(values), list(values)), {})
    if STR_ENUM in cls.mro:
        return name.lower()
    numbers = [v for v in values if isinstance(v, int)]
    if FLAG in cls.mro:
        return 1 if not numbers else 1 << max(numbers).bit_length()
    return max(numbers) + 1 if numbers else 1


def _make_member(interp: Interpreter, cls: ClassObject, kind: type | None, name: str, value: Any) -> Instance:
    args = value if isinstance(value, tuple) else (value,)
    maker = cls.lookup("__new__")
    made: Any = None
    if maker is not MISSING:
        made = interp.call(maker.func if isinstance(maker, StaticMethod) else maker, (cls, *args), {})
    member = made if isinstance(made, Instance) else Instance(cls)
    if member is not made:
        if kind is not None and kind is not object:
            data = interp.call(kind, (value,) if kind is tuple else args, {})
            member.data = None if isinstance(data, Unknown) else data
            value = data if kind in (int, str, float) and not isinstance(value, tuple) else value
    interp.touch(member.attrs)
    member.attrs.setdefault("_value_", value)
    member.attrs["_name_"] = name
    init = cls.lookup("__init__")
    if init is not MISSING and not _from_native(init):
        interp.call(init, (member, *args), {})
    return member


def _from_native(raw: Any) -> bool:
    return not isinstance(raw, Function)


# -- the class as an object ------------------------------------------------------------------------------------------------------


@native("EnumType.__call__")
def _call(interp: Interpreter, cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    members = _members(cls)
    if not members and args and isinstance(args[0], str) and (len(args) > 1 or "names" in kwargs):
        return _functional(interp, cls, args[0], kwargs.get("names", args[1] if len(args) > 1 else ()))
    value = args[0] if len(args) == 1 else args
    if isinstance(value, Unknown):
        return interp.unknown(f"a member of {cls.name} with an unknown value", value)
    if isinstance(value, Instance) and value.cls is cls:
        return value
    undecided: Unknown | None = None
    for member in members.values():
        same = interp.truth(interp.equal(member.attrs["_value_"], value))
        if same is True:
            return member
        undecided = same if isinstance(same, Unknown) else undecided
    if undecided is not None:
        return interp.unknown(f"which member of {cls.name} has this value", undecided)
    missing = cls.lookup("_missing_")
    if missing is not MISSING:
        found = interp.call(missing.func if isinstance(missing, ClassMethod) else missing, (cls, value), {})
        if found is not None:
            return found
    if FLAG in cls.mro and type(value) is int:
        return _composite(interp, cls, value)
    text = to_repr(interp, value)
    shown = text if isinstance(text, str) else "the value"
    return interp.raise_(ValueError, f"{shown} is not a valid {cls.qualname}")


def _composite(interp: Interpreter, cls: ClassObject, value: int) -> Instance:
    """A combination of flags: one object for each value."""
    cache: dict[int, Instance] = cls.flags.setdefault("flag_values", {})
    for member in _members(cls).values():
        if member.attrs["_value_"] == value:
            return member
    if value not in cache:
        names = [m.attrs["_name_"] for m in _canonical(cls) if m.attrs["_value_"] & value]
        made = Instance(cls, value if INT_FLAG in cls.mro else None)
        made.attrs.update(_value_=value, _name_="|".join(names) if names else None)
        cache[value] = made
    return cache[value]


def _functional(interp: Interpreter, base: Any, name: str, names: Any) -> Any:
    """``Enum("Color", "RED GREEN")``."""
    from ane_lsp.interp.construct import make_class

    space: Namespace = {}
    if isinstance(names, str):
        names = names.replace(",", " ").split()
    if isinstance(names, dict):
        space.update(names)
    else:
        for number, item in enumerate(interp.iterate(names), 1):
            if isinstance(item, str):
                space[item] = (
                    item.lower() if base is STR_ENUM else 1 << (number - 1) if base in (FLAG, INT_FLAG) else number
                )
            else:
                key, value = interp.iterate(item)
                space[key] = value
    return make_class(interp, name, (base,), space)


@native("EnumType.__iter__")
def _iter(interp: Interpreter, cls: Any) -> Any:
    return IteratorObject(iter(_canonical(cls)))


@native("EnumType.__len__")
def _len(interp: Interpreter, cls: Any) -> Any:
    return len(_canonical(cls))


@native("EnumType.__reversed__")
def _reversed(interp: Interpreter, cls: Any) -> Any:
    return IteratorObject(reversed(_canonical(cls)))


@native("EnumType.__getitem__")
def _getitem(interp: Interpreter, cls: Any, name: Any) -> Any:
    if isinstance(name, Unknown):
        return interp.unknown(f"a member of {cls.name} with an unknown name", name)
    name = name.data if isinstance(name, Instance) and name.data is not None else name
    found = _members(cls).get(name) if isinstance(name, str) else None
    if found is None:
        raise PyRaise(KeyError(name))
    return found


@native("EnumType.__contains__")
def _contains(interp: Interpreter, cls: Any, value: Any) -> Any:
    if isinstance(value, Instance):
        return value.cls is cls
    if isinstance(value, Unknown):
        return interp.unknown("membership of something unknown", value)
    return any(interp.truth(interp.equal(m.attrs["_value_"], value)) is True for m in _canonical(cls))


# -- members -----------------------------------------------------------------------------------------------------------------


def _name_of(interp: Interpreter, self: Any) -> Any:
    return self.attrs["_name_"]


def _value_of(interp: Interpreter, self: Any) -> Any:
    return self.attrs["_value_"]


@native("Enum.__str__")
def _str(interp: Interpreter, self: Any) -> Any:
    if any(base in self.cls.mro for base in (INT_ENUM, STR_ENUM, INT_FLAG)):
        return to_str(interp, self.data)
    return f"{self.cls.name}.{self.attrs['_name_']}"


@native("Enum.__repr__")
def _repr(interp: Interpreter, self: Any) -> Any:
    text = to_repr(interp, self.attrs["_value_"])
    return text if isinstance(text, Unknown) else f"<{self.cls.name}.{self.attrs['_name_']}: {text}>"


@native("Enum.__format__")
def _format(interp: Interpreter, self: Any, spec: Any = "") -> Any:
    from ane_lsp.interp.text import format_value

    own = self.cls.lookup("__str__")
    if own is not MISSING:
        return format_value(interp, interp.call(own, (self,), {}), spec)
    return format_value(interp, _str.fn(interp, (self,), {}), spec)


@native("Enum.__hash__")
def _hash(interp: Interpreter, self: Any) -> Any:
    return interp.unknown("the hash of a value differs between runs")


def _flag_binary(name: str, fn: Callable[[int, int], int]) -> Builtin:
    def run(interp: Interpreter, self: Any, other: Any) -> Any:
        theirs = other.attrs.get("_value_") if isinstance(other, Instance) else other
        if isinstance(other, Unknown):
            return interp.unknown("a combination with an unknown flag", other)
        if not isinstance(theirs, int):
            return NotImplemented
        return _composite(interp, self.cls, fn(self.attrs["_value_"], theirs))

    return native(f"Flag.{name}")(run)


@native("Flag.__invert__")
def _invert(interp: Interpreter, self: Any) -> Any:
    every = 0
    for member in _canonical(self.cls):
        every |= member.attrs["_value_"]
    return _composite(interp, self.cls, every & ~self.attrs["_value_"])


@native("Flag.__contains__")
def _flag_contains(interp: Interpreter, self: Any, other: Any) -> Any:
    return other.attrs["_value_"] & self.attrs["_value_"] == other.attrs["_value_"]


@native("Flag.__bool__")
def _flag_bool(interp: Interpreter, self: Any) -> Any:
    return bool(self.attrs["_value_"])


def _created(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    build(interp, args[0])


def _never(value: Any) -> bool:
    return False


def _construct(which: Callable[[], NativeType]) -> Callable[..., Any]:
    return lambda interp, args, kwargs: interp.call(_call, (which(), *args), kwargs)


_CLASS_METHODS: Namespace = {
    "__class_created__": Builtin("__class_created__", _created), "__class_call__": _call, "__iter__": ClassMethod(_iter),
    "__len__": ClassMethod(_len), "__getitem__": ClassMethod(_getitem), "__contains__": ClassMethod(_contains),
    "__reversed__": ClassMethod(_reversed),
    "name": Property(native("name")(_name_of)), "value": Property(native("value")(_value_of)),
    "__str__": _str, "__repr__": _repr, "__format__": _format, "__hash__": _hash,
}  # fmt: skip
_FLAG_METHODS: Namespace = {
    "__or__": _flag_binary("__or__", lambda a, b: a | b), "__and__": _flag_binary("__and__", lambda a, b: a & b),
    "__xor__": _flag_binary("__xor__", lambda a, b: a ^ b), "__ror__": _flag_binary("__ror__", lambda a, b: a | b),
    "__rand__": _flag_binary("__rand__", lambda a, b: a & b), "__invert__": _invert, "__bool__": _flag_bool,
    "__contains__": _flag_contains,
}  # fmt: skip

ENUM: NativeType = NativeType("Enum", "enum", _construct(lambda: ENUM), _never, _CLASS_METHODS)
INT_ENUM: NativeType = NativeType("IntEnum", "enum", _construct(lambda: INT_ENUM), _never, {}, ENUM)
STR_ENUM: NativeType = NativeType("StrEnum", "enum", _construct(lambda: STR_ENUM), _never, {}, ENUM)
FLAG: NativeType = NativeType("Flag", "enum", _construct(lambda: FLAG), _never, _FLAG_METHODS, ENUM)
INT_FLAG: NativeType = NativeType("IntFlag", "enum", _construct(lambda: INT_FLAG), _never, {}, FLAG)


def _wishes() -> Namespace:
    @native("member")
    def member(interp: Interpreter, value: Any, /) -> Any:
        return _Wished(value, True)

    @native("nonmember")
    def nonmember(interp: Interpreter, value: Any, /) -> Any:
        return _Wished(value, False)

    return {"member": member, "nonmember": nonmember}


def _enum(interp: Interpreter) -> Namespace:
    def is_enum(value: Any) -> bool:
        return isinstance(value, ClassObject) and "enum" in value.flags

    meta = NativeType("EnumType", "enum", lambda interp, args, kwargs: interp.unknown("EnumType()"), is_enum, base=type)
    return {
        "Enum": ENUM, "IntEnum": INT_ENUM, "StrEnum": STR_ENUM, "Flag": FLAG, "IntFlag": INT_FLAG, "ReprEnum": ENUM,
        "EnumMeta": meta, "EnumType": meta, "auto": Builtin("auto", lambda interp, args, kwargs: _Auto()),
        "unique": identity("unique"), "property": property, **_wishes(),
        "verify": Builtin("verify", lambda interp, args, kwargs: identity("verify")),
        "global_enum": identity("global_enum"), "CONTINUOUS": "CONTINUOUS", "NAMED_FLAGS": "NAMED_FLAGS", "UNIQUE": "UNIQUE",
        "STRICT": "STRICT", "CONFORM": "CONFORM", "EJECT": "EJECT", "KEEP": "KEEP",
    }  # fmt: skip


MODULES: dict[str, Maker] = {"enum": _enum}
