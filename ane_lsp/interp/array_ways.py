"""What numpy's stub (``torch_model/stubs/numpy``) does with lists of numbers, done at once instead of number by number.

Each way does what the stub's function of the same name does for known numbers and for numbers nobody knows, and declines everything
else, which is then followed as it is written (see :mod:`ane_lsp.interp.fast`). Of an array of unknown things nothing is said.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.arrays import known_shape, number, of_numpy
from ane_lsp.interp.base import MAX_ELEMENTS
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import broadcast

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_NUMBERS = frozenset({bool, int, float})
_OR_UNKNOWN = frozenset({*_NUMBERS, Unknown})
_DEEP = 32  # lists inside of each other
_MOST_UNKNOWN = 200
"""Items of a list that the stub asks, one by one, what they are: of the array nothing is known where they are more."""


def _most(interp: Interpreter, func: Function) -> int:
    """How many elements the stub computes one by one."""
    most: int = interp.load_global("_MOST", func.module)
    return most


def _is_number(value: Any) -> bool:
    """Whether something is a number, which one of them known or not."""
    return number(value).__class__ in _NUMBERS or (value.__class__ is Unknown and bool(value.number))


def _elements(value: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """The elements of an array of numpy, and its shape; None of anything else."""
    if value.__class__ is not Instance or not of_numpy(value):
        return None
    data, shape = value.attrs.get("_data"), known_shape(value)
    return (data, shape) if isinstance(data, list) and shape is not None else None


def _operand(value: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """The same of an array or a number."""
    return ([value], ()) if _is_number(value) else _elements(value)


def _flatten(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1 or kwargs:
        return MISSING
    value = args[0]
    operand = _operand(value)
    if operand is not None:
        return interp.make(list(operand[0])), operand[1]
    if isinstance(value, Unknown):
        return interp.unknown("an array of something unknown", value)
    data: list[Any] = []
    shape = _gathered(list(value) if value.__class__ is range else value, data)
    if shape is not None:
        return interp.make(data), shape
    lost = next((item for item in value if isinstance(item, Unknown)), None) if value.__class__ is list else None
    if lost is not None and len(value) > _MOST_UNKNOWN:
        return interp.unknown("an array of unknown things", lost)
    return MISSING


def _gathered(items: Any, data: list[Any], depth: int = 0) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers and arrays, which are added to `data`; None where they hold something else."""
    if items.__class__ not in (list, tuple) or depth > _DEEP:
        return None
    inner: tuple[int, ...] | None = None
    for item in items:
        shape: tuple[int, ...] | None
        if _is_number(item):
            data.append(number(item))
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
    return plain if plain.__class__ in _OR_UNKNOWN else MISSING


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


def _kinds(args: tuple[Any, ...]) -> set[type]:
    """The types of the elements that a function is given."""
    return set(map(type, args[0])) if len(args) == 1 and args[0].__class__ is list else {object}


def _lost(args: tuple[Any, ...]) -> Unknown | None:
    """What is not known of the elements that a function is given, where these are numbers."""
    data = args[0] if len(args) == 1 else None
    if isinstance(data, Unknown):
        return data
    if Unknown in _kinds(args) and all(map(_is_number, args[0])):
        return next(item for item in args[0] if isinstance(item, Unknown))
    return None


