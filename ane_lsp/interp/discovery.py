"""Entries nobody wrote down: classes and factories of a file that no model call reached."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.values import ClassObject, Function, ModuleObject

if TYPE_CHECKING:
    from ane_lsp.syntax.comments import Directives

Attempt = Callable[[Callable[[], Any], Span, tuple[str, ...]], bool]


def discover(interp: Interpreter, module: ModuleObject, directives: Directives, attempt: Attempt) -> None:
    """Follow what ``# ane: input`` comments ask for."""
    from ane_lsp.interp.entries import call_arguments, instantiate

    for value in list(module.namespace.values()):
        if not isinstance(value, (ClassObject, Function)) or value.module is not module:
            continue
        node = value.node
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            continue
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        last = node.body[0].lineno if node.body else node.lineno
        inputs = directives.inputs_for(first, max(node.lineno, last - 1))
        if inputs is None:
            continue
        args, kwargs = call_arguments(inputs)
        span = Span(str(module.path), node.lineno, node.col_offset, node.lineno, node.col_offset + len(node.name))
        attempt(lambda v=value, a=args, k=kwargs: interp.call(instantiate(interp, v), a, k), span, ())  # type: ignore[misc]
