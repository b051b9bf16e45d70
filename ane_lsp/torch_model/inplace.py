"""What a tensor holds after an in-place op: its own shape and dtype, with the result's elements."""

from __future__ import annotations

from typing import Any

from ane_lsp.graph import TensorType
from ane_lsp.torch_model.constants import convert
from ane_lsp.torch_model.promotion import can_cast
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import broadcast_to, same_shape


def stored(target: Any, result: Any) -> Any:
    """The first argument of an in-place op after the op gave `result` for it.

    Raises TorchError where torch refuses to store it: the result is larger than the target or of a higher dtype category.
    """
    if not isinstance(target, TensorType) or not isinstance(result, TensorType):
        return result
    if result.dtype is not None and target.dtype is not None and not can_cast(result.dtype, target.dtype):
        raise TorchError(f"result type {result.dtype} can't be cast to the desired output type {target.dtype}")
    broadcast_to(result.shape, target.shape)
    shape = same_shape(target.shape, result.shape) if result.shape is not None else target.shape
    data = None
    if result.data is not None and target.dtype is not None:
        data = convert(result.data, target.dtype)
    return TensorType(shape, target.dtype, data)
