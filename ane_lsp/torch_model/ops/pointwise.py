"""One-input pointwise math: ``abs`` to ``trunc``, with torch's aliases and in-place spellings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ane_lsp.graph import TensorType
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.constants import pointwise
from ane_lsp.torch_model.promotion import DEFAULT, float_result, is_complex, is_floating, is_integral, to_real
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import fail, tensor_or_unknown

Number = Any
DtypeRule = Callable[[str, "str | None"], "str | None"]

# `torch.NAME_` exists beside `Tensor.NAME_`.
_FUNCTION_INPLACE = frozenset(
    [
        "abs",
        "acos",
        "arccos",
        "acosh",
        "arccosh",
        "asin",
        "arcsin",
        "asinh",
        "arcsinh",
        "atan",
        "arctan",
        "atanh",
        "arctanh",
        "ceil",
        "cos",
        "cosh",
        "deg2rad",
        "erf",
        "erfc",
        "exp",
        "exp2",
        "expm1",
        "fix",
        "floor",
        "frac",
        "i0",
        "log",
        "log10",
        "log1p",
        "log2",
        "logit",
        "neg",
        "negative",
        "rad2deg",
        "reciprocal",
        "round",
        "rsqrt",
        "sigmoid",
        "sin",
        "sinc",
        "sinh",
        "sqrt",
        "square",
        "tan",
        "tanh",
        "trunc",
        "nan_to_num",
        "conj_physical",
    ]
)


def spellings(
    *names: str, special: tuple[str, ...] = (), inplace: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Function and method names, and in-place names, of an op and its aliases."""
    plain = tuple(prefix + name for name in names for prefix in ("torch.", "torch.Tensor."))
    plain += tuple(f"torch.special.{name}" for name in special)
    if not inplace:
        return plain, ()
    stored = [f"torch.Tensor.{name}_" for name in names]
    stored += [f"torch.{name}_" for name in names if name in _FUNCTION_INPLACE]
    return plain, tuple(stored)


# Dtype rules: (op name, dtype) to the result's dtype.
def floating(name: str, dtype: str | None) -> str | None:
    """Integers become the default float."""
    return float_result(dtype)


def floating_real(name: str, dtype: str | None) -> str | None:
    """The same for ops without a complex form."""
    if dtype is not None and is_complex(dtype):
        fail(f"{name} does not support complex inputs")
    return float_result(dtype)


def same(name: str, dtype: str | None) -> str | None:
    """The input's dtype."""
    return dtype


def same_real(name: str, dtype: str | None) -> str | None:
    """The input's dtype; complex is refused."""
    if dtype is not None and is_complex(dtype):
        fail(f"{name} is not supported for complex inputs")
    return dtype


def no_bool(name: str, dtype: str | None) -> str | None:
    """The input's dtype; bool is refused."""
    if dtype == "b8":
        fail(f"{name} is not supported for bool tensors")
    return dtype


def boolean(name: str, dtype: str | None) -> str | None:
    """Always bool."""
    return "b8"


def boolean_real(name: str, dtype: str | None) -> str | None:
    """Bool; complex is refused."""
    if dtype is not None and is_complex(dtype):
        fail(f"{name} does not support complex inputs")
    return "b8"


def magnitude(name: str, dtype: str | None) -> str | None:
    """``abs``: complex gives its real dtype."""
    return to_real(dtype)


# Elementwise functions with torch's answers at the edges (nan and infinities instead of exceptions).
def ieee(function: Callable[[float], float], overflow: float = math.inf) -> Callable[[Number], Number]:
    """`function` of `math` with nan outside its domain and `overflow` above its range."""

    def evaluate(x: Number) -> Number:
        if isinstance(x, complex):
            raise TypeError("complex")
        try:
            return function(x)
        except OverflowError:
            return overflow
        except ValueError:
            return math.nan

    return evaluate


def logarithm(function: Callable[[float], float], pole: float = 0.0) -> Callable[[Number], Number]:
    """A logarithm: minus infinity at its pole, nan below."""
    inner = ieee(function)
    return lambda x: -math.inf if x == pole else inner(x)


