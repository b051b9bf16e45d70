"""torchvision's operators (``torch.ops.torchvision.*``), which its Python functions call.

Signatures are those of the operators' schemas; shapes follow torchvision's documentation of the functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import at_least, number, per_axis, tensor_result
from ane_lsp.torch_model.ops.conv import window_size
from ane_lsp.torch_model.ops.matmul import common_dtype
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import as_size, check_same_size, check_tensor, fail, shape_of, tensor_or_unknown

Params = Mapping[str, Any]
V = "torch.ops.torchvision."


def _nms_mil(b: Lowering, params: Params, out: Any) -> Value:
    """Corners to centres and sizes, the op itself, and the slice that drops its padding."""
    boxes, scores = params["dets"], params["scores"]
    if boxes.type.shape is None or scores.type.shape is None:
        return mil.refused(b, "torchvision_nms", {"boxes": boxes, "scores": scores}, out)  # type: ignore[no-any-return]
    count = boxes.type.shape[0]
    column = TensorType((count, 1), boxes.type.dtype)
    x1, y1, x2, y2 = b.emit_many("split", {"x": boxes}, {"num_splits": 4, "axis": -1}, [column] * 4)
    width, height = mil.elementwise(b, "sub", x2, x1), mil.elementwise(b, "sub", y2, y1)
    centres = [
        mil.elementwise(b, "add", start, mil.elementwise(b, "real_div", extent, 2.0))
        for start, extent in ((x1, width), (y1, height))
    ]
    joined = mil.concat(b, [*centres, width, height], -1, TensorType((count, 4), boxes.type.dtype))
    wide, ranks = mil.expand_dims(b, joined, (0,)), mil.expand_dims(b, scores, (0, 2))
    most = count if isinstance(count, int) else 10000
    attrs = {"max_boxes": most, "iou_threshold": number(params["iou_threshold"])}
    kept = [
        TensorType((1, most, 4), boxes.type.dtype),
        TensorType((1, most, 1), boxes.type.dtype),
        TensorType((1, most), "i32"),
    ]
    if b.at_least("iOS17"):
        wide, ranks = mil.transpose(b, wide, (0, 2, 1)), mil.transpose(b, ranks, (0, 2, 1))
        found = b.emit_many("non_maximum_suppression", {"boxes": wide, "scores": ranks}, attrs, kept)
        valid = mil.elementwise(b, "greater", found[2], -1, TensorType((1, most), "b8"))
        flags = b.emit("cast", {"x": valid}, {"dtype": "int32"}, TensorType((1, most), "i32"))
        total = mil.reduce(b, "reduce_sum", flags, (-1,), False)
        flat = mil.squeeze(b, found[2], (0,))
        return b.emit("slice_by_size", {"x": flat, "size": total}, {"begin": (0,)}, out)
    found = b.emit_many(
        "non_maximum_suppression", {"boxes": wide, "scores": ranks}, attrs, [*kept, TensorType((1,), "i32")]
    )
    total = mil.squeeze(b, found[3], (0,))
    count_range = b.emit("range_1d", {"end": total}, {"start": 0, "step": 1}, TensorType(out.shape, "i32"))
    return mil.gather(b, mil.squeeze(b, found[2], (0,)), count_range, 0, out)


@op(V + "nms", mil=_nms_mil, tags=("data-dependent",))
def nms(dets: TensorType, scores: TensorType, iou_threshold: Any) -> TensorType:
    boxes, ranks = tensor_or_unknown(dets, "dets"), tensor_or_unknown(scores, "scores")
    if boxes.shape is not None:
        if len(boxes.shape) != 2 or dims.equal(boxes.shape[1], 4) is False:
            fail(f"boxes should be a 2d tensor with 4 columns, got {list(boxes.shape)}")
        if ranks.shape is not None:
            if len(ranks.shape) != 1:
                fail(f"scores should be a 1d tensor, got {len(ranks.shape)}D")
            check_same_size(boxes.shape[0], ranks.shape[0], "boxes and scores should have same number of elements")
    return TensorType((dims.fresh(),), "i64")


def _pooled(input: Any, rois: Any, height: Any, width: Any, channels: DimLike | None = None) -> TensorType:
    shape, boxes = shape_of(input), shape_of(tensor_or_unknown(rois, "rois"))
    if len(shape) != 4:
        fail(f"expected a 4D input, got {len(shape)}D")
    if len(boxes) != 2 or dims.equal(boxes[1], 5) is False:
        fail("rois must have shape as Tensor[K, 5]")
    dtype = common_dtype(input, tensor_or_unknown(rois, "rois"))
    depth = shape[1] if channels is None else channels
    return TensorType((boxes[0], depth, as_size(height, "pooled_height"), as_size(width, "pooled_width")), dtype)


@op(V + "roi_align")
@tensor_result
def roi_align(
    input: TensorType, rois: TensorType, spatial_scale: Any, pooled_height: Any, pooled_width: Any, sampling_ratio: Any,
    aligned: Any,
) -> TensorType:  # fmt: skip
    return _pooled(input, rois, pooled_height, pooled_width)


@op(V + "roi_pool")
def roi_pool(
    input: TensorType, rois: TensorType, spatial_scale: Any, pooled_height: Any, pooled_width: Any
) -> tuple[TensorType, TensorType]:
    found = _pooled(input, rois, pooled_height, pooled_width)
    return found, found.with_dtype("i32")


def _position_sensitive(input: Any, rois: Any, height: Any, width: Any) -> TensorType:
    channels = shape_of(input)[1] if len(shape_of(input)) == 4 else 0
    cells = as_size(height) * as_size(width)
    depth = dims.exact_div(channels, cells)
    if depth is None:
        if isinstance(channels, int) and isinstance(cells, int):
            fail("input channels must be a multiple of pooling height * pooling width")
        depth = dims.fresh()
    return _pooled(input, rois, height, width, depth)


@op(V + "ps_roi_align")
def ps_roi_align(
    input: TensorType, rois: TensorType, spatial_scale: Any, pooled_height: Any, pooled_width: Any, sampling_ratio: Any
) -> tuple[TensorType, TensorType]:
    found = _position_sensitive(input, rois, pooled_height, pooled_width)
    return found, found.with_dtype("i32")


@op(V + "ps_roi_pool")
def ps_roi_pool(
    input: TensorType, rois: TensorType, spatial_scale: Any, pooled_height: Any, pooled_width: Any
) -> tuple[TensorType, TensorType]:
    found = _position_sensitive(input, rois, pooled_height, pooled_width)
    return found, found.with_dtype("i32")


@op(V + "deform_conv2d")
@tensor_result
def deform_conv2d(
    input: TensorType, weight: TensorType, offset: TensorType, mask: Any, bias: Any, stride_h: Any, stride_w: Any, pad_h: Any,
    pad_w: Any, dilation_h: Any, dilation_w: Any, groups: Any, offset_groups: Any, use_mask: Any,
) -> TensorType:  # fmt: skip
    shape, kernel = shape_of(input), shape_of(tensor_or_unknown(weight, "weight"))
    if len(shape) != 4 or len(kernel) != 4:
        fail("deform_conv2d needs a 4D input and a 4D weight")
    check_same_size(shape[1], kernel[1] * as_size(groups, "groups"), "input channels must be weight's times groups")
    steps = at_least(per_axis((stride_h, stride_w), 2, "stride"), 1, "stride")
    pads = per_axis((pad_h, pad_w), 2, "padding")
    spread = at_least(per_axis((dilation_h, dilation_w), 2, "dilation"), 1, "dilation")
    sizes = tuple(
        window_size(s, k, t, p * 2, d) for s, k, t, p, d in zip(shape[2:], kernel[2:], steps, pads, spread, strict=True)
    )
    moved = tensor_or_unknown(offset, "offset").shape
    if moved is not None:
        if len(moved) != 4:
            fail("offset must be 4D")
        for have, want in zip(moved[2:], sizes, strict=True):
            check_same_size(have, want, "offset output dims do not match the computed output dims")
        check_same_size(
            moved[1],
            as_size(offset_groups, "offset_groups") * kernel[2] * kernel[3] * 2,
            "offset has the wrong number of channels",
        )
    return TensorType((shape[0], kernel[0], *sizes), check_tensor(input).dtype)
