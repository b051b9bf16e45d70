"""Products of vectors, matrices and batches of matrices; linear layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Shape, TensorType, Value, dims
from ane_lsp.torch_model import lower, mil
from ane_lsp.torch_model.args import optional_tensor, promoted_result, tensors_in
from ane_lsp.torch_model.promotion import result_type, sum_result
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_int,
    broadcast,
    broadcast_to,
    check_same_size,
    check_tensor,
    fail,
    int_tuple,
    normalize_dim,
    shape_of,
    tensor_or_unknown,
)

Params = Mapping[str, Any]


def common_dtype(*tensors: TensorType | None) -> str | None:
    """The dtype of tensors that must share one. Raises TorchError where they provably do not."""
    found = {tensor.dtype for tensor in tensors if tensor is not None and tensor.dtype is not None}
    if len(found) > 1:
        fail(f"expected the operands to have the same dtype, but got: {' and '.join(sorted(found))}")
    return found.pop() if found else None


def matmul_shape(left: Shape, right: Shape) -> Shape:
    """The shape of a product. Raises TorchError where the sizes provably do not fit."""
    if not left or not right:
        fail(f"both arguments to matmul need to be at least 1D, but they are {len(left)}D and {len(right)}D")
    rows = left[-2:-1]
    columns = right[-1:] if len(right) > 1 else ()
    check_same_size(left[-1], right[-2] if len(right) > 1 else right[0], "mat1 and mat2 shapes cannot be multiplied")
    batch = broadcast(left[:-2], right[:-2])
    assert batch is not None
    return (*batch, *rows, *columns)


def _known(*tensors: TensorType) -> str | None:
    dtype = common_dtype(*tensors)
    if any(tensor.shape is None for tensor in tensors):
        raise Undetermined("an operand of unknown shape")
    return dtype


def _matmul(input: Any, other: Any) -> TensorType:
    left, right = tensor_or_unknown(input), tensor_or_unknown(other, "other")
    dtype = common_dtype(left, right)
    if left.shape is None or right.shape is None:
        return TensorType(None, dtype)
    return TensorType(matmul_shape(left.shape, right.shape), dtype)


def product(b: Lowering, x: Value, y: Value, out: TensorType) -> Value:
    """A matrix product: ``linear`` where the right side is a constant matrix (its transpose folds), else ``matmul``."""
    if y.is_const and y.type.rank == 2 and x.type.rank is not None and x.type.rank <= 3:
        weight = mil.transpose(b, y, (1, 0))
        return b.emit("linear", {"x": x, "weight": weight}, {}, out)
    return mil.matmul(b, x, y, out)


def _matmul_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, y = list(params.values())[:2]
    return product(b, x, y, out)


@op("torch.matmul", "torch.Tensor.matmul", "torch.Tensor.__matmul__", "torch.linalg.matmul", mil=_matmul_mil)
def matmul(input: TensorType, other: TensorType) -> TensorType:
    return _matmul(input, other)


@op("torch.Tensor.__rmatmul__", mil=lambda b, params, out: product(b, params["other"], params["input"], out))
def rmatmul(input: TensorType, other: TensorType) -> TensorType:
    return _matmul(other, input)


def _ranked(tensor: TensorType, rank: int, what: str) -> TensorType:
    if tensor.shape is not None and len(tensor.shape) != rank:
        fail(f"{what} must be a {rank}D tensor, but it is {len(tensor.shape)}D")
    return tensor


def _of_rank(input: Any, other: Any, ranks: tuple[int, int], what: str) -> TensorType:
    left = _ranked(tensor_or_unknown(input), ranks[0], f"{what}: self")
    right = _ranked(tensor_or_unknown(other, "other"), ranks[1], f"{what}: the second operand")
    found = _matmul(left, right)
    if ranks == (3, 3) and left.shape is not None and right.shape is not None:
        batch = check_same_size(left.shape[0], right.shape[0], "batch1 and batch2 must have same number of batches")
        return TensorType((batch, left.shape[1], right.shape[2]), found.dtype)
    return found


@op("torch.mm", "torch.Tensor.mm", "torch.spmm", "torch.dsmm", mil=_matmul_mil)
def mm(input: TensorType, mat2: TensorType) -> TensorType:
    return _of_rank(input, mat2, (2, 2), "mm")


@op("torch.bmm", "torch.Tensor.bmm", mil=_matmul_mil)
def bmm(input: TensorType, mat2: TensorType) -> TensorType:
    return _of_rank(input, mat2, (3, 3), "bmm")


def _mv_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, vec = params["input"], params["vec"]
    column = mil.expand_dims(b, vec, (1,))
    wide = mil.matmul(b, x, column, TensorType((*(out.shape or ()), 1), out.dtype))
    return mil.squeeze(b, wide, (1,), out)


@op("torch.mv", "torch.Tensor.mv", mil=_mv_mil)
def mv(input: TensorType, vec: TensorType) -> TensorType:
    return _of_rank(input, vec, (2, 1), "mv")


def _dot_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, y = list(params.values())[:2]
    axis = params.get("dim", 0)
    return mil.reduce(b, "reduce_sum", mil.elementwise(b, "mul", x, y), (axis,), False, out)


@op("torch.dot", "torch.Tensor.dot", mil=_dot_mil)
def dot(input: TensorType, tensor: TensorType) -> TensorType:
    return _of_rank(input, tensor, (1, 1), "dot")


@op("torch.vdot", "torch.Tensor.vdot")
def vdot(input: TensorType, other: TensorType) -> TensorType:
    return _of_rank(input, other, (1, 1), "vdot")


@op("torch.linalg.vecdot", mil=_dot_mil)
@promoted_result
def vecdot(x: TensorType, y: TensorType, *, dim: Any = -1) -> TensorType:
    if len(shape_of(x)) == len(shape_of(y)) == 1:
        check_same_size(shape_of(x)[0], shape_of(y)[0], "inconsistent tensor size")
    shape = broadcast(shape_of(x), shape_of(y)) or ()
    dtype = common_dtype(x, y)
    axis = normalize_dim(dim, len(shape))
    return TensorType(tuple(size for i, size in enumerate(shape) if i != axis), dtype)


@op("torch.inner", "torch.Tensor.inner")
@promoted_result
def inner(input: TensorType, other: TensorType) -> TensorType:
    left, right = shape_of(input), shape_of(check_tensor(other, "other"))
    if not left or not right:
        return TensorType(left or right, result_type(input, other))
    dtype = common_dtype(input, other)
    check_same_size(left[-1], right[-1], "inner() the last dimension must match on both input tensors")
    return TensorType((*left[:-1], *right[:-1]), dtype)


def _outer_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, y = params["input"], params["vec2"]
    rows, columns = mil.shape_of(x)[0], mil.shape_of(y)[0]
    return mil.matmul(b, mil.reshape(b, x, (rows, 1)), mil.reshape(b, y, (1, columns)), out)


@op("torch.outer", "torch.Tensor.outer", "torch.ger", "torch.Tensor.ger", mil=_outer_mil)
@promoted_result
def outer(input: TensorType, vec2: TensorType) -> TensorType:
    left, right = shape_of(input), shape_of(check_tensor(vec2, "vec2"))
    if len(left) != 1 or len(right) != 1:
        fail("outer: Expected 1-D arguments")
    return TensorType((left[0], right[0]), result_type(input, vec2))


def _added(input: Any, found: TensorType) -> TensorType:
    """`found` plus `input`, which must broadcast to it."""
    base = tensor_or_unknown(input)
    dtype = common_dtype(base, found)
    broadcast_to(base.shape, found.shape)
    return TensorType(found.shape, dtype)


def _addmm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, left, right = list(params.values())[:3]
    beta, alpha = params["beta"], params["alpha"]
    if right.is_const and x.is_const and x.type.rank == 1 and beta == 1 and alpha == 1 and right.type.rank == 2:
        return b.emit("linear", {"x": left, "weight": mil.transpose(b, right, (1, 0)), "bias": x}, {}, out)
    if beta != 1:
        x = mil.elementwise(b, "mul", x, beta)
    found = mil.matmul(b, left, right, out)
    if alpha != 1:
        found = mil.elementwise(b, "mul", found, alpha)
    return mil.elementwise(b, "add", x, found, out)


@op("torch.addmm", "torch.Tensor.addmm", inplace="torch.Tensor.addmm_", mil=_addmm_mil)
def addmm(input: TensorType, mat1: TensorType, mat2: TensorType, *, beta: Any = 1, alpha: Any = 1) -> TensorType:
    return _added(input, _of_rank(mat1, mat2, (2, 2), "addmm"))


def _baddbmm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, left, right = list(params.values())[:3]
    if params["alpha"] != 1:
        left = mil.elementwise(b, "mul", left, params["alpha"])
    found = mil.matmul(b, left, right, out)
    if params["beta"] == 0 and x.type.shape == out.shape:
        return found
    if params["beta"] != 1:
        x = mil.elementwise(b, "mul", x, params["beta"])
    return mil.elementwise(b, "add", x, found, out)


@op("torch.baddbmm", "torch.Tensor.baddbmm", inplace="torch.Tensor.baddbmm_", mil=_baddbmm_mil)
def baddbmm(input: TensorType, batch1: TensorType, batch2: TensorType, *, beta: Any = 1, alpha: Any = 1) -> TensorType:
    return _added(input, _of_rank(batch1, batch2, (3, 3), "baddbmm"))


@op("torch.addbmm", "torch.Tensor.addbmm", inplace="torch.Tensor.addbmm_")
def addbmm(input: TensorType, batch1: TensorType, batch2: TensorType, *, beta: Any = 1, alpha: Any = 1) -> TensorType:
    found = _of_rank(batch1, batch2, (3, 3), "addbmm")
    return _added(input, TensorType(None if found.shape is None else found.shape[1:], found.dtype))


@op("torch.addmv", "torch.Tensor.addmv", inplace="torch.Tensor.addmv_")
def addmv(input: TensorType, mat: TensorType, vec: TensorType, *, beta: Any = 1, alpha: Any = 1) -> TensorType:
    return _added(input, _of_rank(mat, vec, (2, 1), "addmv"))


@op("torch.addr", "torch.Tensor.addr", inplace="torch.Tensor.addr_")
@promoted_result
def addr(input: TensorType, vec1: TensorType, vec2: TensorType, *, beta: Any = 1, alpha: Any = 1) -> TensorType:
    found = outer(vec1, vec2)
    broadcast_to(shape_of(input), found.shape)
    return TensorType(found.shape, result_type(input, vec1, vec2))


@op("torch.functional.chain_matmul", "torch.chain_matmul")
def chain_matmul(*matrices: Any) -> TensorType:
    return _chain([_ranked(tensor, 2, "chain_matmul: every tensor") for tensor in tensors_in(matrices)])


@op("torch.linalg.multi_dot")
def multi_dot(tensors: Any) -> TensorType:
    found = tensors_in(tensors)
    if len(found) < 2:
        fail("multi_dot(): expected at least 2 tensors")
    if any(t.shape is None for t in found):
        return TensorType(None, common_dtype(*found))
    for place, tensor in enumerate(found):
        rank = len(shape_of(tensor))
        if rank != 2 and not (rank == 1 and place in (0, len(found) - 1)):
            fail(f"multi_dot(): tensor {place} must be 2D but got {rank}D")
    return _chain(found)


def _chain(found: list[TensorType]) -> TensorType:
    if not found:
        fail("chain_matmul(): Expected one or more matrices")
    result = found[0]
    for tensor in found[1:]:
        result = _matmul(result, tensor)
    return result


@op("torch.functional.tensordot", "torch.tensordot")
@promoted_result
def tensordot(a: TensorType, b: TensorType, dims: Any = 2) -> TensorType:
    left, right = shape_of(check_tensor(a, "a")), shape_of(check_tensor(b, "b"))
    if isinstance(dims, (tuple, list)) and len(dims) == 2:
        first, second = int_tuple(dims[0], "dims"), int_tuple(dims[1], "dims")
    else:
        count = as_int(dims, "dims")
        if count < 0:
            fail(f"tensordot expects dims >= 0, but got dims={count}")
        if count > min(len(left), len(right)):
            fail(f"tensordot expects dims < ndim_a or ndim_b, but got dims={count}")
        first, second = tuple(range(len(left) - count, len(left))), tuple(range(count))
    if len(first) != len(second):
        fail("both dimension lists should have same length")
    dtype = common_dtype(a, b)
    gone_a = [normalize_dim(d, len(left)) for d in first]
    gone_b = [normalize_dim(d, len(right)) for d in second]
    for x, y in zip(gone_a, gone_b, strict=True):
        if left[x] != 1 and right[y] != 1:
            check_same_size(left[x], right[y], "contracted dimensions need to match")
    rest = [size for i, size in enumerate(left) if i not in gone_a] + [
        s for i, s in enumerate(right) if i not in gone_b
    ]
    return TensorType(tuple(rest), dtype)


def linear_op(b: Lowering, x: Value, weight: Value, bias: Value | None, out: TensorType) -> Value:
    """A linear layer: ``linear`` for constant weights, else ``matmul`` and ``add``."""
    if weight.is_const and (bias is None or bias.is_const) and weight.type.rank == 2:
        return b.emit("linear", {"x": x, "weight": weight, "bias": bias}, {}, out)
    found = mil.matmul(b, x, weight, out, transpose_y=True)
    return found if bias is None else mil.elementwise(b, "add", found, bias, out)


def _linear_mil(b: Lowering, params: Params, out: Any) -> Value:
    bias = params["bias"]
    return linear_op(b, params["input"], params["weight"], bias if isinstance(bias, Value) else None, out)


@op("torch.nn.functional.linear", "torch._C._nn.linear", mil=_linear_mil)
def linear(input: TensorType, weight: TensorType, bias: Any = None) -> TensorType:
    x, w = tensor_or_unknown(input), tensor_or_unknown(weight, "weight")
    offset = optional_tensor(bias, "bias")
    dtype = common_dtype(x, w, offset)
    if w.shape is not None and len(w.shape) not in (1, 2):
        fail(f"both arguments to linear need to fit: weight is {len(w.shape)}D")
    if x.shape is None or w.shape is None:
        return TensorType(None, dtype)
    if not x.shape:
        fail("both arguments to linear need to be at least 1D")
    check_same_size(x.shape[-1], w.shape[-1], "mat1 and mat2 shapes cannot be multiplied")
    shape = (*x.shape[:-1], *w.shape[:-1])
    if offset is not None and offset.shape is not None:
        if len(w.shape) == 1 and len(x.shape) == 2:
            fail("linear(): a bias needs a weight of two dimensions")
        broadcast_to(offset.shape, shape)
    return TensorType(shape, dtype)


@op("torch.bilinear", "torch.nn.functional.bilinear")
@promoted_result
def bilinear(input1: TensorType, input2: TensorType, weight: TensorType, bias: Any = None) -> TensorType:
    left, right, w = shape_of(input1), shape_of(input2), shape_of(weight)
    if len(left) != len(right):
        fail("bilinear(): input dimensions do not match")
    if len(w) != 3:
        fail("bilinear(): weight must be 3D")
    for a, c in zip(left[:-1], right[:-1], strict=True):
        check_same_size(a, c, "bilinear(): input batch dimensions do not match")
    check_same_size(left[-1], w[1], "bilinear(): input1 size does not match weight size")
    check_same_size(right[-1], w[2], "bilinear(): input2 size does not match weight size")
    offset = optional_tensor(bias, "bias")
    if offset is not None and offset.shape is not None:
        check_same_size(dims.product(offset.shape), w[0], "bilinear(): bias size does not match weight size")
    return TensorType((*left[:-1], w[0]), common_dtype(input1, input2, weight, offset))


def _grouped_mm(input: Any, mat2: Any, offs: Any = None) -> TensorType:
    left, right = tensor_or_unknown(input), tensor_or_unknown(mat2, "mat2")
    groups = optional_tensor(offs, "offs")
    dtype = common_dtype(left, right)
    if left.shape is None or right.shape is None:
        return TensorType(None, dtype)
    ranks = (len(left.shape), len(right.shape))
    if any(rank not in (2, 3) for rank in ranks):
        fail("grouped_mm: operands have to be 2 or 3 dimensional")
    if ranks == (2, 2):
        count = groups.shape[0] if groups is not None and groups.shape else dims.fresh()
        return TensorType((count, left.shape[0], right.shape[1]), dtype)
    check_same_size(left.shape[-1], right.shape[-2], "contraction dimension of mat_a and mat_b must match")
    if ranks == (2, 3):
        return TensorType((left.shape[0], right.shape[2]), dtype)
    if ranks == (3, 2):
        return TensorType((left.shape[1], right.shape[1]), dtype)
    check_same_size(left.shape[0], right.shape[0], "batched dimension has to match")
    return TensorType((left.shape[0], left.shape[1], right.shape[2]), dtype)


@op("torch._grouped_mm")
def grouped_mm_private(
    input: TensorType, mat2: TensorType, offs: Any = None, bias: Any = None, out_dtype: str | None = None
) -> TensorType:
    found = _grouped_mm(input, mat2, offs)
    return found if out_dtype is None else found.with_dtype(out_dtype)


@op("torch.nn.functional.grouped_mm")
def grouped_mm(
    mat_a: TensorType, mat_b: TensorType, *, offs: Any = None, bias: Any = None, out_dtype: str | None = None
) -> TensorType:
    found = _grouped_mm(mat_a, mat_b, offs)
    return found if out_dtype is None else found.with_dtype(out_dtype)


def _cross_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, y = params["input"], params["other"]
    dim = params["dim"]
    shape = mil.shape_of(x)
    axis = normalize_dim(dim, len(shape)) if dim is not None else next(i for i, s in enumerate(shape) if s == 3)
    x, y = mil.broadcast_to(b, x, out.shape), mil.broadcast_to(b, y, out.shape)
    order = (mil.constant(b, (1, 2, 0), "i32"), mil.constant(b, (2, 0, 1), "i32"))
    plain = TensorType(out.shape, out.dtype)
    turned = [[mil.gather(b, v, o, axis, plain) for o in order] for v in (x, y)]
    first = mil.elementwise(b, "mul", turned[0][0], turned[1][1], plain)
    second = mil.elementwise(b, "mul", turned[0][1], turned[1][0], plain)
    return mil.elementwise(b, "sub", first, second, out)


def _cross(input: TensorType, other: TensorType, dim: Any, default: int | None) -> TensorType:
    left, right = shape_of(input), shape_of(check_tensor(other, "other"))
    dtype = result_type(input, other)
    if len(left) != len(right):
        fail("linalg.cross: inputs must have the same number of dimensions.")
    if dim is None and default is None:
        axis = next((i for i, size in enumerate(left) if size == 3), None)
        if axis is None:
            if all(isinstance(size, int) for size in left):
                fail("no dimension of size 3 in input")
            return TensorType(broadcast(left, right), dtype)
    else:
        axis = normalize_dim(default if dim is None else dim, len(left))
    for shape in (left, right):
        if not shape or dims.equal(shape[axis], 3) is False:
            fail(f"linalg.cross: inputs dimension {dim} must have length 3")
    return TensorType(broadcast(left, right), dtype)


@op("torch.cross", "torch.Tensor.cross", mil=_cross_mil)
@promoted_result
def cross(input: TensorType, other: TensorType, dim: Any = None) -> TensorType:
    return _cross(input, other, dim, None)


@op("torch.linalg.cross")
@promoted_result
def linalg_cross(input: TensorType, other: TensorType, *, dim: Any = -1) -> TensorType:
    return _cross(input, other, dim, -1)


def _trace_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    band = b.emit("band_part", {"x": x}, {"lower": 0, "upper": 0}, x.type)
    return mil.reduce(b, "reduce_sum", lower.cast_value(b, band, out.dtype), None, False, out)


@op("torch.trace", "torch.Tensor.trace", mil=_trace_mil)
@promoted_result
def trace(input: TensorType) -> TensorType:
    if len(shape_of(input)) != 2:
        fail("trace: expected a matrix")
    return TensorType((), sum_result(input.dtype))
