"""Batch, layer, group, instance and RMS normalisation; ``normalize``; weight norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import number, optional_tensor, sizes_of, tensor_result, truth
from ane_lsp.torch_model.ops.norms import vector_norm_ops
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_size,
    check_same_size,
    check_tensor,
    fail,
    normalize_dims,
    shape_of,
)

Params = Mapping[str, Any]
F = "torch.nn.functional."


def _given(params: Params, *names: str) -> list[Value | None]:
    return [params[name] if isinstance(params.get(name), Value) else None for name in names]


def _check_channels(value: Any, channels: DimLike, name: str) -> None:
    tensor = optional_tensor(value, name)
    if tensor is not None and tensor.numel is not None and dims.equal(tensor.numel, channels) is False:
        fail(f"{name} should contain {channels} elements not {tensor.numel}")


def _batch_norm(
    input: Any, mean: Any, variance: Any, weight: Any, bias: Any, training: Any, verify: bool
) -> TensorType:
    x = check_tensor(input)
    if x.shape is None:
        return TensorType(None, x.dtype)
    if len(x.shape) < 2:
        fail(f"Expected at least 2 dimensions for batch_norm, but got {len(x.shape)}")
    for name, value in (("running_mean", mean), ("running_var", variance), ("weight", weight), ("bias", bias)):
        _check_channels(value, x.shape[1], name)
    train = truth(training)
    if train is False and (mean is None or variance is None):
        fail("Expected running_mean and running_var to be defined when training=False")
    if train and verify and dims.equal(dims.product((x.shape[0], *x.shape[2:])), 1):
        fail(f"Expected more than 1 value per channel when training, got input size {list(x.shape)}", ValueError)
    return TensorType(x.shape, x.dtype)


def _batch_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    mean, variance, weight, bias = _given(params, "running_mean", "running_var", "weight", "bias")
    shape = x.type.shape
    if shape is None or not 2 <= len(shape) <= 5:
        return mil.refused(b, "batch_norm", mil.tensors(params), out)  # type: ignore[no-any-return]
    eps = number(params["eps"])
    frozen = mean is not None and variance is not None and mean.is_const and variance.is_const
    if truth(params["training"]) is not False or not frozen or weight is None or bias is None:
        return _batch_norm_dynamic(b, x, None if truth(params["training"]) else mean, variance, weight, bias, eps, out)
    inputs = {"mean": mean, "variance": variance, "gamma": weight, "beta": bias}
    if len(shape) > 2:
        return b.emit("batch_norm", {"x": x, **inputs}, {"epsilon": eps}, out)
    wide = mil.expand_dims(b, x, (2,))
    found = b.emit("batch_norm", {"x": wide, **inputs}, {"epsilon": eps}, TensorType((*shape, 1), out.dtype))
    return mil.squeeze(b, found, (2,), out)


def _batch_norm_dynamic(
    b: Lowering, x: Value, mean: Value | None, variance: Value | None, weight: Value | None, bias: Value | None,
    eps: float | None, out: TensorType,
) -> Value:  # fmt: skip
    shape = mil.shape_of(x)
    thin: Shape = tuple(size if axis == 1 else 1 for axis, size in enumerate(shape))
    if mean is None or variance is None:
        axes = tuple(axis for axis in range(len(shape)) if axis != 1)
        centre = mil.reduce(b, "reduce_mean", x, axes, True)
        moved = mil.elementwise(b, "sub", x, centre)
        spread = mil.reduce(b, "reduce_mean", mil.elementwise(b, "mul", moved, moved), axes, True)
    else:
        moved = mil.elementwise(b, "sub", x, mil.reshape(b, mean, thin))
        spread = mil.reshape(b, variance, thin)
    scale = mil.unary(b, "sqrt", mil.elementwise(b, "add", spread, eps if eps is not None else 1e-5))
    found = mil.elementwise(b, "real_div", moved, scale, out)
    if weight is not None:
        found = mil.elementwise(b, "mul", found, mil.reshape(b, weight, thin), out)
    return found if bias is None else mil.elementwise(b, "add", found, mil.reshape(b, bias, thin), out)


@op(F + "batch_norm", mil=_batch_norm_mil)
def batch_norm(
    input: TensorType, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: Any = False,
    momentum: Any = 0.1, eps: Any = 1e-5,
) -> TensorType:  # fmt: skip
    return _batch_norm(input, running_mean, running_var, weight, bias, training, True)


@op("torch.batch_norm", mil=_batch_norm_mil)
def raw_batch_norm(
    input: TensorType, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: Any, momentum: Any, eps: Any,
    cudnn_enabled: Any,
) -> TensorType:  # fmt: skip
    return _batch_norm(input, running_mean, running_var, weight, bias, training, False)


def _check_suffix(input: TensorType, normalized_shape: Any, parts: Sequence[tuple[str, Any]]) -> TensorType:
    """The input's type, checked to end in `normalized_shape`, which must be the shape of weight and bias too."""
    shape = check_tensor(input).shape
    if isinstance(normalized_shape, int):
        fail("argument 'normalized_shape' must be tuple of ints, not int", TypeError)
    try:
        wanted = sizes_of(normalized_shape, "normalized_shape")
    except Undetermined:
        return TensorType(shape, input.dtype)
    if not wanted:
        fail("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element")
    for name, value in parts:
        tensor = optional_tensor(value, name)
        if tensor is None or tensor.shape is None:
            continue
        if len(tensor.shape) != len(wanted) or any(
            dims.equal(a, c) is False for a, c in zip(tensor.shape, wanted, strict=True)
        ):
            fail(
                f"Expected {name} to be of same shape as normalized_shape, but got {list(tensor.shape)} and {list(wanted)}"
            )
    if shape is None:
        return TensorType(None, input.dtype)
    tail = shape[len(shape) - len(wanted) :]
    if len(shape) < len(wanted) or any(dims.equal(a, c) is False for a, c in zip(tail, wanted, strict=True)):
        fail(
            f"Given normalized_shape={list(wanted)}, expected input with shape [*, {list(wanted)}], but got {list(shape)}"
        )
    return TensorType(shape, input.dtype)


