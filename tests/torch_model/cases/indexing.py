"""Argument strategies for gather, scatter, index_*, masked_*, take, searchsorted."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import broadcast_shapes, contents, dim_for, dtypes, flags, shapes, tensors, valued

_VALUED: dict[str, Any] = {"device": "cpu", "data": True}
_CPU: dict[str, Any] = {"device": "cpu"}


@st.composite
def index_like(draw: Any, arg: Arg, axis: int) -> Arg:
    """An index for gather and scatter along `axis` of `arg`, mostly in bounds."""
    rank = len(arg.shape)
    sizes = [draw(st.integers(0 if draw(st.integers(0, 5)) == 0 else min(size, 1), size)) for size in arg.shape]
    bound = 1
    if -rank <= axis < rank:
        sizes[axis] = draw(st.integers(0, 3))
        bound = arg.shape[axis]
    if sizes and draw(st.integers(0, 9)) == 0:
        sizes[draw(st.integers(0, rank - 1))] += 1
    if draw(st.integers(0, 15)) == 0:
        sizes.append(1)
    shape = tuple(sizes)
    values = draw(contents(shape, "i64", elements=st.integers(0, max(bound - 1, 0))))
    return Arg(shape, draw(st.sampled_from(("i64", "i64", "i64", "i32", "f32") if rank else ("i64",))), values)


@st.composite
def gathers(draw: Any) -> Call:
    arg = draw(valued())
    axis = draw(dim_for(arg))
    return (arg, axis, draw(index_like(arg, axis))), {}


cases("torch.gather", "torch.Tensor.gather", strategy=gathers(), **_VALUED)


@st.composite
def scatters(draw: Any, kind: str = "") -> Call:
    arg = draw(tensors("f32", "i64"))
    axis = draw(dim_for(arg))
    index = draw(index_like(arg, axis))
    if index.dtype == "i32":
        index = Arg(index.shape, "i64", index.values)
    shape = list(index.shape)
    if shape and draw(st.integers(0, 3)) == 0:
        shape[draw(st.integers(0, len(shape) - 1))] += draw(st.sampled_from((1, 1, -1)))
    dtype = arg.dtype if draw(st.integers(0, 9)) else draw(dtypes())
    src: Any = Arg(tuple(max(size, 0) for size in shape), dtype)
    options: dict[str, Any] = {}
    if kind == "reduce":
        return (
            arg,
            axis,
            index,
            src,
            draw(st.sampled_from(("sum", "prod", "mean", "amax", "amin", "sum"))),
        ), {}
    if not kind:
        if draw(flags):
            src = draw(st.sampled_from((1, 0.5)))
            if draw(flags):
                return (arg, axis, index), {"value": src}
        if draw(st.integers(0, 3)) == 0:
            options["reduce"] = draw(st.sampled_from(("add", "multiply", "mean")))
    return (arg, axis, index, src), options


cases("torch.scatter", "torch.Tensor.scatter", "torch.Tensor.scatter_", strategy=scatters(), **_CPU)
cases("torch.scatter_add", "torch.Tensor.scatter_add", "torch.Tensor.scatter_add_", strategy=scatters("add"), **_CPU)
cases(
    "torch.scatter_reduce",
    "torch.Tensor.scatter_reduce",
    "torch.Tensor.scatter_reduce_",
    strategy=scatters("reduce"),
    **_CPU,
)


@st.composite
def vectors(draw: Any, size: int, count: int | None = None) -> Arg:
    """A vector (or scalar) of positions along an axis of `size`."""
    shape: tuple[int, ...] = (draw(st.integers(0, 3)),) if count is None else (count,)
    if draw(st.integers(0, 9)) == 0:
        shape = draw(st.sampled_from(((), (1, 2))))
    values = draw(contents(shape, "i64", elements=st.integers(0, max(size - 1, 0))))
    return Arg(shape, draw(st.sampled_from(("i64", "i64", "i32"))), values)


def _size(arg: Arg, axis: int) -> int:
    return arg.shape[axis] if -len(arg.shape) <= axis < len(arg.shape) else 1


@st.composite
def index_selects(draw: Any) -> Call:
    arg = draw(valued())
    axis = draw(dim_for(arg))
    if _size(arg, axis) == 0:
        return (arg, axis, Arg((0,), "i64", ())), {}
    return (arg, axis, draw(vectors(_size(arg, axis)))), {}


cases("torch.index_select", "torch.Tensor.index_select", strategy=index_selects(), **_VALUED)


@st.composite
def index_adds(draw: Any, kind: str) -> Call:
    arg = draw(tensors("f32", "i64", size=st.integers(1, 3)))
    axis = draw(dim_for(arg))
    index = draw(vectors(_size(arg, axis)))
    if kind != "add":
        index = Arg(index.shape, "i64", index.values)
    if kind == "fill":
        return (arg, axis, index, draw(st.sampled_from((1, 0.5, Arg((), arg.dtype), Arg((1,), arg.dtype))))), {}
    shape = list(arg.shape)
    if -len(shape) <= axis < len(shape) and shape:
        shape[axis] = math.prod(index.shape)
    if shape and draw(st.integers(0, 5)) == 0:
        shape[draw(st.integers(0, len(shape) - 1))] += 1
    dtype = arg.dtype if draw(st.integers(0, 9)) else draw(dtypes())
    source = Arg(tuple(shape), dtype)
    if kind == "reduce":
        return (arg, axis, index, source, draw(st.sampled_from(("prod", "mean", "amax", "amin", "sum")))), {}
    return (arg, axis, index, source), {}


for _kind in ("add", "copy", "reduce", "fill"):
    cases(
        f"torch.index_{_kind}", f"torch.Tensor.index_{_kind}", f"torch.Tensor.index_{_kind}_",
        strategy=index_adds(_kind), **_CPU,
    )  # fmt: skip


@st.composite
def index_puts(draw: Any) -> Call:
    arg = draw(tensors("f32", low=1, size=st.integers(1, 3)))
    shape = draw(st.sampled_from(((2,), (1,), (), (2, 1))))
    indices: list[Any] = []
    for size in arg.shape[: draw(st.integers(1, len(arg.shape)))]:
        values = draw(contents(shape, "i64", elements=st.integers(-size, size - 1)))
        indices.append(Arg(shape, "i64", values))
    if draw(st.integers(0, 4)) == 0:
        indices = [Arg(arg.shape, "b8", draw(contents(arg.shape, "b8")))]
        shape = ()
    rest = arg.shape[len(indices) :]
    full = (*shape, *rest)
    target = full[draw(st.integers(0, len(full))) :] if draw(st.integers(0, 5)) else draw(shapes(0, 2))
    return (arg, tuple(indices), Arg(target, "f32"), *([True] if draw(flags) else [])), {}


cases("torch.index_put", "torch.Tensor.index_put", "torch.Tensor.index_put_", strategy=index_puts(), **_CPU)


@st.composite
def masked(draw: Any, kind: str, value: bool = False) -> Call:
    one, two = draw(broadcast_shapes())
    dtype = draw(dtypes("f32", "i64", "b8", "f16"))
    arg = Arg(one, dtype, draw(contents(one, dtype)) if value else None)
    mask = Arg(two, "b8" if draw(st.integers(0, 9)) else draw(dtypes()), draw(contents(two, "b8")) if value else None)
    if mask.dtype != "b8":
        mask = Arg(two, mask.dtype)
    if kind == "select":
        return (arg, mask), {}
    if kind == "scatter":
        count = math.prod(draw(st.sampled_from((one, two)))) + 700
        return (arg, mask, Arg((count,), dtype if draw(st.integers(0, 9)) else draw(dtypes()))), {}
    fill = draw(st.sampled_from((1, 0, True, -2)))
    if draw(st.integers(0, 3)) == 0:
        shape = () if draw(st.integers(0, 5)) else (1,)
        return (arg, mask, Arg(shape, dtype, (fill,))), {}
    return (arg, mask, fill), {}


_names = ("torch.masked_fill", "torch.Tensor.masked_fill", "torch.Tensor.masked_fill_")
cases(*_names, strategy=masked("fill"), **_CPU)
cases(
    "torch.masked_scatter",
    "torch.Tensor.masked_scatter",
    "torch.Tensor.masked_scatter_",
    strategy=masked("scatter"),
    **_CPU,
)


@st.composite
def well_masked(draw: Any, kind: str) -> Call:
    (arg, mask, *rest), _ = draw(masked(kind, True))
    if mask.dtype != "b8":
        mask = Arg(mask.shape, "b8", draw(contents(mask.shape, "b8")))
    return (arg, mask, *rest), {}


cases(*_names, strategy=well_masked("fill"), **_VALUED)
cases("torch.masked_select", "torch.Tensor.masked_select", strategy=well_masked("select"), **_VALUED)


@st.composite
def takes(draw: Any) -> Call:
    arg = draw(valued(size=st.integers(1, 3)))
    shape = draw(shapes(0, 3))
    count = math.prod(arg.shape)
    low = -count - (draw(st.integers(0, 9)) == 0)
    return (arg, Arg(shape, "i64", draw(contents(shape, "i64", elements=st.integers(low, count - 1))))), {}


cases("torch.take", "torch.Tensor.take", strategy=takes(), **_VALUED)


@st.composite
def puts(draw: Any) -> Call:
    (arg, index), _ = draw(takes())
    shape = draw(st.sampled_from((index.shape, (math.prod(index.shape),), (2,))))
    return (Arg(arg.shape, arg.dtype), index, Arg(shape, arg.dtype if draw(st.integers(0, 9)) else "i32")), {}


cases("torch.put", "torch.Tensor.put", "torch.Tensor.put_", strategy=puts(), **_CPU)


@st.composite
def takes_along(draw: Any) -> Call:
    one, two = draw(broadcast_shapes(high=3))
    arg, index = Arg(one), Arg(two, "i64" if draw(st.integers(0, 9)) else "i32", (0,) * math.prod(two))
    axis = draw(dim_for(arg))
    return ((arg, index, axis) if draw(st.integers(0, 4)) else (arg, index)), {}


cases("torch.take_along_dim", "torch.Tensor.take_along_dim", strategy=takes_along())


@st.composite
def diagonal_scatters(draw: Any) -> Call:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    offset = draw(st.integers(-2, 2))
    count = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    lead = draw(shapes(0, 1))
    extra = draw(st.sampled_from((0, 0, 0, 1)))
    return (Arg((rows, columns, *lead)), Arg((*lead, count + extra)), offset), {}


cases("torch.diagonal_scatter", "torch.Tensor.diagonal_scatter", strategy=diagonal_scatters(), device="cpu")


@st.composite
def buckets(draw: Any) -> Call:
    values: Any = draw(tensors("f32", "i64")) if draw(st.integers(0, 4)) else 2.5
    dtype = values.dtype if isinstance(values, Arg) and draw(st.integers(0, 9)) else draw(dtypes("f32", "i64"))
    edges = Arg(draw(shapes(1, 1) if draw(st.integers(0, 9)) else shapes(0, 2)), dtype)
    return (values, edges), draw(st.sampled_from(({}, {"out_int32": True}, {"right": True})))


@st.composite
def searches(draw: Any) -> Call:
    lead = draw(shapes(0, 2))
    edges = Arg((*lead, draw(st.integers(1, 4))), draw(dtypes("f32", "i64")))
    shape = (*lead, draw(st.integers(0, 3))) if draw(st.integers(0, 5)) else draw(shapes())
    values: Any = Arg(shape, edges.dtype if draw(st.integers(0, 9)) else "f64")
    if draw(st.integers(0, 7)) == 0:
        values = 1.5
    return (edges, values), draw(
        st.sampled_from(
            (
                {},
                {"out_int32": True},
                {"right": True},
                {"side": "right"},
                {"side": "left", "right": True},
                {"side": "up"},
            )
        )
    )


cases("torch.bucketize", strategy=buckets(), device="cpu")
cases("torch.searchsorted", strategy=searches(), device="cpu")
