"""What flows through a graph: value ranges, huge constants and their source, what depends on which inputs.

Rules ask questions a single op cannot answer: is this operand bounded, does a -1e9 written elsewhere arrive here, does this
value come from token ids only. What is asked is found out by way of the ops that decide it; what is not understood stays unbounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ane_lsp.checks.engine import Context, in_order
from ane_lsp.checks.finding import Related
from ane_lsp.graph import DTYPES, Call, Graph, Op, TensorType, Value
from ane_lsp.graph.liveness import unconverted_ops
from ane_lsp.graph.moves import MOVES, VIEWS
from ane_lsp.graph.records import dataclass
from ane_lsp.torch_model.promotion import COMPLEX

FP16_MAX = 65504.0
# From here on coremltools 9.0 reads a constant as infinity (FP16ComputePrecision.fp16_overflow).
INFINITE = 1e38
# The smallest positive fp16 number; coremltools lifts smaller constants to it.
FP16_TINY = 2.0**-24

_AVERAGES = frozenset({
    "reduce_mean", "reduce_max", "reduce_min", "avg_pool", "max_pool", "upsample_bilinear", "resize_bilinear", "resize",
})  # fmt: skip
_COMPARES = frozenset({
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor", "logical_not",
})  # fmt: skip
_UNIT = frozenset({"softmax", "sigmoid", "sigmoid_hard", "one_hot"})
_SIGNED_UNIT = frozenset({"tanh", "erf", "sin", "cos", "sign", "softsign", "l2_norm"})
_POSITIVE = frozenset(
    {
        "exp",
        "exp2",
        "square",
        "abs",
        "sqrt",
        "rsqrt",
        "softplus",
        "reduce_l1_norm",
        "reduce_l2_norm",
        "reduce_sum_square",
    }
)
_ROW_NORMS = frozenset({"reduce_l1_norm", "reduce_l2_norm"})
_NORMS = frozenset({"layer_norm", "instance_norm", "batch_norm", "local_response_norm", "l2_norm"})

FLOATS = frozenset({"f16", "f32", "f64", "bf16"})
INTEGERS = frozenset({"i64", "i32", "i16", "i8", "u8", "u16", "u32", "u64"})


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a tensor's elements. integral: every element is a whole number."""

    lo: float = -math.inf
    hi: float = math.inf
    integral: bool = False

    @property
    def magnitude(self) -> float:
        return max(abs(self.lo), abs(self.hi))


ANYTHING = Range()
UNIT = Range(0.0, 1.0)
BOOL = Range(0.0, 1.0, True)


@dataclass(frozen=True, slots=True)
class Extreme:
    """A constant beyond fp16's range that may be among a tensor's elements. call: where it was written, once known."""

    value: float
    call: Call | None = None

    @property
    def finite(self) -> bool:
        return abs(self.value) < INFINITE


F = TypeVar("F")
_Leaf = tuple[int, "str | None", bool]
"""The identity of a tensor's elements, its dtype, and whether they are constant."""