def _suffix_axes(params: Params) -> tuple[int, ...]:
    try:
        count = len(sizes_of(params["normalized_shape"], "normalized_shape"))
    except Undetermined:
        count = 1
    return tuple(range(-count, 0))


def _layer_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    gamma, beta = _given(params, "weight", "bias")
    attrs = {"axes": _suffix_axes(params), "epsilon": number(params["eps"])}
    return b.emit("layer_norm", {"x": params["input"], "gamma": gamma, "beta": beta}, attrs, out)


@op(F + "layer_norm", mil=_layer_norm_mil)
def layer_norm(
    input: TensorType, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> TensorType:
    return _check_suffix(input, normalized_shape, (("weight", weight), ("bias", bias)))


@op("torch.layer_norm", mil=_layer_norm_mil)
def raw_layer_norm(
    input: TensorType,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
    cudnn_enable: Any = True,
) -> TensorType:
    return _check_suffix(input, normalized_shape, (("weight", weight), ("bias", bias)))


def _rms_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    (weight,) = _given(params, "weight")
    if x.type.shape is None:
        return mil.refused(b, "rms_norm", mil.tensors(params), out)  # type: ignore[no-any-return]
    axes = _suffix_axes(params)
    eps = number(params["eps"]) if params["eps"] is not None else 1e-5
    largest = mil.reduce(b, "reduce_max", mil.unary(b, "abs", x), axes, True)
    scaled = mil.elementwise(b, "real_div", x, largest)
    mean = mil.reduce(b, "reduce_mean", mil.unary(b, "square", scaled), axes, True)
    rms = mil.unary(b, "sqrt", mil.elementwise(b, "add", mean, eps if eps is not None else 1e-5))
    found = mil.elementwise(b, "real_div", x, mil.elementwise(b, "mul", rms, largest), out)
    return found if weight is None else mil.elementwise(b, "mul", found, weight, out)


@op(F + "rms_norm", "torch.rms_norm", mil=_rms_norm_mil)
def rms_norm(input: TensorType, normalized_shape: Any, weight: Any = None, eps: Any = None) -> TensorType:
    return _check_suffix(input, normalized_shape, (("weight", weight),))


def _group_norm(input: Any, num_groups: Any, weight: Any, bias: Any, verify: bool) -> TensorType:
    x = check_tensor(input)
    if x.shape is None:
        return TensorType(None, x.dtype)
    if len(x.shape) < 2:
        fail(f"Expected at least 2 dimensions for input tensor but received {len(x.shape)}")
    groups = as_size(num_groups, "num_groups")
    channels = x.shape[1]
    if dims.less(groups, 1):
        fail(f"Expected num groups to be greater than 0, got {groups}")
    if isinstance(groups, int) and isinstance(channels, int) and channels % groups:
        fail(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(x.shape)}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        tensor = optional_tensor(value, name)
        if tensor is not None and tensor.shape is not None:
            if len(tensor.shape) != 1:
                fail(f"Expected {name} to be a vector of size equal to the number of channels in input")
            check_same_size(tensor.shape[0], channels, f"Expected {name} to be a vector of the number of channels")
    if verify and isinstance(groups, int) and all(isinstance(s, int) for s in x.shape):
        if dims.product((dims.floordiv(x.shape[0] * channels, groups), *x.shape[2:])) == 1:
            fail(f"Expected more than 1 value per channel when training, got input size {list(x.shape)}", ValueError)
    return TensorType(x.shape, x.dtype)


def _group_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    weight, bias = _given(params, "weight", "bias")
    shape = x.type.shape
    groups = params["num_groups"]
    if shape is None or not isinstance(groups, int):
        return mil.refused(b, "group_norm", mil.tensors(params), out)  # type: ignore[no-any-return]
    grouped: Shape = (shape[0], groups, dims.floordiv(shape[1], groups), *shape[2:])
    axes = tuple(range(2, len(grouped)))
    eps = number(params["eps"])
    wide = mil.reshape(b, x, grouped)
    mean = mil.reduce(b, "reduce_mean", wide, axes, True)
    moved = mil.elementwise(b, "sub", wide, mean)
    squares = mil.unary(b, "square", moved)
    variance = mil.reduce(b, "reduce_mean", squares, axes, True)
    spread = mil.unary(b, "sqrt", mil.elementwise(b, "add", variance, eps if eps is not None else 1e-5))
    found = mil.reshape(b, mil.elementwise(b, "real_div", moved, spread), shape)
    if weight is not None and bias is not None and weight.is_const and bias.is_const and len(shape) == 4:
        # A pass of coremltools turns a constant scale and shift per channel into a batch_norm.
        zero, one = (b.const(TensorType((shape[1],), out.dtype)) for _ in range(2))
        inputs = {"x": found, "mean": zero, "variance": one, "gamma": weight, "beta": bias}
        return b.emit("batch_norm", inputs, {"epsilon": 0.0}, out)
    thin: Shape = (1, shape[1], *(1 for _ in shape[2:]))
    if weight is not None:
        found = mil.elementwise(b, "mul", found, mil.reshape(b, weight, thin), out)
    return found if bias is None else mil.elementwise(b, "add", found, mil.reshape(b, bias, thin), out)


@op(F + "group_norm", mil=_group_norm_mil)
def group_norm(input: TensorType, num_groups: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5) -> TensorType:
    return _group_norm(input, num_groups, weight, bias, True)


@op("torch.group_norm", mil=_group_norm_mil)
def raw_group_norm(
    input: TensorType, num_groups: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5, cudnn_enabled: Any = True
) -> TensorType:
    return _group_norm(input, num_groups, weight, bias, False)


def _instance_norm(
    input: Any, mean: Any, variance: Any, weight: Any, bias: Any, use_input_stats: Any, verify: bool
) -> TensorType:
    x = check_tensor(input)
    if x.shape is None:
        return TensorType(None, x.dtype)
    stats = truth(use_input_stats)
    if len(x.shape) < 2:
        fail("instance_norm: expected at least 2 dimensions")
    if stats is not False and verify and dims.equal(dims.product(x.shape[2:]), 1):
        if stats:
            fail(f"Expected more than 1 spatial element when training, got input size {list(x.shape)}", ValueError)
    if stats is False and (mean is None or variance is None):
        fail("Expected running_mean and running_var to be defined when use_input_stats is false")
    for name, value in (("running_mean", mean), ("running_var", variance), ("weight", weight), ("bias", bias)):
        _check_channels(value, x.shape[1], name)
    return TensorType(x.shape, x.dtype)


def _instance_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    gamma, beta = _given(params, "weight", "bias")
    return b.emit(
        "instance_norm", {"x": params["input"], "gamma": gamma, "beta": beta}, {"epsilon": number(params["eps"])}, out
    )


@op(F + "instance_norm", mil=_instance_norm_mil)
def instance_norm(
    input: TensorType, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: Any = True, momentum: Any = 0.1, eps: Any = 1e-5,
) -> TensorType:  # fmt: skip
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, True)


