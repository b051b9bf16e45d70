"""``x[key]`` and ``x[key] = value`` in all their forms, and select, narrow, slices as functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import constants, elements, lower, mil
from ane_lsp.torch_model.args import tensor_result
from ane_lsp.torch_model.promotion import is_number
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_size,
    broadcast_to,
    check_tensor,
    fail,
    kind_of,
    normalize_dim,
    shape_of,
)
from ane_lsp.torch_model.subscripts import Insert, Narrow, Pick, Select, Subscript, gathered, narrowed, parse, positions

Params = Mapping[str, Any]


@op("torch.Tensor.__getitem__", mil=lambda b, params, out: _getitem_mil(b, params, out), tags=("view",))
@tensor_result
def getitem(input: TensorType, key: Any) -> TensorType:
    return gathered(input, parse(shape_of(input), key))


def _getitem_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    try:
        found = parse(mil.shape_of(x), params["key"]) if x.type.shape is not None else None
        if found is not None and found.picks:
            found.shape  # noqa: B018  (raises where the rank is not known)
    except Undetermined:
        found = None
    if found is None:
        return b.emit("slice_by_index", {"x": x}, {}, out)
    last = len(found.steps) - 1 if not found.picks else -1
    for n, step in enumerate(found.steps):
        x = apply_step(b, x, step, out if n == last else None)
    return index_tensors(b, x, found, out) if found.picks else x


def apply_step(b: Lowering, x: Value, step: Select | Narrow | Insert, out: TensorType | None) -> Value:
    """One basic step of a subscript as the op coremltools makes of it."""
    shape = mil.shape_of(x)
    if isinstance(step, Insert):
        return mil.expand_dims(b, x, (step.axis,), out)
    rank = len(shape)

    def spread(value: Any, other: Any) -> tuple[Any, ...]:
        return tuple(value if axis == step.axis else other for axis in range(rank))

    if isinstance(step, Select):
        index = dims.fresh() if step.index is None else step.index
        rest = TensorType((*shape[: step.axis], *shape[step.axis + 1 :]), x.type.dtype)
        last = step.index == -1
        attrs = {
            "begin": spread(index, 0),
            "end": tuple(0 if last else index + 1 if axis == step.axis else 0 for axis in range(rank)),
            "end_mask": spread(last, True),
            "squeeze_mask": spread(True, False),
        }
        return b.emit("slice_by_index", {"x": x}, attrs, out or rest)
    start, stop, stride = (_plain(bound) for bound in (step.start, step.stop, step.step))
    size = shape[step.axis]
    to_end = stop is None or bool(dims.less(stop, size) is False)
    if start in (None, 0) and to_end and stride in (None, 1):
        return x
    attrs = {
        "begin": spread(0 if start is None else start, 0),
        "end": spread(0 if to_end else stop, 0),
        "end_mask": spread(to_end, True),
    }
    if stride not in (None, 1):
        attrs["stride"] = spread(stride, 1)
    rest = TensorType((*shape[: step.axis], step.size, *shape[step.axis + 1 :]), x.type.dtype)
    return b.emit("slice_by_index", {"x": x}, attrs, out or rest)


def _plain(bound: Any) -> Any:
    """A slice bound as an attribute: an int or a symbol, a fresh one where it is not known."""
    if bound is None or isinstance(bound, (int, Sym)):
        return bound
    if isinstance(bound, Value):
        bound = bound.type
    return as_size(bound)


def index_values(b: Lowering, picks: list[Pick]) -> list[Value]:
    """The index tensors of a subscript as values."""
    found = []
    for pick in picks:
        if isinstance(pick.source, Value):
            found.append(pick.source)
        elif isinstance(pick.source, (list, tuple, range)) and any(isinstance(item, Value) for item in pick.source):
            given = [item for item in pick.source if isinstance(item, Value)]
            found.append(b.emit("stack", {"values": tuple(given)}, {"axis": 0}, TensorType(pick.type.shape, "i64")))
        else:
            found.append(b.const(pick.type))
    return found


def _non_zero(b: Lowering, pick: Pick, mask: Value) -> Value:
    assert pick.count is not None
    return b.emit("non_zero", {"x": mask}, {}, TensorType((pick.count, pick.covers), "i32"))


def index_tensors(b: Lowering, x: Value, found: Subscript, out: TensorType) -> Value:
    """The index tensors of a subscript: ``gather`` along one axis, ``gather_nd`` over several or for a mask."""
    shape = mil.shape_of(x)
    values = index_values(b, found.picks)
    axes = found.picked_axes
    if len(found.picks) == 1 and not found.picks[0].is_mask:
        return mil.gather(b, x, values[0], axes[0], out)
    if len(found.picks) == 1:
        index = _non_zero(b, found.picks[0], values[0])
        index_shape: Shape = (mil.shape_of(index)[0],)
    else:
        index_shape = found.index_shape
        columns = [_column(b, pick, value, index_shape) for pick, value in zip(found.picks, values, strict=True)]
        index = b.emit(
            "stack",
            {"values": tuple(columns)},
            {"axis": len(index_shape)},
            TensorType((*index_shape, len(columns)), "i32"),
        )
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    front = mil.transpose(b, x, [*axes, *rest])
    picked = TensorType((*index_shape, *(shape[axis] for axis in rest)), x.type.dtype)
    at = axes[0] if found.adjacent else 0
    if at == 0:
        return _gather_nd(b, front, index, out)
    moved = _gather_nd(b, front, index, picked)
    width = len(index_shape)
    return mil.transpose(
        b, moved, [*range(width, width + at), *range(width), *range(width + at, width + len(rest))], out
    )


def _column(b: Lowering, pick: Pick, value: Value, shape: Shape) -> Value:
    if pick.is_mask:
        hits = _non_zero(b, pick, value)
        value = mil.squeeze(b, hits, (1,)) if pick.covers == 1 else hits
    return mil.broadcast_to(b, value, shape) if value.type.shape != shape and not pick.is_mask else value


def _gather_nd(b: Lowering, x: Value, index: Value, out: TensorType) -> Value:
    if out.dtype != "b8":
        return b.emit("gather_nd", {"x": x, "indices": index}, {}, out)
    work, name = ("i8", "int8") if b.at_least("iOS17") else ("f16", "fp16")
    found = b.emit("gather_nd", {"x": mil.cast(b, x, work, name), "indices": index}, {}, out.with_dtype(work))
    return b.emit("cast", {"x": found}, {"dtype": "bool"}, out)


@op("torch.Tensor.__setitem__", mil=lambda b, params, out: _setitem_mil(b, params, out), mutates="input")
def setitem(input: TensorType, key: Any, value: Any) -> Any:
    """The tensor after the assignment: its own shape and dtype, its elements where they are all known."""
    check_tensor(input)
    plain = TensorType(input.shape, input.dtype)
    if input.shape is None:
        return plain
    try:
        found = parse(input.shape, key)
        shape = found.shape
    except Undetermined:
        return plain
    if isinstance(value, TensorType):
        given = value.shape
        while given is not None and len(given) > len(shape) and given[0] == 1:
            given = given[1:]
        broadcast_to(given, shape)
        value = TensorType(given, value.dtype, value.data)
    elif not is_number(value) and not isinstance(value, Unknown):
        fail(f"can't assign a {kind_of(value)} to a torch tensor")
    places = positions(input, found) if input.data is not None and input.dtype is not None else None
    target = tuple(size for size in shape if isinstance(size, int))
    new = constants.expanded(value, target) if places is not None and len(target) == len(shape) else None
    new = constants.convert(new, input.dtype)
    if places is None or new is None or input.data is None:
        return plain
    data = list(input.data)
    for place, item in zip(places, new, strict=True):
        data[place] = item
    return TensorType(input.shape, input.dtype, tuple(data))


def _setitem_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    value = params["value"]
    update = value if isinstance(value, Value) else b.tensor(value if is_number(value) else 0, x.type)
    try:
        found = parse(mil.shape_of(x), params["key"]) if x.type.shape is not None else None
        shape = found.shape if found is not None else None
    except Undetermined:
        found = shape = None
    if found is None or shape is None:
        if _is_plain(params["key"]) and b.at_least("iOS18"):
            return b.emit("slice_update", {"x": x, "update": update}, {}, out)
        return b.emit("scatter_nd", {"data": x, "updates": update}, {"mode": "update"}, out)
    update = lower.cast_value(b, update, x.type.dtype)
    if not found.picks and all(isinstance(step, Narrow) and _takes_all(step, mil.shape_of(x)) for step in found.steps):
        return mil.broadcast_to(b, update, shape, out) if update.type.shape is not None else update
    if not found.picks:
        return _assign_slice(b, x, update, found, shape, out)
    index = _scatter_index(b, found)
    return b.emit("scatter_nd", {"data": x, "indices": index, "updates": update}, {"mode": "update"}, out)


def _is_plain(key: Any) -> bool:
    """Whether a subscript holds slices and whole numbers only."""
    items = key if isinstance(key, tuple) else (key,)
    return all(item is None or item is Ellipsis or isinstance(item, (int, Sym, slice)) for item in items)


def _takes_all(step: Narrow, shape: Shape) -> bool:
    return bool(dims.equal(step.size, shape[step.axis])) and step.step in (None, 1)


def _assign_slice(b: Lowering, x: Value, update: Value, found: Subscript, shape: Shape, out: TensorType) -> Value:
    if update.type.shape is not None:
        update = mil.broadcast_to(b, update, shape)
    rank = len(mil.shape_of(x))
    begin: list[Any] = [0] * rank
    end: list[Any] = list(mil.shape_of(x))
    stride: list[Any] = [1] * rank
    squeezed = [False] * rank
    axes = list(range(rank))
    for step in found.steps:
        if isinstance(step, Insert):
            axes.insert(step.axis, -1)
            continue
        axis = axes[step.axis]
        if isinstance(step, Select):
            index = dims.fresh() if step.index is None else step.index
            begin[axis], end[axis], squeezed[axis] = index, index + 1, True
            del axes[step.axis]
        else:
            begin[axis] = 0 if step.start is None else _plain(step.start)
            end[axis] = end[axis] if step.stop is None else _plain(step.stop)
            stride[axis] = 1 if step.step is None else _plain(step.step)
    attrs = {"begin": tuple(begin), "end": tuple(end), "stride": tuple(stride), "squeeze_mask": tuple(squeezed)}
    if b.at_least("iOS18"):
        return b.emit("slice_update", {"x": x, "update": update}, attrs, out)
    flat = mil.reshape(b, x, (dims.product(mil.shape_of(x)),))
    flat_update = (
        mil.reshape(b, update, (dims.product(mil.shape_of(update)),)) if update.type.shape is not None else update
    )
    written = b.emit(
        "scatter",
        {"data": flat, "updates": flat_update},
        {"axis": 0, "mode": "update"},
        TensorType(flat.type.shape, out.dtype),
    )
    return mil.reshape(b, written, mil.shape_of(x), out)


def _scatter_index(b: Lowering, found: Subscript) -> Value:
    values = index_values(b, found.picks)
    if len(found.picks) == 1:
        pick = found.picks[0]
        if pick.is_mask:
            return _non_zero(b, pick, values[0])
        return mil.expand_dims(b, values[0], (len(mil.shape_of(values[0])),))
    shape = found.index_shape
    columns = tuple(_column(b, pick, value, shape) for pick, value in zip(found.picks, values, strict=True))
    return b.emit("stack", {"values": columns}, {"axis": len(shape)}, TensorType((*shape, len(columns)), "i32"))


def _select_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.shape is None:
        return b.emit("slice_by_index", {"x": x}, {}, out)
    index = params["index"]
    where = index if isinstance(index, (int, Sym)) else None
    return apply_step(b, x, Select(normalize_dim(params["dim"], len(x.type.shape)), where), out)


@op("torch.select", "torch.Tensor.select", mil=_select_mil, tags=("view",))
@tensor_result
def select(input: TensorType, dim: Any, index: Any) -> TensorType:
    shape = shape_of(input)
    if not shape:
        fail("select() cannot be applied to a 0-dim tensor.", IndexError)
    axis = normalize_dim(dim, len(shape))
    place = as_size(index, "index")
    key = (slice(None),) * axis
    return gathered(input, parse(shape, (*key, place if isinstance(place, int) or place.is_known else dims.fresh())))


def _narrow_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.shape is None or out.shape is None:
        return b.emit("slice_by_index", {"x": x}, {}, out)
    axis = normalize_dim(params["dim"], len(x.type.shape))
    start = _plain(params["start"])
    return apply_step(b, x, Narrow(axis, start, start + out.shape[axis], None, out.shape[axis]), out)


@op("torch.narrow", "torch.Tensor.narrow", mil=_narrow_mil, tags=("view",))
@tensor_result
def narrow(input: TensorType, dim: Any, start: Any, length: Any) -> TensorType:
    shape = shape_of(input)
    if not shape:
        fail("narrow() cannot be applied to a 0-dim tensor.")
    axis = normalize_dim(dim, len(shape))
    first, count = as_size(start, "start"), as_size(length, "length")
    size = shape[axis]
    if dims.less(count, 0):
        fail("narrow(): length must be non-negative.")
    if dims.less(first, -size) or dims.less(size, first):
        fail(f"start out of range (expected to be in range of [{-size}, {size}], but got {first})", IndexError)
    if dims.less(first, 0):
        first = size + first
    if dims.less(first, 0) is False and dims.less(size, first + count):
        fail(f"start ({first}) + length ({count}) exceeds dimension size ({size}).")
    target = (*shape[:axis], count, *shape[axis + 1 :])
    if not isinstance(first, int):
        return TensorType(target, input.dtype)
    return elements.viewed(input, target, lambda steps: (steps, first * steps[axis]))


def _written_slice_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, src = params["input"], params["src"]
    attrs = {k: params[k] for k in ("dim", "index", "start", "end", "step") if k in params}
    if x.type.shape is None:
        return b.emit("slice_update", {"x": x, "update": src}, attrs, out)
    axis = normalize_dim(params["dim"], len(x.type.shape))
    key: Any = params["index"] if "index" in params else slice(params["start"], params["end"], params["step"])
    whole = (slice(None),) * axis
    return _setitem_mil(b, {"input": x, "key": (*whole, key), "value": src}, out)


@op("torch.select_scatter", "torch.Tensor.select_scatter", mil=_written_slice_mil)
def select_scatter(input: TensorType, src: TensorType, dim: Any, index: Any) -> TensorType:
    check_tensor(src, "src")
    found = select(input, dim, index)
    if src.shape is not None and found.shape is not None and len(src.shape) != len(found.shape):
        fail("expected src to have a size equal to the slice of self")
    if (
        src.shape is not None
        and found.shape is not None
        and any(dims.equal(a, c) is False for a, c in zip(src.shape, found.shape, strict=True))
    ):
        fail(f"expected src to have a size equal to the slice of self: {list(src.shape)} and {list(found.shape)}")
    return TensorType(input.shape, input.dtype)


@op("torch.slice_scatter", "torch.Tensor.slice_scatter", mil=_written_slice_mil)
def slice_scatter(
    input: TensorType, src: TensorType, dim: Any = 0, start: Any = None, end: Any = None, step: Any = 1
) -> TensorType:
    check_tensor(src, "src")
    shape = check_tensor(input).shape
    if shape is not None and src.shape is not None:
        axis = normalize_dim(dim, len(shape))
        target = (*shape[:axis], narrowed(shape[axis], start, end, step), *shape[axis + 1 :])
        if len(src.shape) != len(target) or any(
            dims.equal(a, c) is False for a, c in zip(src.shape, target, strict=True)
        ):
            fail(f"expected src to have a size equal to the slice of self: {list(src.shape)} and {list(target)}")
    return TensorType(shape, input.dtype)
