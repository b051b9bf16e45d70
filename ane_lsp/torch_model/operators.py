"""The names under which torch records what Python operators call.

``x + y`` calls ``Tensor.__add__`` and torch reports ``torch.Tensor.add`` for it. Measured with a TorchFunctionMode and
``torch.overrides.resolve_name`` on torch 2.13.
"""

from __future__ import annotations

from collections.abc import Mapping

# Operator methods that are recorded under another name; all others keep theirs (``__pow__``, ``__eq__``, ``__rsub__``).
RECORDED: Mapping[str, str] = {
    f"torch.Tensor.{method}": f"torch.Tensor.{name}"
    for method, name in {
        "__add__": "add", "__radd__": "add", "__iadd__": "add_",
        "__sub__": "sub", "__isub__": "sub_",
        "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
        "__truediv__": "div", "__itruediv__": "div_", "__ifloordiv__": "floor_divide_",
        "__mod__": "remainder", "__imod__": "remainder_",
        "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
        "__rand__": "bitwise_and", "__ror__": "bitwise_or", "__rxor__": "bitwise_xor",
        "__matmul__": "matmul", "__neg__": "neg", "__pos__": "positive", "__abs__": "abs",
    }.items()
}  # fmt: skip

# Python's operators as methods of the left operand, and of the right one where the left is no tensor.
BINARY: Mapping[str, tuple[str, str]] = {
    "+": ("__add__", "__radd__"), "-": ("__sub__", "__rsub__"), "*": ("__mul__", "__rmul__"),
    "/": ("__truediv__", "__rtruediv__"), "//": ("__floordiv__", "__rfloordiv__"), "%": ("__mod__", "__rmod__"),
    "**": ("__pow__", "__rpow__"), "@": ("__matmul__", "__rmatmul__"), "&": ("__and__", "__rand__"),
    "|": ("__or__", "__ror__"), "^": ("__xor__", "__rxor__"), "<<": ("__lshift__", "__rlshift__"),
    ">>": ("__rshift__", "__rrshift__"), "==": ("__eq__", "__eq__"), "!=": ("__ne__", "__ne__"),
    "<": ("__lt__", "__gt__"), "<=": ("__le__", "__ge__"), ">": ("__gt__", "__lt__"), ">=": ("__ge__", "__le__"),
}  # fmt: skip


def recorded(name: str) -> str:
    """The name torch reports for a call of `name`."""
    return RECORDED.get(name, name)
