"""What facts may ask about an operation: named properties of an :class:`Op`, and the conditions written over them.

A condition in a fact table is a list of terms joined by ``and``: ``kernel_w > 8 and kernel_w != 32``, ``not runtime_index``,
``mode == reflect``. Every property answers a number, a word, a truth value, or None where the analysis does not know.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ane_lsp.graph import Op, Value
from ane_lsp.graph.records import dataclass

Answer = int | float | str | bool | None

# torch dtypes that a converted program holds as 32-bit integers.
INT32 = frozenset({"i64", "i32", "u32", "u64"})
_SMALL_INT = frozenset({"i8", "u8", "i16", "u16"})
# Operands that are positions, not data: an integer there does not make the op an integer op.
_INDEX_OPERANDS = frozenset({"indices", "begin", "end", "size", "shape", "reps", "pad", "k", "axis", "axes"})
# Ops that take integer positions or make them; the rows of the fact table speak about each.
_INDEX_OPS = frozenset({"gather", "gather_nd", "gather_along_axis", "topk", "reduce_argmax", "reduce_argmin", "argsort",
                        "one_hot", "non_zero", "cast", "range_1d", "shape", "const", "quantize", "dequantize"})  # fmt: skip


def operand(op: Op, *names: str) -> Value | None:
    """The first single tensor operand among `names`."""
    for name in names:
        found = op.inputs.get(name)
        if isinstance(found, Value):
            return found
    return None


def _shape(value: Value | None) -> tuple[object, ...] | None:
    return None if value is None or value.type.shape is None else value.type.shape


def _data_values(op: Op) -> list[Value]:
    """Run-time tensors that the op reads or makes: constants have limits of their own."""
    found = [v for v in op.input_values() if not v.is_const]
    return found + list(op.outputs)


def _sizes(op: Op, axes: Callable[[int], range]) -> int | None:
    """The biggest known size among the axes that `axes(rank)` names; symbolic sizes are left out."""
    known = [
        size
        for value in _data_values(op)
        if value.type.shape is not None
        for index in axes(len(value.type.shape))
        if isinstance(size := value.type.shape[index], int)
    ]
    return max(known, default=None)


def size(op: Op) -> Answer:
    """The longest axis of any run-time tensor."""
    return _sizes(op, range)


def extent(op: Op) -> Answer:
    """The longest width, height or depth: the axes behind batch and channels, the last axis of a shorter tensor."""
    return _sizes(op, lambda rank: range(min(2, rank - 1), rank) if rank else range(0))


def rank(op: Op) -> Answer:
    """The most axes of any run-time tensor."""
    return max((len(v.type.shape) for v in _data_values(op) if v.type.shape is not None), default=None)


def operand_rank(op: Op) -> Answer:
    """The most axes of the two factors."""
    ranks = [len(s) for v in (operand(op, "x"), operand(op, "y")) if (s := _shape(v)) is not None]
    return max(ranks, default=None)


def _kernel(op: Op) -> tuple[object, ...] | None:
    """Window sizes, outermost axis first."""
    given = op.attrs.get("kernel_sizes")
    if given:
        return tuple(given)
    weight = _shape(operand(op, "weight"))
    return None if weight is None or len(weight) < 3 else weight[2:]


def _kernel_axis(op: Op, back: int) -> Answer:
    found = _kernel(op)
    if found is None:
        return None
    if len(found) < back:
        return 1
    value = found[-back]
    return value if isinstance(value, int) else None


def kernel_w(op: Op) -> Answer:
    """Window size along the last axis; a one-dimensional window is a width."""
    return _kernel_axis(op, 1)


def kernel_h(op: Op) -> Answer:
    """Window size along the second last axis, 1 where the window is one-dimensional."""
    return _kernel_axis(op, 2)


def kernel_max(op: Op) -> Answer:
    """The longest side of the window."""
    found = _kernel(op)
    known = [k for k in found or () if isinstance(k, int)]
    return max(known) if found and len(known) == len(found) else None


def kernel(op: Op) -> Answer:
    """The window in words: ``9x9``, ``1x31``; a one-dimensional one as it reaches the engine, ``1x31``."""
    found = _kernel(op)
    if found is None:
        return None
    shown = ("1", *map(str, found)) if len(found) == 1 else tuple(map(str, found))
    return "x".join(shown)


def stride(op: Op) -> Answer:
    """The biggest stride, 1 where none is given."""
    given = op.attrs.get("strides") or (1,)
    return max(given) if all(isinstance(s, int) for s in given) else None


def volumetric(op: Op) -> Answer:
    """Whether the window has three axes."""
    found = _kernel(op)
    return None if found is None else len(found) > 2


def inner(op: Op) -> Answer:
    """The length of the contraction: the axis a matrix product sums over; 0 where it is a symbol, taken to be short."""
    shape = _shape(operand(op, "x"))
    if not shape:
        return None
    axis = -2 if op.attrs.get("transpose_x") and len(shape) > 1 else -1
    found = shape[axis]
    return found if isinstance(found, int) else 0


def int_tensor(op: Op) -> Answer:
    """Whether it computes with run-time 32-bit integers (int64 becomes int32 on conversion)."""
    if op.kind in _INDEX_OPS:
        return False
    read = [v for name, given in op.inputs.items() if name not in _INDEX_OPERANDS
            for v in (given if isinstance(given, tuple) else (given,))]  # fmt: skip
    return any(v.type.dtype in INT32 and not v.is_const for v in (*read, *op.outputs))


def runtime_index(op: Op) -> Answer:
    """Whether the positions it reads at are known only at run time."""
    found = operand(op, "indices")
    return None if found is None else not found.is_const


def runtime_begin(op: Op) -> Answer:
    """Whether the place a slice starts or ends at is a run-time tensor."""
    return any(
        v is not None and not v.is_const for v in (operand(op, "begin"), operand(op, "end"), operand(op, "size"))
    )


def embedding(op: Op) -> Answer:
    """Whether it looks rows up in a table of weights."""
    table = operand(op, "x")
    return table is not None and table.is_const and op.attrs.get("axis", 0) == 0


def _cast_to(op: Op) -> str:
    return str(op.attrs.get("dtype", ""))


def to_int(op: Op) -> Answer:
    """Whether a cast makes 32-bit integers."""
    return _cast_to(op) in ("int32", "int64", "uint32")


def from_int(op: Op) -> Answer:
    """Whether a cast reads 32-bit integers."""
    found = operand(op, "x")
    return None if found is None or found.type.dtype is None else found.type.dtype in INT32


def mode(op: Op) -> Answer:
    """The op's mode, in small letters."""
    found = op.attrs.get("mode")
    return str(found).lower() if found is not None else None


