"""Ready-made values for the `mil` argument of :func:`ane_lsp.torch_model.registry.op`.

Each helper returns a lowering: a function of (builder, bound parameters, result types) that adds MIL ops the way
coremltools 9.0 does and returns the result values in the structure of the result types. MIL parameter names and op
names are those of the MIL op definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ane_lsp.graph import Sym, TensorType, Value
from ane_lsp.torch_model.promotion import is_complex, is_number
from ane_lsp.torch_model.registry import Lower, Lowering

# MIL has no 64-bit types: what torch calls f64 and i64 is fp32 and int32 there.
MIL_DTYPE: Mapping[str, str] = {
    "f64": "fp32", "f32": "fp32", "f16": "fp16", "i64": "int32", "i32": "int32", "u32": "int32", "i16": "int16",
    "u16": "uint16", "i8": "int8", "u8": "uint8", "b8": "bool", "c64": "complex64",
}  # fmt: skip
_RANK = {"bool": 0, "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "int32": 3, "fp16": 4, "fp32": 5}


def mil_dtype(dtype: str | None) -> str | None:
    """The MIL dtype of a torch dtype, None where it has none or is unknown."""
    return None if dtype is None else MIL_DTYPE.get(dtype)


def first(params: Mapping[str, Any]) -> Any:
    """The first argument."""
    return next(iter(params.values()))


def is_values(value: Any) -> bool:
    """Whether `value` is a non-empty list or tuple of tensors."""
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, Value) for item in value)


def cast_value(builder: Lowering, value: Value, dtype: str | None) -> Value:
    """`value` as `dtype`: a ``cast`` where MIL's dtype changes, else `value` itself."""
    target = mil_dtype(dtype)
    if target is None or mil_dtype(value.type.dtype) in (target, None):
        return value
    return builder.emit("cast", {"x": value}, {"dtype": target}, TensorType(value.type.shape, dtype))


def operands(builder: Lowering, values: Sequence[Any], dtype: str | None = None) -> list[Value]:
    """Tensors and numbers as values of one dtype, with the casts coremltools adds (constants fold instead).

    dtype: the common dtype; by default the widest of the tensors', and none where one is complex, which nothing is cast to or from.
    """
    tensors = [value for value in values if isinstance(value, Value)]
    if dtype is None and not any(t.type.dtype is not None and is_complex(t.type.dtype) for t in tensors):
        known = [t.type.dtype for t in tensors if t.type.dtype is not None and mil_dtype(t.type.dtype) in _RANK]
        dtype = max(known, key=lambda d: _RANK[MIL_DTYPE[d]], default=None)
        if dtype is not None and any(isinstance(v, float) for v in values) and _RANK[MIL_DTYPE[dtype]] < 4:
            dtype = "f32"
    like = TensorType((), dtype)
    return [
        cast_value(builder, value, dtype) if isinstance(value, Value) else builder.tensor(value, like)
        for value in values
    ]


def emit(
    builder: Lowering, kind: str, inputs: Mapping[str, Any], out: Any, attrs: Mapping[str, Any] | None = None
) -> Any:
    """Append one op with the result types `out` (a type, or a tuple or list of them)."""
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in inputs.items()}
    if isinstance(out, TensorType):
        return builder.emit(kind, given, attrs or {}, out)
    return like(out, builder.emit_many(kind, given, attrs or {}, out))


def like(out: Any, values: Sequence[Any]) -> Any:
    """`values` in the structure of `out`: a list, a named tuple or a tuple."""
    if isinstance(out, list):
        return list(values)
    return type(out)(*values) if hasattr(out, "_fields") else tuple(values)


