"""Padding modes without a conversion, as slices: circular padding by torch.cat, negative padding by slicing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, bind, is_stable, literal
from ane_lsp.graph.records import dataclass

_NAMES = ("input", "pad", "mode", "value")
_LAYER = re.compile(r"torch\.nn\.((?:Circular|Zero|Constant)Pad|Conv)[123]d")
_CONV_NAMES = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "padding_mode", "device", "dtype",
)  # fmt: skip


@dataclass(frozen=True)
class _Padding:
    """What a call pads: widths as (left, right) from the last axis on; function: how to call F.pad here, if it is that.

    then: what becomes of the padded tensor, with ``{}`` in its place.
    """

    given: ast.expr
    pairs: list[tuple[int, int]]
    mode: object
    value: object
    function: str | None = None
    then: str = "{}"


def _padding(site: Site) -> _Padding:
    """A literal F.pad, or a padding layer that is constructed with literals, once, and called by its name."""
    layer = _LAYER.fullmatch(site.name())
    if layer is not None:
        return _of_layer(site, layer[1])
    if site.name() != "torch.nn.functional.pad" or site.tree.qualified(site.call.func) is None:
        raise Refused("not F.pad")
    bound = bind(site.call, _NAMES)
    if "input" not in bound:
        raise Refused("no input")
    pairs = _pairs(site.tree.value(bound.get("pad")))
    function = site.tree.text(site.call.func)
    return _Padding(bound["input"], pairs, literal(bound.get("mode")), literal(bound.get("value")), function)


def _pairs(pad: object) -> list[tuple[int, int]]:
    if not isinstance(pad, (tuple, list)) or len(pad) % 2 or not all(type(p) is int for p in pad):
        raise Refused("the widths are not literals")
    return list(zip(pad[::2], pad[1::2], strict=True))


def _of_layer(site: Site, kind: str) -> _Padding:
    """The layer stays where it is: another place may use it, and a convolution has parameters."""
    func = site.call.func
    if len(site.call.args) != 1 or site.call.keywords or not isinstance(func, ast.Attribute) or not is_stable(func):
        raise Refused("not a layer called by its name with one input")
    spans = {call.ctor for call in site.calls}
    span = spans.pop() if len(spans) == 1 else None
    if span is None or not all(call.direct for call in site.calls):
        raise Refused("several constructors, or none")
    node = site.tree.at(span)
    statement = site.tree.parent(node)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [n for n in ast.walk(site.tree.module) if isinstance(n, ast.Attribute) and n.attr == func.attr]
    stores = [n for n in names if isinstance(n.ctx, ast.Store)]
    if not isinstance(node, ast.Call) or stores != targets or ast.unparse(stores[0]) != ast.unparse(func):
        raise Refused("the layer is not given this name once, where it is constructed")
    site.tree.refuse_hooks()
    convolution = kind.startswith("Conv")
    bound = bind(node, _CONV_NAMES if convolution else ("padding", "value"))
    axes, pad = int(site.name()[-2]), site.tree.value(bound.get("padding"))
    given = site.call.args[0]
    if not convolution:
        pad = (pad,) * (2 * axes) if type(pad) is int else pad
        mode = "circular" if kind.startswith("Circular") else "constant"
        return _Padding(given, _pairs(pad), mode, literal(bound.get("value")))
    sides = (pad,) * axes if type(pad) is int else pad
    if not isinstance(sides, tuple) or len(sides) != axes:
        raise Refused("the widths are not literals")
    layer = site.tree.text(func)
    then = f"torch.nn.functional.conv{axes}d({{}}, {layer}.weight, {layer}.bias, {layer}.stride, 0, {layer}.dilation, {layer}.groups)"
    pairs = _pairs([width for side in reversed(sides) for width in (side, side)])
    return _Padding(given, pairs, literal(bound.get("padding_mode")), None, then=then)


def _index(axis: int, bounds: str) -> str:
    """``..., 1:-1, :`` for the second axis from the end."""
    return ", ".join(("...", bounds, *([":"] * axis)))


def _crop(left: int, right: int) -> str:
    return f"{left or ''}:{-right if right else ''}"


@fixer("ANE104")
def negative_padding(site: Site) -> Iterator[Fix]:
    """Cropping by F.pad is slicing; axes that are really padded stay with F.pad."""
    padding = _padding(site)
    given, pairs, value = padding.given, padding.pairs, padding.value
    if padding.mode not in (None, "constant"):
        raise Refused("another mode")
    rank = site.rank()
    sizes = [site.length(-1 - axis) if left < 0 or right < 0 else None for axis, (left, right) in enumerate(pairs)]
    if any(size is not None and -min(l, 0) - min(r, 0) >= size for size, (l, r) in zip(sizes, pairs, strict=True)):
        raise Refused("nothing would be left")
    items = []
    for axis in range(len(pairs)):
        left, right = pairs[axis]
        items.append(_crop(-min(left, 0), -min(right, 0)))
    while items and items[-1] == ":":
        items.pop()
    index = ", ".join((*(["..."] if len(items) < rank else []), *reversed(items)))
    text = f"{site.tree.atom(given)}[{index}]"
    padded = [max(0, width) for pair in pairs for width in pair]
    while padded and not any(padded[-2:]):
        padded = padded[:-2]
    if padded:
        rest = f", value={value!r}" if value not in (None, 0) else ""
        function = padding.function or "torch.nn.functional.pad"
        text = f"{function}({text}, ({', '.join(map(str, padded))}){rest})"
    yield site.fix("Crop by slicing", *place(site, site.call, text, atomic=True))


@fixer("ANE103")
def circular_padding(site: Site) -> Iterator[Fix]:
    """Circular padding as torch.cat of wrapped slices; a convolution that pads so goes on with its own weights, unpadded."""
    found = _padding(site)
    given, pairs = found.given, found.pairs
    if found.mode != "circular" or any(width < 0 for pair in pairs for width in pair):
        raise Refused("not plain circular padding")
    padded = [(axis, pair) for axis, pair in enumerate(pairs) if any(pair)]
    if not padded:
        raise Refused("nothing is padded")
    cat, imports = site.tree.spell("torch.cat")
    edits: list[TextEdit] = []
    if is_stable(given):
        text = site.tree.text(given)
    else:
        text = site.tree.fresh("inner")
        edits.append(site.tree.before(site.call, f"{text} = {site.tree.text(given)}"))
    function = site.tree.function(site.call)
    for position, (axis, (left, right)) in enumerate(padded):
        parts = [text]
        if left:
            parts.insert(0, f"{text}[{_index(axis, f'-{left}:')}]")
        if right:
            parts.append(f"{text}[{_index(axis, f':{right}')}]")
        joined = f"{cat}(({', '.join(parts)}), dim={-1 - axis})"
        if position == len(padded) - 1:
            edits += place(site, site.call, found.then.format(joined), atomic=True)
        else:
            if function is None:
                raise Refused("not in a function")
            text = site.tree.fresh("wrapped" if position == 0 else f"wrapped_{position + 1}")
            edits.append(site.tree.before(site.call, f"{text} = {joined}"))
    yield site.fix("Wrap by torch.cat of slices", *edits, *imports)
