"""``np.array([angles(i) for i in range(1568)])``: tables of more numbers than are read one by one are not worked out.

An array that large keeps its shape and dtype only (``_unread`` in the model of numpy). Where a comprehension fills one and nothing in it
can be noticed but its result, its first and its last element tell both.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.values import MISSING, Builtin, Function, Instance, ModuleObject, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.expressions import Expressions
    from ane_lsp.interp.frames import Frame

_MAKERS = frozenset({"array", "asarray"})
_DEPTH = 4  # calls within calls
# Expressions and statements that do nothing but work out a value, as long as what they call does.
_PURE = (ast.expr, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.comprehension, ast.keyword)
_NOTICED = (ast.NamedExpr, ast.Lambda, ast.Await, ast.Yield, ast.YieldFrom, ast.Starred, ast.Attribute)
_FUNCTIONS = frozenset({"abs", "len", "max", "min", "pow", "round", "sum"})
_MODULES = frozenset({"math", "numpy"})


def fills_one(node: ast.Call, func: Any) -> bool:
    """Whether a call makes an array of a comprehension."""
    return (
        func.__class__ is Function
        and func.name in _MAKERS
        and func.module.name == "numpy"
        and node.args[0].__class__ is ast.ListComp
        and len(node.args) == 1
    )


def unread(interp: Expressions, node: ast.Call, func: Function, frame: Frame) -> Any:
    """The array that a call makes of a comprehension, where that is too large to be read and known to be a table of numbers; else
    MISSING."""
    comprehension = node.args[0]
    assert isinstance(comprehension, ast.ListComp)
    generator = comprehension.generators[0]
    counted = isinstance(generator.iter, ast.Call) and getattr(generator.iter.func, "id", "") == "range"
    if len(comprehension.generators) > 1 or generator.ifs or generator.is_async or not counted:
        return MISSING
    most = interp.load_global("_MOST", func.module)
    try:
        items = interp.eval(generator.iter, frame)
        if items.__class__ is not range or not 1 < len(items) <= most:
            return MISSING
        if not all(_is_pure(interp, part, frame) for part in (generator.iter, comprehension.elt)):
            return MISSING
        first, last = (_numbers(interp, comprehension, frame, item) for item in (items[0], items[-1]))
        if first is None or first != last or first[0] * len(items) <= most:
            return MISSING
        kwargs = {k.arg: interp.eval(k.value, frame) for k in node.keywords}
    except PyRaise:
        return MISSING
    if not kwargs.keys() <= {"dtype"}:
        return MISSING
    _, shape, kind = first
    dtype = kwargs.get("dtype")
    if dtype is None:
        dtype = interp.load_global("float64" if kind is float else "int64", func.module)
    return interp.call(interp.load_global("_unread", func.module), ((len(items), *shape), dtype), {})


Numbers = tuple[int, tuple[int, ...], type]
"""How many there are, in which shape, and whether they are whole."""


def _numbers(interp: Expressions, node: ast.ListComp, frame: Frame, item: Any) -> Numbers | None:
    """What one element of a comprehension holds; None where it is no table of numbers."""
    for inner in interp.comprehension(node, frame, iter([item])):
        caller, interp.frame = interp.frame, inner
        try:
            return _counted(interp.eval(node.elt, inner))
        finally:
            interp.frame = caller
    return None


def _counted(value: Any) -> Numbers | None:
    if isinstance(value, (list, tuple)):
        parts = [_counted(part) for part in value]
        known = {part[:2] for part in parts if part is not None}
        if None in parts or len(known) != 1:
            return None
        count, shape = known.pop()
        kind = float if any(part is not None and part[2] is float for part in parts) else int
        return count * len(parts), (len(parts), *shape), kind
    if isinstance(value, Instance) and value.cls.module.name == "numpy":  # one of numpy's numbers
        value = value.data
    return (1, (), type(value)) if type(value) in (int, float) else None


def _is_pure(interp: Expressions, node: ast.AST, frame: Frame, depth: int = _DEPTH) -> bool:
    """Whether nothing but its value can be noticed of an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            if not _calls_pure(interp, part.func, frame, depth):
                return False
        elif isinstance(part, ast.Attribute):
            if not _is_numeric(interp, part.value, frame):
                return False
        elif not isinstance(part, _PURE) or isinstance(part, _NOTICED):
            return False
    return True


def _is_numeric(interp: Expressions, node: ast.expr, frame: Frame) -> bool:
    """Whether an expression names a module of functions on numbers."""
    value = interp.eval(node, frame) if isinstance(node, ast.Name) else None
    return isinstance(value, ModuleObject) and value.name in _MODULES


def _calls_pure(interp: Expressions, node: ast.expr, frame: Frame, depth: int) -> bool:
    if not isinstance(node, ast.Name):
        return isinstance(node, ast.Attribute)  # one of a module of functions on numbers, or it is found
    value = interp.eval(node, frame)
    if isinstance(value, Builtin):
        return value.name in _FUNCTIONS
    if not isinstance(value, Function):
        return value in (int, float, range, list, tuple)
    if depth == 0 or not isinstance(value.node, ast.FunctionDef) or value.node.decorator_list:
        return False
    interp.looked_into(value)
    inside = value.closure or interp.frame_in(value.module)
    return all(_is_pure_statement(interp, statement, inside, depth - 1) for statement in value.node.body)


def _is_pure_statement(interp: Expressions, node: ast.stmt, frame: Frame, depth: int) -> bool:
    if isinstance(node, ast.Assign) and not all(isinstance(target, ast.Name) for target in node.targets):
        return False
    if not isinstance(node, (ast.Assign, ast.Return, ast.Expr)):
        return False
    return node.value is None or _is_pure(interp, node.value, frame, depth)


__all__ = ["fills_one", "unread"]
