"""Small tensors whose elements are known: rounding to a dtype, elementwise maps, reductions, selection.

Model code computes things from tensors while it is built (``[x.item() for x in torch.linspace(0, r, n)]``), so elements
are carried for tensors of up to :data:`LIMIT` elements. Results are rounded to the dtype, as torch stores them. Everything
here answers None where it cannot tell; nothing raises.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import product, repeat
from operator import is_
from typing import Any

from ane_lsp.graph import Shape, TensorType
from ane_lsp.graph.records import dataclass
from ane_lsp.torch_model.promotion import BITS, COMPLEX, FLOATING, INTEGRAL, is_number, is_unknown_number
from ane_lsp.torch_model.shapes import broadcast, static

LIMIT = 4096
Data = tuple[Any, ...]

# (largest, smallest normal, spacing at 1) of the float formats: IEEE 754 and bfloat16.
_FLOAT = {
    "f64": (1.7976931348623157e308, 2.2250738585072014e-308, 2.0**-52, 1e-15),
    "f32": ((2 - 2.0**-23) * 2.0**127, 2.0**-126, 2.0**-23, 1e-06),
    "f16": (65504.0, 2.0**-14, 2.0**-10, 1e-3),
    "bf16": ((2 - 2.0**-7) * 2.0**127, 2.0**-126, 2.0**-7, 1e-2),
    "f8e4m3fn": (448.0, 2.0**-6, 2.0**-3, 1.0),
    "f8e5m2": (57344.0, 2.0**-14, 2.0**-2, 1.0),
}


@dataclass(frozen=True)
class FInfo:
    """``torch.finfo``."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    tiny: float
    resolution: float
    dtype: str


@dataclass(frozen=True)
class IInfo:
    """``torch.iinfo``."""

    bits: int
    max: int
    min: int
    dtype: str


def finfo(dtype: str, name: str) -> FInfo | None:
    """Limits of a float dtype (of its parts for a complex one); None for other dtypes. `name` is torch's own."""
    part = {"c64": "f32", "c128": "f64", "c32": "f16"}.get(dtype, dtype)
    if part not in _FLOAT:
        return None
    largest, tiny, eps, resolution = _FLOAT[part]
    return FInfo(BITS[part], eps, largest, -largest, tiny, tiny, resolution, name)


def iinfo(dtype: str, name: str) -> IInfo | None:
    """Limits of an integer dtype; None for other dtypes."""
    if dtype not in INTEGRAL:
        return None
    low, high = int_range(dtype)
    return IInfo(BITS[dtype], high, low, name)


def int_range(dtype: str) -> tuple[int, int]:
    """Smallest and largest value of an integer dtype."""
    bits = BITS[dtype]
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def round_float(value: float, dtype: str) -> float:
    """`value` as a float format holds it. Too large becomes infinite."""
    if dtype == "f64" or not math.isfinite(value):
        return value
    if dtype == "bf16":
        bits = struct.unpack("<I", struct.pack("<f", _pack("<f", value)))[0]
        if bits & 0x7F800000 == 0x7F800000:
            return math.copysign(math.inf, value)
        bits += 0x7FFF + ((bits >> 16) & 1)
        return float(struct.unpack("<f", struct.pack("<I", bits & 0xFFFF0000))[0])
    return _pack({"f32": "<f", "f16": "<e"}[dtype], value)


def _pack(code: str, value: float) -> float:
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def uniform(data: Data) -> bool:
    """Whether all elements are one and the same object, as in what ``torch.ones`` gives: such data is computed with once."""
    return len(data) > 1 and all(map(is_, data, repeat(data[0])))


def as_dtype(value: Any, dtype: str) -> Any:
    """A Python number as an element of `dtype`. Raises ValueError where torch's result is undefined."""
    if dtype == "b8":
        return bool(value)
    if dtype in INTEGRAL:
        if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError("no integer")
        low, high = int_range(dtype)
        whole = int(value)
        return whole if low <= whole <= high else (whole - low) % (high - low + 1) + low
    if dtype in ("f64", "f32", "f16", "bf16"):
        return round_float(_as_float(value.real if isinstance(value, complex) else value), dtype)
    if dtype in ("c64", "c128"):
        part = "f32" if dtype == "c64" else "f64"
        return complex(round_float(_as_float(value.real), part), round_float(_as_float(value.imag), part))
    raise ValueError(f"no elements of {dtype}")


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def convert(data: Iterable[Any] | None, dtype: str | None) -> Data | None:
    """Elements as `dtype`."""
    if data is None or dtype is None:
        return None
    items = tuple(data)
    try:
        if uniform(items):
            return (as_dtype(items[0], dtype),) * len(items)
        alike = _alike(items, dtype)
        if alike is not None:
            return alike
        return tuple(as_dtype(value, dtype) for value in items)
    except (ValueError, TypeError):
        return None


_F32_SAFE = 3.4e38  # below the largest float32, so that rounding cannot become infinite


def _alike(items: Data, dtype: str) -> Data | None:
    """What :func:`as_dtype` makes of each of many floats or ints at once; None where that needs a closer look."""
    if len(items) < 8:
        return None
    kinds = set(map(type, items))
    if kinds == {float}:
        if dtype == "f64":
            return items
        if dtype == "f32" and all(map(math.isfinite, items)) and min(items) > -_F32_SAFE and max(items) < _F32_SAFE:
            return tuple(array("f", items))
    elif kinds == {int} and dtype in INTEGRAL:
        low, high = int_range(dtype)
        if low <= min(items) and max(items) <= high:
            return items
    return None


