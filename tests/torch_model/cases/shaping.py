"""Argument strategies for views and rearrangements."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, Dtype, cases
from tests.torch_model.strategies import call, dim_for, dims_for, dtypes, flags, shapes, tensors, valued

SMALL = st.integers(-2, 4)


@st.composite
def regrouped(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes with the element count of `shape` most of the time, one of them perhaps -1."""
    factors = [f for size in shape for f in ([2, 2] if size == 4 else [size])]
    factors = draw(st.permutations(factors))
    sizes: list[int] = []
    for factor in factors:
        if sizes and draw(st.booleans()):
            sizes[-1] *= factor
        else:
            sizes.append(factor)
    if not sizes:
        sizes = draw(st.sampled_from(([], [1], [1, 1])))
    if sizes and draw(st.integers(0, 2)) == 0:
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    if sizes and draw(st.integers(0, 7)) == 0:
        sizes[draw(st.integers(0, len(sizes) - 1))] = draw(SMALL)
    return tuple(sizes)


@st.composite
def reshapes(draw: Any, spread: bool, value: bool = False) -> Call:
    arg = draw(valued(high=3) if value else tensors())
    sizes = draw(regrouped(arg.shape))
    if spread and sizes and draw(flags):
        return (arg, *sizes), {}
    return (arg, draw(st.sampled_from((tuple, list)))(sizes)), {}


for _value in (False, True):
    _how: dict[str, Any] = {"device": "cpu", "data": True} if _value else {}
    cases("torch.Tensor.view", "torch.Tensor.reshape", strategy=reshapes(True, _value), **_how)
    cases("torch.reshape", strategy=reshapes(False, _value), **_how)

cases("torch.reshape", strategy=call(tensors(), 2, 3))
cases(
    "torch.Tensor.view",
    strategy=call(tensors(size=st.sampled_from((1, 2, 4, 8))), dtypes("f32", "f16", "i64", "u8", "f64").map(Dtype)),
)


@st.composite
def likes(draw: Any) -> Call:
    arg = draw(tensors())
    sizes = tuple(draw(st.permutations(arg.shape)))
    if draw(st.integers(0, 5)) == 0:
        sizes = draw(shapes())
    return (arg, Arg(sizes, draw(dtypes()))), {}


cases("torch.Tensor.view_as", "torch.Tensor.reshape_as", strategy=likes())


