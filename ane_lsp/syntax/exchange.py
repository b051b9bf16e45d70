"""Functions of an analysed tree are exchanged for what an edit made of them, in the tree itself.

Everything else in the tree stays the very objects, at the places they had when the file was analysed. The nodes of a new
function stand at places of their own: between the line its ``def`` had and the next one, in fractions of a line that no other
function and no earlier version of it ever had. So places keep their order, every place can be told from every other, and a
place of a version that is no more is found nowhere. Only what is published is moved to the lines that the editor shows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from ane_lsp.graph.records import dataclass

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LINE = 2.0**-14  # of the new function, in lines of the analysed file
_VERSION = 2.0**-36
_MOST_LINES = 2**14 - 2
_LAST_LINE = 2**17  # beyond, a float has no room for the fractions
_HEADER = "_header_lines"
CACHES = ("_yields", "_mentioned", "_bound", "_makes", "_inner", "_looks", "_effects", "_meant")
"""Attributes under which what was computed from a node is kept on it."""


Dependency = ast.AST | tuple[ast.AST, str]
"""A function, for its source; with the name of a parameter, for the parameter's default."""
ANY_DEFAULT = "*"  # in place of a parameter's name: who depends on it may have read any default


@dataclass(frozen=True, slots=True)
class Exchange:
    """A function of the analysed tree and what is to stand there.

    defaults: the parameters whose default is another. only_defaults: nothing else is, so the function stays and gets those.
    """

    old: AnyFunction
    new: AnyFunction
    defaults: tuple[tuple[str, ast.expr], ...]
    only_defaults: bool = False

    def changes(self) -> list[Dependency]:
        """What is another afterwards: the function and those inside it, as they are before; or defaults."""
        read: list[Dependency] = [(self.old, name) for name in (ANY_DEFAULT, *(name for name, _ in self.defaults))]
        if self.only_defaults:
            return read
        return read + [node for node in nodes(self.old) if isinstance(node, (*FUNCTIONS, ast.Lambda))]


def exchange_of(old: AnyFunction, new: AnyFunction) -> Exchange | None:
    """How `new` can stand for `old`; None where more than the body and the value of plain defaults differs."""
    if old.__class__ is not new.__class__ or old.name != new.name or not old.lineno < _LAST_LINE:
        return None
    if (new.end_lineno or new.lineno) - new.lineno > _MOST_LINES:
        return None
    if ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False):
        return None
    for field in old._fields:
        if field not in ("args", "body", "decorator_list") and _dump(getattr(old, field)) != _dump(getattr(new, field)):
            return None
    before, after = old.args, new.args
    for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
        if _dump(getattr(before, kind)) != _dump(getattr(after, kind)):
            return None
    changed = changed_defaults(old, new)
    return Exchange(old, new, changed) if changed is not None else None


def changed_defaults(old: AnyFunction, new: AnyFunction) -> tuple[tuple[str, ast.expr], ...] | None:
    """Parameters of equal functions whose default is another; None where one is more than a number, a text or the like."""
    before, after = old.args, new.args
    if len(before.defaults) != len(after.defaults) or len(before.kw_defaults) != len(after.kw_defaults):
        return None
    positional = [arg.arg for arg in (*after.posonlyargs, *after.args)]
    names = positional[len(positional) - len(after.defaults) :]
    pairs: list[tuple[str, Any, Any]] = [
        *zip(names, before.defaults, after.defaults),
        *zip([arg.arg for arg in after.kwonlyargs], before.kw_defaults, after.kw_defaults),
    ]
    changed: list[tuple[str, ast.expr]] = []
    for name, was, now in pairs:
        if _dump(was) != _dump(now):
            if not (_is_plain(was) and _is_plain(now)):
                return None
            changed.append((name, now))
    return tuple(changed)


def nodes(*roots: ast.AST, closed: tuple[type[ast.AST], ...] = ()) -> Iterator[ast.AST]:
    """Nodes and all below them, in no order, but what is inside of `closed` ones; several times as fast as :func:`ast.walk`."""
    pending: list[Any] = list(roots)
    while pending:
        node = pending.pop()
        yield node
        if closed and isinstance(node, closed):
            continue
        own = node.__dict__
        for name in node._fields:
            held = own.get(name)
            if held.__class__ is list:
                pending += [item for item in held if isinstance(item, ast.AST)]
            elif isinstance(held, ast.AST):
                pending.append(held)


def _dump(node: Any) -> Any:
    if isinstance(node, list):
        return [_dump(item) for item in node]
    return ast.dump(node) if isinstance(node, ast.AST) else node


def _is_plain(node: ast.expr | None) -> bool:
    """A number, a text, a truth value or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) in (int, float)
    return isinstance(node, ast.Constant)


def carry_out(exchange: Exchange, lines: Sequence[str], version: int) -> dict[float, int]:
    """Put the new function into the tree. lines: the text it was parsed from.

    Returns where its lines are: place in the tree to line of that text, from 0.
    """
    old, new = exchange.old, exchange.new
    if exchange.only_defaults:
        for value, given in zip(
            (*old.args.defaults, *old.args.kw_defaults), (*new.args.defaults, *new.args.kw_defaults), strict=True
        ):
            if value is not None and given is not None and _dump(value) != _dump(given):
                for inner in nodes(given):
                    if isinstance(inner, ast.expr):
                        inner.lineno, inner.end_lineno = value.lineno, value.end_lineno
                _replace_default(old.args, value, given)
        return {}
    start, first = float(int(old.lineno)), new.lineno
    places: dict[float, int] = {}
    found: dict[int, float] = {}

    def place(line: int) -> float:
        there = found.get(line)
        if there is None:
            there = found[line] = start + (line - first) * _LINE + version * _VERSION
            places[there] = line - 1
        return there

    body = [s for s in new.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    setattr(old, _HEADER, list(lines[first - 1 : (body[0].lineno if body else first) - 1]))
    kept = old.decorator_list
    for node in nodes(new):
        own = node.__dict__
        if "lineno" in own:
            own["lineno"], own["end_lineno"] = place(own["lineno"]), place(own["end_lineno"])
    for field in (*new._fields, "lineno", "col_offset", "end_lineno", "end_col_offset"):
        if hasattr(new, field):
            setattr(old, field, getattr(new, field))
    old.decorator_list = kept
    forget_caches(old)
    for name in CACHES:  # what was found out about the new one
        if name in new.__dict__:
            setattr(old, name, new.__dict__[name])
    return places


def _replace_default(args: ast.arguments, value: ast.expr, given: ast.expr) -> None:
    args.defaults = [given if default is value else default for default in args.defaults]
    args.kw_defaults = [given if default is value else default for default in args.kw_defaults]


def forget_caches(node: ast.AST) -> None:
    """Forget what was computed from a node."""
    for name in CACHES:
        if name in node.__dict__:
            delattr(node, name)


def lines_between(one: Any, other: Any) -> int:
    """How many lines of the text it was parsed from lie between two nodes of a function."""
    distance = other.lineno - one.lineno
    return distance if distance.__class__ is int else round(distance / _LINE)


def header_of(node: AnyFunction) -> list[str] | None:
    """The lines from ``def`` to the first statement of a function that was put into the tree; None for others."""
    found: list[str] | None = getattr(node, _HEADER, None)
    return found


__all__ = [
    "ANY_DEFAULT", "CACHES", "FUNCTIONS", "AnyFunction", "Dependency", "Exchange", "carry_out", "changed_defaults",
    "exchange_of", "forget_caches", "header_of", "lines_between", "nodes",
]  # fmt: skip
