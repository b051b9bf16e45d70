"""Norms and distances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import lower, mil
from ane_lsp.torch_model.args import promoted_result, truth
from ane_lsp.torch_model.promotion import COMPLEX, check_dtype, is_floating, is_integral, promote_types, to_real
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    broadcast,
    check_same_size,
    check_tensor,
    fail,
    normalize_dims,
    reduced,
    shape_of,
)

Params = Mapping[str, Any]


def _dtype(input: TensorType, dtype: Any) -> str | None:
    if isinstance(dtype, Unknown):
        return None
    wanted = check_dtype(dtype) or input.dtype
    if input.dtype is not None and is_integral(input.dtype, boolean=True):
        fail("norm(): Expected a floating point or complex tensor as input. Got " + input.dtype)
    if wanted is not None and input.dtype is not None and promote_types(input.dtype, wanted) != wanted:
        fail(f"norm: the dtype of the input ({input.dtype}) should be convertible without narrowing to {wanted}")
    if wanted is not None and is_integral(wanted, boolean=True):
        fail("norm(): Expected a floating point or complex tensor as input. Got " + wanted)
    return to_real(wanted)


def _reduced(input: TensorType, dim: Any, keepdim: Any, dtype: str | None) -> TensorType:
    shape = shape_of(input)
    keep = truth(keepdim)
    if isinstance(dim, Unknown) or keep is None:
        if keep:
            return TensorType(tuple(dims.fresh() for _ in shape), dtype)
        raise Undetermined("the reduced dimensions are not known")
    axes = range(len(shape)) if dim is None or dim in ((), []) else normalize_dims(dim, len(shape))
    return TensorType(reduced(shape, axes, keep), dtype)


def vector_norm_ops(
    b: Lowering, x: Value, order: Any, axes: tuple[int, ...] | None, keep: bool, out: TensorType
) -> Value:
    """A vector norm as coremltools lowers it: ``reduce_l2_norm`` for 2, maxima for infinity, else powers and a sum."""
    if order == 2 or order in (None, "fro"):
        return mil.reduce(b, "reduce_l2_norm", x, axes, keep, out)
    if order == 0:
        flags = mil.elementwise(b, "not_equal", x, 0.0, TensorType(x.type.shape, "b8"))
        counted = b.emit("cast", {"x": flags}, {"dtype": "int32"}, TensorType(x.type.shape, "i32"))
        return mil.reduce(b, "reduce_sum", counted, axes, keep, out)
    size = mil.unary(b, "abs", x)
    if isinstance(order, (int, float)) and math.isinf(order):
        return mil.reduce(b, "reduce_max" if order > 0 else "reduce_min", size, axes, keep, out)
    if order == 1:
        return mil.reduce(b, "reduce_sum", size, axes, keep, out)
    powered = mil.elementwise(b, "pow", size, float(order))
    total = mil.reduce(b, "reduce_sum", powered, axes, keep, TensorType(out.shape, out.dtype))
    return mil.elementwise(b, "pow", total, 1.0 / float(order), out)


def _axes(dim: Any) -> tuple[int, ...] | None:
    if dim is None or dim in ((), []):
        return None
    return tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)


def _norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = lower.first(params)
    order = params.get("p", params.get("ord"))
    dim = params["dim"]
    axes = _axes(dim)
    matrix = ("A" in params or "p" not in params) and axes is not None and len(axes) == 2
    if x.type.shape is None or isinstance(order, Unknown) or order == "nuc":
        return mil.refused(b, "norm", {"x": x}, out)  # type: ignore[no-any-return]
    x = lower.cast_value(b, x, out.dtype)
    if matrix and "x" not in params and order not in (None, "fro"):
        return _matrix_norm_ops(b, x, order, axes or (-2, -1), bool(params["keepdim"]), out)
    return vector_norm_ops(b, x, order, axes, bool(params["keepdim"]), out)


def _matrix_norm_ops(b: Lowering, x: Value, order: Any, axes: tuple[int, ...], keep: bool, out: TensorType) -> Value:
    if order not in (1, -1, math.inf, -math.inf):
        return mil.refused(b, "linalg_matrix_norm", {"x": x}, out)  # type: ignore[no-any-return]
    size = mil.unary(b, "abs", x)
    first = axes[1] if math.isinf(order) else axes[0]
    total = mil.reduce(b, "reduce_sum", size, (first,), True)
    return mil.reduce(b, "reduce_max" if order > 0 else "reduce_min", total, axes, keep, out)


@op("torch.functional.norm", "torch.norm", "torch.Tensor.norm", mil=_norm_mil)
@promoted_result
def norm(
    input: TensorType, p: Any = "fro", dim: Any = None, keepdim: Any = False, out: Any = None, dtype: Any = None
) -> TensorType:
    check_tensor(input)
    if p == "nuc" and dim is not None and not isinstance(dim, Unknown):
        axes = dim if isinstance(dim, (tuple, list)) else (dim,)
        if len(axes) != 2:
            fail("linalg.matrix_norm: dim must be a 2-tuple")
    elif p == "fro" and isinstance(dim, (tuple, list)) and len(dim) > 2:
        fail("linalg.matrix_norm: dim must be a 2-tuple")
    elif p == "nuc" and len(shape_of(input)) != 2:
        fail("linalg.matrix_norm: the input must have 2 dimensions")
    elif isinstance(p, str) and p not in ("fro", "nuc"):
        fail(f"Unknown norm order: {p}")
    return _reduced(input, dim, keepdim, _dtype(input, dtype))


@op("torch.linalg.vector_norm", mil=_norm_mil)
@promoted_result
def vector_norm(x: TensorType, ord: Any = 2, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> TensorType:
    check_tensor(x, "x")
    if isinstance(ord, str):
        fail("linalg.vector_norm(): argument 'ord' must be Number", TypeError)
    _check_reducible(x, ord, dim)
    return _reduced(x, dim, keepdim, _dtype(x, dtype))


def _check_reducible(x: TensorType, order: Any, dim: Any) -> None:
    """Norms without an identity (negative and infinite orders) need elements to reduce."""
    if x.shape is None or isinstance(order, (Unknown, str)) or order is None or isinstance(dim, Unknown):
        return
    if order < 0 or math.isinf(order):
        axes = range(len(x.shape)) if dim is None or dim in ((), []) else normalize_dims(dim, len(x.shape))
        if any(x.shape[axis] == 0 for axis in axes if axis < len(x.shape)):
            fail(f"linalg.vector_norm cannot compute the {order} norm on an empty tensor")


@op("torch.linalg.norm", mil=_norm_mil)
@promoted_result
def linalg_norm(
    A: TensorType, ord: Any = None, dim: Any = None, keepdim: Any = False, *, dtype: Any = None
) -> TensorType:
    shape = shape_of(A)
    if isinstance(dim, Unknown) or isinstance(ord, Unknown):
        return _reduced(A, dim, keepdim, _dtype(A, dtype))
    axes = None if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    if axes is not None and len(axes) not in (1, 2):
        fail(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(axes)}")
    if axes is None and ord is not None and len(shape) not in (1, 2):
        fail("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D")
    matrix = ord is not None and (len(axes) == 2 if axes is not None else len(shape) == 2)
    if matrix:
        _check_matrix_order(ord, A.dtype)
        if len(shape) < 2:
            fail("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    elif isinstance(ord, str):
        fail("linalg.norm: a string order needs a matrix")
    return _reduced(A, dim, keepdim, _dtype(A, dtype))


def _check_matrix_order(order: Any, dtype: str | None) -> None:
    if order in ("nuc", 2, -2) and dtype in ("f16", "bf16"):
        fail(f"linalg.matrix_norm: Low precision dtypes not supported. Got {dtype}")
    if order not in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        fail(f"linalg.matrix_norm: Order {order} not supported.")


@op("torch.linalg.matrix_norm", mil=_norm_mil)
@promoted_result
def matrix_norm(
    A: TensorType, ord: Any = "fro", dim: Any = (-2, -1), keepdim: Any = False, *, dtype: Any = None
) -> TensorType:
    shape = shape_of(A)
    if len(shape) < 2:
        fail("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if not isinstance(dim, Unknown):
        axes = dim if isinstance(dim, (tuple, list)) else (dim,)
        if len(axes) != 2:
            fail("linalg.matrix_norm: dim must be a 2-tuple of ints")
        normalize_dims(axes, len(shape))
    if not isinstance(ord, Unknown):
        _check_matrix_order(ord, A.dtype)
    return _reduced(A, dim, keepdim, _dtype(A, dtype))


@op("torch.dist", "torch.Tensor.dist")
def dist(input: TensorType, other: TensorType, p: Any = 2) -> TensorType:
    broadcast(check_tensor(input).shape, check_tensor(other, "other").shape)
    return TensorType((), _floating(input, other))


def _floating(left: TensorType, right: TensorType) -> str | None:
    if left.dtype is None or right.dtype is None:
        return None
    found = promote_types(left.dtype, right.dtype)
    if is_integral(found, boolean=True):
        fail("norm(): Expected a floating point or complex tensor as input")
    return to_real(found)


@op("torch.functional.cdist", "torch.cdist")
@promoted_result
def cdist(
    x1: TensorType, x2: TensorType, p: Any = 2.0, compute_mode: Any = "use_mm_for_euclid_dist_if_necessary"
) -> TensorType:
    left, right = shape_of(x1), shape_of(x2)
    if len(left) < 2 or len(right) < 2:
        fail("cdist only supports at least 2D tensors")
    check_same_size(left[-1], right[-1], "X1 and X2 must have the same number of columns")
    if isinstance(p, (int, float)) and p < 0:
        fail("cdist only supports non-negative p values")
    for tensor in (x1, x2):
        if tensor.dtype is not None and not is_floating(tensor.dtype):
            fail("cdist only supports floating-point dtypes")
    batch = broadcast(left[:-2], right[:-2]) or ()
    dtype = None if None in (x1.dtype, x2.dtype) else promote_types(str(x1.dtype), str(x2.dtype))
    return TensorType((*batch, left[-2], right[-2]), dtype)


@op("torch.pdist", "torch.nn.functional.pdist")
@promoted_result
def pdist(input: TensorType, p: Any = 2) -> TensorType:
    shape = shape_of(input)
    if len(shape) != 2:
        fail(f"pdist only supports 2D tensors, got: {len(shape)}D")
    if input.dtype is not None and not is_floating(input.dtype):
        fail("pdist only supports floating-point dtypes")
    rows = shape[0]
    return TensorType((dims.floordiv(rows * (rows - 1), 2),), input.dtype)


@op("torch.pairwise_distance", "torch.nn.functional.pairwise_distance")
@promoted_result
def pairwise_distance(
    x1: TensorType, x2: TensorType, p: Any = 2.0, eps: Any = 1e-6, keepdim: Any = False
) -> TensorType:
    left, right = shape_of(x1), shape_of(x2)
    longer = left if len(left) >= len(right) else right
    if not longer:
        raise Undetermined("distance of 0-d tensors")
    shape: Shape = broadcast(left, right) or ()
    dtype = None if None in (x1.dtype, x2.dtype) else promote_types(str(x1.dtype), str(x2.dtype))
    if dtype is not None and is_integral(dtype, boolean=True):
        dtype = "f32"
    return _reduced(TensorType(shape, dtype), -1, keepdim, dtype)


def _cosine_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, y, dim, eps = params["x1"], params["x2"], params["dim"], params["eps"]
    small = TensorType(out.shape, out.dtype)
    xy, xx, yy = (
        mil.reduce(b, "reduce_sum", mil.elementwise(b, "mul", *pair), (dim,), False, small)
        for pair in ((x, y), (x, x), (y, y))
    )
    bounded = mil.elementwise(b, "maximum", mil.elementwise(b, "mul", xx, yy, small), float(eps) ** 2, small)
    return mil.elementwise(b, "real_div", xy, mil.unary(b, "sqrt", bounded, small), out)


@op("torch.cosine_similarity", "torch.nn.functional.cosine_similarity", mil=_cosine_mil)
@promoted_result
def cosine_similarity(x1: TensorType, x2: TensorType, dim: Any = 1, eps: Any = 1e-8) -> TensorType:
    shape = broadcast(shape_of(x1), shape_of(x2)) or ()
    dtype = None if None in (x1.dtype, x2.dtype) else promote_types(str(x1.dtype), str(x2.dtype))
    if dtype is not None and dtype not in COMPLEX and not is_floating(dtype):
        fail("expected common dtype to be floating point, yet common dtype is " + dtype)
    return _reduced(TensorType(shape, dtype), dim, False, dtype)


@op("torch.renorm", "torch.Tensor.renorm", inplace="torch.Tensor.renorm_")
@promoted_result
def renorm(input: TensorType, p: Any, dim: Any, maxnorm: Any) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 2:
        fail("renorm: input needs at least 2 dimensions")
    normalize_dims(dim, len(shape))
    if isinstance(p, (int, float)) and p <= 0:
        fail("renorm: non-positive-norm not supported")
    if isinstance(maxnorm, (int, float)) and maxnorm < 0:
        fail("renorm: expected maxnorm to be >= 0")
    return TensorType(shape, input.dtype)
