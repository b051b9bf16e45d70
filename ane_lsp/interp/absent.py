"""Items of sequences, and entries of tables, that may be absent: a branch that nobody can decide put them there, or took them away.

Such an item is kept in its place, as a OneOf whose last option is ABSENT. Who reads sequences sees them through
:meth:`Objects.items_of`; for everybody else the sequence is one of unknown length. A name or an attribute that may be absent is
what it is where it is there: the program does not go on where it is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from ane_lsp.graph import Span
from ane_lsp.interp.values import ABSENT, MORE, Instance, IteratorObject, Many, OneOf

NUMBER = "how many there are depends on a condition nobody can decide here"
THERE = "whether it is there depends on a condition nobody can decide here"

MAX_KINDS = 8
"""Items of one round of a loop up to which each stands for those like it."""
_SEQUENCES = (list, tuple, set, frozenset, deque)
_TABLES = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")


def optional(value: Any) -> bool:
    """Whether an item or entry may be absent."""
    return value.__class__ is OneOf and value.options[-1] is ABSENT


def perhaps(value: Any) -> Any:
    """`value`, which may be absent."""
    if optional(value):
        return value
    return OneOf((*(value.options if value.__class__ is OneOf else (value,)), ABSENT))


def several(value: Any, place: Span | None) -> Any:
    """Any number of items like `value`. place: of the loop that adds them."""
    return _repeated(value, Many(place))


def _repeated(value: Any, many: Many) -> Any:
    return OneOf((*perhaps(present(value)).options[:-1], many, ABSENT))


def any_number(items: Sequence[Any], join: Callable[[list[Any]], Any], place: Span | None) -> list[Any]:
    """Any number of items like each of `items`, which a round of a loop adds in this order; of all together, where they are many or
    where what is done with them does not depend on the order."""
    there = [present(item) for item in items]
    if len(there) <= MAX_KINDS and all(one.__class__ is Instance for one in there):
        whole = None if any(map(optional, items)) else Many(place)  # each round adds all of them
        return [_repeated(one, whole or Many(place)) for one in there]
    return [several(join(there), place)]


def repeated(value: Any) -> bool:
    """Whether an item stands for any number of them."""
    return optional(value) and value.options[-2].__class__ is Many


def endless(container: Any) -> bool:
    """Whether nobody knows how many items a sequence has at most."""
    return any(map(repeated, parts(container)))


def added_at(container: Any) -> Span | None:
    """Where any number of items were added."""
    return next((item.options[-2].place for item in parts(container) if repeated(item)), None)


def like(old: Any, value: Any) -> Any:
    """`value` in the place of `old`: absent or repeated as that is."""
    return several(value, old.options[-2].place) if repeated(old) else perhaps(value) if optional(old) else value


def present(value: Any) -> Any:
    """What an item or entry is if it is there."""
    if not optional(value):
        return value
    options = value.options[: -2 if value.options[-2].__class__ is Many else -1]
    return options[0] if len(options) == 1 else OneOf(options)


def parts(container: Any) -> Iterable[Any]:
    """The items of a sequence, set or view, the values of a table; nothing for other values."""
    if isinstance(container, _SEQUENCES):
        return container
    if isinstance(container, dict):
        return container.values()
    return getattr(container, "items", ()) if container.__class__.__name__ == "DictView" else ()


def gappy(container: Any) -> bool:
    """Whether items or entries of a container of a builtin type, or of an iterator, may be absent."""
    if container.__class__ is IteratorObject:
        return container.gaps
    items = parts(container)
    return OneOf in map(type, items) and any(map(optional, items))  # the first is fast, and mostly all there is to ask


def tables_of(entries: dict[Any, Any]) -> tuple[str, ...]:
    """Under which names the attributes of a module hold its tables; none where they are something else's."""
    return _TABLES if "_modules" in entries and all(kind in entries for kind in _TABLES) else ()


def pair(key: Any, value: Any) -> Any:
    """An item of ``dict.items()``."""
    return perhaps((key, present(value))) if optional(value) else (key, value)


def place(items: Sequence[Any], index: int) -> int | None:
    """Where ``items[index]`` is for certain; None where items that may be absent lie between."""
    index += len(items) if index < 0 else 0
    if not 0 <= index < len(items):
        return None
    return None if any(map(optional, items[: index + 1])) else index


