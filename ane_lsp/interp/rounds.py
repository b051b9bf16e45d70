"""A forward that was run on probes, so that it can be run once more by itself (see :mod:`ane_lsp.interp.cutoff`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import dims
from ane_lsp.interp.probing import Probe
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.scenes import Copies, Scene, scene_of
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.state import Written, holds
from ane_lsp.interp.templates import left_behind
from ane_lsp.interp.values import Instance

if TYPE_CHECKING:
    from ane_lsp.interp.torch_glue import TorchGlue

_LONG = 10_000  # tables of more entries are data
Follow = Callable[[Mapping[str, Any], Written], None]
"""Runs a forward on inputs. It is given a table for the containers that are changed meanwhile."""


class Watch:
    """What a model leads to when its forward begins and when it has ended. numbers: see :class:`Piece`."""

    def __init__(self) -> None:
        self.numbers: list[Any] = []
        self.found: Mapping[int, int] = {}

    def note(self, interp: TorchGlue, model: Instance) -> None:
        assert interp.repeats is not None
        try:
            piece = interp.repeats.pieces.of(interp.recorder, model, False)
        except (NotKept, RecursionError):
            self.numbers.append(None)
        else:
            self.numbers.append((piece.number, piece.ordinals))
            self.found = piece.found

    @property
    def steady(self) -> bool:
        """Whether the model led to the same before and after."""
        return len(self.numbers) == 2 and self.numbers[0] is not None and self.numbers[0] == self.numbers[1]


class Round:
    """One run of a forward on probes. number: as that of kept calls. told: what each probe had learned in the end. outside: the
    state of names outside. drawn: the numbers of the last size made up before and after."""

    like = None
    __slots__ = ("_follow", "drawn", "number", "outside", "ran", "scene", "told", "watch")

    def __init__(self, scene: Scene, follow: Follow, number: int, outside: tuple[int, int]) -> None:
        self.scene = scene
        self.number = number
        self.outside = outside
        self.watch = Watch()
        self.drawn = (dims.drawn(), dims.drawn())
        self.told: list[tuple[Any, ...]] = []
        self.ran = Ran()
        self._follow = follow

    @property
    def state(self) -> int:
        """The state of names outside that it was run in."""
        return self.outside[1]

    @property
    def states(self) -> tuple[int, ...]:
        return (self.state,)

    def run(self, interp: TorchGlue, inputs: Mapping[str, Any], probes: Iterable[Probe], written: Written) -> bool:
        """Run the forward. Whether it left nothing behind but what the probes learned. written: a table for what is changed meanwhile."""
        before, noted, thrown = interp.situation(), len(interp.outside.noted), interp.throwing()
        since = interp.changes_kept()
        interp.ran, interp.watch = self.ran, self.watch
        try:
            self._follow(inputs, written)
        finally:
            caught = interp.all_caught(thrown)
        self.drawn = self.drawn[0], dims.drawn()
        self.told = [probe.state() for probe in probes]

        def harmless(one: int) -> bool:
            return one in self.watch.found or interp.outside.knows(one, noted)

        return (
            self.watch.steady
            and caught
            and interp.situation() == before
            and all(map(harmless, left_behind(written, interp, harmless, since=since)))
        )

    def same_again(self, interp: TorchGlue) -> bool | None:
        """Whether probes learn the same now, in its scene. None in another state than it was run in."""
        if interp.surroundings() != self.outside:
            return None
        with dims.drawn_from(self.drawn[0]):
            copies = Copies()
            inputs = copies.of(self.scene.kwargs)
            again = Round(self.scene, self._follow, self.number, self.outside)
            good = again.run(interp, inputs, copies.probes.values(), Written())
            if again.watch.numbers[:1] != self.watch.numbers[:1]:
                return None
        if good and (again.told, again.drawn) == (self.told, self.drawn):
            self.ran = again.ran
            return True
        return False


def probed(interp: TorchGlue, model: Instance, inputs: Mapping[str, Any], follow: Follow) -> None:
    """Run a forward on probes, so that it can be run again. The model is left as it was: what it keeps from its first call, a table of
    positions or a size, is made when it is called on what the probes have learned."""
    before = [(one, one.copy()) for one in _tables(model)]
    written = Written() if interp.written is None else interp.written
    try:
        _probed(interp, model, inputs, follow, written)
    finally:
        for container, contents in before:
            if id(container) in written and not holds(container, contents):
                interp.change(container, contents)


def _tables(model: Instance) -> Iterator[dict[Any, Any] | list[Any]]:
    """What a model and the objects that it leads to by tables and lists keep in those."""
    met = {id(model.attrs)}
    pending: list[Any] = [model.attrs]
    for one in pending:  # which grows
        yield one
        for held in one.values() if isinstance(one, dict) else one:
            table = held.attrs if held.__class__ is Instance else held
            if table.__class__ in (dict, list) and id(table) not in met and len(table) <= _LONG:
                met.add(id(table))
                pending.append(table)


def _probed(interp: TorchGlue, model: Instance, inputs: Mapping[str, Any], follow: Follow, written: Written) -> None:
    outer = interp.ran
    repeats = interp.repeats
    copies = Copies()
    scene = scene_of(interp, model, (), inputs, copies) if repeats is not None and interp.written is None else None
    if repeats is None or scene is None:
        follow(inputs, written)
        return
    one = Round(scene, follow, interp.next_number(), interp.surroundings())
    good = False
    try:
        good = one.run(interp, inputs, copies.probes, written)
    finally:
        interp.ran, interp.watch = outer, None
        if good:
            outer.calls[one] = None
        else:
            outer |= one.ran


__all__ = ["Round", "Watch", "probed"]
