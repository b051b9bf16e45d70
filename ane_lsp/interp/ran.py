"""What the result of a piece of a run depends on in the file that is analysed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ane_lsp.interp.questions import Question
    from ane_lsp.interp.repeats import Kept
    from ane_lsp.interp.rounds import Round
    from ane_lsp.interp.templates import Template
    from ane_lsp.syntax.exchange import Dependency


class Ran:
    """functions: those that ran or were looked into. calls: kept calls, runs on probes, constructions and questions that are part of it,
    which ran or looked into functions of their own."""

    __slots__ = ("calls", "functions")

    def __init__(self) -> None:
        self.functions: set[Dependency] = set()
        self.calls: dict[Kept | Question | Round | Template, None] = {}

    def add(self, function: Dependency) -> None:
        self.functions.add(function)

    def update(self, functions: Iterable[Dependency]) -> None:
        self.functions.update(functions)

    def __ior__(self, other: Ran) -> Ran:
        self.functions |= other.functions
        self.calls.update(other.calls)
        return self

    def __bool__(self) -> bool:
        return bool(self.functions or self.calls)

    def all_calls(self) -> Iterator[Kept | Question | Round | Template]:
        """The kept calls that are part of it, and those that are part of them, each once."""
        pending, seen = list(self.calls), set(self.calls)
        for call in pending:  # which grows
            yield call
            for inner in call.ran.calls:
                if inner not in seen:
                    seen.add(inner)
                    pending.append(inner)

    def all(self) -> set[Dependency]:
        """Every function that ran in it."""
        return self.functions.union(*(call.ran.functions for call in self.all_calls()))


__all__ = ["Ran"]
