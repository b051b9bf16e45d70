"""Whether running a file may register names that its text does not hold: in loops, or computed for decorators.

A loop that only fills a container of its own file registers nothing: whoever has that container has run the file.
"""

from __future__ import annotations

import ast
import re

from ane_lsp.syntax.exchange import FUNCTIONS
from ane_lsp.syntax.moving import bound_names, mentioned_names
from ane_lsp.syntax.outline import Piece, spelt_out, words

_CALLED = re.compile(r"@[\w.]+[ \t]*\(")
_LOOP = re.compile(r"^[ \t]*(?:for|while)\b[^\n]*:[ \t]*(?:#[^\n]*)?$", re.M)

_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
_MAKING = frozenset({"dict", "list", "set"})
_FILLING = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
_READING = frozenset({
    "copy", "endswith", "format", "get", "items", "join", "keys", "lower", "replace", "split", "startswith", "strip", "upper",
    "values",
})  # fmt: skip
_HARMLESS_BUILTINS = _MAKING | {
    "enumerate", "float", "int", "isinstance", "len", "max", "min", "range", "repr", "sorted", "str", "sum", "tuple", "zip",
}  # fmt: skip
_HARMLESS_MODULES = frozenset({"copy", "dataclasses", "itertools", "math"})
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
_ELSEWHERE = (*_DEFINITIONS, ast.Import, ast.ImportFrom, ast.With, ast.AsyncWith, ast.Await)
_CHANGING_OPERATORS = (ast.LShift, ast.RShift, ast.MatMult)  # of objects that have their own


def computes_names(text: str, pieces: list[Piece] | None) -> bool:
    """Whether running a file may register names that its text does not hold. pieces: of the text, None where it was not cut."""
    if pieces is None:
        return any(
            _CALLED.match(line) and not spelt_out(line) if line[:1] == "@" else _LOOP.match(line) and line[:1] > " "
            for line in text.splitlines()
        )
    if any(piece.computed for piece in pieces):
        return True
    return any(not piece.name and _LOOP.search(piece.text) for piece in pieces) and not _fills_its_own(text)


def _fills_its_own(text: str) -> bool:
    """Whether loops at the top level do no more than fill containers that nothing but functions of the file uses besides."""
    if ":=" in text:
        return False
    try:
        body = Piece(text, 1).parse()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    code = [statement for statement in body if not isinstance(statement, _DEFINITIONS)]
    harmless = _harmless_names(code)
    made: set[str] = set()  # names that have stood for one container so far, made where the name was bound
    filled: set[str] = set()
    rest: set[str] = set()  # names the other statements mention
    for statement in code:
        if hasattr(statement, "body") and any(isinstance(node, _LOOPS) for node in ast.walk(statement)):
            names = _filled_by(statement, harmless)
            if names is None or not names <= made:
                return False
            filled |= names
        elif (name := _makes_container(statement)) is not None and name not in made:
            made.add(name)
            rest |= mentioned_names(statement) - {name}
        else:
            rest |= mentioned_names(statement)
    lines = text.split("\n")
    definitions = [
        (one.name, words("\n".join(lines[one.lineno - 1 : one.end_lineno])))
        for one in body
        if isinstance(one, _DEFINITIONS)
    ]
    while more := {name for name, used in definitions if name not in filled and not used.isdisjoint(filled)}:
        filled |= more  # whoever calls these may hand on what the loops have filled
    return rest.isdisjoint(filled)


def _harmless_names(code: list[ast.stmt]) -> set[str]:
    """Names for builtins and for what comes from the standard library that do nothing to what they are given."""
    found: set[str] = set()
    bound: set[str] = set()
    for statement in code:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                module = (statement.module or "") if isinstance(statement, ast.ImportFrom) else alias.name
                known = module in _HARMLESS_MODULES and not (isinstance(statement, ast.ImportFrom) and statement.level)
                (found if known else bound).add(alias.asname or alias.name)
        else:
            bound.update(bound_names(statement))
            if hasattr(statement, "body"):
                imported = (node for node in ast.walk(statement) if isinstance(node, (ast.Import, ast.ImportFrom)))
                bound.update(alias.asname or alias.name for node in imported for alias in node.names)
    return set() if "*" in bound else (found | _HARMLESS_BUILTINS) - bound


def _makes_container(statement: ast.stmt) -> str | None:
    """The one name that a statement binds to a container it makes."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    else:
        return None
    made = isinstance(value, _DISPLAYS) or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _MAKING
    )
    return target.id if made and isinstance(target, ast.Name) else None


def _filled_by(statement: ast.stmt, harmless: set[str]) -> set[str] | None:
    """The names of containers that a statement fills, None where it may do more than that."""
    filled: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, _ELSEWHERE) or (isinstance(node, ast.BinOp) and isinstance(node.op, _CHANGING_OPERATORS)):
            return None
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and not _is_number(node.value):
            return None  # a list that may have another name grows
        if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            if isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                return None
            filled.add(node.value.id)
        elif isinstance(node, ast.Call) and not _is_harmless(node.func, harmless):
            container = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING else None
            if not isinstance(container, ast.Name):
                return None
            filled.add(container.id)
    bound = {
        node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    return filled if filled.isdisjoint(bound) else None


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _is_harmless(function: ast.expr, harmless: set[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in harmless
    if not isinstance(function, ast.Attribute):
        return False
    return function.attr in _READING or (isinstance(function.value, ast.Name) and function.value.id in harmless)
