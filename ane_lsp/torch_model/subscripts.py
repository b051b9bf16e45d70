"""What a tensor subscript means: ``x[0, :, None, mask, ..., idx]`` as a series of single steps.

torch applies a subscript from the left: ints select, slices narrow, None adds an axis; index tensors, masks and lists are
collected and applied together at the end. Unlike numpy, a plain int among index tensors is no index tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from itertools import product
from math import prod
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.torch_model import elements
from ane_lsp.torch_model.shapes import Undetermined, broadcast, check_same_size, fail, kind_of, shape_of, static


@dataclass(frozen=True)
class Select:
    """Takes one position of an axis, which disappears. index None: a position that is not known."""

    axis: int
    index: DimLike | None


@dataclass(frozen=True)
class Narrow:
    """A slice of an axis. start, stop and step are what was written (None where nothing was), `size` what is left."""

    axis: int
    start: Any
    stop: Any
    step: Any
    size: DimLike


@dataclass(frozen=True)
class Insert:
    """A new axis of size 1."""

    axis: int


@dataclass(frozen=True)
class Pick:
    """An index tensor (or mask over `covers` axes) at an axis of what the other steps leave.

    source: the key item. count: how many positions a mask selects, None for an index tensor.
    """

    axis: int
    type: TensorType
    source: Any
    covers: int = 1
    count: DimLike | None = None

    @property
    def is_mask(self) -> bool:
        return self.count is not None

    @property
    def shape(self) -> Shape | None:
        """The shape this index broadcasts with: a mask stands for one-dimensional index tensors."""
        return self.type.shape if self.count is None else (self.count,)


@dataclass
class Subscript:
    """A subscript applied to a shape. basic: the shape before index tensors apply."""

    steps: list[Select | Narrow | Insert] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)
    basic: Shape = ()

    @property
    def picked_axes(self) -> list[int]:
        """The axes of `basic` that index tensors replace."""
        return [pick.axis + i for pick in self.picks for i in range(pick.covers)]

    @property
    def adjacent(self) -> bool:
        """Whether the indexed axes stand side by side: then the index's axes take their place, else they come first."""
        axes = self.picked_axes
        return axes == list(range(axes[0], axes[0] + len(axes))) if axes else True

    @property
    def index_shape(self) -> Shape:
        """The shape of all index tensors together. Raises Undetermined where a rank is unknown."""
        shape = broadcast(*(pick.shape for pick in self.picks))
        if shape is None:
            raise Undetermined("an index tensor of unknown shape")
        return shape

    @property
    def shape(self) -> Shape:
        """The result's shape."""
        if not self.picks:
            return self.basic
        axes = self.picked_axes
        rest = [size for axis, size in enumerate(self.basic) if axis not in axes]
        at = axes[0] if self.adjacent else 0
        return (*rest[:at], *self.index_shape, *rest[at:])


def type_of(item: Any) -> TensorType | None:
    """The type of a tensor in a subscript, be it a type (in a rule) or a graph value (in a lowering)."""
    if isinstance(item, TensorType):
        return item
    return item.type if isinstance(item, Value) else None


def parse(shape: Shape, key: Any) -> Subscript:
    """`key` applied to `shape`.

    Raises TorchError where torch raises, Undetermined where not even the result's rank is known.
    """
    items = _items(key)
    taken = sum(_covers(item) for item in items)
    if taken > len(shape):
        fail(f"too many indices for tensor of dimension {len(shape)}", IndexError)
    found = Subscript()
    left = list(shape)
    axis = 0
    for item in items:
        axis = _apply(found, left, axis, item, len(shape) - taken)
    found.basic = tuple(left)
    _check_bounds(found)
    return found


