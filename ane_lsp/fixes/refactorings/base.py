"""What a refactoring is given, how they are listed, and the gate every one of them passes."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property

from ane_lsp.checks.finding import SEVERITIES, Finding, Fix, TextEdit
from ane_lsp.fixes.edits import apply, changes
from ane_lsp.fixes.gate import Analyse
from ane_lsp.fixes.site import Result
from ane_lsp.fixes.tree import Refused, Tree
from ane_lsp.graph import Call, Graph, Span, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.source import SourceFile


@dataclass(frozen=True)
class Place:
    """A place in a file: what stands there, and what is known about it.

    line, col: as in spans. graphs: of the analysis of this text.
    """

    tree: Tree
    graphs: Sequence[Graph] = field(repr=False)
    line: int
    col: int | None = None
    findings: Sequence[Finding] = field(default=(), repr=False)

    @cached_property
    def model(self) -> ast.ClassDef:
        """The innermost class with a forward around the place."""
        found = [
            node
            for node in ast.walk(self.tree.module)
            if isinstance(node, ast.ClassDef) and self._holds(node) and method(node, "forward")
        ]
        if not found:
            raise Refused("no class with a forward here")
        return max(found, key=lambda node: node.lineno)

    def _holds(self, node: ast.stmt | ast.expr) -> bool:
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        return first <= self.line <= (node.end_lineno or node.lineno)

    @cached_property
    def forward(self) -> ast.FunctionDef:
        """Its forward."""
        found = method(self.model, "forward")
        assert found is not None
        return found

    @cached_property
    def init(self) -> ast.FunctionDef:
        """Its __init__; Refused where it has none of its own."""
        found = method(self.model, "__init__")
        if found is None:
            raise Refused(f"{self.model.name} has no __init__ of its own")
        return found

    def assigned(self, attribute: str) -> ast.Assign | None:
        """``self.attribute = ...`` in __init__, where that is its only assignment in the class."""
        found = [
            node
            for node in ast.walk(self.model)
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.Delete))
            for target in getattr(node, "targets", [getattr(node, "target", None)])
            for part in ast.walk(target)
            if own_attribute(part) == attribute and not isinstance(getattr(part, "ctx", None), ast.Load)
        ]
        if len(found) != 1 or not isinstance(found[0], ast.Assign) or len(found[0].targets) != 1:
            return None
        inside = method(self.model, "__init__")
        return found[0] if inside is not None and self.tree.function(found[0]) is inside else None

    def calls_at(self, node: ast.AST) -> list[Call]:
        """Torch calls made at a node, over all models and contexts."""
        return self._by_span.get(self.tree.span(node), [])

    @cached_property
    def _by_span(self) -> Mapping[Span, list[Call]]:
        found: dict[Span, list[Call]] = {}
        for graph in self.graphs:
            for call in graph.calls:
                found.setdefault(call.span, []).append(call)
        return found

    def calls_below(self, node: ast.AST) -> list[Call]:
        """Torch calls made by what is called at a node."""
        return self._by_stack.get(self.tree.span(node), [])

    @cached_property
    def _by_stack(self) -> Mapping[Span, list[Call]]:
        found: dict[Span, list[Call]] = {}
        for graph in self.graphs:
            for call in graph.calls:
                for span in call.stack:
                    found.setdefault(span, []).append(call)
        return found

    def built_at(self, node: ast.AST) -> list[Call]:
        """Every call of a module constructed at a node."""
        span = self.tree.span(node)
        return [call for graph in self.graphs for call in graph.calls if call.ctor == span]

    def qualified(self, node: ast.expr) -> str:
        """The torch name of an expression, ``""`` where it has none."""
        return self.tree.qualified(node) or ""

    def why(self, node: ast.AST, reason: str) -> Refused:
        """A refusal that names the line and the expression it is about."""
        text = " ".join(self.tree.text(node).split())
        return Refused(
            f"line {getattr(node, 'lineno', '?')}: `{text if len(text) < 70 else text[:67] + '...'}` {reason}"
        )


def method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """A method by its name."""
    return next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == name), None)


def own_attribute(node: ast.AST) -> str:
    """``name`` of ``self.name``, else ``""``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


