"""Shape arithmetic that many torch ops share: dimension arguments, broadcasting, sizes given as ``*size``.

Sizes are ``int | Sym``; a shape of None means that even the rank is unknown. Where torch's answer depends on what a
symbol stands for, torch is assumed to accept the call: an error is raised only where the sizes provably do not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, dims
from ane_lsp.torch_model.registry import TorchError


class Undetermined(Exception):
    """An argument that decides the result is unknown; `OpDecl.infer` turns it into an `Unknown`."""


def may_be_anything(value: Any) -> bool:
    """Whether a tensor stands for the unknown result of an operation, which may be no tensor: several, or a text."""
    return isinstance(value, TensorType) and value.shape is None and value.dtype is None


def fail(message: str, raises: type[Exception] = RuntimeError) -> NoReturn:
    """torch raises here, an exception of the kind `raises`."""
    raise TorchError(message, raises)


def kind_of(value: Any) -> str:
    """The type of an argument, as torch's messages name it."""
    return "Tensor" if isinstance(value, TensorType) else type(value).__name__


def is_size(value: object) -> bool:
    """Whether `value` is an int or a symbolic size (a bool is not)."""
    return isinstance(value, Sym) or (isinstance(value, int) and not isinstance(value, bool))


def rank_of(tensor: TensorType) -> int:
    """The rank. Raises Undetermined where it is unknown."""
    return len(shape_of(tensor))


def shape_of(tensor: Any) -> Shape:
    """The shape. Raises Undetermined where it is unknown, TorchError where `tensor` is not a tensor."""
    check_tensor(tensor)
    if tensor.shape is None:
        raise Undetermined("a tensor of unknown shape")
    return tensor.shape  # type: ignore[no-any-return]


def check_tensor(value: Any, name: str = "input") -> TensorType:
    """`value` if it is a tensor. Raises Undetermined for an unknown, TorchError for anything else."""
    if isinstance(value, TensorType):
        return value
    if isinstance(value, Unknown):
        raise Undetermined(value.reason)
    fail(f"argument '{name}' must be Tensor, not {kind_of(value)}", TypeError)


