"""Views and rearrangements: reshape, permute, expand, repeat, flip, diagonals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, lower, mil
from ane_lsp.torch_model.args import sizes_of, spread, tensor_result, tensors_in
from ane_lsp.torch_model.promotion import BITS
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_size,
    better_known,
    broadcast,
    check_tensor,
    fail,
    int_tuple,
    normalize_dim,
    normalize_dims,
    shape_of,
)

Params = Mapping[str, Any]
VIEW = ("view",)


def to_reshape(b: Lowering, params: Params, out: Any) -> Value:
    """``reshape`` of the first argument to the result's shape."""
    x: Value = lower.first(params)
    if out.dtype != x.type.dtype:
        return mil.refused(b, "view", {"x": x}, out)  # type: ignore[no-any-return]
    return mil.reshape(b, x, out.shape, out) if out.shape is not None else b.emit("reshape", {"x": x}, {}, out)


def resolve_sizes(source: Shape | None, sizes: Shape) -> Shape:
    """The shape that ``reshape`` to `sizes` gives, its -1 worked out; a size of its own where `source` is not known.

    Raises TorchError where the element counts provably differ.
    """
    for size in sizes:
        if isinstance(size, int) and size < -1:
            fail(f"invalid shape dimension {size}")
    holes = [i for i, size in enumerate(sizes) if isinstance(size, int) and size == -1]
    if len(holes) > 1:
        fail("only one dimension can be inferred")
    if source is None:
        return tuple(dims.fresh() if i in holes else size for i, size in enumerate(sizes))
    total = dims.product(source)
    if not holes:
        strangers = [
            i for i, size in enumerate(sizes) if isinstance(size, Sym) and size.atom is not None and not size.is_known
        ]
        if len(strangers) == 1 and dims.is_known(total):
            holes = strangers  # an unknown size, be it -1 or not, is what the others leave
            if dims.product(size for i, size in enumerate(sizes) if i not in holes) == 0:
                return sizes
        else:
            if dims.equal(total, dims.product(sizes)) is False:
                fail(f"shape '{list(sizes)}' is invalid for input of size {total}")
            return sizes
    others = dims.product(size for i, size in enumerate(sizes) if i not in holes)
    if others == 0:
        fail("cannot reshape tensor of 0 elements: unspecified dimension size -1 can be any value and is ambiguous")
    inferred: DimLike | None = dims.exact_div(total, others)
    if inferred is None:
        if isinstance(total, int) and isinstance(others, int):
            fail(f"shape '{list(sizes)}' is invalid for input of size {total}")
        known = dims.is_known(total) and dims.is_known(others)
        inferred = dims.floordiv(total, others) if known else dims.fresh()
    return tuple(inferred if i in holes else size for i, size in enumerate(sizes))


@tensor_result
def _reshape(input: TensorType, shape: Any) -> TensorType:
    return elements.same(input, resolve_sizes(check_tensor(input).shape, sizes_of(shape, "shape")))


@op("torch.reshape", mil=to_reshape, tags=VIEW)
def reshape(input: TensorType, shape: Any) -> Any:
    if not isinstance(shape, (tuple, list, Unknown)):
        fail("reshape(): argument 'shape' must be tuple of ints", TypeError)
    return _reshape(check_tensor(input), shape)


@op("torch.Tensor.reshape", mil=to_reshape, tags=VIEW)
@spread("shape")
def reshape_method(input: TensorType, shape: Any) -> Any:
    return _reshape(input, shape)


@op("torch.Tensor.view", mil=to_reshape, tags=VIEW)
@spread("size")
@tensor_result
def view(input: TensorType, size: Any) -> TensorType:
    if isinstance(size, Unknown):
        return TensorType(None, None)  # it may be a dtype
    if isinstance(size, str):
        return _view_dtype(input, size) if input.shape is not None else TensorType(None, size)
    return elements.same(input, resolve_sizes(check_tensor(input).shape, sizes_of(size)))


