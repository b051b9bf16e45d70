"""Attributes of tensors, and methods that change nothing the analysis follows."""

from __future__ import annotations

from typing import Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.probing import probe_of
from ane_lsp.interp.values import Builtin, Device, DType, Tensor

READ = frozenset({"T", "mT", "H", "mH", "real", "imag"})  # attributes that are operations


def _shape(interp: Any, value: Tensor) -> Any:
    shape = value.type.shape
    if shape is None:
        made = Unknown("the shape of this tensor is not known", interp.here(), value.why)
        probe = probe_of(value) if interp.probing else None
        if probe is not None:
            interp.probe_shapes[id(made)] = (made, probe)
        return made
    return shape


def _rank(interp: Any, value: Tensor) -> Any:
    shape = value.type.shape
    if shape is not None:
        return len(shape)
    return value.why if value.why is not None else interp.unknown("the rank of this tensor is not known")


def _dtype(interp: Any, value: Tensor) -> Any:
    return DType(value.type.dtype) if value.type.dtype is not None else interp.unknown("the dtype is not known")


def _detached(interp: Any, value: Tensor) -> Any:
    made = Tensor(value.type, value.origin if value.origin not in ("parameter",) else "constant")
    made.value, made.graph, made.base = value.value, value.graph, value
    made.name = value.name
    return made


def _backward(interp: Any, value: Tensor) -> Any:
    """``tensor.backward``: no gradient is computed, but from here on there may be some."""

    def run(interp: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        interp.differentiated = True

    return Builtin("backward", run)


def _gradient(interp: Any, value: Tensor) -> Any:
    return interp.unknown("which tensors have a gradient is not tracked") if interp.differentiated else None


ATTRIBUTES: dict[str, Any] = {
    "shape": _shape, "ndim": _rank, "dtype": _dtype, "data": _detached,
    "device": lambda interp, value: Device("cpu"), "grad": _gradient, "backward": _backward,
    "requires_grad": lambda interp, value: value.requires_grad, "is_cuda": lambda interp, value: False,
    "is_meta": lambda interp, value: False, "is_mps": lambda interp, value: False,
    "is_sparse": lambda interp, value: False, "is_nested": lambda interp, value: False,
    "is_cpu": lambda interp, value: True, "is_xpu": lambda interp, value: False, "is_leaf": lambda interp, value: True,
    "is_quantized": lambda interp, value: False, "layout": lambda interp, value: "strided",
    "grad_fn": lambda interp, value: None, "names": lambda interp, value: (None,) * (value.type.rank or 0),
    "__class__": lambda interp, value: interp.type_of(value), "itemsize": lambda interp, value: interp.getattr(
        _dtype(interp, value), "itemsize"),
}  # fmt: skip

INERT: dict[str, Any] = {
    "requires_grad_": lambda value, args: value, "retain_grad": lambda value, args: None,
    "register_hook": lambda value, args: None,
    "share_memory_": lambda value, args: value, "pin_memory": lambda value, args: value,
    "record_stream": lambda value, args: None, "rename": lambda value, args: value, "rename_": lambda value, args: value,
    "materialize": lambda value, args: None, "untyped_storage": lambda value, args: Unknown("a tensor's storage"),
}  # fmt: skip
