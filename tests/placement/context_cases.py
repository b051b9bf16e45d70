"""The cases of the dispatch study as it measured them in context: between two layers of convolution or linear with relu."""

from __future__ import annotations

import csv
import json
from math import prod
from pathlib import Path
from typing import Any

from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Value
from ane_lsp.graph.builder import GraphBuilder

DATA = Path(__file__).parent / "data"
CALL = Call(0, "torch.nn.Module", "module", Span("case.py", 1, 0, 1, 1), "forward", "", (), {}, {}, None)
_DTYPE = {"fp16": "f16", "fp32": "f32", "int32": "i32", "int8": "i8", "bool": "b8"}


def rows() -> list[dict[str, str]]:
    with open(DATA / "context.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wrap(b: GraphBuilder, x: Value) -> Value:
    """Two layers around a floating-point tensor: 3x3 convolutions on four axes, linear on three."""
    shape = x.type.shape
    assert shape is not None
    if x.type.dtype != "f16" or len(shape) not in (3, 4):
        return x
    for _ in range(2):
        if len(shape) == 4:
            channels = int(str(shape[1]))
            groups = channels if channels > 512 else 1
            weight = b.const(TensorType((channels, channels // groups, 3, 3), "f16"))
            attrs = {"strides": (1, 1), "dilations": (1, 1), "groups": groups, "pad_type": "same"}
            (x,) = b.emit(CALL, "conv", {"x": x, "weight": weight}, attrs, [x.type])
        else:
            if int(str(shape[2])) > 2048:
                return x
            weight = b.const(TensorType((shape[2], shape[2]), "f16"))
            (x,) = b.emit(CALL, "linear", {"x": x, "weight": weight}, {}, [x.type])
        (x,) = b.emit(CALL, "relu", {"x": x}, {}, [x.type])
    return x


def build(row: dict[str, str]) -> tuple[Graph, Op]:
    """The whole model, and the operation under test."""
    b = GraphBuilder()
    b.graph.source = "coreml"
    shapes = [tuple(map(int, s.split("x"))) for s in row["shapes"].split(";")]
    dtypes = row["dtypes"].split(";")
    dtypes += [dtypes[-1]] * (len(shapes) - len(dtypes))
    inputs = [b.value(TensorType(s, _DTYPE.get(d, "f16")), "input") for s, d in zip(shapes, dtypes)]
    if row["op"] != "fill_like":  # only the shape of its input counts, so the layers before it fall away
        inputs = [wrap(b, x) for x in inputs]
    tested, out = _operation(b, row["case"], row["op"], inputs, json.loads(row["params"]))
    b.graph.outputs = [wrap(b, out)]
    return b.graph, tested


def _operation(b: GraphBuilder, case: str, kind: str, xs: list[Value], p: dict[str, Any]) -> tuple[Op, Value]:
    x, rest = xs[0], xs[1:]
    shape: tuple[int, ...] = tuple(int(str(d)) for d in x.type.shape or ())

    def emit(
        kind: str, inputs: dict[str, Any], out: tuple[int, ...], dtype: str = "f16", **attrs: Any
    ) -> tuple[Op, Value]:
        (made,) = b.emit(CALL, kind, inputs, attrs, [TensorType(out, dtype)])
        return b.graph.ops[-1], made

    def const(*shape: int, dtype: str = "f16") -> Value:
        return b.const(TensorType(shape, dtype))

    if kind in ("conv", "conv_transpose"):
        window, strides = p["kernel"], p["strides"]
        weight = rest[0] if rest else const(p["cout"], p["cin"] // p["groups"], *window)
        if kind == "conv_transpose":
            spatial = [
                s * t if p["pad_type"] == "same" else (s - 1) * t + k for s, t, k in zip(shape[2:], strides, window)
            ]
        elif p["pad_type"] == "same":
            spatial = [-(-s // t) for s, t in zip(shape[2:], strides)]
        else:
            spatial = [(s - k) // t + 1 for s, t, k in zip(shape[2:], strides, window)]
        return emit(
            kind, {"x": x, "weight": weight}, (shape[0], p["cout"], *spatial),
            strides=tuple(strides), dilations=tuple(p["dilations"]), groups=p["groups"], pad_type=p["pad_type"],
        )  # fmt: skip
    if kind.endswith("_pool"):
        window, strides = p["kernel"], p["strides"]
        spatial = [
            -(-s // t) if p["pad_type"] == "same" else (s - k) // t + 1 for s, t, k in zip(shape[2:], strides, window)
        ]
        return emit(kind, {"x": x}, (*shape[:2], *spatial), kernel_sizes=tuple(window), strides=tuple(strides))
    if kind == "linear":
        rows = p["weight"][0]
        return emit(kind, {"x": x, "weight": const(*p["weight"]), "bias": const(rows)}, (*shape[:-1], rows))
    if kind == "matmul":
        y = rest[0] if rest else const(*p["y_const"])
        flip = bool(p.get("transpose_y"))
        other = tuple(int(str(d)) for d in y.type.shape or ())
        return emit(
            kind, {"x": x, "y": y}, (*shape[:-1], other[-2] if flip else other[-1]), transpose_x=False, transpose_y=flip
        )
    if kind == "scaled_dot_product_attention":
        return emit(kind, dict(zip(("query", "key", "value", "attn_mask"), xs)), shape)
    if kind.startswith("reduce_") and "form" not in p:
        if kind in ("reduce_argmax", "reduce_argmin"):
            axes = [p["axis"]]
            op, made = emit(
                kind, {"x": x}, tuple(1 if i in axes else s for i, s in enumerate(shape)), "i32", axis=p["axis"]
            )
            return op, emit(
                "cast", {"x": made}, tuple(1 if i in axes else s for i, s in enumerate(shape)), dtype="f16"
            )[1]
        return emit(
            kind, {"x": x}, tuple(1 if i in p["axes"] else s for i, s in enumerate(shape)), axes=tuple(p["axes"])
        )
    if case == "log_softmax":
        op, made = emit(
            kind, {"x": x}, tuple(1 if i in p["axes"] else s for i, s in enumerate(shape)), axes=tuple(p["axes"])
        )
        return op, emit("sub", {"x": x, "y": made}, shape)[1]
    if kind in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        op, made = emit(kind, {"x": x, "y": rest[0]}, shape, "b8")
        return op, emit("cast", {"x": made}, shape)[1]
    if kind == "select":
        cond = emit("greater", {"x": x, "y": const()}, shape, "b8")[1]
        return emit(kind, {"cond": cond, "a": rest[0], "b": rest[1]}, shape)
    if kind == "logical_and":
        flags = [emit("greater", {"x": v, "y": const()}, shape, "b8")[1] for v in xs]
        op, made = emit(kind, {"x": flags[0], "y": flags[1]}, shape, "b8")
        return op, emit("cast", {"x": made}, shape)[1]
    if kind == "cast":
        target = p["dtype"]
        op, made = emit("cast", {"x": x}, shape, _DTYPE[target])
        op = _with(b, op, dtype=target)
        if target == "int8":  # the converter gives the program an int32 output
            made = emit("cast", {"x": made}, shape, "i32")[1]
            _with(b, b.graph.ops[-1], dtype="int32")
        return op, made
    if case == "quantize_i8":
        op, made = emit(kind, {"x": x}, shape, "i8")
        made = emit("cast", {"x": made}, shape, "i32")[1]
        _with(b, b.graph.ops[-1], dtype="int32")
        return op, made
    if case == "q_dq_i8":
        made = emit("quantize", {"x": x}, shape, "i8")[1]
        return emit("dequantize", {"x": made}, shape)
    if kind in ("add", "sub", "mul", "real_div", "maximum", "minimum", "pow", "floor_div", "mod"):
        y = rest[0] if rest else const()
        other = tuple(int(str(d)) for d in y.type.shape or ()) or (1,) * len(shape)
        return emit(kind, {"x": x, "y": y}, tuple(max(a, c) for a, c in zip(shape, other)))
    if kind == "concat":
        axis = p["axis"]
        return emit(
            kind, {"values": tuple(xs)}, tuple(s * 2 if i == axis else s for i, s in enumerate(shape)), axis=axis
        )
    if kind == "stack":
        return emit(kind, {"values": tuple(xs)}, (1, 2, *shape[1:]), axis=p["axis"])
    if kind == "split":
        halves = tuple(s // 2 if i == p["axis"] else s for i, s in enumerate(shape))
        made = b.emit(CALL, kind, {"x": x}, dict(p), [TensorType(halves, "f16")] * 2)
        return b.graph.ops[-1], made[0]
    if kind == "reshape":
        return emit(kind, {"x": x}, tuple(p["shape"]))
    if kind == "transpose":
        return emit(kind, {"x": x}, tuple(shape[i] for i in p["perm"]), perm=tuple(p["perm"]))
    if kind == "squeeze":
        made = emit(kind, {"x": x}, (1, 64, 32))
        return made[0], emit("expand_dims", {"x": made[1]}, (1, 64, 32, 1))[1]
    if kind == "random_normal":
        made = emit(kind, {}, shape)
        return made[0], emit("add", {"x": x, "y": made[1]}, shape)[1]
    if kind == "argsort":
        made = emit(kind, {"x": x}, shape, "i32", axis=p["axis"])
        return made[0], emit("cast", {"x": made[1]}, shape)[1]
    if kind == "gather" and not rest and "table_const" not in p:
        count = int(p["indices"].split()[1])
        indices = const(count, dtype="i16")
        return emit(
            kind,
            {"x": x, "indices": indices},
            tuple(count if i == p["axis"] else s for i, s in enumerate(shape)),
            axis=p["axis"],
        )
    if kind in ("gather", "gather_nd", "gather_along_axis"):
        return _lookup(emit, const, kind, x, rest, p)
    if kind == "topk":
        out = tuple(p["k"] if i == p["axis"] else s for i, s in enumerate(shape))
        made = b.emit(CALL, kind, {"x": x}, dict(p), [TensorType(out, "f16"), TensorType(out, "u16")])
        return b.graph.ops[-1], made[0]
    if kind == "resample":
        return emit(kind, {"x": x, "coordinates": rest[0]}, shape)
    return emit(kind, {"x": x}, _moved(kind, shape, p), **{k: v for k, v in p.items() if k in ("mode", "axis", "pad")})


def _lookup(emit: Any, const: Any, kind: str, x: Value, rest: list[Value], p: dict[str, Any]) -> tuple[Op, Value]:
    """Run-time indices, with the integer arithmetic that the converter puts in front of them."""
    table, indices = (const(*p["table_const"]), x) if "table_const" in p else (x, rest[0])
    shape = indices.type.shape
    steps = ("cast",) if kind == "gather_along_axis" else ("cast", "cast", "greater_equal", "add", "select", "cast")
    for step in steps:
        indices = emit(step, {"x": indices}, shape, "b8" if step == "greater_equal" else "i32")[1]
    out = {"gather": (1, 64, 256), "gather_nd": (8, 32, 32), "gather_along_axis": x.type.shape}[kind]
    return emit(kind, {"x": table, "indices": indices}, out, axis=p.get("axis", 0))  # type: ignore[no-any-return]


def _with(b: GraphBuilder, op: Op, **attrs: Any) -> Op:
    """The op with more attributes, in place."""
    changed = Op(op.id, op.kind, op.inputs, {**op.attrs, **attrs}, op.outputs, op.call)
    b.graph.ops[op.id] = changed
    return changed


def _moved(kind: str, shape: tuple[int, ...], p: dict[str, Any]) -> tuple[int, ...]:
    """Output shapes of data movement; the input's for all else."""
    if "scale" in p and kind.startswith("upsample"):
        return (*shape[:2], *(int(s * f) for s, f in zip(shape[2:], p["scale"])))
    if "target" in p and kind != "crop_resize":
        return (*shape[:2], *p["target"])
    if kind == "resize":
        return (*shape[:2], *p["shape"])
    if kind == "crop_resize":
        return (4, shape[1], *p["target"])
    if kind == "tile":
        return tuple(s * r for s, r in zip(shape, p["reps"]))
    if kind == "pad":
        pad = p["pad"]
        whole = [0] * (2 * len(shape) - len(pad)) + list(pad)
        return tuple(s + whole[2 * i] + whole[2 * i + 1] for i, s in enumerate(shape))
    if kind == "slice_by_index":
        return tuple(-(-(e - s) // t) for s, e, t in zip(p["begin"], p["end"], p.get("stride", [1] * len(shape))))
    if kind == "slice_by_size":
        return tuple(p["size"])
    if kind in ("depth_to_space", "pixel_shuffle"):
        return (1, shape[1] // 4, shape[2] * 2, shape[3] * 2)
    if kind in ("space_to_depth", "pixel_unshuffle"):
        return (1, shape[1] * 4, shape[2] // 2, shape[3] // 2)
    if kind == "space_to_batch":
        return (4, shape[1], shape[2] // 2, shape[3] // 2)
    if kind == "batch_to_space":
        return (1, shape[1], shape[2] * 2, shape[3] * 2)
    if kind == "sliding_windows":
        count = (shape[2] - p["size"]) // p["stride"] + 1
        return (shape[0], shape[1], count, p["size"])
    assert prod(shape)
    return shape