def _view_dtype(input: TensorType, dtype: str) -> TensorType:
    if input.dtype is None:
        return TensorType(None, dtype)
    have, want = BITS[input.dtype], BITS[dtype]
    shape = shape_of(input)
    if have == want:
        return TensorType(shape, dtype)
    if not shape:
        fail("self.dim() cannot be 0 to view as a dtype of another element size")
    if have > want:
        return TensorType((*shape[:-1], shape[-1] * (have // want)), dtype)
    last = dims.exact_div(shape[-1], want // have)
    if last is None:
        if isinstance(shape[-1], int):
            fail("self.size(-1) must be divisible by the ratio of the element sizes")
        last = dims.floordiv(shape[-1], want // have)
    return TensorType((*shape[:-1], last), dtype)


@op("torch.Tensor.view_as", "torch.Tensor.reshape_as", mil=to_reshape, tags=VIEW)
@tensor_result
def view_as(input: TensorType, other: TensorType) -> TensorType:
    return elements.same(input, resolve_sizes(check_tensor(input).shape, shape_of(other)))


@op("torch.flatten", "torch.Tensor.flatten", mil=to_reshape, tags=VIEW)
@tensor_result
def flatten(input: TensorType, start_dim: Any = 0, end_dim: Any = -1) -> TensorType:
    shape = shape_of(input)
    start, end = normalize_dim(start_dim, len(shape)), normalize_dim(end_dim, len(shape))
    if start > end:
        fail("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return elements.same(input, (1,))
    return elements.same(input, (*shape[:start], dims.product(shape[start : end + 1]), *shape[end + 1 :]))


@op("torch.ravel", "torch.Tensor.ravel", mil=to_reshape, tags=VIEW)
@tensor_result
def ravel(input: TensorType) -> TensorType:
    return elements.same(input, (dims.product(shape_of(input)),))


@op("torch.unflatten", "torch.Tensor.unflatten", mil=to_reshape, tags=VIEW)
@tensor_result
def unflatten(input: TensorType, dim: Any, sizes: Any) -> TensorType:
    shape = shape_of(input)
    axis = normalize_dim(dim, len(shape))
    if not shape:
        fail("unflatten: cannot unflatten a 0-d tensor")
    wanted = sizes_of(sizes, "sizes")
    if not wanted:
        fail("unflatten: sizes must be non-empty")
    return elements.same(input, (*shape[:axis], *resolve_sizes((shape[axis],), wanted), *shape[axis + 1 :]))


def _is_one(size: DimLike) -> bool:
    """Whether a size is 1. A named symbol is taken for more than 1, as ``torch.export`` does."""
    if isinstance(size, Sym) and not size.is_known and not dims.less(1, size):
        raise Undetermined("whether a size is 1 is not known")
    return size == 1


def _squeeze_axes(input: TensorType, dim: Any) -> list[int]:
    shape = shape_of(input)
    wanted = normalize_dims(dim, len(shape))
    return [axis for axis in wanted if axis < len(shape) and _is_one(shape[axis])]


def _squeeze_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.shape is None:
        return b.emit("squeeze", {"x": x}, {}, out)
    return mil.squeeze(b, x, sorted(_squeeze_axes(x.type, params["dim"])), out)


def _squeeze(input: TensorType, dim: Any = None) -> TensorType:
    shape = shape_of(input)
    gone = _squeeze_axes(input, dim)
    return elements.same(input, tuple(size for axis, size in enumerate(shape) if axis not in gone))


@op("torch.squeeze", "torch.Tensor.squeeze", inplace="torch.Tensor.squeeze_", mil=_squeeze_mil, tags=VIEW)
@tensor_result
def squeeze(input: TensorType, dim: Any = None) -> TensorType:
    return _squeeze(input, dim)


def _unsqueeze_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.shape is None or out.shape is None:
        return b.emit("expand_dims", {"x": x}, {"axes": (params["dim"],)}, out)
    return mil.expand_dims(b, x, [normalize_dim(params["dim"], len(out.shape))], out)


@op("torch.unsqueeze", "torch.Tensor.unsqueeze", inplace="torch.Tensor.unsqueeze_", mil=_unsqueeze_mil, tags=VIEW)
@tensor_result
def unsqueeze(input: TensorType, dim: Any) -> TensorType:
    shape = shape_of(input)
    axis = normalize_dim(dim, len(shape) + 1)
    return elements.same(input, (*shape[:axis], 1, *shape[axis:]))


def _to_transpose(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = lower.first(params)
    shape = x.type.shape
    if shape is None:
        return b.emit("transpose", {"x": x}, {}, out)
    return mil.transpose(b, x, _permutation(params, len(shape)), out)


def _permutation(params: Params, rank: int) -> list[int]:
    """The permutation that bound parameters of permute, transpose, movedim or ``.mT`` stand for."""
    if "dims" in params:
        return [normalize_dim(d, rank) for d in int_tuple(params["dims"])]
    if "source" in params:
        return _moved(rank, params["source"], params["destination"])
    order = list(range(rank))
    pair = [k for k in ("dim0", "dim1", "axis0", "axis1") if k in params]
    if pair:
        a, c = (normalize_dim(params[k], rank) for k in pair)
    elif rank < 2:
        return order
    elif len(params) == 1 and "input" in params:
        a, c = rank - 2, rank - 1
    else:
        return order[::-1]
    if rank:
        order[a], order[c] = order[c], order[a]
    return order


def _permuted(input: TensorType, perm: Sequence[int]) -> TensorType:
    return mil.permuted(input, perm)


@tensor_result
def _permute(input: TensorType, dims: Any) -> TensorType:
    if input.shape is None and isinstance(dims, (tuple, list)):  # torch asks for all dimensions, each once
        places = [d % len(dims) for d in dims if isinstance(d, int) and -len(dims) <= d < len(dims)]
        if len(places) != sum(isinstance(d, int) for d in dims) or len(set(places)) != len(places):
            fail("permute(): dims are out of range or repeated")
        return TensorType(tuple(_fresh() for _ in dims), input.dtype)
    shape = shape_of(input)
    if isinstance(dims, Unknown):
        return TensorType(tuple(_fresh() for _ in shape), input.dtype)
    wanted = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if len(wanted) != len(shape):
        fail(f"permute(sparse_coo): number of dimensions ({len(shape)}) differs from the ordering's ({len(wanted)})")
    if any(isinstance(d, (Unknown, Sym)) for d in wanted):
        return TensorType(tuple(_fresh() for _ in shape), input.dtype)
    return _permuted(input, normalize_dims(wanted, len(shape)))


def _fresh() -> Sym:
    return dims.fresh()


@op("torch.permute", mil=_to_transpose, tags=VIEW)
def permute(input: TensorType, dims: Any) -> Any:
    if not isinstance(dims, (tuple, list, Unknown)):
        fail("permute(): argument 'dims' must be tuple of ints", TypeError)
    return _permute(check_tensor(input), dims)


@op("torch.Tensor.permute", mil=_to_transpose, tags=VIEW)
@spread("dims")
def permute_method(input: TensorType, dims: Any) -> Any:
    return _permute(input, dims)


@tensor_result
def _swap(input: TensorType, first: Any, second: Any) -> TensorType:
    shape = shape_of(input)
    if isinstance(first, (Unknown, Sym)) or isinstance(second, (Unknown, Sym)):
        return TensorType(tuple(dims.fresh() for _ in shape), input.dtype)
    a, c = normalize_dim(first, len(shape)), normalize_dim(second, len(shape))
    order = list(range(len(shape)))
    if order:
        order[a], order[c] = order[c], order[a]
    return _permuted(input, order)


@op(
    "torch.transpose", "torch.Tensor.transpose", "torch.swapdims", "torch.Tensor.swapdims",
    inplace=("torch.Tensor.transpose_", "torch.Tensor.swapdims_"), mil=_to_transpose, tags=VIEW,
)  # fmt: skip
def transpose(input: TensorType, dim0: Any, dim1: Any) -> Any:
    return _swap(check_tensor(input), dim0, dim1)


@op(
    "torch.swapaxes", "torch.Tensor.swapaxes", inplace="torch.Tensor.swapaxes_", mil=_to_transpose, tags=VIEW,
)  # fmt: skip
def swapaxes(input: TensorType, axis0: Any, axis1: Any) -> Any:
    return _swap(check_tensor(input), axis0, axis1)


@op("torch.t", "torch.Tensor.t", inplace="torch.Tensor.t_", mil=_to_transpose, tags=VIEW)
@tensor_result
def t(input: TensorType) -> TensorType:
    rank = len(shape_of(input))
    if rank > 2:
        fail(f"t() expects a tensor with <= 2 dimensions, but self is {rank}D")
    return _permuted(input, range(rank)[::-1])


def _reverse_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = lower.first(params)
    return mil.transpose(b, x, range(len(mil.shape_of(x)))[::-1], out)


@op("torch.Tensor.T", mil=_reverse_mil, tags=VIEW)
@tensor_result
def reversed_dims(input: TensorType) -> TensorType:
    return _permuted(input, range(len(shape_of(input)))[::-1])


@op(
    "torch.adjoint", "torch.Tensor.adjoint", "torch.Tensor.mT",
    "torch.Tensor.mH", mil=_to_transpose, tags=VIEW,
)  # fmt: skip
@tensor_result
def matrix_transpose(input: TensorType) -> TensorType:
    rank = len(shape_of(input))
    if not rank:
        return input
    if rank < 2:
        fail("tensor.mT is only supported on matrices or batches of matrices")
    return _permuted(input, [*range(rank - 2), rank - 1, rank - 2])


@op("torch.Tensor.H", mil=_reverse_mil, tags=VIEW)
@tensor_result
def hermitian(input: TensorType) -> TensorType:
    rank = len(shape_of(input))
    if rank not in (0, 2):
        fail(f"tensor.H is only supported on matrices (2-D tensors). Got {rank}-D tensor.")
    return _permuted(input, range(rank)[::-1])


def _moved(rank: int, source: Any, destination: Any) -> list[int]:
    sources, targets = int_tuple(source, "source"), int_tuple(destination, "destination")
    if len(sources) != len(targets):
        fail("movedim: source and destination must have the same number of elements")
    have, want = normalize_dims(sources, rank), normalize_dims(targets, rank)
    rest = iter(axis for axis in range(rank) if axis not in have)
    at = dict(zip(want, have, strict=True))
    return [at[axis] if axis in at else next(rest) for axis in range(rank)]


@op(
    "torch.movedim", "torch.Tensor.movedim", "torch.moveaxis", "torch.Tensor.moveaxis", mil=_to_transpose, tags=VIEW,
)  # fmt: skip
@tensor_result
def movedim(input: TensorType, source: Any, destination: Any) -> TensorType:
    shape = shape_of(input)
    try:
        order = _moved(len(shape), source, destination)
    except Undetermined:
        return TensorType(tuple(dims.fresh() for _ in shape), input.dtype)
    return _permuted(input, order if shape else [])


def _expanded(input: TensorType, sizes: Shape) -> TensorType:
    shape = check_tensor(input).shape
    if shape is None:
        return TensorType(tuple(dims.fresh() if size == -1 else size for size in sizes), input.dtype)
    lead = len(sizes) - len(shape)
    if lead < 0:
        fail(f"the number of sizes provided ({len(sizes)}) must be at least the number of dimensions ({len(shape)})")
    result: list[DimLike] = []
    for axis, size in enumerate(sizes):
        if isinstance(size, int) and size < (-1 if axis >= lead else 0):
            fail(f"The expanded size of the tensor ({size}) isn't allowed in dimension {axis}")
        have: DimLike = 1 if axis < lead else shape[axis - lead]
        result.append(have if size == -1 else _expanded_size(have, size))
    return elements.viewed(
        input,
        tuple(result),
        lambda steps: ([0] * lead + [0 if d == 1 else s for d, s in zip(shape, steps, strict=True)], 0),
    )


def _expanded_size(have: DimLike, want: DimLike) -> DimLike:
    if have == 1:
        return want
    stranger = isinstance(want, Sym) and not want.is_known
    if dims.equal(have, want) is False and (isinstance(have, int) or dims.less(1, have)) and not stranger:
        fail(f"The expanded size of the tensor ({want}) must match the existing size ({have})")
    if stranger:
        return have if dims.less(1, have) else want
    return better_known(have, want) if dims.equal(have, want) or dims.less(1, have) else want


def _expand_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.shape is None or out.shape is None:
        return b.emit("tile", {"x": x}, {}, out)
    return mil.broadcast_to(b, x, out.shape, out)


@op("torch.Tensor.expand", mil=_expand_mil, tags=VIEW)
@spread("size")
@tensor_result
def expand(input: TensorType, size: Any, *, implicit: bool = False) -> TensorType:
    if isinstance(size, TensorType) and size.data is None and size.rank != 0:
        raise Undetermined("the sizes are not known")
    return _expanded(input, sizes_of(size))


@op("torch.broadcast_to", mil=_expand_mil, tags=VIEW)
@tensor_result
def broadcast_to(input: TensorType, size: Any) -> TensorType:
    return _expanded(check_tensor(input), sizes_of(size))


@op("torch.Tensor.broadcast_to", mil=_expand_mil, tags=VIEW)
@spread("size")
@tensor_result
def broadcast_to_method(input: TensorType, size: Any) -> TensorType:
    """The method takes its sizes one by one as well."""
    return _expanded(check_tensor(input), sizes_of(size))


@op("torch.Tensor.expand_as", mil=_expand_mil, tags=VIEW)
@tensor_result
def expand_as(input: TensorType, other: TensorType) -> TensorType:
    return _expanded(input, shape_of(other))


def _broadcast_tensors_mil(b: Lowering, params: Params, out: Any) -> Any:
    made = [
        mil.broadcast_to(b, x, t.shape, t) if t.shape is not None else x
        for x, t in zip(params["tensors"], out, strict=True)
    ]
    return type(out)(made)


@op("torch.functional.broadcast_tensors", "torch.broadcast_tensors", mil=_broadcast_tensors_mil, tags=VIEW)
def broadcast_tensors(*tensors: Any) -> tuple[TensorType, ...]:
    found = tensors_in(tensors)
    shape = broadcast(*(tensor.shape for tensor in found))
    return tuple(tensor.with_shape(None) if shape is None else _expanded(tensor, shape) for tensor in found)


def _repeated(input: TensorType, repeats: Shape) -> TensorType:
    shape = shape_of(input)
    lead = len(repeats) - len(shape)
    if lead < 0:
        fail("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    padded: Shape = (1,) * lead + shape
    target = tuple(size * r for size, r in zip(padded, repeats, strict=True))
    if any(dims.less(r, 0) for r in repeats):
        fail("Repeats cannot be negative")
    result = elements.same(input, padded)
    for axis, r in enumerate(repeats):
        size = padded[axis]
        if result.data is None or not isinstance(r, int) or not isinstance(size, int):
            return TensorType(target, input.dtype)
        result = elements.take_along(result, axis, [i for _ in range(r) for i in range(size)])
    return TensorType(target, input.dtype, result.data)


def _repeat_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    reps = params.get("repeats", params.get("dims"))
    if x.type.shape is None or out.shape is None:
        return b.emit("tile", {"x": x}, {"reps": reps}, out)
    wanted = sizes_of(reps)
    wanted = (1,) * (len(x.type.shape) - len(wanted)) + wanted
    x = mil.expand_dims(b, x, range(len(wanted) - len(x.type.shape)))
    return mil.tile(b, x, wanted, out)


@op("torch.Tensor.repeat", mil=_repeat_mil)
@spread("repeats")
@tensor_result
def repeat(input: TensorType, repeats: Any) -> TensorType:
    return _repeated(input, sizes_of(repeats, "repeats"))


@tensor_result
def _tile(input: TensorType, dims: Any) -> TensorType:
    wanted = sizes_of(dims, "dims")
    return _repeated(input, (1,) * (len(shape_of(input)) - len(wanted)) + wanted)


@op("torch.tile", mil=_repeat_mil)
def tile(input: TensorType, dims: Any) -> Any:
    return _tile(check_tensor(input), dims)


@op("torch.Tensor.tile", mil=_repeat_mil)
@spread("dims")
def tile_method(input: TensorType, dims: Any) -> Any:
    return _tile(input, dims)


def _interleave_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, repeats, dim = params["input"], params["repeats"], params["dim"]
    if not isinstance(repeats, int) or x.type.shape is None:
        return mil.refused(b, "repeat_interleave", mil.tensors(params), out)  # type: ignore[no-any-return]
    if repeats == 1 and dim is not None:
        return x  # type: ignore[no-any-return]
    if dim is None:
        x = mil.reshape(b, x, (dims.product(x.type.shape),))
    rank = len(mil.shape_of(x))
    axis = 0 if dim is None else normalize_dim(dim, rank)
    to_front = [axis, *(i for i in range(rank) if i != axis)]
    x = mil.transpose(b, x, to_front)
    shape = mil.shape_of(x)
    x = mil.tile(b, x, (repeats, *(1 for _ in shape[1:])))
    x = mil.reshape(b, x, (repeats, *shape))
    x = mil.transpose(b, x, [1, 0, *range(2, len(shape) + 1)])
    x = mil.reshape(b, x, (shape[0] * repeats, *shape[1:]))
    return mil.transpose(b, x, [to_front.index(i) for i in range(rank)])


@op("torch.repeat_interleave", "torch.Tensor.repeat_interleave", mil=_interleave_mil)
@tensor_result
def repeat_interleave(
    input: TensorType, repeats: Any = None, dim: Any = None, *, output_size: Any = None
) -> TensorType:
    if repeats is None:
        shape_of(input)
        return TensorType((_total_repeats(input, output_size),), input.dtype)
    shape = shape_of(input)
    if dim is None:
        shape, axis, source = (dims.product(shape),), 0, elements.same(input, (dims.product(shape),))
    else:
        axis, source = normalize_dim(dim, len(shape)), input
        if not shape:
            fail("Dimension out of range (expected to be in range of [-1, 0], but got 1)")
    size = shape[axis]
    if isinstance(repeats, TensorType) and repeats.shape is not None and repeats.shape not in ((), (1,)):
        if len(repeats.shape) != 1:
            fail("repeats must be 0-dim or 1-dim tensor")
        if dims.equal(repeats.shape[0], size) is False:
            fail("repeats must have the same size as input along dim")
        total = _total_repeats(repeats, output_size)
        return TensorType((*shape[:axis], total, *shape[axis + 1 :]), input.dtype)
    if isinstance(repeats, TensorType) and repeats.dtype is not None and repeats.dtype not in ("i32", "i64"):
        fail("repeats has to be Long or Int tensor")
    if isinstance(repeats, Unknown) and output_size is None:
        return TensorType((*shape[:axis], dims.fresh(), *shape[axis + 1 :]), input.dtype)
    count = as_size(repeats, "repeats")
    if isinstance(count, int) and count < 0:
        fail("repeats can not be negative")
    target = (*shape[:axis], size * count, *shape[axis + 1 :])
    if source.data is None or not isinstance(count, int) or not isinstance(size, int):
        return TensorType(target, input.dtype)
    return elements.take_along(source, axis, [i for i in range(size) for _ in range(count)])


def _total_repeats(repeats: TensorType, output_size: Any) -> DimLike:
    if repeats.dtype is not None and repeats.dtype not in ("i32", "i64"):
        fail("repeats has to be Long or Int tensor")
    if repeats.shape is not None and len(repeats.shape) != 1:
        fail("repeat_interleave only accept 1D vector as repeat")
    if output_size is not None:
        return as_size(output_size, "output_size")
    if repeats.data is not None:
        return int(sum(int(r.real) for r in repeats.data))
    return dims.fresh()


@op(
    "torch.clone", "torch.Tensor.clone", "torch.Tensor.contiguous", mil=lower.alias,
)  # fmt: skip
def clone(input: TensorType, *, memory_format: Any = None) -> TensorType:
    return check_tensor(input)


@op("torch.detach", "torch.Tensor.detach", inplace="torch.Tensor.detach_", mil=lower.alias, tags=VIEW)
def detach(input: TensorType) -> TensorType:
    return check_tensor(input)


def _atleast(tensor: TensorType, rank: int) -> TensorType:
    shape = shape_of(tensor)
    if len(shape) >= rank:
        return tensor
    if rank == 3:
        padded: Shape = (*shape, 1) if len(shape) == 2 else (1, *shape, 1) if shape else (1, 1, 1)
    else:
        padded = (1,) * (rank - len(shape)) + shape
    return elements.same(tensor, padded)


def _atleast_mil(b: Lowering, params: Params, out: Any) -> Any:
    given = params["tensors"]
    if len(given) == 1 and isinstance(out, TensorType):
        only = given[0]
        return to_reshape(b, {"input": only}, out)
    items = given[0] if len(given) == 1 else given
    return type(out)(to_reshape(b, {"input": x}, t) for x, t in zip(items, out, strict=True))


def _declare_atleast(rank: int) -> None:
    @op(f"torch.functional.atleast_{rank}d", f"torch.atleast_{rank}d", mil=_atleast_mil)
    def atleast(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], TensorType):
            return tensor_result(_atleast)(tensors[0], rank)
        items = tensors[0] if len(tensors) == 1 else tensors
        return tuple(tensor_result(_atleast)(tensor, rank) for tensor in tensors_in(items))


for _rank in (1, 2, 3):
    _declare_atleast(_rank)
