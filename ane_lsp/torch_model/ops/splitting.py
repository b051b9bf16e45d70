"""Taking a tensor apart along an axis: split, chunk, tensor_split, unbind."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, mil
from ane_lsp.torch_model.args import sizes_of
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, as_int, as_size, fail, normalize_dim, shape_of
from ane_lsp.torch_model.subscripts import narrowed

Params = Mapping[str, Any]
VIEW = ("view",)
# Pieces of a symbolic size: more than this many are not listed.
_MOST = 4096
# Pieces of a known size: more are not listed one by one.
_LISTED = 50_000


def piece(input: TensorType, axis: int, start: DimLike, length: DimLike) -> TensorType:
    """`length` positions of an axis from `start` on."""
    shape = shape_of(input)
    target = (*shape[:axis], length, *shape[axis + 1 :])
    if not isinstance(start, int):
        return TensorType(target, input.dtype)
    return elements.viewed(input, target, lambda steps: (steps, start * steps[axis]))


def pieces(input: TensorType, axis: int, lengths: Shape) -> tuple[TensorType, ...]:
    """Consecutive pieces of the given lengths."""
    if len(lengths) > _LISTED:
        raise Undetermined(f"{len(lengths)} pieces are too many to list")
    found = []
    start: DimLike = 0
    for length in lengths:
        found.append(piece(input, axis, start, length))
        start = start + length
    return tuple(found)


def _axis(input: TensorType, dim: Any, what: str) -> int:
    shape = shape_of(input)
    if not shape:
        fail(f"{what} expects at least a 1-dimensional tensor", IndexError if what == "unbind" else RuntimeError)
    return normalize_dim(dim, len(shape))


def _equal_lengths(size: DimLike, each: DimLike) -> Shape:
    """The lengths ``split`` by `each` gives. Raises Undetermined where their number is not known."""
    if dims.less(each, 0):
        fail(f"split expects split_size be non-negative, but got split_size={each}")
    if each == 0:
        if dims.equal(size, 0) is None:
            raise Undetermined("whether the size is 0 is not known")
        if size != 0:
            fail("split_size can only be 0 if dimension size is 0")
        return (0,)
    if isinstance(size, int) and isinstance(each, int):
        full, rest = divmod(size, each)
        if full > _LISTED:
            raise Undetermined(f"{full} pieces are too many to list")
        return (each,) * full + ((rest,) if rest or not size else ())
    count = dims.exact_div(size, each)
    if isinstance(count, int) and 0 < count <= _MOST:
        return (each,) * count
    if dims.less(each, size) is False and dims.less(0, size):
        return (size,)
    raise Undetermined(f"how many pieces of {each} a size of {size} makes is not known")


def _split_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = next(iter(params.values()))
    if x.type.shape is None:
        return type(out)(b.emit_many("split", {"x": x}, {"axis": params["dim"]}, out))
    axis = normalize_dim(params["dim"], len(x.type.shape))
    return type(out)(mil.split(b, x, axis, tuple(out)))


def _split(input: TensorType, split_size: Any, dim: Any) -> tuple[TensorType, ...]:
    axis = _axis(input, dim, "split")
    size = shape_of(input)[axis]
    if isinstance(split_size, (tuple, list)):
        lengths = sizes_of(split_size, "split_size")
        if any(dims.less(length, 0) for length in lengths):
            fail("split_with_sizes expects split_sizes have only non-negative entries")
        total: DimLike = 0
        for length in lengths:
            total = total + length
        if dims.equal(total, size) is False:
            fail(f"split_with_sizes expects split_sizes to sum exactly to {size}, but got split_sizes={list(lengths)}")
        return pieces(input, axis, lengths)
    if isinstance(split_size, Unknown):
        raise Undetermined("the split size is not known")
    return pieces(input, axis, _equal_lengths(size, as_size(split_size, "split_size")))


@op("torch.functional.split", "torch.split", mil=_split_mil, tags=VIEW)
def split(tensor: TensorType, split_size_or_sections: Any, dim: Any = 0) -> tuple[TensorType, ...]:
    return _split(tensor, split_size_or_sections, dim)


@op("torch.Tensor.split", mil=_split_mil, tags=VIEW)
def split_method(input: TensorType, split_size: Any, dim: Any = 0) -> tuple[TensorType, ...]:
    return _split(input, split_size, dim)


@op("torch.split_with_sizes", "torch.Tensor.split_with_sizes", mil=_split_mil, tags=VIEW)
def split_with_sizes(input: TensorType, split_sizes: Any, dim: Any = 0) -> tuple[TensorType, ...]:
    if not isinstance(split_sizes, (tuple, list, Unknown)):
        fail("split_with_sizes(): argument 'split_sizes' must be tuple of ints", TypeError)
    return _split(input, split_sizes, dim)


@op("torch.chunk", "torch.Tensor.chunk", mil=_split_mil, tags=VIEW)
def chunk(input: TensorType, chunks: Any, dim: Any = 0) -> tuple[TensorType, ...]:
    axis = _axis(input, dim, "chunk")
    count = as_int(chunks, "chunks")
    if count < 1:
        fail(f"chunk expects `chunks` to be greater than 0, got: {count}")
    if count > _LISTED:
        raise Undetermined(f"{count} chunks are too many to list")
    size = shape_of(input)[axis]
    if isinstance(size, int):
        each = -(-size // count)
        return pieces(input, axis, (0,) * count if each == 0 else _equal_lengths(size, each))
    exact = dims.exact_div(size, count)
    if exact is not None:
        return pieces(input, axis, (exact,) * count)
    step = dims.ceildiv(size, count)
    if dims.less(step * (count - 1), size):
        return pieces(input, axis, (*(step for _ in range(count - 1)), size - step * (count - 1)))
    raise Undetermined(f"how many chunks a size of {size} makes is not known")


def _tensor_split(input: TensorType, sections: Any, dim: Any) -> tuple[TensorType, ...]:
    axis = _axis(input, dim, "tensor_split")
    size = shape_of(input)[axis]
    if isinstance(sections, TensorType) and sections.rank == 1:
        sections = list(sizes_of(sections))
    if isinstance(sections, (tuple, list)):
        bounds = [None, *(s if isinstance(s, (int, Unknown)) else as_size(s) for s in sections), None]
        found = []
        for start, stop in pairwise(bounds):
            length = narrowed(size, start, stop, None)
            begin: DimLike = dims.fresh()
            if start is None:
                begin = 0
            elif isinstance(start, int) and isinstance(size, int):
                begin = min(start, size) if start >= 0 else max(size + start, 0)
            found.append(piece(input, axis, begin, length))
        return tuple(found)
    count = as_int(sections, "sections")
    if count < 1:
        fail(f"number of sections must be larger than 0, got {count}")
    if count > _LISTED:
        raise Undetermined(f"{count} sections are too many to list")
    if not isinstance(size, int):
        exact = dims.exact_div(size, count)
        lengths: Shape = tuple(
            exact if exact is not None else dims.floordiv(size + count - 1 - i, count) for i in range(count)
        )
    else:
        lengths = tuple(size // count + (i < size % count) for i in range(count))
    return pieces(input, axis, lengths)


@op(
    "torch.tensor_split",
    "torch.Tensor.tensor_split",
    mil=lambda b, p, out: _slices(b, p["input"], p["dim"], out),
    tags=VIEW,
)
def tensor_split(
    input: TensorType, indices_or_sections: Any = None, dim: Any = 0, *, indices: Any = None, sections: Any = None
) -> tuple[TensorType, ...]:
    given = [g for g in (indices_or_sections, indices, sections) if g is not None]
    if len(given) != 1:
        fail("tensor_split() takes one of indices_or_sections, indices and sections")
    return _tensor_split(input, given[0], dim)


def _numpy_split(input: TensorType, sections: Any, axis: int, low: int, what: str) -> tuple[TensorType, ...]:
    shape = shape_of(input)
    if len(shape) < low:
        fail(f"torch.{what} requires a tensor with at least {low} dimensions, but got a tensor with {len(shape)}")
    size = shape[axis]
    if isinstance(sections, int) and isinstance(size, int) and (sections < 1 or size % sections):
        fail(f"torch.{what} attempted to split along dimension {axis}, but its size is not divisible")
    return _tensor_split(input, sections, axis)


@op("torch.hsplit", "torch.Tensor.hsplit", mil=lambda b, params, out: _along(b, params, out, None), tags=VIEW)
def hsplit(input: TensorType, indices_or_sections: Any) -> tuple[TensorType, ...]:
    return _numpy_split(input, indices_or_sections, 0 if len(shape_of(input)) == 1 else 1, 1, "hsplit")


@op("torch.vsplit", "torch.Tensor.vsplit", mil=lambda b, params, out: _along(b, params, out, 0), tags=VIEW)
def vsplit(input: TensorType, indices_or_sections: Any) -> tuple[TensorType, ...]:
    return _numpy_split(input, indices_or_sections, 0, 2, "vsplit")


@op("torch.dsplit", "torch.Tensor.dsplit", mil=lambda b, params, out: _along(b, params, out, 2), tags=VIEW)
def dsplit(input: TensorType, indices_or_sections: Any) -> tuple[TensorType, ...]:
    return _numpy_split(input, indices_or_sections, 2, 3, "dsplit")


def _along(b: Lowering, params: Params, out: Any, axis: int | None) -> Any:
    x: Value = params["input"]
    return _slices(b, x, axis if axis is not None else 0 if x.type.rank == 1 else 1, out)


def _slices(b: Lowering, x: Value, dim: Any, out: Any) -> Any:
    """Pieces as single slices, which is what torch.export makes of these functions."""
    if x.type.shape is None or any(t.shape is None for t in out):
        return mil.refused(b, "tensor_split", {"x": x}, out)
    axis = normalize_dim(dim, len(x.type.shape))
    start: DimLike = 0
    found = []
    for t in out:
        found.append(mil.slice_axis(b, x, axis, start, start + t.shape[axis]))
        start = start + t.shape[axis]
    return type(out)(found)


def _unbind_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = params["input"]
    if x.type.shape is None:
        return type(out)(b.emit_many("split", {"x": x}, {"axis": params["dim"]}, out))
    axis = normalize_dim(params["dim"], len(x.type.shape))
    thin = [piece(x.type, axis, i, 1) for i in range(len(out))]
    parts = mil.split(b, x, axis, thin) if thin else ()
    return type(out)(mil.squeeze(b, part, (axis,), t) for part, t in zip(parts, out, strict=True))


@op("torch.unbind", "torch.Tensor.unbind", mil=_unbind_mil, tags=VIEW)
def unbind(input: TensorType, dim: Any = 0) -> tuple[TensorType, ...]:
    axis = _axis(input, dim, "unbind")
    shape = shape_of(input)
    size = shape[axis]
    if isinstance(size, Sym):
        raise Undetermined(f"the number of slices along dimension {axis} is {size}")
    if size > _LISTED:
        raise Undetermined(f"{size} slices are too many to list")
    rest = (*shape[:axis], *shape[axis + 1 :])
    return tuple(elements.same(piece(input, axis, i, 1), rest) for i in range(size))
