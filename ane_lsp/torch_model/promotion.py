"""torch's dtype rules: categories, promotion of operands, default results.

Facts: https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc ; the table equals
``torch.promote_types`` of torch 2.13 (a test compares every pair).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from ane_lsp.graph import DTYPES, Sym, TensorType, Unknown
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import kind_of, may_be_anything

DEFAULT = "f32"
COMPLEX = frozenset({"c32", "c64", "c128"})
FLOAT8 = frozenset({"f8e4m3fn", "f8e5m2"})
FLOATING = frozenset({"f16", "bf16", "f32", "f64"}) | FLOAT8
UNSIGNED = frozenset({"u16", "u32", "u64"})
INTEGRAL = frozenset({"u8", "i8", "i16", "i32", "i64"}) | UNSIGNED
BITS = {
    "b8": 8, "u8": 8, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "u16": 16, "u32": 32, "u64": 64, "f16": 16, "bf16": 16,
    "f32": 32, "f64": 64, "c32": 32, "c64": 64, "c128": 128, "f8e4m3fn": 8, "f8e5m2": 8, "q8": 8, "qu8": 8, "q32": 32,
}  # fmt: skip
_TO_COMPLEX = {"f16": "c32", "bf16": "c64", "f32": "c64", "f64": "c128"}
_TO_REAL = {"c32": "f16", "c64": "f32", "c128": "f64"}
_SIGNED = ("i8", "i16", "i32", "i64")


def is_floating(dtype: str) -> bool:
    """``Tensor.is_floating_point``."""
    return dtype in FLOATING


def is_complex(dtype: str) -> bool:
    """``Tensor.is_complex``."""
    return dtype in COMPLEX


def is_integral(dtype: str, *, boolean: bool = False) -> bool:
    """An integer dtype; with `boolean` True also ``b8``."""
    return dtype in INTEGRAL or (boolean and dtype == "b8")


def promote_types(left: str, right: str) -> str:
    """``torch.promote_types``. Raises TorchError where torch has no common dtype."""
    if left == right:
        return left
    for a, b in ((left, right), (right, left)):
        if a == "b8" and (b in FLOATING - FLOAT8 or b in COMPLEX or b in INTEGRAL - UNSIGNED):
            return b
        if a in COMPLEX:
            if b in COMPLEX:
                return a if BITS[a] > BITS[b] else b
            if b in _TO_COMPLEX:
                other = _TO_COMPLEX[b]
                return a if BITS[a] >= BITS[other] else other
            if b in INTEGRAL - UNSIGNED:
                return a
        if a in FLOATING - FLOAT8:
            if b in INTEGRAL:
                return a
            if b in FLOATING - FLOAT8:
                return "f32" if {a, b} == {"f16", "bf16"} else a if BITS[a] > BITS[b] else b
        if a == "u8" and b in _SIGNED:
            return "i16" if b == "i8" else b
    if left in _SIGNED and right in _SIGNED:
        return left if BITS[left] > BITS[right] else right
    raise TorchError(f"Promotion for {left} and {right} is not supported")


def to_complex(dtype: str) -> str:
    """The complex dtype whose parts have `dtype`."""
    return _TO_COMPLEX.get(dtype, dtype if dtype in COMPLEX else "c64")


def to_real(dtype: str | None) -> str | None:
    """The dtype of real parts."""
    return None if dtype is None else _TO_REAL.get(dtype, dtype)


def scalar_dtype(value: object) -> str | None:
    """The dtype torch gives a Python number: bool, int, float, complex (None for anything else)."""
    if isinstance(value, bool):
        return "b8"
    if isinstance(value, (int, Sym)):
        return "i64"
    if isinstance(value, float):
        return DEFAULT
    return to_complex(DEFAULT) if isinstance(value, complex) else None


def is_number(value: object) -> bool:
    """A Python number or a symbolic size."""
    return isinstance(value, (bool, int, float, complex, Sym))


def is_unknown_number(value: object) -> bool:
    """A Python number whose value is not known."""
    return isinstance(value, Unknown) and bool(value.number)


def _promote(left: str | None, right: str | None) -> str | None:
    return (left or right) if left is None or right is None else promote_types(left, right)


def _combine(higher: str | None, lower: str | None) -> str | None:
    if higher is None or lower is None:
        return higher or lower
    if higher in COMPLEX:
        return higher
    if higher in FLOATING:
        return to_complex(higher) if lower in COMPLEX else higher
    if higher == "b8" or lower in FLOATING or lower in COMPLEX:
        return promote_types(higher, lower)
    return higher


def _result_type(operands: Iterable[tuple[str, str]]) -> str:
    """`operands` are (group, dtype) with group ``"dim"``, ``"zero"`` (0-d tensor) or ``"number"``."""
    groups: dict[str, str | None] = {"dim": None, "zero": None, "number": None}
    for group, dtype in operands:
        groups[group] = _promote(groups[group], dtype)
    found = _combine(groups["dim"], _combine(groups["zero"], groups["number"]))
    if found is None:
        raise TorchError("at least one operand is needed")
    return found


def result_type(*operands: Any) -> str | None:
    """``torch.result_type`` for any number of tensors and Python numbers; None where it is not known.

    Tensors of unknown rank are tried as 0-d and as dimensioned: the answer is given where both agree. Raises TorchError
    where torch has no common dtype.
    """
    choices: list[list[tuple[str, str]]] = []
    for operand in operands:
        if isinstance(operand, TensorType):
            if operand.dtype is None:
                return None
            groups = ("zero", "dim") if operand.shape is None else ("dim",) if operand.shape else ("zero",)
            choices.append([(group, operand.dtype) for group in groups])
        elif operand is None:
            continue
        elif isinstance(operand, Unknown):
            if operand.number is float:
                choices.append([("number", DEFAULT)])
            elif not (operand.number and any(_floating(other) for other in operands)):
                return None
        else:
            dtype = scalar_dtype(operand)
            if dtype is None:
                raise TorchError(f"unsupported operand of type {kind_of(operand)}", TypeError)
            choices.append([("number", dtype)])
    found = {_result_type(choice) for choice in product(*choices)}
    return found.pop() if len(found) == 1 else None


def _floating(operand: Any) -> bool:
    """Whether a tensor's dtype stays what it is beside any real number."""
    return (
        isinstance(operand, TensorType) and operand.dtype is not None and not is_integral(operand.dtype, boolean=True)
    )


