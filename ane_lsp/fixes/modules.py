"""Layers that another layer computes with the same parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, bind, literal


@fixer("ANE416")
def instance_norm(site: Site) -> Iterator[Fix]:
    """GroupNorm(C, C) as InstanceNorm: one group for each channel; the same weight and bias, no running statistics."""
    if site.name() != "torch.nn.GroupNorm":
        raise Refused("not a module")
    spans = {call.ctor for call in site.calls}
    if len(spans) != 1 or None in spans:
        raise Refused("several constructors")
    span = spans.pop()
    assert span is not None
    node = site.tree.at(span)
    if not isinstance(node, ast.Call) or site.tree.qualified(node.func) != "torch.nn.GroupNorm":
        raise Refused("not constructed by its own name")
    bound = bind(node, ("num_groups", "num_channels", "eps", "affine"))
    groups, channels = bound.get("num_groups"), bound.get("num_channels")
    if groups is None or channels is None or ast.dump(groups) != ast.dump(channels):
        raise Refused("the two numbers are not written alike")
    affine = literal(bound.get("affine"))
    ranks = set()
    for call in site.built_at(span):
        shape = site.operand(call).shape
        if shape is None or all(d == 1 for d in shape[2:]):
            raise Refused("the rank is not known, or one element for each channel")
        ranks.add(len(shape))
    if ranks not in ({3}, {4}):
        raise Refused("several ranks")
    name, imports = site.tree.spell(f"torch.nn.InstanceNorm{ranks.pop() - 2}d")
    text = f"{name}({site.tree.text(channels)}"
    if "eps" in bound:
        text += f", eps={site.tree.text(bound['eps'])}"
    if affine is not False:
        text += ", affine=True"
    yield site.fix(
        f"Use {name}: the same numbers and weights", site.tree.replace(node, text + ")", atomic=True), *imports
    )


@fixer("ANE809")
def softmax_over_keys(site: Site) -> Iterator[Fix]:
    """The axis of the keys in (batch, keys, head, queries)."""
    for keyword in site.call.keywords:
        if keyword.arg == "dim":
            node: ast.expr = keyword.value
            break
    else:
        function = site.tree.qualified(site.call.func) is not None
        if len(site.call.args) <= int(function):
            raise Refused("the axis is not given here")
        node = site.call.args[int(function)]
    if literal(node) not in (3, -1):
        raise Refused("another axis")
    yield site.fix(
        "Softmax over the keys, dim 1 (changes the numbers to attention's)",
        site.tree.replace(node, "1", atomic=True),
        safety="unsafe",
    )
