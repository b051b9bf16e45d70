"""Arithmetic of two or three operands: ``+ - * / // % **``, ``maximum``, ``clamp``, ``where``, ``lerp``, ``addcmul``.

Operator spellings (``__add__``, ``__rsub__``) are names of the op torch records for them, see operators.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ane_lsp.graph import Sym, TensorType, Unknown
from ane_lsp.torch_model import lower, promotion
from ane_lsp.torch_model.constants import convert, elementwise, pointwise
from ane_lsp.torch_model.lower import operands
from ane_lsp.torch_model.promotion import (
    float_result,
    is_complex,
    is_floating,
    is_integral,
    is_number,
    result_type,
    to_complex,
)
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import broadcast, fail, kind_of, tensor_or_unknown

Number = Any


def operand(value: Any, name: str = "other") -> Any:
    """A tensor, a number or an unknown. Raises TorchError for anything else."""
    if not isinstance(value, (TensorType, Unknown)) and not is_number(value):
        fail(f"argument '{name}' must be Tensor or Number, not {kind_of(value)}", TypeError)
    return value


def first_operand(value: Any) -> Any:
    """The first operand: of functions (not of methods) it may be a number as well, ``torch.div(length, 2)``."""
    return value if is_number(value) else tensor_or_unknown(value)


def dtype_of(value: Any) -> str | None:
    """The dtype of a tensor or number."""
    return value.dtype if isinstance(value, TensorType) else promotion.scalar_dtype(value)


def common(value: Any, dtype: str | None) -> Any:
    """An operand with its elements as the dtype the op computes in."""
    if dtype is None:
        return value
    if isinstance(value, TensorType):
        return TensorType(value.shape, dtype, convert(value.data, dtype))
    if isinstance(value, (bool, int, float, complex)):
        data = convert((value,), dtype)
        return value if data is None else data[0]
    return value


def arithmetic(function: Callable[..., Any] | None, dtype: str | None, out: str | None, *values: Any) -> TensorType:
    """An elementwise result: operands are taken as `dtype`, the result is stored as `out`."""
    return pointwise(function, out, *(common(value, dtype) for value in values))


# Elementwise functions; integer operands stay integers.
def _divide(x: Number, y: Number) -> Number:
    if y == 0:
        return math.nan if x == 0 or x != x else math.copysign(math.inf, x) * math.copysign(1, y)
    return x / y


def _floor_divide(x: Number, y: Number) -> Number:
    if isinstance(x, int):
        return x // y
    if y == 0:
        return _divide(x, y)
    mod = math.fmod(x, y)
    div = (x - mod) / y
    if mod != 0 and (y < 0) != (mod < 0):
        div -= 1
    if div == 0:
        return math.copysign(0.0, x / y)
    floor = math.floor(div)
    return float(floor + 1 if div - floor > 0.5 else floor)


def _trunc_divide(x: Number, y: Number) -> Number:
    if isinstance(x, int):
        quotient = abs(x) // abs(y)
        return quotient if (x < 0) == (y < 0) else -quotient
    quotient = _divide(x, y)
    return float(math.trunc(quotient)) if math.isfinite(quotient) else quotient


def _remainder(x: Number, y: Number) -> Number:
    return x % y if isinstance(x, int) or y != 0 else math.nan


def _fmod(x: Number, y: Number) -> Number:
    if isinstance(x, int):
        return x - _trunc_divide(x, y) * y
    return math.nan if y == 0 or math.isinf(x) else math.fmod(x, y)


def _power(x: Number, y: Number) -> Number:
    if isinstance(x, int):
        return x**y if y >= 0 else 1 if x == 1 else (1 if y % 2 == 0 else -1) if x == -1 else 0
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan


def _larger(x: Number, y: Number) -> Number:
    return x if x != x else y if y != y else max(x, y)


def _smaller(x: Number, y: Number) -> Number:
    return x if x != x else y if y != y else min(x, y)


def _fmax(x: Number, y: Number) -> Number:
    return y if x != x else x if y != y else max(x, y)


def _fmin(x: Number, y: Number) -> Number:
    return y if x != x else x if y != y else min(x, y)


def _logaddexp(x: Number, y: Number) -> Number:
    return max(x, y) + math.log1p(math.exp(-abs(x - y)))


def _logaddexp2(x: Number, y: Number) -> Number:
    return max(x, y) + math.log2(1 + 2.0 ** -abs(x - y))


def _xlogy(x: Number, y: Number) -> Number:
    if y != y:
        return math.nan
    return 0.0 if x == 0 else x * (math.log(y) if y > 0 else -math.inf if y == 0 else math.nan)


# Lowerings.
def _scaled(kind: str) -> Lower:
    """``add`` and ``sub`` with `alpha`; ``add`` of two bools is ``logical_or``."""

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x, y = operands(builder, [params["input"], params["other"]])
        if out.dtype is not None and is_complex(out.dtype):
            return builder.emit(f"aten.{kind}", {"x": x, "y": y}, {}, out)
        if kind == "add" and out.dtype == "b8":
            return builder.emit("logical_or", {"x": x, "y": y}, {}, out)
        alpha = params.get("alpha", 1)
        if alpha != 1:
            y = builder.emit("mul", {"x": y, "y": builder.tensor(alpha, y.type)}, {}, y.type)
        return builder.emit(kind, {"x": x, "y": y}, {}, out)

    return make


def _mul(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x, y = operands(builder, [params["input"], params["other"]])
    kind = "logical_and" if out.dtype == "b8" else "mul"
    if out.dtype is not None and is_complex(out.dtype):
        kind = "aten.mul"
    return builder.emit(kind, {"x": x, "y": y}, {}, out)


def _trunc_ops(builder: Lowering, x: Any, y: Any, out: TensorType) -> Any:
    ratio = builder.emit("real_div", {"x": x, "y": y}, {}, out)
    sign = builder.emit("sign", {"x": ratio}, {}, out)
    size = builder.emit("floor", {"x": builder.emit("mul", {"x": ratio, "y": sign}, {}, out)}, {}, out)
    return builder.emit("mul", {"x": size, "y": sign}, {}, out)


def _div(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    mode = params.get("rounding_mode")
    x, y = operands(builder, [params["input"], params["other"]], float_result(out.dtype))
    if mode == "trunc":
        return _trunc_ops(builder, x, y, out)
    return builder.emit("floor_div" if mode == "floor" else "real_div", {"x": x, "y": y}, {}, out)


def _remainder_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x, y = operands(builder, [params["input"], params["other"]])
    whole = builder.emit("floor_div", {"x": x, "y": y}, {}, out)
    back = builder.emit("mul", {"x": whole, "y": y}, {}, out)
    return builder.emit("sub", {"x": x, "y": back}, {}, out)


def swapped(make: Lower) -> Lower:
    """The same lowering for a reflected operator: ``input`` is the right operand."""

    def lowering(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        return make(builder, {**params, "input": params["other"], "other": params["input"]}, out)

    return lowering


def _check_alpha(alpha: Any, dtype: str | None) -> None:
    if isinstance(alpha, bool) and dtype not in (None, "b8"):
        fail("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and dtype is not None and is_integral(dtype, boolean=True):
        fail("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and dtype is not None and not is_complex(dtype):
        fail("For non-complex input tensors, argument alpha must not be a complex number.")


@op(
    "torch.add", "torch.Tensor.add", "torch.Tensor.__add__", "torch.Tensor.__radd__",
    inplace=("torch.Tensor.add_", "torch.Tensor.__iadd__"), mil=_scaled("add"),
)  # fmt: skip
def add(input: TensorType, other: Any, *, alpha: Any = 1, out: object = None) -> TensorType:
    """``input + alpha * other``."""
    x, y = first_operand(input), operand(other)
    dtype = result_type(x, y)
    _check_alpha(alpha, dtype)
    return arithmetic(lambda a, b: a + alpha * b, dtype, dtype, x, y)


def _check_sub(x: Any, y: Any) -> None:
    kinds = (dtype_of(x), dtype_of(y))
    if "b8" in kinds and (kinds[0] == "b8" or isinstance(y, (TensorType, bool))):
        fail("Subtraction, the `-` operator, with a bool tensor is not supported. Use `~` to invert a mask.")


@op(
    "torch.sub", "torch.Tensor.sub", "torch.subtract", "torch.Tensor.subtract", "torch.Tensor.__sub__",
    inplace=("torch.Tensor.sub_", "torch.Tensor.subtract_", "torch.Tensor.__isub__"), mil=_scaled("sub"),
)  # fmt: skip
def sub(input: TensorType, other: Any, *, alpha: Any = 1, out: object = None) -> TensorType:
    """``input - alpha * other``."""
    x, y = first_operand(input), operand(other)
    _check_sub(x, y)
    dtype = result_type(x, y)
    _check_alpha(alpha, dtype)
    return arithmetic(lambda a, b: a - alpha * b, dtype, dtype, x, y)


@op("torch.rsub", "torch.Tensor.__rsub__", mil=swapped(_scaled("sub")))
def rsub(input: TensorType, other: Any, *, alpha: Any = 1) -> TensorType:
    """``other - alpha * input``."""
    x, y = tensor_or_unknown(input), operand(other)
    _check_sub(x, y)
    dtype = result_type(x, y)
    _check_alpha(alpha, dtype)
    return arithmetic(lambda a, b: b - alpha * a, dtype, dtype, x, y)


@op(
    "torch.mul", "torch.Tensor.mul", "torch.multiply", "torch.Tensor.multiply", "torch.Tensor.__mul__",
    "torch.Tensor.__rmul__",
    inplace=("torch.Tensor.mul_", "torch.Tensor.multiply_", "torch.Tensor.__imul__"), mil=_mul,
)  # fmt: skip
def mul(input: TensorType, other: Any, *, out: object = None) -> TensorType:
    """``input * other``."""
    x, y = first_operand(input), operand(other)
    dtype = result_type(x, y)
    return arithmetic(lambda a, b: a * b, dtype, dtype, x, y)


def _quotient(x: Any, y: Any, mode: Any) -> TensorType:
    dtype = result_type(x, y)
    if mode is None:
        dtype = float_result(dtype)
        return arithmetic(_divide, dtype, dtype, x, y)
    if isinstance(mode, Unknown):
        return pointwise(None, None, x, y)
    if mode not in ("floor", "trunc"):
        fail(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'")
    if dtype is not None and is_complex(dtype):
        fail("div with a rounding mode does not support complex inputs")
    if dtype == "b8":
        fail("div with a rounding mode does not support bool inputs")
    return arithmetic(_floor_divide if mode == "floor" else _trunc_divide, dtype, dtype, x, y)


@op(
    "torch.div", "torch.Tensor.div", "torch.divide", "torch.Tensor.divide", "torch.Tensor.__truediv__",
    "torch.Tensor.__div__",
    inplace=("torch.Tensor.div_", "torch.Tensor.divide_", "torch.Tensor.__itruediv__", "torch.Tensor.__idiv__"), mil=_div,
)  # fmt: skip
def div(input: TensorType, other: Any, *, rounding_mode: str | None = None, out: object = None) -> TensorType:
    """``input / other``, or rounded with ``rounding_mode``."""
    return _quotient(first_operand(input), operand(other), rounding_mode)


@op("torch.true_divide", "torch.Tensor.true_divide", inplace="torch.Tensor.true_divide_", mil=_div)
def true_divide(input: TensorType, other: Any, *, out: object = None) -> TensorType:
    """``input / other``."""
    return _quotient(first_operand(input), operand(other), None)


def _rdiv_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = operands(builder, [params["input"]], out.dtype)[0]
    inverse = builder.emit("inverse", {"x": x}, {}, TensorType(x.type.shape, out.dtype))
    if params["other"] == 1 and not isinstance(params["other"], (TensorType, Sym)):
        return inverse
    return builder.emit("mul", {"x": inverse, "y": builder.tensor(params["other"], out)}, {}, out)


@op("torch.Tensor.__rtruediv__", "torch.Tensor.__rdiv__", mil=_rdiv_ops)
def rtruediv(input: TensorType, other: Any) -> TensorType:
    """``other / input``, which torch computes as ``input.reciprocal() * other``."""
    x, y = tensor_or_unknown(input), operand(other)
    dtype = result_type(x.with_dtype(float_result(x.dtype)), y)
    return arithmetic(lambda a, b: _divide(b, a), dtype, dtype, x, y)


@op(
    "torch.floor_divide", "torch.Tensor.floor_divide", "torch.Tensor.__floordiv__",
    inplace=("torch.Tensor.floor_divide_", "torch.Tensor.__ifloordiv__"), mil=lower.binary("floor_div"),
)  # fmt: skip
def floor_divide(input: TensorType, other: Any, *, out: object = None) -> TensorType:
    """``input // other``."""
    return _quotient(first_operand(input), operand(other), "floor")