def count(shape: Shape | None) -> int | None:
    """The number of elements where it is known and small enough to carry them."""
    sizes = static(shape)
    if sizes is None:
        return None
    total = math.prod(sizes)
    return total if total <= LIMIT else None


def made(shape: Shape | None, dtype: str | None, data: Iterable[Any] | None = None) -> TensorType:
    """A tensor with the elements `data` rounded to its dtype, or without where they cannot be carried."""
    return TensorType(shape, dtype, convert(data, dtype) if data is not None and count(shape) is not None else None)


def filled(shape: Shape | None, dtype: str | None, value: Any) -> TensorType:
    """A tensor of equal elements."""
    total = count(shape)
    if total is None or not isinstance(value, (bool, int, float, complex)):
        return TensorType(shape, dtype)
    one = convert((value,), dtype)
    return TensorType(shape, dtype, one * total if one is not None else None)


def elements(operand: Any) -> Data | None:
    """The elements of an operand: a tensor's data, or the number itself."""
    if isinstance(operand, TensorType):
        return operand.data
    return (operand,) if isinstance(operand, (bool, int, float, complex)) else None


def expanded(operand: Any, shape: tuple[int, ...]) -> Data | None:
    """The elements of an operand broadcast to `shape`."""
    data = elements(operand)
    if data is None or not isinstance(operand, TensorType):
        return None if data is None else data * math.prod(shape)
    have = static(operand.shape)
    if have is None or len(data) != math.prod(have):
        return None
    if have == shape:
        return data
    if len(data) == 1:
        return data * math.prod(shape)
    steps: list[int] = []
    step = 1
    for size in reversed(have):
        steps.append(0 if size == 1 else step)
        step *= size
    steps += [0] * (len(shape) - len(have))
    steps.reverse()
    return tuple(data[sum(i * s for i, s in zip(index, steps, strict=True))] for index in product(*map(range, shape)))


def elementwise(
    function: Callable[..., Any] | None, shape: Shape | None, dtype: str | None, *operands: Any
) -> Data | None:
    """`function` over broadcast operands (tensors with data, or numbers), rounded to `dtype`."""
    sizes = static(shape)
    if function is None or dtype is None or sizes is None or math.prod(sizes) > LIMIT:
        return None
    if any(map(is_unknown_number, operands)):
        return None
    columns: list[Data] = []
    for operand in operands:
        column = expanded(operand, sizes)
        if column is None:
            return None
        columns.append(column)
    try:
        if columns and all(map(uniform, columns)):
            return (as_dtype(function(*(column[0] for column in columns)), dtype),) * len(columns[0])
        return tuple(as_dtype(function(*row), dtype) for row in zip(*columns, strict=True))
    except (ValueError, TypeError, ArithmeticError):
        return None


def pointwise(function: Callable[..., Any] | None, dtype: str | None, *operands: Any) -> TensorType:
    """The result of an elementwise op: broadcast shape, and elements where every operand's are known.

    An operand that is neither a tensor nor a number makes the shape unknown: it may be a tensor.
    """
    if any(not isinstance(o, TensorType) and not is_number(o) and not is_unknown_number(o) for o in operands):
        return TensorType(None, dtype)
    shape = broadcast(*(operand.shape for operand in operands if isinstance(operand, TensorType)))
    return TensorType(shape, dtype, elementwise(function, shape, dtype, *operands))


def lanes(tensor: TensorType, axes: Sequence[int]) -> list[list[Any]] | None:
    """The elements a reduction over `axes` combines, one list for each element of the result, in row-major order."""
    sizes = static(tensor.shape)
    if tensor.data is None or sizes is None:
        return None
    kept = [axis for axis in range(len(sizes)) if axis not in axes]
    steps = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    inner = [
        sum(i * steps[a] for i, a in zip(index, axes, strict=True))
        for index in product(*(range(sizes[a]) for a in axes))
    ]
    return [
        [tensor.data[sum(i * steps[a] for i, a in zip(index, kept, strict=True)) + offset] for offset in inner]
        for index in product(*(range(sizes[a]) for a in kept))
    ]


def unlanes(rows: Sequence[Sequence[Any]], shape: tuple[int, ...], axis: int) -> Data:
    """Lanes along one axis put back in row-major order of `shape`."""
    kept = [a for a in range(len(shape)) if a != axis]
    rank = {index: n for n, index in enumerate(product(*(range(shape[a]) for a in kept)))}
    return tuple(
        rows[rank[tuple(index[a] for a in kept)]][index[axis] if shape else 0] for index in product(*map(range, shape))
    )


def value_of(tensor: Any) -> Any:
    """The Python number in a one-element tensor; None where it is not known."""
    if isinstance(tensor, TensorType):
        return tensor.data[0] if tensor.data is not None and len(tensor.data) == 1 else None
    return tensor if isinstance(tensor, (bool, int, float, complex)) else None


def nested(data: Data, shape: tuple[int, ...]) -> Any:
    """``tolist()``: the elements as nested lists, or the number itself for a 0-d tensor."""
    if not shape:
        return data[0]
    step = math.prod(shape[1:])
    return [nested(data[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def is_float(dtype: str | None) -> bool:
    """Whether a dtype is real or complex floating point."""
    return dtype is not None and (dtype in FLOATING or dtype in COMPLEX)
