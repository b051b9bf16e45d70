"""Order and selection by value: ``sort``, ``topk``, ``median``, ``unique``, ``nonzero``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Unknown, dims
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.constants import convert, lanes, made, unlanes
from ane_lsp.torch_model.promotion import is_complex, is_floating
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.results import ValuesIndices
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_size,
    check_tensor,
    fail,
    normalize_dim,
    reduced,
    shape_of,
    static,
    tensor_or_unknown,
)


def ascending_key(value: Any) -> tuple[bool, Any]:
    """Sort key: nan comes last, as the largest."""
    return (value != value, 0 if value != value else value)


def order(row: Sequence[Any], descending: bool) -> list[int]:
    """Positions of a row in sorted order; equal elements keep theirs."""
    key = _negated if descending else ascending_key
    return sorted(range(len(row)), key=lambda i: key(row[i]))


def _negated(value: Any) -> tuple[bool, Any]:
    return (value == value, 0 if value != value else -value)


def reordered(x: TensorType, axis: int, descending: bool) -> ValuesIndices:
    """`x` sorted along an axis, and the positions."""
    rows, sizes = lanes(x, (axis,) if x.shape else ()), static(x.shape)
    if rows is None or sizes is None:
        return ValuesIndices(TensorType(x.shape, x.dtype), TensorType(x.shape, "i64"))
    places = [order(row, descending) for row in rows]
    values = [[row[i] for i in place] for row, place in zip(rows, places, strict=True)]
    return ValuesIndices(
        TensorType(x.shape, x.dtype, unlanes(values, sizes, axis)),
        TensorType(x.shape, "i64", unlanes(places, sizes, axis)),
    )


def _no_complex(x: TensorType, name: str) -> None:
    if x.dtype is not None and is_complex(x.dtype):
        fail(f"{name} is not implemented for complex tensors")


def _sorted(input: Any, dim: Any, descending: Any, name: str) -> ValuesIndices:
    x = tensor_or_unknown(input)
    _no_complex(x, name)
    if x.shape is None or isinstance(dim, Unknown) or isinstance(descending, Unknown):
        return ValuesIndices(TensorType(x.shape, x.dtype), TensorType(x.shape, "i64"))
    axis = normalize_dim(dim, len(x.shape))
    return reordered(x, axis, bool(descending))


def _sort_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = params["input"]
    attrs = {"axis": params.get("dim", -1), "ascending": not params.get("descending", False)}
    indices = builder.emit("argsort", {"x": x}, attrs, out[1])
    values = builder.emit("gather_along_axis", {"x": x, "indices": indices}, {"axis": attrs["axis"]}, out[0])
    return lower.like(out, (values, indices))


@op("torch.sort", "torch.Tensor.sort", mil=_sort_ops)
def sort(
    input: TensorType, dim: int = -1, descending: bool = False, stable: bool = False, *, out: object = None
) -> ValuesIndices:
    """Sorted values and their positions."""
    return _sorted(input, dim, descending, "sort")


def _argsort_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    attrs = {"axis": params["dim"], "ascending": not params["descending"]}
    return builder.emit("argsort", {"x": params["input"]}, attrs, out)


@op("torch.argsort", "torch.Tensor.argsort", mil=_argsort_ops)
def argsort(input: TensorType, dim: int = -1, descending: bool = False, stable: bool = False) -> TensorType:
    """The positions that sort."""
    found = _sorted(input, dim, descending, "argsort").indices
    return found if isinstance(found, TensorType) else check_tensor(found)


@op("torch.msort", "torch.Tensor.msort")
def msort(input: TensorType, *, out: object = None) -> TensorType:
    """Sorted along the first dim."""
    found = _sorted(input, 0, False, "msort").values
    return found if isinstance(found, TensorType) else check_tensor(found)


def _topk_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    attrs: dict[str, Any] = {"k": params["k"], "axis": params["dim"], "ascending": not params["largest"]}
    if builder.at_least("iOS16"):
        attrs["sort"] = params["sorted"]
    inputs = {"x": params["input"]}
    if hasattr(attrs["k"], "type"):
        inputs["k"] = attrs.pop("k")
    return lower.emit(builder, "topk", inputs, out, attrs)


@op("torch.topk", "torch.Tensor.topk", mil=_topk_ops)
def topk(
    input: TensorType, k: Any, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: object = None
) -> ValuesIndices:
    """The `k` largest (or smallest) elements and their positions."""
    x = tensor_or_unknown(input)
    _no_complex(x, "topk")
    if x.dtype == "b8":
        fail("topk does not support bool dtypes on CPU")
    count = as_size(k, "k")
    if x.shape is None or isinstance(dim, Unknown):
        return ValuesIndices(TensorType(None, x.dtype), TensorType(None, "i64"))
    axis = normalize_dim(dim, len(x.shape))
    extent: DimLike = x.shape[axis] if x.shape else 1
    if dims.less(extent, count) or (isinstance(count, int) and count < 0):
        fail("selected index k out of range")
    if not x.shape:
        return ValuesIndices(x, made((), "i64", (0,)))
    shape = tuple(count if i == axis else size for i, size in enumerate(x.shape))
    sizes = static(shape)
    rows = lanes(x, (axis,) if x.shape else ())
    if rows is None or sizes is None or not isinstance(count, int) or not isinstance(largest, bool):
        return ValuesIndices(TensorType(shape, x.dtype), TensorType(shape, "i64"))
    places = [order(row, largest)[:count] for row in rows]
    if any(len(set(map(ascending_key, row))) != len(row) for row in rows):
        # torch gives equal elements in no particular order.
        indices = TensorType(shape, "i64")
    else:
        indices = TensorType(shape, "i64", unlanes(places, sizes, axis))
    values = [[row[i] for i in place] for row, place in zip(rows, places, strict=True)]
    return ValuesIndices(TensorType(shape, x.dtype, unlanes(values, sizes, axis)), indices)


# One element of each lane.
def _picked(
    x: TensorType, dim: Any, keepdim: Any, pick: Callable[[Sequence[Any]], int], name: str, exact: bool
) -> ValuesIndices:
    """Values and positions `pick` chooses; positions are given only where they are `exact`."""
    _no_complex(x, name)
    if x.shape is None or isinstance(dim, Unknown) or isinstance(keepdim, Unknown):
        return ValuesIndices(TensorType(None, x.dtype), TensorType(None, "i64"))
    axis = normalize_dim(dim, len(x.shape))
    if x.shape and x.shape[axis] == 0:
        fail(f"{name}(): Expected reduction dim {axis} to have non-zero size.", IndexError)
    shape = reduced(x.shape, (axis,), bool(keepdim))
    rows = lanes(x, (axis,) if x.shape else ())
    if rows is None:
        return ValuesIndices(TensorType(shape, x.dtype), TensorType(shape, "i64"))
    places = [pick(row) for row in rows]
    values = made(shape, x.dtype, [row[i] for row, i in zip(rows, places, strict=True)])
    return ValuesIndices(values, made(shape, "i64", places if exact else None))


def _median_place(row: Sequence[Any]) -> int:
    places = order(row, descending=False)
    missing = [i for i in range(len(row)) if row[i] != row[i]]
    return missing[0] if missing else places[(len(row) - 1) // 2]


def _nanmedian_place(row: Sequence[Any]) -> int:
    places = [i for i in order(row, descending=False) if row[i] == row[i]]
    return places[(len(places) - 1) // 2] if places else 0


def _median(name: str, pick: Callable[[Sequence[Any]], int]) -> None:
    def rule(input: TensorType, dim: Any = None, keepdim: Any = False, *, out: object = None) -> Any:
        x = tensor_or_unknown(input)
        if dim is not None:
            return _picked(x, dim, keepdim, pick, name, exact=False)
        _no_complex(x, name)
        if x.data is None or x.shape is None:
            return TensorType((), x.dtype)
        if not x.data:
            return made(
                (),
                x.dtype,
                (math.nan,)
                if x.dtype and is_floating(x.dtype)
                else (-(2**63) if x.dtype == "i64" else -(2**31),)
                if x.dtype in ("i64", "i32")
                else None,
            )
        return made((), x.dtype, (x.data[pick(x.data)],))

    op(f"torch.{name}", f"torch.Tensor.{name}")(rule)


_median("median", _median_place)
_median("nanmedian", _nanmedian_place)


def _mode_place(row: Sequence[Any]) -> int:
    best = max(sorted(set(row)), key=lambda v: (row.count(v), -v))
    return len(row) - 1 - list(reversed(row)).index(best)


@op("torch.mode", "torch.Tensor.mode")
def mode(input: TensorType, dim: int = -1, keepdim: bool = False, *, out: object = None) -> ValuesIndices:
    """The most frequent element (the smallest of several) and a position of it."""
    return _picked(tensor_or_unknown(input), dim, keepdim, _mode_place, "mode", exact=False)


@op("torch.kthvalue", "torch.Tensor.kthvalue")
def kthvalue(input: TensorType, k: Any, dim: int = -1, keepdim: bool = False, *, out: object = None) -> ValuesIndices:
    """The k-th smallest element and its position."""
    x = tensor_or_unknown(input)
    count = as_size(k, "k")
    if x.shape is not None and not isinstance(dim, Unknown):
        axis = normalize_dim(dim, len(x.shape))
        extent: DimLike = x.shape[axis] if x.shape else 1
        if dims.less(extent, count) or (isinstance(count, int) and count < 1):
            fail("kthvalue(): selected number k out of range for dimension")
    if not isinstance(count, int):
        x = TensorType(x.shape, x.dtype)
    return _picked(x, dim, keepdim, lambda row: order(row, descending=False)[int(count) - 1], "kthvalue", exact=False)  # type: ignore[arg-type]


# Results whose size depends on values.
def _true_places(x: TensorType) -> list[tuple[int, ...]] | None:
    sizes = static(x.shape)
    if x.data is None or sizes is None:
        return None
    return [index for index, value in zip(product(*map(range, sizes)), x.data, strict=True) if value]


def nonzero_tuple(input: Any) -> Any:
    """One index vector for each dim."""
    x = check_tensor(input, "condition")
    shape = shape_of(x) or (1,)
    places = _true_places(TensorType(shape, x.dtype, x.data))
    count: DimLike = dims.fresh() if places is None else len(places)
    if places is None and any(size == 0 for size in shape):
        count = 0
    return tuple(
        made((count,), "i64", None if places is None else [place[axis] for place in places])
        for axis in range(len(shape))
    )


def nonzero_ops(builder: Lowering, x: Any, out: Any) -> Any:
    """``non_zero`` and a slice for each index vector."""
    count = out[0].shape[0] if out and out[0].shape else dims.fresh()
    found = builder.emit("non_zero", {"x": x}, {}, TensorType((count, len(out)), "i64"))
    return tuple(
        builder.emit(
            "slice_by_index",
            {"x": found},
            {"begin": (0, i), "end": (-1, -1), "end_mask": (True, False), "squeeze_mask": (False, True)},
            each,
        )
        for i, each in enumerate(out)
    )


def _nonzero_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    if isinstance(out, TensorType):
        return builder.emit("non_zero", {"x": params["input"]}, {}, out)
    return nonzero_ops(builder, params["input"], out)


def _nonzero(x: TensorType) -> TensorType:
    shape = shape_of(x)
    places = _true_places(x)
    if places is None:
        count: DimLike = 0 if any(size == 0 for size in shape) else dims.fresh()
        return TensorType((count, len(shape)), "i64")
    return made((len(places), len(shape)), "i64", [i for place in places for i in place])


@op("torch.nonzero", "torch.Tensor.nonzero", mil=_nonzero_ops, tags=("data-dependent",))
def nonzero(input: TensorType, *, as_tuple: bool = False, out: object = None) -> Any:
    """Indices of the elements that are not zero: a matrix, or with `as_tuple` one vector for each dim."""
    if isinstance(as_tuple, Unknown):
        raise Undetermined("as_tuple")
    x = tensor_or_unknown(input)
    if x.shape is None and not as_tuple:
        return TensorType((dims.fresh(), dims.fresh()), "i64")
    return nonzero_tuple(x) if as_tuple else _nonzero(x)


@op("torch.argwhere", "torch.Tensor.argwhere", mil=lower.simple("non_zero", x="input"), tags=("data-dependent",))
def argwhere(input: TensorType) -> TensorType:
    """``nonzero`` as a matrix."""
    x = tensor_or_unknown(input)
    return TensorType((dims.fresh(), dims.fresh()), "i64") if x.shape is None else _nonzero(x)


def _several(first: TensorType, *rest: TensorType | None) -> Any:
    """A tensor alone, or a tuple where more are asked for."""
    found = tuple(each for each in rest if each is not None)
    return (first, *found) if found else first


def _flags(*values: Any) -> None:
    if any(isinstance(value, Unknown) for value in values):
        raise Undetermined("a flag that decides how many tensors are returned")


def _distinct(x: TensorType, dim: Any, inverse: bool, counts: bool, consecutive: bool, ordered: bool) -> Any:
    _no_complex(x, "unique")
    _flags(inverse, counts, dim)
    if dim is None:
        return _distinct_elements(x, inverse, counts, consecutive, ordered)
    shape = shape_of(x)
    axis = normalize_dim(dim, len(shape))
    if shape and shape[axis] == 0 and any(size == 0 for i, size in enumerate(shape) if i != axis):
        fail("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    if shape and shape[axis] != 0 and any(size == 0 for i, size in enumerate(shape) if i != axis):
        fail("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    extent: DimLike = shape[axis] if shape else 1
    count: DimLike = extent if extent in (0, 1) else dims.fresh()
    values = tuple(count if i == axis else size for i, size in enumerate(shape))
    return _several(
        TensorType(values, x.dtype),
        TensorType((extent,), "i64") if inverse else None,
        TensorType((count,), "i64") if counts else None,
    )


def _distinct_elements(x: TensorType, inverse: bool, counts: bool, consecutive: bool, ordered: bool) -> Any:
    if x.data is None:
        empty = x.shape is not None and any(size == 0 for size in x.shape)
        count: DimLike = 0 if empty else dims.fresh()
        return _several(
            TensorType((count,), x.dtype),
            TensorType(x.shape, "i64") if inverse else None,
            TensorType((count,), "i64") if counts else None,
        )
    found: list[Any] = []
    if consecutive:
        for value in x.data:
            if not found or found[-1] != value:
                found.append(value)
    else:
        found = sorted((v for v in set(x.data) if v == v), key=ascending_key) + [v for v in x.data if v != v]
    places: list[int] = []
    current = -1
    for index, value in enumerate(x.data):
        if consecutive:
            current += index == 0 or value != x.data[index - 1]
        else:
            current = found.index(value) if value == value else 0
        places.append(current)
    tally = [places.count(i) for i in range(len(found))]
    known = consecutive or bool(ordered)
    return _several(
        TensorType((len(found),), x.dtype, convert(found, x.dtype) if known else None),
        made(x.shape, "i64", places if known else None) if inverse else None,
        made((len(found),), "i64", tally if known else None) if counts else None,
    )


@op(
    "torch.unique", "torch.functional.unique", "torch.Tensor.unique", mil=None, tags=("data-dependent",)
)  # fmt: skip
def unique(
    input: TensorType, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """The distinct elements, where asked with the inverse and the counts."""
    x = check_tensor(input)
    ordered = sorted if isinstance(sorted, bool) else False
    return _distinct(x, dim, return_inverse, return_counts, consecutive=False, ordered=ordered)


@op(
    "torch.unique_consecutive", "torch.functional.unique_consecutive", "torch.Tensor.unique_consecutive",
    tags=("data-dependent",),
)  # fmt: skip
def unique_consecutive(
    input: TensorType, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """The elements without repetitions in a row."""
    return _distinct(check_tensor(input), dim, return_inverse, return_counts, consecutive=True, ordered=True)