@op("torch.Tensor.__rfloordiv__", mil=lower.binary("floor_div", swap=True))
def rfloordiv(input: TensorType, other: Any) -> TensorType:
    """``other // input``."""
    return _quotient(operand(other), tensor_or_unknown(input), "floor")


def _modulo(x: Any, y: Any, function: Callable[..., Any], name: str) -> TensorType:
    dtype = result_type(x, y)
    if dtype is not None and is_complex(dtype):
        fail(f"{name} does not support complex inputs")
    if dtype == "b8":
        fail(f"{name} does not support bool inputs")
    return arithmetic(function, dtype, dtype, x, y)


def one_tensor(x: Any, y: Any, name: str) -> None:
    """One of two operands must be a tensor."""
    if is_number(x) and is_number(y):
        fail(f"{name}(): at least one argument must be a Tensor")


@op(
    "torch.remainder", "torch.Tensor.remainder", "torch.Tensor.__mod__",
    inplace=("torch.Tensor.remainder_", "torch.Tensor.__imod__"), mil=_remainder_ops,
)  # fmt: skip
def remainder(input: Any, other: Any, *, out: object = None) -> TensorType:
    """``input % other``: the sign is the divisor's."""
    one_tensor(input, other, "remainder")
    return _modulo(operand(input, "input"), operand(other), _remainder, "remainder")