class Flow:
    """Facts about every value of a graph; `idle` are ids of ops that the converted model lacks, where somebody knows them.
    Build one with :func:`flow_of`."""

    def __init__(self, graph: Graph, idle: Collection[int] | None = None) -> None:
        self.graph = graph
        if idle is None:
            idle = unconverted_ops(graph)
        self.live: tuple[Op, ...] = tuple(op for op in graph.ops if not op.folds and op.id not in idle)
        self._ranges: dict[int, Range] = {}
        self._extremes: dict[int, tuple[Extreme, ...]] = {}
        self._roots: dict[int, frozenset[str]] = {}
        self._leaf_ranges: dict[_Leaf, Range] = {}
        self._leaf_extremes: dict[_Leaf, tuple[Extreme, ...]] = {}
        self._uses: Mapping[int, list[Op]] | None = None
        self._kinds: dict[str, list[Op]] | None = None

    # -- questions -----------------------------------------------------------------------------------------------

    def of(self, *kinds: str) -> list[Op]:
        """The ops that run of some kinds, in the order of execution."""
        if self._kinds is None:
            self._kinds = {}
            for op in self.live:
                self._kinds.setdefault(op.kind, []).append(op)
        return in_order([self._kinds[kind] for kind in kinds if kind in self._kinds])

    def range(self, value: Value) -> Range:
        """Bounds of a value's elements."""
        if value.producer is None:
            return self._of_leaf(value, self._leaf_ranges, _leaf_range)
        return self._found_out(value, self._ranges, self._range, _bounded_by)

    def extremes(self, value: Value) -> tuple[Extreme, ...]:
        """Constants above fp16's range that may be among a value's elements."""
        if value.producer is None:
            return self._of_leaf(value, self._leaf_extremes, _leaf_extremes)
        return self._found_out(value, self._extremes, self._carried, _carried_by)

    def roots(self, value: Value) -> frozenset[str]:
        """Kinds of run-time inputs a value depends on: ``"float"``, ``"int"``, ``"bool"``; empty for constants."""
        if value.is_const:
            return frozenset()
        if value.producer is None:
            return frozenset({_kind(value)})
        return self._found_out(value, self._roots, self._rooted, Op.input_values)

    def users(self, value: Value) -> Sequence[Op]:
        """Ops that read a value."""
        if self._uses is None:
            self._uses = self.graph.consumers()
        return self._uses.get(value.id, ())

    def maker(self, value: Value) -> Op | None:
        """The op that computes a value, element moves skipped."""
        return self.graph.producer(self.base(value))

    def base(self, value: Value) -> Value:
        """The value whose elements these are, element moves of one tensor skipped."""
        for _ in range(64):
            op = self.graph.producer(value)
            if op is None or op.kind not in VIEWS:
                return value
            source = first(op)
            if source is _UNKNOWN or (op.kind == "cast" and _kind(value) != _kind(source)):
                return value
            value = source
        return value

    def reached(self, value: Value, through: frozenset[str], steps: int = 12) -> Iterator[Op]:
        """Ops reached from a value by way of ops of the kinds `through`, nearest first; those ops included."""
        seen: set[int] = set()
        front = [value]
        for _ in range(steps):
            following: list[Value] = []
            for current in front:
                for op in self.users(current):
                    if op.id in seen:
                        continue
                    seen.add(op.id)
                    yield op
                    if op.kind in through:
                        following += op.outputs
            front = following
            if not front:
                return

    def scalar(self, value: Value) -> float | None:
        """The number a constant holds in every element, where it is known."""
        if not value.is_const:
            return None
        data = value.type.data
        if data and all(isinstance(v, (int, float)) and v == data[0] for v in data):
            return float(data[0])  # type: ignore[arg-type]
        found = self.range(value)
        return found.lo if found.lo == found.hi and math.isfinite(found.lo) else None

    def from_reduction(self, value: Value, kind: str, steps: int = 6) -> bool:
        """Whether a value is a reduction of the given kind, but for small adjustments (views, a clamp, an epsilon)."""
        for _ in range(steps):
            op = self.maker(value)
            if op is None:
                return False
            if op.kind == kind:
                return True
            if op.kind not in ("maximum", "minimum", "add", "clip", "inverse", "relu", "mul", "concat"):
                return False
            runtime = [v for v in op.input_values() if not v.is_const]
            if not runtime:
                return False
            value = runtime[0]
        return False

    # -- answers -------------------------------------------------------------------------------------------------

    @staticmethod
    def _of_leaf(value: Value, known: dict[_Leaf, F], answer: Callable[[Value], F]) -> F:
        """What `answer` says of a value that no op makes: of weights, which may be large, once for all with the very same elements."""
        data = value.type.data
        if not data:
            return answer(value)
        leaf = id(data), value.type.dtype, value.is_const
        if leaf not in known:
            known[leaf] = answer(value)
        return known[leaf]

    def _found_out(
        self,
        value: Value,
        known: dict[int, F],
        answer: Callable[[Value, Op], F],
        decided_by: Callable[[Op], Sequence[Value]],
    ) -> F:
        """What `answer` says of a value, after those that its answer depends on: a chain of ops may be longer than calls can nest."""
        pending = [] if value.id in known else [value]
        while pending:
            one = pending[-1]
            op = self.graph.producer(one)
            if op is None or one.id in known:
                pending.pop()
            elif before := [v for v in decided_by(op) if v.producer is not None and v.id not in known]:
                pending += before
            else:
                known[one.id] = answer(one, op)
        return known[value.id]

    def _rooted(self, value: Value, op: Op) -> frozenset[str]:
        values = op.input_values()
        roots = frozenset[str]().union(*(self.roots(v) for v in values)) if values else frozenset[str]()
        # A row of a table of weights is an activation, whatever found it.
        if values and op.kind in ("gather", "gather_nd", "gather_along_axis") and _kind(values[0]) == "float":
            return roots | {"float"}
        return roots

    def _range(self, value: Value, op: Op) -> Range:
        values, kind = list(op.input_values()), _kind(value)
        if value.type.data and value.is_const:
            return self._of_leaf(value, self._leaf_ranges, _leaf_range)
        if kind == "bool":
            return self._truth(op, values)
        found = self._transfer(op, values)
        return replace(found, integral=True) if kind == "int" and not found.integral else found

    def _truth(self, op: Op, values: list[Value]) -> Range:
        """Bounds of a bool result: a mask of ones stays one through views, casts and negation."""
        if op.kind in ("fill", "fill_like"):
            raw = op.attrs.get("value")
            return Range(float(bool(raw)), float(bool(raw)), True) if isinstance(raw, (bool, int, float)) else BOOL
        if op.kind not in MOVES and op.kind != "logical_not":
            return BOOL
        x = self.range(values[0]) if values else BOOL
        if op.kind == "logical_not":
            return Range(1.0 - x.hi, 1.0 - x.lo, True)
        if (x.lo, x.hi) in ((0.0, 0.0), (1.0, 1.0)):
            return _join(self.range(v) for v in values)
        return BOOL

    def _transfer(self, op: Op, values: list[Value]) -> Range:
        kind = op.kind
        if kind in _UNIT:
            return UNIT
        if kind in _SIGNED_UNIT:
            return Range(-1.0, 1.0)
        if kind in _COMPARES:
            return Range(0.0, 1.0, True) if values else ANYTHING
        if kind in ("fill", "fill_like"):
            number = self._number(op, "value")
            return ANYTHING if number is None else Range(number, number, float(number).is_integer())
        if kind == "range_1d":
            start, end = self._number(op, "start"), self._number(op, "end")
            step = self._number(op, "step")
            if start is None or end is None:
                return Range(integral=True)
            whole = float(start).is_integer() and (step is None or float(step).is_integer())
            last = end - 1 if whole and end > start else end  # the end is not among the elements
            return Range(min(start, last), max(start, last), whole)
        if not values or kind not in _BOUNDED:
            return ANYTHING
        ranges = [self.range(v) for v in values]
        x = ranges[0]
        if kind in ("gather", "gather_nd", "gather_along_axis", "topk", "band_part"):
            return x if kind != "band_part" else _join([x, Range(0.0, 0.0, True)])
        if kind in MOVES:
            return _join(ranges)
        if kind in _AVERAGES:
            return replace(x, integral=x.integral and kind in ("reduce_max", "reduce_min", "max_pool"))
        if kind in ("floor", "ceil", "round"):
            return Range(x.lo - 1, x.hi + 1, True)
        if kind == "relu":
            return Range(max(x.lo, 0.0), max(x.hi, 0.0), x.integral)
        if kind == "relu6":
            return Range(min(max(x.lo, 0.0), 6.0), min(max(x.hi, 0.0), 6.0))
        if kind == "clip":
            lo, hi = self._number(op, "alpha"), self._number(op, "beta")
            lo, hi = -math.inf if lo is None else lo, math.inf if hi is None else hi
            return Range(min(max(x.lo, lo), hi), max(min(x.hi, hi), lo))
        if kind in _POSITIVE:
            return _positive(kind, x)
        if kind == "real_div" and len(values) == 2 and self._norm_of(values[1], values[0]):
            return Range(-1.0, 1.0)
        if len(ranges) >= 2:
            return _binary(kind, ranges)
        return ANYTHING

    def _norm_of(self, value: Value, of: Value) -> bool:
        """Whether a divisor is the norm of `of`, or more: no element is larger than its row's norm."""
        for _ in range(4):
            op = self.maker(value)
            if op is None or value.type.rank not in (0, of.type.rank):
                return False
            if op.kind in _ROW_NORMS:
                return self.base(first(op)) is self.base(of)
            left, *others = op.input_values() or (_UNKNOWN,)
            if op.kind == "clip":
                most = self._number(op, "beta")
                if most is not None and most <= FP16_MAX:
                    return False
            elif op.kind != "maximum" and not (op.kind == "add" and all(self.range(v).lo >= 0 for v in others)):
                return False
            value = left
        return False

    def _carried(self, value: Value, op: Op) -> tuple[Extreme, ...]:
        kind, values = op.kind, list(op.input_values())
        if _kind(value) != "float":
            return ()
        if kind in ("fill", "fill_like"):
            number = self._number(op, "value")
            return (Extreme(number, op.call),) if number is not None and abs(number) > FP16_MAX else ()
        if kind not in _CARRIES:
            return ()
        condition = op.inputs.get("cond")
        if kind == "select" and isinstance(condition, Value):
            chosen = self.range(condition)
            dropped = "a" if chosen.hi == 0 else "b" if chosen.lo == 1 else ""
            values = [v for name, v in op.inputs.items() if name != dropped and isinstance(v, Value)]
        found = [e for v in values for e in self.extremes(v)]
        if not found:
            return ()
        if kind in ("maximum", "minimum") and len(values) == 2:
            # max(x, -inf) is x: the constant survives only where both operands may hold it.
            keep = 1.0 if kind == "maximum" else -1.0
            both = all(self.extremes(v) for v in values)
            found = [e for e in found if both or e.value * keep > 0]
        if kind == "clip":
            lo, hi = self._number(op, "alpha"), self._number(op, "beta")
            found = [e for e in found if (lo is None or e.value >= lo) and (hi is None or e.value <= hi)]
        if kind == "mul" and len(values) == 2:
            for value in values:
                factor = self.scalar(value)
                if factor is not None and abs(factor) <= FP16_MAX:
                    found = [replace(e, value=e.value * factor) for e in found]
        if kind == "sub" and len(values) == 2:
            right = set(self.extremes(values[1]))
            found = [replace(e, value=-e.value) if e in right else e for e in found]
        written = [e if e.call is not None else replace(e, call=op.call) for e in found]
        kept = [e for e in written if abs(e.value) > FP16_MAX]
        return tuple(dict.fromkeys(kept))[:4]

    def _number(self, op: Op, name: str) -> float | None:
        """A number given as an attribute or as a constant operand."""
        raw: Any = op.attrs.get(name)
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            return float(raw)
        operand = op.inputs.get(name)
        return self.scalar(operand) if isinstance(operand, Value) else None