def odd_overflow(function: Callable[[float], float]) -> Callable[[Number], Number]:
    """``sinh``: overflow keeps the sign."""

    def evaluate(x: Number) -> Number:
        try:
            return function(x)
        except OverflowError:
            return math.copysign(math.inf, x)

    return evaluate


def whole(function: Callable[[float], float]) -> Callable[[Number], Number]:
    """A rounding function: integers, infinities and nan stay as they are; the sign of zero is kept."""

    def evaluate(x: Number) -> Number:
        return x if isinstance(x, int) or not math.isfinite(x) else math.copysign(float(function(x)), x)

    return evaluate


def _atanh(x: Number) -> Number:
    return math.copysign(math.inf, x) if abs(x) == 1 else ieee(math.atanh)(x)


def _lgamma(x: Number) -> Number:
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def _reciprocal(x: Number) -> Number:
    return math.copysign(math.inf, x) if x == 0 else 1 / x


def _rsqrt(x: Number) -> Number:
    return math.copysign(math.inf, x) if x == 0 else math.nan if x < 0 else 1 / math.sqrt(x)


def _sigmoid(x: Number) -> Number:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return (lambda e: e / (1 + e))(math.exp(x))


def _sign(x: Number) -> Number:
    if isinstance(x, bool):
        return x
    return (x > 0) - (x < 0)


def _sinc(x: Number) -> Number:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _exp2(x: Number) -> Number:
    return 2.0**x


def _square(x: Number) -> Number:
    return x * x


# Lowerings of more than one op, as coremltools 9.0 writes them.
def _log_base(base: float) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = lower.operands(builder, [lower.first(params)], out.dtype)[0]
        log = builder.emit("log", {"x": x}, {}, out)
        return builder.emit("mul", {"x": log, "y": builder.tensor(1 / math.log(base), out)}, {}, out)

    return make


def times(factor: float) -> Lower:
    """A multiplication by a constant."""

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x = lower.operands(builder, [lower.first(params)], out.dtype)[0]
        return builder.emit("mul", {"x": x, "y": builder.tensor(factor, out)}, {}, out)

    return make