@op("torch.Tensor.__rmod__", mil=swapped(_remainder_ops))
def rmod(input: TensorType, other: Any) -> TensorType:
    """``other % input``."""
    return _modulo(operand(other), tensor_or_unknown(input), _remainder, "remainder")


@op("torch.fmod", "torch.Tensor.fmod", inplace="torch.Tensor.fmod_")
def fmod(input: TensorType, other: Any, *, out: object = None) -> TensorType:
    """The remainder with the sign of the dividend."""
    return _modulo(tensor_or_unknown(input), operand(other), _fmod, "fmod")


def _pow(x: Any, y: Any) -> TensorType:
    dtype = result_type(x, y)
    integral = dtype is not None and is_integral(dtype, boolean=True)
    if integral and isinstance(y, int) and y < 0 and not isinstance(x, (bool, int)):
        fail("Integers to negative integer powers are not allowed.")
    if dtype == "b8" and not isinstance(y, TensorType):
        return pointwise(None, dtype, x, y)
    return arithmetic(_power, dtype, dtype, x, y)


@op(
    "torch.pow", "torch.Tensor.pow", "torch.Tensor.__pow__",
    inplace=("torch.Tensor.pow_", "torch.Tensor.__ipow__"), mil=lower.binary("pow"),
)  # fmt: skip
def pow_(input: Any, exponent: Any, *, out: object = None) -> TensorType:
    """``input ** exponent``."""
    one_tensor(input, exponent, "pow")
    return _pow(operand(input, "input"), operand(exponent, "exponent"))


