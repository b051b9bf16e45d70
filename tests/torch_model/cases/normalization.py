"""Argument strategies for normalisation and padding."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import dim_for, dims_for, flags, options, shapes, tensors, valued

F = "torch.nn.functional."
POSITIVE = st.integers(1, 4)


def _vector(draw: Any, size: int, chance: int = 14) -> Arg:
    return Arg((size if draw(st.integers(0, chance)) else size + 1,))


@st.composite
def batch_norms(draw: Any, raw: bool = False) -> Call:
    x = draw(tensors("f32", low=1, high=5, size=POSITIVE))
    channels = x.shape[1] if len(x.shape) > 1 else x.shape[0]
    training = draw(flags)
    stats = [_vector(draw, channels) if not training or draw(flags) else None for _ in range(2)]
    if stats[0] is None or stats[1] is None:
        stats = [None, None]
    if draw(st.integers(0, 14)) == 0:
        stats = [None, None]
    weight = _vector(draw, channels) if draw(flags) else None
    bias = _vector(draw, channels) if draw(flags) else None
    if raw:
        return (x, weight, bias, *stats, training, 0.1, 1e-5, False), {}
    return (x, *stats), {"weight": weight, "bias": bias, "training": training}


cases(F + "batch_norm", strategy=batch_norms(), device="cpu")
cases("torch.batch_norm", strategy=batch_norms(True).filter(lambda c: len(c[0][0].shape) > 1), device="cpu")


@st.composite
def suffixes(draw: Any, parts: tuple[str, ...]) -> Call:
    x = draw(tensors("f32", low=1, size=POSITIVE))
    count = draw(st.integers(1, len(x.shape)))
    shape = list(x.shape[-count:])
    if draw(st.integers(0, 9)) == 0:
        shape[0] += 1
    if draw(st.integers(0, 19)) == 0:
        shape = []
    given: dict[str, Any] = {}
    for part in parts:
        if draw(flags):
            given[part] = Arg(tuple(shape) if draw(st.integers(0, 14)) else (2, *shape))
    return (x, draw(st.sampled_from((tuple, list)))(shape)), given


cases(F + "layer_norm", "torch.layer_norm", strategy=suffixes(("weight", "bias")), device="cpu")
cases(F + "rms_norm", "torch.rms_norm", strategy=suffixes(("weight",)), device="cpu")


@st.composite
def group_norms(draw: Any) -> Call:
    x = draw(tensors("f32", low=1, high=5, size=st.sampled_from((1, 2, 4, 6))))
    channels = x.shape[1] if len(x.shape) > 1 else 2
    groups = draw(st.sampled_from((1, 2, channels, 3, 0)))
    given: dict[str, Any] = {}
    for part in ("weight", "bias"):
        if draw(flags):
            given[part] = _vector(draw, channels)
    return (x, groups), given


cases(F + "group_norm", "torch.group_norm", strategy=group_norms(), device="cpu")


@st.composite
def instance_norms(draw: Any, raw: bool = False) -> Call:
    x = draw(tensors("f32", low=3, high=5, size=POSITIVE))
    channels = x.shape[1]
    stats = [_vector(draw, channels, 99), _vector(draw, channels, 99)] if draw(flags) else [None, None]
    weight = _vector(draw, channels, 99) if draw(flags) else None
    bias = _vector(draw, channels, 99) if draw(flags) else None
    use = draw(flags)
    if raw:
        return (x, weight, bias, *stats, use, 0.1, 1e-5, False), {}
    return (x, *stats), {"weight": weight, "bias": bias, "use_input_stats": use}


cases(F + "instance_norm", strategy=instance_norms(), device="cpu")
cases("torch.instance_norm", strategy=instance_norms(True), device="cpu")
cases(
    F + "local_response_norm",
    strategy=st.tuples(st.tuples(tensors("f32", low=2, high=5), st.integers(1, 4)), st.just({})),
    device="cpu",
)
cases(
    F + "normalize",
    strategy=tensors("f32", "i64", low=1, size=POSITIVE).flatmap(
        lambda a: st.tuples(
            st.just((a,)),
            options(p=st.sampled_from((1.0, 2.0, 3.0)), dim=st.one_of(dim_for(a), dims_for(a, empty=False))),
        )
    ),
    device="cpu",
)


@st.composite
def weight_norms(draw: Any) -> Call:
    v = Arg(draw(shapes(2, 4, POSITIVE)))
    dim = draw(st.sampled_from((0, len(v.shape) - 1)))
    g = tuple(size if i == dim else 1 for i, size in enumerate(v.shape))
    return (v, Arg(g), dim), {}


cases("torch._weight_norm", strategy=weight_norms(), device="cpu")


@st.composite
def pads(draw: Any, raw: bool = False, value: bool = False) -> Call:
    x = draw(valued("f32", "i64", size=POSITIVE) if value else tensors("f32", "i64", high=5, size=POSITIVE))
    count = draw(st.integers(0, len(x.shape))) if draw(st.integers(0, 14)) else draw(st.integers(0, 6))
    widths = [draw(st.integers(-1, 3)) for _ in range(2 * count)]
    if draw(st.integers(0, 19)) == 0:
        widths = widths[:-1]
    given: dict[str, Any] = {}
    if raw or value or draw(flags):
        if draw(flags):
            given["value"] = draw(st.sampled_from((0, 1.0, -2)))
    else:
        given["mode"] = draw(st.sampled_from(("constant", "reflect", "replicate", "circular", "wrap")))
    return (x, draw(st.sampled_from((tuple, list)))(widths)), given


cases(F + "pad", "torch._C._nn.pad", strategy=pads(), device="cpu")
cases(F + "pad", strategy=pads(value=True), device="cpu", data=True)
cases("torch.constant_pad_nd", strategy=pads(True), device="cpu")