_CARRIES = (MOVES - {"topk"}) | {
    "add", "sub", "mul", "select", "maximum", "minimum", "clip", "slice_update", "scatter", "scatter_nd", "scatter_along_axis", "pad",
}  # fmt: skip


def _bounded_by(op: Op) -> Sequence[Value]:
    """The values whose bounds may decide those of an op's results."""
    return op.input_values() if op.kind in _BOUNDED or op.kind in _FROM_NUMBERS else ()


def _carried_by(op: Op) -> Sequence[Value]:
    """The values whose extremes may be among an op's results."""
    return op.input_values() if op.kind in _CARRIES else ()


_FROM_NUMBERS = frozenset({"fill", "fill_like", "range_1d", "logical_not"})
_BOUNDED = MOVES | _AVERAGES | _POSITIVE | {
    "floor", "ceil", "round", "relu", "relu6", "clip", "select", "add", "sub", "mul", "real_div", "maximum", "minimum", "pow",
}  # fmt: skip


def _kind(value: Value) -> str:
    dtype = value.type.dtype
    if dtype == "b8":
        return "bool"
    return "int" if dtype in INTEGERS else "float"


def _leaf_range(value: Value) -> Range:
    kind = _kind(value)
    if kind == "bool" and not (value.is_const and value.type.data):
        return BOOL
    data = _distinct(value) if value.is_const else ()
    numbers = [float(v) for v in data if isinstance(v, (int, float))]
    if numbers and len(numbers) == len(data) and not any(map(math.isnan, numbers)):
        return Range(min(numbers), max(numbers), all(map(float.is_integer, filter(math.isfinite, numbers))))
    return Range(integral=kind == "int")


