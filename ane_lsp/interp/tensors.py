"""The tensors in what calls are given and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ane_lsp.graph import Unknown, dims
from ane_lsp.interp import absent
from ane_lsp.interp.values import Instance, OneOf, Tensor


def tensors_in(value: Any, seen: set[int] | None = None) -> Iterator[Tensor]:
    """The tensors in nested containers; each container once, for one may hold itself or another many times over."""
    if isinstance(value, Tensor):
        yield value
        return
    if isinstance(value, Unknown):
        value = value.item
        if isinstance(value, Tensor):
            yield value
            return
    if not isinstance(value, (tuple, list, dict, Instance, OneOf)):
        return
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, OneOf):
        if absent.optional(value):
            yield from tensors_in(absent.present(value), seen)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item, seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, seen)
    elif isinstance(value, Instance) and not isinstance(value.data, BaseException) and "_modules" not in value.attrs:
        for item in [*(value.attrs.values())][:64]:
            if isinstance(item, (Tensor, tuple, list)):
                yield from tensors_in(item, seen)
        if isinstance(value.data, (dict, list, tuple)):
            yield from tensors_in(value.data, seen)


def has_one_element(tensor: Tensor) -> bool | None:
    """Whether a tensor holds a single number; None where that is not known."""
    shape = tensor.type.shape
    return None if shape is None else dims.equal(dims.product(shape), 1)


__all__ = ["has_one_element", "tensors_in"]
