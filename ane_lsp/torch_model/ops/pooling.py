"""Pooling: windows, adaptive sizes, power averages, unpooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import at_least, per_axis, sizes_of, tensor_result, truth
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import as_size, fail, shape_of, tensor_or_unknown

Params = Mapping[str, Any]


def pooled_size(
    size: DimLike, kernel: DimLike, stride: DimLike, pad: DimLike, dilation: DimLike, ceil: bool | None
) -> DimLike:
    """The output size of a pooling window; `pad` is that of one side.

    In ceil mode a last window that would start in the right padding is dropped. Raises TorchError where none fits.
    """
    reach = dilation * (kernel - 1) + 1
    if isinstance(stride, Sym) and not stride.is_known:
        return dims.fresh()
    whole = dims.floordiv(size + pad * 2 - reach, stride) + 1
    if ceil is False:
        found = whole
    else:
        more = dims.ceildiv(size + pad * 2 - reach, stride) + 1
        beyond = (
            False if dims.less(reach, stride + pad) is False else dims.less((more - 1) * stride, size + pad) is False
        )
        if not beyond and dims.less(reach, stride + pad) is not False and not isinstance(more, int):
            if dims.less((more - 1) * stride, size + pad) is None:
                return dims.fresh()
        found = more - 1 if beyond else more
        if ceil is None and found != whole:
            return dims.fresh()
    if dims.less(found, 1):
        fail(f"Given input size {size}, calculated output size: {found}. Output size is too small")
    return found


def _window(input: Any, kernel_size: Any, stride: Any, axes: int, what: str) -> tuple[Shape, Shape, Shape]:
    """Input shape, kernel and stride. Raises Undetermined where the input's rank is unknown."""
    shape = shape_of(input)
    if len(shape) not in (axes + 1, axes + 2):
        fail(f"{what}: Expected {axes + 1}D or {axes + 2}D (batch mode) tensor for input, but got: {list(shape)}")
    kernel = at_least(per_axis(kernel_size, axes, "kernel_size"), 1, "kernel_size")
    given = None if stride is None or stride in ((), []) else stride
    steps = kernel if given is None else at_least(per_axis(given, axes, "stride"), 1, "stride")
    if any(size == 0 for size in shape[len(shape) - axes - 1 :]):
        fail(f"{what}: Expected tensor with optional 0 dim batch size for input, but got: {list(shape)}")
    return shape, kernel, steps


def _pads(padding: Any, kernel: Shape, dilation: Shape, axes: int) -> Shape:
    pads = at_least(per_axis(padding, axes, "padding"), 0, "padding")
    for p, k, d in zip(pads, kernel, dilation, strict=True):
        if dims.less(d * (k - 1) + 1, p * 2):
            fail(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )
    return pads


def _max_pool(
    input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, axes: int
) -> TensorType:
    shape, kernel, steps = _window(input, kernel_size, stride, axes, f"max_pool{axes}d")
    spread = at_least(per_axis(dilation, axes, "dilation"), 1, "dilation")
    pads = _pads(padding, kernel, spread if axes == 2 else (1,) * axes, axes)
    ceil = truth(ceil_mode)
    sizes = tuple(pooled_size(*each, ceil) for each in zip(shape[-axes:], kernel, steps, pads, spread, strict=True))
    return TensorType((*shape[:-axes], *sizes), input.dtype)


def _ceil_padding(size: DimLike, kernel: DimLike, stride: DimLike, pad: DimLike) -> DimLike:
    """Right padding with which a floor-mode window takes as many positions as ceil mode, as coremltools adds for 3-D."""
    if not all(isinstance(v, int) for v in (size, kernel, stride, pad)):
        return pad + stride - 1
    want = pooled_size(size, kernel, stride, pad, 1, True)
    right = pad
    while dims.less(dims.floordiv(size + pad + right - kernel, stride) + 1, want):
        right = right + 1
    return right


