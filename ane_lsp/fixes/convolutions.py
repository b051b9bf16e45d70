"""Convolutions with kernels or strides the engine composes badly, on the weights they have."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.finding import Fix
from ane_lsp.fixes.helpers import define
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable
from ane_lsp.graph import Call

WIDEST = 12
"""A square kernel of 13 to 16 compiles, in minutes; a flat one up to 15 does."""

_IN_PARTS = '''\
def {name}(layer, x, widest):
    """`layer(x)` of a convolution, as a sum of convolutions with parts of its kernel no longer than `widest`."""
    x = torch.nn.functional.pad(x, [width for width in reversed(layer.padding) for _ in range(2)])
    parts = [(x, layer.weight)]
    for axis, (kernel, dilation) in enumerate(zip(layer.kernel_size, layer.dilation), 2):
        cut = []
        for part, weight in parts:
            for start in range(0, kernel, widest):
                count = min(widest, kernel - start)
                length = part.shape[axis] - (kernel - count) * dilation
                cut.append((part.narrow(axis, start * dilation, length), weight.narrow(axis, start, count)))
        parts = cut
    conv = torch.nn.functional.conv1d if x.dim() == 3 else torch.nn.functional.conv2d
    settings = layer.stride, 0, layer.dilation, layer.groups
    first, *rest = [conv(part, weight, None if i else layer.bias, *settings) for i, (part, weight) in enumerate(parts)]
    for other in rest:
        first = first + other
    return first
'''


def _layer(site: Site, names: tuple[str, ...]) -> list[Call]:
    """The calls of a layer that has a name and is called with one input."""
    if site.name() not in names or len(site.call.args) != 1 or site.call.keywords:
        raise Refused("not a layer called with one input")
    if not is_stable(site.call.func) or not all(call.direct for call in site.calls):
        raise Refused("the layer has no name here")
    site.tree.refuse_hooks()
    for call in site.calls:
        if call.hyper.get("padding_mode", "zeros") != "zeros" or not isinstance(
            call.hyper.get("padding"), (tuple, list)
        ):
            raise Refused("padding by name, or of another kind")
    return site.calls


def _numbers(call: Call, name: str) -> tuple[int, ...]:
    value = call.hyper.get(name)
    if not isinstance(value, (tuple, list)) or not all(type(v) is int for v in value):
        raise Refused(f"{name} is not known")
    return tuple(value)


@fixer("ANE303")
def kernel_in_parts(site: Site) -> Iterator[Fix]:
    """A sum over the kernel's taps, split: each part sees the input shifted by where it starts. The same products."""
    kernels = {_numbers(call, "kernel_size") for call in _layer(site, ("torch.nn.Conv1d", "torch.nn.Conv2d"))}
    longest = max(max(kernel) for kernel in kernels)
    count = -(-longest // WIDEST)
    if count < 2:
        raise Refused("no axis is long")
    size = -(-longest // count)
    tree = site.tree
    name, edits = define(tree, "conv_in_parts", lambda name: _IN_PARTS.replace("{name}", name))
    text = f"{name}({tree.text(site.call.func)}, {tree.text(site.call.args[0])}, {size})"
    yield site.fix(
        f"Add up convolutions with parts of the kernel, none longer than {size}",
        tree.replace(site.call, text, atomic=True),
        *edits,
    )


@fixer("ANE406")
def patches(site: Site) -> Iterator[Fix]:
    """Patches side by side: their pixels become channels, and the kernel a 1x1 one over those. The same products."""
    sizes = set()
    for call in _layer(site, ("torch.nn.Conv2d",)):
        kernel, stride = _numbers(call, "kernel_size"), _numbers(call, "stride")
        shape = site.operand(call).shape
        if kernel != stride or len(set(kernel)) != 1 or any(_numbers(call, "padding")) or call.hyper.get("groups") != 1:
            raise Refused("not patches side by side")
        if any(d != 1 for d in _numbers(call, "dilation")):
            raise Refused("dilated")
        if shape is None or len(shape) != 4 or any(not isinstance(n, int) or n % kernel[0] for n in shape[2:]):
            raise Refused("the picture is not known to be a whole number of patches")
        sizes.add((kernel[0], call.hyper.get("bias") is not None))
    if len(sizes) != 1:
        raise Refused("several sizes")
    ((size, bias),) = sizes
    layer, x = site.tree.text(site.call.func), site.tree.text(site.call.args[0])
    pixels = f"torch.nn.functional.pixel_unshuffle({x}, {size})"
    last = f", {layer}.bias" if bias else ""
    text = f"torch.nn.functional.conv2d({pixels}, {layer}.weight.flatten(1)[:, :, None, None]{last})"
    yield site.fix(
        f"Move each {size}x{size} patch into channels, then a 1x1 kernel", *place(site, site.call, text, atomic=True)
    )
