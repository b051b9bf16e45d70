"""Reading and writing by index tensors and masks: gather, scatter, index_*, masked_*, take, searchsorted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import constants, elements, lower, mil
from ane_lsp.torch_model.args import tensor_result, truth
from ane_lsp.torch_model.ops.rearranging import diagonal
from ane_lsp.torch_model.promotion import can_cast, is_number, scalar_dtype
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    broadcast,
    broadcast_to,
    check_tensor,
    fail,
    normalize_dim,
    same_shape,
    shape_of,
    tensor_or_unknown,
)
from ane_lsp.torch_model.subscripts import parse

Params = Mapping[str, Any]
_INDEX = ("i64", "i32")


def _same_dtype(left: TensorType, right: TensorType, what: str) -> None:
    if left.dtype is not None and right.dtype is not None and left.dtype != right.dtype:
        fail(f"{what}: expected self.dtype to be equal to src.dtype, got {left.dtype} and {right.dtype}")


def _check_index(index: TensorType, what: str, allowed: tuple[str, ...] = _INDEX) -> None:
    if index.dtype is not None and index.dtype not in allowed:
        fail(f"{what}(): Expected dtype int64 for index")


def _is_empty(shape: Shape) -> bool:
    return any(size == 0 for size in shape)


def _maybe_empty(shape: Shape) -> bool:
    """Whether there may be no elements: then torch does not look at the rest."""
    return any(dims.less(0, size) is not True for size in shape)


def _fits(index: Shape, other: Shape, skip: int | None, what: str) -> None:
    """No size of `index` may exceed that of `other`, `skip` aside; 0-d counts as one element."""
    left, right = index or (1,), other or (1,)
    if len(left) != len(right):
        fail(f"{what}: Index tensor must have the same number of dimensions as the other tensor")
    for axis, (a, b) in enumerate(zip(left, right, strict=True)):
        if axis != skip and dims.less(b, a):
            fail(f"{what}: Expected index {list(index)} to be no larger than {list(other)} apart from dimension {skip}")


def _gather_mil(b: Lowering, params: Params, out: Any) -> Value:
    return b.emit("gather_along_axis", {"x": params["input"], "indices": params["index"]}, {"axis": params["dim"]}, out)


@op("torch.gather", "torch.Tensor.gather", mil=_gather_mil)
@tensor_result
def gather(input: TensorType, dim: Any, index: TensorType, *, sparse_grad: bool = False) -> TensorType:
    check_tensor(input)
    found = tensor_or_unknown(index, "index")
    if found.shape is not None and not _maybe_empty(found.shape):
        _check_index(found, "gather")
    if found.shape is None or input.shape is None:
        return TensorType(found.shape, input.dtype)
    axis = normalize_dim(dim, len(input.shape))
    if not _maybe_empty(found.shape):
        _fits(found.shape, input.shape, axis, "gather")
    return _gathered(input, axis, found)


def _gathered(input: TensorType, axis: int, index: TensorType) -> TensorType:
    source, where = elements.contents(input), elements.contents(index)
    if source is None or where is None:
        return TensorType(index.shape, input.dtype)
    shape, data = source
    steps, own = elements.strides_of(shape), elements.strides_of(where[0])
    out = []
    for place, item in enumerate(where[1]):
        at = int(item.real)
        if not -shape[axis] <= at < shape[axis] if shape else at not in (0, -1):
            fail("index out of bounds")
        spot = 0
        for i, step in enumerate(steps):
            coordinate = place // own[i] % where[0][i] if own else 0
            spot += (at % shape[i] if i == axis else coordinate) * step
        out.append(data[spot])
    return TensorType(index.shape, input.dtype, tuple(out))


def _scatter_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    given = params.get("src") if params.get("src") is not None else params.get("value")
    index: Value = params["index"]
    mode = {None: "update", "add": "add", "multiply": "mul", "sum": "add"}.get(params.get("reduce"))
    if mode is None or ("include_self" in params and params["reduce"] != "sum"):
        return mil.refused(b, "scatter_reduce", mil.tensors(params), out)  # type: ignore[no-any-return]
    if not isinstance(given, Value):
        fill = TensorType(index.type.shape, x.type.dtype)
        given = b.emit("fill", {}, {"shape": index.type.shape, "value": given}, fill)
    inputs = {"data": x, "indices": index, "updates": given}
    return b.emit("scatter_along_axis", inputs, {"axis": params["dim"], "mode": mode}, out)


def _scattered(input: TensorType, dim: Any, index: Any, src: Any, what: str) -> TensorType:
    check_tensor(input)
    found = tensor_or_unknown(index, "index")
    if found.shape is not None and not _maybe_empty(found.shape):
        _check_index(found, what)
    plain = TensorType(input.shape, input.dtype)
    if isinstance(src, TensorType):
        _same_dtype(input, src, what)
    if input.shape is None or found.shape is None:
        return plain
    axis = normalize_dim(dim, len(input.shape))
    if _maybe_empty(found.shape):
        return plain
    _fits(found.shape, input.shape, axis, what)
    size = input.shape[axis] if input.shape else 1
    if found.data is not None and isinstance(size, int) and any(not 0 <= int(i.real) < size for i in found.data):
        fail(f"index out of bounds for dimension {dim} with size {size}")
    if isinstance(src, TensorType) and src.shape is not None:
        _fits(found.shape, src.shape, None, what)
    return plain


@op("torch.scatter", "torch.Tensor.scatter", inplace="torch.Tensor.scatter_", mil=_scatter_mil)
def scatter(
    input: TensorType, dim: Any, index: TensorType, src: Any = None, value: Any = None, *, reduce: Any = None
) -> TensorType:
    given = src if src is not None else value
    if given is None:
        fail("scatter() missing argument 'src'")
    if not isinstance(given, (TensorType, Unknown)) and not is_number(given):
        fail("scatter(): 'src' must be a Tensor or a number")
    if reduce is not None and reduce not in ("add", "multiply") and not isinstance(reduce, Unknown):
        fail("reduce argument must be either add or multiply.")
    return _scattered(input, dim, index, given, "scatter")


@op(
    "torch.scatter_add",
    "torch.Tensor.scatter_add",
    inplace="torch.Tensor.scatter_add_",
    mil=lambda b, p, out: _scatter_mil(b, {**p, "reduce": "add"}, out),
)
def scatter_add(input: TensorType, dim: Any, index: TensorType, src: TensorType) -> TensorType:
    return _scattered(input, dim, index, tensor_or_unknown(src, "src"), "scatter_add")


@op("torch.scatter_reduce", "torch.Tensor.scatter_reduce", inplace="torch.Tensor.scatter_reduce_")
def scatter_reduce(
    input: TensorType, dim: Any, index: TensorType, src: TensorType, reduce: Any, *, include_self: bool = True
) -> TensorType:
    if not isinstance(reduce, Unknown) and reduce not in ("sum", "prod", "mean", "amax", "amin"):
        fail(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    return _scattered(input, dim, index, tensor_or_unknown(src, "src"), "scatter_reduce")


def _index_select_mil(b: Lowering, params: Params, out: Any) -> Value:
    return mil.gather(b, params["input"], params["index"], params["dim"], out)


@op("torch.index_select", "torch.Tensor.index_select", mil=_index_select_mil)
@tensor_result
def index_select(input: TensorType, dim: Any, index: TensorType) -> TensorType:
    shape = shape_of(input)
    found = tensor_or_unknown(index, "index")
    axis = normalize_dim(dim, len(shape))
    if found.shape is not None and len(found.shape) > 1:
        fail("index_select(): Index is supposed to be a vector", IndexError)
    _check_index(found, "index_select")
    count: DimLike = dims.fresh() if found.shape is None else dims.product(found.shape)
    if not shape:
        if isinstance(count, int) and count != 1:
            fail("index_select(): Index to scalar can have only 1 value")
        return TensorType((), input.dtype, input.data)
    positions = [int(i.real) for i in found.data] if found.data is not None else None
    if positions is not None and isinstance(shape[axis], int):
        if any(not 0 <= i < shape[axis] for i in positions):  # type: ignore[operator]
            fail("index out of range in self")
        if input.data is not None:
            return elements.take_along(input, axis, positions)
    return TensorType((*shape[:axis], count, *shape[axis + 1 :]), input.dtype)


def _indexed(input: TensorType, dim: Any, index: Any, source: Any, what: str, exact: bool) -> TensorType:
    """index_add, index_copy, index_reduce: `source` lies along `dim` where `index` says."""
    check_tensor(input)
    found = tensor_or_unknown(index, "index")
    given = tensor_or_unknown(source, "source")
    _check_index(found, what, _INDEX if exact is False else ("i64",))
    _same_dtype(input, given, what)
    plain = TensorType(input.shape, input.dtype)
    if input.shape is None:
        return plain
    axis = normalize_dim(dim, len(input.shape))
    if found.shape is not None and len(found.shape) > 1:
        fail(f"{what}(): Index is supposed to be a vector", IndexError)
    if found.shape is None or given.shape is None:
        return plain
    count = dims.product(found.shape)
    if given.shape == () or input.shape == ():
        scalars = dims.product(given.shape)
        if dims.equal(scalars, count) is False:
            fail(
                f"{what}(): Number of indices ({count}) should be equal to the number of elements of source ({scalars})",
                IndexError,
            )
        if len(given.shape) > max(len(input.shape), 1) or (given.shape == () and len(input.shape) > 1):
            fail(f"{what}(): source and self must have the same number of dimensions")
        return plain
    if len(given.shape) != len(input.shape):
        fail(f"{what}(): source and self must have the same number of dimensions")
    for i, (a, c) in enumerate(zip(given.shape, input.shape, strict=True)):
        if dims.equal(a, count if i == axis else c) is False:
            raises = IndexError if i == axis and what == "index_copy" else RuntimeError
            fail(
                f"{what}(): source {list(given.shape)} does not fit self {list(input.shape)} and {count} indices",
                raises,
            )
    return plain


@op("torch.index_add", "torch.Tensor.index_add", inplace="torch.Tensor.index_add_")
def index_add(input: TensorType, dim: Any, index: TensorType, source: TensorType, *, alpha: Any = 1) -> TensorType:
    return _indexed(input, dim, index, source, "index_add", False)


@op("torch.index_copy", "torch.Tensor.index_copy", inplace="torch.Tensor.index_copy_")
def index_copy(input: TensorType, dim: Any, index: TensorType, source: TensorType) -> TensorType:
    return _indexed(input, dim, index, source, "index_copy", True)


@op("torch.index_reduce", "torch.Tensor.index_reduce", inplace="torch.Tensor.index_reduce_")
def index_reduce(
    input: TensorType, dim: Any, index: TensorType, source: TensorType, reduce: Any, *, include_self: bool = True
) -> TensorType:
    if not isinstance(reduce, Unknown) and reduce not in ("prod", "mean", "amax", "amin"):
        fail("reduce argument must be either prod, mean, amax or amin")
    return _indexed(input, dim, index, source, "index_reduce", False)


@op("torch.index_fill", "torch.Tensor.index_fill", inplace="torch.Tensor.index_fill_")
def index_fill(input: TensorType, dim: Any, index: TensorType, value: Any) -> TensorType:
    check_tensor(input)
    found = tensor_or_unknown(index, "index")
    _check_index(found, "index_fill", ("i64",))
    if isinstance(value, TensorType) and value.shape not in ((), None):
        fail("index_fill_ only supports a 0-dimensional value tensor")
    if input.shape is not None:
        normalize_dim(dim, len(input.shape))
    if found.shape is not None and len(found.shape) > 1:
        fail("Index has to be a vector/scalar")
    return TensorType(input.shape, input.dtype)


def _index_put_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, values = params["input"], params["values"]
    indices = params["indices"]
    mode = "add" if params["accumulate"] else "update"
    if any(not isinstance(i, Value) for i in indices) or not indices:
        return mil.refused(b, "index_put", mil.tensors(params), out)  # type: ignore[no-any-return]
    first: Value = indices[0]
    if first.type.dtype == "b8":
        hits = TensorType((dims.fresh(), len(mil.shape_of(first))), "i32")
        index = b.emit("non_zero", {"x": first}, {}, hits)
    elif len(indices) == 1:
        index = mil.expand_dims(b, first, (len(mil.shape_of(first)),))
    else:
        shape = broadcast(*(i.type.shape for i in indices)) or ()
        columns = tuple(mil.broadcast_to(b, i, shape) for i in indices)
        index = b.emit("stack", {"values": columns}, {"axis": len(shape)}, TensorType((*shape, len(columns)), "i32"))
    return b.emit("scatter_nd", {"data": x, "indices": index, "updates": values}, {"mode": mode}, out)


@op("torch.index_put", "torch.Tensor.index_put", inplace="torch.Tensor.index_put_", mil=_index_put_mil)
def index_put(input: TensorType, indices: Any, values: TensorType, accumulate: Any = False) -> TensorType:
    check_tensor(input)
    given = tensor_or_unknown(values, "values")
    _same_dtype(input, given, "Index put requires the source and destination dtypes match")
    plain = TensorType(input.shape, input.dtype)
    if isinstance(indices, Unknown) or input.shape is None:
        return plain
    if not isinstance(indices, (tuple, list)):
        fail("index_put(): argument 'indices' must be tuple of Tensors", TypeError)
    if any(isinstance(i, Unknown) or (isinstance(i, TensorType) and i.shape is None) for i in indices):
        return plain
    key = tuple(slice(None) if i is None else check_tensor(i) for i in indices)
    target = parse(input.shape, key).shape
    masked = any(isinstance(i, TensorType) and i.dtype in ("b8", "u8") for i in indices)
    # One value for a mask is filled in, whatever its rank.
    if given.shape is not None and not (masked and dims.equal(dims.product(given.shape), 1) is not False):
        broadcast_to(given.shape, target)
    return plain


def _masked_fill_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, mask, value = params["input"], params["mask"], params["value"]
    mask = lower.cast_value(b, mask, "b8")
    like = TensorType((), x.type.dtype)
    filled = lower.cast_value(b, value, x.type.dtype) if isinstance(value, Value) else b.tensor(value, like)
    return b.emit("select", {"cond": mask, "a": filled, "b": x}, {}, out)


@op("torch.masked_fill", "torch.Tensor.masked_fill", inplace="torch.Tensor.masked_fill_", mil=_masked_fill_mil)
def masked_fill(input: TensorType, mask: TensorType, value: Any) -> TensorType:
    check_tensor(input)
    where = tensor_or_unknown(mask, "mask")
    if where.dtype is not None and where.dtype != "b8":
        fail("masked_fill_ only supports boolean masks, but got mask with dtype " + where.dtype)
    if isinstance(value, TensorType):
        if value.shape not in ((), None):
            fail("masked_fill_ only supports a 0-dimensional value tensor")
        kind = value.dtype
    elif isinstance(value, Unknown):
        kind = None
    elif is_number(value):
        kind = scalar_dtype(value)
    else:
        fail("masked_fill(): argument 'value' must be Number or Tensor", TypeError)
    if kind is not None and input.dtype is not None and kind[0] == "c" and not can_cast(kind, input.dtype):
        fail("value cannot be converted to the tensor's type")
    shape = broadcast(input.shape, where.shape)
    number = value.data[0] if isinstance(value, TensorType) and value.data else value
    if input.data is None or where.data is None or input.dtype is None or isinstance(number, (TensorType, Unknown)):
        return TensorType(shape, input.dtype)
    return constants.made(
        shape, input.dtype, constants.elementwise(lambda x, m: number if m else x, shape, input.dtype, input, where)
    )


@op("torch.masked_select", "torch.Tensor.masked_select", tags=("data-dependent",))
def masked_select(input: TensorType, mask: TensorType) -> TensorType:
    check_tensor(input)
    where = tensor_or_unknown(mask, "mask")
    if where.dtype is not None and where.dtype != "b8":
        fail("masked_select: expected BoolTensor for mask")
    shape = broadcast(input.shape, where.shape)
    found = constants.elementwise(bool, shape, "b8", where) if where.data is not None else None
    if found is None:
        return TensorType((dims.fresh(),), input.dtype)
    count = sum(found)
    values = constants.elementwise(lambda x: x, shape, input.dtype, input) if input.data is not None else None
    if values is None:
        return TensorType((count,), input.dtype)
    return TensorType((count,), input.dtype, tuple(v for v, keep in zip(values, found, strict=True) if keep))


@op("torch.masked_scatter", "torch.Tensor.masked_scatter", inplace="torch.Tensor.masked_scatter_")
def masked_scatter(input: TensorType, mask: TensorType, source: TensorType) -> TensorType:
    check_tensor(input)
    where, given = tensor_or_unknown(mask, "mask"), tensor_or_unknown(source, "source")
    if where.dtype is not None and where.dtype != "b8":
        fail("masked_scatter_ only supports boolean masks")
    _same_dtype(input, given, "masked_scatter")
    return TensorType(broadcast(input.shape, where.shape), input.dtype)


@op("torch.take", "torch.Tensor.take")
def take(input: TensorType, index: TensorType) -> TensorType:
    check_tensor(input)
    found = tensor_or_unknown(index, "index")
    _check_index(found, "take", ("i64",))
    if input.shape is not None and found.shape is not None and _is_empty(input.shape) and not _is_empty(found.shape):
        if all(isinstance(size, int) for size in found.shape):
            fail("take(): tried to take from an empty tensor")
    count = len(input.data) if input.data is not None else 0
    if found.data is None or not count:
        return TensorType(found.shape, input.dtype)
    if any(not -count <= int(i.real) < count for i in found.data):
        fail("take(): index out of range", IndexError)
    return elements.picked(
        TensorType((count,), input.dtype, input.data),
        found.shape,
        lambda _: [int(i.real) % count for i in found.data or ()],
    )


@op("torch.put", "torch.Tensor.put", inplace="torch.Tensor.put_")
def put(input: TensorType, index: TensorType, source: TensorType, accumulate: Any = False) -> TensorType:
    check_tensor(input)
    found, given = tensor_or_unknown(index, "index"), tensor_or_unknown(source, "source")
    _check_index(found, "put_", ("i64",))
    _same_dtype(input, given, "put_")
    if found.numel is not None and given.numel is not None and dims.equal(found.numel, given.numel) is False:
        fail("put_(): Expected source and index to have the same number of elements", IndexError)
    count = input.numel
    if isinstance(count, int) and found.data is not None and any(not -count <= int(i.real) < count for i in found.data):
        fail("put_(): index out of range")
    return TensorType(input.shape, input.dtype)


@op("torch.take_along_dim", "torch.Tensor.take_along_dim")
@tensor_result
def take_along_dim(input: TensorType, indices: TensorType, dim: Any = None) -> TensorType:
    shape = shape_of(input)
    found = tensor_or_unknown(indices, "indices")
    _check_index(found, "torch.take_along_dim", ("i64",) if dim is not None else _INDEX)
    if dim is None:
        return TensorType((dims.product(shape_of(found)),), input.dtype)
    index = shape_of(found)
    if len(shape) != len(index):
        fail(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {len(shape)}"
        )
    axis = normalize_dim(dim, len(shape))
    if not shape:
        fail(f"Dimension specified as {dim} but tensor has no dimensions")
    rest = broadcast((*shape[:axis], 1, *shape[axis + 1 :]), (*index[:axis], 1, *index[axis + 1 :])) or ()
    return TensorType((*rest[:axis], index[axis], *rest[axis + 1 :]), input.dtype)


@op("torch.diagonal_scatter", "torch.Tensor.diagonal_scatter")
def diagonal_scatter(input: TensorType, src: TensorType, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> TensorType:
    target = diagonal(input, offset, dim1, dim2)
    same_shape(target.shape, check_tensor(src, "src").shape, "expected src to have a size equal to the slice of self")
    return TensorType(input.shape, input.dtype)


def _positions_dtype(out_int32: Any) -> str | None:
    flag = truth(out_int32)
    return None if flag is None else "i32" if flag else "i64"


@op("torch.bucketize")
def bucketize(input: Any, boundaries: TensorType, *, out_int32: Any = False, right: Any = False) -> TensorType:
    edges = tensor_or_unknown(boundaries, "boundaries")
    if edges.shape is not None and len(edges.shape) != 1:
        fail(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({len(edges.shape)})")
    shape = () if is_number(input) else tensor_or_unknown(input).shape
    if isinstance(input, TensorType) and "b8" in (input.dtype, edges.dtype):
        fail("bucketize: not implemented for 'Bool'")
    return TensorType(shape, _positions_dtype(out_int32))


def _searchsorted_mil(b: Lowering, params: Params, out: Any) -> Value:
    edges, values = params["sorted_sequence"], params["input"]
    side = params["side"]
    right = side == "right" if side is not None else bool(params["right"])
    if not isinstance(values, Value) or values.type.shape is None or len(mil.shape_of(edges)) != len(values.type.shape):
        return mil.refused(b, "searchsorted", mil.tensors(params), out)  # type: ignore[no-any-return]
    rank = len(mil.shape_of(edges))
    wide = mil.expand_dims(b, edges, (rank - 1,))
    wide = mil.tile(b, wide, (*(1 for _ in range(rank - 1)), mil.shape_of(values)[-1], 1))
    column = mil.expand_dims(b, values, (rank,))
    below = mil.elementwise(b, "greater_equal" if right else "greater", column, wide, TensorType(wide.type.shape, "b8"))
    counted = b.emit("cast", {"x": below}, {"dtype": "int32"}, TensorType(wide.type.shape, "i32"))
    return mil.reduce(b, "reduce_sum", counted, (-1,), False, out)


@op("torch.searchsorted", mil=_searchsorted_mil)
def searchsorted(
    sorted_sequence: TensorType,
    input: Any,
    *,
    out_int32: Any = False,
    right: Any = False,
    side: Any = None,
    sorter: Any = None,
) -> TensorType:
    edges = tensor_or_unknown(sorted_sequence, "sorted_sequence")
    dtype = _positions_dtype(out_int32)
    if side is not None and not isinstance(side, Unknown):
        if side not in ("left", "right"):
            fail(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if side == "left" and truth(right):
            fail("torch.searchsorted(): side and right can't be set to opposites")
    if is_number(input):
        if edges.shape is not None and len(edges.shape) > 1:
            fail("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1")
        return TensorType((), dtype)
    values = tensor_or_unknown(input)
    if edges.shape is not None and values.shape is not None:
        if not edges.shape or (not values.shape and len(edges.shape) > 1):
            fail("torch.searchsorted(): input value tensor and boundaries must have dimensions")
        if len(edges.shape) > 1:
            if len(edges.shape) != len(values.shape):
                fail("torch.searchsorted(): the first N-1 dimensions of boundaries and input value tensors must match")
            for a, c in zip(edges.shape[:-1], values.shape[:-1], strict=True):
                if dims.equal(a, c) is False:
                    fail(
                        "torch.searchsorted(): the first N-1 dimensions of boundaries and input value tensors must match"
                    )
    return TensorType(values.shape, dtype)