@op("torch.Tensor.__rpow__", mil=lower.binary("pow", swap=True))
def rpow(input: TensorType, other: Any) -> TensorType:
    """``other ** input``."""
    return _pow(operand(other), tensor_or_unknown(input))


@op("torch.float_power", "torch.Tensor.float_power", mil=lower.binary("pow"))
def float_power(input: Any, exponent: Any, *, out: object = None) -> TensorType:
    """``input ** exponent`` in double precision."""
    one_tensor(input, exponent, "float_power")
    x, y = operand(input, "input"), operand(exponent, "exponent")
    kinds = (dtype_of(x), dtype_of(y))
    if None in kinds:
        return pointwise(None, None, x, y)
    dtype = "c128" if any(kind is not None and is_complex(kind) for kind in kinds) else "f64"
    return arithmetic(_power, dtype, dtype, x, y)


def two_tensors(
    name: str,
    function: Callable[..., Any] | None,
    rule: Callable[[str | None], str | None] = lambda dtype: dtype,
    mil: Lower | None = None,
    aliases: tuple[str, ...] = (),
    inplace: tuple[str, ...] = (),
) -> None:
    """Declare a pointwise op of two tensors; `rule` makes the result's dtype from the common one."""

    def body(input: TensorType, other: TensorType, *, out: object = None) -> TensorType:
        x, y = tensor_or_unknown(input), tensor_or_unknown(other, "other")
        common_dtype = result_type(x, y)
        dtype = rule(common_dtype)
        return arithmetic(function, dtype if is_float(dtype) else common_dtype, dtype, x, y)

    op(f"torch.{name}", f"torch.Tensor.{name}", *aliases, inplace=inplace, mil=mil)(body)