@st.composite
def with_dims(draw: Any, *names: str, count: int = 1, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    given = [draw(dim_for(arg)) for _ in range(count)]
    if names and draw(flags):
        return (arg,), dict(zip(names, given, strict=True))
    return (arg, *given), {}


@st.composite
def flattens(draw: Any, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    kept = draw(st.integers(0, 2))
    given = sorted(
        (draw(st.integers(0, max(len(arg.shape) - 1, 0))) for _ in range(kept)), reverse=draw(st.integers(0, 5)) == 0
    )
    if len(given) == 2 and arg.shape and draw(flags):
        given[1] -= len(arg.shape)
    return (arg, *given), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases("torch.flatten", "torch.Tensor.flatten", strategy=flattens(_value), **_how)
    cases("torch.ravel", "torch.Tensor.ravel", strategy=call(valued() if _value else tensors()), **_how)
    cases(
        "torch.transpose", "torch.Tensor.transpose", "torch.swapdims", "torch.Tensor.swapdims", "torch.Tensor.transpose_",
        "torch.Tensor.swapdims_", strategy=with_dims("dim0", "dim1", count=2, value=_value), **_how,
    )  # fmt: skip
    cases(
        "torch.swapaxes", "torch.Tensor.swapaxes", "torch.Tensor.swapaxes_",
        strategy=with_dims("axis0", "axis1", count=2, value=_value), **_how,
    )  # fmt: skip
    cases(
        "torch.t", "torch.Tensor.t", "torch.Tensor.t_", strategy=call(valued() if _value else tensors(high=3)), **_how
    )
    cases("torch.Tensor.T", strategy=call(valued(low=2, high=2) if _value else tensors(low=2, high=2)), **_how)


@st.composite
def unflattens(draw: Any) -> Call:
    arg = draw(tensors(low=1, size=st.sampled_from((1, 2, 4, 6, 12))))
    axis = draw(dim_for(arg))
    size = arg.shape[axis] if -len(arg.shape) <= axis < len(arg.shape) else 4
    left = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
    sizes = draw(
        st.sampled_from(((left, size // left), (-1, left), (left, -1), (left, 1, size // left), (left, 5), (size,)))
    )
    return (arg, axis, sizes), {}


cases("torch.unflatten", "torch.Tensor.unflatten", strategy=unflattens())


@st.composite
def squeezes(draw: Any, value: bool = False) -> Call:
    size = st.sampled_from((1, 2, 1, 3))
    arg = draw(valued(size=size, high=3) if value else tensors(size=size))
    how = draw(st.integers(0, 3))
    if how == 0:
        return (arg,), {}
    if how == 1:
        return (arg, draw(dims_for(arg))), {}
    return (arg, draw(dim_for(arg))), {}


@st.composite
def unsqueezes(draw: Any, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    rank = len(arg.shape)
    return (arg, draw(st.integers(-rank - 2, rank + 1))), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases("torch.squeeze", "torch.Tensor.squeeze", "torch.Tensor.squeeze_", strategy=squeezes(_value), **_how)
    cases("torch.unsqueeze", "torch.Tensor.unsqueeze", "torch.Tensor.unsqueeze_", strategy=unsqueezes(_value), **_how)


@st.composite
def permutes(draw: Any, spread: bool, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    rank = len(arg.shape)
    order = draw(st.permutations(range(rank)))
    order = [d - rank if draw(st.integers(0, 3)) == 0 else d for d in order]
    if draw(st.integers(0, 7)) == 0:
        order = draw(st.lists(st.integers(-4, 4), max_size=4))
    if spread and order and draw(flags):
        return (arg, *order), {}
    if draw(st.integers(0, 3)) == 0:
        return (arg,), {"dims": tuple(order)}
    return (arg, tuple(order)), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases("torch.permute", strategy=permutes(False, _value), **_how)
    cases("torch.Tensor.permute", strategy=permutes(True, _value), **_how)

cases(
    "torch.adjoint", "torch.Tensor.adjoint", "torch.Tensor.mT", "torch.Tensor.mH",
    strategy=call(tensors("f32")),
)  # fmt: skip
cases("torch.Tensor.H", strategy=call(tensors("f32", high=3)))


@st.composite
def moves(draw: Any, value: bool = False) -> Call:
    arg = draw(valued() if value else tensors())
    if draw(flags):
        return (arg, draw(dim_for(arg)), draw(dim_for(arg))), {}
    rank = max(len(arg.shape), 1)
    count = draw(st.integers(0, rank))
    pick = st.permutations(range(rank)).map(lambda p: tuple(p[:count]))
    return (arg, draw(pick), draw(pick if draw(st.integers(0, 5)) else dims_for(arg))), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases(
        "torch.movedim",
        "torch.Tensor.movedim",
        "torch.moveaxis",
        "torch.Tensor.moveaxis",
        strategy=moves(_value),
        **_how,
    )


@st.composite
def expands(draw: Any, spread: bool, value: bool = False) -> Call:
    arg = draw(valued(high=2) if value else tensors(high=3))
    sizes = [draw(st.sampled_from((size, size, -1, 3 if size == 1 else size))) for size in arg.shape]
    sizes = draw(st.lists(st.integers(0, 3), max_size=2)) + sizes
    if sizes and draw(st.integers(0, 7)) == 0:
        sizes[draw(st.integers(0, len(sizes) - 1))] = draw(SMALL if math.prod(sizes) else st.integers(2, 4))
    if spread and sizes and draw(flags):
        return (arg, *sizes), {}
    return (arg, tuple(sizes)), {}


@st.composite
def expand_likes(draw: Any) -> Call:
    ((arg, sizes), _) = draw(expands(False))
    return (arg, Arg(tuple(abs(size) for size in sizes), draw(dtypes()))), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases("torch.Tensor.expand", strategy=expands(True, _value), **_how)
    cases("torch.broadcast_to", strategy=expands(False, _value), **_how)
    cases("torch.Tensor.broadcast_to", strategy=expands(True, _value), **_how)
cases("torch.Tensor.expand_as", strategy=expand_likes())


@st.composite
def broadcasts(draw: Any, value: bool = False) -> Call:
    from tests.torch_model.strategies import broadcasting

    given = draw(broadcasting(draw(st.integers(1, 3)), valued=value, high=3))
    return tuple(given), {}


cases("torch.broadcast_tensors", "torch.functional.broadcast_tensors", strategy=broadcasts())


@st.composite
def repeats(draw: Any, spread: bool, value: bool = False) -> Call:
    arg = draw(valued(high=2) if value else tensors(high=3))
    count = len(arg.shape) + draw(st.sampled_from((0, 0, 1, -1)))
    given = draw(
        st.lists(
            st.sampled_from((1, 2, 3, 0, 1, 2, 1 if 0 in arg.shape else -1)),
            min_size=max(count, 0),
            max_size=max(count, 0),
        )
    )
    if spread and given and draw(flags):
        return (arg, *given), {}
    return (arg, tuple(given)), {}


for _value in (False, True):
    _how = {"device": "cpu", "data": True} if _value else {}
    cases("torch.Tensor.repeat", "torch.Tensor.tile", strategy=repeats(True, _value), **_how)
    cases("torch.tile", strategy=repeats(False, _value), **_how)


@st.composite
def interleaves(draw: Any, value: bool = False) -> Call:
    arg = draw(valued(high=2) if value else tensors(high=3))
    given: dict[str, Any] = {"dim": draw(dim_for(arg))} if draw(flags) else {}
    if draw(flags):
        return (arg, draw(st.sampled_from((0, 1, 2, 3, -1)))), given
    axis = given.get("dim")
    size = math.prod(arg.shape)
    if axis is not None:
        size = arg.shape[axis] if -len(arg.shape) <= axis < len(arg.shape) else 1
    size = draw(st.sampled_from((size, size, 1, size + 1)))
    counts = tuple(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    return (arg, Arg((size,), draw(dtypes("i64", "i32", "f32")), counts)), given


cases("torch.repeat_interleave", "torch.Tensor.repeat_interleave", strategy=interleaves(), device="cpu")
cases(
    "torch.repeat_interleave",
    strategy=call(valued("i64", "i32", low=1, high=1, elements=st.integers(0, 3))),
    device="cpu",
)
cases("torch.clone", "torch.Tensor.clone", "torch.Tensor.contiguous", "torch.detach", "torch.Tensor.detach", strategy=call(valued()), device="cpu", data=True)  # fmt: skip
for _rank in (1, 2, 3):
    cases(f"torch.atleast_{_rank}d", f"torch.functional.atleast_{_rank}d", strategy=call(tensors()))
    cases(f"torch.atleast_{_rank}d", f"torch.functional.atleast_{_rank}d", strategy=call(tensors(), tensors()))
    cases(f"torch.atleast_{_rank}d", strategy=call(st.lists(tensors(), min_size=1, max_size=2)))
cases("torch.Tensor.detach_", strategy=call(tensors()))
