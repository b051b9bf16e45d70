"""Inputs that are tables of tensors (``batch["image"]``): each entry is found out about by itself, under a name of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.scopes import is_name, signature_of
from ane_lsp.interp.support import DefaultDict, unknown_builtin
from ane_lsp.interp.values import Function

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.values import ClassObject

_TABLES = re.compile(r"^(typing\.)?([Dd]ict|(Mutable)?Mapping)\b")
_ASKED = frozenset({"get", "items", "keys", "values", "copy", "pop", "update"})
_ENTRY = re.compile(r"(\w+)\['([^']*)'\]")


def entries_of(interp: Interpreter, cls: ClassObject, forward: Function, parameter: ast.arg) -> dict[str, str]:
    """The entries of a parameter of a forward that is used as a table and as nothing else, with their keys: those that the forward
    takes, and other methods with a parameter of the same name. Empty for other parameters."""
    note = ast.unparse(parameter.annotation).strip("'\"") if parameter.annotation is not None else ""
    if note and not _TABLES.match(note):
        return {}
    keys = _keys(interp, forward, parameter.arg)
    if not keys:
        return {}
    for method in cls.namespace.values():
        if (
            isinstance(method, Function)
            and method is not forward
            and parameter.arg in signature_of(method.node).positional
        ):
            keys += _keys(interp, method, parameter.arg) or []
    return {f"{parameter.arg}[{key!r}]": key for key in dict.fromkeys(keys) if "'" not in repr(key)[1:-1]}


def _keys(interp: Interpreter, function: Function, name: str) -> list[str] | None:
    """The words by which a function takes items of a table, in order; None where it may be no table."""
    found: list[str] = []
    known: set[int] = set()
    for node in ast.walk(function.node):
        if isinstance(node, ast.Subscript) and is_name(node.value, name):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if isinstance(node.slice, ast.Name) and node.slice.id in function.module.namespace:
                key = interp.load_global(node.slice.id, function.module)
            if isinstance(key, str) or _is_text(node.slice):
                known.add(id(node.value))
            if isinstance(key, str) and isinstance(node.ctx, ast.Load):
                found.append(key)
        elif isinstance(node, ast.Attribute) and is_name(node.value, name) and node.attr in _ASKED:
            known.add(id(node.value))
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            known.add(id(node.comparators[0]))
        elif isinstance(node, ast.Call):
            known.update(id(part) for part in (*node.args, *(keyword.value for keyword in node.keywords)))
            if getattr(node.func, "id", "") == "isinstance" and any(is_name(part, name) for part in node.args):
                return None
    used = [node for node in ast.walk(function.node) if isinstance(node, ast.Name) and node.id == name]
    return found if all(id(node) in known and isinstance(node.ctx, ast.Load) for node in used) else None


def _is_text(node: ast.expr) -> bool:
    """Whether an expression puts a word together."""
    parts = ast.walk(node) if isinstance(node, (ast.JoinedStr, ast.BinOp)) else ()
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)


def owner(name: str) -> str:
    """The parameter that an input is given for."""
    return name.partition("[")[0]


def in_tables(interp: Interpreter, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as a forward takes them: entries stand in their tables, of which all else is unknown."""
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        entry = _ENTRY.fullmatch(name)
        if entry is None:
            found[name] = value
            continue
        table = found.get(entry[1])
        if table is None:
            other = unknown_builtin("an entry", f"an entry of `{entry[1]}` that nothing is known of")
            found[entry[1]] = table = interp.make(DefaultDict(interp, other))
        table[entry[2]] = value
    return found


__all__ = ["entries_of", "in_tables", "owner"]
