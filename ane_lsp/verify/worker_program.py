"""In the worker: a MIL program as plain data, in the terms of :mod:`ane_lsp.graph`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

# Parameters that the graph keeps as tensors even where they are constant; every other constant is an attribute.
_TENSORS = frozenset({
    "x", "y", "a", "b", "cond", "weight", "bias", "values", "data", "indices", "updates", "query", "key", "value", "attn_mask",
    "gamma", "beta", "mean", "variance", "coordinates", "weight_ih", "weight_hh", "initial_h", "initial_c", "input", "update",
})  # fmt: skip
_DTYPES = {
    "fp16": "f16", "fp32": "f32", "fp64": "f64", "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "uint8": "u8",
    "uint16": "u16", "uint32": "u32", "bool": "b8",
}  # fmt: skip
_SMALL = 64


def describe(program: Any, locate: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Operations, values, inputs and outputs of the main function."""
    function = program.functions["main"]
    values: dict[str, dict[str, Any]] = {}
    ops = [_operation(op, values, locate) for op in _operations(function.operations) if op.op_type != "const"]
    for name, var in function.inputs.items():
        values[name] = {**_value(var), "origin": "input"}
    return {
        "ops": ops,
        "values": values,
        "inputs": list(function.inputs),
        "outputs": [var.name for var in function.outputs],
    }


def _operations(ops: Any) -> Iterator[Any]:
    """Operations in order, those of branches and loops behind the operation that holds them."""
    for op in ops:
        yield op
        for block in getattr(op, "blocks", None) or ():
            yield from _operations(block.operations)


def _operation(op: Any, values: dict[str, dict[str, Any]], locate: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    attrs: dict[str, Any] = {}
    for name, given in op.inputs.items():
        if given is None:
            continue
        if isinstance(given, (list, tuple)):
            inputs[name] = [_reference(var, values) for var in given]
        elif getattr(given, "val", None) is not None and name not in _TENSORS:
            attrs[name] = plain(given.val)
        elif hasattr(given, "name"):
            inputs[name] = _reference(given, values)
    outputs = []
    for var in op.outputs:
        values[var.name] = {**_value(var), "origin": "constant" if op.op_type.startswith("constexpr_") else "op"}
        outputs.append(var.name)
    return {"kind": op.op_type, "name": op.name, "inputs": inputs, "attrs": attrs, "outputs": outputs, **locate(op)}


def _reference(var: Any, values: dict[str, dict[str, Any]]) -> str:
    name = str(var.name)
    if name not in values:
        constant = getattr(var, "val", None) is not None
        values[name] = {**_value(var), "origin": "constant" if constant else "op"}
        if constant and getattr(var.val, "size", 1) <= _SMALL:
            data = plain(var.val)
            values[name]["data"] = _flat(data)
    return name


def _value(var: Any) -> dict[str, Any]:
    shape = getattr(var, "shape", None)
    types: Any = importlib.import_module("coremltools.converters.mil.mil.types")
    try:
        dtype = str(types.builtin_to_string(var.dtype))
    except (KeyError, AttributeError, TypeError):
        dtype = ""
    return {
        "shape": None if shape is None else [d if isinstance(d, int) else _size(d) for d in shape],
        "dtype": _DTYPES.get(dtype),
    }


def _size(size: Any) -> Any:
    try:
        return int(size)
    except (TypeError, ValueError):
        return str(size)


def plain(value: Any) -> Any:
    """A constant as JSON has it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for v in value for leaf in _flat(v)]
    return [value]
