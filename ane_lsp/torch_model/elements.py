"""The elements of small constant tensors, moved the way views, indexing and joining move them.

A tensor's contents are a flat tuple in row-major order next to a shape of ints (:attr:`TensorType.data`). Functions here
return the contents of the result, or None where an input's contents are not known or the result would be too large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from ane_lsp.graph import Shape, TensorType
from ane_lsp.torch_model.shapes import static

LIMIT = 4096
Data = tuple[bool | int | float | complex, ...]


def contents(tensor: TensorType) -> tuple[tuple[int, ...], Data] | None:
    """Shape and elements, where both are known."""
    shape = static(tensor.shape)
    if shape is None or tensor.data is None or len(tensor.data) != prod(shape):
        return None
    return shape, tensor.data


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides in elements."""
    out: list[int] = []
    step = 1
    for size in reversed(shape):
        out.append(step)
        step *= size
    return tuple(reversed(out))


def strided(data: Data, sizes: Sequence[int], strides: Sequence[int], offset: int = 0) -> Data | None:
    """The elements of a strided view of `data`."""
    if prod(sizes) > LIMIT:
        return None
    places = [offset]
    for size, stride in zip(sizes, strides, strict=True):
        places = [place + i * stride for place in places for i in range(size)]
    return tuple(data[place] for place in places)


def same(tensor: TensorType, shape: Shape | None) -> TensorType:
    """The same elements in the same order under another shape."""
    result = TensorType(shape, tensor.dtype)
    if contents(tensor) is None or static(shape) is None or len(tensor.data or ()) > LIMIT:
        return result
    return TensorType(shape, tensor.dtype, tensor.data)


def viewed(
    tensor: TensorType, shape: Shape | None, strides: Callable[[tuple[int, ...]], tuple[Sequence[int], int]]
) -> TensorType:
    """A strided view: `strides` says, from the input's row-major strides, the result's strides and its offset."""
    found, target = contents(tensor), static(shape)
    if found is None or target is None:
        return TensorType(shape, tensor.dtype)
    steps, offset = strides(strides_of(found[0]))
    return TensorType(shape, tensor.dtype, strided(found[1], target, steps, offset))


def picked(tensor: TensorType, shape: Shape | None, places: Callable[[tuple[int, ...]], Sequence[int]]) -> TensorType:
    """Elements at flat positions; `places` makes those from the input's shape, in the result's row-major order."""
    found, target = contents(tensor), static(shape)
    if found is None or target is None or prod(target) > LIMIT:
        return TensorType(shape, tensor.dtype)
    return TensorType(shape, tensor.dtype, tuple(found[1][place] for place in places(found[0])))


def take_along(tensor: TensorType, axis: int, positions: Sequence[int]) -> TensorType:
    """The slices of `tensor` at `positions` along `axis`, in that order."""
    assert tensor.shape is not None
    shape = (*tensor.shape[:axis], len(positions), *tensor.shape[axis + 1 :])

    def places(source: tuple[int, ...]) -> list[int]:
        steps = strides_of(source)
        ranges: list[Sequence[int]] = [range(size) for size in source]
        ranges[axis] = positions
        return [sum(i * s for i, s in zip(index, steps, strict=True)) for index in product(*ranges)]

    return picked(tensor, shape, places)


def joined(tensors: Sequence[TensorType], axis: int, shape: Shape, dtype: str | None) -> TensorType:
    """The concatenation of tensors of equal rank along `axis`; `shape` is the result's."""
    plain = TensorType(shape, dtype)
    target = static(shape)
    parts = [contents(tensor) for tensor in tensors]
    if target is None or prod(target) > LIMIT or any(part is None for part in parts):
        return plain
    out: list[bool | int | float | complex] = []
    outer = prod(target[:axis])
    for row in range(outer):
        for part in parts:
            assert part is not None
            chunk = prod(part[0][axis:])
            out.extend(part[1][row * chunk : (row + 1) * chunk])
    if dtype is not None and any(tensor.dtype != dtype for tensor in tensors):
        kind: Callable[..., bool | int | float | complex] = (
            complex if dtype[0] == "c" else float if dtype[0] == "f" or dtype == "bf16" else int
        )
        if dtype != "b8":
            out = [kind(item) for item in out]
    return TensorType(shape, dtype, tuple(out))
