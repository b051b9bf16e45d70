"""Writes in the form of stores that a traced conversion follows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, is_stable
from ane_lsp.torch_model import registry

_OPERATORS = {"add_": "+", "sub_": "-", "mul_": "*", "div_": "/"}


@fixer("ANE127")
def colons(site: Site) -> Iterator[Fix]:
    """``x[..., 0] = y`` on a tensor of three axes is ``x[:, :, 0] = y``."""
    node: ast.expr | None = site.node
    ranks = {len(shape) for shape in site.shapes()}
    if isinstance(node, ast.Call):  # x[..., 0].copy_(y)
        node = node.func.value if isinstance(node.func, ast.Attribute) else None
        loads = site.calls_at(site.tree.span(node)) if node is not None else []
        ranks = {len(shape) for call in loads if (shape := site.operand(call).shape) is not None}
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple) or len(ranks) != 1:
        raise Refused("not a subscript of several items")
    rank = ranks.pop()
    items = node.slice.elts
    found = [item for item in items if isinstance(item, ast.Constant) and item.value is Ellipsis]
    if len(found) != 1 or any(isinstance(item, ast.Starred) for item in items) or rank < len(items):
        raise Refused("not one ellipsis")
    colons = ", ".join([":"] * (rank - len(items) + 1))
    yield site.fix("Write a colon for each axis", site.tree.replace(found[0], colons, atomic=True))


@fixer("ANE126", "ANE128")
def stored(site: Site) -> Iterator[Fix]:
    """``x[0].clamp_(0, 1)`` as a statement is ``x[0] = x[0].clamp(0, 1)``."""
    call, func = site.call, site.call.func
    if not isinstance(site.tree.parent(call), ast.Expr) or not isinstance(func, ast.Attribute):
        raise Refused("its result is used")
    part, name = func.value, func.attr
    if not isinstance(part, ast.Subscript) or not is_stable(part.value) or not all(map(_is_stable, _items(part))):
        raise Refused("not a subscript that may be written twice")
    if any(isinstance(item, ast.Constant) and item.value is Ellipsis for item in _items(part)):
        raise Refused("an ellipsis has no place in a store")
    text = site.tree.text(part)
    if name in _OPERATORS and len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred):
        yield site.fix(
            "Store the result",
            site.tree.replace(call, f"{text} {_OPERATORS[name]}= {site.tree.atom(call.args[0])}", atomic=True),
        )
    elif name == "zero_":
        yield site.fix("Store zeros", site.tree.replace(call, f"{text} = 0", atomic=True))
    elif site.finding.code == "ANE126" and registry.find(site.name().removesuffix("_")) is not None:
        rest = site.tree.text(call)[len(site.tree.text(func)) :]
        yield site.fix(
            "Store the result", site.tree.replace(call, f"{text} = {text}.{name.removesuffix('_')}{rest}", atomic=True)
        )


def _items(part: ast.Subscript) -> list[ast.expr]:
    return part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]


def _is_stable(item: ast.expr) -> bool:
    if isinstance(item, ast.Slice):
        return all(bound is None or _is_stable(bound) for bound in (item.lower, item.upper, item.step))
    if isinstance(item, ast.UnaryOp):
        return _is_stable(item.operand)
    if isinstance(item, ast.BinOp):
        return _is_stable(item.left) and _is_stable(item.right)
    return is_stable(item)
