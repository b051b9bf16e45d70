"""Convolutions, transposed convolutions, and the sliding blocks of unfold and fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import at_least, optional_tensor, per_axis, tensor_result, truth
from ane_lsp.torch_model.ops.matmul import common_dtype
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, as_size, check_same_size, fail, shape_of, tensor_or_unknown

Params = Mapping[str, Any]


def window_size(size: DimLike, kernel: DimLike, stride: DimLike, pad: DimLike, dilation: DimLike) -> DimLike:
    """How many positions a sliding window takes: ``(size + pad - dilation * (kernel - 1) - 1) // stride + 1``.

    pad: of both sides together. Raises TorchError where the window is provably wider than the padded input.
    """
    reach = dilation * (kernel - 1) + 1
    if dims.less(size + pad, reach):
        fail(
            f"Calculated padded input size: {size + pad}. Kernel size: {reach}. Kernel size can't be greater than actual input size"
        )
    if isinstance(stride, Sym) and not stride.is_known:
        return dims.fresh()
    return dims.floordiv(size + pad - reach, stride) + 1


def _inputs(input: Any, weight: Any, bias: Any, axes: int, what: str) -> tuple[Shape, Shape | None, str | None]:
    """Shapes of input and weight, their dtype. Raises Undetermined where the input's rank is unknown."""
    x, w = tensor_or_unknown(input), tensor_or_unknown(weight, "weight")
    offset = optional_tensor(bias, "bias")
    dtype = common_dtype(x, w, offset)
    if w.shape is not None and len(w.shape) != axes + 2:
        fail(f"{what}: weight should have {axes + 2} dimensions, but got {len(w.shape)}")
    if x.shape is None:
        raise Undetermined("the input's shape is not known")
    if len(x.shape) not in (axes + 1, axes + 2):
        fail(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {what}, but got input of size: {list(x.shape)}"
        )
    if offset is not None and offset.shape is not None and len(offset.shape) != 1:
        fail(f"{what}: bias should have one dimension")
    return x.shape, w.shape, dtype


