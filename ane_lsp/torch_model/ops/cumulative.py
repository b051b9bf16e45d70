"""Running sums, products and extrema, differences, histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Unknown, dims
from ane_lsp.torch_model.constants import convert, lanes, made, unlanes
from ane_lsp.torch_model.lower import cast_value
from ane_lsp.torch_model.promotion import (
    check_dtype,
    float_result,
    is_complex,
    is_floating,
    is_integral,
    result_type,
    sum_result,
)
from ane_lsp.torch_model.registry import Lower, Lowering, TorchError, op
from ane_lsp.torch_model.results import Histogram, ValuesIndices
from ane_lsp.torch_model.shapes import (
    as_size,
    broadcast,
    check_tensor,
    fail,
    has_elements,
    normalize_dim,
    same_shape,
    static,
    tensor_or_unknown,
)

Row = Sequence[Any]


def scanned(x: TensorType, dim: Any, dtype: str | None, function: Callable[[Row], Row] | None) -> TensorType:
    """`x` with each lane along `dim` replaced by `function` of it."""
    if x.shape is None or isinstance(dim, Unknown):
        return TensorType(x.shape, dtype)
    axis = normalize_dim(dim, len(x.shape))
    sizes, rows = static(x.shape), lanes(x, (axis,) if x.shape else ())
    if rows is None or sizes is None or function is None:
        return TensorType(x.shape, dtype)
    try:
        return made(x.shape, dtype, unlanes([function(row) for row in rows], sizes, axis))
    except (ValueError, ArithmeticError):
        return TensorType(x.shape, dtype)


def _input(input: Any, dtype: Any) -> tuple[TensorType, str | None]:
    """The tensor as the dtype it is accumulated in, and the result's dtype."""
    x = tensor_or_unknown(input)
    target = None if isinstance(dtype, Unknown) else check_dtype(dtype) or sum_result(x.dtype)
    return TensorType(x.shape, target, convert(x.data, target)), target


def _cumsum_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = cast_value(builder, params["input"], out.dtype)
    return builder.emit("cumsum", {"x": x}, {"axis": params["dim"]}, out)


@op("torch.cumsum", "torch.Tensor.cumsum", mil=_cumsum_ops)
def cumsum(input: TensorType, dim: Any, *, dtype: Any = None, out: object = None) -> TensorType:
    """Running sums."""
    x, target = _input(input, dtype)
    return scanned(x, dim, target, lambda row: list(accumulate(row)))


def _cumprod_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """coremltools unrolls ``cumprod``: a gather and a scatter for each step after the first."""
    x = cast_value(builder, params["input"], out.dtype)
    axis = params["dim"]
    shape = x.type.shape
    extent = shape[axis] if shape and isinstance(axis, int) else None
    if not isinstance(extent, int) or extent > 64:
        return builder.emit("aten.cumprod", {"x": x}, {"dim": axis}, out)
    step = TensorType(
        None if shape is None else tuple(1 if i == axis % len(shape) else s for i, s in enumerate(shape)), out.dtype
    )
    for index in range(1, extent):
        row = builder.emit("gather", {"x": x}, {"indices": (index - 1,), "axis": axis}, step)
        x = builder.emit(
            "scatter", {"data": x, "updates": row}, {"indices": (index,), "axis": axis, "mode": "mul"}, out
        )
    return x


@op("torch.cumprod", "torch.Tensor.cumprod", mil=_cumprod_ops)
def cumprod(input: TensorType, dim: Any, *, dtype: Any = None, out: object = None) -> TensorType:
    """Running products."""
    x, target = _input(input, dtype)
    return scanned(x, dim, target, lambda row: list(accumulate(row, lambda a, b: a * b)))


def _stored(name: str, step: Callable[[Any, Any], Any], mil: Lower) -> None:
    """The in-place scans keep the dtype, also of bools and small integers."""

    def rule(input: TensorType, dim: Any, *, dtype: Any = None) -> TensorType:
        x = check_tensor(input)
        if isinstance(dtype, str) and x.dtype is not None and dtype != x.dtype:
            fail(f"Bad in-place call: input tensor dtype {x.dtype} and output tensor dtype {dtype} should match")
        return scanned(x, dim, x.dtype, None if x.dtype == "b8" else lambda row: list(accumulate(row, step)))

    op(f"torch.Tensor.{name}", inplace=f"torch.Tensor.{name}", mil=mil)(rule)


_stored("cumsum_", lambda a, b: a + b, _cumsum_ops)
_stored("cumprod_", lambda a, b: a * b, _cumprod_ops)


