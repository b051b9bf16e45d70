"""Tensors from nothing, from Python values, and in the likeness of others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.args import spread
from ane_lsp.torch_model.constants import LIMIT, count, filled, made, round_float
from ane_lsp.torch_model.ops.dtypes import LEGACY, converted
from ane_lsp.torch_model.promotion import (
    DEFAULT,
    check_dtype,
    is_complex,
    is_floating,
    is_integral,
    is_number,
    promote_types,
    scalar_dtype,
    sum_result,
    to_complex,
)
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import as_size, check_tensor, fail, kind_of, tensor_or_unknown

CONST = lower.constant


def sizes(value: Any) -> Shape | None:
    """A ``size`` argument; None where it is not known. Raises TorchError for a negative size."""
    if isinstance(value, Unknown):
        return None
    if not isinstance(value, (tuple, list)):
        fail(f"argument 'size' must be tuple of ints, not {kind_of(value)}", TypeError)
    shape = tuple(as_size(size) for size in value)
    for size in shape:
        if isinstance(size, int) and size < 0:
            fail(f"Trying to create tensor with negative dimension {size}: {list(shape)}")
    return shape


def wanted(dtype: Any, default: str | None) -> str | None:
    """The dtype of a factory: as given, `default` where not given, None where unknown."""
    return None if isinstance(dtype, Unknown) else check_dtype(dtype) or default


# Fixed contents.
def _factory(name: str, value: Any) -> None:
    @spread("size")
    def rule(
        size: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: Any = False, pin_memory: Any = False, memory_format: Any = None, names: Any = None,
    ) -> TensorType:  # fmt: skip
        return filled(sizes(size), wanted(dtype, DEFAULT), value)

    op(f"torch.{name}", mil=CONST if value is None else lower.constant_fill(float(value)))(rule)


_factory("zeros", 0)
_factory("ones", 1)
_factory("empty", None)


def _full_value(params: Mapping[str, Any]) -> Any:
    return params["fill_value"]


@op("torch.full", mil=lower.constant_fill(_full_value))
def full(
    size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: Any = False, pin_memory: Any = False, names: Any = None,
) -> TensorType:  # fmt: skip
    """Filled with one number; the dtype is the number's."""
    value, kind = _fill(fill_value)
    return filled(sizes(size), wanted(dtype, kind), value)


def _fill(value: Any) -> tuple[Any, str | None]:
    """A fill value and the dtype it gives a tensor."""
    if isinstance(value, TensorType):
        if value.shape:
            fail("fill_value must be a number or a 0-d tensor", TypeError)
        return (value.data[0] if value.data else None), value.dtype
    if isinstance(value, Unknown):
        return None, None
    kind = scalar_dtype(value)
    if kind is None:
        fail(f"argument 'fill_value' must be Number, not {kind_of(value)}", TypeError)
    return value, kind


def _like(name: str, value: Any) -> None:
    def rule(
        input: TensorType, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: Any = False,
        pin_memory: Any = False, memory_format: Any = None,
    ) -> TensorType:  # fmt: skip
        x = tensor_or_unknown(input)
        return filled(x.shape, wanted(dtype, x.dtype), value)

    op(f"torch.{name}_like", mil=_like_ops(value))(rule)


def _like_ops(value: Any) -> Lower:
    """A constant where the sizes are known; of a computed size, ``fill_like`` or for zeros ``x - x``."""

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        if out.shape is not None and not any(isinstance(size, Sym) for size in out.shape):
            return builder.const(out)
        x = params["input"]
        number = params.get("fill_value", value)
        if not number:
            zero = builder.emit("sub", {"x": x, "y": x}, {}, TensorType(out.shape, x.type.dtype))
            return lower.cast_value(builder, zero, out.dtype)
        if builder.at_least("iOS16"):
            return builder.emit("fill_like", {"ref_tensor": x}, {"value": number}, out)
        return builder.emit("fill", {}, {"shape": out.shape, "value": number}, out)

    return make


_like("zeros", 0)
_like("ones", 1)
_like("empty", None)


@op("torch.full_like", mil=_like_ops(None))
def full_like(
    input: TensorType, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: Any = False, pin_memory: Any = False, memory_format: Any = None,
) -> TensorType:  # fmt: skip
    """The shape and dtype of another tensor, filled with one number."""
    x = tensor_or_unknown(input)
    return filled(x.shape, wanted(dtype, x.dtype), _fill(fill_value)[0])


