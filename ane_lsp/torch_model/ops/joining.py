"""Joining tensors: cat and the stacks, grids and products of several tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations as choose
from math import comb
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, lower, mil
from ane_lsp.torch_model.args import promoted_result, spread_tensors, tensor_result, tensors_in, truth
from ane_lsp.torch_model.ops.shaping import _expanded, _permuted
from ane_lsp.torch_model.promotion import promote_types, result_type
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, as_int, better_known, check_tensor, fail, normalize_dim, shape_of

Params = Mapping[str, Any]


def joint_dtype(tensors: Sequence[TensorType]) -> str | None:
    """The dtype of a join: as for arithmetic between the tensors."""
    return result_type(*tensors) if tensors else None


def _cat(tensors: list[TensorType], dim: Any, what: str = "torch.cat()") -> TensorType:
    if not tensors:
        fail(f"{what}: expected a non-empty list of Tensors", ValueError)
    dtype = _cat_dtype(tensors)
    if any(tensor.shape == () for tensor in tensors):
        fail("zero-dimensional tensor (at position 0) cannot be concatenated")
    kept = [tensor for tensor in tensors if tensor.shape != (0,)]
    if not kept:
        return TensorType((0,), dtype, ())
    ranked = [tensor.shape for tensor in kept if tensor.shape is not None]
    if not ranked:
        return TensorType(None, dtype)
    # A tensor of shape (0,) is left out whatever the rank of the others.
    maybe_empty = any(len(shape) == 1 and dims.less(0, shape[0]) is not True for shape in ranked)
    if any(len(shape) != len(ranked[0]) for shape in ranked):
        if maybe_empty:
            return TensorType(None, dtype)
        fail("Tensors must have same number of dimensions")
    if maybe_empty and isinstance(dim, int) and dim not in (0, -1):
        return TensorType(None, dtype)
    try:
        axis = normalize_dim(dim, len(ranked[0]))
    except Undetermined:
        return TensorType(tuple(dims.fresh() for _ in ranked[0]), dtype)
    sizes: list[DimLike] = list(ranked[0])
    for shape in ranked[1:]:
        for i, size in enumerate(shape):
            if i == axis:
                sizes[i] = sizes[i] + size
            elif dims.equal(sizes[i], size) is False:
                fail(f"Sizes of tensors must match except in dimension {axis}. Expected {sizes[i]} but got {size}.")
            else:
                sizes[i] = better_known(sizes[i], size)
    if len(ranked) != len(kept):
        sizes[axis] = dims.fresh()
    return elements.joined(kept, axis, tuple(sizes), dtype)


def _cat_dtype(tensors: list[TensorType]) -> str | None:
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        if dtype is None or tensor.dtype is None:
            return None
        dtype = promote_types(dtype, tensor.dtype)
    return dtype


def _cat_mil(b: Lowering, params: Params, out: Any) -> Value:
    return concat(b, params["tensors"], params.get("dim", 0), out)


def concat(b: Lowering, tensors: Sequence[Value], dim: Any, out: TensorType) -> Value:
    """``concat`` of the non-empty tensors, cast to one dtype."""
    kept = [t for t in tensors if t.type.shape is None or 0 not in t.type.shape]
    if not kept:  # nothing but empty tensors: a one-dimensional one among others counts for nothing
        kept = [t for t in tensors if t.type.rank == out.rank] or list(tensors[:1])
    cast = [lower.cast_value(b, t, out.dtype) for t in kept]
    axis = dim if isinstance(dim, int) else 0
    return mil.concat(b, cast, axis, out)


@op("torch.cat", "torch.concat", "torch.concatenate", mil=_cat_mil)
@tensor_result
def cat(tensors: Any, dim: Any = 0, *, out: Any = None) -> TensorType:
    return _cat(tensors_in(tensors), dim)


def _stack_mil(b: Lowering, params: Params, out: Any) -> Value:
    tensors = [lower.cast_value(b, t, out.dtype) for t in params["tensors"]]
    rank = len(out.shape) if out.shape is not None else 1
    axis = normalize_dim(params["dim"], rank)
    if len(tensors) == 1 and tensors[0].type.shape is not None:
        return mil.expand_dims(b, tensors[0], (axis,), out)
    return b.emit("stack", {"values": tuple(tensors)}, {"axis": axis}, out)


@op("torch.stack", mil=_stack_mil)
@tensor_result
def stack(tensors: Any, dim: Any = 0, *, out: Any = None) -> TensorType:
    found = tensors_in(tensors)
    if not found:
        fail("stack expects a non-empty TensorList")
    dtype = _cat_dtype(found)
    ranked = [tensor.shape for tensor in found if tensor.shape is not None]
    if not ranked:
        return TensorType(None, dtype)
    sizes = list(ranked[0])
    for shape in ranked[1:]:
        if len(shape) != len(sizes) or any(dims.equal(a, c) is False for a, c in zip(sizes, shape, strict=True)):
            fail(f"stack expects each tensor to be equal size, but got {list(ranked[0])} and {list(shape)}")
        sizes = [better_known(a, c) for a, c in zip(sizes, shape, strict=True)]
    axis = normalize_dim(dim, len(sizes) + 1)
    target = (*sizes[:axis], len(found), *sizes[axis:])
    thin = [elements.same(t, (*sizes[:axis], 1, *sizes[axis:])) for t in found]
    return elements.joined(thin, axis, target, dtype)


def _at_least(tensor: TensorType, rank: int) -> TensorType:
    shape = shape_of(tensor)
    if len(shape) >= rank:
        return tensor
    if rank == 3:
        return elements.same(tensor, (*shape, 1) if len(shape) == 2 else (1, *shape, 1) if shape else (1, 1, 1))
    return elements.same(tensor, (1,) * (rank - len(shape)) + shape)


def _pad_sequence_mil(b: Lowering, params: Params, out: Any) -> Value:
    sequences: Sequence[Value] = params["sequences"]
    axis = 1 if truth(params["batch_first"]) else 0
    if any(s.type.shape is None for s in sequences) or out.shape is None:
        return mil.refused(b, "pad_sequence", {"sequences": tuple(sequences)}, out)  # type: ignore[no-any-return]
    longest, padded = out.shape[axis], []
    for sequence in sequences:
        missing, (_, *others) = longest - mil.shape_of(sequence)[0], mil.shape_of(sequence)
        ends = (missing, 0) if params["padding_side"] == "left" else (0, missing)
        attrs = {"pad": (*ends, *(0,) * 2 * len(others)), "mode": "constant", "constant_val": params["padding_value"]}
        grown = TensorType((longest, *others), sequence.type.dtype)
        padded.append(sequence if missing == 0 else b.emit("pad", {"x": sequence}, attrs, grown))
    return _stack_mil(b, {"tensors": padded, "dim": 1 - axis}, out)


@op("torch._C._nn.pad_sequence", mil=_pad_sequence_mil)
@tensor_result
def pad_sequence(
    sequences: Any, batch_first: Any = False, padding_value: Any = 0.0, padding_side: Any = "right"
) -> TensorType:
    """Sequences of shape (length, *) as (longest, batch, *), or (batch, longest, *), of the first one's dtype."""
    found = tensors_in(sequences, "sequences")
    if not found:
        fail("received an empty list of sequences")
    shapes = [shape_of(tensor) for tensor in found]
    if any(not shape for shape in shapes):
        fail("Dimension specified as 0 but tensor has no dimensions", IndexError)
    if padding_side not in ("left", "right") and not isinstance(padding_side, Unknown):
        fail(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    front, others = truth(batch_first), list(shapes[0][1:])
    longest = shapes[0][0]
    for shape in shapes[1:]:
        longest = dims.maximum(longest, shape[0])
        if len(shape) != len(shapes[0]) or any(dims.equal(a, c) is False for a, c in zip(others, shape[1:])):
            raise Undetermined("what is smaller than the first sequence is expanded")
        others = [better_known(a, c) for a, c in zip(others, shape[1:])]
    if front is None:
        raise Undetermined("it is not known which axis comes first")
    whole: Shape = (len(found), longest) if front else (longest, len(found))
    return TensorType((*whole, *others), found[0].dtype)


def _stacks(tensors: Any, rank: int, axis: int | None) -> TensorType:
    found = [_at_least(tensor, rank) for tensor in tensors_in(tensors)]
    if not found:
        fail("expects a non-empty TensorList")
    where = axis if axis is not None else 0 if len(shape_of(found[0])) == 1 else 1
    return _cat(found, where)


def _hstack_mil(b: Lowering, params: Params, out: Any) -> Value:
    tensors = [mil.reshape(b, t, (1,)) if t.type.shape == () else t for t in params["tensors"]]
    return concat(b, tensors, 0 if out.shape is not None and len(out.shape) == 1 else 1, out)


@op("torch.hstack", mil=_hstack_mil)
@tensor_result
def hstack(tensors: Any, *, out: Any = None) -> TensorType:
    return _stacks(tensors, 1, None)


@op("torch.vstack", "torch.row_stack")
@tensor_result
def vstack(tensors: Any, *, out: Any = None) -> TensorType:
    return _stacks(tensors, 2, 0)


@op("torch.dstack")
@tensor_result
def dstack(tensors: Any, *, out: Any = None) -> TensorType:
    return _stacks(tensors, 3, 2)


@op("torch.column_stack")
@tensor_result
def column_stack(tensors: Any, *, out: Any = None) -> TensorType:
    found = []
    for tensor in tensors_in(tensors):
        shape = shape_of(tensor)
        found.append(tensor if len(shape) > 1 else elements.same(tensor, (dims.product(shape), 1)))
    if not found:
        fail("column_stack expects a non-empty TensorList")
    return _cat(found, 1)


def _meshgrid_mil(b: Lowering, params: Params, out: Any) -> Any:
    tensors = params["tensors"]
    count = len(tensors)
    if count < 2 or any(t.type.shape is None or len(t.type.shape) > 1 for t in tensors):
        return mil.refused(b, "meshgrid", {"tensors": tensors}, out)
    sizes: Shape = tuple(dims.product(mil.shape_of(t)) for t in tensors)
    grids = []
    for i, tensor in enumerate(tensors):
        thin = mil.reshape(b, tensor, tuple(size if axis == i else 1 for axis, size in enumerate(sizes)))
        grid = mil.tile(b, thin, tuple(1 if axis == i else size for axis, size in enumerate(sizes)))
        grids.append(mil.transpose(b, grid, [1, 0, *range(2, count)]) if params["indexing"] == "xy" else grid)
    return type(out)(grids)


@op("torch.functional.meshgrid", "torch.meshgrid", mil=_meshgrid_mil)
@spread_tensors
def meshgrid(tensors: Any, *, indexing: Any = None) -> tuple[TensorType, ...]:
    found = tensors_in(tensors)
    if not found:
        fail("meshgrid expects a non-empty TensorList")
    if indexing not in (None, "ij", "xy") and not isinstance(indexing, Unknown):
        fail('torch.meshgrid: indexing must be one of "xy" or "ij"')
    shapes = [tensor.shape for tensor in found]
    if any(shape is not None and len(shape) > 1 for shape in shapes):
        fail("torch.meshgrid: Expected 0D or 1D tensor in the tensor list")
    if len({tensor.dtype for tensor in found} - {None}) > 1:
        fail("torch.meshgrid expects all tensors to have the same dtype")
    if isinstance(indexing, Unknown):
        return tuple(tensor.with_shape(tuple(dims.fresh() for _ in found)) for tensor in found)
    sizes: Shape = tuple(dims.fresh() if shape is None else dims.product(shape) for shape in shapes)
    grids = []
    for i, tensor in enumerate(found):
        plain = tensor if tensor.shape is not None else TensorType((sizes[i],), tensor.dtype)
        thin = elements.same(plain, tuple(size if axis == i else 1 for axis, size in enumerate(sizes)))
        grid = _expanded(thin, sizes)
        grids.append(_permuted(grid, [1, 0, *range(2, len(sizes))]) if indexing == "xy" and len(sizes) > 1 else grid)
    return tuple(grids)


@op("torch.functional.cartesian_prod", "torch.cartesian_prod")
@tensor_result
def cartesian_prod(*tensors: Any) -> TensorType:
    found = tensors_in(tensors)
    if not found:
        fail("cartesian_prod expects a non-empty TensorList")
    shapes = [shape_of(tensor) for tensor in found]
    if any(len(shape) != 1 for shape in shapes):
        fail("Expect a 1D vector")
    if len(found) == 1:
        return found[0]
    if len({tensor.dtype for tensor in found} - {None}) > 1:
        fail("meshgrid expects all tensors to have the same dtype")
    return TensorType((dims.product(shape[0] for shape in shapes), len(found)), found[0].dtype)


@op("torch.combinations")
@tensor_result
def combinations(input: TensorType, r: Any = 2, with_replacement: Any = False) -> TensorType:
    shape = shape_of(input)
    if len(shape) != 1:
        fail(f"Expect a 1D vector, but got shape {list(shape)}")
    count = as_int(r, "r")
    if count < 0:
        fail(f"Expect a non-negative number, but got {count}")
    if count == 0:
        return TensorType((0,), input.dtype)
    again = truth(with_replacement)
    if not isinstance(shape[0], int) or again is None:
        return TensorType((dims.fresh(), count), input.dtype)
    rows = comb(shape[0] + count - 1, count) if again and shape[0] else comb(shape[0], count)
    target = (rows, count)
    if again or input.data is None or rows * count > elements.LIMIT:
        return TensorType(target, input.dtype)
    picks = [i for pick in choose(range(shape[0]), count) for i in pick]
    return elements.picked(input, target, lambda _: picks)


@op("torch.functional.block_diag", "torch.block_diag")
@promoted_result
def block_diag(*tensors: Any) -> TensorType:
    rows: DimLike = 0
    columns: DimLike = 0
    found = tensors_in(tensors)
    for tensor in found:
        shape = shape_of(tensor)
        if len(shape) > 2:
            fail(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input has {len(shape)} dimensions")
        padded = (1,) * (2 - len(shape)) + shape
        rows, columns = rows + padded[0], columns + padded[1]
    if not found:
        return TensorType((1, 0), "f32")
    return TensorType((rows, columns), _cat_dtype(found))


@op("torch.kron", "torch.Tensor.kron")
@promoted_result
def kron(input: TensorType, other: TensorType) -> TensorType:
    left, right = shape_of(input), shape_of(check_tensor(other, "other"))
    rank = max(len(left), len(right))
    a, c = (1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right
    return TensorType(tuple(x * y for x, y in zip(a, c, strict=True)), result_type(input, other))
