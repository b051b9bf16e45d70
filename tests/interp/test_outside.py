"""What names outside stand for has a number: the same for the same contents, another for others."""

from typing import Any

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp.outside import MAX_ITEMS, Outside
from ane_lsp.interp.values import OneOf


class Thing:
    """Told apart by identity."""


def changed(outside: Outside, container: Any, contents: Any) -> int:
    """The state after a change, told as the interpreter does."""
    outside.written(container)
    container.clear()
    container.update(contents) if isinstance(container, (dict, set)) else container.extend(contents)
    return outside.state()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"value": 1}, {"value": 2}),
        ({"value": 1}, {"value": True}),
        ({"value": 1}, {"value": 1, "more": None}),
        ({"value": 0.0}, {"value": -0.0}),
        ({"value": []}, {"value": [1]}),
        ({"value": {"inner": (1, {2})}}, {"value": {"inner": (1, {3})}}),
        ({"value": Unknown("one")}, {"value": Unknown("other")}),
        ({"value": OneOf((1, 2))}, {"value": OneOf((1, 3))}),
        ([1, 2], [2, 1]),
        ({1}, {2}),
    ],
)
def test_other_contents_are_another_state_and_the_first_ones_the_first_state(before: Any, after: Any) -> None:
    outside, container = Outside(), type(before)(before)
    outside.note(container)
    first = outside.state()
    other = changed(outside, container, after)
    assert other != first
    assert changed(outside, container, before) == first
    assert changed(outside, container, after) == other


def test_what_the_top_level_of_a_module_writes_was_always_there() -> None:
    outside, container = Outside(), {"value": 1}
    outside.note(container)
    first = outside.state()
    outside.written(container, lasting=True)
    container["imported"] = 1
    assert outside.state() == first
    other = changed(outside, container, {"value": 2, "imported": 1})
    assert other != first
    assert changed(outside, container, {"value": 1, "imported": 1}) == first
    outside.written(container, lasting=True)
    container["late"] = 1
    outside.written(container)  # before anybody asked
    container["value"] = 3
    assert outside.state() not in (first, other)
    assert outside.contents(first) == [(container, {"value": 1, "imported": 1, "late": 1})]
    outside.written(container, lasting=True)  # of one that does not hold what it held first, as it was
    container["last"] = 1
    assert outside.state() not in (first, other)


def test_where_the_top_level_of_a_module_writes_too_much_earlier_states_are_forgotten() -> None:
    outside, container = Outside(), {"value": 1}
    outside.note(container)
    first = outside.state()
    changed(outside, container, {"value": 2})
    assert changed(outside, container, {"value": 1}) == first
    outside.written(container, lasting=True)
    container["value"] = list(range(2 * MAX_ITEMS))  # type: ignore[assignment]
    container["value"].append({n: [n] for n in range(2 * MAX_ITEMS)})  # type: ignore[attr-defined]
    assert changed(outside, container, {"value": 1}) != first


def test_objects_are_told_apart_by_identity() -> None:
    outside, one = Outside(), Thing()
    container = {"value": one}
    outside.note(container)
    first = outside.state()
    assert changed(outside, container, {"value": Thing()}) != first
    assert changed(outside, container, {"value": one}) == first


def test_a_change_of_one_does_not_hide_another() -> None:
    outside, left, right = Outside(), {"value": 1}, {"value": 1}
    outside.note(left)
    outside.note(right)
    states = [outside.state()]
    for container, value in ((left, 2), (right, 2), (left, 1), (right, 1)):
        states.append(changed(outside, container, {"value": value}))
    assert states[4] == states[0]
    assert len(set(states)) == 4


def test_what_lies_in_it_and_changed_before_anybody_read_it_is_seen() -> None:
    """An inner table is nobody's business until the outer one is read."""
    states = []
    outside, outer = Outside(), dict[str, Any](value=None)
    outside.note(outer)
    for filled in ({}, {"a": 1}, {}):
        inner: dict[str, Any] = {}
        changed(outside, outer, {"value": inner})
        inner.update(filled)  # not noted: it has not been read
        outside.note(outer)
        outside.note(inner)
        states.append(outside.state())
        changed(outside, outer, {"value": None})
    assert states[0] == states[2] != states[1]


def test_of_what_is_too_large_each_change_is_another_state() -> None:
    outside, container = Outside(), dict.fromkeys(range(MAX_ITEMS + 1), Thing())
    outside.note(container)
    states = {outside.state(), changed(outside, container, {0: 1})}
    outside.note(container)
    states.add(changed(outside, container, dict.fromkeys(range(MAX_ITEMS + 1), Thing())))
    outside.note(container)
    states.add(changed(outside, container, {0: 1}))
    assert len(states) >= 3


def test_containers_of_kinds_nobody_knows_are_never_the_same() -> None:
    class Table(dict[str, int]):
        pass

    outside, container = Outside(), Table(value=1)
    outside.note(container)
    first = outside.state()
    assert changed(outside, container, {"value": 2}) != first
