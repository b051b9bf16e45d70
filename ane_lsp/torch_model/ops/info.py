"""What torch answers about tensors and dtypes in Python values: sizes, ranks, limits, ``item()``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ane_lsp.graph import TORCH_DTYPE, DimLike, Sym, TensorType, Unknown, dims
from ane_lsp.torch_model import constants, lower, promotion
from ane_lsp.torch_model.constants import made, nested
from ane_lsp.torch_model.registry import op
from ane_lsp.torch_model.shapes import broadcast, check_tensor, fail, normalize_dim, shape_of, size_tuple, static

VALUE = lower.python_value


@op("torch.Tensor.size", mil=VALUE)
def size(input: TensorType, dim: Any = None) -> Any:
    """The shape, or one size of it."""
    shape = shape_of(input)
    if dim is None:
        return shape
    if not shape:
        fail("Dimension specified as 0 but tensor has no dimensions")
    return shape[normalize_dim(dim, len(shape))]


def _rank(input: TensorType) -> int:
    return len(shape_of(input))


op("torch.Tensor.dim", "torch.Tensor.ndimension", mil=VALUE)(_rank)


@op("torch.numel", "torch.Tensor.numel", "torch.Tensor.nelement", mil=VALUE)
def numel(input: TensorType) -> DimLike:
    """The number of elements."""
    return dims.product(shape_of(input))


@op("torch.Tensor.__len__", mil=VALUE)
def length(input: TensorType) -> DimLike:
    """The first size."""
    shape = shape_of(input)
    if not shape:
        fail("len() of a 0-d tensor", TypeError)
    return shape[0]


def _untracked(name: str, what: str, function: bool = False) -> None:
    def rule(input: TensorType, *args: Any, **kwargs: Any) -> Any:
        check_tensor(input)
        return Unknown(f"{what} is not tracked")

    op(f"torch.Tensor.{name}", *((f"torch.{name}",) if function else ()), mil=VALUE)(rule)


_untracked("stride", "the memory layout of a tensor")
_untracked("is_contiguous", "the memory layout of a tensor")
_untracked("data_ptr", "the address of a tensor")
_untracked("storage_offset", "the memory layout of a tensor")
_untracked("get_device", "the device of a tensor", function=True)
_untracked("numpy", "the content of a NumPy array")


@op("torch.is_tensor", mil=VALUE)
def is_tensor(obj: Any) -> Any:
    """Whether a value is a tensor."""
    return obj if isinstance(obj, Unknown) else isinstance(obj, TensorType)


def _about_dtype(name: str, answer: Any, function: bool) -> None:
    def rule(input: TensorType) -> Any:
        dtype = check_tensor(input).dtype
        return Unknown("the dtype of the tensor is not known") if dtype is None else answer(dtype)

    op(*((f"torch.{name}",) if function else ()), f"torch.Tensor.{name}", mil=VALUE)(rule)


_about_dtype("is_floating_point", promotion.is_floating, function=True)
_about_dtype("is_complex", promotion.is_complex, function=True)
_about_dtype("is_signed", lambda dtype: dtype not in ("u8", "b8") and dtype not in promotion.UNSIGNED, function=True)
_about_dtype("element_size", lambda dtype: promotion.BITS[dtype] // 8, function=False)


# Values.
def _one_element(input: TensorType, what: str, raises: type[Exception] = RuntimeError) -> Any:
    x = check_tensor(input)
    if x.shape is not None:
        count = dims.product(x.shape)
        if dims.equal(count, 1) is False:
            fail(f"a Tensor with {count} elements cannot be converted to Scalar", raises)
    if x.data is not None and len(x.data) == 1:
        return x.data[0]
    return Unknown(f"{what} depends on the tensor's values")


@op("torch.Tensor.item", mil=VALUE, tags=("sync",))
def item(input: TensorType) -> Any:
    """The Python number in a one-element tensor."""
    return _one_element(input, "item()")


MAX_LISTED = 256
"""Numbers of a tensor of unknown content that are listed one by one."""


@op("torch.Tensor.tolist", mil=VALUE, tags=("sync",))
def tolist(input: TensorType) -> Any:
    """Nested lists of numbers, known ones or not."""
    x = check_tensor(input)
    shape = static(x.shape)
    lost = Unknown("tolist() depends on the tensor's values", number=x.shape == ())
    if shape is not None and x.data is not None:
        return nested(x.data, shape)
    if not shape or math.prod(shape) > MAX_LISTED:
        return lost
    return nested((replace(lost, number=True),) * math.prod(shape), shape)


def _converted(name: str, kind: Any) -> None:
    def rule(input: TensorType) -> Any:
        found = _one_element(input, f"{kind.__name__}() of a tensor", ValueError)
        if isinstance(found, Unknown):
            return found
        if isinstance(found, complex) and kind is not complex:
            fail("value cannot be converted without overflow")
        if kind is int and isinstance(found, float) and (found != found or found in (float("inf"), float("-inf"))):
            fail("cannot convert float infinity or nan to integer", ValueError if found != found else OverflowError)
        return kind(found)

    op(f"torch.Tensor.{name}", mil=VALUE, tags=("sync",))(rule)


_converted("__int__", int)
_converted("__float__", float)
_converted("__complex__", complex)


@op("torch.Tensor.__bool__", "torch.Tensor.is_nonzero", "torch.is_nonzero", mil=VALUE, tags=("sync",))
def boolean(input: TensorType) -> Any:
    """The truth of a one-element tensor."""
    x = check_tensor(input)
    if x.shape is not None and dims.equal(dims.product(x.shape), 1) is False:
        fail("Boolean value of Tensor with more than one value is ambiguous")
    found = _one_element(x, "the truth of a tensor")
    return found if isinstance(found, Unknown) else bool(found)


@op("torch.Tensor.__index__", mil=VALUE, tags=("sync",))
def index(input: TensorType) -> Any:
    """An integer tensor of one element as an index."""
    x = check_tensor(input)
    if x.dtype is not None and not promotion.is_integral(x.dtype, boolean=True):
        fail("only integer tensors of a single element can be converted to an index", TypeError)
    if x.shape is not None and dims.equal(dims.product(x.shape), 1) is False:
        fail("only integer tensors of a single element can be converted to an index", TypeError)
    found = _one_element(x, "an index")
    return found if isinstance(found, Unknown) else int(found)


@op("torch.Tensor.is_same_size", "torch.is_same_size", mil=VALUE)
def is_same_size(input: TensorType, other: TensorType) -> Any:
    """Whether two shapes are equal."""
    left, right = shape_of(input), shape_of(other)
    if len(left) != len(right):
        return False
    answers = [dims.equal(a, b) for a, b in zip(left, right, strict=True)]
    if False in answers:
        return False
    return Unknown("the sizes are not known") if None in answers else True


# Dtypes.
@op("torch.finfo", mil=VALUE)
def finfo(type: Any = promotion.DEFAULT) -> Any:
    """Limits of a float dtype."""
    dtype = promotion.check_dtype(type)
    if dtype is None:
        return Unknown("the dtype is not known")
    found = constants.finfo(dtype, TORCH_DTYPE[promotion.to_real(dtype) or dtype])
    if found is None:
        fail(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{dtype}'", TypeError)
    return found


@op("torch.iinfo", mil=VALUE)
def iinfo(type: Any) -> Any:
    """Limits of an integer dtype."""
    dtype = promotion.check_dtype(type)
    if dtype is None:
        return Unknown("the dtype is not known")
    found = constants.iinfo(dtype, TORCH_DTYPE[dtype])
    if found is None:
        fail(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dtype}'", TypeError)
    return found


@op("torch.result_type", mil=VALUE)
def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The dtype of arithmetic on two tensors or numbers."""
    found = promotion.result_type(tensor1, tensor2)
    return Unknown("a dtype is not known") if found is None else found


