"""Dtype casts and moves between devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DTYPES, TensorType, Unknown
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.constants import convert
from ane_lsp.torch_model.promotion import COMPLEX, DEVICE_TYPES, check_dtype
from ane_lsp.torch_model.registry import op
from ane_lsp.torch_model.shapes import fail, tensor_or_unknown

# The typed tensor classes of old: torch.FloatTensor and so on.
LEGACY: Mapping[str, str] = {
    "FloatTensor": "f32", "DoubleTensor": "f64", "HalfTensor": "f16", "BFloat16Tensor": "bf16", "LongTensor": "i64",
    "IntTensor": "i32", "ShortTensor": "i16", "CharTensor": "i8", "ByteTensor": "u8", "BoolTensor": "b8",
}  # fmt: skip
_LEGACY_NAME = {dtype: f"torch.{name}" for name, dtype in LEGACY.items()} | {
    "c64": "torch.ComplexFloatTensor", "c128": "torch.ComplexDoubleTensor",
}  # fmt: skip


def converted(x: TensorType, dtype: str | None) -> TensorType:
    """`x` as `dtype` (None: not known), elements included."""
    if dtype == x.dtype and dtype is not None:
        return x
    return TensorType(x.shape, dtype, convert(x.data, dtype))


def legacy_dtype(value: Any) -> str | None:
    """The dtype a typed tensor class or its name stands for (``"torch.cuda.HalfTensor"``), None for anything else."""
    name = value if isinstance(value, str) else getattr(value, "name", None) or getattr(value, "__name__", "")
    return LEGACY.get(str(name).rsplit(".", 1)[-1])


@op("torch.Tensor.to", mil=lower.cast)
def to(
    input: TensorType,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    other: Any = None,
    non_blocking: Any = False,
    copy: Any = False,
    memory_format: Any = None,
) -> TensorType:
    """``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``."""
    x = tensor_or_unknown(input)
    if isinstance(other, TensorType):
        return converted(x, other.dtype)
    if isinstance(dtype, Unknown) or isinstance(other, Unknown):
        return converted(x, None)
    target = check_dtype(dtype)
    for value in args[:2]:
        if isinstance(value, TensorType):
            return converted(x, value.dtype)
        if isinstance(value, str) and value in DTYPES:
            if target is not None:
                fail("to(): dtype is given twice")
            target = value
        elif isinstance(value, str) and value.partition(":")[0] not in DEVICE_TYPES:
            fail(f"Invalid device string: '{value}'")
        elif isinstance(value, Unknown) and target is None:
            return converted(x, None)
    return x if target is None else converted(x, target)


@op("torch.Tensor.type", mil=lower.cast)
def type_(input: TensorType, dtype: Any = None, non_blocking: Any = False, **kwargs: Any) -> Any:
    """``type(dtype)`` casts; ``type()`` is the tensor class as text."""
    x = tensor_or_unknown(input)
    if dtype is None:
        return _LEGACY_NAME.get(x.dtype or "") or Unknown("the dtype is not known")
    if isinstance(dtype, Unknown):
        return converted(x, None)
    found = legacy_dtype(dtype)
    if found is None and isinstance(dtype, str) and dtype not in DTYPES:
        fail(f"invalid type: '{dtype}'", ValueError)
    return converted(x, found or check_dtype(dtype))


@op("torch.Tensor.type_as", mil=lower.cast)
def type_as(input: TensorType, other: TensorType) -> TensorType:
    """The dtype of another tensor."""
    return converted(tensor_or_unknown(input), tensor_or_unknown(other, "other").dtype)


def _cast(name: str, dtype: str) -> None:
    def rule(input: TensorType, memory_format: Any = None) -> TensorType:
        return converted(tensor_or_unknown(input), dtype)

    op(f"torch.Tensor.{name}", mil=lower.cast)(rule)


for _name, _dtype in (
    ("float", "f32"), ("double", "f64"), ("half", "f16"), ("bfloat16", "bf16"), ("long", "i64"), ("int", "i32"),
    ("short", "i16"), ("char", "i8"), ("byte", "u8"), ("bool", "b8"), ("cfloat", "c64"), ("cdouble", "c128"),
):  # fmt: skip
    _cast(_name, _dtype)


@op("torch.Tensor.cpu", mil=lower.alias)
def cpu(input: TensorType, memory_format: Any = None) -> TensorType:
    """The same tensor: devices are not tracked."""
    return tensor_or_unknown(input)


def _moved(name: str) -> None:
    def rule(input: TensorType, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> TensorType:
        return tensor_or_unknown(input)

    op(f"torch.Tensor.{name}", mil=lower.alias)(rule)


for _name in ("cuda", "xpu", "ipu"):
    _moved(_name)


@op("torch.Tensor.pin_memory", mil=lower.alias)
def pin_memory(input: TensorType, device: Any = None) -> TensorType:
    """The same tensor."""
    return tensor_or_unknown(input)


@op("torch.Tensor.real", mil=None, tags=("view",))
def real(input: TensorType) -> TensorType:
    """The ``real`` attribute."""
    x = tensor_or_unknown(input)
    part = {"c64": "f32", "c128": "f64", "c32": "f16"}.get(x.dtype or "", x.dtype)
    return x if x.dtype not in COMPLEX else TensorType(x.shape, part)


@op("torch.Tensor.imag", mil=None, tags=("view",))
def imag(input: TensorType) -> TensorType:
    """The ``imag`` attribute."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and x.dtype not in COMPLEX:
        fail("imag is not implemented for tensors with non-complex dtypes.")
    return TensorType(x.shape, {"c64": "f32", "c128": "f64", "c32": "f16"}.get(x.dtype or ""))