def _common(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    lost, kinds = _lost(args), _kinds(args)
    if lost is not None:
        return interp.unknown("the type of numbers nobody knows", lost)
    if kinds - _NUMBERS:
        return MISSING
    name = "float64" if float in kinds else "bool_" if kinds == {bool} else "int64"
    return interp.module_attribute(func.module, name)


def _alike(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _lost(args) is not None:
        return args[0]
    kinds = _kinds(args)
    if kinds - _NUMBERS:
        return MISSING
    return interp.make(list(map(float, args[0]))) if float in kinds and kinds != {float} else args[0]


def _elementwise(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of each element: of something unknown not even its shape is known, of an array of unknown elements that is."""
    lost = next((arg for arg in args[1:] if isinstance(arg, Unknown)), None)
    if lost is None:
        return _of_unknown_elements(interp, args[1:]) if any(_unread(arg) is not None for arg in args[1:]) else MISSING
    alone = all(map(_is_number, args[1:]))
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
    sides = list(map(_operand, args[1:]))
    if sides[0] is None or sides[1] is None:
        return MISSING
    (left, first), (right, second) = sides[0], sides[1]
    size = max(len(left), len(right))
    if (
        (first != second and first and second)
        or not 1 < size <= _most(interp, func)
        or {len(left), len(right)} - {1, size}
    ):
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
    data = value.attrs.get("_data") if value.__class__ is Instance and of_numpy(value) else None
    first = data[0] if data.__class__ is list and data else data
    return first if isinstance(first, Unknown) else None


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or a number, None where it is not known."""
    if number(value).__class__ in _NUMBERS:
        return ()
    return known_shape(value) if value.__class__ is Instance and of_numpy(value) else None


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
    return _array_of(interp, like, [element] * size if size <= MAX_ELEMENTS else element, shape, dtype)


def _array_of(interp: Interpreter, like: Instance, data: Any, shape: tuple[int, ...], dtype: Any) -> Instance:
    made = Instance(like.cls)
    made.attrs.update({"_data": interp.make(data) if isinstance(data, list) else data, "shape": shape, "dtype": dtype})
    interp.make(made.attrs)
    return made


def _astype(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 2 or (lost := _unread(args[0])) is None:
        return MISSING
    shape = _shape(args[0])
    if shape is None:
        return interp.unknown("an array of something unknown", lost)
    return _unread_array(interp, args[0], shape, args[1])


def _pick(interp: Interpreter, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Basic indexing."""
    if len(args) != 2 or kwargs or args[0].__class__ is not Instance or args[1].__class__ is not tuple:
        return MISSING
    array, parts = args
    elements = _elements(array)
    if elements is None:
        lost = array.attrs.get("_data")
        return interp.unknown("a part of an array of something unknown", lost) if isinstance(lost, Unknown) else MISSING
    data, shape = elements
    free = len(shape) - sum(part is not None and part is not Ellipsis for part in parts)
    if free < 0 or parts.count(Ellipsis) > 1 or not all(map(_is_basic, parts)):
        return MISSING
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    places, taken, axis, most = [0], list[int](), 0, _most(interp, func)
    for part in (*parts[:at], *[slice(None)] * free, *parts[at + 1 :]):
        if part is None:
            taken.append(1)
            continue
        size, step = shape[axis], math.prod(shape[axis + 1 :])
        axis += 1
        if isinstance(part, slice):
            numbers = range(*part.indices(size))
            taken.append(len(numbers))
        elif -size <= part < size:
            numbers = range(part % size, part % size + 1)
        else:
            return MISSING  # which raises
        if len(places) * len(numbers) > most:
            return MISSING
        places = [place + number * step for place in places for number in numbers]
    found = [data[place] for place in places]
    if not taken:
        return interp.call(interp.module_attribute(func.module, "_as_scalar"), (found[0], array.attrs["dtype"]), {})
    return _array_of(interp, array, found, tuple(taken), array.attrs["dtype"])


def _is_basic(part: Any) -> bool:
    bounds = (part.start, part.stop, part.step) if isinstance(part, slice) else ()
    return part is None or part is Ellipsis or type(part) is int or (
        isinstance(part, slice) and part.step != 0 and all(bound is None or type(bound) is int for bound in bounds)
    )  # fmt: skip


WAYS = {
    "numpy:ndarray.astype": _astype, "numpy:ndarray._pick": _pick,
    "numpy:_flatten": _flatten, "numpy:_common": _common, "numpy:_alike": _alike, "numpy:_plain": _plain,
    "numpy:_as_scalar": _as_scalar, "numpy:_plain_all": _plain_all, "numpy:_cast": _cast, "numpy:_map": _elementwise, "numpy:_zip": _elementwise,
}  # fmt: skip
