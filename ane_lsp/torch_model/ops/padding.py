"""``torch.nn.functional.pad``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, mil
from ane_lsp.torch_model.args import number, sizes_of, tensor_result
from ane_lsp.torch_model.promotion import is_number
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import fail, shape_of

Params = Mapping[str, Any]
_SPATIAL = {2: (2, 3), 4: (3, 4), 6: (4, 5)}


def _pairs(pad: Any, rank: int) -> list[tuple[DimLike, DimLike]]:
    """(before, after) for each axis, first axis first."""
    given = sizes_of(pad, "pad")
    if len(given) % 2:
        fail("Padding length must be divisible by 2")
    if len(given) > 2 * rank:
        fail(
            f"Padding length should be less than or equal to two times the input dimension but got {len(given)} and {rank}D"
        )
    found: list[tuple[DimLike, DimLike]] = [(given[i], given[i + 1]) for i in range(0, len(given), 2)]
    return [(0, 0)] * (rank - len(found)) + found[::-1]


def _check_mode(mode: str, shape: Shape, pairs: list[tuple[DimLike, DimLike]], count: int) -> None:
    """What the modes other than ``constant`` ask for."""
    if mode not in ("reflect", "replicate", "circular"):
        fail(f"Unrecognised padding mode {mode}")
    if count not in _SPATIAL or len(shape) not in _SPATIAL[count]:
        fail("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
    axes = count // 2
    lead = len(shape) - axes
    if any(size == 0 for size in shape[lead - 1 if lead > 1 else 0 : lead]) or (
        mode != "circular" and any(s == 0 for s in shape[lead:])
    ):
        fail(f"Expected input to have non-zero size for non-batch dimensions, but got {list(shape)}")
    for size, (before, after) in list(zip(shape, pairs, strict=True))[lead:]:
        for pad in (before, after):
            if mode == "reflect" and dims.less(pad, size) is False:
                fail(
                    f"Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) at size {size}"
                )
            if mode == "circular" and dims.less(size, pad):
                fail("Padding value causes wrapping around more than once.")


@op("torch.nn.functional.pad", "torch._C._nn.pad", mil=lambda b, params, out: _pad_mil(b, params, out))
@tensor_result
def pad(input: TensorType, pad: Any, mode: Any = "constant", value: Any = None) -> TensorType:
    shape = shape_of(input)
    if isinstance(pad, Unknown) and not pad.number:
        return TensorType(tuple(dims.fresh() for _ in shape), input.dtype)
    pairs = _pairs(pad, len(shape))
    if isinstance(mode, str):
        if mode == "constant":
            if isinstance(value, TensorType):
                value = None
        else:
            if value is not None and is_number(value) and value != 0:
                fail(f'Padding mode "{mode}" doesn\'t take in value argument')
            _check_mode(mode, shape, pairs, len(sizes_of(pad)))
    return _padded(input, shape, pairs, mode, value)


def _padded(input: TensorType, shape: Shape, pairs: list[tuple[DimLike, DimLike]], mode: Any, value: Any) -> TensorType:
    sizes: list[DimLike] = []
    for size, (before, after) in zip(shape, pairs, strict=True):
        found = size + before + after
        if dims.less(found, 0) or (isinstance(mode, str) and mode != "constant" and dims.less(found, 1)):
            fail(
                f"The input size {size}, plus negative padding {before} and {after} resulted in a negative output size"
            )
        sizes.append(found)
    result = tuple(sizes)
    fill = number(value) if value is not None else 0.0
    source = elements.contents(input)
    count = dims.product(result)
    if mode != "constant" or source is None or fill is None or not isinstance(count, int) or count > elements.LIMIT:
        return TensorType(result, input.dtype)
    if any(not isinstance(p, int) for pair in pairs for p in pair) or input.dtype is None:
        return TensorType(result, input.dtype)
    return TensorType(result, input.dtype, _padded_data(source, result, pairs, fill, input.dtype))


def _padded_data(
    source: tuple[tuple[int, ...], elements.Data], result: Shape, pairs: list[tuple[Any, Any]], fill: float, dtype: str
) -> elements.Data:
    from itertools import product

    from ane_lsp.torch_model.constants import as_dtype

    shape, data = source
    steps = elements.strides_of(shape)
    blank = as_dtype(fill, dtype)
    out: list[Any] = []
    for index in product(*(range(int(size)) for size in result)):  # type: ignore[arg-type]
        at = [i - before for i, (before, _) in zip(index, pairs, strict=True)]
        inside = all(0 <= i < size for i, size in zip(at, shape, strict=True))
        out.append(data[sum(i * s for i, s in zip(at, steps, strict=True))] if inside else blank)
    return tuple(out)


@op("torch.constant_pad_nd", mil=lambda b, params, out: _pad_mil(b, {**params, "mode": "constant"}, out))
@tensor_result
def constant_pad_nd(input: TensorType, pad: Any, value: Any = 0) -> TensorType:
    shape = shape_of(input)
    return _padded(input, shape, _pairs(pad, len(shape)), "constant", value)


def _pad_mil(b: Lowering, params: Params, out: Any) -> Value:
    x: Value = params["input"]
    mode = params["mode"]
    if x.type.shape is None or not isinstance(mode, str):
        return mil.refused(b, "pad", {"x": x}, out)  # type: ignore[no-any-return]
    if isinstance(params["pad"], Unknown):
        return b.emit("pad", {"x": x}, {"mode": mode}, out)
    widths = tuple(p for pair in _pairs(params["pad"], len(x.type.shape)) for p in pair)
    if all(width == 0 for width in widths):
        return x
    if mode == "circular" or any(dims.less(width, 0) for width in widths):
        return mil.refused(b, "pad", {"x": x}, out, {"pad": widths, "mode": mode})  # type: ignore[no-any-return]
    fill = number(params["value"]) if params["value"] is not None else 0.0
    return b.emit("pad", {"x": x}, {"pad": widths, "mode": mode, "constant_val": fill}, out)
