"""What subscripts of tensors say of themselves."""

from __future__ import annotations

from typing import TypeGuard


def from_front(key: object) -> TypeGuard[tuple[object, ...]]:
    """Whether a subscript is a tuple of slices that begin at the front, and of ``...``: of one that keeps everything torch.export makes
    a node of its own (seen with torch 2.13)."""
    return isinstance(key, tuple) and all(part is Ellipsis or _begins_there(part) for part in key)


def _begins_there(part: object) -> bool:
    return isinstance(part, slice) and (part.start is None or (isinstance(part.start, int) and part.start == 0))
