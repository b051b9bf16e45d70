"""Arrays and numbers of numpy (``torch_model/stubs/numpy``), and other objects, as torch makes tensors of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import TensorType
from ane_lsp.graph.types import TORCH_DTYPE
from ane_lsp.interp.values import MISSING, ClassObject, Instance, NativeType
from ane_lsp.torch_model.constants import made
from ane_lsp.torch_model.shapes import static

if TYPE_CHECKING:
    from ane_lsp.interp.torch_operations import TorchOperations

# numpy's names are torch's, but for Python's own.
_DTYPES = {**{name: short for short, name in TORCH_DTYPE.items()}, "bool_": "b8", "float": "f64", "int": "i64"}
_SEQUENCES = ("__array__", "__array_interface__", "__len__", "__getitem__", "__float__", "__int__", "__index__")
MAKES_TENSORS = frozenset({"torch.tensor", "torch.as_tensor", "torch.asarray", "torch.Tensor.new_tensor"})
"""Functions that take whatever holds numbers."""


def array(value: Instance) -> TensorType | None:
    """An array as a tensor over the same elements; None for other objects."""
    if not of_numpy(value) or "_data" not in value.attrs:
        return None
    sizes, data = known_shape(value), value.attrs["_data"]
    dtype = _dtype(value.attrs.get("dtype"))
    plain = data if isinstance(data, list) and all(type(item) in (int, float, bool) for item in data) else None
    return made(sizes, dtype, plain if sizes is not None and dtype is not None else None)


def known_shape(array: Instance) -> tuple[int, ...] | None:
    """The shape of an array, None where one of its sizes is not known."""
    shape = array.attrs.get("shape")
    return shape if isinstance(shape, tuple) and all(type(size) is int for size in shape) else None


def of_tensor(interp: TorchOperations, tensor: Any) -> Any:
    """A tensor as an array, of whose elements nothing is said; None where its shape or type is not known, or numpy has none such."""
    shape, dtype = static(tensor.type.shape), TORCH_DTYPE.get(tensor.type.dtype or "")
    if shape is None or dtype is None or (numpy := interp.find_module("numpy")) is None:
        return None
    kind = interp.module_attribute(numpy, "bool_" if dtype == "bool" else dtype)
    if not isinstance(kind, (ClassObject, type)):
        return None
    return interp.call(interp.module_attribute(numpy, "_unread"), (shape, kind), {})


def number(value: Any) -> Any:
    """A number of numpy as the number it is to an operation; all else as it is."""
    if value.__class__ is Instance and type(value.data) in (int, float) and of_numpy(value):
        return value.data
    return value


def content(interp: TorchOperations, value: Any) -> Any:
    """What one of :data:`MAKES_TENSORS` is given: numbers of numpy keep their type, and what is beside them has its own."""
    if value.__class__ is deque:
        value = list(value)
    if value.__class__ is list or value.__class__ is tuple:
        numbers = any(isinstance(item, Instance) and of_numpy(item) for item in value)
        return value.__class__(_beside(interp, item, numbers) for item in value) if any(map(_odd, value)) else value
    if value.__class__ is not Instance or array(value) is not None:
        return value
    if of_numpy(value) and type(value.data) in (int, float):
        return made((), _dtype(value.cls), (value.data,))
    if value.data is None and any(value.cls.lookup(name) is not MISSING for name in _SEQUENCES):
        return interp.unknown(f"a tensor of a {value.cls.name}")
    return value


def _beside(interp: TorchOperations, item: Any, numbers: bool) -> Any:
    return made((), "f32", (item,)) if numbers and type(item) is float else content(interp, item)


def of_numpy(value: Instance) -> bool:
    """Whether something is an object of a class of numpy."""
    return value.cls.module.name == "numpy"


def _odd(value: Any) -> bool:
    return value.__class__ in (Instance, list, tuple, deque)


def _dtype(given: Any) -> str | None:
    if isinstance(given, (ClassObject, NativeType)):
        return _DTYPES.get(given.name)
    return _DTYPES.get(given.__name__ if isinstance(given, type) else given) if isinstance(given, (str, type)) else None