def nonzero_constant(op: Op) -> Answer:
    """Whether it pads with a number other than 0."""
    return op.attrs.get("mode", "constant") == "constant" and bool(op.attrs.get("constant_val"))


FEATURES: Mapping[str, Callable[[Op], Answer]] = {
    f.__name__: f
    for f in (
        size, extent, rank, operand_rank, kernel, kernel_w, kernel_h, kernel_max, stride, volumetric, inner, int_tensor,
        runtime_index, runtime_begin, embedding, to_int, from_int, mode, nonzero_constant,
    )
}  # fmt: skip

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_TERM = re.compile(r"(?P<not>not\s+)?(?P<name>[a-z_]+)(?:\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<value>[\w.]+))?")


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a property with a constant; without an operator, the property must be true."""

    feature: str
    op: str
    value: int | str
    negated: bool

    def holds(self, subject: Op, known: dict[str, Answer] | None = None) -> bool | None:
        """True, False, or None where the property is not known. known: what was asked of the same op before."""
        if known is None:
            found = FEATURES[self.feature](subject)
        elif self.feature in known:
            found = known[self.feature]
        else:
            found = known[self.feature] = FEATURES[self.feature](subject)
        if found is None:
            return None
        result = bool(found) if not self.op else _COMPARE[self.op](found, self.value)
        return result != self.negated


@cache
def parse(condition: str) -> tuple[Term, ...]:
    """The terms of a condition; an empty one has none. Raises ValueError with the term that is wrong."""
    terms: list[Term] = []
    for part in condition.split(" and ") if condition else ():
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is not a comparison such as `kernel_w > 8`")
        if match["name"] not in FEATURES:
            raise ValueError(f"{match['name']!r} is not a property of an operation ({', '.join(sorted(FEATURES))})")
        raw = match["value"]
        value = int(raw) if raw and raw.isdigit() else raw or ""
        terms.append(Term(match["name"], match["op"] or "", value, bool(match["not"])))
    return tuple(terms)


def holds(terms: tuple[Term, ...], op: Op, known: dict[str, Answer] | None = None) -> bool | None:
    """Whether all terms hold: False as soon as one does not, None where that depends on something unknown.

    known: properties of the op by name, filled in as they are asked for."""
    unknown = False
    for term in terms:
        found = term.holds(op, known)
        if found is False:
            return False
        unknown = unknown or found is None
    return None if unknown else True
