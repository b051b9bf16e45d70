"""Arguments as torch takes them: size lists spread over positional arguments, per-axis settings, lists of tensors.

Rules see what the interpreter has: numbers, :class:`Sym`, :class:`Unknown`, types of tensors. These helpers turn them
into sizes, an unknown one into ``dims.fresh()``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ane_lsp.graph import Shape, Sym, TensorType, Unknown, dims
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import Undetermined, as_size, fail, kind_of, may_be_anything

Rule = Callable[..., Any]
Fold = Callable[[tuple[Any, ...]], tuple[Any, ...]]


class _FoldingSignature(inspect.Signature):
    """A signature that rearranges positional arguments before it binds them. position: of the parameter that is made a list of."""

    __slots__ = ("fold", "position")
    fold: Fold
    position: int

    def bind(self, *args: Any, **kwargs: Any) -> inspect.BoundArguments:
        return super().bind(*self.fold(args), **kwargs)


def _folding(rule: Rule, fold: Fold, position: int) -> Rule:
    @functools.wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        return rule(*fold(args), **kwargs)

    plain = inspect.signature(rule)
    signature = _FoldingSignature(list(plain.parameters.values()), return_annotation=plain.return_annotation)
    signature.fold, signature.position = fold, position
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def spread(parameter: str) -> Callable[[Rule], Rule]:
    """``x.view(2, 3)`` as well as ``x.view((2, 3))``: `parameter` is a list that may stand as separate arguments.

    torch does so for methods whose only positional argument is a list of ints. The bound parameter is always the list.
    """

    def decorate(rule: Rule) -> Rule:
        position = list(inspect.signature(rule).parameters).index(parameter)

        def fold(args: tuple[Any, ...]) -> tuple[Any, ...]:
            rest = args[position:]
            if not rest or (len(rest) == 1 and isinstance(rest[0], (tuple, list, str, Unknown))):
                return args
            return (*args[:position], rest)

        return _folding(rule, fold, position)

    return decorate


def spread_tensors(rule: Rule) -> Rule:
    """``meshgrid(a, b)`` as well as ``meshgrid([a, b])``: the first parameter is a list of tensors."""

    def fold(args: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(args) == 1 and isinstance(args[0], (tuple, list, Unknown)):
            return args
        return (args,)

    return _folding(rule, fold, 0)


def tensor_result(rule: Rule) -> Rule:
    """A tensor of unknown shape where the rule finds that an argument which decides the shape is not known."""

    @functools.wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return rule(*args, **kwargs)
        except Undetermined:
            first = args[0] if args else next(iter(kwargs.values()), None)
            return TensorType(None, first.dtype if isinstance(first, TensorType) else None)

    return call


def promoted_result(rule: Rule) -> Rule:
    """The same for rules whose dtype is not that of the first argument: an unknown shape comes with an unknown dtype."""

    @functools.wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return rule(*args, **kwargs)
        except Undetermined:
            return TensorType(None, None)

    return call


def sizes_of(value: Any, what: str = "size") -> Shape:
    """A list of sizes; a single number is a list of one. Raises Undetermined where not even its length is known."""
    if isinstance(value, Unknown):
        raise Undetermined(value.reason)
    if isinstance(value, (tuple, list)):
        return tuple(as_size(item, what) for item in value)
    if isinstance(value, TensorType) and value.rank != 0:
        if value.data is not None and value.rank == 1:
            return tuple(int(item.real) for item in value.data)
        if value.shape is not None and len(value.shape) == 1 and isinstance(value.shape[0], int):
            return tuple(dims.fresh() for _ in range(value.shape[0]))
        raise Undetermined(f"'{what}' depends on values")
    return (as_size(value, what),)


def per_axis(value: Any, count: int, what: str) -> Shape:
    """A setting such as a stride: one number for all `count` axes, or one per axis. Unknown ones become fresh sizes."""
    try:
        found = sizes_of(value, what)
    except Undetermined:
        return tuple(dims.fresh() for _ in range(count))
    if len(found) == 1:
        return found * count
    if len(found) != count:
        fail(f"expected {what} to be a single integer value or a list of {count} values, but got {list(found)}")
    return found


def at_least(sizes: Shape, bound: int, what: str) -> Shape:
    """`sizes`, refused where one is provably below `bound`."""
    for size in sizes:
        if dims.less(size, bound):
            fail(f"{what} must be at least {bound}, but got {size}")
    return sizes


def truth(value: Any) -> bool | None:
    """A flag; None where it is unknown."""
    if isinstance(value, (Unknown, Sym)):
        return None
    if isinstance(value, TensorType):
        return bool(value.data[0]) if value.data is not None and len(value.data) == 1 else None
    return bool(value)


def number(value: Any) -> float | None:
    """A real number; None where it is unknown. Raises TorchError for anything that is not a number."""
    if isinstance(value, (Unknown, Sym)):
        return None
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, TensorType):
        return float(value.data[0].real) if value.data is not None and len(value.data) == 1 else None
    raise TorchError(f"must be real number, not {kind_of(value)}", TypeError)


def tensors_in(value: Any, what: str = "tensors") -> list[TensorType]:
    """A list of tensors, unknown elements as tensors nothing is known about.

    Raises Undetermined where the list itself is unknown, TorchError where it is not a list of tensors.
    """
    if isinstance(value, Unknown):
        raise Undetermined(value.reason)
    if may_be_anything(value):
        raise Undetermined("it is not known what tensors these are")
    if not isinstance(value, (tuple, list)):
        kind = "Tensor" if isinstance(value, TensorType) else type(value).__name__
        fail(f"argument '{what}' must be tuple of Tensors, not {kind}", TypeError)
    found: list[TensorType] = []
    for item in value:
        if not isinstance(item, (TensorType, Unknown)):
            fail(f"expected Tensor as element of argument '{what}', but got {kind_of(item)}", TypeError)
        found.append(item if isinstance(item, TensorType) else TensorType(None, None))
    return found


def optional_tensor(value: Any, what: str) -> TensorType | None:
    """A tensor argument that may be None or unknown (both: None). Raises TorchError for anything else."""
    if value is None or isinstance(value, Unknown):
        return None
    if not isinstance(value, TensorType):
        fail(f"argument '{what}' must be Tensor, not {kind_of(value)}", TypeError)
    return value