def as_int(value: Any, name: str = "dim") -> int:
    """A plain int argument. Raises Undetermined where it is not known, TorchError where torch takes no such value."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (Unknown, Sym)):
        raise Undetermined(f"'{name}' is not known")
    if isinstance(value, TensorType):
        if value.dtype is not None and value.dtype[0] not in "iu":
            fail(f"argument '{name}' must be int, not a {value.dtype} Tensor", TypeError)
        if value.data is not None and len(value.data) == 1:
            return int(value.data[0].real)
        raise Undetermined(f"'{name}' depends on values")
    fail(f"argument '{name}' must be int, not {kind_of(value)}", TypeError)


def as_size(value: Any, name: str = "size") -> DimLike:
    """A size argument: an int, a symbol, a 0-d integer tensor; an unknown becomes a fresh size."""
    if isinstance(value, Sym):
        return value
    if isinstance(value, Unknown):
        return dims.fresh()
    try:
        return as_int(value, name)
    except Undetermined:
        return dims.fresh()


def size_tuple(sizes: tuple[Any, ...], name: str = "size") -> Shape | None:
    """The sizes of a ``*size`` parameter, given as ``f(2, 3)``, ``f((2, 3))`` or ``f(size=[2, 3])``.

    None where the argument is an unknown that may be a whole tuple.
    """
    if len(sizes) == 1:
        only = sizes[0]
        if isinstance(only, (tuple, list)):
            sizes = tuple(only)
        elif isinstance(only, Unknown):
            return None
    return tuple(as_size(size, name) for size in sizes)


def int_tuple(value: Any, name: str = "dim") -> tuple[int, ...]:
    """``dim=1`` or ``dim=(1, 2)`` as a tuple."""
    if isinstance(value, (tuple, list)):
        return tuple(as_int(item, name) for item in value)
    return (as_int(value, name),)


def normalize_dim(dim: Any, rank: int) -> int:
    """`dim` counted from the front. A 0-d tensor accepts 0 and -1. Raises TorchError where it is out of range."""
    index = as_int(dim)
    span = max(rank, 1)
    if not -span <= index < span:
        fail(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {index})", IndexError)
    return index % span


def normalize_dims(dim: Any, rank: int) -> tuple[int, ...]:
    """One or several dims counted from the front, in the order given; None means all.

    Raises TorchError where one is out of range or comes twice.
    """
    if dim is None:
        return tuple(range(rank))
    found = tuple(normalize_dim(d, rank) for d in int_tuple(dim))
    if len(set(found)) != len(found):
        fail(f"dim {next(d for d in found if found.count(d) > 1)} appears multiple times in the list of dims")
    return found


def reduced(shape: Shape | None, axes: Iterable[int], keepdim: bool) -> Shape | None:
    """`shape` without `axes` (or with size 1 there)."""
    if shape is None:
        return None
    gone = set(axes)
    if keepdim:
        return tuple(1 if i in gone else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in gone)


def broadcast_size(left: DimLike, right: DimLike) -> DimLike:
    """The size two sizes broadcast to.

    Where it depends on the symbols: the side that is provably above 1, the known one of two that must be equal, the
    simpler of two expressions over named symbols; a fresh size where one of them is not known.
    """
    if left is right or left == right or right == 1:
        return left
    if left == 1:
        return right
    if isinstance(left, int) and isinstance(right, int):
        fail(f"The size of tensor a ({left}) must match the size of tensor b ({right})")
    if left == 0 or right == 0:
        if dims.less(1, right if left == 0 else left):
            fail(f"The size of tensor a ({left}) must match the size of tensor b ({right})")
        return 0
    left_above, right_above = dims.less(1, left) is True, dims.less(1, right) is True
    if left_above and right_above:
        if dims.equal(left, right) is False:
            fail(f"The size of tensor a ({left}) must match the size of tensor b ({right})")
        return better_known(left, right)
    if left_above:
        return left
    if right_above:
        return right
    # Two symbolic sizes: torch wants them equal unless one is 1, and a symbol is not taken to be 1 (nor does torch.export).
    known = [size for size in (left, right) if dims.is_known(size)]
    return min(known, key=lambda size: len(str(size))) if len(known) == 2 else dims.fresh()


def better_known(left: DimLike, right: DimLike) -> DimLike:
    """Of two sizes that must be equal, the one that says more."""
    if isinstance(left, int) or not isinstance(right, Sym):
        return left if isinstance(left, int) else right
    return right if right.is_known and not left.is_known else left


def broadcast(*shapes: Shape | None) -> Shape | None:
    """The common shape; None where one is of unknown rank. Raises TorchError where sizes provably do not fit."""
    result: Shape = ()
    unknown = False
    for shape in shapes:
        if shape is None:
            unknown = True
            continue
        if len(shape) > len(result):
            result = shape[: len(shape) - len(result)] + tuple(
                broadcast_size(a, b) for a, b in zip(result, shape[len(shape) - len(result) :], strict=True)
            )
        else:
            lead = len(result) - len(shape)
            result = result[:lead] + tuple(broadcast_size(a, b) for a, b in zip(result[lead:], shape, strict=True))
    return None if unknown else result


def broadcast_to(shape: Shape | None, target: Shape | None) -> Shape | None:
    """`target`, checked: `shape` must broadcast to exactly it (as for in-place ops and ``expand``)."""
    if shape is None or target is None:
        return target
    if len(shape) > len(target):
        fail(f"output with shape {list(target)} doesn't match the broadcast shape {list(shape)}")
    for have, want in zip(shape, target[len(target) - len(shape) :], strict=True):
        if have != 1 and dims.equal(have, want) is False and (isinstance(have, int) or dims.less(1, have)):
            fail(f"The expanded size of the tensor ({want}) must match the existing size ({have})")
    return target


def check_same_size(left: DimLike, right: DimLike, message: str, raises: type[Exception] = RuntimeError) -> DimLike:
    """Two sizes torch wants equal: the better known one. Raises TorchError(message) where they provably differ."""
    if dims.equal(left, right) is False:
        fail(f"{message} ({left} and {right})", raises)
    return better_known(left, right)


def same_shape(left: Shape | None, right: Shape | None, message: str = "sizes do not match") -> Shape | None:
    """Two shapes torch wants equal, merged. Raises TorchError where they provably differ."""
    if left is None or right is None:
        return right if left is None else left
    if len(left) != len(right):
        fail(f"{message} ({list(left)} and {list(right)})")
    return tuple(check_same_size(a, b, message) for a, b in zip(left, right, strict=True))


def same_rank(shape: Shape | None, tensor: TensorType) -> bool:
    """Whether both ranks are known and equal."""
    return shape is not None and tensor.shape is not None and len(shape) == len(tensor.shape)


def static(shape: Shape | None) -> tuple[int, ...] | None:
    """The shape where every size is an int, else None."""
    if shape is None or any(not isinstance(size, int) for size in shape):
        return None
    return tuple(int(size) for size in shape)  # type: ignore[arg-type]


def strides(shape: Sequence[DimLike]) -> Shape:
    """Strides of a contiguous tensor, in elements."""
    out: list[DimLike] = []
    step: DimLike = 1
    for size in reversed(shape):
        out.append(step)
        step = step * (size if isinstance(size, Sym) else max(size, 1))
    return tuple(reversed(out))


def tensor_or_unknown(value: Any, name: str = "input") -> TensorType:
    """The tensor; for an unknown argument a tensor nothing is known about. Raises TorchError for anything else."""
    if isinstance(value, TensorType):
        return value
    if isinstance(value, Unknown):
        return TensorType(None, None)
    fail(f"argument '{name}' must be Tensor, not {kind_of(value)}", TypeError)


def has_elements(shape: Shape | None) -> bool:
    """Whether there is provably an element. torch misses a kernel for a dtype only where it has to run it."""
    return shape is not None and dims.lower_bound(dims.product(shape)) > 0