def _extremum(name: str, better: Callable[[Any, Any], bool]) -> None:
    def running(row: Row) -> list[int]:
        places: list[int] = []
        for i, value in enumerate(row):
            best = row[places[-1]] if places else value
            places.append(i if not places or value != value or (best == best and better(value, best)) else places[-1])
        return places

    def rule(input: TensorType, dim: Any, *, out: object = None) -> ValuesIndices:
        x = tensor_or_unknown(input)
        if not has_elements(x.shape):  # torch looks at `dim` only where there are elements
            empty = x.shape is not None and 0 in x.shape
            return ValuesIndices(
                TensorType(x.shape, x.dtype, () if empty else None), TensorType(x.shape, "i64", () if empty else None)
            )
        if x.shape and x.dtype is not None and is_complex(x.dtype):
            fail(f"{name} is not implemented for complex tensors")
        return ValuesIndices(
            scanned(x, dim, x.dtype, lambda row: [row[i] for i in running(row)]), scanned(x, dim, "i64", running)
        )

    op(f"torch.{name}", f"torch.Tensor.{name}")(rule)


_extremum("cummax", lambda a, b: a >= b)
_extremum("cummin", lambda a, b: a <= b)


def _logcumsumexp(row: Row) -> Row:
    found: list[float] = []
    for value in row:
        if not found:
            found.append(value)
            continue
        top = max(found[-1], value)
        found.append(
            top if not math.isfinite(top) else top + math.log(math.exp(found[-1] - top) + math.exp(value - top))
        )
    return found


def _logcumsumexp_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    exp = builder.emit("exp", {"x": params["input"]}, {}, out)
    total = builder.emit("cumsum", {"x": exp}, {"axis": params["dim"]}, out)
    return builder.emit("log", {"x": total}, {}, out)


