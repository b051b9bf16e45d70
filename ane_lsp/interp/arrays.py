"""Arrays and numbers of numpy (``torch_model/stubs/numpy``), and other objects, as torch makes tensors of them."""

from __future__ import annotations

import ast
import math
import operator
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import TensorType, Unknown
from ane_lsp.graph.types import TORCH_DTYPE
from ane_lsp.interp.base import MAX_ELEMENTS
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, NativeType
from ane_lsp.torch_model.constants import made
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import broadcast, static

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.torch_operations import TorchOperations

# numpy's names are torch's, but for Python's own.
_DTYPES = {**{name: short for short, name in TORCH_DTYPE.items()}, "bool_": "b8", "float": "f64", "int": "i64"}
_SEQUENCES = ("__array__", "__array_interface__", "__len__", "__getitem__", "__float__", "__int__", "__index__")
MAKES_TENSORS = frozenset({"torch.tensor", "torch.as_tensor", "torch.asarray", "torch.Tensor.new_tensor"})
"""Functions that take whatever holds numbers."""


def array(value: Instance) -> TensorType | None:
    """An array as a tensor over the same elements; None for other objects."""
    if not _of_numpy(value) or "_data" not in value.attrs:
        return None
    shape, data = value.attrs.get("shape"), value.attrs["_data"]
    sizes = tuple(shape) if isinstance(shape, tuple) and all(type(size) is int for size in shape) else None
    dtype = _dtype(value.attrs.get("dtype"))
    plain = data if isinstance(data, list) and all(type(item) in (int, float, bool) for item in data) else None
    return made(sizes, dtype, plain if sizes is not None and dtype is not None else None)


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
    if value.__class__ is Instance and type(value.data) in (int, float) and _of_numpy(value):
        return value.data
    return value


def content(interp: TorchOperations, value: Any) -> Any:
    """What one of :data:`MAKES_TENSORS` is given: numbers of numpy keep their type, and what is beside them has its own."""
    if value.__class__ is deque:
        value = list(value)
    if value.__class__ is list or value.__class__ is tuple:
        numbers = any(isinstance(item, Instance) and _of_numpy(item) for item in value)
        return value.__class__(_beside(interp, item, numbers) for item in value) if any(map(_odd, value)) else value
    if value.__class__ is not Instance or array(value) is not None:
        return value
    if _of_numpy(value) and type(value.data) in (int, float):
        return made((), _dtype(value.cls), (value.data,))
    if value.data is None and any(value.cls.lookup(name) is not MISSING for name in _SEQUENCES):
        return interp.unknown(f"a tensor of a {value.cls.name}")
    return value


# -- what the stub does with lists of numbers, done at once ----------------------------------------------------------------

_NUMBERS = frozenset({bool, int, float})
_OR_UNKNOWN = frozenset({*_NUMBERS, Unknown})
_DEEP = 32  # lists inside of each other
_MOST = 50_000  # elements that are computed, as in the stub
_MOST_UNKNOWN = 200
"""Items of a list that the stub asks, one by one, what they are: of the array nothing is known where they are more."""


def _is_number(value: Any) -> bool:
    """Whether something is a number, which one of them known or not."""
    return number(value).__class__ in _NUMBERS or (value.__class__ is Unknown and value.number)


