"""What is asked of every list that a program holds does not take a step of its own for each number in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ane_lsp.interp import absent


def calls_of(work: Callable[[], Any]) -> int:
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_numbers_are_passed_over() -> None:
    numbers = [0.5 * number for number in range(1000)]
    assert calls_of(lambda: absent.gappy(numbers)) < 20


def test_what_lies_among_numbers_is_found() -> None:
    assert absent.gappy([*range(9), absent.perhaps(1)])
    assert not absent.gappy([*range(9)])
