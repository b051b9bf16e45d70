"""What follows from the bases of a class: the order in which they are searched, what instances carry and are for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ane_lsp.interp.support import DefaultDict
from ane_lsp.interp.values import ClassMethod, ClassObject, Function, ModuleObject, NativeType, StaticMethod


def functions_of(modules: Iterable[ModuleObject], paths: Collection[str]) -> Iterator[Function]:
    """The functions that names of some files and attributes of their classes stand for, in each module that was made of one, as it may be
    imported under another name."""
    for module in modules:
        for value in module.namespace.values() if module.path in paths else ():
            own = isinstance(value, ClassObject) and value.module is module
            for item in value.namespace.values() if own else (value,):
                item = item.func if isinstance(item, (StaticMethod, ClassMethod)) else item
                if isinstance(item, Function) and item.module is module:
                    yield item


def mro_of(base: Any) -> list[Any]:
    """A base and what is searched after it, ``object`` left out."""
    if isinstance(base, ClassObject):
        return list(base.mro)
    if isinstance(base, type):
        return [c for c in base.__mro__ if c is not object]
    if isinstance(base, NativeType):
        chain: list[Any] = [base]
        parent = base.base
        while isinstance(parent, NativeType):
            chain.append(parent)
            parent = parent.base
        if isinstance(parent, type) and parent is not object:
            chain.append(parent)
        return chain
    return [base]


def compute_mro(cls: ClassObject) -> tuple[Any, ...]:
    """C3 linearisation; where the bases contradict each other, depth first without repeats."""
    bases = [b for b in cls.bases if b is not object]
    if len(bases) == 1:
        return (cls, *mro_of(bases[0]))
    sequences = [mro_of(b) for b in bases] + [list(bases)]
    result: list[Any] = [cls]
    while any(sequences):
        for sequence in sequences:
            if sequence and not any(sequence[0] in other[1:] for other in sequences if other):
                head = sequence[0]
                break
        else:
            for sequence in sequences:
                for item in sequence:
                    if item not in result:
                        result.append(item)
            return tuple(result)
        result.append(head)
        for sequence in sequences:
            if sequence and sequence[0] is head:
                del sequence[0]
    return tuple(result)


def native_base_of(cls: ClassObject) -> type | None:
    """The builtin type whose data instances carry: ``dict`` for a subclass of OrderedDict, None for ordinary classes.

    Subclasses of defaultdict and Counter keep their kinds of tables, which say what a missing entry is.
    """
    for base in cls.mro[1:]:
        if isinstance(base, ClassObject) and base.native_base is not None:
            return base.native_base
        if isinstance(base, type) and base is not object and base is not type:
            if hasattr(base, "_fields"):
                return base  # a named tuple: its instances know their fields
            for plain in (DefaultDict, Counter, dict, list, tuple, str, int, float, set, frozenset, bytes, deque):
                if issubclass(base, plain):
                    return plain
            if issubclass(base, BaseException):
                native: type = base
                return native
    return None


def order(cls: ClassObject) -> None:
    """Look a class's bases up from here on in the order that they give."""
    cls.mro = compute_mro(cls)
    cls.native_base = native_base_of(cls)


def prepares_data(cls: ClassObject) -> bool:
    """Whether a class is made to prepare data, ahead of any model."""
    bases = [base.module.name for base in cls.mro if isinstance(base, ClassObject)]
    return any(f"{name}.".startswith("torchvision.transforms.") for name in bases)