def _elements(value: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """The elements of an array of numpy, and its shape; None of anything else."""
    if value.__class__ is not Instance or not _of_numpy(value):
        return None
    data, shape = value.attrs.get("_data"), value.attrs.get("shape")
    if isinstance(data, list) and isinstance(shape, tuple) and all(type(size) is int for size in shape):
        return data, shape
    return None


def _flatten(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1 or kwargs:
        return MISSING
    value = args[0]
    if _is_number(value):
        return interp.make([value]), ()
    if isinstance(value, Unknown):
        return interp.unknown("an array of something unknown", value)
    array = _elements(value)
    if array is not None:
        return interp.make(list(array[0])), array[1]
    data: list[Any] = []
    shape = _gathered(list(value) if value.__class__ is range else value, data)
    if shape is not None:
        return interp.make(data), shape
    lost = next((item for item in value if isinstance(item, Unknown)), None) if value.__class__ is list else None
    return (
        MISSING if lost is None or len(value) <= _MOST_UNKNOWN else interp.unknown("an array of unknown things", lost)
    )


def _gathered(items: Any, data: list[Any], depth: int = 0) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers and arrays, which are added to `data`; None where they hold something else."""
    if items.__class__ not in (list, tuple) or depth > _DEEP:
        return None
    inner: tuple[int, ...] | None = None
    for item in items:
        plain = number(item)
        shape: tuple[int, ...] | None
        if plain.__class__ in _NUMBERS or (plain.__class__ is Unknown and plain.number):
            data.append(plain)
            shape = ()
        elif (array := _elements(item)) is not None:
            data += array[0]
            shape = array[1]
        else:
            shape = _gathered(item, data, depth + 1)
            if shape is None:
                return None
        inner = shape if inner is None else inner
    return (len(items), *(inner or ()))


def _plain(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    plain = number(args[0]) if len(args) == 1 else None
    return plain if plain.__class__ in _NUMBERS else MISSING


def _as_scalar(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 2 or kwargs:
        return MISSING
    plain, dtype = number(args[0]), args[1]
    if isinstance(plain, Unknown):
        return Unknown("a number of numpy that nobody knows", interp.here(), plain, number=plain.number)
    if not isinstance(plain, (int, float)):
        return MISSING
    if dtype is None:
        dtype = interp.module_attribute(func.module, "float64" if isinstance(plain, float) else "int64")
    if dtype.__class__ is not ClassObject or dtype.module is not func.module or dtype.name == "bool_":
        return MISSING
    if dtype.native_base is float:
        made = Instance(dtype, float(plain))
    elif dtype.native_base is int and math.isfinite(plain):
        made = Instance(dtype, int(plain))
    else:
        return MISSING
    interp.born(made.attrs)
    return made


def _plain_all(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) == 1 and isinstance(args[0], Unknown):
        return interp.unknown("numbers nobody knows", args[0])
    data = list(map(number, args[0])) if len(args) == 1 and args[0].__class__ is list else [None]
    return interp.make(data) if _OR_UNKNOWN.issuperset(map(type, data)) else MISSING


def _cast(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    data: list[Any] = list(map(number, args[0])) if len(args) == 2 and args[0].__class__ is list else [None]
    kind = dtype = args[-1]
    if dtype.__class__ is ClassObject and dtype.module is func.module:
        kind = bool if dtype.name == "bool_" else dtype.native_base
    if kind not in (bool, int, float) or not _OR_UNKNOWN.issuperset(map(type, data)):
        return MISSING
    if kind is int and not all(isinstance(x, Unknown) or math.isfinite(x) for x in data):
        return MISSING
    return interp.make([x if isinstance(x, Unknown) else kind(x) for x in data])


def _common(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) == 1 and isinstance(args[0], Unknown):
        return interp.unknown("the type of numbers nobody knows", args[0])
    kinds = set(map(type, args[0])) if len(args) == 1 and args[0].__class__ is list else {object}
    if Unknown in kinds and all(map(_is_number, args[0])):
        return interp.unknown("the type of numbers nobody knows", next(x for x in args[0] if isinstance(x, Unknown)))
    if kinds - _NUMBERS:
        return MISSING
    name = "float64" if float in kinds else "bool_" if kinds == {bool} else "int64"
    return interp.module_attribute(func.module, name)


def _alike(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) == 1 and isinstance(args[0], Unknown):
        return args[0]
    kinds = set(map(type, args[0])) if len(args) == 1 and args[0].__class__ is list else {object}
    if Unknown in kinds and all(map(_is_number, args[0])):
        return args[0]
    if kinds - _NUMBERS:
        return MISSING
    return interp.make(list(map(float, args[0]))) if float in kinds and kinds != {float} else args[0]


def _elementwise(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of each element: of something unknown not even its shape is known, of an array of unknown elements that is."""
    lost = next((arg for arg in args[1:] if isinstance(arg, Unknown)), None)
    if lost is None:
        return _of_unknown_elements(interp, args[1:]) if any(_unread(arg) is not None for arg in args[1:]) else MISSING
    alone = all(arg.number if isinstance(arg, Unknown) else number(arg).__class__ in _NUMBERS for arg in args[1:])
    return Unknown("computed by numpy from something unknown", interp.here(), lost, number=alone)


_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}  # fmt: skip


def _zip(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Arithmetic of arrays of the same shape, or of one with a number."""
    found = _elementwise(interp, func, args, kwargs)
    if found is not MISSING or len(args) != 3 or kwargs or (compute := _arithmetic(args[0])) is None:
        return found
    sides = [
        _elements(side) or (([number(side)], ()) if number(side).__class__ in _NUMBERS else None) for side in args[1:]
    ]
    if sides[0] is None or sides[1] is None:
        return MISSING
    (left, first), (right, second) = sides[0], sides[1]
    size = max(len(left), len(right))
    if (first != second and first and second) or not 1 < size <= _MOST or {len(left), len(right)} - {1, size}:
        return MISSING
    left, right = list(map(number, left)), list(map(number, right))
    if not _NUMBERS.issuperset(map(type, (*left, *right))):
        return MISSING
    try:
        data = list(map(compute, left * (size // len(left)), right * (size // len(right))))
    except (ArithmeticError, ValueError):
        return MISSING
    return interp.call(interp.module_attribute(func.module, "ndarray"), (interp.make(data), first or second), {})


def _arithmetic(func: Any) -> Callable[[Any, Any], Any] | None:
    """What ``lambda a, b: a + b`` does."""
    node = func.node if func.__class__ is Function else None
    body = node.body if isinstance(node, ast.Lambda) else None
    if node is None or not isinstance(body, ast.BinOp) or type(body.op) not in _OPERATORS:
        return None
    names = [arg.arg for arg in node.args.args]
    order = [side.id if isinstance(side, ast.Name) else "" for side in (body.left, body.right)]
    compute = _OPERATORS[type(body.op)]
    if order == names:
        return compute
    return (lambda a, b: compute(b, a)) if order == names[::-1] else None


def _unread(value: Any) -> Unknown | None:
    """What stands for the elements of an array of which nobody knows any."""
    data = value.attrs.get("_data") if value.__class__ is Instance and _of_numpy(value) else None
    first = data[0] if data.__class__ is list and data else data
    return first if isinstance(first, Unknown) else None


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or a number, None where it is not known."""
    if number(value).__class__ in _NUMBERS:
        return ()
    shape = value.attrs.get("shape") if value.__class__ is Instance and _of_numpy(value) else None
    return shape if isinstance(shape, tuple) and all(type(size) is int for size in shape) else None


def _of_unknown_elements(interp: Interpreter, operands: tuple[Any, ...]) -> Any:
    """What a function of each element gives for arrays of known shapes; the type of its elements depends on the function."""
    shapes = list(map(_shape, operands))
    if None in shapes:
        lost = next(one for one in map(_unread, operands) if one is not None)
        return interp.unknown("computed by numpy from something unknown", lost)
    try:
        shape = broadcast(*shapes)
    except TorchError:
        return MISSING
    first = next(one for one in operands if _unread(one) is not None)
    return _unread_array(interp, first, shape, interp.unknown("a type that depends on a function of numpy"))


def _unread_array(interp: Interpreter, like: Instance, shape: Any, dtype: Any) -> Instance:
    element, size = _unread(like), math.prod(shape)
    made = Instance(like.cls)
    data = interp.make([element] * size) if size <= MAX_ELEMENTS else element
    made.attrs.update({"_data": data, "shape": shape, "dtype": dtype})
    interp.make(made.attrs)
    return made


def _astype(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 2 or (lost := _unread(args[0])) is None:
        return MISSING
    shape = _shape(args[0])
    if shape is None:
        return interp.unknown("an array of something unknown", lost)
    return _unread_array(interp, args[0], shape, args[1])


WAYS = {
    "numpy:ndarray.astype": _astype,
    "numpy:_flatten": _flatten, "numpy:_common": _common, "numpy:_alike": _alike, "numpy:_plain": _plain,
    "numpy:_as_scalar": _as_scalar, "numpy:_plain_all": _plain_all, "numpy:_cast": _cast, "numpy:_map": _elementwise, "numpy:_zip": _elementwise,
}  # fmt: skip


def _beside(interp: TorchOperations, item: Any, numbers: bool) -> Any:
    return made((), "f32", (item,)) if numbers and type(item) is float else content(interp, item)


def _of_numpy(value: Instance) -> bool:
    return value.cls.module.name == "numpy"


def _odd(value: Any) -> bool:
    return value.__class__ in (Instance, list, tuple, deque)


def _dtype(given: Any) -> str | None:
    if isinstance(given, (ClassObject, NativeType)):
        return _DTYPES.get(given.name)
    return _DTYPES.get(given.__name__ if isinstance(given, type) else given) if isinstance(given, (str, type)) else None
