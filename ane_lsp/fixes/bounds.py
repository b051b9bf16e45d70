"""Whole numbers beside floats, written as floats: the numbers are the same, and the converter takes their type as it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, bind, literal

# Parameters in order; those that must be floats come first.
_PARAMETERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hardtanh": (("min_val", "max_val"), ("inplace",)),
    "clamp_min": (("min",), ()),
    "clamp_max": (("max",), ()),
    "threshold": (("threshold",), ("value", "inplace")),
    "leaky_relu": (("negative_slope",), ("inplace",)),
    "elu": (("alpha",), ("inplace",)),
}
_MODULES = {
    "torch.nn.Hardtanh": "hardtanh", "torch.nn.Threshold": "threshold", "torch.nn.LeakyReLU": "leaky_relu",
    "torch.nn.ELU": "elu",
}  # fmt: skip


@fixer("ANE101")
def written_as_floats(site: Site) -> Iterator[Fix]:
    """Bounds, slopes and thresholds, in the call or in the constructor of its layer."""
    name = site.name()
    last = _MODULES.get(name, name.rsplit(".", 1)[-1].rstrip("_"))
    if last not in _PARAMETERS:
        raise Refused("takes no such number")
    floats, others = _PARAMETERS[last]
    numbers = [node for bound in _bound(site, name, floats + others) for key, node in bound.items() if key in floats]
    whole = {node: value for node in numbers if isinstance(value := literal(node), int)}
    if not whole:
        raise Refused("no whole number")
    edits = (site.tree.replace(node, repr(float(value)), atomic=True) for node, value in whole.items())
    yield site.fix("Write the number as a float", *edits)


def _bound(site: Site, name: str, names: tuple[str, ...]) -> Iterator[dict[str, ast.expr]]:
    if name not in _MODULES:
        yield site.method_or_function(names)[1]
        return
    for span in dict.fromkeys(call.ctor for call in site.calls):
        node = site.tree.at(span) if span is not None else None
        if not isinstance(node, ast.Call) or site.tree.qualified(node.func) != name:
            raise Refused("not constructed by its own name")
        yield bind(node, names)