def is_float(dtype: str | None) -> bool:
    """A real float dtype."""
    return dtype is not None and is_floating(dtype)


def _real(name: str, boolean: bool = True) -> Callable[[str | None], str | None]:
    def rule(dtype: str | None) -> str | None:
        if dtype is not None and (is_complex(dtype) or (dtype == "b8" and not boolean)):
            fail(f"{name} does not support {dtype} inputs")
        return dtype

    return rule


def _real_float(name: str) -> Callable[[str | None], str | None]:
    return lambda dtype: float_result(_real(name)(dtype))


def _floats_only(name: str) -> Callable[[str | None], str | None]:
    def rule(dtype: str | None) -> str | None:
        if dtype is not None and not is_floating(dtype):
            fail(f"{name} is not implemented for {dtype}")
        return dtype

    return rule


def _no_integers(name: str) -> Callable[[str | None], str | None]:
    def rule(dtype: str | None) -> str | None:
        if dtype is not None and is_integral(dtype, boolean=True):
            fail(f"{name} is not implemented for {dtype}")
        return dtype

    return rule


def _integers_only(name: str) -> Callable[[str | None], str | None]:
    def rule(dtype: str | None) -> str | None:
        if dtype is not None and not is_integral(dtype):
            fail(f"{name} is not implemented for {dtype}")
        return dtype

    return rule


def _atan2_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    y, x = operands(builder, [params["input"], params["other"]], out.dtype)
    mask = TensorType(out.shape, "b8")

    def compare(kind: str, left: Any, right: float) -> Any:
        return builder.emit(kind, {"x": left, "y": builder.tensor(right, out)}, {}, mask)

    def both(left: Any, right: Any) -> Any:
        return builder.emit("cast", {"x": builder.emit("logical_and", {"x": left, "y": right}, {}, mask)},
                            {"dtype": lower.mil_dtype(out.dtype)}, out)  # fmt: skip

    def times(left: Any, factor: float) -> Any:
        return builder.emit("mul", {"x": left, "y": builder.tensor(factor, out)}, {}, out)

    def apply(kind: str, left: Any, right: Any) -> Any:
        return builder.emit(kind, {"x": left, "y": right}, {}, out)

    one = builder.tensor(1.0, out)
    below, above = compare("less", y, 0.0), compare("greater", y, 0.0)
    left, zero = compare("less", x, 0.0), compare("equal", x, 0.0)
    up_left, down_left, up, down = both(above, left), both(below, left), both(above, zero), both(below, zero)
    near = both(compare("greater", x, -1e-8), compare("less", x, 1e-8))
    angle = builder.emit("atan", {"x": apply("real_div", y, apply("add", x, times(near, 2e-8)))}, {}, out)
    angle = apply("sub", apply("add", angle, times(up_left, math.pi)), times(down_left, math.pi))
    angle = apply("add", apply("mul", angle, apply("sub", one, up)), times(up, math.pi / 2))
    return apply("add", apply("mul", angle, apply("sub", one, down)), times(down, -math.pi / 2))