def float_result(dtype: str | None) -> str | None:
    """The dtype of true division, ``exp``, ``sqrt``, ``mean`` of integers: the default float; others keep theirs."""
    return DEFAULT if dtype is not None and is_integral(dtype, boolean=True) else dtype


def sum_result(dtype: str | None) -> str | None:
    """The dtype of ``sum``, ``prod``, ``cumsum``: integers and bools give i64, others keep theirs."""
    return "i64" if dtype is not None and is_integral(dtype, boolean=True) else dtype


def can_cast(source: str, target: str) -> bool:
    """``torch.can_cast``: whether an in-place result of dtype `source` may be stored as `target`."""

    def category(dtype: str) -> int:
        return 0 if dtype == "b8" else 3 if dtype in COMPLEX else 2 if dtype in FLOATING else 1

    return category(source) <= category(target)


# Those that torch knows, and the names that devices of others are registered under.
DEVICE_TYPES = frozenset(
    [
        "cpu",
        "cuda",
        "ipu",
        "xpu",
        "mkldnn",
        "opengl",
        "opencl",
        "ideep",
        "hip",
        "ve",
        "fpga",
        "maia",
        "xla",
        "lazy",
        "vulkan",
        "mps",
        "meta",
        "hpu",
        "mtia",
        "privateuseone",
        "npu",
    ]
)


def check_dtype(dtype: Any) -> str | None:
    """A ``dtype=`` argument: a short name, None where not given or not known. Raises TorchError for anything else."""
    if dtype is None or isinstance(dtype, Unknown) or may_be_anything(dtype):
        return None
    if isinstance(dtype, str) and dtype in DTYPES:
        return dtype
    raise TorchError(
        f"argument 'dtype' must be torch.dtype, not {dtype if isinstance(dtype, TensorType) else repr(dtype)}",
        TypeError,
    )
