"""Tells a branch that only complains from one that changes what the model computes.

``if x.isnan().any(): raise ...`` depends on a tensor's values, but a trace loses nothing by skipping it: it is not reported.
The graph does not hold what a branch does, so this is read from the source of the finding's line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span

# Whose calls only tell somebody something.
_TALKERS = frozenset({"warnings", "logger", "logging", "log", "_logger", "LOGGER", "print"})


def drop_guards(findings: Iterable[Finding], tree: ast.Module, export_path: str) -> list[Finding]:
    """The findings without ANE601 at conditions that only guard. torch.export refuses those too, so there they stay."""
    found = list(findings)
    if export_path != "trace" or not any(f.code == "ANE601" for f in found):
        return found
    guards = [node for node in ast.walk(tree) if _is_guard(node)]
    return [f for f in found if f.code != "ANE601" or not any(_holds(node, f.span) for node in guards)]


def _is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    return isinstance(node, ast.If) and all(_only_tells(s) for s in (*node.body, *node.orelse))


def _only_tells(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Raise, ast.Pass, ast.Assert)):
        return True
    if isinstance(statement, ast.If):
        return all(_only_tells(s) for s in (*statement.body, *statement.orelse))
    if isinstance(statement, ast.Assign):  # the text of a message
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
