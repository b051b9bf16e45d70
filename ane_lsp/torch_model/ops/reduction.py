"""Reductions over dims: sums, means, extrema, norms, variances, truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ane_lsp.graph import Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.constants import lanes, made, pointwise
from ane_lsp.torch_model.lower import cast_value, operands
from ane_lsp.torch_model.promotion import (
    check_dtype,
    float_result,
    is_complex,
    is_floating,
    is_integral,
    is_number,
    result_type,
    sum_result,
    to_real,
)
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.results import MinMax, ValuesIndices
from ane_lsp.torch_model.shapes import (
    broadcast,
    fail,
    has_elements,
    normalize_dim,
    normalize_dims,
    reduced,
    tensor_or_unknown,
)

Row = Sequence[Any]


def axes_of(dim: Any, rank: int, *, empty_is_all: bool = True) -> tuple[int, ...]:
    """The axes a `dim` argument names; None, and for most reductions an empty tuple, means all."""
    if dim is None or (empty_is_all and isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(rank))
    axes = normalize_dims(dim, rank)
    return axes if rank else ()


def reduce(
    x: TensorType,
    dim: Any,
    keepdim: Any,
    dtype: str | None,
    function: Callable[[Row], Any] | None,
    *,
    empty_is_all: bool = True,
) -> TensorType:
    """`x` reduced over `dim`: the shape, and where `x` has elements, `function` of each lane rounded to `dtype`."""
    if x.shape is None or isinstance(dim, Unknown) or isinstance(keepdim, Unknown):
        known_scalar = dim is None and keepdim is False
        return TensorType(() if known_scalar else None, dtype)
    if isinstance(dim, (tuple, list)) and any(isinstance(d, Unknown) for d in dim):
        return TensorType(tuple(dims.fresh() for _ in range(len(x.shape) - len(dim))) if not keepdim else None, dtype)
    axes = axes_of(dim, len(x.shape), empty_is_all=empty_is_all)
    shape = reduced(x.shape, axes, bool(keepdim))
    rows = lanes(x, axes) if function is not None else None
    if rows is None or function is None:
        return TensorType(shape, dtype)
    try:
        return made(shape, dtype, [function(row) for row in rows])
    except (ValueError, ArithmeticError, TypeError):
        return TensorType(shape, dtype)


def _as(x: TensorType, dtype: str | None) -> TensorType:
    """`x` with its elements as the dtype they are reduced in."""
    return made(x.shape, dtype, x.data)


def no_complex(x: TensorType, name: str, *, even_empty: bool = True) -> TensorType:
    """`x`; complex is refused, by some ops only where there are elements."""
    if x.dtype is not None and is_complex(x.dtype) and (even_empty or has_elements(x.shape)):
        fail(f"{name} does not support complex inputs")
    return x


def floats_only(x: TensorType, name: str, *, complex_too: bool = False) -> TensorType:
    """`x`; integers and bools are refused."""
    if x.dtype is not None and not (is_floating(x.dtype) or (complex_too and is_complex(x.dtype))):
        fail(f"{name} only supports floating point dtypes, but got {x.dtype}")
    return x


# Sums and means.
def _fsum(row: Row) -> Any:
    if any(isinstance(v, complex) for v in row):
        return sum(row)
    if all(isinstance(v, int) for v in row):
        return sum(row)
    return math.fsum(row) if all(math.isfinite(v) for v in row) else sum(row)


def _mean_of(row: Row) -> Any:
    return _fsum(row) / len(row) if row else math.nan


def sum_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """``reduce_sum`` of numbers (bools are cast)."""
    return lower.reduce("reduce_sum")(builder, params, out)


def _with_dtype(input: Any, dtype: Any) -> tuple[TensorType, bool]:
    x = tensor_or_unknown(input)
    if isinstance(dtype, Unknown):
        return TensorType(x.shape, None), True
    target = check_dtype(dtype)
    return (x, False) if target is None else (_as(x, target), True)


@op("torch.sum", "torch.Tensor.sum", mil=sum_ops)
def sum_(
    input: TensorType, dim: Any = None, keepdim: Any = False, *, dtype: Any = None, out: object = None
) -> TensorType:
    """The sum; integers and bools sum to i64."""
    x, given = _with_dtype(input, dtype)
    return reduce(x, dim, keepdim, x.dtype if given else sum_result(x.dtype), _fsum)


@op("torch.nansum", "torch.Tensor.nansum")
def nansum(
    input: TensorType, dim: Any = None, keepdim: Any = False, *, dtype: Any = None, out: object = None
) -> TensorType:
    """The sum without nan."""
    no_complex(tensor_or_unknown(input), "nansum")
    x, given = _with_dtype(input, dtype)
    no_complex(x, "nansum")
    return reduce(
        x, dim, keepdim, x.dtype if given else sum_result(x.dtype), lambda row: _fsum([v for v in row if v == v])
    )


@op("torch.mean", "torch.Tensor.mean", mil=lower.reduce("reduce_mean"))
def mean(
    input: TensorType, dim: Any = None, keepdim: Any = False, *, dtype: Any = None, out: object = None
) -> TensorType:
    """The mean; integers need a `dtype`."""
    x, _ = _with_dtype(input, dtype)
    if x.dtype is not None and is_integral(x.dtype, boolean=True):
        fail("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype.")
    return reduce(x, dim, keepdim, x.dtype, _mean_of)


@op("torch.nanmean", "torch.Tensor.nanmean")
def nanmean(
    input: TensorType, dim: Any = None, keepdim: Any = False, *, dtype: Any = None, out: object = None
) -> TensorType:
    """The mean without nan."""
    x = no_complex(floats_only(tensor_or_unknown(input), "nanmean", complex_too=True), "nanmean")
    x, _ = _with_dtype(input, dtype)
    if x.dtype is not None and is_integral(x.dtype, boolean=True):
        fail("nanmean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype")
    return reduce(x, dim, keepdim, x.dtype, lambda row: _mean_of([v for v in row if v == v]))


def _product(row: Row) -> Any:
    return math.prod(row)


@op("torch.prod", "torch.Tensor.prod")
def prod(
    input: TensorType, dim: Any = None, keepdim: Any = False, *, dtype: Any = None, out: object = None
) -> TensorType:
    """The product; integers and bools give i64."""
    x, given = _with_dtype(input, dtype)
    if isinstance(dim, (tuple, list)):
        fail("prod(): argument 'dim' must be int", TypeError)
    if dim is None and keepdim is True:
        fail("prod() received an invalid combination of arguments", TypeError)
    return reduce(x, dim, keepdim, x.dtype if given else sum_result(x.dtype), _product)


# Extrema.
def _largest(row: Row) -> Any:
    return next((v for v in row if v != v), None) if any(v != v for v in row) else max(row)


def _smallest(row: Row) -> Any:
    return next((v for v in row if v != v), None) if any(v != v for v in row) else min(row)


def _place(row: Row, best: Any) -> int:
    return next(i for i, v in enumerate(row) if v == best or (v != v and best != best))


def _non_empty(x: TensorType, dim: Any, name: str) -> None:
    """An extremum needs elements along the reduced dims."""
    if x.shape is None or isinstance(dim, Unknown):
        return
    axes = axes_of(dim, len(x.shape))
    if any(x.shape[axis] == 0 for axis in axes) and x.shape:
        whole = (dim is None or dim == () or dim == []) and not name.startswith("arg")
        fail(f"{name}(): Expected reduction dim to have non-zero size.", RuntimeError if whole else IndexError)


def _along(kind: str) -> Lower:
    """``reduce_max`` with ``reduce_argmax`` for the positions, or the elementwise op of two tensors."""

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x, dim, keep = params["input"], params.get("dim"), bool(params.get("keepdim", False))
        other = params.get("other")
        if isinstance(dim, Value) or isinstance(other, Value):
            a, b = operands(builder, [x, dim if isinstance(dim, Value) else other])
            return builder.emit(f"{kind}imum", {"x": a, "y": b}, {}, out)
        if isinstance(out, TensorType):
            return builder.emit(f"reduce_{kind}", {"x": x}, {"keep_dims": False}, out)
        values = builder.emit(f"reduce_{kind}", {"x": x}, {"axes": (dim,), "keep_dims": keep}, out[0])
        indices = builder.emit(f"reduce_arg{kind}", {"x": x}, {"axis": dim, "keep_dims": keep}, out[1])
        return lower.like(out, (values, indices))

    return make


def _extremum(name: str, choose: Callable[[Row], Any]) -> None:
    def pair(x: TensorType, y: TensorType) -> TensorType:
        dtype = result_type(x, y)
        return pointwise(lambda a, b: choose((a, b)), dtype, x, y)

    def rule(input: TensorType, dim: Any = None, keepdim: Any = False, *, other: Any = None, out: object = None) -> Any:
        x = no_complex(tensor_or_unknown(input), name)
        if isinstance(dim, TensorType) or isinstance(other, TensorType):
            return pair(x, no_complex(dim if isinstance(dim, TensorType) else other, name))
        if isinstance(other, Unknown):
            return Unknown(f"the second tensor of {name}() is not known", cause=other)
        if dim is None:
            if keepdim is not False:
                fail(f"{name}() received an invalid combination of arguments", TypeError)
            _non_empty(x, None, name)
            return reduce(x, None, False, x.dtype, choose)
        if isinstance(dim, Unknown):
            return Unknown(f"whether {name}() gets a dim or a tensor is not known", cause=dim)
        if isinstance(dim, (tuple, list)):
            fail(f"{name}(): argument 'dim' must be int", TypeError)
        _non_empty(x, dim, name)
        return ValuesIndices(
            reduce(x, dim, keepdim, x.dtype, choose),
            reduce(x, dim, keepdim, "i64", lambda row: _place(row, choose(row))),
        )

    op(f"torch.{name}", f"torch.Tensor.{name}", mil=_along(name))(rule)


_extremum("max", _largest)
_extremum("min", _smallest)


def _bound(name: str, choose: Callable[[Row], Any]) -> None:
    def rule(input: TensorType, dim: Any = (), keepdim: Any = False, *, out: object = None) -> TensorType:
        x = no_complex(tensor_or_unknown(input), name, even_empty=False)
        _non_empty(x, dim, name)
        return reduce(x, dim, keepdim, x.dtype, choose)

    op(f"torch.{name}", f"torch.Tensor.{name}", mil=lower.reduce(f"reduce_{name[1:]}"))(rule)


_bound("amax", _largest)
_bound("amin", _smallest)


def _aminmax_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    attrs: dict[str, Any] = {"keep_dims": bool(params["keepdim"])}
    if params["dim"] is not None:
        attrs["axes"] = (params["dim"],)
    x = params["input"]
    return lower.like(
        out, [builder.emit(k, {"x": x}, attrs, o) for k, o in zip(("reduce_min", "reduce_max"), out, strict=True)]
    )


@op("torch.aminmax", "torch.Tensor.aminmax", mil=_aminmax_ops)
def aminmax(input: TensorType, *, dim: Any = None, keepdim: Any = False, out: object = None) -> MinMax:
    """The smallest and the largest element."""
    x = no_complex(tensor_or_unknown(input), "aminmax")
    _non_empty(x, dim, "aminmax")
    if dim is None and keepdim is True and x.shape is not None:
        dim = tuple(range(len(x.shape)))
    return MinMax(reduce(x, dim, keepdim, x.dtype, _smallest), reduce(x, dim, keepdim, x.dtype, _largest))


def _arg_ops(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = params["input"]
        attrs = {"axis": params["dim"], "keep_dims": bool(params["keepdim"])}
        if attrs["axis"] is None:
            flat = TensorType((x.type.numel,) if x.type.numel is not None else None, x.type.dtype)
            x, attrs["axis"] = builder.emit("reshape", {"x": x}, {"shape": (-1,)}, flat), 0
        return builder.emit(kind, {"x": x}, attrs, out)

    return make


def _argument(name: str, choose: Callable[[Row], Any]) -> None:
    def rule(input: TensorType, dim: Any = None, keepdim: Any = False, *, out: object = None) -> TensorType:
        x = no_complex(tensor_or_unknown(input), name)
        if x.dtype == "b8":
            fail(f"{name} is not implemented for bool")
        if isinstance(dim, (tuple, list)):
            fail(f"{name}(): argument 'dim' must be int", TypeError)
        _non_empty(x, dim, name)
        return reduce(x, dim, keepdim, "i64", lambda row: _place(row, choose(row)))

    op(f"torch.{name}", f"torch.Tensor.{name}", mil=_arg_ops(f"reduce_{name}"))(rule)


_argument("argmax", _largest)
_argument("argmin", _smallest)


# Truth.
def _truth_ops(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = cast_value(builder, params["input"], "i32")
        whole = TensorType(out.shape, "i32")
        found = lower.reduce(kind, cast_bool=False)(builder, {**params, "input": x}, whole)
        return builder.emit("cast", {"x": found}, {"dtype": "bool"}, out)

    return make


def _truth(name: str, function: Callable[[Row], bool], kind: str) -> None:
    def rule(input: TensorType, dim: Any = None, keepdim: Any = False, *, out: object = None) -> TensorType:
        x = tensor_or_unknown(input)
        dtype = "u8" if x.dtype == "u8" else "b8" if x.dtype is not None else None
        # An empty tuple of dims reduces nothing here, unlike for sums.
        return reduce(x, dim, keepdim, dtype, function, empty_is_all=False)

    op(f"torch.{name}", f"torch.Tensor.{name}", mil=_truth_ops(kind))(rule)


_truth("all", lambda row: all(bool(v) for v in row), "reduce_min")
_truth("any", lambda row: any(bool(v) for v in row), "reduce_max")


def _count_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = params["input"]
    some = builder.emit("not_equal", {"x": x, "y": builder.tensor(0, x.type)}, {}, TensorType(x.type.shape, "b8"))
    return sum_ops(builder, {**params, "input": some}, out)


@op("torch.count_nonzero", "torch.Tensor.count_nonzero", mil=_count_ops)
def count_nonzero(input: TensorType, dim: Any = None) -> TensorType:
    """How many elements are not zero."""
    return reduce(tensor_or_unknown(input), dim, False, "i64", lambda row: sum(1 for v in row if v))


# Variance.
def _variance(correction: float) -> Callable[[Row], Any]:
    def evaluate(row: Row) -> Any:
        if not row:
            return math.nan
        middle = _mean_of(row)
        total = math.fsum(abs(v - middle) ** 2 for v in row)
        rest = max(len(row) - correction, 0)
        return total / rest if rest else math.nan if total == 0 else math.inf

    return evaluate


def _deviation(correction: float) -> Callable[[Row], Any]:
    inner = _variance(correction)
    return lambda row: math.sqrt(inner(row))


def spread_arguments(dim: Any, unbiased: Any, correction: Any) -> tuple[Any, Any]:
    """`dim` and the correction of the call forms of ``var`` and ``std``."""
    if isinstance(dim, bool):
        return None, int(dim)
    if correction is None:
        correction = unbiased if isinstance(unbiased, Unknown) else int(bool(unbiased))
    return dim, correction


def _spread_rule(
    input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any, evaluate: Callable[[float], Any], name: str
) -> TensorType:
    x = floats_only(tensor_or_unknown(input), name, complex_too=True)
    dim, amount = spread_arguments(dim, unbiased, correction)
    known = is_number(amount) and not isinstance(amount, Sym)
    return reduce(x, dim, keepdim, to_real(x.dtype), evaluate(amount) if known else None)


def _debias(builder: Lowering, x: TensorType, dim: Any, amount: Any, out: TensorType) -> Value:
    """``n / (n - correction)``: a number where the sizes are known, else a constant of unknown content."""
    count = None if x.shape is None else dims.product(x.shape[axis] for axis in axes_of(dim, len(x.shape)))
    if isinstance(count, int) and isinstance(amount, (int, float)) and count > amount:
        return builder.tensor(count / (count - amount), out)
    return builder.const(TensorType((), out.dtype))


def _spread_ops(root: bool) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        dim, amount = spread_arguments(params["dim"], params["unbiased"], params["correction"])
        x = params["input"]
        rank = x.type.rank
        wide = None if rank is None else reduced(x.type.shape, axes_of(dim, rank), True)
        axes = {} if dim is None else {"axes": tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)}
        middle = builder.emit("reduce_mean", {"x": x}, {**axes, "keep_dims": True}, TensorType(wide, out.dtype))
        centred = builder.emit("sub", {"x": x, "y": middle}, {}, x.type)
        squares = builder.emit("square", {"x": centred}, {}, x.type)
        keep = {**axes, "keep_dims": bool(params["keepdim"])}
        found = builder.emit("reduce_mean", {"x": squares}, keep, out)
        if amount:
            found = builder.emit("mul", {"x": found, "y": _debias(builder, x.type, dim, amount, out)}, {}, out)
        return builder.emit("sqrt", {"x": found}, {}, out) if root else found

    return make


@op("torch.var", "torch.Tensor.var", mil=_spread_ops(root=False))
def var(
    input: TensorType, dim: Any = None, unbiased: Any = True, keepdim: Any = False, *, correction: Any = None,
    out: object = None,
) -> TensorType:  # fmt: skip
    """The variance."""
    return _spread_rule(input, dim, unbiased, keepdim, correction, _variance, "var")


@op("torch.std", "torch.Tensor.std", mil=_spread_ops(root=True))
def std(
    input: TensorType, dim: Any = None, unbiased: Any = True, keepdim: Any = False, *, correction: Any = None,
    out: object = None,
) -> TensorType:  # fmt: skip
    """The standard deviation."""
    return _spread_rule(input, dim, unbiased, keepdim, correction, _deviation, "std")


def _with_mean(name: str, evaluate: Callable[[float], Any]) -> None:
    def rule(
        input: TensorType, dim: Any = None, unbiased: Any = True, keepdim: Any = False, *, correction: Any = None,
        out: object = None,
    ) -> tuple[TensorType, TensorType]:  # fmt: skip
        spread = _spread_rule(input, dim, unbiased, keepdim, correction, evaluate, name)
        x = tensor_or_unknown(input)
        return spread, reduce(x, None if isinstance(dim, bool) else dim, keepdim, x.dtype, _mean_of)

    op(f"torch.{name}")(rule)


_with_mean("var_mean", _variance)
_with_mean("std_mean", _deviation)


# Logs.
def _logsumexp(row: Row) -> Any:
    top = max(row, default=-math.inf)
    if not math.isfinite(top):
        return top
    return top + math.log(math.fsum(math.exp(v - top) for v in row))


@op("torch.logsumexp", "torch.Tensor.logsumexp", "torch.special.logsumexp", mil=lower.reduce("reduce_log_sum_exp"))
def logsumexp(input: TensorType, dim: Any, keepdim: Any = False, *, out: object = None) -> TensorType:
    """``log(sum(exp(x)))``."""
    x = tensor_or_unknown(input)
    dtype = float_result(x.dtype)
    if dim is None:
        fail("logsumexp(): argument 'dim' must be tuple of ints, not NoneType", TypeError)
    if isinstance(dim, (tuple, list)) and not dim and not keepdim and x.shape and has_elements(x.shape):
        fail("output with shape [] doesn't match the broadcast shape")
    return reduce(_as(x, dtype), dim, keepdim, dtype, _logsumexp)


# Quantiles.
def _at(row: Row, q: float, interpolation: str) -> Any:
    if any(v != v for v in row):
        return math.nan
    ordered = sorted(row)
    place = q * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    part = place - math.floor(place)
    if interpolation == "linear":
        return low + (high - low) * part
    if interpolation == "midpoint":
        return (low + high) / 2
    if interpolation == "nearest":
        return ordered[round(place)]
    return low if interpolation == "lower" else high


def _quantile(name: str, skip: bool) -> None:
    def rule(
        input: TensorType, q: Any, dim: Any = None, keepdim: Any = False, *, interpolation: Any = "linear",
        out: object = None,
    ) -> TensorType:  # fmt: skip
        x = tensor_or_unknown(input)
        if x.dtype is not None and x.dtype not in ("f32", "f64"):
            fail(f"{name}() input tensor must be either float or double dtype")
        if x.shape is not None and any(size == 0 for size in x.shape):
            fail(f"{name}() input tensor must be non-empty")
        if isinstance(interpolation, str) and interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
            fail(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest")
        lead: tuple[Any, ...] = ()
        if isinstance(q, Unknown):
            return TensorType(None, x.dtype)
        if isinstance(q, TensorType):
            if q.shape is not None and len(q.shape) > 1:
                fail(f"{name}() q must be a scalar or 1D tensor")
            if q.dtype is not None and x.dtype is not None and q.dtype != x.dtype:
                fail(f"{name}() q tensor must be same dtype as the input tensor")
            if q.shape is None:
                return TensorType(None, x.dtype)
            lead = q.shape
        elif is_number(q) and not 0 <= q <= 1:
            fail(f"{name}() q must be in the range [0, 1] but got {q}")
        if isinstance(dim, (tuple, list)):
            fail(f"{name}(): argument 'dim' must be int", TypeError)
        if dim is None and keepdim is True and x.shape is not None:
            dim = tuple(range(len(x.shape)))
        number = q if isinstance(q, (int, float)) else None

        def evaluate(row: Row) -> Any:
            kept = [v for v in row if v == v] if skip else row
            return _at(kept, float(number or 0), interpolation) if kept else math.nan

        found = reduce(x, dim, keepdim, x.dtype, evaluate if number is not None else None)
        return (
            TensorType(None, x.dtype) if found.shape is None else TensorType((*lead, *found.shape), x.dtype, found.data)
        )

    op(f"torch.{name}", f"torch.Tensor.{name}")(rule)


_quantile("quantile", skip=False)
_quantile("nanquantile", skip=True)


# Statistics.
@op("torch.cov", "torch.Tensor.cov")
def cov(input: TensorType, *, correction: Any = 1, fweights: Any = None, aweights: Any = None) -> TensorType:
    """The covariance matrix of the rows."""
    x = tensor_or_unknown(input)
    if x.dtype == "b8":
        fail("cov(): bool dtype is not supported for input")
    return _matrix(x, "cov")


@op("torch.corrcoef", "torch.Tensor.corrcoef")
def corrcoef(input: TensorType) -> TensorType:
    """The correlation matrix of the rows."""
    x = tensor_or_unknown(input)
    if x.dtype == "b8":
        fail("cov(): bool dtype is not supported for input")
    return _matrix(x, "corrcoef")


def _matrix(x: TensorType, name: str) -> TensorType:
    dtype = float_result(x.dtype)
    if x.shape is None:
        return TensorType(None, dtype)
    if len(x.shape) > 2:
        fail(
            f"{name}(): expected input to have two or fewer dimensions but got an input with {len(x.shape)} dimensions"
        )
    return TensorType(() if len(x.shape) < 2 else (x.shape[0], x.shape[0]), dtype)


# Integration.
@op("torch.trapezoid", "torch.trapz")
def trapezoid(y: TensorType, x: Any = None, *, dx: Any = 1, dim: int = -1) -> TensorType:
    """The trapezoidal rule along a dim."""
    values, points = tensor_or_unknown(y, "y"), None if x is None else tensor_or_unknown(x, "x")
    if values.dtype == "b8" or (points is not None and points.dtype == "b8"):
        fail("trapezoid: received a bool input, but bool is not supported")
    dtype = None if values.dtype is None else float_result(result_type(values, values if points is None else points))
    if values.shape is None or (points is not None and points.shape is None) or isinstance(dim, Unknown):
        return TensorType(None, None)
    axis = normalize_dim(dim, len(values.shape))
    if not values.shape:
        fail("trapezoid: expects a tensor with at least one dim")
    shape = reduced(values.shape, (axis,), keepdim=False)
    if points is not None and points.shape is not None and len(points.shape) > 1:
        whole = broadcast(values.shape, points.shape)
        shape = None if whole is None else reduced(whole, (axis - len(values.shape) + len(whole),), keepdim=False)
    if dims.equal(values.shape[axis], 0):
        return TensorType(shape, values.dtype)
    if dims.lower_bound(values.shape[axis]) < 1 and dtype != values.dtype:
        return TensorType(shape, None)
    return TensorType(shape, dtype if points is not None or dtype is None else float_result(result_type(values, dx)))
