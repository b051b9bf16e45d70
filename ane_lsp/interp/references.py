"""How many references objects have, to tell what nobody else holds any more."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def references(objects: Iterable[Any]) -> list[int]:
    """How many references each of the objects has."""
    return [sys.getrefcount(one) for one in objects]


def _of_own() -> int:
    result = object()
    return sys.getrefcount(result)


HELD = references({0: object()}.values())[0]
""":func:`references` counts so many of an object that only the table holds whose values it is given."""
LISTED = references([object()])[0]
"""The same of one that only the list holds."""
OWN = _of_own()
"""`sys.getrefcount` counts so many of an object that only a variable of a function holds."""


__all__ = ["HELD", "LISTED", "OWN", "references"]