def python_value(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """The result is no tensor (``x.dim()``): no op is left."""
    return out


def alias(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """The first argument itself: no op is left (``contiguous``, ``detach``, dropout in evaluation)."""
    return first(params)


def unary(kind: str, **attrs: Any) -> Lower:
    """``kind(x=<first argument>)``; an integer or bool argument of an op with a float result is cast first."""

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = operands(builder, [first(params)], out.dtype)[0]
        return builder.emit(kind, {"x": x}, attrs, out)

    return lower


def binary(kind: str, *, x: str | None = None, y: str | None = None, swap: bool = False) -> Lower:
    """``kind(x=<first argument>, y=<second>)`` over one dtype; numbers become constants.

    x, y: other parameters than the first two. swap: the other way round (``__rsub__``).
    """

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        given = list(params.values())
        left = params[x] if x else given[0]
        right = params[y] if y else given[1]
        a, b = operands(builder, [right, left] if swap else [left, right])
        return builder.emit(kind, {"x": a, "y": b}, {}, out)

    return lower


def reduce(kind: str, *, dim: str = "dim", keepdim: str = "keepdim", cast_bool: bool = True) -> Lower:
    """``kind(x, axes, keep_dims)``; a bool input is cast to an integer first, an integer one to a float result."""

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = first(params)
        if cast_bool:
            x = cast_value(builder, x, out.dtype)
        attrs: dict[str, Any] = {"keep_dims": bool(params.get(keepdim, False))}
        axes = params.get(dim)
        if axes is not None and axes != () and axes != []:
            attrs["axes"] = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
        return builder.emit(kind, {"x": x}, attrs, out)

    return lower


def cast(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """A ``cast`` to the result's dtype where MIL's dtype changes, else the argument itself."""
    value = first(params)
    if isinstance(value, Value) and mil_dtype(out.dtype) is None and out.dtype != value.type.dtype:
        return builder.emit("cast", {"x": value}, {"dtype": out.dtype}, out)
    return cast_value(builder, value, out.dtype)


def simple(kind: str, *, attrs: Mapping[str, Any] | None = None, **mapping: str) -> Lower:
    """``kind`` with MIL parameter = torch parameter, as in ``simple("cumsum", x="input", axis="dim")``.

    Tensors and lists of tensors become inputs, everything else attributes; absent (None) arguments are left out.
    attrs: further constant attributes.
    """

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        inputs: dict[str, Any] = {}
        constants: dict[str, Any] = dict(attrs or {})
        for mil_name, torch_name in mapping.items():
            value = params[torch_name]
            if isinstance(value, Value) or is_values(value):
                inputs[mil_name] = value
            elif value is not None:
                constants[mil_name] = tuple(value) if isinstance(value, list) else value
        return emit(builder, kind, inputs, out, constants)

    return lower


def chain(*kinds: str) -> Lower:
    """Several one-input ops one after the other: ``chain("abs", "sqrt")`` is ``sqrt(abs(x))``."""

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = operands(builder, [first(params)], out.dtype)[0]
        for kind in kinds:
            x = builder.emit(kind, {"x": x}, {}, out)
        return x

    return lower


def constant(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    """A constant of the result's type, where its sizes are known; ``fill`` where they are computed at run time."""
    if out.shape is not None and not any(isinstance(size, Sym) for size in out.shape):
        return builder.const(out)
    return builder.emit("fill", {}, {"shape": out.shape}, out)


def constant_fill(value: Callable[[Mapping[str, Any]], Any] | float) -> Lower:
    """``fill(shape, value)`` as a constant where the sizes are known."""

    def lower(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        if out.shape is not None and not any(isinstance(size, Sym) for size in out.shape):
            return builder.const(out)
        found = value(params) if callable(value) else value
        inputs = {"value": found} if isinstance(found, Value) else {}
        attrs = {"shape": out.shape} if inputs else {"shape": out.shape, "value": found}
        return builder.emit("fill", inputs, attrs, out)

    return lower


def number_or_value(builder: Lowering, operand: Any, like: TensorType) -> Value:
    """A tensor operand as it is, a Python number as a constant."""
    return operand if isinstance(operand, Value) else builder.tensor(operand if is_number(operand) else 0, like)