two_tensors(
    "maximum", _larger, _real("maximum"), lower.binary("maximum"),
)  # fmt: skip
two_tensors("minimum", _smaller, _real("minimum"), lower.binary("minimum"))
two_tensors("fmax", _fmax, _real("fmax"))
two_tensors("fmin", _fmin, _real("fmin"))
two_tensors(
    "atan2", math.atan2, _real_float("atan2"), _atan2_ops, ("torch.arctan2", "torch.Tensor.arctan2"),
    ("torch.Tensor.atan2_", "torch.Tensor.arctan2_"),
)  # fmt: skip
two_tensors("hypot", math.hypot, _floats_only("hypot"), inplace=("torch.Tensor.hypot_",))
two_tensors("nextafter", None, _floats_only("nextafter"), inplace=("torch.Tensor.nextafter_",))
two_tensors("logaddexp", _logaddexp, _no_integers("logaddexp"))
two_tensors("logaddexp2", _logaddexp2, _no_integers("logaddexp2"))
two_tensors("gcd", math.gcd, _integers_only("gcd"), inplace=("torch.Tensor.gcd_", "torch.gcd_"))
two_tensors(
    "lcm", lambda x, y: abs(x * y) // math.gcd(x, y) if x and y else 0, _integers_only("lcm"),
    inplace=("torch.Tensor.lcm_", "torch.lcm_"),
)  # fmt: skip


@op("torch.heaviside", "torch.Tensor.heaviside", inplace="torch.Tensor.heaviside_")
def heaviside(input: TensorType, values: TensorType, *, out: object = None) -> TensorType:
    """0, `values` or 1 by the sign of `input`."""
    x, y = tensor_or_unknown(input), tensor_or_unknown(values, "values")
    for each in (x, y):
        if each.dtype is not None and is_complex(each.dtype):
            fail("heaviside is not yet implemented for complex tensors.")
    if x.dtype is not None and y.dtype is not None and x.dtype != y.dtype:
        fail("heaviside is not yet implemented for tensors with different dtypes.")
    return arithmetic(lambda a, b: b if a == 0 else float(a > 0), x.dtype, x.dtype, x, y)


@op("torch.ldexp", "torch.Tensor.ldexp", inplace=("torch.Tensor.ldexp_", "torch.ldexp_"))
def ldexp(input: TensorType, other: TensorType, *, out: object = None) -> TensorType:
    """``input * 2 ** other``."""
    x, y = tensor_or_unknown(input), tensor_or_unknown(other, "other")
    dtype = float_result(result_type(x, y))
    return arithmetic(lambda a, b: a * 2.0**b, dtype, dtype, x, y)


@op("torch.copysign", "torch.Tensor.copysign", inplace="torch.Tensor.copysign_")
def copysign(input: TensorType, other: Any, *, out: object = None) -> TensorType:
    """The magnitude of `input` with the sign of `other`."""
    x, y = tensor_or_unknown(input), operand(other)
    dtype = _real_float("copysign")(result_type(x, y))
    return arithmetic(math.copysign, dtype, dtype, x, y)


@op("torch.xlogy", "torch.Tensor.xlogy", "torch.special.xlogy", inplace=("torch.Tensor.xlogy_", "torch.xlogy_"))
def xlogy(input: Any, other: Any, *, out: object = None) -> TensorType:
    """``input * log(other)``, 0 where `input` is 0."""
    one_tensor(input, other, "xlogy")
    x, y = operand(input, "input"), operand(other)
    dtype = _real_float("xlogy")(result_type(x, y))
    return arithmetic(_xlogy, dtype, dtype, x, y)


@op("torch.special.xlog1py")
def xlog1py(input: Any, other: Any, *, out: object = None) -> TensorType:
    """``input * log1p(other)``, 0 where `input` is 0."""
    one_tensor(input, other, "xlog1py")
    x, y = operand(input, "input"), operand(other)
    dtype = _real_float("xlog1py")(result_type(x, y))
    return arithmetic(lambda a, b: _xlogy(a, 1 + b), dtype, dtype, x, y)


@op("torch.special.zeta")
def zeta(input: Any, other: Any, *, out: object = None) -> TensorType:
    """The Hurwitz zeta function."""
    one_tensor(input, other, "zeta")
    return pointwise(None, _real_float("zeta")(result_type(input, other)), operand(input), operand(other))


for _name, _aliases in (("igamma", "torch.special.gammainc"), ("igammac", "torch.special.gammaincc")):
    two_tensors(_name, None, _floats_only(_name), aliases=(_aliases,), inplace=(f"torch.Tensor.{_name}_",))


