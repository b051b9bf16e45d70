"""Data classes that cost little to define.

``dataclasses`` writes source for each method of each class and compiles it: a millisecond a class, which was a quarter of
what a short command takes. Here only ``__init__`` is made that way. Comparison, hash, text and state for pickling are functions
over the fields that give the same. That nobody assigns to a frozen class is left to the type checker.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, slots=False):
        """``dataclasses.dataclass`` with these options."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, eq=eq, slots=slots)
        given = vars(cls)
        own_hash = "__hash__" in given and not (given["__hash__"] is None and "__eq__" in given)
        methods: dict[str, Any] = {}
        made = dataclasses.dataclass(cls, eq=False, repr=False, slots=slots)
        fields = dataclasses.fields(made)
        methods["__repr__"] = _shown_by([f.name for f in fields if f.repr])
        if eq:
            methods["__eq__"] = _equal_by(_values([f.name for f in fields if f.compare]))
        if frozen and slots:
            methods["__getstate__"] = _values([f.name for f in fields])
            methods["__setstate__"] = _restored_by([f.name for f in fields])
        for name, method in methods.items():
            if name not in given:
                method.__qualname__ = f"{made.__qualname__}.{name}"
                setattr(made, name, method)
        if eq and not own_hash:
            hashed = _values([f.name for f in fields if (f.compare if f.hash is None else f.hash)])
            made.__hash__ = (lambda self: hash(hashed(self))) if frozen else None
        return made


def _values(names: list[str]) -> Any:
    """A function from an object to these attributes as a tuple."""
    if not names:
        return lambda self: ()
    get = attrgetter(*names)
    return (lambda self: get(self)) if len(names) > 1 else (lambda self: (get(self),))


def _equal_by(values: Any) -> Any:
    def equal(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return equal


def _shown_by(names: list[str]) -> Any:
    @recursive_repr()
    def shown(self: Any) -> str:
        return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return shown


def _restored_by(names: list[str]) -> Any:
    def restored(self: Any, state: Any) -> None:
        for name, value in zip(names, state):
            setattr(self, name, value)

    return restored


__all__ = ["dataclass"]