@op("torch.promote_types", mil=VALUE)
def promote_types(type1: Any, type2: Any) -> Any:
    """The common dtype of two dtypes."""
    left, right = promotion.check_dtype(type1), promotion.check_dtype(type2)
    return Unknown("a dtype is not known") if left is None or right is None else promotion.promote_types(left, right)


@op("torch.can_cast", mil=VALUE)
def can_cast(from_: Any, to: Any) -> Any:
    """Whether results of one dtype may be stored as another."""
    left, right = promotion.check_dtype(from_), promotion.check_dtype(to)
    return Unknown("a dtype is not known") if left is None or right is None else promotion.can_cast(left, right)


# Shapes.
@op("torch.broadcast_shapes", "torch.functional.broadcast_shapes", mil=VALUE)
def broadcast_shapes(*shapes: Any) -> Any:
    """The common shape of several."""
    found = []
    for shape in shapes:
        sizes = size_tuple((shape,))
        if sizes is None:
            return Unknown("a shape is not known")
        if any(isinstance(extent, int) and extent < 0 for extent in sizes):
            fail("Trying to create tensor with negative dimension")
        found.append(sizes)
    return broadcast(*found)


@op("torch._shape_as_tensor", mil=lower.simple("shape", x="input"))
def shape_as_tensor(input: TensorType) -> TensorType:
    """The shape as an i64 tensor."""
    shape = shape_of(input)
    known = [extent for extent in shape if not isinstance(extent, Sym)]
    return made((len(shape),), "i64", known if len(known) == len(shape) else None)


@op("torch._assert", mil=VALUE)
def assert_(condition: Any, message: Any = "") -> None:
    """Raises where the condition is known to be false."""
    value = constants.value_of(condition)
    if value is not None and not value:
        fail(f"assertion failed: {message}", AssertionError)


@op("torch.Tensor.requires_grad_", mil=lower.alias)
def requires_grad_(input: TensorType, requires_grad: Any = True) -> TensorType:
    """The same tensor: gradients are not tracked."""
    return check_tensor(input)