def _pool_attrs(params: Params, shape: Shape, axes: int) -> dict[str, Any]:
    kernel = per_axis(params["kernel_size"], axes, "kernel_size")
    given = params.get("stride")
    steps = kernel if given is None or given in ((), []) else per_axis(given, axes, "stride")
    pads = per_axis(params.get("padding", 0), axes, "padding")
    ceil = bool(truth(params.get("ceil_mode", False)))
    right: Sequence[DimLike] = pads
    if ceil and axes == 3 and any(s != 1 for s in steps):
        right = [_ceil_padding(*each) for each in zip(shape[-axes:], kernel, steps, pads, strict=True)]
    pad = tuple(p for pair in zip(pads, right, strict=True) for p in pair)
    return {
        "kernel_sizes": kernel, "strides": steps, "pad_type": "custom", "pad": pad, "ceil_mode": ceil and axes < 3,
    }  # fmt: skip


def _max_pool_mil(axes: int) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Any:
        x: Value = params["input"]
        name = f"max_pool{axes}d"
        spread = per_axis(params["dilation"], axes, "dilation")
        if not isinstance(out, TensorType) or any(d != 1 for d in spread) or x.type.rank != axes + 2:
            return mil.refused(b, name, {"x": x}, out)
        return b.emit("max_pool", {"x": x}, _pool_attrs(params, mil.shape_of(x), axes), out)

    return lowering


def _with_indices(values: TensorType, return_indices: Any) -> Any:
    flag = truth(return_indices)
    if flag is None:
        return Unknown("whether indices are returned is not known")
    return (values, values.with_dtype("i64")) if flag else values


def _declare_max_pool(axes: int) -> None:
    @op(
        f"torch.nn.functional.max_pool{axes}d",
        mil=_max_pool_mil(axes),
    )
    def max_pool(
        input: TensorType, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: Any = False, return_indices: Any = False,
    ) -> Any:  # fmt: skip
        found = _pool_or_unknown(input, kernel_size, stride, padding, dilation, ceil_mode)
        return _with_indices(found, return_indices)

    @op(f"torch.max_pool{axes}d", mil=_max_pool_mil(axes))
    def max_pool_raw(
        input: TensorType,
        kernel_size: Any,
        stride: Any = (),
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: Any = False,
    ) -> TensorType:
        return _pool_or_unknown(input, kernel_size, stride, padding, dilation, ceil_mode)  # type: ignore[no-any-return]

    @op(f"torch.nn.functional.max_pool{axes}d_with_indices")
    def max_pool_with_indices(
        input: TensorType, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: Any = False, return_indices: Any = False,
    ) -> tuple[TensorType, TensorType]:  # fmt: skip
        found = _pool_or_unknown(input, kernel_size, stride, padding, dilation, ceil_mode)
        return found, found.with_dtype("i64")

    @tensor_result
    def _pool_or_unknown(
        input: TensorType, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
    ) -> TensorType:
        return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, axes)


for _axes in (1, 2, 3):
    _declare_max_pool(_axes)


def _avg_pool(
    input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, axes: int, divisor: Any = None
) -> TensorType:
    shape, kernel, steps = _window(input, kernel_size, stride, axes, f"avg_pool{axes}d")
    pads = _pads(padding, kernel, (1,) * axes, axes)
    if axes == 3 and any(dims.less(s, k) for s, k in zip(shape[-3:], kernel, strict=True)):
        fail(f"input image {list(shape[-3:])} smaller than kernel size {list(kernel)}")
    if isinstance(divisor, int) and divisor == 0:
        fail("divisor must be not zero")
    ceil = truth(ceil_mode)
    sizes = tuple(
        pooled_size(s, k, t, p, 1, ceil) for s, k, t, p in zip(shape[-axes:], kernel, steps, pads, strict=True)
    )
    return TensorType((*shape[:-axes], *sizes), input.dtype)


def _avg_pool_mil(axes: int) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = params["input"]
        attrs = None
        if x.type.rank == axes + 2 and params.get("divisor_override") is None:
            attrs = _pool_attrs(params, mil.shape_of(x), axes)
            included = bool(truth(params["count_include_pad"]))
            attrs["exclude_padding_from_average"] = not included
            if axes == 3 and included and attrs["pad"][::2] != attrs["pad"][1::2]:
                attrs = None
        if attrs is None:
            return mil.refused(b, f"avg_pool{axes}d", {"x": x}, out)  # type: ignore[no-any-return]
        return b.emit("avg_pool", {"x": x}, attrs, out)

    return lowering


