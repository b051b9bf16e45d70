"""What something may have become that was changed nobody knows how often: like it was, like it is now, or further on that way."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, TensorType, Unknown, dims
from ane_lsp.interp import absent
from ane_lsp.interp.state import join, restore
from ane_lsp.interp.values import MORE, OneOf, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base


def generalise(interp: Base, container: Any, old: Any, lost: Span | None) -> None:
    """Give a container the contents that any number of changes like the one from `old` to its present ones may leave in it."""
    if isinstance(container, (list, deque)):
        before, after = list(old), list(container)
        if len(before) == len(after):
            new = [a if a is b else widened(b, a) for a, b in zip(after, before)]
        elif len(after) > len(before) and all(a is b for a, b in zip(after, before)):
            new = [*before, *absent.any_number(after[len(before) :], join, lost)]
        else:
            new = [absent.several(join([absent.present(item) for item in (*before, *after)]), lost)]
        interp.gaps = True
        restore(container, new)
    elif isinstance(container, dict):
        if any(name not in container for name in old):  # other rounds may take other entries
            for name, value in container.items():
                dict.__setitem__(container, name, value if name == MORE else absent.perhaps(value))
            interp.gaps = True
        for name, value in list(container.items()):
            if name in old and old[name] is not value and name != MORE:
                dict.__setitem__(container, name, widened(old[name], value))


def forget_changes(container: Any, old: Any, reason: str) -> None:
    """Forget what is in a container that was not in it when it had the contents `old`."""
    if isinstance(container, Tensor):
        if container.type != old[0]:
            container.type = TensorType(None, container.type.dtype)
    elif isinstance(container, (list, deque)):
        restore(
            container,
            [item if i < len(old) and item is old[i] else like(item, reason) for i, item in enumerate(container)],
        )
    elif isinstance(container, dict):
        for name, value in list(container.items()):
            if old.get(name) is not value or name not in old:
                dict.__setitem__(container, name, like(value, reason))


def like(item: Any, reason: str) -> Any:
    """An item or entry that is forgotten, absent or not as it was."""
    return absent.like(item, forgotten(absent.present(item), reason))


def forgotten(value: Any, reason: str) -> Any:
    """`value` where nobody knows its number or shape. Modules and what else is one object stay."""
    if isinstance(value, Tensor):
        lost = Tensor(TensorType(None, value.type.dtype), value.origin)
        lost.graph = value.graph
        return lost
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(like(item, reason) for item in value)
    options = value.options if isinstance(value, OneOf) else (value,)
    if any(one is None or isinstance(one, (bool, int, float, str, Tensor, list, tuple, dims.Sym)) for one in options):
        return Unknown(reason)
    return value


def widened(old: Any, new: Any) -> Any:
    """`new`, as far as it holds after any number of changes from `old` on."""
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        if old.type == new.type:
            return new
        wider = Tensor(new.type, new.origin)
        wider.value, wider.graph = new.value, new.graph
        if old.type.shape is not None and new.type.shape is not None and len(old.type.shape) == len(new.type.shape):
            shape = tuple(a if a == b else dims.fresh() for a, b in zip(old.type.shape, new.type.shape))
            wider.type = TensorType(shape, new.type.dtype)
        else:
            wider.type = TensorType(None, new.type.dtype)
        return wider
    if isinstance(new, OneOf) or (isinstance(new, (int, float, dims.Sym)) and new != old):
        return Unknown("changes in a loop that runs nobody knows how often")
    return new