def _spatial_padding(padding: Any, axes: int, stride: Shape, dilation: Shape, kernel: Shape) -> Shape:
    """Padding of both sides together per axis; ``"same"`` and ``"valid"`` worked out."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            fail(f"Invalid padding string: '{padding}'")
        if padding == "valid":
            return (0,) * axes
        if any(dims.equal(s, 1) is False for s in stride):
            fail("padding='same' is not supported for strided convolutions")
        return tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
    return tuple(p * 2 for p in at_least(per_axis(padding, axes, "padding"), 0, "padding"))


def _groups(groups: Any, out_channels: DimLike | None, what: str) -> DimLike:
    count = as_size(groups, "groups")
    if dims.less(count, 1):
        fail("non-positive groups is not supported")
    if isinstance(count, int) and isinstance(out_channels, int) and out_channels % count:
        fail(f"{what}: expected weight to be divisible by groups={count} at dimension 0, but got {out_channels}")
    return count


def _conv(
    input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any, axes: int
) -> TensorType:
    what = f"conv{axes}d"
    try:
        shape, w, dtype = _inputs(input, weight, bias, axes, what)
    except Undetermined:
        return TensorType(None, input.dtype if isinstance(input, TensorType) else None)
    steps = at_least(per_axis(stride, axes, "stride"), 1, "stride")
    spread = at_least(per_axis(dilation, axes, "dilation"), 1, "dilation")
    kernel = w[2:] if w is not None else tuple(dims.fresh() for _ in range(axes))
    count = _groups(groups, w[0] if w is not None else None, what)
    lead, channels, spatial = shape[: -axes - 1], shape[-axes - 1], shape[-axes:]
    if w is not None:
        check_same_size(channels, w[1] * count, f"{what}: expected input channels to be weight's times groups")
        _check_bias(bias, w[0], what)
    pads = _spatial_padding(padding, axes, steps, spread, kernel)
    if isinstance(padding, str) and padding == "same":
        sizes = spatial
    else:
        sizes = tuple(window_size(*each) for each in zip(spatial, kernel, steps, pads, spread, strict=True))
    return TensorType((*lead, w[0] if w is not None else dims.fresh(), *sizes), dtype)


def _check_bias(bias: Any, channels: DimLike, what: str) -> None:
    if isinstance(bias, TensorType) and bias.shape is not None and bias.shape:
        check_same_size(
            bias.shape[0], channels, f"{what}: expected bias to be 1-dimensional with one element per channel"
        )


def conv_attrs(params: Params, axes: int) -> dict[str, Any] | None:
    """The MIL attributes of a convolution; None where one is not known."""
    padding = params["padding"]
    found: dict[str, Any] = {
        "strides": per_axis(params["stride"], axes, "stride"),
        "dilations": per_axis(params["dilation"], axes, "dilation"),
        "groups": params["groups"],
    }
    if isinstance(padding, str):
        found["pad_type"] = padding
    else:
        pad = tuple(p for each in per_axis(padding, axes, "padding") for p in (each, each))
        found |= {"pad_type": "custom" if any(p != 0 for p in pad) else "valid", "pad": pad}
    if isinstance(found["groups"], Unknown):
        found["groups"] = dims.fresh()
    return found


def _weights(params: Params) -> dict[str, Any]:
    return {name: params[name] for name in ("weight", "bias") if isinstance(params.get(name), Value)}


def _conv_mil(axes: int) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = params["input"]
        if out.rank is not None and out.rank != axes + 2:
            return mil.refused(b, f"conv{axes}d", {"x": x, **_weights(params)}, out)  # type: ignore[no-any-return]
        return b.emit("conv", {"x": x, **_weights(params)}, conv_attrs(params, axes) or {}, out)

    return lowering


@op("torch.conv1d", "torch.nn.functional.conv1d", mil=_conv_mil(1))
def conv1d(
    input: TensorType,
    weight: TensorType,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> TensorType:
    return _conv(input, weight, bias, stride, padding, dilation, groups, 1)


@op("torch.conv2d", "torch.nn.functional.conv2d", mil=_conv_mil(2))
def conv2d(
    input: TensorType,
    weight: TensorType,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> TensorType:
    return _conv(input, weight, bias, stride, padding, dilation, groups, 2)


@op("torch.conv3d", "torch.nn.functional.conv3d", mil=_conv_mil(3))
def conv3d(
    input: TensorType,
    weight: TensorType,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> TensorType:
    return _conv(input, weight, bias, stride, padding, dilation, groups, 3)


def _transposed(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
    axes: int,
) -> TensorType:
    what = f"conv_transpose{axes}d"
    try:
        shape, w, dtype = _inputs(input, weight, bias, axes, what)
    except Undetermined:
        return TensorType(None, input.dtype if isinstance(input, TensorType) else None)
    steps = at_least(per_axis(stride, axes, "stride"), 1, "stride")
    spread = at_least(per_axis(dilation, axes, "dilation"), 1, "dilation")
    pads = at_least(per_axis(padding, axes, "padding"), 0, "padding")
    extra = at_least(per_axis(output_padding, axes, "output_padding"), 0, "output_padding")
    kernel = w[2:] if w is not None else tuple(dims.fresh() for _ in range(axes))
    count = _groups(groups, w[0] if w is not None else None, what)
    lead, channels, spatial = shape[: -axes - 1], shape[-axes - 1], shape[-axes:]
    if w is not None:
        check_same_size(channels, w[0], f"{what}: expected input channels to be those of the weight")
    out = w[1] * count if w is not None else dims.fresh()
    if w is not None:
        _check_bias(bias, out, what)
    sizes: list[DimLike] = []
    for size, k, s, p, e, d in zip(spatial, kernel, steps, pads, extra, spread, strict=True):
        if dims.less(e, s) is False and dims.less(e, d) is False:
            fail(f"output padding must be smaller than either stride or dilation, but got output_padding: {e}")
        found = (size - 1) * s - p * 2 + d * (k - 1) + e + 1
        if dims.less(found, 1):
            fail(
                f"Given input size per channel: {list(spatial)}. Calculated output size per channel: {found}. Output size is too small"
            )
        sizes.append(found)
    return TensorType((*lead, out, *sizes), dtype)


def _transposed_mil(axes: int) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = params["input"]
        attrs = conv_attrs(params, axes) or {}
        extra = per_axis(params["output_padding"], axes, "output_padding")
        inputs = {"x": x, **_weights(params)}
        plain = all(e == 0 for e in extra)
        pad = attrs["pad"]
        if out.rank != axes + 2 or (not plain and (axes == 3 or not any(p != 0 for p in pad))):
            return mil.refused(b, f"conv_transpose{axes}d", inputs, out)  # type: ignore[no-any-return]
        if plain or any(not isinstance(v, int) for v in (*pad, *extra)):
            return b.emit("conv_transpose", inputs, attrs, out)
        return _cropped(b, inputs, attrs, [int(e) for e in extra if isinstance(e, int)], out)

    return lowering


def _cropped(b: Lowering, inputs: Mapping[str, Any], attrs: dict[str, Any], extra: list[int], out: TensorType) -> Value:
    """Output padding: convolve with no padding but what exceeds it, then crop the rest away, as coremltools does."""
    crop = [int(p) for p in attrs["pad"]]
    before = [0] * len(crop)
    for i, e in enumerate(extra):
        taken = min(crop[2 * i + 1], e)
        before[2 * i + 1] = e - taken
        crop[2 * i + 1] -= taken
    assert out.shape is not None
    lead = len(out.shape) - len(extra)
    grown = tuple(size + crop[2 * i] + crop[2 * i + 1] for i, size in enumerate(out.shape[lead:]))
    attrs = {**attrs, "pad": tuple(before), "pad_type": "custom"}
    wide = TensorType((*out.shape[:lead], *grown), out.dtype)
    if not any(crop):
        return b.emit("conv_transpose", inputs, attrs, out)
    found = b.emit("conv_transpose", inputs, attrs, wide)
    if len(extra) == 2:
        return b.emit("crop", {"x": found}, {"crop_height": tuple(crop[:2]), "crop_width": tuple(crop[2:])}, out)
    return b.emit(
        "slice_by_index",
        {"x": found},
        {
            "begin": (0, 0, crop[0]),
            "end": (0, 0, -crop[1]),
            "begin_mask": (True, True, False),
            "end_mask": (True, True, crop[1] == 0),
        },
        out,
    )


@op("torch.conv_transpose1d", "torch.nn.functional.conv_transpose1d", mil=_transposed_mil(1))
def conv_transpose1d(
    input: TensorType, weight: TensorType, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: Any = 1, dilation: Any = 1,
) -> TensorType:  # fmt: skip
    return _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


@op("torch.conv_transpose2d", "torch.nn.functional.conv_transpose2d", mil=_transposed_mil(2))
def conv_transpose2d(
    input: TensorType, weight: TensorType, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: Any = 1, dilation: Any = 1,
) -> TensorType:  # fmt: skip
    return _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


@op("torch.conv_transpose3d", "torch.nn.functional.conv_transpose3d", mil=_transposed_mil(3))
def conv_transpose3d(
    input: TensorType, weight: TensorType, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: Any = 1, dilation: Any = 1,
) -> TensorType:  # fmt: skip
    return _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 3)


def _convolution_mil(b: Lowering, params: Params, out: Any) -> Value:
    axes = len(params["weight"].type.shape or (0, 0, 0)) - 2
    made = (_transposed_mil if params["transposed"] else _conv_mil)(axes)
    return made(b, params, out)  # type: ignore[no-any-return]


@op("torch.convolution", mil=_convolution_mil)
@tensor_result
def convolution(
    input: TensorType, weight: TensorType, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: Any,
    output_padding: Any, groups: Any,
) -> TensorType:  # fmt: skip
    axes = len(shape_of(weight)) - 2
    flag = truth(transposed)
    if flag is None:
        raise Undetermined("'transposed' is not known")
    if flag:
        return _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, axes)
    return _conv(input, weight, bias, stride, padding, dilation, groups, axes)


def _unfold_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    if x.type.rank != 4 or out.shape is None:
        return mil.refused(b, "im2col", {"x": x}, out)  # type: ignore[no-any-return]
    shape = mil.shape_of(x)
    kernel, stride, dilation = (per_axis(params[k], 2, k) for k in ("kernel_size", "stride", "dilation"))
    pad = tuple(p for each in per_axis(params["padding"], 2, "padding") for p in (each, each))
    weight = b.const(TensorType((out.shape[1], shape[1], *kernel), out.dtype))
    sizes = tuple(
        window_size(size, k, s, 2 * p, d)
        for size, k, s, p, d in zip(shape[2:], kernel, stride, pad[::2], dilation, strict=True)
    )
    attrs = {"strides": stride, "dilations": dilation, "pad_type": "custom", "pad": pad}
    found = b.emit("conv", {"x": x, "weight": weight}, attrs, TensorType((shape[0], out.shape[1], *sizes), out.dtype))
    return mil.reshape(b, found, out.shape, out)


@op("torch.nn.functional.unfold", "torch._C._nn.im2col", mil=_unfold_mil)
@tensor_result
def unfold(input: TensorType, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> TensorType:
    shape = shape_of(input)
    if len(shape) not in (3, 4):
        fail(f"Expected 3D or 4D (batch mode) tensor for input, but got: {list(shape)}")
    if any(size == 0 for size in shape[-3:]):
        fail("Expected 3D or 4D (batch mode) tensor with optional 0 batch dimension and non-zero dimensions for input")
    kernel = at_least(per_axis(kernel_size, 2, "kernel_size"), 1, "kernel_size")
    steps = at_least(per_axis(stride, 2, "stride"), 1, "stride")
    spread = at_least(per_axis(dilation, 2, "dilation"), 1, "dilation")
    pads = at_least(per_axis(padding, 2, "padding"), 0, "padding")
    blocks = dims.product(
        window_size(s, k, t, p * 2, d) for s, k, t, p, d in zip(shape[-2:], kernel, steps, pads, spread, strict=True)
    )
    return TensorType((*shape[:-3], shape[-3] * dims.product(kernel), blocks), input.dtype)


def _fold_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    size, kernel, stride = (per_axis(params[k], 2, k) for k in ("output_size", "kernel_size", "stride"))
    pads, spread = per_axis(params["padding"], 2, "padding"), per_axis(params["dilation"], 2, "dilation")
    values = (*size, *kernel, *stride, *pads, *spread)
    whole = all(isinstance(v, int) for v in values) and out.rank == 4 and mil.is_static(x)
    if (
        not whole
        or any(d != 1 for d in spread)
        or any(dims.less(s, k) or (o + 2 * p) % s != 0 for o, k, s, p in zip(size, kernel, stride, pads, strict=True))
    ):
        return mil.refused(b, "col2im", {"x": x}, out)  # type: ignore[no-any-return]
    count = dims.product(mil.shape_of(x))
    flat = mil.reshape(b, x, (count,))
    order = b.const(TensorType((count,), "i32"))
    picked = b.emit("gather_along_axis", {"x": flat, "indices": order}, {"axis": 0}, TensorType((count,), out.dtype))
    padded = (*out.shape[:2], *(o + 2 * p for o, p in zip(size, pads, strict=True)))
    total = dims.product(padded)
    if dims.less(total, count):
        picked = b.emit(
            "slice_by_size", {"x": picked}, {"begin": (0,), "size": (total,)}, TensorType((total,), out.dtype)
        )
    image = mil.reshape(b, picked, padded)
    for axis, (p, o) in enumerate(zip(pads, size, strict=True), start=2):
        image = mil.slice_axis(b, image, axis, p, p + o) if p != 0 else image
    return image


@op("torch.nn.functional.fold", "torch._C._nn.col2im", mil=_fold_mil)
@tensor_result
def fold(
    input: TensorType, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> TensorType:
    shape = shape_of(input)
    if len(shape) not in (2, 3):
        fail(f"Expected 2D or 3D (batch mode) tensor for input, but got: {list(shape)}")
    if any(size == 0 for size in shape[-2:]):
        fail("Expected 2D or 3D (batch mode) tensor with non-zero dimensions for input")
    size = at_least(per_axis(output_size, 2, "output_size"), 1, "output_size")
    kernel = at_least(per_axis(kernel_size, 2, "kernel_size"), 1, "kernel_size")
    steps = at_least(per_axis(stride, 2, "stride"), 1, "stride")
    spread = at_least(per_axis(dilation, 2, "dilation"), 1, "dilation")
    pads = at_least(per_axis(padding, 2, "padding"), 0, "padding")
    area = dims.product(kernel)
    channels = dims.exact_div(shape[-2], area)
    if channels is None:
        if isinstance(shape[-2], int) and isinstance(area, int):
            fail(
                f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got {shape[-2]}"
            )
        channels = dims.floordiv(shape[-2], area) if dims.is_known(area) else dims.fresh()
    blocks = dims.product(
        window_size(s, k, t, p * 2, d) for s, k, t, p, d in zip(size, kernel, steps, pads, spread, strict=True)
    )
    check_same_size(shape[-1], blocks, "Expected size of input's dimension 2 to match the number of sliding blocks")
    return TensorType((*shape[:-2], channels, *size), input.dtype)