def _new(name: str, value: Any) -> None:
    @spread("size")
    def rule(
        input: TensorType, size: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False,
        layout: Any = None, pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        x = tensor_or_unknown(input)
        return filled(sizes(size), wanted(dtype, x.dtype), value)

    op(f"torch.Tensor.new_{name}", mil=_new_ops(value))(rule)


def _new_ops(value: Any) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        return lower.constant_fill(params.get("fill_value", value or 0))(builder, params, out)

    return make


_new("zeros", 0)
_new("ones", 1)
_new("empty", None)


@op("torch.Tensor.new_full", mil=_new_ops(0))
def new_full(
    input: TensorType, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
    requires_grad: Any = False, layout: Any = None, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """A new tensor of another's dtype, filled with one number."""
    x = tensor_or_unknown(input)
    return filled(sizes(size), wanted(dtype, x.dtype), _fill(fill_value)[0])


@op("torch.empty_strided", mil=CONST)
def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: Any = False,
    pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """Uninitialised memory with the strides given."""
    shape, step = sizes(size), sizes(stride)
    if shape is not None and step is not None and len(shape) != len(step):
        fail("mismatch in length of strides and shape")
    return TensorType(shape, wanted(dtype, DEFAULT))


# From Python values.
def _extents(value: Any) -> Shape | None:
    """The shape of nested lists, which torch reads off the first elements."""
    if isinstance(value, TensorType):
        return value.shape
    if isinstance(value, Unknown):
        return () if value.number else None
    if not isinstance(value, (list, tuple, range)):
        return ()
    if not len(value):
        return (0,)
    inner = _extents(value[0])
    return None if inner is None else (len(value), *inner)


def _dtype(value: Any) -> str | None:
    """The common dtype of the numbers in nested lists; None where it is not known."""
    if isinstance(value, (list, tuple, range)):
        if not len(value):
            return DEFAULT
        found = [_dtype(item) for item in value]
        if None in found:
            return None
        common = str(found[0])
        for each in found[1:]:
            common = promote_types(common, str(each))
        return common
    if isinstance(value, (TensorType, Unknown)):
        return value.dtype if isinstance(value, TensorType) else None
    dtype = scalar_dtype(value)
    if dtype is None:
        kind = type(value).__name__
        fail(f"could not infer dtype of {kind}", TypeError if isinstance(value, str) else RuntimeError)
    return dtype


def _flat(value: Any, shape: Shape) -> list[Any] | None:
    """The numbers in nested lists of `shape`; None where one is not known. Raises TorchError for ragged lists."""
    if isinstance(value, TensorType):
        if value.shape is not None and len(value.shape) != len(shape):
            fail("only one element tensors can be converted to Python scalars", ValueError)
        return None if value.data is None else list(value.data)
    if isinstance(value, Unknown):
        return None
    if isinstance(value, (list, tuple, range)):
        if not shape:
            fail("must be real number, not list", TypeError)
        if dims.equal(len(value), shape[0]) is False:
            fail(f"expected sequence of length {shape[0]} (got {len(value)})", ValueError)
        parts = [_flat(item, shape[1:]) for item in value]
        return None if None in parts else [number for part in parts for number in part or ()]
    if shape:
        fail("expected a sequence, got a number", TypeError)
    return None if isinstance(value, Sym) else [value]


def _measure(value: Any) -> tuple[Shape | None, str | None, list[Any] | None]:
    """Shape, dtype and elements of nested lists. Elements may be tensors."""
    shape, dtype = _extents(value), _dtype(value)
    if shape is None:
        return None, dtype, None
    return shape, dtype, [] if 0 in shape else _flat(value, shape)


def from_python(value: Any, dtype: Any, what: str = "data") -> TensorType:
    """A tensor with the elements of nested lists of numbers."""
    shape, kind, data = _measure(value)
    target = wanted(dtype, kind)
    if dtype is None and kind is not None and isinstance(value, (list, tuple)) and _floats(value):
        target = to_complex(DEFAULT) if is_complex(kind) else DEFAULT if is_floating(kind) else kind
    if target is not None and data is not None and is_integral(target) and any(isinstance(v, complex) for v in data):
        fail("a complex number cannot be converted to an integer", TypeError)
    return made(shape, target, data) if data is not None and len(data) <= LIMIT else TensorType(shape, target)


def _floats(value: Any) -> bool:
    """Whether nested lists hold plain floats (which give the default dtype, whatever tensors are beside them)."""
    return any(_floats(item) for item in value) if isinstance(value, (list, tuple)) else isinstance(value, float)


@op("torch.tensor", mil=CONST)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False, pin_memory: Any = False
) -> TensorType:
    """A tensor from numbers, nested lists or another tensor."""
    return from_python(data, dtype)


def _as_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    value = lower.first(params)
    return lower.cast_value(builder, value, out.dtype) if isinstance(value, Value) else builder.const(out)


@op("torch.as_tensor", mil=_as_ops)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> TensorType:
    """The tensor itself, or a tensor from numbers."""
    return converted(data, wanted(dtype, data.dtype)) if isinstance(data, TensorType) else from_python(data, dtype)


@op("torch.asarray", mil=_as_ops)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: Any = None, requires_grad: Any = False
) -> TensorType:
    """The tensor itself, or a tensor from numbers."""
    return converted(obj, wanted(dtype, obj.dtype)) if isinstance(obj, TensorType) else from_python(obj, dtype)


