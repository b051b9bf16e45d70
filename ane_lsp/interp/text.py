"""The text of values: ``str``, ``repr``, f-string fields, ``str.format`` and ``%``. Unknown where the text is not known."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp.support import (
    HOST_ERRORS,
    LIMIT,
    DefaultDict,
    DictView,
    concrete,
    host_call,
    too_large,
    type_name,
)
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import (
    MISSING,
    ClassObject,
    Device,
    DType,
    Instance,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    PyRaise,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_MAX_INT_BITS = 12_000  # Python itself refuses to print ints of more than 4300 digits
_MAX_DEPTH = 60
_WIDE = re.compile(r"\d{6,}")


class _NoText(Exception):
    """The text is not known; carries the reason through host formatting."""

    def __init__(self, value: Unknown) -> None:
        super().__init__(value)
        self.value = value


def to_repr(interp: Interpreter, value: Any) -> str | Unknown:
    """``repr(value)``."""
    try:
        text = _repr(interp, value, [], [LIMIT])
    except _NoText as error:
        return error.value
    return text if len(text) <= LIMIT else too_large(interp, "the text")


def to_str(interp: Interpreter, value: Any) -> str | Unknown:
    """``str(value)``."""
    try:
        text = _str(interp, value, [], [LIMIT])
    except _NoText as error:
        return error.value
    return text if len(text) <= LIMIT else too_large(interp, "the text")


def _fail(interp: Interpreter, reason: str, cause: Unknown | None = None) -> _NoText:
    return _NoText(interp.unknown(reason, cause))


def _known(text: Any) -> str:
    if isinstance(text, Unknown):
        raise _NoText(text)
    return str(text) if isinstance(text, str) else str(concrete(text))


def _str(interp: Interpreter, value: Any, active: list[int], budget: list[int]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Instance):
        method = _own(interp, value, "__str__")
        if method is not MISSING:
            return _known(interp.call(method, (), {}))
        if isinstance(value.data, BaseException):
            return _exception_text(interp, value.data, value.attrs.get("args", value.data.args), active, budget)
        if isinstance(value.data, (str, int, float)) and _own(interp, value, "__repr__") is MISSING:
            return str(value.data)
    elif isinstance(value, BaseException):
        return _exception_text(interp, value, value.args, active, budget)
    elif isinstance(value, Device):
        return value.type if value.index is None else f"{value.type}:{value.index}"
    elif hasattr(value, "__fspath__"):
        return str(value)
    return _repr(interp, value, active, budget)


def _exception_text(
    interp: Interpreter, error: BaseException, args: tuple[Any, ...], active: list[int], budget: list[int]
) -> str:
    if isinstance(error, OSError) and len(args) > 1:
        return str(error)
    if not args:
        return ""
    if len(args) == 1:
        text = _repr if isinstance(error, KeyError) else _str
        return text(interp, args[0], active, budget)
    return _repr(interp, args, active, budget)


def _own(interp: Interpreter, value: Instance, name: str) -> Any:
    """The special method that a class of the program (or a native base) defines, bound to `value`."""
    for cls in value.cls.mro:
        if isinstance(cls, ClassObject) and name in cls.namespace:
            return interp.lookup_attribute(value, name)
        if isinstance(cls, NativeType) and name in cls.methods:
            return interp.lookup_attribute(value, name)
    return MISSING


def _repr(interp: Interpreter, value: Any, active: list[int], budget: list[int]) -> str:
    budget[0] -= 1
    if budget[0] < 0 or len(active) > _MAX_DEPTH:
        raise _fail(interp, "the text of the value is too large to evaluate here")
    kind = type(value)
    if kind is int and value.bit_length() > _MAX_INT_BITS:
        raise _fail(interp, "the digits of the number are too many to evaluate here")
    if value is None or kind in (bool, int, float, complex, bytes, range, type(...), type(NotImplemented)):
        return repr(value)
    if kind is str:
        budget[0] -= len(value) // 16
        return repr(value)
    if isinstance(value, Unknown):
        raise _fail(interp, "the text of an unknown value", value)
    if isinstance(value, (Sym, SymRatio)):
        raise _fail(interp, f"the text of the symbolic size {value}")
    if isinstance(value, OneOf):
        raise _fail(interp, "the text of one of several values")
    if isinstance(value, Tensor):
        raise _fail(interp, "the text of a tensor holds its values")
    if isinstance(value, Instance):
        return _instance_repr(interp, value, active, budget)
    if isinstance(value, (ClassObject, NativeType)):
        name = value.dotted if isinstance(value, ClassObject) else f"{value.module}.{value.name}"
        return f"<class '{name}'>"
    if isinstance(value, type):
        return repr(value)
    if isinstance(value, DType):
        return dtype_name(value)
    if isinstance(value, Device):
        index = "" if value.index is None else f", index={value.index}"
        return f"device(type='{value.type}'{index})"
    if isinstance(value, BaseException):
        inner = ", ".join(_repr(interp, a, active, budget) for a in value.args)
        return f"{kind.__name__}({inner})"
    if isinstance(value, slice):
        inner = ", ".join(_repr(interp, v, active, budget) for v in (value.start, value.stop, value.step))
        return f"slice({inner})"
    if isinstance(value, (list, tuple, dict, set, frozenset, deque, DictView)):
        return _container_repr(interp, value, active, budget)
    if isinstance(value, Opaque):
        return value.name
    if hasattr(value, "__fspath__"):
        return f"PosixPath({str(value)!r})"
    if isinstance(value, ModuleObject):
        raise _fail(interp, "the text of a module holds its path")
    raise _fail(interp, f"the text of a {type_name(value)} holds its address")


def _instance_repr(interp: Interpreter, value: Instance, active: list[int], budget: list[int]) -> str:
    method = _own(interp, value, "__repr__")
    if method is not MISSING:
        if id(value) in active:
            raise _fail(interp, "the text of a value that holds itself")
        active.append(id(value))
        try:
            return _known(interp.call(method, (), {}))
        finally:
            active.pop()
    if isinstance(value.data, BaseException):
        args = value.attrs.get("args", value.data.args)
        inner = ", ".join(_repr(interp, a, active, budget) for a in args)
        return f"{value.cls.name}({inner})"
    if isinstance(value.data, (str, int, float, list, dict, tuple)):
        if type(value.data) in (OrderedDict, DefaultDict, set, frozenset, deque):
            raise _fail(interp, f"the text of a {value.cls.name}")
        return _repr(interp, value.data, active, budget)
    raise _fail(interp, f"the text of a {value.cls.name} holds its address")


_BRACKETS: dict[Any, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}


def _container_repr(interp: Interpreter, value: Any, active: list[int], budget: list[int]) -> str:
    kind = type(value)
    if id(value) in active:
        return "(...)" if isinstance(value, tuple) else "{...}" if isinstance(value, dict) else "[...]"
    active.append(id(value))
    try:
        if isinstance(value, dict):
            pairs = [
                (_repr(interp, k, active, budget), _repr(interp, v, active, budget)) for k, v in list(value.items())
            ]
            body = "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
            if kind is OrderedDict:
                if interp_version() < (3, 12):
                    listed = ", ".join(f"({k}, {v})" for k, v in pairs)
                    return f"OrderedDict([{listed}])" if pairs else "OrderedDict()"
                return f"OrderedDict({body})" if pairs else "OrderedDict()"
            if isinstance(value, DefaultDict):
                return f"defaultdict({_repr(interp, value.default_factory, active, budget)}, {body})"
            if kind is Counter:
                raise _fail(interp, "the text of a Counter")
            return body
        items = [_repr(interp, v, active, budget) for v in list(value)]
        if isinstance(value, DictView):
            return f"{value.kind}([{', '.join(items)}])"
        if isinstance(value, deque):
            return f"deque([{', '.join(items)}]" + (")" if value.maxlen is None else f", maxlen={value.maxlen})")
        if isinstance(value, (set, frozenset)):
            if len(items) > 1 and not all(type(v) in (int, bool) for v in value):
                raise _fail(interp, "the order of a set is not fixed")
            name = "set" if kind is set else "frozenset"
            return f"{name}()" if not items else ("{%s}" if kind is set else "frozenset({%s})") % ", ".join(items)
        fields = getattr(kind, "_fields", None)
        if fields:
            return f"{kind.__name__}({', '.join(f'{n}={t}' for n, t in zip(fields, items))})"
        if kind not in _BRACKETS:
            if kind.__name__ == "Size":
                return f"torch.Size([{', '.join(items)}])"
            raise _fail(interp, f"the text of a {type_name(value)}")
        left, right = _BRACKETS[kind]
        tail = "," if kind is tuple and len(items) == 1 else ""
        return left + ", ".join(items) + tail + right
    finally:
        active.pop()


def interp_version() -> tuple[int, int]:
    """The Python version that the interpreted program sees."""
    return (3, 11)


def dtype_name(value: DType) -> str:
    """``torch.float32``."""
    from ane_lsp.graph import TORCH_DTYPE

    return f"torch.{TORCH_DTYPE.get(value.name, value.name)}"


def format_value(interp: Interpreter, value: Any, spec: Any = "", conversion: int | str | None = None) -> str | Unknown:
    """One field of an f-string or of ``str.format``. `conversion` is ``"r"``, ``"s"``, ``"a"``, or its code in the ast."""
    if isinstance(conversion, int):
        conversion = chr(conversion) if conversion > 0 else None
    if isinstance(spec, Unknown):
        return interp.unknown("a format specification that is not known", spec)
    spec = concrete(spec)
    if conversion:
        text = to_str(interp, value) if conversion == "s" else to_repr(interp, value)
        if isinstance(text, Unknown):
            return text
        value = ascii_of(text) if conversion == "a" else text
    if _WIDE.search(spec):
        return too_large(interp, "the formatted text")
    if type(value) in (str, int, float, bool, complex) and not (type(value) is int and value.bit_length() > 12_000):
        return host_call(interp, "the text", format, value, spec)  # type: ignore[no-any-return]
    if isinstance(value, Instance):
        method = _own(interp, value, "__format__")
        if method is not MISSING:
            made = interp.call(method, (spec,), {})
            return made if isinstance(made, (str, Unknown)) else interp.unknown("the formatted text", None)
        if isinstance(value.data, (str, int, float)) and spec:
            return host_call(interp, "the text", format, value.data, spec)  # type: ignore[no-any-return]
    if isinstance(value, Tensor) and spec:
        return interp.unknown("the text of a tensor holds its values")
    if not spec or isinstance(value, (Unknown, Sym, SymRatio, OneOf)):
        return to_str(interp, value)
    message = f"unsupported format string passed to {type_name(value)}.__format__"
    return interp.raise_(TypeError, message)  # type: ignore[no-any-return]


def ascii_of(text: str) -> str:
    """What ``ascii()`` makes of a repr."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


