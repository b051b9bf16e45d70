"""What the source does with a constructor's parameter, for those that nobody gives a value: which values it knows, and whether it may be a
number."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.questions import asked
from ane_lsp.interp.scopes import is_name, signature_of
from ane_lsp.interp.values import MISSING, ClassObject, Function, PyRaise
from ane_lsp.syntax.exchange import walked

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_DEPTH = 3  # calls that a parameter is handed on through


def first_choice(interp: Interpreter, cls: ClassObject, init: Function, name: str) -> Any:
    """What a parameter may be where the constructor, or one that it hands it on to, looks it up in a table or among values that are
    written out (``{18: ..., 34: ...}[depth]``, ``if depth not in (18, 34)``): the first that it does not forbid. MISSING where it
    does not."""
    return asked(interp, lambda: _first_choice(interp, cls, init, name, _DEPTH))


def _first_choice(interp: Interpreter, cls: ClassObject, init: Function, name: str, depth: int) -> Any:
    interp.looked_into(init)
    forbidden: list[Any] = []
    chosen: list[Any] = []
    parts = walked(init.node)
    for node in parts:
        if isinstance(node, ast.Assert) and _compares(node.test, name, ast.NotIn):
            forbidden += _written_out(interp, cls, init, node.test.comparators[0], False)  # type: ignore[attr-defined]
    for node in parts:
        if _compares(node, name, ast.In, ast.NotIn):
            found = _written_out(interp, cls, init, node.comparators[0], False)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and is_name(node.slice, name):
            found = _written_out(interp, cls, init, node.value, True)
        else:
            continue
        chosen = [value for value in found if value not in forbidden]
        if chosen and all(type(value) in (str, int) for value in found):
            return chosen[0]
    if depth > 0:
        for owner, callee, parameter in _handed_on(interp, cls, init, parts, name):
            choice = _first_choice(interp, owner, callee, parameter, depth - 1)
            if choice is not MISSING:
                return choice
    return MISSING


def _compares(node: ast.AST, name: str, *operators: type[ast.cmpop]) -> bool:
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], operators) and is_name(node.left, name)


def may_be_none(node: ast.AST, name: str) -> bool:
    """Whether a function asks if a parameter is None, or false, and so goes on where it is."""
    for part in walked(node):
        if isinstance(part, ast.Compare) and _compares(part, name, ast.Is, ast.IsNot, ast.Eq, ast.NotEq):
            other = part.comparators[0]
            if isinstance(other, ast.Constant) and other.value is None:
                return True
        asked: list[ast.expr] = []
        if isinstance(part, (ast.If, ast.IfExp, ast.While)):
            asked = [part.test]
        elif isinstance(part, ast.BoolOp):
            asked = part.values
        elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
            asked = [part.operand]
        if any(is_name(one, name) for one in asked):
            return True
    return False


def is_no_number(interp: Interpreter, cls: ClassObject, init: Function, name: str) -> bool:
    """Whether a parameter of a constructor is used as no number can be: an item of it is taken, it is gone through, it is called. By
    its name, that of the attribute it is kept under, in the class's other methods too, or that of the parameter it is handed on to.
    Where it is told apart what it is, it may be one."""
    return bool(asked(interp, lambda: _is_no_number(interp, cls, init, name, _DEPTH)))


def _is_no_number(interp: Interpreter, cls: ClassObject, function: Function, name: str, depth: int) -> bool:
    interp.looked_into(function)
    nodes = walked(function.node)
    if any(
        isinstance(node, ast.Assert) and _is_told_apart(node.test, name, ("tuple", "list", "dict")) for node in nodes
    ):
        return True
    kept: set[str] = set()
    for node in nodes:
        if _is_told_apart(node, name):
            return False
        if isinstance(node, ast.Assign):
            if any(is_name(target, name) for target in node.targets):
                return False
            if is_name(node.value, name):
                kept |= {target.attr for target in node.targets if isinstance(target, ast.Attribute)}

    def meant(node: ast.expr | None) -> bool:
        return node is not None and (is_name(node, name) or (isinstance(node, ast.Attribute) and node.attr in kept))

    if any(_as_no_number(node, meant) for node in nodes) or _kept_as_no_number(interp, cls, kept):
        return True
    return depth > 0 and any(
        _is_no_number(interp, owner, callee, parameter, depth - 1)
        for owner, callee, parameter in _handed_on(interp, cls, function, nodes, name)
    )


def _kept_as_no_number(interp: Interpreter, cls: ClassObject, kept: set[str]) -> bool:
    """Whether a method uses one of these attributes as no number can be, where only the constructor sets it, once."""
    if not kept:
        return False
    methods = [
        value
        for base in cls.mro
        if isinstance(base, ClassObject) and not base.module.is_torch
        for value in base.namespace.values()
        if isinstance(value, Function)
    ]
    nodes: list[ast.AST] = []
    for method in methods:
        interp.looked_into(method)
        nodes += ast.walk(method.node)
    stored = [node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    asked = {
        node.args[0].attr
        for node in nodes
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "isinstance"
        and node.args
        and isinstance(node.args[0], ast.Attribute)
    }
    sure = {name for name in kept - asked if stored.count(name) == 1}

    def meant(node: ast.expr | None) -> bool:
        return isinstance(node, ast.Attribute) and node.attr in sure and is_name(node.value, "self")

    return any(_as_no_number(node, meant) for node in nodes)


def _handed_on(
    interp: Interpreter, cls: ClassObject, function: Function, nodes: list[ast.AST], name: str
) -> Iterator[tuple[ClassObject, Function, str]]:
    """Where a parameter goes as it is: the class and function that are called, and the name of the parameter it arrives under."""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        at = next((i for i, given in enumerate(node.args) if is_name(given, name)), None)
        words = [word.arg for word in node.keywords if word.arg is not None and is_name(word.value, name)]
        if at is None and not words:
            continue
        owner, callee = _called(interp, cls, function, node.func)
        if not isinstance(callee, Function) or isinstance(callee.node, ast.Lambda):
            continue
        positional = signature_of(callee.node).positional
        bound = int(owner is not None)  # self is not among what is handed on
        named = words[0] if words else None
        if at is not None and not any(isinstance(given, ast.Starred) for given in node.args[:at]):
            named = positional[at + bound] if at + bound < len(positional) else None
        if named in positional:
            yield owner or cls, callee, named


def _called(
    interp: Interpreter, cls: ClassObject, function: Function, node: ast.expr
) -> tuple[ClassObject | None, Any]:
    """What an expression that is called leads to: the class whose object is handed on, None for a function, and the function."""
    if isinstance(node, ast.Attribute):
        if is_name(node.value, "self"):
            return cls, cls.lookup(node.attr)
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super":
            for base in cls.mro[1:]:
                found = base.namespace.get(node.attr) if isinstance(base, ClassObject) else None
                if isinstance(found, Function) and found is not function:
                    return cls, found
    elif isinstance(node, ast.Name) and node.id not in signature_of(function.node).positional:
        frame = interp.frame
        try:
            found = interp.load_global(node.id, function.module)
        except PyRaise:  # what it imports fails
            interp.back_to(frame)
            return None, None
        if isinstance(found, ClassObject):
            return found, None if found.module.is_torch else found.lookup("__init__")
        return None, found
    return None, None


def _is_told_apart(node: ast.AST, name: str, kinds: tuple[str, ...] = ()) -> bool:
    """Whether a node is ``isinstance(name, ...)``, with one of these classes if any are given."""
    called = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance" and len(node.args) == 2
    if not called or not is_name(node.args[0], name):  # type: ignore[attr-defined]
        return False
    return not kinds or getattr(node.args[1], "id", "") in kinds  # type: ignore[attr-defined]


_GO_THROUGH = frozenset(
    {"all", "any", "enumerate", "iter", "len", "list", "reversed", "set", "sorted", "sum", "tuple", "zip"}
)


def _as_no_number(node: ast.AST, meant: Callable[[ast.expr | None], bool]) -> bool:
    """Whether a node does what cannot be done with a number, with an expression that is meant."""
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return meant(node.value)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and meant(node.value)
    if isinstance(node, (ast.For, ast.comprehension)):
        return meant(node.iter)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], (ast.Tuple, ast.List)) and meant(node.value)
    if isinstance(node, ast.Call):
        return meant(node.func) or (getattr(node.func, "id", "") in _GO_THROUGH and any(map(meant, node.args)))
    return False


def _written_out(interp: Interpreter, cls: ClassObject, init: Function, node: ast.expr, table: bool) -> list[Any]:
    """The keys of a table, or the items of what else is written out; empty where it is not. table: it has to be one."""
    value: Any = MISSING
    if isinstance(node, ast.Name):
        local = [
            n.value
            for n in ast.walk(init.node)
            if isinstance(n, ast.Assign) and any(is_name(t, node.id) for t in n.targets)
        ]
        if local:
            node = local[0]
        else:
            value = interp.load_global(node.id, init.module)
    elif (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls", cls.name)
    ):
        value = cls.lookup(node.attr)
    written = node.keys if isinstance(node, ast.Dict) else None
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)) and not table:
        written = list(node.elts)
    if written is not None:
        return [item.value if isinstance(item, ast.Constant) else None for item in written]
    allowed = (dict,) if table else (dict, list, tuple, set, frozenset)
    return list(value) if isinstance(value, allowed) else []


__all__ = ["first_choice", "is_no_number"]
