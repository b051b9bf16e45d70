"""Rearrangements within a tensor: flip, roll, diagonals, triangles, windows, pixel shuffles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, lower, mil
from ane_lsp.torch_model.args import sizes_of, spread, tensor_result
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_int,
    as_size,
    check_tensor,
    fail,
    int_tuple,
    normalize_dim,
    normalize_dims,
    shape_of,
)

Params = Mapping[str, Any]
VIEW = ("view",)


def _flip_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    axes = params.get("dims")
    if axes is None:
        return b.emit("reverse", {"x": x}, {"axes": (1,)}, out)
    return b.emit("reverse", {"x": x}, {"axes": int_tuple(axes)}, out)


@tensor_result
def _flip(input: TensorType, dims: Any) -> TensorType:
    shape = shape_of(input)
    try:
        axes = normalize_dims(tuple(dims) if isinstance(dims, (tuple, list)) else (as_int(dims),), len(shape))
    except Undetermined:
        return TensorType(shape, input.dtype)
    result = TensorType(shape, input.dtype, input.data)
    for axis in axes if shape else ():
        size = shape[axis]
        if result.data is None or not isinstance(size, int):
            return TensorType(shape, input.dtype)
        result = elements.take_along(result, axis, range(size)[::-1])
    return result


@op("torch.flip", mil=_flip_mil)
def flip(input: TensorType, dims: Any) -> Any:
    if not isinstance(dims, (tuple, list, Unknown)):
        fail("flip(): argument 'dims' must be tuple of ints", TypeError)
    return _flip(check_tensor(input), dims)


@op("torch.Tensor.flip", mil=_flip_mil)
@spread("dims")
def flip_method(input: TensorType, dims: Any) -> Any:
    return _flip(input, dims)


@op("torch.fliplr", "torch.Tensor.fliplr", mil=_flip_mil)
@tensor_result
def fliplr(input: TensorType) -> Any:
    if len(shape_of(input)) < 2:
        fail("Input must be >= 2-d.")
    return _flip(input, (1,))


@op("torch.flipud", "torch.Tensor.flipud")
@tensor_result
def flipud(input: TensorType) -> Any:
    if len(shape_of(input)) < 1:
        fail("Input must be >= 1-d.")
    return _flip(input, (0,))


def _roll_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    source = x.type.shape
    if source is None:
        return b.emit("gather", {"x": x}, {}, out)
    if _count(source) == 0:
        return x
    whole = params["dims"] in (None, (), [])
    if whole:
        x = mil.reshape(b, x, (dims.product(source),))
    axes = (0,) if whole else int_tuple(params["dims"])
    shifts = params["shifts"]
    shape = mil.shape_of(x)
    for shift, dim in zip(shifts if isinstance(shifts, (tuple, list)) else (shifts,), axes, strict=True):
        axis = normalize_dim(dim, len(shape))
        size = shape[axis]
        order = None
        if isinstance(size, int) and isinstance(shift, int) and 0 < size <= elements.LIMIT:
            order = tuple((i - shift) % size for i in range(size))
        indices = b.const(TensorType((size,), "i32", order))
        x = mil.gather(b, x, indices, axis, TensorType(shape, out.dtype))
    return mil.reshape(b, x, source)


def _count(shape: Shape) -> DimLike:
    return dims.product(shape)


def _has_elements(shape: Shape) -> bool:
    return dims.less(0, _count(shape)) is True


@op("torch.roll", "torch.Tensor.roll", mil=_roll_mil)
@tensor_result
def roll(input: TensorType, shifts: Any, dims: Any = None) -> TensorType:
    shape = shape_of(input)
    plain = TensorType(shape, input.dtype)
    if isinstance(shifts, Unknown) or isinstance(dims, Unknown):
        return plain
    moves = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    axes = () if dims is None else tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if not moves:
        fail("`shifts` required")
    if _count(shape) == 0:
        return input
    if not _has_elements(shape):
        return plain
    if len(moves) != len(axes) and not (not axes and len(moves) == 1):
        fail(f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(axes)}")
    if any(isinstance(a, (Unknown, Sym)) for a in axes):
        return plain
    if axes and not shape:
        fail("Dimension specified as 0 but tensor has no dimensions", IndexError)
    where = [normalize_dim(a, len(shape)) for a in axes] if shape else []
    if input.data is None or any(not isinstance(m, int) for m in moves):
        return plain
    count = len(input.data)
    result = TensorType(shape, input.dtype, input.data) if axes else elements.same(input, (count,))
    for move, axis in zip(moves, where if axes else [0], strict=True):
        size = result.shape[axis] if result.shape else 1
        if result.data is None or not isinstance(size, int):
            return plain
        result = elements.take_along(result, axis, [(i - move) % size for i in range(size)])
    return TensorType(shape, input.dtype, result.data)


@op("torch.rot90", "torch.Tensor.rot90")
@tensor_result
def rot90(input: TensorType, k: Any = 1, dims: Any = (0, 1)) -> TensorType:
    shape = shape_of(input)
    axes = int_tuple(dims, "dims")
    if len(axes) != 2:
        fail("expected total rotation dims == 2")
    if len(shape) < 2:
        fail("expected total dims >= 2")
    if any(not -len(shape) <= a < len(shape) for a in axes):
        fail("Rotation dim out of range", IndexError)
    a, c = (axis % len(shape) for axis in axes)
    if a == c:
        fail("expected rotation dims to be different")
    turns = as_int(k, "k")
    if turns % 2 == 0:
        return TensorType(shape, input.dtype)
    order = list(range(len(shape)))
    order[a], order[c] = c, a
    return TensorType(tuple(shape[i] for i in order), input.dtype)


def _diagonal_size(rows: DimLike, columns: DimLike, offset: Any) -> DimLike:
    if not isinstance(offset, (int, Sym)):
        return dims.fresh()
    if isinstance(offset, Sym):
        return dims.fresh()
    if offset >= 0:
        return dims.maximum(dims.minimum(rows, columns - offset), 0)
    return dims.maximum(dims.minimum(rows + offset, columns), 0)


def _diagonal_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = lower.first(params)
    if params["offset"] == 0 and len(x.type.shape or ()) == 2 and mil.is_static(x):
        rows, columns = mil.shape_of(x)
        count = min(int(rows), int(columns))  # type: ignore[arg-type]
        flat = mil.reshape(b, x, (dims.product((rows, columns)),))
        places = mil.constant(b, [i * (int(columns) + 1) for i in range(count)], "i32")  # type: ignore[arg-type]
        return mil.gather(b, flat, places, 0, out)
    return mil.refused(b, "diagonal", {"x": x}, out)


@op("torch.diagonal", "torch.Tensor.diagonal", mil=_diagonal_mil, tags=VIEW)
@tensor_result
def diagonal(input: TensorType, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> TensorType:
    return _diagonal(input, offset, dim1, dim2)


@op("torch.linalg.diagonal", mil=_diagonal_mil, tags=VIEW)
@tensor_result
def linalg_diagonal(A: TensorType, *, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> TensorType:
    return _diagonal(A, offset, dim1, dim2)


def _diagonal(input: TensorType, offset: Any, dim1: Any, dim2: Any) -> TensorType:
    shape = shape_of(input)
    a, c = normalize_dim(dim1, len(shape)), normalize_dim(dim2, len(shape))
    if a == c or len(shape) < 2:
        fail(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    count = _diagonal_size(shape[a], shape[c], offset)
    return TensorType((*(size for i, size in enumerate(shape) if i not in (a, c)), count), input.dtype)


@op("torch.diag", "torch.Tensor.diag")
@tensor_result
def diag(input: TensorType, diagonal: Any = 0) -> TensorType:
    shape = shape_of(input)
    if len(shape) == 1:
        return _embedded(shape, diagonal, 0, 1, input.dtype)
    if len(shape) != 2:
        fail(f"diag(): Supports 1D or 2D tensors. Got {len(shape)}D")
    return _diagonal(input, diagonal, 0, 1)


def _embedded(shape: Shape, offset: Any, dim1: Any, dim2: Any, dtype: str | None) -> TensorType:
    rank = len(shape) + 1
    a, c = normalize_dim(dim1, rank), normalize_dim(dim2, rank)
    if a == c:
        fail("diagonal dimensions cannot be identical")
    size: DimLike = shape[-1] + abs(offset) if isinstance(offset, int) else dims.fresh()
    rest = list(shape[:-1])
    for axis in sorted((a, c)):
        rest.insert(axis, size)
    return TensorType(tuple(rest), dtype)


@op("torch.diag_embed", "torch.Tensor.diag_embed")
@tensor_result
def diag_embed(input: TensorType, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> TensorType:
    shape = shape_of(input)
    if not shape:
        fail("diag_embed: input must have at least one dimension", IndexError)
    return _embedded(shape, offset, dim1, dim2, input.dtype)


@op("torch.diagflat", "torch.Tensor.diagflat")
@tensor_result
def diagflat(input: TensorType, offset: Any = 0) -> TensorType:
    return _embedded((dims.product(shape_of(input)),), offset, 0, 1, input.dtype)


def _band_mil(upper: bool) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = params["input"]
        k = params["diagonal"]
        if not isinstance(k, int):
            return mil.refused(b, "triu" if upper else "tril", {"x": x}, out)  # type: ignore[no-any-return]
        if upper and k <= 0:
            return b.emit("band_part", {"x": x}, {"lower": -k, "upper": -1}, out)
        if not upper and k >= 0:
            return b.emit("band_part", {"x": x}, {"lower": -1, "upper": k}, out)
        band = {"lower": -1, "upper": k - 1} if upper else {"lower": -k - 1, "upper": -1}
        other = b.emit("band_part", {"x": x}, band, TensorType(out.shape, out.dtype))
        if out.dtype != "b8":
            return b.emit("sub", {"x": x, "y": other}, {}, out)
        left, right = mil.cast(b, x, "i32", "int32"), mil.cast(b, other, "i32", "int32")
        rest = b.emit("sub", {"x": left, "y": right}, {}, TensorType(out.shape, "i32"))
        return b.emit("cast", {"x": rest}, {"dtype": "bool"}, out)

    return lowering


def _band(input: TensorType, diagonal: Any, upper: bool) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 2:
        fail(f"{'triu' if upper else 'tril'}: input tensor must have at least 2 dimensions")
    found = elements.contents(input)
    if found is None or not isinstance(diagonal, int):
        return TensorType(shape, input.dtype)
    rows, columns = found[0][-2:]
    zero = False if input.dtype == "b8" else type(found[1][0])(0) if found[1] else 0
    kept = []
    for place, item in enumerate(found[1]):
        row, column = divmod(place % (rows * columns), columns)
        kept.append(item if (column - row >= diagonal if upper else column - row <= diagonal) else zero)
    return TensorType(shape, input.dtype, tuple(kept))


@op("torch.triu", "torch.Tensor.triu", inplace="torch.Tensor.triu_", mil=_band_mil(True))
@tensor_result
def triu(input: TensorType, diagonal: Any = 0) -> TensorType:
    return _band(input, diagonal, True)


@op("torch.tril", "torch.Tensor.tril", inplace="torch.Tensor.tril_", mil=_band_mil(False))
@tensor_result
def tril(input: TensorType, diagonal: Any = 0) -> TensorType:
    return _band(input, diagonal, False)


def _unfold_mil(b: Lowering, params: Params, out: Any) -> Value:
    return mil.refused(b, "unfold", {"x": params["input"]}, out)  # type: ignore[no-any-return]


@op("torch.Tensor.unfold", mil=_unfold_mil, tags=VIEW)
@tensor_result
def unfold(input: TensorType, dimension: Any, size: Any, step: Any) -> TensorType:
    shape = shape_of(input)
    axis = normalize_dim(dimension, len(shape))
    window, stride = as_size(size), as_size(step, "step")
    whole: DimLike = shape[axis] if shape else 1
    if dims.less(window, 0):
        fail(f"size is {window} but must be >= 0")
    if dims.less(whole, window):
        fail(f"maximum size for tensor at dimension {axis} is {whole} but size is {window}")
    if dims.less(stride, 1):
        fail(f"step is {stride} but must be > 0")
    if not shape:
        return TensorType((window,), input.dtype)
    count = dims.floordiv(whole - window, stride) + 1
    return TensorType((*shape[:axis], count, *shape[axis + 1 :], window), input.dtype)


@op("torch.as_strided", "torch.Tensor.as_strided", inplace="torch.Tensor.as_strided_", tags=VIEW)
@tensor_result
def as_strided(input: TensorType, size: Any, stride: Any, storage_offset: Any = None) -> TensorType:
    sizes = sizes_of(size)
    try:
        steps = sizes_of(stride, "stride")
    except Undetermined:  # the sizes are the result's, whatever the steps
        steps = None
    if steps is not None and len(sizes) != len(steps):
        fail("mismatch in length of strides and shape")
    if any(isinstance(s, int) and s < 0 for s in (*sizes, *(steps or ()))):
        fail("as_strided: negative sizes and strides are not supported")
    return TensorType(sizes, check_tensor(input).dtype)


@op(
    "torch.pixel_shuffle",
    "torch.nn.functional.pixel_shuffle",
    mil=lower.simple("pixel_shuffle", x="input", upscale_factor="upscale_factor"),
)
@tensor_result
def pixel_shuffle(input: TensorType, upscale_factor: Any) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 3:
        fail("pixel_shuffle expects input to have at least 3 dimensions")
    r = as_size(upscale_factor, "upscale_factor")
    if dims.less(r, 1):
        fail("pixel_shuffle expects a positive upscale_factor")
    channels = dims.exact_div(shape[-3], r * r)
    if channels is None:
        if isinstance(shape[-3], int) and isinstance(r, int):
            fail(f"pixel_shuffle expects its input's 'channel' dimension to be divisible by {r * r}")
        channels = dims.floordiv(shape[-3], r * r)
    return TensorType((*shape[:-3], channels, shape[-2] * r, shape[-1] * r), input.dtype)


@op(
    "torch.pixel_unshuffle",
    "torch.nn.functional.pixel_unshuffle",
    mil=lower.simple("pixel_unshuffle", x="input", downscale_factor="downscale_factor"),
)
@tensor_result
def pixel_unshuffle(input: TensorType, downscale_factor: Any) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 3:
        fail("pixel_unshuffle expects input to have at least 3 dimensions")
    r = as_size(downscale_factor, "downscale_factor")
    if dims.less(r, 1):
        fail("pixel_unshuffle expects a positive downscale_factor")
    halves: list[DimLike] = []
    for size in shape[-2:]:
        part = dims.exact_div(size, r)
        if part is None:
            if isinstance(size, int) and isinstance(r, int):
                fail(f"pixel_unshuffle expects sizes divisible by downscale_factor {r}")
            part = dims.floordiv(size, r)
        halves.append(part)
    return TensorType((*shape[:-3], shape[-3] * r * r, *halves), input.dtype)


@op(
    "torch.channel_shuffle",
    "torch.native_channel_shuffle",
    "torch.nn.functional.channel_shuffle",
    "torch.nn.functional.native_channel_shuffle",
)
@tensor_result
def channel_shuffle(input: TensorType, groups: Any) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 3:
        fail("channel_shuffle expects input with > 2 dims")
    count = as_size(groups, "groups")
    if dims.less(count, 1):
        fail("Number of groups to divide channels in must be positive")
    if isinstance(count, int) and isinstance(shape[1], int) and shape[1] % count:
        fail(f"Number of channels must be divisible by groups. Got {shape[1]} channels and {count} groups.")
    return TensorType(shape, input.dtype)