def _check_bounds(found: Subscript) -> None:
    """Known index tensors must be in range. torch does not look where nothing is taken."""
    empty = any(dims.less(0, size) is not True for size in found.basic)
    for pick in found.picks:
        if empty and not (found.basic[pick.axis] == 0 and pick.type.data):
            continue
        size = found.basic[pick.axis]
        if pick.is_mask or pick.type.data is None or not isinstance(size, int):
            continue
        if any(not -size <= int(item.real) < size for item in pick.type.data):
            fail(f"index out of bounds for dimension {pick.axis} with size {size}", IndexError)


def _items(key: Any) -> list[Any]:
    if isinstance(key, tuple):
        return list(key)
    if isinstance(key, (list, range)):
        nested = any(
            item is None
            or item is Ellipsis
            or isinstance(item, (slice, list, tuple, range))
            or type_of(item) is not None
            for item in key
        )
        if nested and len(key) < 32:
            return list(key)
    return [key]


def _covers(item: Any) -> int:
    """How many axes of the tensor an item of the subscript uses up."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if isinstance(item, Unknown):
        raise Undetermined(item.reason)
    tensor = type_of(item)
    if tensor is None and isinstance(item, (list, tuple, range)):
        tensor = _as_tensor(item)
    if tensor is not None and tensor.dtype is None:
        raise Undetermined("an index tensor of unknown dtype")
    if tensor is not None and tensor.dtype in ("b8", "u8"):
        return len(shape_of(tensor))
    return 1


def _apply(found: Subscript, left: list[DimLike], axis: int, item: Any, free: int) -> int:
    """Add one item of the subscript to `found`; the axis the next one is for."""
    if item is None:
        left.insert(axis, 1)
        found.steps.append(Insert(axis))
        return axis + 1
    if item is Ellipsis:
        return axis + free
    if isinstance(item, bool):
        left.insert(axis, 1)
        found.steps.append(Insert(axis))
        found.picks.append(Pick(axis, TensorType((1,) if item else (0,), "i64", (0,) if item else ()), item))
        return axis + 1
    if isinstance(item, slice):
        if axis >= len(left):
            fail("too many indices for tensor", IndexError)
        size = narrowed(left[axis], item.start, item.stop, item.step)
        found.steps.append(Narrow(axis, item.start, item.stop, item.step, size))
        left[axis] = size
        return axis + 1
    if isinstance(item, (int, Sym)):
        return _select(found, left, axis, item)
    tensor = type_of(item)
    if tensor is None:
        if not isinstance(item, (list, tuple, range)):
            fail(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                f"(got {kind_of(item)})",
                TypeError if isinstance(item, str) else IndexError,
            )
        tensor = _as_tensor(item)
    return _pick(found, left, axis, item, tensor)


def _select(found: Subscript, left: list[DimLike], axis: int, index: DimLike | None) -> int:
    if axis >= len(left):
        fail("too many indices for tensor", IndexError)
    size = left[axis]
    if index is not None and (dims.less(index, -size) or (dims.less(index, size) is False)):
        fail(f"index {index} is out of bounds for dimension {axis} with size {size}", IndexError)
    found.steps.append(Select(axis, index))
    del left[axis]
    return axis


def _pick(found: Subscript, left: list[DimLike], axis: int, item: Any, tensor: TensorType) -> int:
    if tensor.dtype is not None and tensor.dtype not in ("i64", "i32", "u8", "b8"):
        fail("tensors used as indices must be long, int, byte or bool tensors", IndexError)
    if tensor.dtype is None:
        raise Undetermined("an index tensor of unknown dtype")
    mask = tensor.dtype in ("b8", "u8")
    if tensor.shape == ():
        if not mask:
            known = int(tensor.data[0].real) if tensor.data is not None else None
            return _select(found, left, axis, known)
        left.insert(axis, 1)
        found.steps.append(Insert(axis))
        truth = None if tensor.data is None else bool(tensor.data[0])
        size: DimLike = dims.fresh() if truth is None else int(truth)
        found.picks.append(Pick(axis, TensorType((size,), "i64", (0,) if truth else ()), item))
        return axis + 1
    covers = len(shape_of(tensor)) if mask else 1
    if axis + covers > len(left):
        fail("too many indices for tensor", IndexError)
    if mask:
        for offset, size in enumerate(shape_of(tensor)):
            check_same_size(
                size,
                left[axis + offset],
                "The shape of the mask does not match that of the indexed tensor",
                IndexError,
            )
    count: DimLike | None = None
    if mask:
        count = dims.fresh() if tensor.data is None else sum(bool(i) for i in tensor.data)
    found.picks.append(Pick(axis, tensor, item, covers, count))
    return axis + covers


def _as_tensor(items: Any) -> TensorType:
    """A list of numbers (nested or not), or of 0-d tensors, as the index tensor torch makes of it."""
    if not isinstance(items, (list, tuple, range)):
        tensor = type_of(items)
        if tensor is not None:
            return tensor
        if isinstance(items, bool):
            return TensorType((), "b8", (items,))
        if isinstance(items, int):
            return TensorType((), "i64", (items,))
        if isinstance(items, (Sym, Unknown)):
            return TensorType((), "i64")
        if isinstance(items, float):
            return TensorType((), "i64", (int(items),))
        fail(f"invalid data type '{kind_of(items)}' in an index")
    parts = [_as_tensor(item) for item in items]
    if not parts:
        return TensorType((0,), "i64", ())
    inner = static(parts[0].shape)
    if any(static(part.shape) != inner for part in parts):
        fail("expected sequences of equal length in an index")
    shape = (len(parts), *(parts[0].shape or ()))
    dtype = "b8" if all(part.dtype == "b8" for part in parts) else "i64"
    if any(part.data is None for part in parts):
        return TensorType(shape, dtype)
    return TensorType(shape, dtype, tuple(item for part in parts for item in part.data or ()))


def _bound(value: Any, what: str) -> DimLike | None:
    """A slice bound: None where it is not known."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, Sym):
        return value if value.is_known else None
    if isinstance(value, Unknown):
        return None
    tensor = type_of(value)
    if tensor is None:
        fail(f"slice indices must be integers or None, not {kind_of(value)} ({what})", TypeError)
    if tensor.dtype is not None and tensor.dtype[0] not in "iub":
        fail("slice indices must be integers or None or have an __index__ method", TypeError)
    if tensor.data is not None and len(tensor.data) == 1:
        return int(tensor.data[0].real)
    return None