@op("torch.logcumsumexp", "torch.Tensor.logcumsumexp", mil=_logcumsumexp_ops)
def logcumsumexp(input: TensorType, dim: Any, *, out: object = None) -> TensorType:
    """``log(cumsum(exp(x)))``."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and is_integral(x.dtype, boolean=True):
        fail(f"logcumsumexp is not implemented for {x.dtype}")
    return scanned(x, dim, x.dtype, _logcumsumexp)


# Differences.
def _diff_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x, axis, rank = params["input"], params["dim"], params["input"].type.rank
    if params["n"] != 1 or params["prepend"] is not None or params["append"] is not None or rank is None:
        return builder.emit("aten.diff", {"x": x}, {"n": params["n"], "dim": axis}, out)
    axis %= rank
    ahead = {"begin": tuple(int(i == axis) for i in range(rank)), "end_mask": (True,) * rank, "end": (0,) * rank}
    back = {"begin": (0,) * rank, "end": tuple(-int(i == axis) for i in range(rank)),
            "end_mask": tuple(i != axis for i in range(rank))}  # fmt: skip
    later = builder.emit("slice_by_index", {"x": x}, ahead, out)
    return builder.emit("sub", {"x": later, "y": builder.emit("slice_by_index", {"x": x}, back, out)}, {}, out)


@op("torch.diff", "torch.Tensor.diff", mil=_diff_ops)
def diff(
    input: TensorType, n: Any = 1, dim: Any = -1, prepend: Any = None, append: Any = None, *, out: object = None
) -> TensorType:
    """The n-th difference along a dim."""
    x = tensor_or_unknown(input)
    extra = [tensor_or_unknown(t, "prepend") for t in (prepend, append) if t is not None]
    dtype = result_type(x, *extra) if x.dtype is not None and extra else x.dtype
    if x.shape is None or isinstance(dim, Unknown) or any(t.shape is None for t in extra):
        return TensorType(None, dtype)
    if not x.shape:
        fail("diff expects input to be at least one-dimensional")
    count = as_size(n, "n")
    if isinstance(count, int) and count < 0:
        fail(f"order must be non-negative but got {count}")
    if count == 0 and not extra:
        return x
    try:
        axis = normalize_dim(dim, len(x.shape))
    except TorchError:
        if dims.lower_bound(count) > 0 or extra:
            raise
        return TensorType(None, dtype)  # with n=0 torch does not look at `dim`
    extent: DimLike = x.shape[axis]
    for each in extra:
        shape = each.shape or ()
        if len(shape) != len(x.shape):
            fail("diff expects prepend or append to have the same number of dimensions as input")
        if shape:
            rest = [i for i in range(len(shape)) if i != axis]
            same_shape(tuple(shape[i] for i in rest), tuple(x.shape[i] for i in rest), "diff: sizes must match")
        extent = extent + (shape[axis] if count != 0 else 0)
    size = dims.maximum(extent - count, 0)
    shape = tuple(size if i == axis else s for i, s in enumerate(x.shape))
    sizes, rows = static(shape), lanes(x, (axis,))
    if sizes is None or rows is None or extra or not isinstance(count, int):
        return TensorType(shape, dtype)
    for _ in range(min(count, max(len(rows[0]) if rows else 0, 0))):
        rows = [_differences(row, dtype) for row in rows]
    return made(shape, dtype, unlanes(rows, sizes, axis))


def _differences(row: Row, dtype: str | None) -> list[Any]:
    if dtype == "b8":
        return [a != b for a, b in zip(row[1:], row[:-1], strict=True)]
    return list(convert([a - b for a, b in zip(row[1:], row[:-1], strict=True)], dtype) or ())


@op("torch.cumulative_trapezoid")
def cumulative_trapezoid(y: TensorType, x: Any = None, *, dx: Any = 1, dim: int = -1) -> TensorType:
    """The running trapezoidal rule along a dim."""
    values, points = tensor_or_unknown(y, "y"), None if x is None else tensor_or_unknown(x, "x")
    if values.dtype == "b8" or (points is not None and points.dtype == "b8"):
        fail("cumulative_trapezoid: received a bool input, but bool is not supported")
    if values.shape is None or (points is not None and points.shape is None) or isinstance(dim, Unknown):
        return TensorType(None, None)
    axis = normalize_dim(dim, len(values.shape))
    if not values.shape:
        fail("cumulative_trapezoid: expects a tensor with at least one dim")
    size = dims.maximum(values.shape[axis] - 1, 0)
    shape: Any = tuple(size if i == axis else s for i, s in enumerate(values.shape))
    dtype = float_result(result_type(values, dx if points is None else points))
    if points is not None and points.shape is not None and len(points.shape) > 1:
        whole = broadcast(values.shape, points.shape)
        place = axis - len(values.shape) + len(whole or ())
        shape = (
            None if whole is None else tuple(dims.maximum(s - 1, 0) if i == place else s for i, s in enumerate(whole))
        )
    return TensorType(shape, dtype)


# Histograms.
@op("torch.bincount", "torch.Tensor.bincount", tags=("data-dependent",))
def bincount(input: TensorType, weights: Any = None, minlength: Any = 0) -> TensorType:
    """How often each number occurs."""
    x, weight = check_tensor(input), None if weights is None else tensor_or_unknown(weights, "weights")
    if x.shape is not None and len(x.shape) != 1:
        fail("bincount only supports 1-d non-negative integral inputs.")
    if x.dtype is not None and not is_integral(x.dtype):
        fail(f"bincount is not implemented for {x.dtype}")
    least = as_size(minlength, "minlength")
    if isinstance(least, int) and least < 0:
        fail("minlength should be >= 0")
    dtype = "i64"
    if weight is not None:
        if x.shape is not None and weight.shape is not None:
            same_shape(x.shape, weight.shape, "weights should be 1-d and have the same length as input")
        dtype = "f32" if weight.dtype == "f32" else "f64"
    if x.data is None or not isinstance(least, int):
        return TensorType((dims.fresh(),), dtype)
    numbers = [int(v.real) for v in x.data]
    if any(v < 0 for v in numbers):
        fail("bincount only supports 1-d non-negative integral inputs.")
    size = max(least, max(numbers, default=-1) + 1)
    if weight is not None:
        return TensorType((size,), dtype)
    return made((size,), "i64", [numbers.count(i) for i in range(size)] if size <= 4096 else None)


@op("torch.histc", "torch.Tensor.histc")
def histc(input: TensorType, bins: Any = 100, min: Any = 0, max: Any = 0, *, out: object = None) -> TensorType:
    """A histogram of equal bins."""
    x = tensor_or_unknown(input)
    count = as_size(bins, "bins")
    if isinstance(count, int) and count <= 0:
        fail("bins must be > 0")
    if x.dtype is not None and not is_floating(x.dtype):
        fail(f"histogram is not implemented for {x.dtype}")
    return TensorType((count,), x.dtype)


@op("torch.histogram", "torch.Tensor.histogram")
def histogram(
    input: TensorType, bins: Any, *, range: Any = None, weight: Any = None, density: Any = False, out: object = None
) -> Histogram:
    """A histogram and the edges of its bins."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and x.dtype not in ("f32", "f64"):
        fail(f"histogram is not implemented for {x.dtype}")
    if isinstance(bins, TensorType):
        if bins.shape is not None and len(bins.shape) != 1:
            fail("torch.histogram(): bins tensor should have one dimension")
        edges: DimLike = dims.fresh() if bins.shape is None else bins.shape[0]
    else:
        count = as_size(bins, "bins")
        if isinstance(count, int) and count <= 0:
            fail("torch.histogram(): bins must be > 0")
        edges = count + 1
    return Histogram(TensorType((edges - 1,), x.dtype), TensorType((edges,), x.dtype))
