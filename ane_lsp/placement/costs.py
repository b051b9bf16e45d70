"""The estimated run time of one operation on each engine, from the rates in ``rules/facts/cost-rates.csv``.

The rates were fitted to what Core ML's compiler itself estimates on one Mac; they are estimates of an estimate, good for the
order of magnitude and for the choice between engines, not for a stopwatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from math import prod
from typing import Literal

from ane_lsp.graph import Op, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import tables

Backend = Literal["ane", "cpu"]
BACKENDS: tuple[Backend, ...] = ("ane", "cpu")
# Bytes of an element in a program converted to fp16; what has no entry is held as a 32-bit integer.
_FP16 = {"f16": 2, "bf16": 2, "f32": 2, "f64": 2, "b8": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2}
_STORED = {**_FP16, "f32": 4, "f64": 8}
# What the compiler estimates for these is known at one point only, and is thousands of times what their traffic would take.
_UNPRICED = ("lstm", "gru", "rnn")
_WIDE_POOL = 30  # window operations per byte above which a pool is bound by arithmetic on the CPU


@dataclass(frozen=True, slots=True)
class Constants:
    """Fixed costs of a chain of operations, ms."""

    launch: float
    switch: float
    output: float


@dataclass(frozen=True, slots=True)
class Rate:
    """One row: from `start` of `measure` on, this much work or traffic a second. `flops`: which of the two it counts."""

    measure: str
    start: float
    per_ms: float
    flops: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimates for one operation, ms."""

    ane: float
    cpu: float


CONSTANT_COLUMNS = ("constant", "backend", "value", "meaning", "confidence", "chip", "os", "source")
COLUMNS = (
    "op", "form", "backend", "measure", "from", "rate", "unit", "meaning", "confidence", "chip", "os", "source",
)  # fmt: skip
_PER_MS = {"gb_s": 1e6, "tflops": 1e9}


@cache
def constants() -> Constants:
    """The fixed costs. Raises KnowledgeError for a wrong table."""
    found = {
        (row["constant"], row["backend"]): row.number("value")
        for row in tables.load("cost-constants.csv", CONSTANT_COLUMNS, CONSTANT_COLUMNS)
    }
    return Constants(found["launch_ms", "ane"], found["switch_ms", "*"], found["output_ms", "ane"])


@cache
def _rates() -> Mapping[tuple[str, str, str], tuple[Rate, ...]]:
    found: dict[tuple[str, str, str], list[Rate]] = {}
    for row in tables.load("cost-rates.csv", COLUMNS, ("op", "backend", "from", "rate", "unit", "source")):
        row.choice("backend", BACKENDS)
        row.choice("measure", ("", "intensity", "mflop"))
        unit = row.choice("unit", tuple(_PER_MS))
        rate = Rate(row["measure"], row.number("from"), row.number("rate") * _PER_MS[unit], unit == "tflops")
        found.setdefault((row["op"], row["form"], row["backend"]), []).append(rate)
    return {key: tuple(rates) for key, rates in found.items()}


def cost(op: Op, fp16: bool = True) -> Cost | None:
    """What the operation is estimated to take, None where that or a size it depends on is not known.

    fp16: floats are stored in two bytes whatever the source says, as in a program converted to fp16.
    """
    if op.kind in _UNPRICED:
        return None
    sizes = _FP16 if fp16 else _STORED
    read = [_bytes(v, sizes) for v in op.input_values()]
    made = _bytes(op.outputs[0], sizes) if op.outputs else 0
    if made is None or any(size is None for size in read):
        return None
    taken = sum(size for size in read if size is not None)
    flops = _flops(op)
    if flops is None:
        return None
    total = made if op.kind == "concat" else taken + made
    if not total:
        return Cost(0.0, 0.0)
    form = _form(op, flops, total)
    gathered = taken if op.kind == "gather" else total
    return Cost(_time(op.kind, form, "ane", flops, total), _time(op.kind, form, "cpu", flops, gathered))


def _time(kind: str, form: str, backend: Backend, flops: int, traffic: int) -> float:
    """ms. Of several rates that hold at once the slowest counts."""
    table = _rates()
    rates = table.get((kind, form, backend)) or table.get((kind, "", backend)) or table["*", "", backend]
    measures = {"intensity": flops / traffic, "mflop": flops / 1e6, "": 0.0}
    stepped = [rate for rate in rates if rate.measure]
    if stepped:
        rates = (max((r for r in stepped if measures[r.measure] >= r.start), key=lambda r: r.start),)
    return max((flops if rate.flops else traffic) / rate.per_ms for rate in rates)


def _form(op: Op, flops: int, traffic: int) -> str:
    """Which of an op's forms in the table it is."""
    if op.kind == "conv":
        return "dilated" if any(d != 1 for d in op.attrs.get("dilations") or ()) else ""
    if op.kind in ("add", "sub"):
        shapes = {v.type.shape for v in op.input_values()}
        return "same-shape" if len(shapes) == 1 and len(list(op.input_values())) == 2 else ""
    if op.kind == "transpose":
        perm = tuple(op.attrs.get("perm") or (0,))
        return "moves-batch" if perm[0] != 0 else ""
    if op.kind.endswith("_pool"):
        return "wide" if flops / traffic > _WIDE_POOL else ""
    return ""


def _bytes(value: Value, sizes: Mapping[str, int]) -> int | None:
    shape = _shape(value)
    if shape is None or value.type.dtype is None:
        return None
    return prod(shape) * sizes.get(value.type.dtype, 4)


def _shape(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, Value) or value.type.shape is None:
        return None
    known = tuple(size for size in value.type.shape if isinstance(size, int))
    return known if len(known) == len(value.type.shape) else None


def _product(sizes: Iterable[int]) -> int:
    return prod(sizes)


def _flops(op: Op) -> int | None:
    """Arithmetic that rates are counted in: multiply-adds twice for products; 0 for ops that are rated by traffic."""
    out = _shape(op.outputs[0]) if op.outputs else None
    if op.kind in ("conv", "conv_transpose", "linear"):
        weight = _shape(op.inputs.get("weight"))
        read = _shape(op.inputs.get("x"))
        if weight is None or read is None or out is None:
            return None
        # Each output element takes a weight row; a transposed convolution is counted from its input.
        return 2 * prod(read if op.kind == "conv_transpose" else out) * prod(weight[1:])
    if op.kind == "matmul":
        read = _shape(op.inputs.get("x"))
        if not read or out is None:
            return None
        inner = read[-2] if op.attrs.get("transpose_x") and len(read) > 1 else read[-1]
        return 2 * prod(out) * inner
    if op.kind.endswith("_pool"):
        window = op.attrs.get("kernel_sizes")
        if out is None or not window or not all(isinstance(k, int) for k in window):
            return None
        return prod(out) * _product(window)
    return 0