# Bounds.
def _clip_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    low, high = params.get("min"), params.get("max")
    x = params["input"]
    numbers = all(bound is None or isinstance(bound, (bool, int, float)) for bound in (low, high))
    if numbers and out.dtype is not None and is_floating(out.dtype):
        x = operands(builder, [x], out.dtype)[0]
        limit = 3.4028234663852886e38
        if low is not None and high is not None and low >= high:
            return builder.emit("fill", {}, {"shape": out.shape, "value": high}, out)
        alpha, beta = -limit if low is None else float(low), limit if high is None else float(high)
        return builder.emit("clip", {"x": x}, {"alpha": alpha, "beta": beta}, out)
    if high is not None:
        a, b = operands(builder, [x, high], out.dtype)
        x = builder.emit("minimum", {"x": a, "y": b}, {}, out)
    if low is not None:
        a, b = operands(builder, [x, low], out.dtype)
        x = builder.emit("maximum", {"x": a, "y": b}, {}, out)
    return x


@op(
    "torch.clamp", "torch.Tensor.clamp", "torch.clip", "torch.Tensor.clip",
    inplace=("torch.Tensor.clamp_", "torch.Tensor.clip_", "torch.clamp_", "torch.clip_"), mil=_clip_ops,
)  # fmt: skip
def clamp(input: TensorType, min: Any = None, max: Any = None, *, out: object = None) -> TensorType:
    """Bounded from below by `min` and above by `max`, numbers or tensors."""
    x = tensor_or_unknown(input)
    bounds = [operand(bound, name) for bound, name in ((min, "min"), (max, "max")) if bound is not None]
    if not bounds:
        fail("torch.clamp: At least one of 'min' or 'max' must not be None")
    tensors = [bound for bound in bounds if isinstance(bound, TensorType)]
    if any(is_number(bound) for bound in bounds) and any(t.shape for t in tensors):
        fail("clamp(): 'min' and 'max' must be both tensors or both numbers", TypeError)
    if any(is_number(bound) for bound in bounds):
        # Beside a number, a 0-d tensor counts as the number in it.
        kinds = [_as_number(bound) if isinstance(bound, TensorType) else bound for bound in bounds]
        dtype = _real("clamp")(None if None in kinds else result_type(x, *kinds))
    else:
        dtype = _real("clamp")(result_type(x, *bounds))
    if any(isinstance(bound, Unknown) and not bound.number for bound in bounds):
        # A bound is nearly always a number; a tensor bound of unknown shape would have to broadcast into the result.
        return TensorType(None, dtype)

    def evaluate(value: Number, *limits: Number) -> Number:
        rest = list(limits)
        if min is not None:
            value = _larger(value, rest.pop(0))
        return _smaller(value, rest[0]) if max is not None else value

    return arithmetic(evaluate, dtype, dtype, x, *bounds)


def _as_number(tensor: TensorType) -> Any:
    """A number of a tensor's dtype category; None where the dtype is not known."""
    if tensor.dtype is None:
        return None
    if tensor.dtype == "b8":
        return True
    return 0j if is_complex(tensor.dtype) else 0.5 if is_floating(tensor.dtype) else 1


def _bounded(name: str, function: Callable[..., Any], kind: str) -> None:
    parameter = name.rsplit("_", 1)[-1]

    def body(x: TensorType, bound: Any) -> TensorType:
        dtype = _real(name)(result_type(x, bound))
        return arithmetic(function, dtype, dtype, x, bound)

    def low(input: TensorType, min: Any, *, out: object = None) -> TensorType:
        return body(tensor_or_unknown(input), operand(min, parameter))

    def high(input: TensorType, max: Any, *, out: object = None) -> TensorType:
        return body(tensor_or_unknown(input), operand(max, parameter))

    op(
        f"torch.{name}", f"torch.Tensor.{name}",
        inplace=(f"torch.Tensor.{name}_", f"torch.{name}_"), mil=lower.binary(kind),
    )(low if parameter == "min" else high)  # fmt: skip


_bounded("clamp_min", _larger, "maximum")
_bounded("clamp_max", _smaller, "minimum")


# Three operands.
def _lerp_type(x: TensorType, other: TensorType, name: str) -> None:
    if x.dtype is not None and other.dtype is not None and x.dtype != other.dtype:
        fail(f"expected dtype {x.dtype} for `{name}` but got dtype {other.dtype}")


