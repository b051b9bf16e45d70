"""What is known about one tensor, and where a piece of source stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from ane_lsp.graph import dims
from ane_lsp.graph.dims import DimLike
from ane_lsp.graph.records import dataclass

Shape = tuple[DimLike, ...]
Scalar = bool | int | float

# Short dtype names as the trace prints them, and torch's own.
TORCH_DTYPE: Mapping[str, str] = {
    "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16",
    "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8", "u8": "uint8", "u16": "uint16", "u32": "uint32",
    "u64": "uint64", "b8": "bool", "c64": "complex64", "c128": "complex128", "c32": "complex32",
    "f8e4m3fn": "float8_e4m3fn", "f8e5m2": "float8_e5m2", "q8": "qint8", "qu8": "quint8", "q32": "qint32",
}  # fmt: skip
DTYPES = frozenset(TORCH_DTYPE)


class Span(NamedTuple):
    """A range of source: lines from 1, columns from 0 in UTF-8 bytes, end exclusive, as in Python's ``ast``."""

    file: str
    line: int
    col: int
    end_line: int
    end_col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col + 1}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value the analysis does not know, with the reason in words a reader of the source understands.

    `cause` is the unknown this one was computed from, so that a chain leads back to the first. `item`: of a sequence whose
    length is not known, what each of its items looks like, None where nobody knows that either. `number`: it is a Python
    number, so that a tensor multiplied by it keeps its shape; ``float`` where that is its type.
    """

    reason: str
    span: Span | None = None
    cause: Unknown | None = field(default=None, compare=False)
    item: Any = field(default=None, compare=False, repr=False)
    number: bool | type[float] = field(default=False, repr=False)

    @property
    def first(self) -> Unknown:
        """The unknown that this one goes back to."""
        found = self
        for _ in range(1000):
            if found.cause is None:
                break
            found = found.cause
        return found

    def of_item(self, item: Any) -> Unknown:
        """The same of which each item looks like another; itself where that is the same object."""
        return self if item is self.item else Unknown(self.reason, self.span, self.cause, item, self.number)

    def __bool__(self) -> bool:
        raise TypeError(f"truth of an unknown value asked: {self.reason}")


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape and dtype of a tensor.

    shape: sizes from the outermost axis in; None where even the rank is unknown.
    dtype: a key of :data:`TORCH_DTYPE`, or None where unknown.
    data: for small tensors whose contents are known, the elements in row-major order; never part of equality.
    device: ``"meta"`` etc. are not tracked: a device never changes a shape.
    """

    shape: Shape | None
    dtype: str | None
    data: tuple[Scalar | complex, ...] | None = field(default=None, compare=False)

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def is_static(self) -> bool:
        """Every size is an int."""
        return self.shape is not None and all(type(d) is int for d in self.shape)

    @property
    def numel(self) -> DimLike | None:
        """The number of elements; None where the rank is unknown."""
        return None if self.shape is None else dims.product(self.shape)

    def with_shape(self, shape: Shape | None) -> TensorType:
        return TensorType(shape, self.dtype)

    def with_dtype(self, dtype: str | None) -> TensorType:
        return TensorType(self.shape, dtype)

    def __str__(self) -> str:
        shape = "?" if self.shape is None else "[" + ", ".join(map(str, self.shape)) + "]"
        return f"{shape} {self.dtype or '?'}"


def dim_json(size: DimLike) -> int | str:
    """A size as the trace prints it: an int, ``"?"``, or the symbolic text."""
    return size if isinstance(size, int) else str(size)