def _distinct(value: Value) -> Sequence[Any]:
    """The elements of a constant; of equal ones (``torch.zeros(4096)``) one."""
    data = value.type.data or ()
    return data[:1] if data and data.count(data[0]) == len(data) else data


def _leaf_extremes(value: Value) -> tuple[Extreme, ...]:
    if not value.is_const or not value.type.data or _kind(value) == "int":
        return ()
    huge = {float(v) for v in _distinct(value) if isinstance(v, (int, float)) and abs(v) > FP16_MAX}
    return tuple(Extreme(v) for v in sorted(huge)[:4])


def _join(ranges: Iterable[Range]) -> Range:
    items = list(ranges)
    return Range(min(r.lo for r in items), max(r.hi for r in items), all(r.integral for r in items))


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _positive(kind: str, x: Range) -> Range:
    if kind in ("exp", "exp2"):
        base = math.e if kind == "exp" else 2.0
        return Range(0.0, base ** min(x.hi, 700.0) if x.hi < 700 else math.inf)
    if kind in ("square", "abs"):
        top = x.magnitude
        return Range(0.0, _times(top, top) if kind == "square" else top, x.integral)
    if kind == "sqrt":
        return Range(0.0, math.sqrt(x.hi) if 0 <= x.hi < math.inf else math.inf)
    return Range(0.0, math.inf)