def narrowed(size: DimLike, start: Any, stop: Any, step: Any) -> DimLike:
    """The number of positions ``start:stop:step`` takes of `size`."""
    stride = 1 if step is None else _bound(step, "step")
    if stride is None:
        return dims.fresh()
    if dims.less(stride, 1):
        fail("slice step must be positive", ValueError)
    first = 0 if start is None else _bound(start, "start")
    last = None if stop is None else _bound(stop, "stop")
    if first is None or (stop is not None and last is None):
        return dims.fresh()
    if (
        isinstance(size, int)
        and isinstance(first, int)
        and isinstance(stride, int)
        and (last is None or isinstance(last, int))
    ):
        return len(range(*slice(first, last, stride).indices(size)))
    count = _span(size, first, last)
    if count is None:
        return dims.fresh()
    return dims.ceildiv(count, stride)


def _span(size: DimLike, first: DimLike, last: DimLike | None) -> DimLike | None:
    """``len(range(size)[first:last])``, None where the sign of a bound is not known."""
    first_sign, last_sign = dims.less(first, 0), None if last is None else dims.less(last, 0)
    if first_sign is None or (last is not None and last_sign is None):
        return None
    if first_sign and last is None:
        return dims.minimum(-first, size)
    low = dims.maximum(size + first, 0) if first_sign else first
    high = size if last is None else size + last if last_sign else dims.minimum(last, size)
    return dims.maximum(high - low, 0)


