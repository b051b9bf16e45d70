"""What a fixer sees of one finding, and how fixers are bound to rules."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from functools import cached_property
from typing import Protocol

from ane_lsp.checks.finding import Finding, Fix, Safety, TextEdit
from ane_lsp.fixes.tree import Refused, Tree, bind
from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Value
from ane_lsp.graph.records import dataclass


class Result(Protocol):
    """What an analysis of a file says, as far as fixes read it (:class:`ane_lsp.analysis.FileAnalysis`)."""

    @property
    def findings(self) -> Sequence[Finding]: ...

    @property
    def graphs(self) -> Sequence[Graph]: ...

    @property
    def errors(self) -> Sequence[object]: ...


@dataclass(frozen=True)
class Site:
    """A finding in its file, with every call that stands at its place.

    finding: its `data` and `related` tell more. graphs: of the analysis that made it.
    """

    finding: Finding
    tree: Tree
    graphs: Sequence[Graph] = field(repr=False)

    @cached_property
    def node(self) -> ast.expr:
        """The expression the finding stands at."""
        return self.tree.at(self.finding.span)

    @cached_property
    def call(self) -> ast.Call:
        """The same, where it is a call."""
        if not isinstance(self.node, ast.Call):
            raise Refused("not a call")
        return self.node

    @cached_property
    def calls(self) -> list[Call]:
        """Every torch call the finding is about made there, over all models and contexts.

        A container runs many layers at one place: the torch name or the op that the finding names tells them apart.
        """
        made = self.calls_at(self.finding.span)
        torch = self.finding.data.get("torch")
        if torch:
            return [call for call in made if call.torch == torch]
        having = {
            id(op.call)
            for graph in self.graphs
            for op in graph.ops
            if op.kind == self.finding.op and op.call.span == self.finding.span
        }
        return [call for call in made if id(call) in having] or made

    def calls_at(self, span: Span) -> list[Call]:
        """Every torch call made at a place."""
        return [call for graph in self.graphs for call in graph.calls if call.span == span]

    def built_at(self, span: Span) -> list[Call]:
        """Every call of a module constructed at a place."""
        return [call for graph in self.graphs for call in graph.calls if call.ctor == span]

    @cached_property
    def ops(self) -> list[Op]:
        """Ops of :attr:`calls` that remain at run time."""
        return [op for graph in self.graphs for op in graph.ops if op.call.span == self.finding.span and not op.folds]

    def name(self) -> str:
        """The torch name all calls here share: ``torch.Tensor.cumsum``."""
        names = {call.torch for call in self.calls}
        if len(names) != 1:
            raise Refused("several torch functions at one place")
        return names.pop()

    def tensor(self, node: ast.expr) -> tuple[TensorType, ...]:
        """Every type the tensor at `node` has, where `node` is a torch call or the tensor was given a name here."""
        found: dict[TensorType, None] = {}
        span = self.tree.span(node)
        for call in self.calls_at(span):
            if isinstance(call.result, Value):
                found[call.result.type] = None
        return tuple(found)

    def operand(self, call: Call, index: int = 0) -> TensorType:
        """The type of the tensor argument number `index`."""
        values = [v for v in (*call.args, *call.kwargs.values()) if isinstance(v, Value)]
        if index >= len(values):
            raise Refused("no such tensor")
        return values[index].type

    def shapes(self, index: int = 0) -> list[tuple[object, ...]]:
        """Shapes of a tensor argument in every context; Refused where a rank is not known."""
        found = [self.operand(call, index).shape for call in self.calls]
        if not found or any(shape is None for shape in found):
            raise Refused("the rank is not known")
        return [tuple(shape) for shape in found if shape is not None]

    def rank(self, index: int = 0) -> int:
        """The rank a tensor argument has in every context."""
        ranks = {len(shape) for shape in self.shapes(index)}
        if len(ranks) != 1:
            raise Refused("several ranks")
        return ranks.pop()

    def length(self, axis: int, index: int = 0) -> int:
        """The size a tensor argument's axis has in every context."""
        sizes = {shape[axis] for shape in self.shapes(index) if -len(shape) <= axis < len(shape)}
        size = sizes.pop() if len(sizes) == 1 else None
        if not isinstance(size, int):
            raise Refused("the size of the axis is not known")
        return size

    def is_float(self, index: int = 0) -> bool:
        """Whether a tensor argument is known to be floating-point everywhere."""
        return all((self.operand(call, index).dtype or "?")[0] in "fb" and
                   self.operand(call, index).dtype not in (None, "b8") for call in self.calls)  # fmt: skip

    def method_or_function(self, names: Sequence[str]) -> tuple[ast.expr, dict[str, ast.expr]]:
        """Subject and other arguments of ``torch.f(x, ...)`` or ``x.f(...)``; `names` are the others' names, in order."""
        func = self.call.func
        if self.tree.qualified(func) is not None:
            bound = bind(self.call, ("input", *names))
            if "input" not in bound:
                raise Refused("no input")
            return bound.pop("input"), bound
        if not isinstance(func, ast.Attribute):
            raise Refused("called through a name of its own")
        return func.value, bind(self.call, names)

    def fix(self, title: str, *edits: TextEdit, safety: Safety = "safe") -> Fix:
        """A fix; edits in order of place."""
        return Fix(title, safety, tuple(sorted(edits, key=lambda e: (e.span.line, e.span.col, e.span.end_line))))


Fixer = Callable[[Site], Iterable[Fix]]
_FIXERS: dict[str, list[Fixer]] = {}


def fixer(*codes: str) -> Callable[[Fixer], Fixer]:
    """Bind a function to the rules whose findings it can fix. It yields fixes, or raises Refused."""

    def register(function: Fixer) -> Fixer:
        for code in codes:
            _FIXERS.setdefault(code, []).append(function)
        return function

    return register


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        from ane_lsp import fixes

        for module in sorted(m.name for m in pkgutil.iter_modules(fixes.__path__)):
            importlib.import_module(f"{fixes.__name__}.{module}")


def fixable_codes() -> frozenset[str]:
    """Rules that have a fixer."""
    _load()
    return frozenset(_FIXERS)


def proposals(finding: Finding, tree: Tree, graphs: Sequence[Graph]) -> Iterator[Fix]:
    """Rewrites of a finding, safe ones first, not yet verified."""
    if "inside" in finding.data:  # the call it is about stands in another file
        return
    _load()
    site = Site(finding, tree, graphs)
    found: list[Fix] = []
    for function in _FIXERS.get(finding.code, ()):
        try:
            found += function(site)
        except Refused:
            continue
        except Exception:  # a fix less is better than an analysis less
            if os.environ.get("ANE_LSP_DEBUG"):
                raise
    yield from sorted(found, key=lambda fix: fix.safety)


def append_argument(site: Site, node: ast.Call, text: str) -> TextEdit:
    """One more keyword argument, behind the last one."""
    last = max(
        [*node.args, *(k.value for k in node.keywords)], key=lambda n: (n.end_lineno or 0, n.end_col_offset or 0)
    )
    span = site.tree.span(last)
    source, lines = site.tree.source.text, site.tree.source.lines
    end, close = lines.offset(span.end_line, span.end_col), lines.offset(node.end_lineno or 1, node.end_col_offset or 0)
    at = end
    while at < close - 1 and source[at] == ")":
        at += 1
    if source[end : close - 1].strip(" )") not in ("",):
        raise Refused("a comma or a comment follows")
    line, col = lines.position(at)
    return TextEdit(Span(span.file, line, col, line, col), f", {text}")