def _binary(kind: str, ranges: list[Range]) -> Range:
    a, b = ranges[0], ranges[1]
    whole = a.integral and b.integral
    if kind == "select":
        return _join(ranges[1:]) if len(ranges) > 2 else ANYTHING
    if kind == "add":
        return Range(_sum(a.lo, b.lo, -math.inf), _sum(a.hi, b.hi, math.inf), whole)
    if kind == "sub":
        return Range(_sum(a.lo, -b.hi, -math.inf), _sum(a.hi, -b.lo, math.inf), whole)
    if kind == "mul":
        ends = [_times(p, q) for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
        return Range(min(ends), max(ends), whole)
    if kind == "real_div" and (b.lo > 0 or b.hi < 0) and math.isfinite(b.lo) and math.isfinite(b.hi):
        ends = [p / q for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
        return Range(min(ends), max(ends))
    if kind == "maximum":
        return Range(max(a.lo, b.lo), max(a.hi, b.hi), whole)
    if kind == "minimum":
        return Range(min(a.lo, b.lo), min(a.hi, b.hi), whole)
    if kind == "pow" and b.lo == b.hi and b.lo in (2.0, 4.0):
        return Range(0.0, a.magnitude ** int(b.lo) if a.magnitude < 1e9 else math.inf, a.integral)
    return ANYTHING


def _sum(a: float, b: float, unknown: float) -> float:
    total = a + b
    return unknown if math.isnan(total) else total


# -- helpers for rules -------------------------------------------------------------------------------------------


def flow_of(context: Context) -> Flow:
    """The flow of a context's graph, computed once."""
    found: Flow | None = context.memo.get("flow")
    if found is None:
        found = context.memo["flow"] = Flow(context.graph, context.idle)
    return found


_UNKNOWN = Value(-1, TensorType(None, None), origin="input")


def first(op: Op) -> Value:
    """The first tensor operand; a value of which nothing is known where the analysis did not see what it is."""
    return next(iter(op.input_values()), _UNKNOWN)


def operand(op: Op, name: str) -> Value | None:
    """A tensor operand by its MIL name."""
    found = op.inputs.get(name)
    return found if isinstance(found, Value) else None


def runtime(op: Op) -> list[Value]:
    """Operands that are not known at conversion time."""
    return [v for v in op.input_values() if not v.is_const]


def is_float(value: Value) -> bool:
    """A floating-point tensor (an unknown dtype counts: model code is float unless shown otherwise); complex is none."""
    return _kind(value) == "float" and value.type.dtype not in COMPLEX


def is_integer(value: Value) -> bool:
    """An integer tensor; bool is not one."""
    return _kind(value) == "int"


def ints(value: Any) -> tuple[int, ...] | None:
    """A tuple of plain ints, from one int or a sequence; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return (value,)
    if (
        isinstance(value, (tuple, list))
        and value
        and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    ):
        return tuple(value)
    return None


def static_shape(value: Value) -> tuple[int, ...] | None:
    """The shape where every size is known."""
    shape = value.type.shape
    if shape is None or not all(isinstance(d, int) for d in shape):
        return None
    return tuple(int(d) for d in shape)  # type: ignore[arg-type]


def squared(flow: Flow, op: Op) -> Value | None:
    """The value an op squares, None where it does not square."""
    if op.kind == "square":
        return first(op)
    values = list(op.input_values())
    if op.kind == "mul" and len(values) == 2 and flow.base(values[0]) is flow.base(values[1]):
        return values[0]
    if op.kind == "pow" and len(values) == 2 and flow.scalar(values[1]) == 2.0:
        return values[0]
    return None


def asked_dtype(call: Call) -> str | None:
    """The dtype a cast was asked for (``x.to(torch.float32)``), None where it follows another tensor or is not known."""
    found = call.params.get("dtype")
    if found is None:
        found = next((a for a in call.args[1:] if isinstance(a, str) and a in DTYPES), None)
    return found if isinstance(found, str) else None


def places(ops: Iterable[Op | Call], message: str, skip: Op | Call, limit: int = 5) -> tuple[Related, ...]:
    """Distinct source places of some ops as related locations, `skip`'s own left out; the rest is counted in the last."""
    spans = dict.fromkeys(op.span for op in ops)
    spans.pop(skip.span, None)
    listed = [Related(span, message) for span in list(spans)[:limit]]
    rest = len(spans) - len(listed)
    if rest > 0:
        listed[-1] = replace(listed[-1], message=f"{message}, and {rest} more places")
    return tuple(listed)


def distinct(ops: Iterable[Op]) -> list[Op]:
    """One op for each call expression, the first, in order."""
    found: dict[object, Op] = {}
    for op in ops:
        found.setdefault(op.span, op)
    return list(found.values())


def spoken(count: int, noun: str) -> str:
    """``1 place``, ``3 places``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def short_name(call: Call) -> str:
    """What the author wrote, shortened: ``masked_fill``, ``Conv2d``, ``*``."""
    name = call.torch.rsplit(".", 1)[-1]
    return _OPERATORS.get(name, name).removeprefix("Parametrized")


_OPERATORS: Mapping[str, str] = {
    "__add__": "+", "__radd__": "+", "__iadd__": "+", "add": "+", "__mul__": "*", "__rmul__": "*", "__imul__": "*", "mul": "*",
    "__sub__": "-", "__rsub__": "-", "sub": "-", "__truediv__": "/", "__rtruediv__": "/", "div": "/", "__matmul__": "@",
    "matmul": "@", "__setitem__": "assignment", "__getitem__": "indexing", "__pow__": "**", "pow": "**",
}  # fmt: skip