def tensor_ranks(call: Call) -> list[int | None]:
    """Ranks of the tensors among a call's arguments."""
    return [v.type.rank for v in (*call.args, *call.kwargs.values()) if isinstance(v, Value)]


ORDER = ("ane-layout", "split-model", "hoist-table")
"""Names, the largest first."""

Refactoring = Callable[[Place], Fix]


@dataclass(frozen=True)
class Offer:
    """A refactoring that can be asked for."""

    name: str
    title: str


_REFACTORINGS: dict[str, tuple[str, Refactoring, Callable[[Place], bool]]] = {}


def refactoring(name: str, title: str, offered: Callable[[Place], bool]) -> Callable[[Refactoring], Refactoring]:
    """Bind a function to a name. It returns a fix, or raises Refused; `offered` is asked first and has to be quick."""

    def register(function: Refactoring) -> Refactoring:
        _REFACTORINGS[name] = (title, function, offered)
        return function

    return register


def load() -> None:
    """Make every refactoring known."""
    from ane_lsp.fixes.refactorings import hoist, layout, split  # noqa: F401


def offers(source: SourceFile, result: Result, line: int, col: int | None = None) -> list[Offer]:
    """What may be asked for at a place. That one is listed does not mean that it will not refuse."""
    load()
    try:
        place = Place(Tree(source), result.graphs, line, col, result.findings)
    except Refused:
        return []
    found = []
    for name in ORDER:
        title, _, offered = _REFACTORINGS[name]
        try:
            if offered(place):
                found.append(Offer(name, title))
        except Refused:
            continue
    return found


def refactor(
    source: SourceFile, result: Result, name: str, analyse: Analyse, line: int, col: int | None = None
) -> tuple[Fix, str]:
    """The rewrite and the text after it. Raises Refused with the reason, and KeyError for a name that is none."""
    load()
    _, function, _ = _REFACTORINGS[name]
    fix = function(Place(Tree(source), result.graphs, line, col, result.findings))
    return fix, checked(source, result, fix.edits, analyse)


def checked(source: SourceFile, before: Result, edits: Sequence[TextEdit], analyse: Analyse) -> str:
    """The text after `edits`, analysed again: every model is still found, gives what it gave, and nothing got worse.

    Raises Refused with what is wrong.
    """
    try:
        text = apply(source.text, changes(source.lines, edits))
        compile(text, str(source.path), "exec", dont_inherit=True)
    except (ValueError, SyntaxError, RecursionError) as error:
        raise Refused(f"the result would not parse: {error}") from None
    after = analyse(text)
    if len(after.errors) > len(before.errors):
        raise Refused("the result could not be analysed to its end")
    new = {graph.name: graph for graph in after.graphs}
    for graph in before.graphs:
        other = new.get(graph.name)
        if other is None:
            raise Refused(f"{graph.name} is no longer found as a model")
        if [str(v.type) for v in graph.outputs] != [str(v.type) for v in other.outputs]:
            raise Refused(f"{graph.name} would return {_types(other)} instead of {_types(graph)}")
    worse = _serious(after) - _serious(before)
    if worse:
        raise Refused(f"new findings would come: {', '.join(sorted(worse))}")
    return text


def _types(graph: Graph) -> str:
    return ", ".join(str(v.type) for v in graph.outputs) or "nothing"


def _serious(result: Result) -> Counter[str]:
    serious = SEVERITIES.index("warning")
    return Counter(f.code for f in result.findings if SEVERITIES.index(f.severity) <= serious)


def names_read(node: ast.AST) -> set[str]:
    """Names that an expression or statement reads."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def names_bound(node: ast.AST) -> set[str]:
    """Names that a statement binds."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    found |= {n.name for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return found | {n.name for n in ast.walk(node) if isinstance(n, ast.ExceptHandler) and n.name}


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a block without its docstring."""
    for index, statement in enumerate(body):
        if index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        yield statement