@op("torch.instance_norm", mil=_instance_norm_mil)
def raw_instance_norm(
    input: TensorType, weight: Any, bias: Any, running_mean: Any, running_var: Any, use_input_stats: Any, momentum: Any,
    eps: Any, cudnn_enabled: Any,
) -> TensorType:  # fmt: skip
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, False)


def _lrn_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    size, alpha, beta, k = (params[name] for name in ("size", "alpha", "beta", "k"))
    shape = x.type.shape
    if (
        shape is None
        or not all(isinstance(v, (int, float)) for v in (size, alpha, beta, k))
        or len(shape) not in (3, 4)
    ):
        return mil.refused(b, "local_response_norm", {"x": x}, out)  # type: ignore[no-any-return]
    squares = mil.elementwise(b, "mul", x, x)
    deep = len(shape) == 4
    flat: Shape = (shape[0], 1, *shape[1:])
    wide = mil.reshape(b, squares, flat) if deep else mil.expand_dims(b, squares, (1,))
    rest = (0,) * 2 * (len(shape) - 2)
    pad = (0, 0, 0, 0, size // 2, (size - 1) // 2, *rest)
    grown = TensorType((*flat[:2], flat[2] + size - 1, *flat[3:]), out.dtype)
    padded = b.emit("pad", {"x": wide}, {"pad": pad, "mode": "constant", "constant_val": 0.0}, grown)
    axes = len(shape) - 1
    attrs = {
        "kernel_sizes": (size,) + (1,) * (axes - 1), "strides": (1,) * axes, "pad_type": "custom", "pad": (0,) * 2 * axes,
        "ceil_mode": False, "exclude_padding_from_average": False,
    }  # fmt: skip
    mean = mil.squeeze(b, b.emit("avg_pool", {"x": padded}, attrs, TensorType(flat, out.dtype)), (1,))
    scale = mil.elementwise(b, "add", mil.elementwise(b, "mul", mean, float(alpha)), float(k))
    return mil.elementwise(b, "real_div", x, mil.elementwise(b, "pow", scale, float(beta)), out)


@op(F + "local_response_norm", mil=_lrn_mil)
@tensor_result
def local_response_norm(input: TensorType, size: Any, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0) -> TensorType:
    shape = shape_of(input)
    if len(shape) < 3:
        fail(f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)", ValueError)
    return TensorType(shape, input.dtype)


def _normalize_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    p, dim, eps = params["p"], params["dim"], number(params["eps"])
    if x.type.shape is None or isinstance(p, Unknown) or isinstance(dim, Unknown):
        return mil.refused(b, "normalize", {"x": x}, out)  # type: ignore[no-any-return]
    axes = normalize_dims(dim, len(x.type.shape))
    thin = TensorType(tuple(1 if i in axes else s for i, s in enumerate(x.type.shape)), out.dtype)
    length = vector_norm_ops(b, x, p, axes, True, thin)
    bounded = mil.elementwise(b, "maximum", length, eps if eps is not None else 1e-12)
    wide = mil.broadcast_to(b, bounded, x.type.shape)
    return mil.elementwise(b, "real_div", x, wide, out)


@op(F + "normalize", mil=_normalize_mil)
def normalize(input: TensorType, p: Any = 2.0, dim: Any = 1, eps: Any = 1e-12, out: Any = None) -> TensorType:
    x = check_tensor(input)
    if x.dtype is not None and x.dtype[0] in "iub" and x.dtype != "bf16":
        fail("linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + x.dtype)
    if x.shape is not None and not isinstance(dim, Unknown):
        normalize_dims(dim, len(x.shape))
    return TensorType(x.shape, x.dtype)


def _weight_norm_mil(b: Lowering, params: Params, out: Any) -> Value:
    v, g, dim = params["v"], params["g"], params["dim"]
    rank = v.type.rank
    axes = None if dim == -1 or rank is None else tuple(i for i in range(rank) if i != dim % rank)
    length = mil.reduce(b, "reduce_l2_norm", v, axes, True)
    return mil.elementwise(b, "mul", mil.elementwise(b, "real_div", v, length), g, out)


@op("torch._weight_norm", mil=_weight_norm_mil)
def weight_norm(v: TensorType, g: TensorType, dim: Any = 0) -> TensorType:
    return TensorType(check_tensor(v, "v").shape, v.dtype)
