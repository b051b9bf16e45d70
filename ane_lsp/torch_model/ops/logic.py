"""Comparisons, logical and bitwise ops, ``where``, closeness and membership."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ane_lsp.graph import TensorType, Unknown, dims
from ane_lsp.torch_model.constants import as_dtype, pointwise
from ane_lsp.torch_model.lower import cast_value, operands
from ane_lsp.torch_model.ops.binary import arithmetic, one_tensor, operand
from ane_lsp.torch_model.ops.selection import nonzero_ops, nonzero_tuple
from ane_lsp.torch_model.promotion import is_complex, is_integral, is_number, result_type
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import check_tensor, fail, tensor_or_unknown

Number = Any


# Comparisons.
def _compare_ops(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x, y = operands(builder, [params["input"], params["other"]])
        if kind in ("equal", "not_equal"):
            x, y = (cast_value(builder, v, "i32") if v.type.dtype == "b8" else v for v in (x, y))
        return builder.emit(kind, {"x": x, "y": y}, {}, out)

    return make


def _comparison(
    names: tuple[str, ...],
    function: Callable[[Number, Number], bool],
    kind: str,
    operators: tuple[str, ...],
    ordered: bool = True,
) -> None:
    def rule(input: TensorType, other: Any, *, out: object = None) -> TensorType:
        x, y = tensor_or_unknown(input), operand(other)
        dtype = result_type(x, y)
        if ordered and dtype is not None and is_complex(dtype):
            fail(f"{names[0]} is not implemented for complex tensors")
        return arithmetic(function, dtype, "b8", x, y)

    plain = [prefix + name for name in names for prefix in ("torch.", "torch.Tensor.")]
    op(
        *plain, *(f"torch.Tensor.{name}" for name in operators),
        inplace=tuple(f"torch.Tensor.{name}_" for name in names), mil=_compare_ops(kind),
    )(rule)  # fmt: skip


_comparison(("eq",), operator.eq, "equal", ("__eq__",), ordered=False)
_comparison(("ne", "not_equal"), operator.ne, "not_equal", ("__ne__",), ordered=False)
_comparison(("lt", "less"), operator.lt, "less", ("__lt__",))
_comparison(("le", "less_equal"), operator.le, "less_equal", ("__le__",))
_comparison(("gt", "greater"), operator.gt, "greater", ("__gt__",))
_comparison(("ge", "greater_equal"), operator.ge, "greater_equal", ("__ge__",))


# Logical ops take any dtype as true or false.
def _logical_ops(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        x, y = (cast_value(builder, params[name], "b8") for name in ("input", "other"))
        return builder.emit(kind, {"x": x, "y": y}, {}, out)

    return make


def _logical(name: str, function: Callable[[bool, bool], bool]) -> None:
    def rule(input: TensorType, other: TensorType, *, out: object = None) -> TensorType:
        x, y = tensor_or_unknown(input), tensor_or_unknown(other, "other")
        return pointwise(lambda a, b: function(bool(a), bool(b)), "b8", x, y)

    op(
        f"torch.{name}", f"torch.Tensor.{name}", inplace=f"torch.Tensor.{name}_", mil=_logical_ops(name)
    )(rule)  # fmt: skip


_logical("logical_and", lambda a, b: a and b)
_logical("logical_or", lambda a, b: a or b)
_logical("logical_xor", lambda a, b: a != b)


# Bitwise ops: coremltools 9.0 converts only `bitwise_and`, and only on bools.
def _and_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x, y = operands(builder, [params["input"], params["other"]], out.dtype)
    return builder.emit("logical_and" if out.dtype == "b8" else "aten.bitwise_and", {"x": x, "y": y}, {}, out)


def _bitwise(
    name: str,
    function: Callable[[int, int], int],
    mil: Lower | None,
    operators: tuple[str, ...],
    stored: tuple[str, ...],
    shift: bool = False,
) -> None:
    def rule(input: Any, other: Any, *, out: object = None) -> TensorType:
        one_tensor(input, other, name)
        x, y = operand(input, "input"), operand(other)
        dtype = result_type(x, y)
        if dtype is not None and not is_integral(dtype, boolean=not shift):
            fail(f"{name} is not implemented for {dtype}")
        return arithmetic(function, dtype, dtype, x, y)

    op(
        f"torch.{name}", f"torch.Tensor.{name}", *(f"torch.Tensor.{o}" for o in operators),
        inplace=(f"torch.Tensor.{name}_", *(f"torch.Tensor.{s}" for s in stored)), mil=mil,
    )(rule)  # fmt: skip


def _left(a: int, b: int) -> int:
    if not 0 <= b < 64:
        raise ValueError("undefined shift")
    return a << b


def _right(a: int, b: int) -> int:
    if not 0 <= b < 64:
        raise ValueError("undefined shift")
    return a >> b


_bitwise("bitwise_and", operator.and_, _and_ops, ("__and__", "__rand__"), ("__iand__",))
_bitwise("bitwise_or", operator.or_, None, ("__or__", "__ror__"), ("__ior__",))
_bitwise("bitwise_xor", operator.xor, None, ("__xor__", "__rxor__"), ("__ixor__",))
_bitwise("bitwise_left_shift", _left, None, (), (), shift=True)
_bitwise("bitwise_right_shift", _right, None, (), (), shift=True)


def _shift_operator(name: str, function: Callable[[int, int], int], reflected: bool) -> None:
    """``x << n``: unlike bitwise_left_shift these also take floats (``x * 2 ** n``)."""

    def rule(input: TensorType, other: Any) -> TensorType:
        x, y = tensor_or_unknown(input), operand(other)
        dtype = result_type(x, y)
        if dtype is None or not is_integral(dtype):
            return TensorType(pointwise(None, dtype, x, y).shape, None if dtype != "b8" else "b8")
        return arithmetic(function, dtype, dtype, *((y, x) if reflected else (x, y)))

    stored = () if reflected else (f"torch.Tensor.__i{name}__",)
    op(f"torch.Tensor.__{'r' if reflected else ''}{name}__", inplace=stored)(rule)


for _name, _function in (("lshift", _left), ("rshift", _right)):
    _shift_operator(_name, _function, reflected=False)
    _shift_operator(_name, _function, reflected=True)


# where.
def _select(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    if params.get("input") is None:
        return nonzero_ops(builder, params["condition"], out)
    a, b = operands(builder, [params["input"], params["other"]], out.dtype)
    return builder.emit("select", {"cond": cast_value(builder, params["condition"], "b8"), "a": a, "b": b}, {}, out)


def _choose(condition: Any, x: Any, y: Any) -> TensorType:
    cond = tensor_or_unknown(condition, "condition")
    if cond.dtype not in (None, "b8", "u8"):
        fail(f"where expected condition to be a boolean tensor, but got a tensor with dtype {cond.dtype}")
    dtype = result_type(x, y)
    if cond.shape is None or any(isinstance(one, Unknown) and not one.number for one in (x, y)):
        return TensorType(None, dtype)

    def pick(c: Number, a: Number, b: Number) -> Number:
        return as_dtype(a if c else b, dtype) if dtype is not None else None

    return pointwise(pick, dtype, cond, x, y)


@op("torch.where", mil=_select, tags=("data-dependent",))
def where(condition: TensorType, input: Any = None, other: Any = None, *, out: object = None) -> Any:
    """Elements of `input` where `condition` is true, else of `other`; with the condition alone, its true indices."""
    if input is None and other is None:
        return nonzero_tuple(condition)
    if input is None or other is None:
        fail("where(): both or neither of 'input' and 'other' must be given", TypeError)
    return _choose(condition, operand(input, "input"), operand(other))


@op("torch.Tensor.where", mil=_select)
def tensor_where(input: TensorType, condition: TensorType, other: Any) -> TensorType:
    """``torch.where(condition, self, other)``."""
    return _choose(condition, tensor_or_unknown(input), operand(other))


# Closeness and membership.
def _close(rtol: Any, atol: Any, equal_nan: Any) -> Callable[[Number, Number], bool]:
    def evaluate(a: Number, b: Number) -> bool:
        if a == b:
            return True
        if a != a or b != b:
            return bool(equal_nan) and a != a and b != b
        return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= atol + rtol * abs(b)

    return evaluate


def _isclose(input: Any, other: Any, rtol: Any, atol: Any, equal_nan: Any) -> TensorType:
    x, y = tensor_or_unknown(input), tensor_or_unknown(other, "other")
    if x.dtype is not None and y.dtype is not None and x.dtype != y.dtype:
        fail(f"{x.dtype} did not match {y.dtype}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if is_number(value) and value < 0:
            fail(f"{name} must be greater than or equal to zero, but got {value}")
    return pointwise(_close(rtol, atol, equal_nan), "b8", x, y)


@op("torch.isclose", "torch.Tensor.isclose")
def isclose(
    input: TensorType, other: TensorType, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> TensorType:
    """Elementwise closeness."""
    return _isclose(input, other, rtol, atol, equal_nan)


@op("torch.allclose", "torch.Tensor.allclose", tags=("sync",))
def allclose(
    input: TensorType, other: TensorType, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """A Python bool."""
    found = _isclose(input, other, rtol, atol, equal_nan)
    return all(found.data) if found.data is not None else Unknown("torch.allclose depends on values")


@op("torch.equal", "torch.Tensor.equal", tags=("sync",))
def equal(input: TensorType, other: TensorType) -> Any:
    """A Python bool: same shape and elements."""
    x, y = check_tensor(input), check_tensor(other, "other")
    if x.shape is not None and y.shape is not None:
        if len(x.shape) != len(y.shape):
            return False
        if any(dims.equal(a, b) is False for a, b in zip(x.shape, y.shape, strict=True)):
            return False
    if x.data is None or y.data is None:
        return Unknown("torch.equal depends on values")
    return all(a == b for a, b in zip(x.data, y.data, strict=True))


@op("torch.isin")
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: object = None
) -> TensorType:
    """Whether each element is among the test elements."""
    if is_number(elements) and is_number(test_elements):
        fail("isin(): at least one argument must be a Tensor")
    x, tests = operand(elements, "elements"), operand(test_elements, "test_elements")
    if isinstance(x, Unknown):
        return TensorType(None, "b8")
    if is_number(x):
        return TensorType((), "b8")
    members = tests.data if isinstance(tests, TensorType) else (tests,) if isinstance(tests, (int, float)) else None
    if members is None:
        return TensorType(x.shape, "b8")
    return pointwise(lambda v: (v in members) != bool(invert), "b8", x)
