"""Methods of the mutable containers: list, dict (and its kin in collections), set, deque; tuple's two; dict views."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp import absent, state
from ane_lsp.interp.frames import UnknownIteration, item_of
from ane_lsp.interp.state import join, likeness, put_more
from ane_lsp.interp.support import (
    LIMIT,
    DefaultDict,
    DictView,
    collect,
    host_call,
    index_of,
    spoil,
    too_large,
)
from ane_lsp.interp.text import to_repr
from ane_lsp.interp.values import MISSING, MORE, Instance, IteratorObject, OneOf, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Fn = Callable[..., Any]


# -- list and deque ------------------------------------------------------------------------------------------------------------


def _append(interp: Interpreter, items: list[Any], value: Any, /) -> None:
    interp.touch(items)
    items.append(value)


def _extend(interp: Interpreter, items: list[Any], iterable: Any, /) -> Any:
    try:
        return grow(interp, items, iterable)
    except UnknownIteration as lost:
        add_uncounted(interp, items, lost.unknown)
        return None


def add_uncounted(interp: Interpreter, items: list[Any] | deque[Any], lost: Unknown) -> None:
    """``items.extend(...)`` where the number of items is lost: one stands for any number of them."""
    interp.touch(items)
    interp.gaps = True
    items.append(absent.several(item_of(lost, interp.here()), interp.here()))


def grow(interp: Interpreter, items: list[Any] | deque[Any], iterable: Any) -> Unknown | None:
    """``items.extend(iterable)``. What an iterator gives is there before it gives the next: it may look at `items`."""
    if isinstance(iterable, (list, tuple, range, str, dict, set, frozenset)):
        added = collect(interp, iterable, "the list", gaps=True)
        if isinstance(added, Unknown) or len(items) + len(added) > LIMIT:
            return too_large(interp, "the list")
        interp.touch(items)
        items.extend(added)
        return None
    for item in interp.items_of(iterable):
        if len(items) >= LIMIT:
            return too_large(interp, "the list")
        interp.touch(items)
        items.append(item)
    return None


def _insert(interp: Interpreter, items: list[Any], index: Any, value: Any, /) -> Any:
    index = index_of(interp, index)
    if not isinstance(index, int):
        spoil(interp, items, "an item was inserted at an unknown position", len(items) + 1)
        return None
    interp.touch(items)
    if interp.gaps and not _certain(items, index):
        # It goes where the place may be: once for each, or not there.
        places = [part for item in items for part in (absent.perhaps(value), item)]
        state.restore(items, [*places, absent.perhaps(value)])
        return None
    items.insert(index, value)
    return None


def _certain(items: Any, index: int) -> bool:
    """Whether no item that may be absent lies between the end that a position is counted from and the position."""
    return not any(map(absent.optional, list(items)[:index] if index >= 0 else list(items)[index:]))


def _pop(interp: Interpreter, items: list[Any], index: Any = -1, /) -> Any:
    index = index_of(interp, index)
    if not items:
        return interp.raise_(IndexError, "pop from empty list")
    if not isinstance(index, int):
        return spoil(interp, items, "an item was taken from an unknown position", len(items) - 1)
    if not -len(items) <= index < len(items):
        return interp.raise_(IndexError, "pop index out of range")
    if interp.gaps and absent.gappy(items):
        taken = interp.getitem(items, index)
        interp.delitem(items, index)
        return taken
    interp.touch(items)
    return items.pop(index)


def find(interp: Interpreter, items: Any, value: Any, start: int = 0, stop: int | None = None) -> Any:
    """The first position that equals `value`: an int, None where there is none, Unknown where it is not decided."""
    for position in range(start, len(items) if stop is None else min(stop, len(items))):
        item = items[position]
        if absent.optional(item):
            return interp.unknown(absent.NUMBER)
        if item is value and not isinstance(item, (Unknown, OneOf)):
            return position
        same = interp.truth(interp.equal(item, value))
        if isinstance(same, Unknown):
            return interp.unknown("which item is equal is not known", same)
        if same:
            return position
    return None


def _remove(interp: Interpreter, items: Any, value: Any, /) -> Any:
    position = find(interp, items, value)
    if position is None:
        return interp.raise_(ValueError, "list.remove(x): x not in list")
    if isinstance(position, Unknown):
        if interp.gaps and absent.gappy(items):
            interp.touch(items)
            state.restore(items, [absent.perhaps(item) for item in items])
            return None
        spoil(interp, items, "an item was removed, nobody knows which", len(items) - 1)
        return None
    interp.touch(items)
    del items[position]
    return None


def _index(interp: Interpreter, items: Any, value: Any, start: Any = 0, stop: Any = None, /) -> Any:
    if not isinstance(start, int) or not (stop is None or isinstance(stop, int)):
        return interp.unknown("an unknown range is searched")
    size = len(items)
    start = max(0, start + size) if start < 0 else start
    stop = max(0, stop + size) if stop is not None and stop < 0 else stop
    position = find(interp, items, value, start, stop)
    if position is None:
        text = to_repr(interp, value)
        kind = "tuple.index(x): x not in tuple" if isinstance(items, tuple) else f"{text} is not in list"
        return interp.raise_(ValueError, kind)
    return position


def _count(interp: Interpreter, items: Any, value: Any, /) -> Any:
    total = 0
    if interp.gaps and absent.gappy(items):
        return interp.unknown(absent.NUMBER)
    for item in list(items):
        same = item is value or interp.truth(interp.equal(item, value))
        if isinstance(same, Unknown):
            return interp.unknown("how many items are equal is not known", same)
        total += bool(same)
    return total


def _sort(interp: Interpreter, items: list[Any], /, *, key: Any = None, reverse: Any = False) -> Any:
    from ane_lsp.interp.builtins import sort_values

    if interp.gaps and absent.gappy(items):
        among = interp.unknown(absent.NUMBER)
        interp.touch(items)
        items[:] = [absent.like(absent.perhaps(item), among) for item in items]
        return None
    ordered = sort_values(interp, list(items), key, reverse)
    if isinstance(ordered, Unknown):
        spoil(interp, items, "sorted in an order nobody knows")
        return None
    interp.touch(items)
    items[:] = ordered
    return None


def _reverse(interp: Interpreter, items: Any, /) -> None:
    interp.touch(items)
    items.reverse()


def _clear(interp: Interpreter, container: Any, /) -> None:
    interp.touch(container)
    container.clear()


def _copy(interp: Interpreter, container: Any, /) -> Any:
    return interp.make(container.copy())


_LIST: dict[str, Fn] = {
    "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "remove": _remove, "index": _index,
    "count": _count, "sort": _sort, "reverse": _reverse, "clear": _clear, "copy": _copy,
}  # fmt: skip


def _append_left(interp: Interpreter, items: deque[Any], value: Any, /) -> None:
    interp.touch(items)
    items.appendleft(value)


def _extend_left(interp: Interpreter, items: deque[Any], iterable: Any, /) -> Any:
    added = collect(interp, iterable, "the deque", gaps=True)
    if isinstance(added, Unknown):
        return added
    interp.touch(items)
    items.extendleft(added)
    return None


def _pop_deque(left: bool) -> Fn:
    def run(interp: Interpreter, items: deque[Any], /) -> Any:
        if not items:
            return interp.raise_(IndexError, "pop from an empty deque")
        interp.touch(items)
        taken = items.popleft() if left else items.pop()
        if absent.optional(taken):  # it may be the next one that is taken
            state.restore(items, [absent.perhaps(item) for item in items])
            return interp.unknown(absent.NUMBER)
        return taken

    return run


def _rotate(interp: Interpreter, items: deque[Any], n: Any = 1, /) -> Any:
    n = index_of(interp, n)
    if not isinstance(n, int):
        return spoil(interp, items, "rotated by an unknown number")
    interp.touch(items)
    if interp.gaps and absent.gappy(items):
        one = join([absent.present(item) for item in items])
        state.restore(items, [absent.like(item, one) for item in items])
        return None
    items.rotate(n)
    return None


_DEQUE: dict[str, Fn] = {
    **{name: _LIST[name] for name in ("append", "extend", "insert", "remove", "index", "count", "reverse", "clear", "copy")},
    "appendleft": _append_left, "extendleft": _extend_left, "pop": _pop_deque(False), "popleft": _pop_deque(True),
    "rotate": _rotate,
}  # fmt: skip


# -- dict ------------------------------------------------------------------------------------------------------------------------


def _key(interp: Interpreter, key: Any) -> Any:
    """A key to look up; Unknown for one nobody knows."""
    from ane_lsp.interp.construct import hashable_key

    if isinstance(key, Unknown):
        return interp.unknown("looked up by something unknown", key)
    if isinstance(key, OneOf):
        return interp.unknown("looked up by one of several values")
    return hashable_key(interp, key)


def find_key(interp: Interpreter, d: dict[Any, Any], key: Any) -> Any:
    """The key of `d` that equals `key` though it does not hash alike here, or MISSING.

    An instance of a str subclass (a member of a str Enum) finds the plain text and the other way round; instances of a
    class with its own ``__eq__`` are compared with it.
    """
    if isinstance(key, Instance):
        plain = key.data
        if plain is not None and isinstance(plain, (str, int, float, bytes, tuple)) and plain in d:
            return plain
        if key.cls.lookup("__eq__") is not MISSING:
            for known in d:
                if isinstance(known, Instance) and interp.truth(interp.equal(known, key)) is True:
                    return known
            return MISSING
        key = plain
    if isinstance(key, (str, int, float, bytes, tuple)):
        for known in d:
            if known.__class__ is Instance and known.data == key and known.data is not None:
                return known
    return MISSING


def _found(interp: Interpreter, d: dict[Any, Any], key: Any, needed: bool = False) -> Any:
    """The key under which `d` holds `key`, or MISSING; `needed` where a miss is an error."""
    if key in d:
        return key
    found = find_key(interp, d, key)
    if found is MISSING and interp.force_pending_imports(d, key, needed) and key in d:
        return key
    return found


def _get(interp: Interpreter, d: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    key = _key(interp, key)
    if isinstance(key, Unknown):
        return key
    found = _found(interp, d, key)
    if found is MISSING and MORE in d:
        return _among_more(interp)
    return default if found is MISSING else _or_default(interp, dict.__getitem__(d, found), default)


def _among_more(interp: Interpreter) -> Unknown:
    return interp.unknown("looked up among entries under keys nobody knows")


def _or_default(interp: Interpreter, value: Any, default: Any) -> Any:
    """What is looked up with a default."""
    return join([absent.present(value), default], absent.THERE, interp.here()) if absent.optional(value) else value


def uncounted(interp: Interpreter, d: dict[Any, Any]) -> Unknown:
    """The values of a dict that holds entries nobody knows the number of."""
    return Unknown("entries under keys nobody knows", interp.here(), item=likeness(d.values()))


def uncounted_keys(interp: Interpreter) -> Unknown:
    """The keys of such a dict."""
    return Unknown("keys nobody knows", interp.here())


def add_more(interp: Interpreter, d: dict[Any, Any], value: Any) -> None:
    """Enter `value` into `d` under a key that nobody knows."""
    interp.touch(d)
    put_more(d, value)
    interp.gaps = True


def _keys(interp: Interpreter, d: dict[Any, Any], /) -> DictView | Unknown:
    interp.complete(d)
    if MORE in d:
        return uncounted_keys(interp)
    if interp.gaps and absent.gappy(d):
        return DictView("dict_keys", tuple(interp.items_of(d)))
    return DictView("dict_keys", tuple(d))


def _values(interp: Interpreter, d: dict[Any, Any], /) -> DictView | Unknown:
    interp.complete(d)
    if MORE in d:
        return uncounted(interp, d)
    return DictView("dict_values", tuple(d.values()))


def _items(interp: Interpreter, d: dict[Any, Any], /) -> DictView | Unknown:
    interp.complete(d)
    if MORE in d:
        values = uncounted(interp, d)
        name = Unknown("a key nobody knows", values.span)
        return Unknown(values.reason, values.span, item=(name, item_of(values, values.span)))
    if interp.gaps and absent.gappy(d):
        return DictView("dict_items", tuple(absent.pair(key, value) for key, value in d.items()))
    return DictView("dict_items", tuple(d.items()))


def _pop_key(interp: Interpreter, d: dict[Any, Any], key: Any, default: Any = MISSING, /) -> Any:
    key = _key(interp, key)
    if isinstance(key, Unknown):
        spoil(interp, d, "an entry was removed, nobody knows which")
        return key
    found = _found(interp, d, key, default is MISSING)
    if found is not MISSING:
        interp.touch(d)
        value = d.pop(found)
        return absent.present(value) if default is MISSING else _or_default(interp, value, default)
    if MORE in d:
        return _among_more(interp)
    if default is MISSING:
        raise PyRaise(KeyError(key))
    return default


def _pop_item(interp: Interpreter, d: dict[Any, Any], last: Any = True) -> Any:
    if not d:
        return interp.raise_(KeyError, "popitem(): dictionary is empty")
    interp.touch(d)
    if MORE in d or (interp.gaps and absent.gappy(d)):
        for key, value in d.items():
            if key != MORE:
                dict.__setitem__(d, key, absent.perhaps(value))
        interp.gaps = True
        return interp.unknown(absent.NUMBER)
    if isinstance(d, OrderedDict):
        return d.popitem(last=bool(last))
    return d.popitem()


def _set_default(interp: Interpreter, d: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    key = _key(interp, key)
    if isinstance(key, Unknown):
        return key
    found = _found(interp, d, key)
    if found is MISSING:
        interp.touch(d)
        d[key] = value = _among_more(interp) if MORE in d else default
        return value
    value = dict.__getitem__(d, found)
    if absent.optional(value):
        interp.touch(d)
        d[found] = value = _or_default(interp, value, default)
    return value


def _update(interp: Interpreter, d: dict[Any, Any], /, *args: Any, **kwargs: Any) -> Any:
    from ane_lsp.interp.construct import fill_dict

    lost = fill_dict(interp, d, args, kwargs)
    if lost is not None:
        spoil(interp, d, "updated from something unknown")
        add_more(interp, d, lost)
    return None


def _move_to_end(interp: Interpreter, d: OrderedDict[Any, Any], key: Any, last: Any = True) -> Any:
    key = _key(interp, key)
    if isinstance(key, Unknown):
        return key
    interp.touch(d)
    return host_call(interp, "the dict", d.move_to_end, key, last=bool(last))


_DICT: dict[str, Fn] = {
    "get": _get, "keys": _keys, "values": _values, "items": _items, "pop": _pop_key, "popitem": _pop_item,
    "setdefault": _set_default, "update": _update, "clear": _clear, "copy": _copy,
    "fromkeys": lambda interp, d, keys, value=None: from_keys(interp, type(d), keys, value),
}  # fmt: skip


def from_keys(interp: Interpreter, kind: type, keys: Any, value: Any = None) -> Any:
    """``dict.fromkeys``."""
    from ane_lsp.interp.construct import construct

    items = collect(interp, keys, "the dict")
    if isinstance(items, Unknown):
        return items
    return construct(interp, kind, ([(key, value) for key in items],), {})


def _most_common(interp: Interpreter, counter: Counter[Any], n: Any = None) -> Any:
    return host_call(interp, "the counts", counter.most_common, n)


def _elements(interp: Interpreter, counter: Counter[Any]) -> Any:
    return IteratorObject(counter.elements())


def _count_update(sign: int) -> Fn:
    def run(interp: Interpreter, counter: Counter[Any], /, *args: Any, **kwargs: Any) -> Any:
        from ane_lsp.interp.construct import fill_counter

        lost = fill_counter(interp, counter, args, kwargs, sign)
        if lost is not None:
            spoil(interp, counter, "counted from something unknown")
        return None

    return run


_COUNTER: dict[str, Fn] = {
    "most_common": _most_common, "elements": _elements, "update": _count_update(1), "subtract": _count_update(-1),
    "total": lambda interp, counter: sum(counter.values()),
}  # fmt: skip


# -- set -------------------------------------------------------------------------------------------------------------------------


def _add(interp: Interpreter, s: set[Any], value: Any, /) -> Any:
    from ane_lsp.interp.construct import hashable_key

    hashable_key(interp, value)
    interp.touch(s)
    s.add(value)
    return None


def _discard(interp: Interpreter, s: set[Any], value: Any, /) -> Any:
    value = _key(interp, value)
    if not isinstance(value, Unknown):
        interp.touch(s)
        s.discard(value)
        _discard_perhaps(interp, s, value)
    return None


def _discard_perhaps(interp: Interpreter, s: set[Any], value: Any) -> bool:
    """Take out a member that may be absent; whether it was there."""
    same = [member for member in s if absent.optional(member) and interp.equal(absent.present(member), value) is True]
    s.difference_update(same)
    return bool(same)


def _remove_member(interp: Interpreter, s: set[Any], value: Any, /) -> Any:
    value = _key(interp, value)
    if isinstance(value, Unknown):
        return value
    interp.touch(s)
    if not _discard_perhaps(interp, s, value) and value not in s:
        raise PyRaise(KeyError(value))
    s.discard(value)
    return None


def _pop_member(interp: Interpreter, s: set[Any], /) -> Any:
    if not s:
        return interp.raise_(KeyError, "pop from an empty set")
    interp.touch(s)
    if interp.gaps and absent.gappy(s):
        state.restore(s, {absent.perhaps(member) for member in s})
        return interp.unknown(absent.NUMBER)
    if len(s) == 1:
        return s.pop()
    s.pop()
    return interp.unknown("which member of a set pop() takes is not fixed")


def _set_operation(name: str, in_place: bool) -> Fn:
    def run(interp: Interpreter, s: Any, /, *others: Any) -> Any:
        lists = []
        for other in others:
            items = collect(interp, other, "the set")
            if isinstance(items, Unknown):
                return items
            lost = next((i for i in items if isinstance(i, (Unknown, OneOf))), None)
            if lost is not None:
                return interp.unknown(
                    "a set operation on an unknown member", lost if isinstance(lost, Unknown) else None
                )
            lists.append(items)
        if in_place:
            interp.touch(s)
        return host_call(interp, "the set", getattr(s, name), *lists)

    return run


_FROZENSET: dict[str, Fn] = {
    **{
        name: _set_operation(name, False)
        for name in (
            "union",
            "intersection",
            "difference",
            "symmetric_difference",
            "issubset",
            "issuperset",
            "isdisjoint",
        )
    },
    "copy": _copy,
}
_SET: dict[str, Fn] = {
    **_FROZENSET, "add": _add, "discard": _discard, "remove": _remove_member, "pop": _pop_member, "clear": _clear,
    **{
        name: _set_operation(name, True)
        for name in ("update", "intersection_update", "difference_update", "symmetric_difference_update")
    },
}  # fmt: skip


def _view_disjoint(interp: Interpreter, view: DictView, other: Any) -> Any:
    items = collect(interp, other)
    return items if isinstance(items, Unknown) else not set(view.items) & set(items)


TABLES: dict[type, dict[str, Fn]] = {
    list: _LIST, tuple: {"index": _index, "count": _count}, deque: _DEQUE, dict: _DICT,
    OrderedDict: {"move_to_end": _move_to_end}, Counter: _COUNTER, DefaultDict: {}, set: _SET, frozenset: _FROZENSET,
    DictView: {"isdisjoint": _view_disjoint},
}  # fmt: skip
