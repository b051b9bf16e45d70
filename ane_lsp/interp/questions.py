"""What was asked of source text while a file was followed, so that an edit of the text asks it again before anything else is done once
more (see :mod:`ane_lsp.interp.cutoff`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.ran import Ran
from ane_lsp.interp.scenes import Scene, scene
from ane_lsp.interp.state import Written

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base

Ask = Callable[[], Any]
"""Looks at source text, and at names outside, and gives plain values."""


class Question:
    """One that was asked in a state of names outside. number: as that of kept calls."""

    like = None
    __slots__ = ("_answer", "_ask", "number", "ran", "scene", "state")

    def __init__(self, ask: Ask, asked_in: Scene, number: int, state: int) -> None:
        self._ask = ask
        self._answer: Any = None
        self.scene = asked_in
        self.number = number
        self.state = state
        self.ran = Ran()

    @property
    def states(self) -> tuple[int, ...]:
        return (self.state,)

    def put(self, interp: Base) -> tuple[Any, bool]:
        """The answer, and whether asking left everything as it was."""
        before, thrown = interp.situation(), interp.throwing()
        outer, written = (interp.ran, interp.written), Written()
        interp.ran, interp.written = self.ran, written
        try:
            self._answer = self._ask()
        finally:
            caught = interp.all_caught(thrown)
            interp.ran, interp.written = outer
            if interp.written is not None:
                interp.written.take(written, written.made, written.born)
        return self._answer, caught and not written and interp.situation() == before

    def same_again(self, interp: Base) -> bool:
        """Whether the answer is the same now, in its scene."""
        again = Question(self._ask, self.scene, self.number, self.state)
        answer, good = again.put(interp)
        if good and answer.__class__ is self._answer.__class__ and answer == self._answer:
            self.ran = again.ran
            return True
        return False


def asked(interp: Base, ask: Ask) -> Any:
    """The answer to a question, which can be asked again. Raises what it raises."""
    if interp.repeats is None:
        return ask()
    question = Question(ask, scene(interp, None, (), {}), interp.next_number(), interp.surroundings()[1])
    good = False
    try:
        answer, good = question.put(interp)
    finally:
        if good:
            interp.ran.calls[question] = None
        else:
            interp.ran |= question.ran
    return answer


__all__ = ["Question", "asked"]
