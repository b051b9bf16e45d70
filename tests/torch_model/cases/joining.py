"""Argument strategies for joins, grids, splits."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import call, contents, dim_for, dtypes, flags, shapes, tensors, valued

_VALUED: dict[str, Any] = {"device": "cpu", "data": True}


@st.composite
def joins(draw: Any, *, stack: bool = False, value: bool = False, dim: bool = True) -> Call:
    base = draw(shapes(0, 3))
    count = draw(st.integers(1, 3))
    rank = len(base) + stack
    axis = draw(st.integers(-rank, rank - 1)) if rank and draw(st.integers(0, 9)) else draw(st.integers(-4, 4))
    found = []
    for _ in range(count):
        shape = list(base)
        if not stack and -len(shape) <= axis < len(shape) and shape:
            shape[axis] = draw(st.integers(0, 3))
        if shape and draw(st.integers(0, 19)) == 0:
            shape[draw(st.integers(0, len(shape) - 1))] = 4
        if not stack and draw(st.integers(0, 9)) == 0:
            shape = [0]
        dtype = draw(dtypes())
        found.append(Arg(tuple(shape), dtype, draw(contents(tuple(shape), dtype)) if value else None))
    items = draw(st.sampled_from((tuple, list)))(found)
    if not dim:
        return (items,), {}
    how = draw(st.integers(0, 2))
    return ((items, axis), {}) if how == 0 else ((items,), {"dim": axis}) if how == 1 else ((items,), {})


for _value in (False, True):
    _how = _VALUED if _value else {}
    cases("torch.cat", "torch.concat", "torch.concatenate", strategy=joins(value=_value), **_how)
    cases("torch.stack", strategy=joins(stack=True, value=_value), **_how)
    cases(
        "torch.hstack", "torch.vstack", "torch.row_stack", "torch.dstack", "torch.column_stack",
        strategy=joins(stack=True, value=_value, dim=False), **_how,
    )  # fmt: skip


@st.composite
def sequences(draw: Any) -> Call:
    rest = draw(shapes(0, 2))
    dtype = draw(dtypes())
    found = [Arg((draw(st.integers(0, 4)), *rest), dtype, None) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.integers(0, 9)) == 0:
        found.append(Arg(draw(shapes(0, 3)), dtype, None))
    given: dict[str, Any] = {"batch_first": draw(st.booleans()), "padding_value": draw(st.sampled_from((0.0, 1, True)))}
    return (found, *given.values(), draw(st.sampled_from(("left", "right", "up")))), {}


cases("torch._C._nn.pad_sequence", strategy=sequences())
_vectors = tensors("f32", low=0, high=1)


@st.composite
def grids(draw: Any, value: bool = False) -> Call:
    count = draw(st.integers(1, 3))
    one = valued("f32", "i64", low=0, high=1) if value else _vectors
    odd = valued("f32", high=2) if value else tensors("f32", high=2)
    given = [draw(one if draw(st.integers(0, 19)) else odd) for _ in range(count)]
    options = draw(st.sampled_from(({}, {"indexing": "ij"}, {"indexing": "xy"})))
    return ((given,) if draw(flags) else tuple(given)), options


cases("torch.meshgrid", "torch.functional.meshgrid", strategy=grids())
cases("torch.meshgrid", "torch.functional.meshgrid", strategy=grids(True), **_VALUED)


@st.composite
def products(draw: Any, high: int = 1) -> Call:
    return tuple(draw(tensors(low=1 if high == 1 else 0, high=high)) for _ in range(draw(st.integers(1, 3)))), {}


cases("torch.cartesian_prod", "torch.functional.cartesian_prod", strategy=products())
cases("torch.block_diag", "torch.functional.block_diag", strategy=products(2))
cases("torch.combinations", strategy=call(valued(low=1, high=1), st.integers(0, 3), flags), device="cpu")
cases("torch.kron", "torch.Tensor.kron", strategy=call(tensors(high=3), tensors(high=3)))


@st.composite
def splits(draw: Any, *, only_list: bool = False, value: bool = False) -> Call:
    arg = draw(valued(low=1) if value else tensors(low=draw(st.sampled_from((0, 1, 1, 1)))))
    axis = draw(dim_for(arg))
    size = arg.shape[axis] if -len(arg.shape) <= axis < len(arg.shape) else 2
    if only_list or draw(flags):
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=2)))
        lengths = [b - a for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
        if draw(st.integers(0, 9)) == 0:
            lengths[0] += draw(st.integers(-2, 2))
        return (arg, draw(st.sampled_from((tuple, list)))(lengths), axis), {}
    return (arg, draw(st.integers(0, 4)), axis), {}


@st.composite
def chunks(draw: Any, value: bool = False) -> Call:
    arg = draw(valued(low=1) if value else tensors())
    count = draw(st.integers(0, 4))
    return ((arg, count), {"dim": draw(dim_for(arg))}) if draw(flags) else ((arg, count), {})


@st.composite
def sections(draw: Any, value: bool = False, dim: bool = True) -> Call:
    arg = draw(valued(low=1) if value else tensors())
    how = st.one_of(st.integers(0, 4), st.lists(st.integers(-4, 5), max_size=3).map(tuple))
    return ((arg, draw(how), draw(dim_for(arg))) if dim else (arg, draw(how))), {}


for _value in (False, True):
    _how = _VALUED if _value else {}
    cases("torch.split", "torch.functional.split", "torch.Tensor.split", strategy=splits(value=_value), **_how)
    cases(
        "torch.split_with_sizes", "torch.Tensor.split_with_sizes", strategy=splits(only_list=True, value=_value), **_how
    )
    cases("torch.chunk", "torch.Tensor.chunk", strategy=chunks(_value), **_how)
    cases("torch.tensor_split", "torch.Tensor.tensor_split", strategy=sections(_value), **_how)
    cases(
        "torch.hsplit", "torch.vsplit", "torch.dsplit", "torch.Tensor.hsplit", "torch.Tensor.vsplit", "torch.Tensor.dsplit",
        strategy=sections(_value, dim=False), **_how,
    )  # fmt: skip
    cases(
        "torch.unbind", "torch.Tensor.unbind",
        strategy=(valued(low=1) if _value else tensors()).flatmap(lambda a: call(a, dim_for(a))), **_how,
    )  # fmt: skip
