"""The MIL ops that many lowerings are made of, with the type of each result worked out here.

Every helper takes the builder first, adds at most one op and returns its value. One that would change nothing adds none:
Core ML's own passes remove such ops, so they are not in the program that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Value, dims
from ane_lsp.torch_model import elements
from ane_lsp.torch_model.registry import Lowering
from ane_lsp.torch_model.shapes import broadcast, static

Number = bool | int | float


def shape_of(value: Value) -> Shape:
    """The shape of a value whose rank the op's rule has already relied on."""
    assert value.type.shape is not None
    return value.type.shape


def refused(b: Lowering, name: str, inputs: Mapping[str, Any], out: Any, attrs: Mapping[str, Any] | None = None) -> Any:
    """``aten.NAME``: coremltools does not convert the call with these arguments."""
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in inputs.items()}
    if isinstance(out, TensorType):
        return b.emit(f"aten.{name}", given, attrs or {}, out)
    return type(out)(b.emit_many(f"aten.{name}", given, attrs or {}, out))


def tensors(params: Mapping[str, Any]) -> dict[str, Any]:
    """The tensor arguments (and lists of tensors) among bound parameters."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Value):
            found[name] = value
        elif isinstance(value, (tuple, list)) and value and all(isinstance(v, Value) for v in value):
            found[name] = tuple(value)
    return found


def constant(b: Lowering, data: Sequence[Any], dtype: str, shape: Shape | None = None) -> Value:
    """A constant with known elements; one-dimensional unless `shape` is given."""
    return b.const(TensorType((len(data),) if shape is None else shape, dtype, tuple(data)))


def reshape(b: Lowering, x: Value, shape: Shape, out: TensorType | None = None) -> Value:
    """``reshape``; nothing where the shape stays."""
    if x.type.shape == shape:
        return x
    return b.emit("reshape", {"x": x}, {"shape": shape}, out or elements.same(x.type, shape))


def transpose(b: Lowering, x: Value, perm: Sequence[int], out: TensorType | None = None) -> Value:
    """``transpose``; nothing for the identity."""
    order = tuple(perm)
    if order == tuple(range(len(order))):
        return x
    return b.emit("transpose", {"x": x}, {"perm": order}, out or permuted(x.type, order))


def permuted(tensor: TensorType, perm: Sequence[int]) -> TensorType:
    """The type of a permutation of `tensor`."""
    assert tensor.shape is not None
    shape = tuple(tensor.shape[axis] for axis in perm)
    return elements.viewed(tensor, shape, lambda steps: ([steps[axis] for axis in perm], 0))


def expand_dims(b: Lowering, x: Value, axes: Sequence[int], out: TensorType | None = None) -> Value:
    """``expand_dims`` at `axes` of the result, counted from the front."""
    if not axes:
        return x
    shape = list(shape_of(x))
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return b.emit("expand_dims", {"x": x}, {"axes": tuple(axes)}, out or elements.same(x.type, tuple(shape)))


def squeeze(b: Lowering, x: Value, axes: Sequence[int], out: TensorType | None = None) -> Value:
    """``squeeze`` of `axes`, counted from the front."""
    if not axes:
        return x
    shape = tuple(size for axis, size in enumerate(shape_of(x)) if axis not in axes)
    return b.emit("squeeze", {"x": x}, {"axes": tuple(axes)}, out or elements.same(x.type, shape))


def tile(b: Lowering, x: Value, reps: Sequence[DimLike], out: TensorType | None = None) -> Value:
    """``tile``; nothing where every repeat is 1."""
    if all(rep == 1 for rep in reps):
        return x
    shape = tuple(size * rep for size, rep in zip(shape_of(x), reps, strict=True))
    return b.emit("tile", {"x": x}, {"reps": tuple(reps)}, out or TensorType(shape, x.type.dtype))


def broadcast_to(b: Lowering, x: Value, shape: Shape, out: TensorType | None = None) -> Value:
    """What coremltools makes of ``expand``: leading axes by ``expand_dims``, then ``tile`` over the axes of size 1."""
    x = expand_dims(b, x, range(len(shape) - len(shape_of(x))))
    reps = tuple(want if have == 1 else 1 for have, want in zip(shape_of(x), shape, strict=True))
    return tile(b, x, reps, out)


def elementwise(b: Lowering, kind: str, x: Value | Number, y: Value | Number, out: TensorType | None = None) -> Value:
    """``add``, ``mul``, ``real_div`` ... of two tensors, or of a tensor and a number.

    A division by a constant becomes a multiplication, as a pass of coremltools makes of it.
    """
    if kind == "real_div" and (not isinstance(y, Value) or y.is_const):
        kind, y = "mul", y if isinstance(y, Value) else 1.0 / y
    like = x.type if isinstance(x, Value) else y.type if isinstance(y, Value) else TensorType((), "f32")
    left, right = (v if isinstance(v, Value) else b.tensor(v, like) for v in (x, y))
    result = out or TensorType(broadcast(left.type.shape, right.type.shape), like.dtype)
    return b.emit(kind, {"x": left, "y": right}, {}, result)


def unary(b: Lowering, kind: str, x: Value, out: TensorType | None = None, **attrs: Any) -> Value:
    """An op of one input that keeps shape and dtype."""
    return b.emit(kind, {"x": x}, attrs, out or TensorType(x.type.shape, x.type.dtype))


def reduce(
    b: Lowering, kind: str, x: Value, axes: Sequence[int] | None, keep: bool, out: TensorType | None = None
) -> Value:
    """``reduce_sum`` and its kind; `axes` None reduces everything."""
    shape = shape_of(x)
    if not shape:
        return x
    gone = range(len(shape)) if axes is None else [axis % len(shape) for axis in axes]
    left = tuple(1 if i in gone else size for i, size in enumerate(shape) if keep or i not in gone)
    attrs: dict[str, Any] = {"keep_dims": keep} if axes is None else {"axes": tuple(axes), "keep_dims": keep}
    return b.emit(kind, {"x": x}, attrs, out or TensorType(left, x.type.dtype))


def matmul(
    b: Lowering, x: Value, y: Value, out: TensorType, *, transpose_x: bool = False, transpose_y: bool = False
) -> Value:
    """``matmul``."""
    return b.emit("matmul", {"x": x, "y": y}, {"transpose_x": transpose_x, "transpose_y": transpose_y}, out)


def cast(b: Lowering, x: Value, dtype: str, name: str) -> Value:
    """``cast`` to torch's `dtype`, MIL's `name`; nothing where `x` has it."""
    return x if x.type.dtype == dtype else b.emit("cast", {"x": x}, {"dtype": name}, TensorType(x.type.shape, dtype))


def gather(b: Lowering, x: Value, indices: Value, axis: int, out: TensorType) -> Value:
    """``gather`` along one axis. Bool data goes through int8 (fp16 below iOS 17), which the op accepts."""
    if out.dtype != "b8":
        return b.emit("gather", {"x": x, "indices": indices}, {"axis": axis}, out)
    work, name = ("i8", "int8") if b.at_least("iOS17") else ("f16", "fp16")
    found = b.emit("gather", {"x": cast(b, x, work, name), "indices": indices}, {"axis": axis}, out.with_dtype(work))
    return b.emit("cast", {"x": found}, {"dtype": "bool"}, out)


def concat(b: Lowering, values: Sequence[Value], axis: int, out: TensorType) -> Value:
    """``concat``; nothing for a single tensor."""
    if len(values) == 1:
        return values[0]
    return b.emit("concat", {"values": tuple(values)}, {"axis": axis}, out)


def split(b: Lowering, x: Value, axis: int, out: Sequence[TensorType]) -> tuple[Value, ...]:
    """``split`` into pieces of the given types; nothing for a single one."""
    if len(out) == 1:
        return (x,)
    sizes = tuple(piece.shape[axis] for piece in out if piece.shape is not None)
    return b.emit_many("split", {"x": x}, {"split_sizes": sizes, "axis": axis}, out)


def slice_axis(b: Lowering, x: Value, axis: int, start: DimLike, stop: DimLike) -> Value:
    """``slice_by_index`` of one axis; nothing where all of it is taken."""
    shape = shape_of(x)
    if start == 0 and dims.equal(stop, shape[axis]):
        return x
    begin = tuple(start if i == axis else 0 for i in range(len(shape)))
    end = tuple(stop if i == axis else 0 for i in range(len(shape)))
    mask = tuple(i != axis for i in range(len(shape)))
    out = TensorType((*shape[:axis], stop - start, *shape[axis + 1 :]), x.type.dtype)
    return b.emit("slice_by_index", {"x": x}, {"begin": begin, "end": end, "end_mask": mask}, out)


def is_static(value: Value) -> bool:
    """Whether every size is an int."""
    return static(value.type.shape) is not None
