"""Looks at the source behind a finding, where the graph does not hold what decides.

``if x.isnan().any(): raise ...`` depends on a tensor's values, but a trace loses nothing by skipping it. ``x.to(dtype)`` is a
cast to float32 in a model of that type, but no sign that its author wanted more range; ``x.to(torch.float32)`` is.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import replace

from ane_lsp.checks.finding import Finding
from ane_lsp.checks.numerics import square_message
from ane_lsp.graph import Span

# Reading a value in a guard costs a trace nothing: neither the condition nor the number is part of the model.
_GUARDED = ("ANE601", "ANE602")
# Whose calls only tell somebody something.
_TALKERS = frozenset({"warnings", "logger", "logging", "log", "_logger", "LOGGER", "print"})


def review(findings: Iterable[Finding], tree: ast.Module, export_path: str) -> list[Finding]:
    """The findings of one file, corrected by what its source says."""
    found = list(findings)
    asked = [f for f in found if f.code in ("ANE501", "ANE505", *_GUARDED)]
    if not asked:
        return found
    nodes = _near(tree, {span.line for f in asked for span in (f.span, *(one.span for one in f.related[:1]))})
    # torch.export refuses guards too, so there they stay.
    guards = [node for node in nodes if _is_guard(node)] if export_path == "trace" else []
    kept: list[Finding] = []
    for finding in found:
        if finding.code in _GUARDED and any(_holds(node, finding.span) for node in guards):
            continue
        if finding.code == "ANE505" and not _names_float32(nodes, finding.span):
            continue
        if (
            finding.code == "ANE501"
            and finding.data.get("upcast")
            and not _names_float32(nodes, finding.related[0].span)
        ):
            finding = replace(
                finding, severity="information", message=square_message(norm=True), related=finding.related[1:]
            )
        kept.append(finding)
    return kept


def _near(tree: ast.Module, lines: Collection[float]) -> list[ast.AST]:
    """The nodes of a tree, the outer ones first, but for those in functions that have none of these lines."""
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # which grows
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                last = child.end_lineno or child.lineno
                if not any(first <= line <= last for line in lines):
                    continue
            nodes.append(child)
    return nodes


def _names_float32(nodes: list[ast.AST], span: Span) -> bool:
    """Whether the cast at a place is spelled ``.float()`` or names ``torch.float32``."""
    for node in nodes:
        if isinstance(node, ast.Call) and (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset) == (
            span.line, span.col, span.end_line, span.end_col
        ):  # fmt: skip
            given = [*node.args, *(k.value for k in node.keywords)]
            spelled = isinstance(node.func, ast.Attribute) and node.func.attr == "float"
            return spelled or any(isinstance(g, ast.Attribute) and g.attr in ("float32", "float") for g in given)
    return False


def _is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    return isinstance(node, ast.If) and all(_only_tells(s) for s in (*node.body, *node.orelse))


def _only_tells(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Raise, ast.Pass, ast.Assert)):
        return True
    if isinstance(statement, ast.If):
        return all(_only_tells(s) for s in (*statement.body, *statement.orelse))
    if isinstance(statement, (ast.Assign, ast.AugAssign)):  # the text of a message
        return isinstance(statement.value, (ast.Constant, ast.JoinedStr))
    if not isinstance(statement, ast.Expr):
        return False
    if isinstance(statement.value, ast.Constant):
        return True
    function = statement.value.func if isinstance(statement.value, ast.Call) else None
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in _TALKERS


def _holds(node: ast.AST, span: Span) -> bool:
    """Whether the condition of a guard holds a place."""
    assert isinstance(node, (ast.If, ast.Assert))
    test = node.test
    start, end = (test.lineno, test.col_offset), (test.end_lineno or test.lineno, test.end_col_offset or 0)
    return start <= (span.line, span.col) and (span.end_line, span.end_col) <= end
