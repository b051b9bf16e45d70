"""What the annotations of a class make of the values that its fields are given, as pydantic does."""

from __future__ import annotations

import ast
from collections import OrderedDict, deque
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.stdlib.common import Maker, by_name
from ane_lsp.interp.support import DefaultDict, native
from ane_lsp.interp.values import ClassObject, Instance, LiteralOf, OneOf, PyRaise, UnionOf

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_LISTS = frozenset({"List", "list", "MutableSequence", "conlist"})
_ANY_SEQUENCES = frozenset({"Sequence", "Iterable", "Collection", "Container"})
_SETS = {"Set": set, "set": set, "AbstractSet": set, "MutableSet": set, "FrozenSet": frozenset, "frozenset": frozenset}
_TABLES = frozenset({"Dict", "dict", "Mapping", "MutableMapping", "OrderedDict", "DefaultDict", "defaultdict"})
_SAME = frozenset({"ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "SkipValidation", "InstanceOf"})
_YES, _NO = frozenset({"1", "on", "t", "true", "y", "yes"}), frozenset({"0", "off", "f", "false", "n", "no"})
_SEQUENCES = (list, tuple, deque, set, frozenset)
_NOTHING = ast.Constant(None)
_LOST: Any = object()  # what cannot be had


def nodes_of(cls: ClassObject) -> dict[str, ast.expr]:
    """The annotations of names in the body of a class, as they are written."""
    body = cls.node.body if cls.node is not None else []
    return {s.target.id: s.annotation for s in body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)}


def head(node: ast.expr | None) -> str:
    """The last name of an annotation before its subscript: ``InitVar`` of ``dataclasses.InitVar[int]``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value.partition("[")[0]
        return text.rpartition(".")[2].strip()
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _arguments(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def _read(node: ast.expr) -> ast.expr:
    """An annotation, whether or not it is written as a text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            return ast.Constant(_LOST)
    return node


class _Fitting:
    """Converts values to what annotations in the body of one class ask for."""

    def __init__(self, interp: Interpreter, cls: ClassObject) -> None:
        self._interp = interp
        self._frame = Frame(cls.module, cls.namespace, None, interp.frame, cls.qualname)
        self._frame.class_body = True
        self._frame.owner = cls

    def fit(self, node: ast.expr, value: Any) -> Any:
        """`value` as a field of this annotation holds it. Raises the program's ValueError where it cannot."""
        node = _read(node)
        members = _members(node)
        if members != [node]:
            return self._any_of(members, value)
        if not isinstance(node, ast.Subscript):
            return self.fit_kind(self.value(node), value)
        name, given = head(node), _arguments(node)
        if name == "Annotated":
            return self._checked(given[1:], lambda value: self.fit(given[0], value), value)
        if name in _SAME:
            return self.fit(given[0], value)
        if name == "Literal":
            choices = [self.value(choice) for choice in given]
            if not any(value == choice for choice in choices):
                self._interp.raise_(ValueError, f"Input should be one of {choices}")
            return value
        if name in ("Tuple", "tuple") and isinstance(value, _SEQUENCES):
            if len(given) == 2 and isinstance(given[1], ast.Constant) and given[1].value is ...:
                return tuple([self.given(given[0], one) for one in value])
            if len(given) != len(value):
                self._interp.raise_(ValueError, f"Tuple should have {len(given)} items, not {len(value)}")
            return tuple([self.given(part, one) for part, one in zip(given, value)])
        if name in _LISTS and isinstance(value, _SEQUENCES):
            return [self.given(given[0], one) for one in value]
        if name in _ANY_SEQUENCES and isinstance(value, (list, tuple)):
            return type(value)([self.given(given[0], one) for one in value])
        if name in _SETS and isinstance(value, _SEQUENCES):
            return _SETS[name]([self.given(given[0], one) for one in value])
        if name in _TABLES and isinstance(value, dict) and len(given) == 2:
            made = value.copy()
            made.clear()
            made.update((self.given(given[0], key), self.given(given[1], one)) for key, one in value.items())
            return made
        return self.fit_kind(self.value(node.value), value)

    def given(self, node: ast.expr, value: Any) -> Any:
        """The same, unless nobody knows the value."""
        if isinstance(value, OneOf):
            return value
        return value if isinstance(value, Unknown) else self.fit(node, value)

    def value(self, node: ast.expr) -> Any:
        """What an annotation without its subscript names."""
        try:
            return self._interp.eval(node, self._frame)
        except Exception:  # as :meth:`Expressions.annotation` has it
            return _LOST

    def fit_kind(self, kind: Any, value: Any) -> Any:
        """The same for a class that is known."""
        interp = self._interp
        if isinstance(kind, LiteralOf) and kind.choices and value not in kind.choices:
            interp.raise_(ValueError, f"Input should be one of {kind.choices}")
        if isinstance(kind, ClassObject):
            return self._as_object(kind, value)
        if kind is bool and not isinstance(value, bool):
            text = str(value).lower() if isinstance(value, (int, float, str)) else ""
            return True if text in _YES or text == "1.0" else False if text in _NO or text == "0.0" else value
        if kind is int and isinstance(value, (bool, float, str)):
            try:
                return int(value) if isinstance(value, str) or value == int(value) else value
            except (ValueError, OverflowError):
                interp.raise_(ValueError, "Input should be a valid integer")
        if kind is float and isinstance(value, (int, str)):
            try:
                return float(value)
            except (ValueError, OverflowError):
                interp.raise_(ValueError, "Input should be a valid number")
        if kind in (list, tuple, set, frozenset) and isinstance(value, _SEQUENCES) and not hasattr(value, "_fields"):
            return kind(value)
        if kind in (dict, OrderedDict, DefaultDict) and isinstance(value, dict):
            return value.copy()
        return kind(value) if isinstance(value, str) and kind in (PurePosixPath, PureWindowsPath) else value

    def _as_object(self, cls: ClassObject, value: Any) -> Any:
        if cls.flags.get("enum"):
            return value if isinstance(value, Instance) and cls in value.cls.mro else self._interp.call(cls, (value,))
        if isinstance(value, dict) and ("dataclass" in cls.flags or "__pydantic_fields__" in cls.namespace):
            return self._interp.call(cls, (), dict(value))
        return value

    def _any_of(self, members: list[ast.expr], value: Any) -> Any:
        """One of several annotations: that which the value is already, else the first that takes it; of models that which takes most."""
        if value is None:
            return None
        some = [member for member in members if not (isinstance(member, ast.Constant) and member.value is None)]
        if len(some) == 1:
            return self.fit(some[0], value)
        exact = next((member for member in some if self._is_exactly(member, value)), None)
        if exact is not None:
            return self.fit(exact, value)
        fitting: list[Any] = []
        for member in some:
            try:
                fitting.append(self.fit(member, value))
            except PyRaise:
                continue
        objects = [one for one in fitting if isinstance(one, Instance)] if isinstance(value, dict) else []
        if objects:
            return max(objects, key=lambda one: len(value.keys() & one.attrs.keys()))
        return fitting[0] if fitting else value

    def _is_exactly(self, member: ast.expr, value: Any) -> bool:
        if isinstance(member, ast.Subscript):
            if head(member) == "Literal":
                return any(value == self.value(choice) for choice in _arguments(member))
            member = member.value
        kind = self.value(member)
        if isinstance(kind, ClassObject):
            return isinstance(value, Instance) and kind in value.cls.mro
        return type(value) is kind

    def _checked(self, checks: list[ast.expr], fit: Any, value: Any) -> Any:
        """`value` through the functions of ``Annotated[int, AfterValidator(f)]``: those before, last to first, the type's own way, those after."""
        interp, after = self._interp, []
        for check in reversed([self.value(node) for node in checks]):
            kind = check.cls.name if isinstance(check, Instance) else ""
            if kind == "BeforeValidator":
                value = interp.call(check.attrs["func"], (value,))
            elif kind == "AfterValidator":
                after.append(check.attrs["func"])
            elif kind in ("PlainValidator", "WrapValidator") or check is _LOST or isinstance(check, Unknown):
                return interp.unknown("what an annotation makes of a value is not known")
        value = value if isinstance(value, (Unknown, OneOf)) else fit(value)
        for func in reversed(after):
            value = interp.call(func, (value,))
        return value


def _members(node: ast.expr) -> list[ast.expr]:
    """The parts of ``int | str | None``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(_read(node.left)), *_members(_read(node.right))]
    if isinstance(node, ast.Subscript) and head(node) in ("Optional", "Union"):
        given = [part for one in _arguments(node) for part in _members(_read(one))]
        return [*given, _NOTHING] if head(node) == "Optional" else given
    return [node]


@native("_ane_annotations.annotated")
def _annotated(interp: Interpreter, cls: Any) -> Any:
    """The names annotated in a class itself, but for those of the class alone."""
    nodes = nodes_of(cls)
    return [name for name in cls.namespace.get("__annotations__", ()) if head(nodes.get(name)) != "ClassVar"]


@native("_ane_annotations.metadata")
def _metadata(interp: Interpreter, cls: Any, name: Any) -> Any:
    """What else ``Annotated[int, more]`` says of a field."""
    node = nodes_of(cls).get(name)
    node = _read(node) if node is not None else None
    if not isinstance(node, ast.Subscript) or head(node) != "Annotated":
        return ()
    fitting = _Fitting(interp, cls)
    return tuple([fitting.value(part) for part in _arguments(node)[1:]])


@native("_ane_annotations.fitted", stores=True)
def _fitted(interp: Interpreter, cls: Any, name: Any, value: Any) -> Any:
    """`value` as the field `name` of a class holds it, which that class or one it extends annotates."""
    for owner in cls.mro:
        if isinstance(owner, ClassObject) and name in owner.namespace.get("__annotations__", ()):
            fitting, node = _Fitting(interp, owner), nodes_of(owner).get(name)
            if node is not None:
                return fitting.given(node, value) if head(node) != "Annotated" else fitting.fit(node, value)
            return _fitted_to.fn(interp, (owner.namespace["__annotations__"][name], value), {})
    return value


@native("_ane_annotations.fitted_to", stores=True)
def _fitted_to(interp: Interpreter, kind: Any, value: Any) -> Any:
    """The same where the annotation is a value."""
    if isinstance(value, (Unknown, OneOf)) or isinstance(kind, (Unknown, UnionOf)):
        return value
    owner = kind if isinstance(kind, ClassObject) else ClassObject("", "", (), {}, interp.frame.module)
    return _Fitting(interp, owner).fit_kind(kind, value)


MODULES: dict[str, Maker] = {"_ane_annotations": lambda interp: by_name(_annotated, _metadata, _fitted, _fitted_to)}
