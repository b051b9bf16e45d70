"""Builds the operation that one row of the measured dispatch table is about."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Value
from ane_lsp.graph.builder import GraphBuilder

DATA = Path(__file__).parent / "data"
_DTYPE = {"fp16": "f16", "fp32": "f32", "int32": "i32", "int8": "i8", "bool": "b8"}
_CALL = Call(0, "torch.nn.Module", "module", Span("case.py", 1, 0, 1, 1), "forward", "", (), {}, {}, None)


def rows() -> list[dict[str, str]]:
    """The measured cases."""
    with open(DATA / "dispatch.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def build(row: dict[str, str]) -> tuple[Graph, Op]:
    """A graph with the row's operation, and that operation."""
    b = GraphBuilder()
    shapes = [tuple(map(int, s.split("x"))) for s in row["shapes"].split(";")]
    dtypes = row["dtypes"].split(";")
    dtypes += [dtypes[-1]] * (len(shapes) - len(dtypes))
    inputs = [b.value(TensorType(s, _DTYPE[d]), "input") for s, d in zip(shapes, dtypes, strict=True)]
    params: dict[str, Any] = json.loads(row["params"])
    kind = row["op"]
    operands, attrs, out = _operands(b, kind, inputs, params)
    b.emit(_CALL, kind, operands, attrs, [out])
    return b.graph, b.graph.ops[-1]


def _const(b: GraphBuilder, shape: tuple[int, ...], dtype: str = "f16") -> Value:
    return b.const(TensorType(shape, dtype))


def _operands(
    b: GraphBuilder, kind: str, inputs: list[Value], p: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], TensorType]:
    x = inputs[0]
    rest = inputs[1:]
    operands: dict[str, Any] = {"x": x}
    attrs: dict[str, Any] = {}
    out = x.type
    if "kernel" in p and kind in ("conv", "conv_transpose"):
        shape = (p["cout"], p["cin"] // p["groups"], *p["kernel"])
        operands["weight"] = rest[0] if rest else _const(b, shape)
        attrs = {k: tuple(p[k]) for k in ("strides", "dilations")} | {"groups": p["groups"], "pad_type": p["pad_type"]}
    elif "kernel" in p:
        attrs = {"kernel_sizes": tuple(p["kernel"]), "strides": tuple(p["strides"]), "pad_type": p["pad_type"]}
    elif kind == "linear":
        operands["weight"] = _const(b, tuple(p["weight"]))
    elif kind == "matmul":
        operands["y"] = rest[0] if rest else _const(b, tuple(p["y_const"]))
        attrs = {"transpose_y": p.get("transpose_y", False), "transpose_x": False}
    elif kind == "cast":
        attrs = {"dtype": p["dtype"]}
        out = out.with_dtype(_DTYPE[p["dtype"]])
    elif kind in ("gather", "gather_nd", "gather_along_axis"):
        table = "table_const" in p
        indices = x if table else rest[0] if rest else _const(b, (16,), "i32")
        operands = {"x": _const(b, tuple(p["table_const"])) if table else x, "indices": indices}
        attrs = {"axis": p.get("axis", 0)}
        out = TensorType((1, 64, 256), "f16")
    elif kind in ("scatter", "scatter_along_axis"):
        operands = {"data": x, "indices": rest[0], "updates": rest[1]}
        attrs = {"axis": p["axis"], "mode": p["mode"]}
    elif kind == "slice_by_size":
        operands["begin"] = rest[0] if rest else _const(b, (4,), "i32")
    elif kind == "select":
        operands = {"cond": b.value(TensorType(x.type.shape, "b8"), "input"), "a": x, "b": rest[0]}
    elif kind in ("concat", "stack"):
        operands = {"values": tuple(inputs)}
    elif kind == "scaled_dot_product_attention":
        operands = dict(zip(("query", "key", "value", "attn_mask"), inputs, strict=False))
    elif kind in ("reduce_argmax", "argsort", "one_hot", "non_zero", "range_1d"):
        out = out.with_dtype("i32")
        attrs = {"axis": p.get("axis", 0)}
    elif kind in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and"):
        operands["y"] = rest[0]
        out = out.with_dtype("b8")
        if kind == "logical_and":
            operands = {k: b.value(TensorType(x.type.shape, "b8"), "input") for k in ("x", "y")}
    elif kind == "pad":
        attrs = {"mode": p["mode"], "pad": tuple(p["pad"])}
    elif rest:
        operands["y"] = rest[0]
    return operands, attrs, out
