"""Argument strategies for flip, roll, diagonals, triangles, windows, pixel shuffles."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Call, cases
from tests.torch_model.strategies import call, dim_for, dims_for, flags, tensors, valued


@st.composite
def flips(draw: Any, spread: bool, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    axes = draw(dims_for(arg))
    if spread and axes and draw(flags):
        return (arg, *axes), {}
    return (arg, axes), {}


@st.composite
def rolls(draw: Any, value: bool = False) -> Call:
    # Without elements, what torch checks depends on the device.
    arg = draw(valued(size=st.integers(1, 3)) if value else tensors(size=st.integers(1, 3)))
    shift = st.integers(-4, 4)
    how = draw(st.integers(0, 3))
    if how == 0:
        return (arg, draw(shift)), {}
    if how == 1:
        return (arg, draw(shift), draw(dim_for(arg))), {}
    axes = draw(dims_for(arg, empty=0 not in arg.shape))
    count = len(axes) + (draw(st.integers(0, 5)) == 0)
    return (arg, tuple(draw(st.lists(shift, min_size=count, max_size=count))), axes), {}


for _value in (False, True):
    _how: dict[str, Any] = {"device": "cpu", "data": True} if _value else {}
    cases("torch.flip", strategy=flips(False, _value), **_how)
    cases("torch.Tensor.flip", strategy=flips(True, _value), **_how)
    cases("torch.fliplr", "torch.Tensor.fliplr", strategy=call(valued() if _value else tensors()), **_how)
    cases("torch.flipud", "torch.Tensor.flipud", strategy=call(valued() if _value else tensors()), **_how)
    cases("torch.roll", "torch.Tensor.roll", strategy=rolls(_value), **_how)
    cases(
        "torch.triu", "torch.Tensor.triu", "torch.tril", "torch.Tensor.tril", "torch.Tensor.triu_", "torch.Tensor.tril_",
        strategy=call(valued(low=1) if _value else tensors(low=1), st.integers(-3, 3)), **_how,
    )  # fmt: skip

cases(
    "torch.rot90", "torch.Tensor.rot90",
    strategy=call(tensors(low=1), st.integers(-2, 5), st.sampled_from(((0, 1), (1, 0), (0, -1), (1, 2), (0, 0), [0, 1], (0,)))),
)  # fmt: skip


@st.composite
def diagonals(draw: Any, **fixed: Any) -> Call:
    arg = draw(tensors("f32", "i64", low=fixed.get("low", 0)))
    given: dict[str, Any] = {}
    if draw(flags):
        given["offset"] = draw(st.integers(-3, 3))
    if draw(flags):
        given |= {"dim1": draw(dim_for(arg)), "dim2": draw(dim_for(arg))}
    return (arg,), given


cases("torch.diagonal", "torch.Tensor.diagonal", "torch.linalg.diagonal", strategy=diagonals())
cases("torch.diag_embed", "torch.Tensor.diag_embed", strategy=diagonals())
cases("torch.diag", "torch.Tensor.diag", strategy=call(tensors(high=3), st.integers(-3, 3)))
cases("torch.diagflat", "torch.Tensor.diagflat", strategy=call(tensors(high=3), st.integers(-3, 3)), device="cpu")
cases(
    "torch.Tensor.unfold",
    strategy=tensors(size=st.integers(1, 9)).flatmap(
        lambda a: call(a, dim_for(a), st.integers(-1, 5), st.integers(0, 4))
    ),
)
cases(
    "torch.as_strided", "torch.Tensor.as_strided", "torch.Tensor.as_strided_",
    strategy=call(tensors(low=1, size=st.integers(4, 6)), st.sampled_from(((2, 2), (1,), (), (3,), (2, -1))), st.sampled_from(((1, 1), (1,), (), (0,)))),
)  # fmt: skip
_images = tensors("f32", "i64", low=2, high=5, size=st.sampled_from((1, 2, 4, 6, 8, 9)))
cases("torch.pixel_shuffle", "torch.nn.functional.pixel_shuffle", strategy=call(_images, st.integers(0, 3)))
cases("torch.pixel_unshuffle", "torch.nn.functional.pixel_unshuffle", strategy=call(_images, st.integers(0, 3)))
cases(
    "torch.channel_shuffle", "torch.native_channel_shuffle", "torch.nn.functional.channel_shuffle",
    "torch.nn.functional.native_channel_shuffle", strategy=call(_images, st.integers(0, 3)), device="cpu",
)  # fmt: skip
