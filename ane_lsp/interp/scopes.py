"""Which names a function binds, what its parameters are, whether it yields: read once per definition."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ane_lsp.graph.records import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters by kind, the names that are local, and the names declared global or nonlocal."""

    positional: tuple[str, ...]
    posonly_count: int
    vararg: str | None
    kwonly: tuple[str, ...]
    kwarg: str | None
    local_names: frozenset[str]
    global_names: frozenset[str]
    nonlocal_names: frozenset[str]
    is_generator: bool
    plain: bool  # positional parameters only


class _Binder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.yields = False

    def visit(self, node: ast.AST) -> None:
        """As NodeVisitor does, which looks the method up by name for each node."""
        method = _METHODS.get(node.__class__)
        if method is not None:
            method(self, node)
            return
        for name in node._fields:
            held = getattr(node, name, None)
            if held.__class__ is list:
                for item in held:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(held, ast.AST):
                self.visit(held)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bound.add(node.name)
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        # Names bound by := inside belong to the enclosing function; the targets do not.
        for child in ast.walk(node):
            if isinstance(child, ast.NamedExpr) and isinstance(child.target, ast.Name):
                self.bound.add(child.target.id)
        self.visit(node.generators[0].iter)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bound.add(alias.asname or alias.name.split(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.bound.add(alias.asname or alias.name)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.bound.add(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bound.add(node.rest)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocals.update(node.names)

    def visit_Yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.yields = True
        self.generic_visit(node)

    visit_YieldFrom = visit_Yield


_METHODS: dict[type, Callable[[_Binder, Any], None]] = {
    getattr(ast, name.removeprefix("visit_")): method
    for name, method in vars(_Binder).items()
    if name.startswith("visit_")
}
_METHODS[ast.Constant] = lambda binder, node: None


def with_defaults(args: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    """The parameters that have a default, and every keyword-only one, each with it; None where one has none."""
    positional = [*args.posonlyargs, *args.args]
    first = len(positional) - len(args.defaults)
    return [*zip(positional[first:], args.defaults), *zip(args.kwonlyargs, args.kw_defaults)]


def signature_of(node: FunctionNode) -> Signature:
    """The signature of a definition, cached on its node."""
    cached = getattr(node, "_signature", None)
    if cached is not None:
        return cached  # type: ignore[no-any-return]
    args = node.args
    positional = [a.arg for a in (*args.posonlyargs, *args.args)]
    kwonly = [a.arg for a in args.kwonlyargs]
    binder = _Binder()
    if isinstance(node, ast.Lambda):
        binder.visit(node.body)
    else:
        for statement in node.body:
            binder.visit(statement)
    bound = binder.bound | set(positional) | set(kwonly)
    if args.vararg:
        bound.add(args.vararg.arg)
    if args.kwarg:
        bound.add(args.kwarg.arg)
    bound -= binder.globals | binder.nonlocals
    made = Signature(
        tuple(positional), len(args.posonlyargs), args.vararg.arg if args.vararg else None, tuple(kwonly),
        args.kwarg.arg if args.kwarg else None, frozenset(bound), frozenset(binder.globals),
        frozenset(binder.nonlocals), binder.yields, not (args.vararg or args.kwarg or kwonly),
    )  # fmt: skip
    node._signature = made  # type: ignore[union-attr]
    return made


_ANY_NAME = frozenset({"super", "__class__", "locals", "vars", "eval", "exec"})


def reads_nothing_of(node: FunctionNode, names: frozenset[str]) -> bool:
    """Whether a definition, and those inside it, mention none of the names of a function around it."""
    mentioned = names_in(node)
    return mentioned is not None and mentioned.isdisjoint(names)


def names_in(node: FunctionNode) -> frozenset[str] | None:
    """The names in a definition, cached on its node; None where it may read any."""
    mentioned: frozenset[str] | None = getattr(node, "_names_read", None)
    if mentioned is None:
        mentioned = frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name))
        node._names_read = mentioned  # type: ignore[union-attr]
    return mentioned if mentioned.isdisjoint(_ANY_NAME) else None


def renew_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """A definition says something else: whoever holds its signature sees the new one."""
    held = getattr(node, "_signature", None)
    if held is not None:
        del node._signature  # type: ignore[union-attr]
        made = signature_of(node)
        for field in fields(made):
            object.__setattr__(held, field.name, getattr(made, field.name))
        node._signature = held  # type: ignore[union-attr]


def yields_inside(node: ast.AST) -> bool:
    """Whether a statement holds a yield of its own function, cached on the node."""
    cached = getattr(node, "_yields", None)
    if cached is None:
        binder = _Binder()
        binder.visit(node)
        cached = binder.yields
        node._yields = cached  # type: ignore[attr-defined]
    return bool(cached)


def is_name(node: ast.AST, name: str) -> bool:
    """Whether an expression is the variable `name`."""
    return isinstance(node, ast.Name) and node.id == name


def keys_read(function: ast.AST) -> dict[str, set[str]]:
    """By variable of a function, the constants it is subscripted with, as text."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
        ):
            found.setdefault(node.value.id, set()).add(str(node.slice.value))
    return found
