"""Rounding to the grid of a quantized type, as models do that are trained for it."""

from __future__ import annotations

from typing import Any

from ane_lsp.graph import TensorType
from ane_lsp.torch_model.registry import op
from ane_lsp.torch_model.shapes import tensor_or_unknown


def _like(input: Any) -> TensorType:
    x = tensor_or_unknown(input, "input")
    return TensorType(x.shape, x.dtype)


@op("torch.fake_quantize_per_tensor_affine")
def fake_quantize_per_tensor_affine(
    input: TensorType, scale: Any, zero_point: Any, quant_min: Any, quant_max: Any
) -> TensorType:
    """The values of a tensor on one grid."""
    return _like(input)


@op("torch.fake_quantize_per_channel_affine")
def fake_quantize_per_channel_affine(
    input: TensorType, scale: Any, zero_point: Any, axis: Any, quant_min: Any, quant_max: Any
) -> TensorType:
    """The values of a tensor on a grid for each place along an axis."""
    return _like(input)
