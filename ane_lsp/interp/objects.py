"""Objects: items, iteration, context managers, on top of their attributes, calls and operators."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ane_lsp.graph import Sym, TensorType, Unknown, dims
from ane_lsp.interp import absent, builtins, containers, methods, state
from ane_lsp.interp.base import MAX_ELEMENTS
from ane_lsp.interp.frames import UNDECIDED, UnknownIteration, item_of
from ane_lsp.interp.operators import BINARY, Operators
from ane_lsp.interp.support import DictView, in_order
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    ClassMethod,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    Lazy,
    LiteralOf,
    NativeType,
    OneOf,
    Opaque,
    PyRaise,
    Tensor,
)


def _counted(key: Any) -> Any:
    """An index of a tensor; numbers nobody knows are symbols, which take out an axis as any number does."""
    if key.__class__ is Unknown:
        return dims.fresh() if key.number else key
    if key.__class__ is tuple and any(part.__class__ is Unknown and part.number for part in key):
        return tuple([_counted(part) for part in key])
    return key


_MAX_LISTS = 1_000


class Objects(Operators):
    # -- items ---------------------------------------------------------------------------------------------------------------

    def item_at(self, sequence: Unknown, index: Any) -> Any:
        """An item of a sequence whose length is not known. What nobody knows of the sizes of one input is not what holds for another."""
        item = sequence.item
        shape = item.type.shape if item.__class__ is Tensor and item.origin == "input" and not self.probing else None
        if shape is None or index.__class__ is not int or all(map(dims.is_known, shape)):
            return item
        if len(self.items) > _MAX_LISTS:
            self.items.clear()
        _, known = self.items.setdefault(id(sequence), (sequence, {}))
        if index not in known:
            sizes = tuple([size if dims.is_known(size) else dims.fresh() for size in shape])
            made = Tensor(TensorType(sizes, item.type.dtype), "input") if known else item
            if made is not item:
                self.recorder.another_input(item, made, index)
            known[index] = made
        return known[index]

    def getitem(self, obj: Any, key: Any) -> Any:
        """``obj[key]``."""
        kind = obj.__class__
        if kind is Tensor:
            return self.torch_method("torch.Tensor.__getitem__", (obj, _counted(key)))
        if kind is Unknown:
            if obj.item is not None and not isinstance(key, slice):
                return self.item_at(obj, key)
            if self.probing and key.__class__ is int and id(obj) in self.probe_shapes:
                self.probe_shapes[id(obj)][1].reaches("its shape is read", key)
            return Unknown("an item of something unknown", self.here(), obj, obj.item)
        if kind is OneOf:
            return self._spread(lambda o, k: self.getitem(o, k), obj, key)
        if kind is Instance:
            raw = obj.cls.lookup("__getitem__")
            if raw is not MISSING:
                return self.call(self.bind(raw, obj, obj.cls), (key,))
            native = self._native_member(obj, "__getitem__") if obj.data is None else MISSING
            if native is not MISSING:
                return self.call(native, (key,))
            if obj.data is not None:
                return self.stored_item(obj, key)
            if self.is_nn_module(obj.cls) and not any(base.__class__ is Unknown for base in obj.cls.mro):
                self.raise_(TypeError, f"'{obj.cls.name}' object is not subscriptable")
            return self.unknown(f"an item of a {obj.cls.name}")
        if obj.__class__ is Opaque and obj.name == "Literal":
            parts = key if isinstance(key, tuple) else (key,)
            inner = (part.choices if isinstance(part, LiteralOf) else (part,) for part in parts)
            return LiteralOf("Literal", tuple(choice for choices in inner for choice in choices))
        if isinstance(obj, (ClassObject, NativeType, Opaque, type)):
            if isinstance(obj, ClassObject):
                raw = obj.lookup("__class_getitem__")
                if raw is not MISSING:
                    return self.call(raw.func if isinstance(raw, ClassMethod) else raw, (obj, key))
            getter = (
                self.lookup_attribute(obj, "__getitem__") if isinstance(obj, (ClassObject, NativeType)) else MISSING
            )
            if getter.__class__ is BoundMethod:  # the class's own, not that of its objects
                return self.call(getter, (key,))
            return obj  # a generic alias stands for its class
        if isinstance(key, OneOf):
            return self._spread(lambda o, k: self.getitem(o, k), obj, key)
        if isinstance(obj, dict):
            return self._dict_item(obj, key)
        return methods.getitem(self, obj, key)  # type: ignore[arg-type]

    def stored_item(self, obj: Instance, key: Any) -> Any:
        """What an object of a class that extends a container has at `key`, as the container's own ``__getitem__`` gives it."""
        if isinstance(obj.data, dict) and not isinstance(key, (Unknown, OneOf)) and key not in obj.data:
            missing = obj.cls.lookup("__missing__")
            if missing is not MISSING:
                return self.call(self.bind(missing, obj, obj.cls), (key,))
        return self.getitem(obj.data, key)

    def _dict_item(self, obj: dict[Any, Any], key: Any) -> Any:
        if isinstance(key, Unknown):
            taken = self.conversions.key_in(obj, key) if self.conversions.asked else None
            if taken is not None:
                return self._dict_item(obj, taken)
            if MORE in obj:
                return item_of(containers.uncounted(self, obj), self.here())  # type: ignore[arg-type]
            return Unknown("looked up by something unknown", self.here(), key)
        try:
            if key in obj:
                found = obj[key]
                if found.__class__ is OneOf:
                    return absent.present(found)
                return found if found.__class__ is not Lazy else self.resolve_lazy(found, obj, key)
        except TypeError:
            return self.raise_(TypeError, f"unhashable type: '{self.type_name(key)}'")
        factory = getattr(obj, "default_factory", None)
        if factory is not None:
            made = self.call(factory, ())
            self.touch(obj)
            obj[key] = made
            return made
        if MORE in obj:
            return obj[MORE]
        known = containers.find_key(self, obj, key)  # type: ignore[arg-type]
        if known is not MISSING:
            return obj[known]
        if isinstance(obj, Counter):
            return 0
        if self.force_pending_imports(obj, key) and key in obj:
            return obj[key]
        if key.__class__ is Tensor and key.type == TensorType(None, None):  # most likely an input that is no tensor
            return self.unknown("looked up by an input of which nothing is known")
        raise PyRaise(KeyError(key if isinstance(key, (str, int)) else str(key)), self.here())

    def setitem(self, obj: Any, key: Any, value: Any) -> None:
        """``obj[key] = value``."""
        kind = obj.__class__
        if kind is Tensor:
            self.torch_method("torch.Tensor.__setitem__", (obj, key, value))
        elif kind is Instance:
            raw = obj.cls.lookup("__setitem__")
            if raw is not MISSING:
                self.call(self.bind(raw, obj, obj.cls), (key, value))
                return
            native = self._native_member(obj, "__setitem__") if obj.data is None else MISSING
            if native is not MISSING:
                self.call(native, (key, value))
            elif obj.data is not None:
                self.setitem(obj.data, key, value)
        elif isinstance(obj, dict):
            if isinstance(key, (Unknown, OneOf)):
                if "__name__" not in obj:
                    containers.add_more(self, obj, value)  # type: ignore[arg-type]
                return
            self.touch(obj)
            if "__name__" in obj:  # the names of a module
                self.bindings += 1
                self.changes += 1
            try:
                obj[key] = value
            except TypeError:
                self.raise_(TypeError, f"unhashable type: '{self.type_name(key)}'")
        elif isinstance(obj, list):
            methods.setitem(self, obj, key, value)  # type: ignore[arg-type]
        elif kind is OneOf:
            for option in obj.options:
                self.setitem(option, key, value)
        elif kind is not Unknown:
            methods.setitem(self, obj, key, value)  # type: ignore[arg-type]

    def delitem(self, obj: Any, key: Any) -> None:
        """``del obj[key]``."""
        if isinstance(obj, Instance):
            raw = obj.cls.lookup("__delitem__")
            if raw is not MISSING:
                self.call(self.bind(raw, obj, obj.cls), (key,))
            elif obj.data is not None:
                self.delitem(obj.data, key)
        elif obj.__class__ is OneOf:
            for option in obj.options:
                self.delitem(option, key)
        elif isinstance(obj, (dict, list)) and isinstance(key, (Unknown, OneOf)):
            if "__name__" in obj:  # the names of a module
                return
            self.touch(obj)
            self.gaps = True
            for place, value in obj.items() if isinstance(obj, dict) else enumerate(obj):
                obj[place] = absent.perhaps(value) if place != MORE else value
        elif isinstance(obj, (dict, list)):
            self.touch(obj)
            if self.gaps and isinstance(obj, list) and absent.gappy(obj):
                methods.delete_among_gaps(self, obj, key)  # type: ignore[arg-type]
                return
            try:
                del obj[key]
            except (KeyError, IndexError, TypeError) as error:
                raise PyRaise(type(error)(str(error)), self.here()) from None

    # -- iteration -----------------------------------------------------------------------------------------------------------

    def iterate(self, value: Any) -> Iterator[Any]:
        """The items of `value`, as Python would iterate it. Raises UnknownIteration where nobody knows them."""
        kind = value.__class__
        if kind is IteratorObject:
            return self._certain(value) if value.gaps else value.source
        if self.gaps and absent.gappy(value):
            raise UnknownIteration(self.uncounted(value))
        if kind in (list, tuple, range, str, dict, set, frozenset, bytes):
            if kind is list:
                return self._iterate_list(value)
            if kind in (set, frozenset):
                return iter(in_order(value))
            if kind is dict:
                self.complete(value)
                if MORE in value:
                    raise UnknownIteration(containers.uncounted_keys(self))  # type: ignore[arg-type]
                return iter(list(value))
            return iter(value)
        if kind is Tensor:
            return self.iterate_tensor(value)
        if kind is Unknown:
            raise UnknownIteration(value)
        if kind is OneOf:
            raise UnknownIteration(self.unknown("one of several values is iterated"))
        if kind is Instance:
            raw = value.cls.lookup("__iter__")
            if raw is not MISSING:
                made = self.call(self.bind(raw, value, value.cls), ())
                if made is value or (isinstance(made, Instance) and made.cls.lookup("__next__") is not MISSING):
                    return self._iterate_next(made)
                return self.iterate(made)
            native = self._native_member(value, "__iter__") if value.data is None else MISSING
            if native is not MISSING:
                return self.iterate(self.call(native, ()))
            if value.data is not None and not isinstance(value.data, BaseException):
                return self.iterate(value.data)
            if value.cls.lookup("__getitem__") is not MISSING:
                return self._iterate_items(value)
        if isinstance(value, (ClassObject, NativeType)):
            maker = self.lookup_attribute(value, "__iter__")
            if maker is not MISSING and not isinstance(maker, Function):
                return self.iterate(self.call(maker, ()))
        if isinstance(value, Opaque):
            raise UnknownIteration(self.unknown(f"{value.name} is iterated"))
        if isinstance(value, (Sym, SymRatio, int, float)) or value is None:
            self.raise_(TypeError, f"'{self.type_name(value)}' object is not iterable")
        found = methods.iterate(self, value)  # type: ignore[arg-type]
        if found is None:
            self.raise_(TypeError, f"'{self.type_name(value)}' object is not iterable")
        return found  # type: ignore[return-value]

    def items_of(self, value: Any) -> Iterator[Any]:
        """As :meth:`iterate`; items that may be absent are among them, marked so, see absent.py."""
        kind = value.__class__
        if kind is OneOf and all(option.__class__ in (list, tuple) for option in value.options):
            self.gaps = True
            return iter(absent.aligned(value.options, lambda items: state.join(items, UNDECIDED, self.here())))
        if not self.gaps:
            return value.source if kind is IteratorObject else self.iterate(value)
        if kind is IteratorObject:
            return value.source  # type: ignore[no-any-return]
        if kind is Instance:
            raw = value.cls.lookup("__iter__")
            if raw is not MISSING and value.cls.module.is_torch:
                return self.items_of(self.call(self.bind(raw, value, value.cls), ()))
            return self.iterate(value)
        if not absent.gappy(value) or kind not in (list, tuple, set, frozenset, dict, deque, OrderedDict, DictView):
            return self.iterate(value)
        if kind is list:
            return self._iterate_list(value)
        if isinstance(value, dict):
            self.complete(value)
            return iter([absent.perhaps(key) if absent.optional(held) else key for key, held in value.items()])
        return iter(value)

    def _certain(self, iterator: IteratorObject) -> Iterator[Any]:
        for item in iterator.source:
            if absent.optional(item):
                rest = [item, *iterator.source]
                raise UnknownIteration(Unknown(absent.NUMBER, self.here(), item=state.likeness(rest)))
            yield item

    def uncounted(self, value: Any) -> Unknown:
        """What stands for a sequence of which items may be absent, or the keys of a table, where their number matters."""
        if isinstance(value, dict):
            return Unknown(absent.NUMBER, self.here())
        place = absent.added_at(value)
        cause = Unknown("filled in a loop that runs nobody knows how often", place) if place is not None else None
        return Unknown(absent.NUMBER, self.here(), cause, state.likeness(absent.parts(value)))

    def listed(self, value: Any, gaps: bool = False) -> list[Any]:
        """All items of `value`. Raises UnknownIteration where nobody knows them or there are too many.

        gaps: those that may be absent are wanted, marked so.
        """
        items = list(islice(self.items_of(value) if gaps else self.iterate(value), MAX_ELEMENTS + 1))
        if len(items) > MAX_ELEMENTS:
            raise UnknownIteration(self.unknown("more items than can be gone through here"))
        return items

    def _iterate_list(self, value: list[Any]) -> Iterator[Any]:
        index = 0
        while index < len(value):
            yield value[index]
            index += 1

    def _iterate_next(self, value: Instance) -> Iterator[Any]:
        step = self.bind(value.cls.lookup("__next__"), value, value.cls)
        while True:
            self.tick()
            try:
                item = self.call(step, ())
            except PyRaise as raised:
                if raised.is_a(StopIteration):
                    return
                raise
            yield item

    def _iterate_items(self, value: Instance) -> Iterator[Any]:
        index = 0
        while True:
            self.tick()
            try:
                item = self.getitem(value, index)
            except PyRaise as raised:
                if raised.is_a(IndexError):
                    return
                raise
            yield item
            index += 1

    # -- context managers ----------------------------------------------------------------------------------------------------

    def enter_context(self, manager: Any) -> Any:
        enter = self.lookup_attribute(manager, "__enter__")
        if enter is MISSING or isinstance(enter, Unknown):
            return Unknown("entered something unknown", self.here(), manager if isinstance(manager, Unknown) else None)
        return self.call(enter, ())

    def exit_context(self, manager: Any, raised: PyRaise | None) -> bool:
        leave = self.lookup_attribute(manager, "__exit__")
        if leave is MISSING or isinstance(leave, Unknown):
            return False
        if raised is None:
            self.call(leave, (None, None, None))
            return False
        return self.truth(self.call(leave, (self.type_of(raised.value), raised.value, None))) is True

    # -- methods of plain values by their names --------------------------------------------------------------------------

    def call_dunder(self, target: Any, name: str, args: tuple[Any, ...]) -> Any:
        """``type.__name__(target, *args)`` for a value of builtin type."""
        if name == "__getitem__":
            return self.getitem(target, args[0])
        if name == "__setitem__":
            return self.setitem(target, args[0], args[1])
        if name == "__contains__":
            return self.contains(target, args[0])
        if name == "__eq__":
            return self.equal(target, args[0])
        if name == "__iter__":
            return IteratorObject(self.iterate(target))
        if name == "__len__":
            return self.call(builtins.BUILTINS["len"], (target,))
        if name in ("__repr__", "__str__"):
            return self.call(builtins.BUILTINS["repr"], (target,))
        if name == "__hash__":
            return self.unknown("hash()")
        for symbol, (forward, backward, _) in BINARY.items():
            if name == forward:
                return self.binary(symbol, target, args[0])
            if name == backward:
                return self.binary(symbol, args[0], target)
        return self.unknown(f"{name} is not modelled")