@op("torch.scalar_tensor", mil=CONST)
def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: Any = False
) -> TensorType:
    """A 0-d tensor from a number; float32 where no dtype is given."""
    if not is_number(s) and not isinstance(s, (Unknown, TensorType)):
        fail(f"scalar_tensor(): argument 's' must be Number, not {kind_of(s)}", TypeError)
    return filled((), wanted(dtype, DEFAULT), s if isinstance(s, (bool, int, float, complex)) else None)


@op("torch.Tensor.new_tensor", mil=CONST)
def new_tensor(
    input: TensorType, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False,
    layout: Any = None, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """A tensor from numbers, of another tensor's dtype."""
    return from_python(data, wanted(dtype, tensor_or_unknown(input).dtype) or Unknown("dtype"))


@op("torch.from_numpy", mil=CONST)
def from_numpy(ndarray: Any) -> TensorType:
    """A tensor over a NumPy array, which is not modelled: only an array that came from a tensor keeps its type."""
    return ndarray if isinstance(ndarray, TensorType) else TensorType(None, None)


@op("torch.frombuffer", mil=CONST)
def frombuffer(buffer: Any, *, dtype: Any, count: Any = -1, offset: Any = 0, requires_grad: Any = False) -> TensorType:
    """A vector over a buffer of bytes."""
    size = as_size(count, "count")
    return TensorType((size if isinstance(size, Sym) or size >= 0 else dims.fresh(),), wanted(dtype, None))


def _legacy(name: str, dtype: str) -> None:
    def rule(*args: Any, **kwargs: Any) -> TensorType:
        return legacy(args, dtype)

    op(f"torch.{name}", mil=CONST)(rule)


def legacy(args: tuple[Any, ...], dtype: str | None) -> TensorType:
    """``torch.FloatTensor(2, 3)`` gives a shape, ``torch.FloatTensor([2, 3])`` elements."""
    if not args:
        return TensorType((0,), dtype)
    if len(args) == 1 and isinstance(args[0], TensorType):
        return converted(args[0], dtype)
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        return from_python(args[0], dtype or Unknown("dtype"))
    return TensorType(sizes(tuple(args)) if not isinstance(args[0], Unknown) else None, dtype)


for _name, _kind in LEGACY.items():
    _legacy(_name, _kind)
_legacy("Tensor", DEFAULT)


@op("torch.Tensor.new", mil=CONST)
def new(input: TensorType, *args: Any, **kwargs: Any) -> TensorType:
    """The old constructor, with another tensor's dtype."""
    return legacy(args, tensor_or_unknown(input).dtype)


# Ranges.
def _number(value: Any, name: str) -> Any:
    """A number, a symbol, or None where it is not known."""
    if isinstance(value, TensorType):
        if value.numel is not None and dims.equal(value.numel, 1) is False:
            fail(f"argument '{name}' must be a number or a 0-d tensor", TypeError)
        return value.data[0] if value.data else None
    if isinstance(value, Unknown):
        return None
    if not is_number(value):
        fail(f"argument '{name}' must be Number, not {kind_of(value)}", TypeError)
    return value


def _range_dtype(values: Sequence[Any]) -> str | None:
    """i64 for integers, the default float as soon as one is a float."""
    for value in values:
        if isinstance(value, Unknown) or (isinstance(value, TensorType) and value.dtype is None):
            return None
        dtype = value.dtype if isinstance(value, TensorType) else scalar_dtype(value)
        if dtype is None or not is_integral(dtype, boolean=True):
            return DEFAULT
    return "i64"


def _arange_size(start: Any, end: Any, step: Any) -> DimLike:
    if any(isinstance(v, complex) for v in (start, end, step)):
        fail("arange is not supported for complex numbers")
    if step is not None and not isinstance(step, Sym) and step == 0:
        fail("step must be nonzero")
    if any(v is None for v in (start, end, step)):
        return dims.fresh()
    if not any(isinstance(v, Sym) for v in (start, end, step)):
        if any(isinstance(v, float) and not math.isfinite(v) for v in (start, end, step)):
            fail(f"unsupported range: {start} -> {end}")
        if (step > 0 and end < start) or (step < 0 and end > start):
            fail("upper bound and lower bound inconsistent with step sign")
        if all(isinstance(v, int) for v in (start, end, step)):
            return max(-int((start - end) // step), 0)
        return math.ceil(float((end - start) / step))
    if all(isinstance(v, (int, Sym)) for v in (start, end, step)) and (step == 1 or dims.lower_bound(step) > 0):
        span = end - start
        if dims.lower_bound(span) < 0:
            span = dims.maximum(span, 0)
        return dims.ceildiv(span, step)
    return dims.fresh()


def _range_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    given = {name: params.get(name) for name in ("start", "end", "step")}
    if given["end"] is None:
        given = {"start": 0, "end": given["start"], "step": 1 if given["step"] is None else given["step"]}
    inputs = {name: value for name, value in given.items() if isinstance(value, Value)}
    # A trace keeps a bound that is a tensor, also where the example's value is known.
    computed = any(isinstance(value, Value) and not value.is_const for value in inputs.values())
    if not computed and out.shape is not None and not any(isinstance(size, Sym) for size in out.shape):
        return builder.const(out)
    attrs = {name: value for name, value in given.items() if name not in inputs}
    return builder.emit("range_1d", inputs, attrs, out)


@op("torch.arange", mil=_range_ops)
def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """``arange(end)`` or ``arange(start, end, step)``."""
    if end is None:
        start, end = 0, start
    target = wanted(dtype, _range_dtype((start, end, step)))
    first, last, by = _number(start, "start"), _number(end, "end"), _number(step, "step")
    cut = [int(v) if isinstance(v, float) and math.isfinite(v) else v for v in (first, last, by)]
    if target == "i64":  # counts in whole steps; the other integer dtypes count before they cut
        first, last, by = cut
    if target is None and isinstance(dtype, Unknown) and any(isinstance(v, float) for v in (first, last, by)):
        return TensorType((dims.fresh(),), None)  # an integer dtype would cut the bounds
    size = _arange_size(first, last, by)
    if isinstance(size, Sym) or size > LIMIT or any(isinstance(v, Sym) or v is None for v in (first, by)):
        return TensorType((size,), target)
    if target is not None and is_integral(target):
        first, by = cut[0], cut[2]
    return made((size,), target, [first + i * by for i in range(size)])


@op("torch.range", mil=_range_ops)
def range_(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: Any = False,
) -> TensorType:  # fmt: skip
    """Like arange with the end included; float32 by default."""
    if end is None:
        start, end = 0, start
    first, last, by = _number(start, "start"), _number(end, "end"), _number(step, "step")
    target = wanted(dtype, DEFAULT)
    if any(not isinstance(v, (int, float)) for v in (first, last, by)):
        return TensorType((dims.fresh(),), target)
    if by == 0:
        fail("step must be nonzero")
    if (by > 0 and last < first) or (by < 0 and last > first):
        fail("upper bound and lower bound inconsistent with step sign")
    size = math.floor((last - first) / by) + 1
    return TensorType((size,), target) if size > LIMIT else made((size,), target, [first + i * by for i in range(size)])


def _spaced(start: Any, end: Any, steps: DimLike, dtype: str | None) -> list[float] | None:
    """``linspace`` as torch computes it, from both ends to the middle, rounding at each step.

    The last bit of some elements depends on the vector width of the machine torch runs on.
    """
    if not isinstance(steps, int) or steps > LIMIT or dtype is None:
        return None
    if any(not isinstance(v, (int, float)) for v in (start, end)):
        return None
    if steps == 1:
        return [start]
    kind = dtype if dtype in ("f32", "f64") else "f64" if is_integral(dtype) else "f32"

    def rounded(value: float) -> float:
        return round_float(value, kind)

    if steps == 0:
        return []
    first, last = rounded(start), rounded(end)
    step = rounded(rounded(last - first) / (steps - 1))
    return [
        rounded(first + rounded(step * i)) if i < steps // 2 else rounded(last - rounded(step * (steps - i - 1)))
        for i in range(steps)
    ]


def _steps(steps: Any) -> DimLike:
    found = as_size(steps, "steps")
    if isinstance(found, int) and found < 0:
        fail("number of steps must be non-negative")
    return found


def _endpoint(value: Any, name: str) -> Any:
    if isinstance(value, TensorType) and value.shape:
        fail(f"linspace only supports 0-dimensional start and end tensors, but got {name} with {len(value.shape)} dims")
    return _number(value, name)


def _spaced_dtype(dtype: Any, *values: Any) -> str | None:
    kinds = [v.dtype if isinstance(v, TensorType) else scalar_dtype(v) for v in values if not isinstance(v, Unknown)]
    return wanted(dtype, "c64" if any(kind is not None and is_complex(kind) for kind in kinds) else DEFAULT)


@op("torch.linspace", mil=CONST)
def linspace(
    start: Any, end: Any, steps: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """`steps` points from `start` to `end`, both included."""
    target, size = _spaced_dtype(dtype, start, end), _steps(steps)
    first, last = _endpoint(start, "start"), _endpoint(end, "end")
    if target is not None and is_integral(target):
        return TensorType((size,), target)
    return made((size,), target, _spaced(first, last, size, target))


@op("torch.logspace", mil=CONST)
def logspace(
    start: Any, end: Any, steps: Any, base: Any = 10.0, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """`steps` powers of `base`."""
    target, size = _spaced_dtype(dtype, start, end), _steps(steps)
    points = _spaced(_endpoint(start, "start"), _endpoint(end, "end"), size, target)
    if (
        points is None
        or not isinstance(base, (int, float))
        or base <= 0
        or (target is not None and is_integral(target))
    ):
        return TensorType((size,), target)
    try:
        return made((size,), target, [float(base) ** point for point in points])
    except OverflowError:
        return TensorType((size,), target)


@op("torch.eye", mil=CONST)
def eye(
    n: Any, m: Any = None, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """The identity matrix."""
    rows = as_size(n, "n")
    columns = rows if m is None else as_size(m, "m")
    for name, size in (("n", rows), ("m", columns)):
        if isinstance(size, int) and size < 0:
            fail(f"{name} must be greater or equal to 0, got {size}")
    target = wanted(dtype, DEFAULT)
    if count((rows, columns)) is None or not isinstance(rows, int) or not isinstance(columns, int):
        return TensorType((rows, columns), target)
    return made((rows, columns), target, [int(i == j) for i in range(rows) for j in range(columns)])


def _triangle(name: str, keep: Any) -> None:
    def rule(
        row: Any, col: Any, offset: Any = 0, *, dtype: Any = None, device: Any = None, layout: Any = None,
        pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        rows, columns = as_size(row, "row"), as_size(col, "col")
        for label, size in (("row", rows), ("col", columns)):
            if isinstance(size, int) and size < 0:
                fail(f"{label} must be non-negative, got {size}")
        target = wanted(dtype, "i64")
        if target is not None and target not in ("i64", "i32"):
            fail(f"{name} is not implemented for {target}")
        if not isinstance(rows, int) or not isinstance(columns, int) or not isinstance(offset, int):
            return TensorType((2, dims.fresh()), target)
        if rows * columns > 1 << 20:
            return TensorType((2, dims.fresh()), target)
        found = [(i, j) for i in range(rows) for j in range(columns) if keep(i, j, offset)]
        return made((2, len(found)), target, [i for i, _ in found] + [j for _, j in found])

    op(f"torch.{name}", mil=CONST)(rule)


_triangle("tril_indices", lambda i, j, offset: j <= i + offset)
_triangle("triu_indices", lambda i, j, offset: j >= i + offset)


# Windows.
def _window(name: str, weights: Sequence[float], *extra: str) -> None:
    def shape_and_dtype(window_length: Any, dtype: Any) -> tuple[DimLike, str | None]:
        size = as_size(window_length, "window_length")
        if isinstance(size, int) and size < 0:
            fail(f"{name} requires non-negative window_length, got {size}")
        target = wanted(dtype, DEFAULT)
        if target is not None and not is_floating(target):
            fail(f"{name} expects floating point dtypes, got {target}")
        return size, target

    def values(size: DimLike, periodic: Any, target: str | None, terms: Sequence[float]) -> TensorType:
        if not isinstance(size, int) or size > LIMIT or not isinstance(periodic, bool) or not terms:
            return TensorType((size,), target)
        if size <= 1:
            return made((size,), target, [1.0] * size)
        span = size if periodic else size - 1
        points = [
            sum((-1) ** k * a * math.cos(2 * math.pi * k * i / span) for k, a in enumerate(terms)) for i in range(size)
        ]
        return made((size,), target, points)

    def rule(
        window_length: Any, periodic: Any = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: Any = False, pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        size, target = shape_and_dtype(window_length, dtype)
        return values(size, periodic, target, weights)

    def hamming(
        window_length: Any, periodic: Any = True, alpha: Any = 0.54, beta: Any = 0.46, *, dtype: Any = None,
        layout: Any = None, device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        size, target = shape_and_dtype(window_length, dtype)
        known = isinstance(alpha, float) and isinstance(beta, float)
        return values(size, periodic, target, (alpha, beta) if known else ())

    def kaiser(
        window_length: Any, periodic: Any = True, beta: Any = 12.0, *, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        size, target = shape_and_dtype(window_length, dtype)
        return TensorType((size,), target)

    chosen = hamming if "alpha" in extra else kaiser if "beta" in extra else rule
    # coremltools 9.0 converts hann_window only (torch_op_coverage); a window of known length is a constant in a trace.
    op(f"torch.{name}", mil=CONST)(chosen)


_window("hann_window", (0.5, 0.5))
_window("hamming_window", (), "alpha")
_window("blackman_window", (0.42, 0.5, 0.08))
_window("bartlett_window", ())
_window("kaiser_window", (), "beta")


# In-place fills.
def _stored_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    return lower.constant_fill(params.get("value", 0))(builder, params, out)


@op("torch.Tensor.zero_", "torch.zero_", inplace=("torch.Tensor.zero_", "torch.zero_"), mil=_stored_ops)
def zero_(input: TensorType) -> TensorType:
    """Sets every element to zero."""
    x = check_tensor(input)
    return filled(x.shape, x.dtype, 0)


@op("torch.fill", "torch.fill_", "torch.Tensor.fill_", inplace=("torch.fill_", "torch.Tensor.fill_"), mil=_stored_ops)
def fill(input: TensorType, value: Any) -> TensorType:
    """Sets every element to one number."""
    x = check_tensor(input)
    if isinstance(value, TensorType) and value.shape:
        fail("fill_ only supports 0-dimension value tensor")
    return filled(x.shape, x.dtype, _fill(value)[0])


def _copy_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    src = params["src"]
    return (
        lower.cast_value(builder, src, out.dtype)
        if src.type.shape == out.shape
        else builder.emit("aten.copy", {"x": params["input"], "src": src}, {}, out)
    )


@op("torch.Tensor.copy_", inplace="torch.Tensor.copy_", mil=_copy_ops)
def copy_(input: TensorType, src: TensorType, non_blocking: Any = False) -> TensorType:
    """Takes over another tensor's elements, broadcast and cast."""
    from ane_lsp.torch_model.constants import expanded
    from ane_lsp.torch_model.shapes import broadcast_to, static

    x, y = check_tensor(input), tensor_or_unknown(src, "src")
    broadcast_to(y.shape, x.shape)
    whole = static(x.shape)
    return (
        made(x.shape, x.dtype, expanded(y, whole))
        if whole is not None and y.data is not None
        else TensorType(x.shape, x.dtype)
    )


@op("torch.vander")
def vander(x: TensorType, N: Any = None, *, increasing: bool = False) -> TensorType:
    """Powers of a vector's elements as columns: (n,) to (n, N), integers and bool as int64."""
    source = tensor_or_unknown(x)
    size: DimLike | None = None if N is None else as_size(N, "N")
    if isinstance(size, int) and size < 0:
        fail("N must be non-negative")
    dtype = sum_result(source.dtype)
    if source.shape is None:
        return TensorType(None, dtype)
    if len(source.shape) != 1:
        fail("x must be a one-dimensional tensor")
    return TensorType((source.shape[0], source.shape[0] if size is None else size), dtype)
