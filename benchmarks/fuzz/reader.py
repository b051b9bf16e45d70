"""Decisions drawn from bytes, so that a fuzzer that changes a byte changes a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Reader:
    """Reads bytes as choices; after the last one every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte, 0 at the end."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        if limit <= 1:
            return 0
        value = self.byte()
        if limit > 256:
            value = value * 256 + self.byte()
        return value % limit

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`."""
        return items[self.below(len(items))]

    def rest(self) -> bytes:
        """Everything that is left."""
        found, self._at = self._data[self._at :], len(self._data)
        return found