def place_from_end(items: Sequence[Any], index: int) -> int | None:
    """As :func:`place`, for a negative index: counted from the end."""
    if not -len(items) <= index < 0 or any(map(optional, items[index:])):
        return None
    return index + len(items)


def candidates(items: Sequence[Any], index: int) -> list[Any]:
    """What ``items[index]`` may be, none of them marked; empty where it is out of range however many are there."""
    order = items if index >= 0 else items[::-1]
    wanted = index if index >= 0 else -index - 1
    found: list[Any] = []
    least, most = 0, 0.0  # so many items are before this one
    for many, group in groupby(order, _round_of):
        kinds = list(group)
        if many is not None and least == most and least <= wanted:
            found.append(present(kinds[(wanted - least) % len(kinds)]))
            most = float("inf")
            continue
        for item in kinds:
            most += float("inf") if repeated(item) else 0
            if least <= wanted <= most:
                found.append(present(item))
            least += not optional(item)
            most += 1
    return found


def _round_of(item: Any) -> Many | None:
    """What items have in common of which each round of a loop adds one of each kind."""
    return item.options[-2] if repeated(item) else None


def cut(items: Sequence[Any], bounds: slice) -> slice | None:
    """The same slice by positions in `items`; None where items that may be absent make it another one."""
    if bounds.step not in (None, 1):
        return None
    ends: list[int | None] = []
    for end in (bounds.start, bounds.stop):
        if end is not None:
            if abs(end) >= len(items) and not endless(items):  # beyond all that may be there
                end = len(items) if end > 0 else 0
            elif any(map(optional, items[:end] if end >= 0 else items[end:])):
                return None
        ends.append(end)
    return slice(*ends)


def aligned(sequences: Sequence[Sequence[Any]], join: Callable[[list[Any]], Any]) -> list[Any]:
    """One sequence that stands for any of `sequences`: what they begin and end with alike stays, between them is what may be."""
    made = list(sequences[0])
    for other in sequences[1:]:
        made = _aligned(made, list(other), join)
    return made


def _aligned(left: list[Any], right: list[Any], join: Callable[[list[Any]], Any]) -> list[Any]:
    shorter = min(len(left), len(right))
    head = next((i for i in range(shorter) if left[i] is not right[i]), shorter)
    tail = next((i for i in range(shorter - head) if left[-1 - i] is not right[-1 - i]), shorter - head)
    if len(left) == len(right):
        tail = 0
    middle: list[Any] = []
    first, second = left[head : len(left) - tail], right[head : len(right) - tail]
    for i in range(max(len(first), len(second))):
        if i < len(first) and i < len(second):
            middle.append(join([first[i], second[i]]))
        else:
            middle.append(perhaps(first[i] if i < len(first) else second[i]))
    return [*left[:head], *middle, *left[len(left) - tail :]]


def in_one_order(tables: Sequence[dict[Any, Any]]) -> list[Any]:
    """The keys of all tables, in the order each of them has them as far as they do not contradict each other."""
    order = list(sorted(tables, key=len)[-1])
    for table in tables:
        at = 0
        for key in table:
            if key in order:
                at = max(at, order.index(key) + 1)
            else:
                order.insert(at, key)
                at += 1
    return order


def numbered(table: dict[Any, Any]) -> bool:
    """Whether a table's keys are those of a ``ModuleList``: the numbers of its entries."""
    return all(key == str(at) for at, key in enumerate(table))


def merged(tables: Sequence[dict[Any, Any]], join: Callable[[list[Any]], Any]) -> dict[Any, Any]:
    """One table that stands for any of `tables`: entries that one of them lacks may be absent."""
    same = all(table.keys() == tables[0].keys() for table in tables)
    made: dict[Any, Any] = {}
    if not same and all(map(numbered, tables)):
        return {str(at): item for at, item in enumerate(aligned([list(table.values()) for table in tables], join))}
    for key in tables[0] if same else in_one_order(tables):
        value = join([table[key] for table in tables if key in table])
        made[key] = value if same or key == MORE or all(key in table for table in tables) else perhaps(value)
    return made