@op("torch.lerp", "torch.Tensor.lerp", inplace="torch.Tensor.lerp_")
def lerp(input: TensorType, end: TensorType, weight: Any, *, out: object = None) -> TensorType:
    """``input + weight * (end - input)``."""
    x, y, w = tensor_or_unknown(input), tensor_or_unknown(end, "end"), operand(weight, "weight")
    _lerp_type(x, y, "end")
    if isinstance(w, TensorType):
        _lerp_type(x, w, "weight")
    if x.dtype is not None and is_integral(x.dtype, boolean=True):
        fail(f"lerp is not implemented for {x.dtype}")
    return arithmetic(lambda a, b, c: a + c * (b - a), x.dtype, x.dtype, x, y, w)


def _fused(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x, a, b = operands(builder, [params["input"], params["tensor1"], params["tensor2"]], out.dtype)
        both = builder.emit(kind, {"x": a, "y": b}, {}, out)
        if params["value"] != 1:
            both = builder.emit("mul", {"x": both, "y": builder.tensor(params["value"], out)}, {}, out)
        return builder.emit("add", {"x": x, "y": both}, {}, out)

    return make


def _fused_rule(name: str, function: Callable[..., Any], x: Any, a: Any, b: Any, value: Any) -> TensorType:
    tensors = [tensor_or_unknown(x), tensor_or_unknown(a, "tensor1"), tensor_or_unknown(b, "tensor2")]
    dtype = result_type(*tensors)
    inner = result_type(*tensors[1:])
    if name == "addcdiv" and inner is not None and is_integral(inner, boolean=True):
        fail("Integer division with addcdiv is no longer supported")
    if isinstance(value, float) and dtype is not None and is_integral(dtype):
        value = int(value)
    if dtype == "b8":
        fail(f"{name} is not implemented for bool")
    return arithmetic(lambda p, q, r: p + value * function(q, r), dtype, dtype, *tensors)


@op("torch.addcmul", "torch.Tensor.addcmul", inplace="torch.Tensor.addcmul_", mil=_fused("mul"))
def addcmul(
    input: TensorType, tensor1: TensorType, tensor2: TensorType, *, value: Any = 1, out: object = None
) -> TensorType:
    """``input + value * tensor1 * tensor2``."""
    return _fused_rule("addcmul", lambda a, b: a * b, input, tensor1, tensor2, value)


@op("torch.addcdiv", "torch.Tensor.addcdiv", inplace="torch.Tensor.addcdiv_", mil=_fused("real_div"))
def addcdiv(
    input: TensorType, tensor1: TensorType, tensor2: TensorType, *, value: Any = 1, out: object = None
) -> TensorType:
    """``input + value * tensor1 / tensor2``."""
    return _fused_rule("addcdiv", _divide, input, tensor1, tensor2, value)


@op("torch.complex")
def complex_(real: TensorType, imag: TensorType, *, out: object = None) -> TensorType:
    """A complex tensor from its parts."""
    x, y = tensor_or_unknown(real, "real"), tensor_or_unknown(imag, "imag")
    _parts(x, y)
    dtype = None if x.dtype is None else to_complex(x.dtype)
    return TensorType(
        broadcast(x.shape, y.shape), dtype, elementwise(complex, broadcast(x.shape, y.shape), dtype, x, y)
    )


@op("torch.polar")
def polar(abs: TensorType, angle: TensorType, *, out: object = None) -> TensorType:
    """A complex tensor from magnitude and angle."""
    x, y = tensor_or_unknown(abs, "abs"), tensor_or_unknown(angle, "angle")
    _parts(x, y)
    return TensorType(broadcast(x.shape, y.shape), None if x.dtype is None else to_complex(x.dtype))


def _parts(x: TensorType, y: TensorType) -> None:
    if x.dtype is not None and y.dtype is not None and x.dtype != y.dtype:
        fail(f"Expected object of scalar type {x.dtype} but got scalar type {y.dtype} for second argument")
    if x.dtype is not None and x.dtype not in ("f16", "f32", "f64"):
        fail("Expected both inputs to be Half, Float or Double tensors")
