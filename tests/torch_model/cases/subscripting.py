"""Argument strategies for subscripts, select, narrow and their scatters."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import contents, dim_for, flags, shapes, tensors, valued

BOUND = st.one_of(st.none(), st.integers(-6, 6))
SLICE = st.builds(slice, BOUND, BOUND, st.sampled_from((None, None, None, 1, 2, 3)))


@st.composite
def index_tensor(draw: Any, size: int) -> Any:
    """An index tensor or list for an axis of `size`, in range most of the time."""
    low, high = (-size, size - 1) if size else (0, 0)
    items = st.integers(low, high) if draw(st.integers(0, 9)) else st.integers(-7, 7)
    shape = draw(st.sampled_from(((2,), (3,), (1,), (), (2, 1), (1, 3), (2, 3), (0,))))
    values = draw(contents(shape, "i64", elements=items))
    if len(shape) == 1 and draw(st.integers(0, 2)) == 0:
        return list(values)
    return Arg(shape, draw(st.sampled_from(("i64", "i64", "i32"))), values)


@st.composite
def mask_tensor(draw: Any, sizes: tuple[int, ...]) -> Any:
    if draw(st.integers(0, 9)) == 0:
        sizes = draw(shapes(0, 2))
    return Arg(sizes, "b8", draw(contents(sizes, "b8")))


@st.composite
def keys(draw: Any, shape: tuple[int, ...], *, basic: bool = False) -> Any:
    """A subscript for a tensor of `shape`."""
    items: list[Any] = []
    axis = 0
    dots = False
    while axis < len(shape) + (draw(st.integers(0, 12)) == 0):
        size = shape[axis] if axis < len(shape) else 1
        kind = draw(st.integers(0, 4 if basic else 7))
        if kind == 0:
            items.append(
                draw(st.integers(-size, size - 1)) if size and draw(st.integers(0, 9)) else draw(st.integers(-4, 4))
            )
        elif kind in (1, 2):
            items.append(draw(SLICE))
        elif kind == 3:
            items.append(None)
            axis -= 1
        elif kind == 4:
            if dots or not draw(flags):
                break
            dots = True
            items.append(Ellipsis)
            axis = draw(st.integers(axis, len(shape))) - 1
        elif kind == 5:
            items.append(draw(index_tensor(size)))
        elif kind == 6:
            count = draw(st.integers(0, min(2, len(shape) - axis)))
            items.append(draw(mask_tensor(shape[axis : axis + count])))
            axis += count - 1
        elif draw(st.integers(0, 3)) == 0:
            items.append(draw(flags))
            axis -= 1
        axis += 1
        if len(items) > 6:
            break
    if len(items) == 1 and draw(flags):
        return items[0]
    return tuple(items)


@st.composite
def subscripts(draw: Any, *, basic: bool = False) -> Call:
    arg = draw(valued())
    return (arg, draw(keys(arg.shape, basic=basic))), {}


cases("torch.Tensor.__getitem__", strategy=subscripts(), device="cpu", data=True)
cases("torch.Tensor.__getitem__", strategy=subscripts(basic=True))


@st.composite
def selects(draw: Any, value: bool = False) -> Call:
    arg = draw(valued(low=1) if value else tensors())
    axis = draw(dim_for(arg))
    return (arg, axis, draw(st.integers(-4, 4))), {}


@st.composite
def narrows(draw: Any, value: bool = False) -> Call:
    arg = draw(valued(low=1) if value else tensors())
    return (arg, draw(dim_for(arg)), draw(st.integers(-4, 4)), draw(st.integers(-1, 4))), {}


for _value in (False, True):
    _how: dict[str, Any] = {"device": "cpu", "data": True} if _value else {}
    cases("torch.select", "torch.Tensor.select", strategy=selects(_value), **_how)
    cases("torch.narrow", "torch.Tensor.narrow", strategy=narrows(_value), **_how)


@st.composite
def select_scatters(draw: Any) -> Call:
    arg = draw(tensors(low=1))
    axis = draw(dim_for(arg))
    rest = [size for i, size in enumerate(arg.shape) if i != axis % len(arg.shape)]
    if draw(st.integers(0, 7)) == 0:
        rest.append(1)
    return (arg, Arg(tuple(rest), arg.dtype), axis, draw(st.integers(-4, 4))), {}


@st.composite
def slice_scatters(draw: Any) -> Call:
    arg = draw(tensors("f32", low=1))
    axis = draw(dim_for(arg))
    start, stop, step = draw(BOUND), draw(BOUND), draw(st.sampled_from((1, 1, 2)))
    sizes = list(arg.shape)
    if -len(sizes) <= axis < len(sizes):
        sizes[axis] = len(range(*slice(start, stop, step).indices(sizes[axis])))
    if draw(st.integers(0, 7)) == 0:
        sizes.append(1)
    return (arg, Arg(tuple(sizes), arg.dtype), axis, start, stop, step), {}


cases("torch.select_scatter", "torch.Tensor.select_scatter", strategy=select_scatters(), device="cpu")
cases("torch.slice_scatter", "torch.Tensor.slice_scatter", strategy=slice_scatters(), device="cpu")
