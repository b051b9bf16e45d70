"""Quotients of sizes, which are plain numbers here and tensors while torch traces."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

_MOST = 1_000


def follow_quotients(quotients: set[int], node: ast.BinOp, left: Any, right: Any, made: int) -> None:
    """Keep numbers that may come from ``//`` of sizes by their values."""
    if node.op.__class__ is ast.FloorDiv:
        if node.left.__class__ is not ast.Constant and not _is_setting(node.left):
            quotients.add(made)
    elif quotients:
        for operand, value in ((node.left, left), (node.right, right)):
            if value.__class__ is int and value in quotients and operand.__class__ is not ast.Constant:
                quotients.add(made)


def handed_on(quotients: set[int], held: Iterable[Any]) -> set[int]:
    """Those of the numbers that lie in what a module is given, or gives."""
    found: set[int] = set()
    if quotients:
        pending = list(held)
        for item in pending:  # which grows
            if item.__class__ is int:
                found |= {item} & quotients
            elif item.__class__ in (tuple, list) and len(pending) < _MOST:
                pending += item
    return found


def _is_setting(node: ast.expr) -> bool:
    """Whether it reads what a module was built with: ``self.dim``, ``self.config.dim``."""
    while node.__class__ is ast.Attribute:
        node = node.value
    return node.__class__ is ast.Name and node.id == "self"


__all__ = ["follow_quotients", "handed_on"]