def gathered(tensor: TensorType, found: Subscript) -> TensorType:
    """The result's type, with its elements where those of the tensor and of every index are known."""
    shape = found.shape
    plain = TensorType(shape, tensor.dtype)
    places = positions(tensor, found)
    if places is None or tensor.data is None:
        return plain
    return TensorType(shape, tensor.dtype, tuple(tensor.data[place] for place in places))


def positions(tensor: TensorType, found: Subscript) -> list[int] | None:
    """The flat positions in `tensor` that a subscript names, in the result's order; None where they are not known."""
    shape, target = static(tensor.shape), static(found.shape)
    if shape is None or target is None or prod(target) > elements.LIMIT:
        return None
    if 0 in target:
        return []
    sizes, strides, offset = list(shape), list(elements.strides_of(shape)), 0
    for step in found.steps:
        if isinstance(step, Insert):
            sizes.insert(step.axis, 1)
            strides.insert(step.axis, 0)
        elif isinstance(step, Select):
            if not isinstance(step.index, int):
                return None
            offset += (step.index % sizes[step.axis]) * strides[step.axis]
            del sizes[step.axis], strides[step.axis]
        else:
            bounds = [None if b is None else _bound(b, "bound") for b in (step.start, step.stop, step.step)]
            if any(b is not None and not isinstance(b, int) for b in bounds) or not isinstance(step.size, int):
                return None
            first, _, stride = slice(*bounds).indices(sizes[step.axis])
            offset += first * strides[step.axis]
            sizes[step.axis] = step.size
            strides[step.axis] *= stride
    if not found.picks:
        return _walk(offset, sizes, strides)
    return _picked_positions(found, sizes, strides, offset)


def _walk(offset: int, sizes: Sequence[int], strides: Sequence[int]) -> list[int]:
    places = [offset]
    for size, stride in zip(sizes, strides, strict=True):
        places = [place + i * stride for place in places for i in range(size)]
    return places


def _picked_positions(found: Subscript, sizes: list[int], strides: list[int], offset: int) -> list[int] | None:
    index_shape = static(found.index_shape)
    if index_shape is None:
        return None
    jumps = [0] * len(list(product(*map(range, index_shape))))
    for pick in found.picks:
        if pick.type.data is None:
            return None
        for axis, column in _columns(pick):
            expanded = elements.viewed(
                TensorType((len(column),), "i64", tuple(column))
                if pick.is_mask
                else TensorType(pick.type.shape, "i64", tuple(column)),
                index_shape,
                _broadcast_strides(pick.shape or (), index_shape),
            ).data
            if expanded is None:
                return None
            for n, item in enumerate(expanded):
                jumps[n] += (int(item.real) % max(sizes[axis], 1)) * strides[axis]
    axes = found.picked_axes
    at = axes[0] if found.adjacent else 0
    rest = [axis for axis in range(len(sizes)) if axis not in axes]
    before = _walk(offset, [sizes[a] for a in rest[:at]], [strides[a] for a in rest[:at]])
    after = _walk(0, [sizes[a] for a in rest[at:]], [strides[a] for a in rest[at:]])
    return [b + jump + a for b in before for jump in jumps for a in after]


def _columns(pick: Pick) -> list[tuple[int, list[int]]]:
    """The integer index a pick stands for along each axis it covers."""
    data = pick.type.data or ()
    if not pick.is_mask:
        return [(pick.axis, [int(item.real) for item in data])]
    shape = static(pick.type.shape) or ()
    hits = [index for index, item in zip(product(*map(range, shape)), data, strict=True) if item]
    return [(pick.axis + i, [hit[i] for hit in hits]) for i in range(pick.covers)]


def _broadcast_strides(shape: Shape, target: tuple[int, ...]) -> Any:
    lead = len(target) - len(shape)

    def strides(own: tuple[int, ...]) -> tuple[list[int], int]:
        return [0] * lead + [0 if size == 1 else step for size, step in zip(shape, own, strict=True)], 0

    return strides
