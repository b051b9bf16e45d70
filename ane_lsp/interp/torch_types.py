"""Types of torch that programs construct and test for: ``Tensor``, ``Parameter``, ``LongTensor``, ``Size``, ``device``."""

from __future__ import annotations

from collections import deque
from typing import Any

from ane_lsp.graph import TensorType, Unknown
from ane_lsp.interp.arrays import array
from ane_lsp.interp.values import Device, DType, Instance, NativeType, OneOf, Tensor
from ane_lsp.torch_model.promotion import DEVICE_TYPES


def _make_tensor(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: str = "f32") -> Any:
    if not args:
        return Tensor(TensorType((0,), dtype), "constant")
    if len(args) == 1 and (
        isinstance(args[0], (list, tuple, deque)) or (isinstance(args[0], Instance) and array(args[0]))
    ):
        return interp.torch_method("torch.tensor", (args[0],), {"dtype": DType(dtype)})
    if isinstance(args[0], Tensor):
        return args[0]
    if all(isinstance(a, int) or a.__class__.__name__ == "Sym" for a in args):
        return Tensor(TensorType(tuple(args), dtype), "constant")
    return Tensor(TensorType(None, dtype), "constant")


def _legacy(name: str, dtype: str) -> NativeType:
    """``torch.LongTensor`` and its like: a constructor and a type test for one dtype."""
    return NativeType(
        name, "torch", lambda interp, args, kwargs: _make_tensor(interp, args, kwargs, dtype),
        lambda v: isinstance(v, Tensor) and v.type.dtype == dtype, base=TENSOR,
    )  # fmt: skip


def _make_parameter(origin: str) -> Any:
    def make(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        data = args[0] if args else kwargs.get("data")
        if isinstance(data, Unknown):
            made = Tensor(TensorType(None, None), origin)
            made.why = data
        elif isinstance(data, OneOf):
            return interp.fork_value(interp.frame, [lambda d=d: make(interp, (d,), {}) for d in data.options])
        elif isinstance(data, (int, float, str, list, tuple)) and not isinstance(data, bool):
            interp.raise_(AttributeError, f"'{type(data).__name__}' object has no attribute 'detach'")
        else:
            made = Tensor(data.type if isinstance(data, Tensor) else TensorType((0,), "f32"), origin)
        if origin == "buffer":
            made.attrs = {"__buffer__": True}
            persistent = kwargs.get("persistent", args[1] if len(args) > 1 else True)
            made.attrs["persistent"] = persistent
        made.requires_grad = (
            origin == "parameter" and kwargs.get("requires_grad", args[1] if len(args) > 1 else True) is True
        )
        return made

    return make


def _make_device(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    first = args[0] if args else kwargs.get("type", kwargs.get("device", "cpu"))
    if isinstance(first, Device):
        return first
    if isinstance(first, str):
        name, _, index = first.partition(":")
        if name not in DEVICE_TYPES:
            interp.raise_(RuntimeError, f"Invalid device string: '{first}'")
        return Device(name, int(index) if index.isdigit() else (args[1] if len(args) > 1 else None))
    return Device("cpu")


def _make_size(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return tuple(interp.iterate(args[0])) if args else ()


def _nothing(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return interp.unknown("this type is not constructed in models")


TENSOR = NativeType("Tensor", "torch", _make_tensor, lambda v: isinstance(v, Tensor))
LEGACY_DTYPES = {
    "FloatTensor": "f32", "DoubleTensor": "f64", "HalfTensor": "f16", "BFloat16Tensor": "bf16", "LongTensor": "i64",
    "IntTensor": "i32", "ShortTensor": "i16", "CharTensor": "i8", "ByteTensor": "u8", "BoolTensor": "b8",
}  # fmt: skip
LEGACY = {name: _legacy(name, dtype) for name, dtype in LEGACY_DTYPES.items()}
PARAMETER = NativeType(
    "Parameter", "torch.nn.parameter", _make_parameter("parameter"),
    lambda v: isinstance(v, Tensor) and v.origin == "parameter", base=TENSOR,
)  # fmt: skip
BUFFER = NativeType(
    "Buffer", "torch.nn.parameter", _make_parameter("buffer"),
    lambda v: isinstance(v, Tensor) and bool(v.attrs and v.attrs.get("__buffer__")), base=TENSOR,
)  # fmt: skip
UNINITIALIZED = NativeType(
    "UninitializedParameter", "torch.nn.parameter", _make_parameter("parameter"), lambda v: False, base=TENSOR
)
UNINITIALIZED_BUFFER = NativeType(
    "UninitializedBuffer", "torch.nn.parameter", _make_parameter("buffer"), lambda v: False, base=TENSOR
)
SIZE = NativeType("Size", "torch", _make_size, lambda v: isinstance(v, tuple), base=tuple)
DEVICE = NativeType("device", "torch", _make_device, lambda v: isinstance(v, Device))
DTYPE = NativeType("dtype", "torch", _nothing, lambda v: isinstance(v, DType))
LAYOUT = NativeType("layout", "torch", _nothing, lambda v: False)
