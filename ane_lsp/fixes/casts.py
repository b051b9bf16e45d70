"""Casts that the conversion drops or refuses. Taking them out changes what torch computes, so each is unsafe."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Value

_DROPPED = {
    "ANE505": (
        ("float", "to", "type"),
        "f32",
        "Drop the cast to float32 (as the conversion does; changes half-precision runs)",
    ),
    "ANE254": (
        ("double", "to", "type"),
        "f64",
        "Drop the cast to float64 (as the conversion does; torch computes in float32)",
    ),
    "ANE117": (("bfloat16", "to", "type"), "bf16", "Drop the cast to bfloat16 (torch computes in the type it had)"),
}


@fixer("ANE505", "ANE254", "ANE117")
def dropped_cast(site: Site) -> Iterator[Fix]:
    """``x.float()`` as ``x``."""
    methods, _, title = _DROPPED[site.finding.code]
    func = site.call.func
    if not isinstance(func, ast.Attribute) or func.attr not in methods or site.tree.qualified(func) is not None:
        raise Refused("not a cast written as a method")
    if len(site.call.args) + len(site.call.keywords) != (0 if func.attr == methods[0] else 1):
        raise Refused("a device or a layout too")
    types = {call.args[0].type.dtype for call in site.calls if call.args and isinstance(call.args[0], Value)}
    if len(types) != 1:
        raise Refused("several types come in")
    yield site.fix(title, site.tree.replace(site.call, site.tree.atom(func.value), atomic=True), safety="unsafe")
