"""Spellings that coremltools takes of a function that ``torch.jit.script`` compiles."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, is_stable

_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


@fixer("ANE130")
def size_of_axis(site: Site) -> Iterator[Fix]:
    """``x.shape[0]`` and ``x.size()[0]`` are ``x.size(0)``, ``len(x.shape)`` is ``x.dim()``."""
    match site.node:
        case ast.Subscript(value=whole, slice=index, ctx=ast.Load()):
            axis = site.tree.text(index)
            if not axis.removeprefix("-").isdecimal():
                raise Refused("not one axis")
            yield site.fix("Ask for the size of the axis", _method_of(site, whole, f"size({axis})"))
        case ast.Call(func=ast.Name(id="len"), args=[whole], keywords=[]):
            yield site.fix("Ask for the number of axes", _method_of(site, whole, "dim()"))


def _method_of(site: Site, whole: ast.expr, method: str) -> TextEdit:
    match whole:
        case (
            ast.Attribute(value=tensor, attr="shape") | ast.Call(func=ast.Attribute(value=tensor, attr="size"), args=[])
        ):
            return site.tree.replace(site.node, f"{site.tree.atom(tensor)}.{method}", atomic=True)
    raise Refused("the tensor is not named here")


@fixer("ANE130")
def result_of_write(site: Site) -> Iterator[Fix]:
    """``x.add_(y)`` as a statement is ``x = x.add_(y)``, ``x[0] *= y`` is ``x[0] = x[0] * y``."""
    node = site.node
    around = site.tree.parent(node)
    match node, around:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))), ast.Expr():
            if site.tree.qualified(node.func) is not None:
                raise Refused("a function, not a method")
            yield site.fix("Use the result", site.tree.replace(node, f"{name} = {site.tree.text(node)}", atomic=True))
        case ast.Subscript(value=tensor), ast.AugAssign(op=op, value=value) if type(op) in _SIGNS:
            if not is_stable(tensor) or any(isinstance(part, ast.Call) for part in ast.walk(node)):
                raise Refused("not a subscript that may be written twice")
            part = site.tree.text(node)
            text = f"{part} = {part} {_SIGNS[type(op)]} {site.tree.atom(value)}"
            yield site.fix("Store the result", TextEdit(site.tree.span(around), text))
