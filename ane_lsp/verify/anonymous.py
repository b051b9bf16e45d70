"""Operations without anything of their author's: kinds, shapes, dtypes and attributes, no names, no places, no weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Op, Value


def describe(op: Op) -> dict[str, Any]:
    """Kind, public torch name, operands, attributes and results of an operation."""
    torch = op.call.torch if op.call.torch.startswith(("torch.", "coreml.", "torchvision.")) else ""
    return {
        "kind": op.kind,
        "torch": torch,
        "inputs": {name: operand(given) for name, given in op.inputs.items()},
        "attrs": numbers(op.attrs),
        "outputs": [str(v.type) for v in op.outputs],
    }


def operand(given: Value | tuple[Value, ...]) -> Any:
    """Shape and dtype, and whether it is known at conversion; a list for several."""
    if isinstance(given, tuple):
        return [operand(v) for v in given]
    return f"{given.type}{' constant' if given.is_const else ''}"


def numbers(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as numbers and words of MIL; anything else by its type."""

    def plain(value: Any) -> Any:
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        if isinstance(value, (tuple, list)):
            return [plain(v) for v in value]
        return value if isinstance(value, str) and value.isidentifier() else type(value).__name__

    return {name: plain(value) for name, value in attrs.items()}
