"""Functions and classes that a rewrite brings along: written once in a file, in front of its first definition."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from ane_lsp.checks.finding import TextEdit
from ane_lsp.fixes.tree import Refused, Tree
from ane_lsp.graph import Span

_TORCH = re.compile(r"(?<![\w.])torch(?:\.nn\.functional|\.nn)?\.\w+")


def define(tree: Tree, wish: str, written: Callable[[str], str]) -> tuple[str, list[TextEdit]]:
    """The name of a definition, and the edits that bring it where the file does not have it yet.

    written: the definition's text under a given name, with ``torch.`` for whatever the file calls it. Refused where the file
    defines nothing that it could stand in front of.
    """
    edits: dict[TextEdit, None] = {}

    def spelled(match: re.Match[str]) -> str:
        name, imports = tree.spell(match[0])
        edits.update(dict.fromkeys(imports))
        return name

    def text(name: str) -> str:
        return _TORCH.sub(spelled, written(name))

    first: ast.stmt | None = None
    for statement in tree.module.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = first or statement
            if statement.name == wish and ast.dump(ast.parse(text(wish)).body[0]) == ast.dump(statement):
                return wish, list(edits)
    if not isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        raise Refused("no definition to put it in front of")
    name = tree.fresh(wish)
    line = min([first.lineno, *(d.lineno for d in first.decorator_list)])
    span = Span(str(tree.source.path), line, 0, line, 0)
    return name, [TextEdit(span, f"{text(name)}\n\n".replace("\n", tree.source.newline)), *edits]
