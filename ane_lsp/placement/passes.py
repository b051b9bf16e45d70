"""What a converter's graph passes make of the operations that the source asks for, as far as that changes which run.

Each function is one pass of coremltools 9.0 by the same name, in the order of its default pipeline. They work on operations in
program order and give operations back; values that vanish are replaced where they are read. New operations keep the call they
come from, so that they still stand on a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ane_lsp.graph import Op, TensorType, Value
from ane_lsp.graph.ir import Operand
from ane_lsp.graph.rearranging import MOST_AXES

_FLOATS = frozenset({"f16", "f32", "bf16", "f64"})
_INDEXED = frozenset({"gather", "gather_nd"})
# Operations that are equal where their operands and attributes are; what draws numbers or writes is not.
_PURE = frozenset({
    "add", "sub", "mul", "real_div", "maximum", "minimum", "reshape", "transpose", "cast", "sigmoid", "tanh", "relu", "exp", "sqrt",
    "rsqrt", "square", "pow", "softmax", "reduce_mean", "reduce_sum", "reduce_max", "gather", "slice_by_index", "expand_dims",
    "squeeze", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "select", "logical_not", "logical_and",
})  # fmt: skip


def run(ops: Sequence[Op], outputs: Iterable[Value]) -> list[Op]:
    """The operations of a static graph as the converted program has them. outputs: of the graph, which nothing may remove."""
    kept = frozenset(value.id for value in outputs)
    found = list(ops)
    for step in _PIPELINE:
        found = step(found, kept)
    return found


Pass = Callable[[list[Op], frozenset[int]], list[Op]]


class _Fresh:
    """Values of operations that a pass makes; ids below zero, which no graph has, and below those of another pass."""

    def __init__(self, below: int) -> None:
        self._last = below

    def like(self, value: Value, shape: tuple[int, ...], dtype: str | None = None) -> Value:
        self._last -= 1
        return Value(self._last, TensorType(shape, dtype or value.type.dtype), "op")


def _readers(ops: Iterable[Op], kept: frozenset[int]) -> tuple[Counter[int], dict[int, Op]]:
    """How often each value is read (once for being an output), and the last operation that reads it."""
    count: Counter[int] = Counter(dict.fromkeys(kept, 1))
    by: dict[int, Op] = {}
    for op in ops:
        for value in op.input_values():
            count[value.id] += 1
            by[value.id] = op
    return count, by


def _makers(ops: Iterable[Op]) -> dict[int, Op]:
    return {value.id: op for op in ops for value in op.outputs}


def _reading(op: Op, instead: Mapping[int, Value]) -> Op:
    """The operation with replaced operands."""
    if not any(value.id in instead for value in op.input_values()):
        return op

    def swap(given: Operand) -> Operand:
        if isinstance(given, tuple):
            return tuple(instead.get(value.id, value) for value in given)
        return instead.get(given.id, given)

    return replace(op, inputs={name: swap(given) for name, given in op.inputs.items()})


def _without(ops: Iterable[Op], gone: Mapping[int, Value]) -> list[Op]:
    """Operations left when those that make the values `gone` are removed; readers take what each maps to."""
    instead: dict[int, Value] = {}
    found = []
    for op in ops:
        if op.outputs and op.outputs[0].id in gone:
            target = gone[op.outputs[0].id]
            instead[op.outputs[0].id] = instead.get(target.id, target)
        else:
            found.append(_reading(op, instead))
    return found


def _shape(value: Value) -> tuple[int, ...] | None:
    shape = value.type.shape
    if shape is None or any(type(size) is not int for size in shape):
        return None
    return tuple(size for size in shape if isinstance(size, int))


def _x(op: Op) -> Value | None:
    given = op.inputs.get("x")
    return given if isinstance(given, Value) else None


def _perm(op: Op) -> tuple[int, ...] | None:
    perm = op.attrs.get("perm")
    x = _x(op)
    if not isinstance(perm, tuple) or x is None or x.type.rank != len(perm) or any(type(p) is not int for p in perm):
        return None
    return tuple(p % len(perm) for p in perm)


def noop_elimination(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """Reshapes to the same shape, permutations that move nothing, slices of everything."""
    gone: dict[int, Value] = {}
    for op in ops:
        x = _x(op)
        if x is None or not op.outputs or op.outputs[0].id in kept:
            continue
        shape = _shape(x)
        same = shape is not None and shape == _shape(op.outputs[0])
        perm = _perm(op) if op.kind == "transpose" else None
        if (op.kind in ("reshape", "slice_by_index") and same) or (
            perm is not None and perm == tuple(range(len(perm)))
        ):
            gone[op.outputs[0].id] = x
    return _without(ops, gone)


def divide_to_multiply(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """A division of floats by a constant is a product."""
    return [
        replace(op, kind="mul")
        if op.kind == "real_div" and isinstance(y := op.inputs.get("y"), Value) and y.is_const and y.type.dtype in _FLOATS
        else op
        for op in ops
    ]  # fmt: skip


def merge_consecutive(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """A reshape of a reshape nobody else reads is one; so are two permutations in a row."""
    count, _ = _readers(ops, kept)
    makers = _makers(ops)
    gone: dict[int, Value] = {}
    merged: dict[int, Op] = {}
    for op in ops:
        x = _x(op)
        before = makers.get(x.id) if x is not None else None
        if before is None or op.kind not in ("reshape", "transpose") or before.kind != op.kind or count[x.id] != 1:  # type: ignore[union-attr]
            continue
        source = _x(before)
        if source is None:
            continue
        if op.kind == "transpose":
            first, second = _perm(merged.get(id(before), before)), _perm(op)
            if first is None or second is None:
                continue
            merged[id(op)] = replace(op, attrs={**op.attrs, "perm": tuple(first[p] for p in second)})
        gone[before.outputs[0].id] = source
    return noop_elimination(_without([merged.get(id(op), op) for op in ops], gone), kept)


def fuse_transpose_matmul(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """A swap of the last two axes in front of a product is a flag of the product."""
    count, by = _readers(ops, kept)
    gone: dict[int, Value] = {}
    flags: dict[int, dict[str, Any]] = {}
    for op in ops:
        x, perm = _x(op), _perm(op) if op.kind == "transpose" else None
        if x is None or perm is None or len(perm) < 2 or op.outputs[0].id in kept or count[op.outputs[0].id] != 1:
            continue
        reader = by.get(op.outputs[0].id)
        swapped = (*range(len(perm) - 2), len(perm) - 1, len(perm) - 2)
        if reader is None or reader.kind != "matmul" or perm != swapped:
            continue
        read = {s: value for s in ("x", "y") if isinstance(value := reader.inputs.get(s), Value)}
        side = next((s for s, value in read.items() if value.id == op.outputs[0].id), None)
        if side is not None:
            gone[op.outputs[0].id] = x
            known = flags.setdefault(id(reader), dict(reader.attrs))
            known[f"transpose_{side}"] = not known.get(f"transpose_{side}", False)
    return _without([replace(op, attrs=flags[id(op)]) if id(op) in flags else op for op in ops], gone)


def expand_high_rank_reshape_and_transpose(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """``reshape`` to six axes or more, a permutation and a reshape back become steps of at most five axes."""
    count, by = _readers(ops, kept)
    fresh = _Fresh(-1)
    instead: dict[int, list[Op]] = {}
    for op in ops:
        x = _x(op)
        shape = _shape(op.outputs[0]) if op.kind == "reshape" else None
        if x is None or shape is None or len(shape) <= MOST_AXES or count[op.outputs[0].id] != 1:
            continue
        turn = by.get(op.outputs[0].id)
        perm = _perm(turn) if turn is not None and turn.kind == "transpose" else None
        if turn is None or perm is None or count[turn.outputs[0].id] != 1:
            continue
        back = by.get(turn.outputs[0].id)
        if back is None or back.kind != "reshape" or (back.outputs[0].type.rank or MOST_AXES + 1) > MOST_AXES:
            continue
        *steps, last = _steps(op, turn, x, shape, perm, fresh)
        instead[id(op)] = [*steps, last]
        instead[id(turn)] = []
        instead[id(back)] = [replace(back, inputs={**back.inputs, "x": last.outputs[0]})]
    return [made for op in ops for made in instead.get(id(op), [op])]


def _steps(op: Op, turn: Op, x: Value, shape: tuple[int, ...], perm: tuple[int, ...], fresh: _Fresh) -> list[Op]:
    """The reshapes and permutations between `x` and the last reshape: axes that stay together are one first."""
    groups: list[list[int]] = []
    for axis in perm:
        if groups and axis == groups[-1][-1] + 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    order = sorted(groups)
    sizes = tuple(prod(shape[axis] for axis in group) for group in order)
    turned = tuple(order.index(group) for group in groups)

    def reshape(value: Value, to: tuple[int, ...]) -> Op:
        return replace(op, inputs={"x": value}, attrs={"shape": to}, outputs=(fresh.like(value, to),))

    def transpose(value: Value, by: tuple[int, ...]) -> Op:
        given = _shape(value) or ()
        return replace(
            turn, inputs={"x": value}, attrs={"perm": by}, outputs=(fresh.like(value, tuple(given[p] for p in by)),)
        )

    found: list[Op] = []
    if len(sizes) <= MOST_AXES:
        found.append(reshape(x, sizes))
        found.append(transpose(found[-1].outputs[0], turned))
        return found
    lead, done, value = 1, set[int](), x
    for axis in turned:
        done.add(axis)
        left = prod(size for at, size in enumerate(sizes[:axis]) if at not in done)
        right = prod(size for at, size in enumerate(sizes[axis + 1 :], axis + 1) if at not in done)
        found.append(reshape(value, (lead, left, sizes[axis], right)))
        found.append(transpose(found[-1].outputs[0], (0, 2, 1, 3)))
        value = found[-1].outputs[0]
        lead *= sizes[axis]
    return found


def remove_redundant_ops(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """Of equal operations on equal operands the first is left."""
    known: dict[tuple[object, ...], Value] = {}
    instead: dict[int, Value] = {}
    found = []
    for given in ops:
        op = _reading(given, instead)
        if op.kind in _PURE and len(op.outputs) == 1 and op.outputs[0].id not in kept:
            operands = tuple(
                (name, tuple(v.id for v in value) if isinstance(value, tuple) else value.id)
                for name, value in sorted(op.inputs.items(), key=lambda item: item[0])
            )
            key = (op.kind, operands, repr(sorted(op.attrs.items(), key=lambda item: item[0])), str(op.outputs[0].type))
            if key in known:
                instead[op.outputs[0].id] = known[key]
                continue
            known[key] = op.outputs[0]
        found.append(op)
    return found


def guard_negative_gather_indices(ops: list[Op], kept: frozenset[int]) -> list[Op]:
    """From the opset of iOS 17 on, indices that are known at run time only are made positive first."""
    fresh = _Fresh(-(1 << 30))
    guarded: dict[int, Value] = {}
    found: list[Op] = []
    for op in ops:
        indices = op.inputs.get("indices")
        shape = _shape(indices) if isinstance(indices, Value) and not indices.is_const else None
        if (
            op.kind not in _INDEXED
            or shape is None
            or not isinstance(indices, Value)
            or indices.type.dtype in ("u8", "u16")
        ):
            found.append(op)
            continue
        if indices.id not in guarded:
            below = replace(
                op,
                kind="greater_equal",
                inputs={"x": indices},
                attrs={"y": 0},
                outputs=(fresh.like(indices, shape, "b8"),),
            )
            more = replace(op, kind="add", inputs={"x": indices}, attrs={}, outputs=(fresh.like(indices, shape),))
            inputs: dict[str, Operand] = {"cond": below.outputs[0], "a": indices, "b": more.outputs[0]}
            chosen = replace(op, kind="select", inputs=inputs, attrs={}, outputs=(fresh.like(indices, shape),))
            found += [below, more, chosen]
            guarded[indices.id] = chosen.outputs[0]
        found.append(replace(op, inputs={**op.inputs, "indices": guarded[indices.id]}))
    return found


_PIPELINE: tuple[Pass, ...] = (
    noop_elimination, divide_to_multiply, merge_consecutive, fuse_transpose_matmul, expand_high_rank_reshape_and_transpose,
    remove_redundant_ops, guard_negative_gather_indices,
)  # fmt: skip
