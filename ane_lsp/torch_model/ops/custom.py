"""Operators that programs define themselves."""

from __future__ import annotations

from typing import Any

from ane_lsp.torch_model.registry import op


@op("torch.library.custom_op")
def custom_op(inputs: Any, result: Any) -> Any:
    """What the fake implementation of an operator returned for its inputs, or else its implementation: a converter sees one operator."""
    return result
