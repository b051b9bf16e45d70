"""Activation functions, softmax and its kin, dropout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ane_lsp.graph import TensorType, Unknown, Value, dims
from ane_lsp.torch_model import lower, mil
from ane_lsp.torch_model.args import number, tensor_result
from ane_lsp.torch_model.promotion import check_dtype
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import (
    check_same_size,
    check_tensor,
    fail,
    normalize_dim,
    shape_of,
    tensor_or_unknown,
)

Params = Mapping[str, Any]
F = "torch.nn.functional."


def _same(input: Any) -> TensorType:
    found = check_tensor(input)
    return TensorType(found.shape, found.dtype)


def _unary(kind: str, **attrs: Any) -> Lower:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x = lower.cast_value(b, lower.first(params), out.dtype)
        return b.emit(kind, {"x": x}, attrs, out)

    return lowering


def _with(kind: str, name: str, **mapping: str) -> Lower:
    """One op whose attributes are parameters: MIL name = torch name. Refused where one is not a known number."""

    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = lower.first(params)
        attrs = {k: params[v] for k, v in mapping.items()}
        if any(not isinstance(v, (int, float)) for v in attrs.values()):
            return mil.refused(b, name, {"x": x}, out)  # type: ignore[no-any-return]
        return b.emit(kind, {"x": x}, {k: float(v) for k, v in attrs.items()}, out)

    return lowering


@op("torch.relu", "torch.Tensor.relu", inplace=("torch.relu_", "torch.Tensor.relu_", F + "relu_"), mil=_unary("relu"))
def relu(input: TensorType) -> TensorType:
    if check_tensor(input).dtype == "b8":
        fail("Boolean inputs not supported for relu")
    return _same(input)


@op(F + "relu", mil=_unary("relu"))
def relu_function(input: TensorType, inplace: Any = False) -> TensorType:
    return relu(input)  # type: ignore[no-any-return]


@op(F + "relu6", mil=_unary("relu6"))
def relu6(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


@op(F + "elu", mil=_with("elu", "elu", alpha="alpha"))
def elu(input: TensorType, alpha: Any = 1.0, inplace: Any = False) -> TensorType:
    return _same(input)


def _selu_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = lower.first(params)
    found = b.emit("elu", {"x": x}, {"alpha": 1.6732632423543772}, TensorType(out.shape, out.dtype))
    return mil.elementwise(b, "mul", found, 1.0507009873554805, out)


@op("torch.selu", inplace=("torch.selu_", F + "selu_"), mil=_selu_mil)
def selu(input: TensorType) -> TensorType:
    return _same(input)


@op(F + "selu", mil=_selu_mil)
def selu_function(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


@op("torch.celu", inplace=("torch.celu_", F + "celu_"))
def celu(input: TensorType, alpha: Any = 1.0) -> TensorType:
    if number(alpha) == 0:
        fail("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _same(input)


@op(F + "celu")
def celu_function(input: TensorType, alpha: Any = 1.0, inplace: Any = False) -> TensorType:
    return celu(input, alpha)  # type: ignore[no-any-return]


def _gelu_mil(b: Lowering, params: Params, out: Any) -> Value:
    mode = "TANH_APPROXIMATION" if params["approximate"] == "tanh" else "EXACT"
    return b.emit("gelu", {"x": params["input"]}, {"mode": mode}, out)


@op(F + "gelu", "torch._C._nn.gelu", mil=_gelu_mil)
def gelu(input: TensorType, *, approximate: Any = "none") -> TensorType:
    if not isinstance(approximate, Unknown) and approximate not in ("none", "tanh"):
        fail("approximate argument must be either none or tanh.")
    return _same(input)


@op(F + "silu", mil=_unary("silu"))
def silu(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


def _mish_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    return mil.elementwise(b, "mul", x, mil.unary(b, "tanh", mil.unary(b, "softplus", x)), out)


@op(F + "mish", mil=_mish_mil)
def mish(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


def _hardswish_mil(b: Lowering, params: Params, out: Any) -> Value:
    bounded = mil.unary(b, "thresholded_relu", params["input"], alpha=-3.0)
    gate = mil.unary(b, "sigmoid_hard", bounded, alpha=1.0 / 6, beta=0.5)
    return mil.elementwise(b, "mul", bounded, gate, out)


@op(F + "hardswish", mil=_hardswish_mil)
def hardswish(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


@op(F + "hardsigmoid", mil=_unary("sigmoid_hard", alpha=1.0 / 6, beta=0.5))
def hardsigmoid(input: TensorType, inplace: Any = False) -> TensorType:
    return _same(input)


@op(F + "hardtanh", mil=_with("clip", "hardtanh", alpha="min_val", beta="max_val"))
def hardtanh(input: TensorType, min_val: Any = -1.0, max_val: Any = 1.0, inplace: Any = False) -> TensorType:
    low, high = number(min_val), number(max_val)
    if low is not None and high is not None and low > high:
        fail("min_val cannot be greater than max_val", ValueError)
    return _same(input)


@op(F + "leaky_relu", mil=_with("leaky_relu", "leaky_relu", alpha="negative_slope"))
def leaky_relu(input: TensorType, negative_slope: Any = 0.01, inplace: Any = False) -> TensorType:
    return _same(input)


def _declare_inplace(name: str, mil_op: Lower, **defaults: float) -> None:
    """The in-place twin of an activation, which torch declares without an ``inplace`` parameter."""
    parameters = list(defaults.values())

    def one(input: TensorType) -> TensorType:
        return _same(input)

    def two(input: TensorType, alpha: Any = parameters[0] if parameters else 1.0) -> TensorType:
        return _same(input)

    def slope(input: TensorType, negative_slope: Any = 0.01) -> TensorType:
        return _same(input)

    def bounds(input: TensorType, min_val: Any = -1.0, max_val: Any = 1.0) -> TensorType:
        return hardtanh(input, min_val, max_val)  # type: ignore[no-any-return]

    rule: Callable[..., Any] = {"elu_": two, "leaky_relu_": slope, "hardtanh_": bounds}.get(name, one)
    op(f"torch._C._nn.{name}", inplace=F + name, mil=mil_op)(rule)


_declare_inplace("elu_", _with("elu", "elu", alpha="alpha"), alpha=1.0)
_declare_inplace("leaky_relu_", _with("leaky_relu", "leaky_relu", alpha="negative_slope"), negative_slope=0.01)
_declare_inplace("hardtanh_", _with("clip", "hardtanh", alpha="min_val", beta="max_val"), min_val=-1.0, max_val=1.0)


def _rrelu_mil(b: Lowering, params: Params, out: Any) -> Value:
    low, high = params["lower"], params["upper"]
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return mil.refused(b, "rrelu", {"x": params["input"]}, out)  # type: ignore[no-any-return]
    return b.emit("leaky_relu", {"x": params["input"]}, {"alpha": (low + high) / 2}, out)


@op("torch.rrelu", inplace=("torch.rrelu_", F + "rrelu_"), mil=_rrelu_mil)
def rrelu(input: TensorType, lower: Any = 0.125, upper: Any = 1.0 / 3, training: Any = False) -> TensorType:
    return _same(input)


@op(F + "rrelu", mil=_rrelu_mil)
def rrelu_function(
    input: TensorType, lower: Any = 0.125, upper: Any = 1.0 / 3, training: Any = False, inplace: Any = False
) -> TensorType:
    return _same(input)


def _prelu_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, weight = params["input"], params["weight"]
    if x.type.shape is None or not weight.is_const:
        return mil.refused(b, "prelu", {"x": x, "weight": weight}, out)  # type: ignore[no-any-return]
    if weight.type.numel == 1:
        alpha = weight.type.data[0] if weight.type.data else None
        return b.emit("leaky_relu", {"x": x, "alpha": weight}, {} if alpha is None else {"alpha": alpha}, out)
    axes = {1: (1, 2), 2: (2,)}.get(len(x.type.shape), ())
    wide = mil.expand_dims(b, x, axes)
    found = b.emit("prelu", {"x": wide, "alpha": weight}, {}, TensorType(wide.type.shape, out.dtype) if axes else out)
    return mil.squeeze(b, found, axes, out)


@op("torch.prelu", "torch.Tensor.prelu", F + "prelu", mil=_prelu_mil)
def prelu(input: TensorType, weight: TensorType) -> TensorType:
    x, w = check_tensor(input), tensor_or_unknown(weight, "weight")
    if x.dtype is not None and w.dtype is not None and x.dtype != w.dtype:
        fail("prelu: Type promoting not supported.")
    if w.shape is None or x.shape is None:
        return _same(input)
    if len(w.shape) > 1:
        fail(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {len(w.shape)}")
    if w.numel != 1 and w.shape and (dims.is_known(w.shape[0]) or x.shape):
        if not x.shape:
            fail("prelu: Not allow zero-dim input tensor.")
        check_same_size(
            w.shape[0],
            x.shape[1] if len(x.shape) > 1 else 1,
            "prelu: Mismatch of parameter numbers and input channel size",
        )
    return _same(input)


def _glu_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    halves = b.emit_many(
        "split", {"x": x}, {"num_splits": 2, "axis": params["dim"]}, [TensorType(out.shape, out.dtype)] * 2
    )
    return mil.elementwise(b, "mul", halves[0], mil.unary(b, "sigmoid", halves[1]), out)


@op(F + "glu", mil=_glu_mil)
@tensor_result
def glu(input: TensorType, dim: Any = -1) -> TensorType:
    shape = shape_of(input)
    if not shape:
        fail("glu does not support scalars because halving size must be even")
    axis = normalize_dim(dim, len(shape))
    half = dims.exact_div(shape[axis], 2)
    if half is None:
        if isinstance(shape[axis], int):
            fail(f"Halving dimension must be even, but dimension {axis} is size {shape[axis]}")
        half = dims.floordiv(shape[axis], 2)
    return TensorType((*shape[:axis], half, *shape[axis + 1 :]), input.dtype)


def _softplus_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    beta = params["beta"]
    if beta == 1:
        return b.emit("softplus", {"x": x}, {}, out)
    if not isinstance(beta, (int, float)):
        return mil.refused(b, "softplus", {"x": x}, out)  # type: ignore[no-any-return]
    channels = x.type.shape[1] if x.type.shape is not None and len(x.type.shape) == 4 else None
    if isinstance(channels, int):
        attrs = {"alpha": (1.0 / beta,) * channels, "beta": (float(beta),) * channels}
        return b.emit("softplus_parametric", {"x": x}, attrs, out)
    found = mil.unary(b, "softplus", mil.elementwise(b, "mul", x, float(beta)))
    return mil.elementwise(b, "real_div", found, float(beta), out)


@op(F + "softplus", "torch._C._nn.softplus", mil=_softplus_mil)
def softplus(input: TensorType, beta: Any = 1, threshold: Any = 20) -> TensorType:
    return _same(input)


def _softsign_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    return mil.elementwise(b, "real_div", x, mil.elementwise(b, "add", mil.unary(b, "abs", x), 1.0), out)


@op(F + "softsign", mil=_softsign_mil)
def softsign(input: TensorType) -> TensorType:
    return _same(input)


def _softshrink_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    bound = params["lambd"]
    if not isinstance(bound, (int, float)):
        return mil.refused(b, "softshrink", {"x": x}, out)  # type: ignore[no-any-return]
    far = mil.elementwise(b, "greater", mil.unary(b, "abs", x), float(bound), TensorType(out.shape, "b8"))
    moved = mil.elementwise(b, "sub", x, mil.elementwise(b, "mul", mil.unary(b, "sign", x), float(bound)))
    zero = mil.elementwise(b, "mul", x, 0.0)
    return b.emit("select", {"cond": far, "a": moved, "b": zero}, {}, out)


@op(F + "softshrink", "torch._C._nn.softshrink", mil=_softshrink_mil)
def softshrink(input: TensorType, lambd: Any = 0.5) -> TensorType:
    bound = number(lambd)
    if bound is not None and bound < 0:
        fail(f"lambda must be greater or equal to 0, but found to be {bound}.")
    return _same(input)


@op("torch.hardshrink", "torch.Tensor.hardshrink", F + "hardshrink")
def hardshrink(input: TensorType, lambd: Any = 0.5) -> TensorType:
    return _same(input)


@op(
    F + "tanhshrink", mil=lambda b, p, out: mil.elementwise(b, "sub", p["input"], mil.unary(b, "tanh", p["input"]), out)
)
def tanhshrink(input: TensorType) -> TensorType:
    return _same(input)


@op(F + "logsigmoid", "torch._C._nn.log_sigmoid")
def logsigmoid(input: TensorType) -> TensorType:
    return _same(input)


def _threshold_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    bound, value = params["threshold"], params["value"]
    if not isinstance(bound, (int, float)) or not isinstance(value, (int, float)):
        return mil.refused(b, "threshold", {"x": x}, out)  # type: ignore[no-any-return]
    found = b.emit(
        "threshold", {"x": x}, {"alpha": float(bound)}, TensorType(out.shape, out.dtype) if bound != value else out
    )
    if bound == value:
        return found
    below = mil.elementwise(b, "greater_equal", float(bound), x, TensorType(out.shape, "b8"))
    flags = b.emit("cast", {"x": below}, {"dtype": "fp32"}, TensorType(out.shape, out.dtype))
    attrs = {"alpha": float(value) - float(bound), "beta": 0.0}
    shift = b.emit("linear_activation", {"x": flags}, attrs, TensorType(out.shape, out.dtype))
    return mil.elementwise(b, "add", found, shift, out)


@op("torch.threshold", inplace=("torch.threshold_", F + "threshold_"), mil=_threshold_mil)
def threshold(input: TensorType, threshold: Any, value: Any) -> TensorType:
    return _same(input)


@op(F + "threshold", mil=_threshold_mil)
def threshold_function(input: TensorType, threshold: Any, value: Any, inplace: Any = False) -> TensorType:
    return _same(input)


@op(F + "sigmoid", mil=_unary("sigmoid"))
def sigmoid(input: TensorType) -> TensorType:
    return _same(input)


@op(F + "tanh", mil=_unary("tanh"))
def tanh(input: TensorType) -> TensorType:
    return _same(input)


def _softmax_axis(dim: Any, rank: int) -> int:
    """The axis that ``softmax(dim=None)`` takes: 0 for 0, 1 or 3 dimensions, else 1."""
    if dim is None:
        return 0 if rank in (0, 1, 3) else 1
    return normalize_dim(dim, rank)


def _softmax(input: Any, dim: Any, dtype: Any) -> TensorType:
    found = check_tensor(input)
    if found.shape is not None and not isinstance(dim, Unknown):
        _softmax_axis(dim, len(found.shape))
    return TensorType(found.shape, None if isinstance(dtype, Unknown) else check_dtype(dtype) or found.dtype)


def softmax_mil(log: bool = False, negate: bool = False) -> Lower:
    """``softmax`` along the axis, followed by ``log`` for log_softmax."""

    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = lower.cast_value(b, lower.first(params), out.dtype)
        dim = params["dim"]
        axis = dim if isinstance(dim, int) else _softmax_axis(dim, x.type.rank or 0) if dim is None else -1
        plain = TensorType(out.shape, out.dtype)
        if negate:
            x = mil.elementwise(b, "mul", x, -1.0)
        found = b.emit("softmax", {"x": x}, {"axis": axis}, plain if log else out)
        return b.emit("log", {"x": found}, {}, out) if log else found

    return lowering


@op("torch.softmax", "torch.Tensor.softmax", mil=softmax_mil())
def softmax(input: TensorType, dim: Any, dtype: Any = None) -> TensorType:
    if dim is None:
        fail("softmax() received an invalid combination of arguments", TypeError)
    return _softmax(input, dim, dtype)


@op("torch.special.softmax", mil=softmax_mil())
def special_softmax(input: TensorType, dim: Any, *, dtype: Any = None) -> TensorType:
    return _softmax(input, dim, dtype)


@op(F + "softmax", mil=softmax_mil())
def softmax_function(input: TensorType, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> TensorType:
    return _softmax(input, dim, dtype)


@op("torch.log_softmax", "torch.Tensor.log_softmax", mil=softmax_mil(log=True))
def log_softmax(input: TensorType, dim: Any, dtype: Any = None) -> TensorType:
    if dim is None:
        fail("log_softmax() received an invalid combination of arguments", TypeError)
    return _softmax(input, dim, dtype)


@op("torch.special.log_softmax", mil=softmax_mil(log=True))
def special_log_softmax(input: TensorType, dim: Any, *, dtype: Any = None) -> TensorType:
    return _softmax(input, dim, dtype)


@op(F + "log_softmax", mil=softmax_mil(log=True))
def log_softmax_function(input: TensorType, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> TensorType:
    return _softmax(input, dim, dtype)


@op(F + "softmin", mil=softmax_mil(negate=True))
def softmin(input: TensorType, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> TensorType:
    return _softmax(input, dim, dtype)


@op(F + "gumbel_softmax", tags=("random",))
def gumbel_softmax(logits: TensorType, tau: Any = 1, hard: Any = False, eps: Any = 1e-10, dim: Any = -1) -> TensorType:
    return _softmax(logits, dim, None)


def _dropped(input: Any, p: Any, raises: type[Exception] = ValueError) -> TensorType:
    chance = number(p)
    if chance is not None and not 0 <= chance <= 1:
        fail(f"dropout probability has to be between 0 and 1, but got {p}", raises)
    return _same(input)


@op(F + "dropout", mil=lower.alias, tags=("random",))
def dropout(input: TensorType, p: Any = 0.5, training: Any = True, inplace: Any = False) -> TensorType:
    return _dropped(input, p)


def _declare_dropout(name: str, training: bool, low: int = 0, high: int = 99) -> None:
    @op(F + name, mil=lower.alias, tags=("random",))
    def drop(input: TensorType, p: Any = 0.5, training: Any = training, inplace: Any = False) -> TensorType:
        found = _dropped(input, p)
        if found.shape is not None and not low <= len(found.shape) <= high:
            fail(f"{name}: Expected {low}D to {high}D input, but received a {len(found.shape)}D input")
        return found


_declare_dropout("alpha_dropout", False)
_declare_dropout("feature_alpha_dropout", False)
_declare_dropout("dropout1d", True, 2, 3)
_declare_dropout("dropout2d", True)
_declare_dropout("dropout3d", True)


@op(
    "torch.dropout", "torch.alpha_dropout", "torch.feature_dropout", "torch.feature_alpha_dropout",
    inplace=("torch.dropout_", "torch.alpha_dropout_", "torch.feature_dropout_", "torch.feature_alpha_dropout_"),
    mil=lower.alias, tags=("random",),
)  # fmt: skip
def raw_dropout(input: TensorType, p: Any, train: Any) -> TensorType:
    return _dropped(input, p, RuntimeError)
