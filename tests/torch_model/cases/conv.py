"""Argument strategies for convolutions, unfold and fold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import dtypes, flags


def setting(axes: int, low: int, high: int, *, tuples: bool = True) -> st.SearchStrategy[Any]:
    """A per-axis setting: a number, or a list with one for each axis."""
    one = st.integers(low, high)
    many = st.lists(one, min_size=axes, max_size=axes).map(tuple)
    wrong = st.lists(one, min_size=axes + 1, max_size=axes + 1).map(tuple)
    return st.one_of(one, one, many, many.map(list), wrong if tuples else one)


@st.composite
def convs(draw: Any, axes: int, transposed: bool = False) -> Call:
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    spatial = tuple(draw(st.integers(2, 9)) for _ in range(axes))
    # A transposed result without elements is refused or not depending on torch's backend: kept out.
    kernel = tuple(draw(st.integers(1 + transposed, 3)) for _ in range(axes))
    lead = (draw(st.integers(1, 2)),) if draw(st.integers(0, 4)) else ()
    dtype = draw(dtypes("f32", "f16", "bf16"))
    channels = inside + (draw(st.integers(0, 14)) == 0)
    weight = (inside, outside // groups, *kernel) if transposed else (outside, inside // groups, *kernel)
    x = Arg((*lead, channels, *spatial), dtype)
    w = Arg(weight, dtype if draw(st.integers(0, 14)) else "f64")
    given: dict[str, Any] = {}
    if draw(flags):
        given["bias"] = Arg((outside if draw(st.integers(0, 14)) else outside + 1,), dtype)
    if draw(flags):
        given["stride"] = draw(setting(axes, 1 if draw(st.integers(0, 14)) else 0, 3))
    if draw(flags):
        given["padding"] = draw(setting(axes, 0, 2 - transposed))
        if not transposed and draw(st.integers(0, 2)) == 0:
            given["padding"] = draw(st.sampled_from(("same", "valid", "same", "full")))
    if draw(flags):
        given["dilation"] = draw(setting(axes, 1, 3))
    if transposed and draw(flags):
        given["output_padding"] = draw(setting(axes, 0, 2))
    if groups > 1:
        given["groups"] = groups
    return (x, w), given


for _axes in (1, 2, 3):
    cases(f"torch.conv{_axes}d", f"torch.nn.functional.conv{_axes}d", strategy=convs(_axes), device="cpu")
    cases(
        f"torch.conv_transpose{_axes}d",
        f"torch.nn.functional.conv_transpose{_axes}d",
        strategy=convs(_axes, True),
        device="cpu",
    )


@st.composite
def convolutions(draw: Any) -> Call:
    axes = draw(st.integers(1, 3))
    transposed = draw(flags)
    (x, w), given = draw(convs(axes, transposed))
    padding = given.get("padding", 0)
    many = {
        k: [v] * axes if isinstance(v, int) else list(v)
        for k, v in given.items()
        if k not in ("bias", "groups", "padding")
    }
    pads = [padding] * axes if isinstance(padding, int) else [0] * axes if isinstance(padding, str) else list(padding)
    return (
        x, w, given.get("bias"), many.get("stride", [1] * axes), pads, many.get("dilation", [1] * axes), transposed,
        many.get("output_padding", [0] * axes), given.get("groups", 1),
    ), {}  # fmt: skip


cases(
    "torch.convolution",
    strategy=convolutions().filter(lambda c: len(c[0][0].shape) == len(c[0][1].shape)),
    device="cpu",
)


@st.composite
def unfolds(draw: Any) -> Call:
    lead = (draw(st.integers(1, 2)),) if draw(st.integers(0, 4)) else ()
    x = Arg((*lead, draw(st.integers(0, 3)), draw(st.integers(1, 8)), draw(st.integers(1, 8))))
    given: dict[str, Any] = {}
    for name, low, high in (("dilation", 1, 2), ("padding", 0, 2), ("stride", 0, 3)):
        if draw(flags):
            given[name] = draw(setting(2, low, high, tuples=False))
    return (x, draw(setting(2, 1, 3, tuples=False))), given


cases("torch.nn.functional.unfold", strategy=unfolds())


@st.composite
def raw_unfolds(draw: Any) -> Call:
    (x, kernel), given = draw(unfolds())
    pairs = {k: [v, v] if isinstance(v, int) else list(v) for k, v in {"kernel_size": kernel, **given}.items()}
    return (
        x,
        pairs["kernel_size"],
        pairs.get("dilation", [1, 1]),
        pairs.get("padding", [0, 0]),
        pairs.get("stride", [1, 1]),
    ), {}


cases("torch._C._nn.im2col", strategy=raw_unfolds())


@st.composite
def folds(draw: Any, raw: bool = False) -> Call:
    size = (draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    kernel = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    stride, pad, dilation = draw(st.integers(1, 3)), draw(st.integers(0, 1)), draw(st.integers(1, 2))
    blocks = 1
    for s, k in zip(size, kernel, strict=True):
        blocks *= (s + 2 * pad - dilation * (k - 1) - 1) // stride + 1
    blocks = max(blocks, 1) + (draw(st.integers(0, 9)) == 0)
    channels = draw(st.integers(1, 2)) * kernel[0] * kernel[1] + (draw(st.integers(0, 9)) == 0)
    lead = (2,) if draw(st.integers(0, 4)) else ()
    x = Arg((*lead, channels, blocks))
    if raw:
        return (x, list(size), list(kernel), [dilation] * 2, [pad] * 2, [stride] * 2), {}
    return (x, size, kernel), {"stride": stride, "padding": pad, "dilation": dilation}


cases("torch.nn.functional.fold", strategy=folds())
cases("torch._C._nn.col2im", strategy=folds(True))