class _Field:
    """Stands for an interpreted value while the host formats."""

    __slots__ = ("_interp", "_value")

    def __init__(self, interp: Interpreter, value: Any) -> None:
        object.__setattr__(self, "_interp", interp)
        object.__setattr__(self, "_value", value)

    def _text(self, text: str | Unknown) -> str:
        if isinstance(text, Unknown):
            raise _NoText(text)
        return text

    def __str__(self) -> str:
        return self._text(to_str(self._interp, self._value))

    def __repr__(self) -> str:
        return self._text(to_repr(self._interp, self._value))

    def __format__(self, spec: str) -> str:
        return self._text(format_value(self._interp, self._value, spec))

    def __getattribute__(self, name: str) -> Any:
        if name in ("_interp", "_value", "_text"):
            return object.__getattribute__(self, name)
        return _Field(self._interp, self._interp.getattr(self._value, name))

    def __getitem__(self, key: Any) -> Any:
        return _Field(self._interp, self._interp.getitem(self._value, key))


def format_string(interp: Interpreter, template: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | Unknown:
    """``template.format(*args, **kwargs)``."""
    if _WIDE.search(template):
        return too_large(interp, "the formatted text")
    fields = [_Field(interp, a) for a in args]
    named = {k: _Field(interp, v) for k, v in kwargs.items()}
    try:
        text = template.format(*fields, **named)
    except _NoText as error:
        return interp.unknown("a text built from an unknown value", error.value)
    except HOST_ERRORS as error:
        raise PyRaise(error) from None
    return text if len(text) <= LIMIT else too_large(interp, "the formatted text")


_PERCENT = re.compile(
    r"%(?:\((?P<key>[^)]*)\))?[#0\- +]*(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+)?)?[hlL]?(?P<type>.)?"
)


def percent_format(interp: Interpreter, template: Any, values: Any) -> Any:
    """``template % values`` for str (and, on plain values, bytes)."""
    if _WIDE.search(template if isinstance(template, str) else template.decode("latin-1")):
        return too_large(interp, "the formatted text")
    if isinstance(template, bytes):
        return interp.unknown("bytes formatting is not modelled")
    if "*" in template and any(isinstance(v, int) and abs(v) > LIMIT for v in _as_tuple(values)):
        return too_large(interp, "the formatted text")
    values = concrete(values)
    fields: Any
    if isinstance(values, dict):
        fields = {k: _percent_field(interp, v) for k, v in values.items()}
    elif isinstance(values, tuple):
        fields = tuple(_percent_field(interp, v) for v in values)
    else:
        fields = (_percent_field(interp, values),)
        if not any(m["type"] != "%" for m in _PERCENT.finditer(template)) and isinstance(values, (list, Instance)):
            return template % ()
    numeric = [m for m in _PERCENT.finditer(template) if m["type"] and m["type"] in "diouxXeEfFgGc"]
    if numeric:
        chosen = list(fields.values()) if isinstance(fields, dict) else list(fields)
        for field in chosen:
            if isinstance(field, _Field) and isinstance(field._value, (Unknown, Sym, SymRatio, OneOf, Tensor)):
                cause = field._value if isinstance(field._value, Unknown) else None
                return interp.unknown("a text built from an unknown value", cause)
    try:
        text = template % fields
    except _NoText as error:
        return interp.unknown("a text built from an unknown value", error.value)
    except HOST_ERRORS as error:
        raise PyRaise(error) from None
    return text if len(text) <= LIMIT else too_large(interp, "the formatted text")


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else tuple(values.values()) if isinstance(values, dict) else (values,)


def _percent_field(interp: Interpreter, value: Any) -> Any:
    value = concrete(value) if isinstance(value, Instance) and isinstance(value.data, (int, float)) else value
    if type(value) in (str, int, float, bool, complex, type(None)) and not (
        type(value) is int and value.bit_length() > 12_000
    ):
        return value
    return _Field(interp, value)