@op("torch.nn.functional.avg_pool1d", "torch.avg_pool1d", mil=_avg_pool_mil(1))
@tensor_result
def avg_pool1d(
    input: TensorType,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: Any = False,
    count_include_pad: Any = True,
) -> TensorType:
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, 1)


@op("torch.nn.functional.avg_pool2d", "torch._C._nn.avg_pool2d", mil=_avg_pool_mil(2))
@tensor_result
def avg_pool2d(
    input: TensorType, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: Any = False,
    count_include_pad: Any = True, divisor_override: Any = None,
) -> TensorType:  # fmt: skip
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, 2, divisor_override)


@op("torch.nn.functional.avg_pool3d", "torch._C._nn.avg_pool3d", mil=_avg_pool_mil(3))
@tensor_result
def avg_pool3d(
    input: TensorType, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: Any = False,
    count_include_pad: Any = True, divisor_override: Any = None,
) -> TensorType:  # fmt: skip
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, 3, divisor_override)


def _adaptive_sizes(shape: Shape, output_size: Any, axes: int) -> Shape:
    """The wanted sizes, None entries standing for the input's own."""
    spatial = shape[-axes:]
    if isinstance(output_size, Unknown):
        return tuple(dims.fresh() for _ in spatial)
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(given) == 1:
        given = tuple(given) * axes
    if len(given) != axes:
        fail(f"adaptive pooling: output_size must be {axes}-dimensional")
    sizes = tuple(
        own if want is None else as_size(want, "output_size") for own, want in zip(spatial, given, strict=True)
    )
    if any(dims.less(size, 0) for size in sizes):
        fail("elements of output_size must be greater than or equal to 0")
    return sizes


def _adaptive(input: Any, output_size: Any, axes: int, what: str) -> TensorType:
    shape = shape_of(input)
    if axes > 1 and isinstance(output_size, (tuple, list)) and len(shape) <= len(output_size):
        fail(f"{what}: Input dimension should be at least {len(output_size) + 1}", ValueError)
    if len(shape) not in (axes + 1, axes + 2):
        fail(f"{what}: Expected {axes + 1}D or {axes + 2}D tensor, but got {list(shape)}")
    first = 0 if len(shape) == axes + 1 else 1
    if any(size == 0 for size in shape[max(first, 1) :]):
        fail(
            f"{what}: Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(shape)}"
        )
    return TensorType((*shape[:-axes], *_adaptive_sizes(shape, output_size, axes)), input.dtype)