def _expm1(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.operands(builder, [lower.first(params)], out.dtype)[0]
    exp = builder.emit("exp", {"x": x}, {}, out)
    return builder.emit("sub", {"x": exp, "y": builder.tensor(1.0, out)}, {}, out)


def _squared(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    return builder.emit("mul", {"x": x, "y": x}, {}, out)


def _frac(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    floor = builder.emit("floor", {"x": builder.emit("abs", {"x": x}, {}, out)}, {}, out)
    sign = builder.emit("sign", {"x": x}, {}, out)
    return builder.emit("sub", {"x": x, "y": builder.emit("mul", {"x": floor, "y": sign}, {}, out)}, {}, out)


def _not_self(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    return builder.emit("not_equal", {"x": x, "y": x}, {}, out)


def _isfinite(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    size = builder.emit("abs", {"x": x}, {}, x.type)
    bounded = builder.emit("not_equal", {"x": size, "y": builder.tensor(math.inf, x.type)}, {}, out)
    number = builder.emit("equal", {"x": x, "y": x}, {}, out)
    return builder.emit("logical_and", {"x": bounded, "y": number}, {}, out)


def _sinc_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.operands(builder, [lower.first(params)], out.dtype)[0]
    angle = builder.emit("mul", {"x": x, "y": builder.tensor(math.pi, out)}, {}, out)
    zero = builder.emit("equal", {"x": angle, "y": builder.tensor(0.0, out)}, {}, TensorType(out.shape, "b8"))
    sine = builder.emit("sin", {"x": angle}, {}, out)
    ratio = builder.emit("real_div", {"x": sine, "y": angle}, {}, out)
    return builder.emit("select", {"cond": zero, "a": builder.tensor(1.0, out), "b": ratio}, {}, out)


def _logical_not(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.cast_value(builder, lower.first(params), "b8")
    return builder.emit("logical_not", {"x": x}, {}, out)


def _bitwise_not(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    if out.dtype == "b8":
        return builder.emit("logical_not", {"x": x}, {}, out)
    plus = builder.emit("add", {"x": x, "y": builder.tensor(1, out)}, {}, out)
    return builder.emit("mul", {"x": plus, "y": builder.tensor(-1, out)}, {}, out)


def _abs(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.first(params)
    kind = "complex_abs" if x.type.dtype is not None and is_complex(x.type.dtype) else "abs"
    return builder.emit(kind, {"x": x}, {}, out)


def declare(
    *names: str,
    dtype: DtypeRule = floating,
    function: Callable[[Number], Number] | None = None,
    mil: Lower | None = None,
    special: tuple[str, ...] = (),
    inplace: bool = True,
    operators: tuple[str, ...] = (),
) -> None:
    """Declare a pointwise op of one tensor."""
    plain, stored = spellings(*names, special=special, inplace=inplace)
    name = names[0]

    def rule(input: TensorType, *, out: object = None) -> TensorType:
        x = tensor_or_unknown(input, "input")
        return pointwise(function, dtype(name, x.dtype), x)

    op(*plain, *(f"torch.Tensor.{o}" for o in operators), mil=mil, inplace=stored)(rule)


declare("abs", "absolute", dtype=magnitude, function=abs, mil=_abs, operators=("__abs__",), inplace=False)
declare("acos", "arccos", function=ieee(math.acos), mil=lower.unary("acos"))
declare("acosh", "arccosh", function=ieee(math.acosh))
declare("asin", "arcsin", function=ieee(math.asin), mil=lower.unary("asin"))
declare("asinh", "arcsinh", function=ieee(math.asinh))
declare("atan", "arctan", function=ieee(math.atan), mil=lower.unary("atan"))
declare("atanh", "arctanh", function=_atanh, mil=lower.unary("atanh"))
declare("ceil", dtype=same_real, function=whole(math.ceil), mil=lower.unary("ceil"))
declare("cos", function=ieee(math.cos), mil=lower.unary("cos"))
declare("cosh", function=ieee(math.cosh), mil=lower.unary("cosh"))
declare("deg2rad", dtype=floating_real, function=math.radians, mil=times(math.pi / 180))
declare("digamma", dtype=floating_real, special=("digamma", "psi"))
declare("erf", dtype=floating_real, function=math.erf, mil=lower.unary("erf"), special=("erf",))
declare("erfc", dtype=floating_real, function=math.erfc, special=("erfc",))
declare("erfinv", dtype=floating_real, special=("erfinv",))
declare("exp", function=ieee(math.exp), mil=lower.unary("exp"))
declare("exp2", function=ieee(_exp2), mil=lower.unary("exp2"), special=("exp2",))
declare("expm1", function=ieee(math.expm1), mil=_expm1, special=("expm1",))
declare("trunc", "fix", dtype=same_real, function=whole(math.trunc))
declare("floor", dtype=same_real, function=whole(math.floor), mil=lower.unary("floor"))
declare("frac", dtype=no_bool, function=lambda x: math.fmod(x, 1.0), mil=_frac)
declare("i0", dtype=floating_real, special=("i0",))
declare("lgamma", dtype=floating_real, function=_lgamma, special=("gammaln",))
declare("log", function=logarithm(math.log), mil=lower.unary("log"))
declare("log10", function=logarithm(math.log10), mil=_log_base(10))
declare("log1p", function=logarithm(math.log1p, -1.0), mil=lower.unary("log", epsilon=1.0), special=("log1p",))
declare("log2", function=logarithm(math.log2), mil=_log_base(2))
declare("neg", "negative", dtype=no_bool, function=lambda x: -x, mil=times(-1), operators=("__neg__",))
declare("positive", dtype=no_bool, function=lambda x: x, mil=lower.alias, inplace=False, operators=("__pos__",))
declare("rad2deg", dtype=floating_real, function=math.degrees, mil=times(180 / math.pi))
declare("reciprocal", function=_reciprocal, mil=lower.unary("inverse"))
declare("rsqrt", function=_rsqrt, mil=lower.unary("rsqrt"))
declare("sgn", dtype=same, function=_sign, mil=lower.unary("sign"))
declare("sigmoid", function=_sigmoid, mil=lower.unary("sigmoid"), special=("expit",))
declare("sign", dtype=same_real, function=_sign, mil=lower.unary("sign"))
declare("sin", function=ieee(math.sin), mil=lower.unary("sin"))
declare("sinc", function=_sinc, mil=_sinc_ops, special=("sinc",))
declare("sinh", function=odd_overflow(math.sinh), mil=lower.unary("sinh"))
declare("sqrt", function=ieee(math.sqrt), mil=lower.unary("sqrt"))
declare("square", dtype=lambda name, dtype: "i64" if dtype == "b8" else dtype, function=_square, mil=_squared)
declare("tan", function=ieee(math.tan), mil=lower.unary("tan"))
declare("tanh", function=math.tanh, mil=lower.unary("tanh"))
declare("logical_not", dtype=boolean, function=lambda x: not x, mil=_logical_not)
declare("isnan", dtype=boolean, function=lambda x: x != x, mil=_not_self, inplace=False)
declare("isinf", dtype=boolean, function=math.isinf, inplace=False)
declare("isfinite", dtype=boolean, function=math.isfinite, mil=_isfinite, inplace=False)
declare("isneginf", dtype=boolean_real, function=lambda x: x == -math.inf, inplace=False)
declare("isposinf", dtype=boolean_real, function=lambda x: x == math.inf, inplace=False)
declare("isreal", dtype=boolean, function=lambda x: not isinstance(x, complex) or x.imag == 0, inplace=False)
declare("signbit", dtype=boolean_real, function=lambda x: math.copysign(1, x) < 0, inplace=False)
declare("conj", dtype=same, function=lambda x: x.conjugate(), mil=None, inplace=False)
declare("conj_physical", dtype=same, function=lambda x: x.conjugate())
declare("resolve_conj", "resolve_neg", dtype=same, function=lambda x: x, mil=lower.alias, inplace=False)


def _integer_only(name: str, dtype: str | None) -> str | None:
    if dtype is not None and not is_integral(dtype, boolean=True):
        fail(f"{name} is only supported for integer and bool tensors, not {dtype}", TypeError)
    return dtype


declare(
    "bitwise_not",
    dtype=_integer_only,
    function=lambda x: not x if isinstance(x, bool) else ~x,
    mil=_bitwise_not,
    operators=("__invert__",),
)


_ABS = ("torch.Tensor.abs_", "torch.Tensor.absolute_", "torch.abs_")


@op(*_ABS, inplace=_ABS, mil=_abs)
def abs_(input: TensorType) -> TensorType:
    """``abs`` in place: the real result of complex numbers has no room in them."""
    x = tensor_or_unknown(input)
    return pointwise(abs, same_real("In-place abs", x.dtype), x)


def _special(name: str, function: Callable[[Number], Number] | None = None, mil: Lower | None = None) -> None:
    def rule(input: TensorType, *, out: object = None) -> TensorType:
        x = tensor_or_unknown(input, "input")
        return pointwise(function, floating_real(name, x.dtype), x)

    op(f"torch.special.{name}", mil=mil)(rule)


def _ndtr_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = lower.operands(builder, [lower.first(params)], out.dtype)[0]
    scaled = builder.emit("mul", {"x": x, "y": builder.tensor(math.sqrt(0.5), out)}, {}, out)
    half = builder.emit(
        "mul", {"x": builder.emit("erf", {"x": scaled}, {}, out), "y": builder.tensor(0.5, out)}, {}, out
    )
    return builder.emit("add", {"x": half, "y": builder.tensor(0.5, out)}, {}, out)


_special("ndtr", lambda x: 0.5 * math.erfc(-x * math.sqrt(0.5)), _ndtr_ops)
for _name in ("bessel_j0", "bessel_j1", "entr", "erfcx", "i0e", "i1", "i1e", "log_ndtr", "ndtri"):
    _special(_name)


@op(
    "torch.round", "torch.Tensor.round", "torch.special.round",
    inplace=("torch.Tensor.round_", "torch.round_"), mil=lower.unary("round"),
)  # fmt: skip
def round_(input: TensorType, *, decimals: int = 0, out: object = None) -> TensorType:
    """Round half to even."""
    x = tensor_or_unknown(input, "input")
    places = decimals if isinstance(decimals, int) else 0
    if x.dtype is not None and is_complex(x.dtype):
        fail("round is not supported for complex inputs")

    def evaluate(value: Number) -> Number:
        if isinstance(value, int) or not math.isfinite(value):
            return value
        return float(round(value, places)) if places else float(round(value))

    return pointwise(evaluate if isinstance(decimals, int) else None, x.dtype, x)


@op(
    "torch.logit", "torch.Tensor.logit", "torch.special.logit",
    inplace=("torch.Tensor.logit_", "torch.logit_"),
)  # fmt: skip
def logit(input: TensorType, eps: float | None = None, *, out: object = None) -> TensorType:
    """``log(x / (1 - x))``."""
    x = tensor_or_unknown(input, "input")

    def evaluate(value: Number) -> Number:
        z = min(max(value, eps), 1 - eps) if eps is not None else value
        return math.nan if z < 0 or z > 1 else -math.inf if z == 0 else math.inf if z == 1 else math.log(z / (1 - z))

    return pointwise(evaluate, floating_real("logit", x.dtype), x)


@op(
    "torch.nan_to_num", "torch.Tensor.nan_to_num",
    inplace=("torch.Tensor.nan_to_num_", "torch.nan_to_num_"),
)  # fmt: skip
def nan_to_num(
    input: TensorType,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: object = None,
) -> TensorType:
    """Replaces nan and infinities."""
    x = tensor_or_unknown(input, "input")
    largest = {
        "f64": 1.7976931348623157e308,
        "f32": 3.4028234663852886e38,
        "f16": 65504.0,
        "bf16": 3.3895313892515355e38,
    }
    limit = largest.get(x.dtype or "", 0.0)

    def evaluate(value: Number) -> Number:
        if isinstance(value, int):
            return value
        if math.isnan(value):
            return 0.0 if nan is None else nan
        if math.isinf(value):
            return (limit if posinf is None else posinf) if value > 0 else (-limit if neginf is None else neginf)
        return value

    return pointwise(evaluate, x.dtype, x)


@op("torch.angle", "torch.Tensor.angle")
def angle(input: TensorType, *, out: object = None) -> TensorType:
    """The argument of complex numbers; 0 or pi for real ones."""
    x = tensor_or_unknown(input, "input")
    dtype = to_real(float_result(x.dtype))
    return pointwise(lambda v: math.pi if v < 0 else v if v != v else 0.0, dtype, x)


@op("torch.real", tags=("view",))
def real(input: TensorType) -> TensorType:
    """The real part (the tensor itself where it is real)."""
    x = tensor_or_unknown(input, "input")
    return pointwise(lambda v: v.real, to_real(x.dtype), x)


@op("torch.imag", tags=("view",))
def imag(input: TensorType) -> TensorType:
    """The imaginary part of a complex tensor."""
    x = tensor_or_unknown(input, "input")
    if x.dtype is not None and not is_complex(x.dtype):
        fail("imag is not implemented for tensors with non-complex dtypes")
    return pointwise(lambda v: v.imag, to_real(x.dtype), x)


@op("torch.polygamma", "torch.special.polygamma")
def polygamma(n: int, input: TensorType, *, out: object = None) -> TensorType:
    """The n-th derivative of digamma."""
    x = tensor_or_unknown(input, "input")
    if isinstance(n, int) and n < 0:
        fail("polygamma(n, x) does not support negative n")
    return pointwise(None, floating_real("polygamma", x.dtype), x)


@op("torch.mvlgamma", "torch.Tensor.mvlgamma", "torch.special.multigammaln", inplace="torch.Tensor.mvlgamma_")
def mvlgamma(input: TensorType, p: int, *, out: object = None) -> TensorType:
    """The multivariate log-gamma function."""
    x = tensor_or_unknown(input, "input")
    if isinstance(p, int) and p < 1:
        fail("p has to be greater than or equal to 1")
    return pointwise(None, DEFAULT if x.dtype and not is_floating(x.dtype) else x.dtype, x)
