"""Classes defined inside functions that nothing called: export wrappers around a model that somebody loads.

The function's own variables have no values then. Its parameters keep constant defaults, what it imports, and the functions and
classes it defines before the class, are what they are; every other variable is unknown, and says so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.scopes import signature_of, with_defaults
from ane_lsp.interp.values import MISSING, ClassObject, ModuleObject, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Enclosing = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
_MOST = 16  # classes of one file


def inner_classes(tree: ast.Module) -> list[tuple[Enclosing, ast.ClassDef]]:
    """Classes with a ``forward`` in the bodies of top-level functions and of methods, with the function they stand in."""
    found = ((function, node) for function in _functions(tree.body) for node in _models(function))
    return list(islice(found, _MOST))


def _models(function: Enclosing) -> tuple[ast.ClassDef, ...]:
    """The classes with a ``forward`` in the body of a function."""
    known: tuple[ast.ClassDef, ...] | None = getattr(function, "_inner", None)
    if known is None:
        known = tuple(
            node
            for node in _statements(function.body)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(item, ast.FunctionDef) and item.name == "forward" for item in node.body)
        )
        function._inner = known  # type: ignore[union-attr]
    return known


def define(interp: Interpreter, module: ModuleObject, function: Enclosing, node: ast.ClassDef) -> ClassObject | None:
    """The class as the function would define it; None where it is no class of ours."""
    here = interp.span(node)
    given = {arg.arg for arg in _parameters(function)}
    space: dict[str, Any] = {
        name: Unknown(
            f"`{name}` is a {'parameter' if name in given else 'variable'} of {function.name}(), which nothing calls",
            here,
        )
        for name in signature_of(function).local_names
    }
    space.update(_constant_defaults(function))
    frame = Frame(module, space, None, interp.frame, function.name, frozenset(space))
    caller, interp.frame = interp.frame, frame
    if module.path in interp.exchangeable:
        interp.ran.add(function)
    try:
        for statement in _statements(function.body):
            if statement is node or isinstance(statement, _DEFINES):
                try:
                    interp.run_block([statement], frame)
                except PyRaise:
                    continue
                finally:
                    interp.frame = frame
            if statement is node:
                break
    finally:
        interp.frame = caller
    made = space.get(node.name, MISSING)
    return made if isinstance(made, ClassObject) else None


def _parameters(function: Enclosing) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _constant_defaults(function: Enclosing) -> dict[str, Any]:
    pairs = with_defaults(function.args)
    return {arg.arg: value.value for arg, value in pairs if isinstance(value, ast.Constant) and value.value is not None}


def _functions(body: list[ast.stmt]) -> Iterator[Enclosing]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a function in order, those inside its branches and loops included, not those of what it defines."""
    for node in body:
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, block, None) or [])
        for handler in getattr(node, "handlers", ()):
            yield from _statements(handler.body)


__all__ = ["define", "inner_classes"]