def _cells(size: int, count: int) -> list[tuple[int, int]]:
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _adaptive_mil(axes: int, kind: str) -> Any:
    reduce_op = "reduce_mean" if kind == "avg" else "reduce_max"

    def lowering(b: Lowering, params: Params, out: Any) -> Any:
        x: Value = params["input"]
        name = f"adaptive_{kind}_pool{axes}d"
        if not isinstance(out, TensorType) or axes == 3 or out.shape is None:
            return mil.refused(b, name, {"x": x}, out)
        shape = mil.shape_of(x)
        sizes = out.shape[-axes:]
        if all(size == 1 for size in sizes):
            return mil.reduce(b, reduce_op, x, tuple(range(-axes, 0)), True, out)
        known = [(s, o) for s, o in zip(shape[-axes:], sizes, strict=True) if isinstance(s, int) and isinstance(o, int)]
        if len(known) != axes or not mil.is_static(x) or any(o == 0 for _, o in known):
            return mil.refused(b, name, {"x": x}, out)
        if axes == 2 and all(s % o == 0 for s, o in known):
            strides = tuple(s // o for s, o in known)
            attrs = {"kernel_sizes": strides, "strides": strides, "pad_type": "valid"}
            lead = tuple(range(4 - len(shape)))
            wide = mil.expand_dims(b, x, lead)
            found = b.emit(f"{kind}_pool", {"x": wide}, attrs, TensorType((1,) * len(lead) + out.shape, out.dtype))
            return mil.squeeze(b, found, lead, out)
        return _by_cells(b, x, known, reduce_op, out)

    return lowering


def _by_cells(b: Lowering, x: Value, known: list[tuple[int, int]], reduce_op: str, out: TensorType) -> Value:
    """Sizes that do not divide: a slice and a reduction for each cell of the result, then a concat."""
    axes = len(known)
    shape = mil.shape_of(x)
    rank = len(shape)
    corners: list[list[tuple[int, int]]] = [[]]
    for size, count in known:
        corners = [[*corner, cell] for corner in corners for cell in _cells(size, count)]
    cells = []
    for corner in corners:
        begin = (0,) * (rank - axes) + tuple(start for start, _ in corner)
        end = (*shape[: rank - axes], *(stop for _, stop in corner))
        sizes = (*shape[: rank - axes], *(stop - start for start, stop in corner))
        part = b.emit("slice_by_index", {"x": x}, {"begin": begin, "end": end}, TensorType(sizes, out.dtype))
        cells.append(mil.reduce(b, reduce_op, part, tuple(range(-axes, 0)), True))
    joined = TensorType((*shape[: rank - axes], *(1 for _ in known[1:]), len(cells)), out.dtype)
    assert out.shape is not None
    return mil.reshape(b, mil.concat(b, cells, -1, joined), out.shape, out)


def _declare_adaptive(axes: int) -> None:
    raw = f"torch.adaptive_avg_pool{axes}d" if axes == 1 else f"torch._C._nn.adaptive_avg_pool{axes}d"

    @op(f"torch.nn.functional.adaptive_avg_pool{axes}d", raw, mil=_adaptive_mil(axes, "avg"))
    @tensor_result
    def adaptive_avg_pool(input: TensorType, output_size: Any) -> TensorType:
        return _adaptive(input, output_size, axes, f"adaptive_avg_pool{axes}d")

    @tensor_result
    def largest(input: TensorType, output_size: Any) -> TensorType:
        return _adaptive(input, output_size, axes, f"adaptive_max_pool{axes}d")

    @op(f"torch.nn.functional.adaptive_max_pool{axes}d", mil=_adaptive_mil(axes, "max"))
    def adaptive_max_pool(input: TensorType, output_size: Any, return_indices: Any = False) -> Any:
        found = largest(input, output_size)
        return _with_indices(found, return_indices)

    names = [f"torch.nn.functional.adaptive_max_pool{axes}d_with_indices"] + (
        ["torch.adaptive_max_pool1d"] if axes == 1 else []
    )

    @op(*names)
    def adaptive_max_pool_with_indices(
        input: TensorType, output_size: Any, return_indices: Any = False
    ) -> tuple[TensorType, TensorType]:
        found = largest(input, output_size)
        return found, found.with_dtype("i64")


for _axes in (1, 2, 3):
    _declare_adaptive(_axes)


def _lp_pool_mil(axes: int) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        x: Value = params["input"]
        p = params["norm_type"]
        if x.type.rank != axes + 2 or not isinstance(p, (int, float)):
            return mil.refused(b, f"lp_pool{axes}d", {"x": x}, out)  # type: ignore[no-any-return]
        attrs = _pool_attrs({**params, "padding": 0}, mil.shape_of(x), axes)
        attrs["exclude_padding_from_average"] = False
        area = dims.product(attrs["kernel_sizes"])
        powered = mil.elementwise(b, "pow", x, float(p))
        mean = b.emit("avg_pool", {"x": powered}, attrs, TensorType(out.shape, out.dtype))
        signed = mil.elementwise(b, "mul", mil.unary(b, "sign", mean), mil.unary(b, "relu", mil.unary(b, "abs", mean)))
        total = mil.elementwise(b, "mul", signed, area if isinstance(area, int) else 1)
        return mil.elementwise(b, "pow", total, 1.0 / float(p), out)

    return lowering


def _declare_lp(axes: int) -> None:
    @op(f"torch.nn.functional.lp_pool{axes}d", mil=_lp_pool_mil(axes))
    @tensor_result
    def lp_pool(
        input: TensorType, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False
    ) -> TensorType:
        if axes == 1 and isinstance(kernel_size, (tuple, list)):
            fail("lp_pool1d: kernel_size must be an int")
        return _avg_pool(input, kernel_size, stride, 0, ceil_mode, axes)


for _axes in (1, 2, 3):
    _declare_lp(_axes)


def _declare_unpool(axes: int) -> None:
    @op(f"torch.nn.functional.max_unpool{axes}d")
    @tensor_result
    def max_unpool(
        input: TensorType,
        indices: TensorType,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
    ) -> TensorType:
        shape = shape_of(input)
        where = tensor_or_unknown(indices, "indices")
        if where.dtype not in ("i64", None):
            fail("elements in indices should be type int64")
        if len(shape) not in (axes + 1, axes + 2):
            fail(f"Input to max_unpool{axes}d should be a {axes + 1}d or {axes + 2}d Tensor, but got {len(shape)}")
        if where.shape is not None and (
            len(where.shape) != len(shape)
            or any(dims.equal(a, c) is False for a, c in zip(where.shape, shape, strict=True))
        ):
            fail("Expected shape of indices to be same as that of the input tensor")
        kernel = per_axis(kernel_size, axes, "kernel_size")
        steps = kernel if stride is None else per_axis(stride, axes, "stride")
        pads = per_axis(padding, axes, "padding")
        default = tuple((s - 1) * t - p * 2 + k for s, k, t, p in zip(shape[-axes:], kernel, steps, pads, strict=True))
        if output_size is None:
            return TensorType((*shape[:-axes], *default), input.dtype)
        sizes = sizes_of(output_size, "output_size")
        if len(sizes) == axes + 2:
            sizes = sizes[2:]
        if len(sizes) != axes:
            fail(f"output_size should be a sequence containing {axes} or {axes + 2} elements")
        for size, wanted, step in zip(default, sizes, steps, strict=True):
            if dims.less(wanted, size - step + 1) or dims.less(size + step - 1, wanted):
                fail(f"invalid output_size {list(sizes)}", ValueError)
        return TensorType((*shape[:-axes], *sizes), input.dtype)


for _axes in (1, 2, 3):
    _declare_unpool(_axes)


def _fractional(input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, axes: int) -> TensorType:
    shape = shape_of(input)
    if len(shape) not in (axes + 1, axes + 2):
        fail(f"fractional_max_pool{axes}d: expected {axes + 1}D or {axes + 2}D input, but got {len(shape)}D")
    if output_size is None and output_ratio is None:
        fail(f"fractional_max_pool{axes}d requires specifying either an output_size or an output_ratio", ValueError)
    if any(size == 0 for size in shape[-axes - 1 :]):
        fail("fractional_max_pool: expected input to have non-zero size for non-batch dimensions")
    kernel = per_axis(kernel_size, axes, "kernel_size")
    if output_size is not None:
        sizes = per_axis(output_size, axes, "output_size")
    else:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * axes
        sizes = tuple(
            int(s * r) if isinstance(s, int) and isinstance(r, float) else dims.fresh()
            for s, r in zip(shape[-axes:], ratios, strict=True)
        )
    for size, k, o in zip(shape[-axes:], kernel, sizes, strict=True):
        if dims.less(size, o + k - 1 + (axes == 3)):
            fail(f"fractional_max_pool{axes}d: pool size {k} too large relative to input size {size}")
    return TensorType((*shape[:-axes], *sizes), input.dtype)


def _declare_fractional(axes: int) -> None:
    @tensor_result
    def found(input: TensorType, kernel_size: Any, output_size: Any, output_ratio: Any) -> TensorType:
        return _fractional(input, kernel_size, output_size, output_ratio, axes)

    @op(f"torch.nn.functional.fractional_max_pool{axes}d", tags=("random",))
    def fractional_max_pool(
        input: TensorType, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
        _random_samples: Any = None,
    ) -> Any:  # fmt: skip
        values = found(input, kernel_size, output_size, output_ratio)
        return _with_indices(values, return_indices)

    @op(f"torch.nn.functional.fractional_max_pool{axes}d_with_indices", tags=("random",))
    def fractional_max_pool_with_indices(
        input: TensorType, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
        _random_samples: Any = None,
    ) -> tuple[TensorType, TensorType]:  # fmt: skip
        values = found(input, kernel_size, output_size, output_ratio)
        return values, values.with_dtype("i64")


for _axes in (2, 3):
    _declare_fractional(_axes)
