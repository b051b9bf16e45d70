"""Resizing in modes that convert."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, append_argument, fixer
from ane_lsp.fixes.tree import Refused, bind, literal
from ane_lsp.graph import Call, Value

_NAMES = ("input", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
_MODULE_NAMES = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")


def _arguments(site: Site) -> tuple[ast.Call, dict[str, ast.expr]]:
    """The call or constructor whose arguments decide, and those."""
    name = site.name()
    if name == "torch.nn.functional.interpolate" and site.tree.qualified(site.call.func) == name:
        return site.call, bind(site.call, _NAMES)
    spans = {call.ctor for call in site.calls}
    if name != "torch.nn.Upsample" or len(spans) != 1:
        raise Refused("not one constructor")
    span = spans.pop()
    if span is None:
        raise Refused("the constructor is not known")
    node = site.tree.at(span)
    if not isinstance(node, ast.Call) or site.tree.qualified(node.func) != name:
        raise Refused("not constructed by its own name")
    return node, bind(node, _MODULE_NAMES)


def _sizes(call: Call) -> list[tuple[object, object]]:
    given = next((v for v in (*call.args, *call.kwargs.values()) if isinstance(v, Value)), None)
    if given is None or not isinstance(call.result, Value):
        raise Refused("no tensor")
    before, after = given.type.shape, call.result.type.shape
    if before is None or after is None:
        raise Refused("sizes are not known")
    return list(zip(before[2:], after[2:], strict=True))


@fixer("ANE108")
def nearest(site: Site) -> Iterator[Fix]:
    """nearest-exact by a whole factor s is nearest: floor((i + 1/2) / s) = floor(i / s) for whole i."""
    node, bound = _arguments(site)
    if literal(bound.get("mode")) != "nearest-exact":
        raise Refused("another mode")
    contexts = {c for call in site.calls for c in ([call] if call.ctor is None else site.built_at(call.ctor))}
    factor = literal(bound.get("scale_factor"))
    factors = factor if isinstance(factor, (tuple, list)) else [factor]
    whole = "size" not in bound and all(
        isinstance(f, (int, float)) and f >= 1 and float(f).is_integer() for f in factors
    )
    for call in contexts:
        for before, after in _sizes(call):
            known = isinstance(before, int) and isinstance(after, int) and after % before == 0
            if not whole and not known:
                raise Refused("not by a whole factor")
    if not whole and node is not site.call:
        raise Refused("a size that may be used for other inputs")
    mode = bound["mode"]
    quote = site.tree.text(mode)[-1]
    yield site.fix(
        "Resize by nearest: the same for whole factors", site.tree.replace(mode, f"{quote}nearest{quote}", True)
    )


@fixer("ANE109")
def whole_sizes(site: Site) -> Iterator[Fix]:
    """The factor that the sizes give, as Core ML computes it."""
    node, bound = _arguments(site)
    if "recompute_scale_factor" in bound or "scale_factor" not in bound:
        raise Refused("given already")
    yield site.fix(
        "Recompute the scale from the sizes (numbers change a little)",
        append_argument(site, node, "recompute_scale_factor=True"),
        safety="unsafe",
    )


@fixer("ANE123")
def no_antialias(site: Site) -> Iterator[Fix]:
    """What the converted model computes, in torch too."""
    node, bound = _arguments(site)
    given = next((k for k in node.keywords if k.arg == "antialias"), None)
    if given is None or literal(bound.get("antialias")) is not True:
        raise Refused("not written here")
    yield site.fix(
        "Drop antialias in torch, too (numbers change to what the converted model computes)",
        site.tree.replace(given.value, "False", atomic=True),
        safety="unsafe",
    )
