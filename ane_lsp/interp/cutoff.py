"""Early cutoff: an edited function that does the same where it was called concerns nobody else.

Before a file is followed again, each kept call that ran an exchanged function is made once more by itself, on what it was given
then and in the state it was made in; and so are constructions, and runs on probes. Where one records and gives the same, it stays,
and so does all that it is part of. Where a call records something else and gives the same, that is exchanged in what it is part of
(:mod:`ane_lsp.interp.splices`). Else whatever it is part of is followed again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Value, dims
from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.likeness import counterparts, same_calls, written_down
from ane_lsp.interp.questions import Question
from ane_lsp.interp.repeats import Kept
from ane_lsp.interp.rounds import Round
from ane_lsp.interp.seen import NotKept, Seen
from ane_lsp.interp.splices import Splices
from ane_lsp.interp.templates import Given, Template
from ane_lsp.interp.values import MISSING, PyRaise, Stop

if TYPE_CHECKING:
    from ane_lsp.interp.ran import Ran
    from ane_lsp.interp.scenes import Bind
    from ane_lsp.interp.torch_glue import TorchGlue
    from ane_lsp.syntax.exchange import Dependency

_MORE_STEPS = 20_000
"""So many more than before a call may take; and a construction in all."""
Piece = Kept | Question | Round | Template
Doubts = Mapping["Piece", "frozenset[Dependency]"]
"""Pieces that may be others, with the functions that they ran by themselves and that were exchanged."""
_NOTHING = frozenset[Any]()


class Cutoff:
    """Tells which pieces of a run are others since `changed` functions are. doubts: those that may be others since earlier ones are."""

    def __init__(self, interp: TorchGlue, changed: Collection[Dependency], doubts: Doubts) -> None:
        self._interp = interp
        self._changed = changed
        self._doubts = doubts
        self._same: set[Piece] = set()
        self._presumed: set[Piece] = set()
        self._differ: set[Piece] = set()
        # Calls that record something else, though nobody else can tell; see :data:`Remade`.
        self._remade: dict[Kept, tuple[Kept, dict[int, Value]]] = {}
        # Functions that did something else in one of them, and so most likely in the others; on probes, of which less is known, by themselves.
        self._altered: dict[bool, set[Dependency]] = {False: set(), True: set()}
        self._others: dict[Piece, bool] = {}
        # Those that were found to be the same, by the first of their kind, with what they read outside.
        self._twins: dict[Piece, list[tuple[Piece, set[int]]]] = {}

    def concerns(self, ran: Ran) -> bool:
        """Whether part of a run ran a changed function by itself, or is made of pieces that are others."""
        return self.ran_changed(ran) or any(map(self.other, ran.calls))

    def ran_changed(self, ran: Ran) -> bool:
        """Whether it ran a changed function by itself."""
        return not ran.functions.isdisjoint(self._changed)

    def other(self, piece: Piece) -> bool:
        """Whether a piece may record or give something else, as far as is known yet."""
        if piece in self._same or piece in self._presumed:
            return False
        known = self._others.get(piece)
        if known is None:
            known = self._others[piece] = piece in self._doubts or self.concerns(piece.ran)
        return known

    def concerned(self, piece: Piece) -> frozenset[Dependency]:
        """The functions that a piece ran by itself and that are others since it was made."""
        return self._doubts.get(piece, _NOTHING).union(piece.ran.functions.intersection(self._changed))

    def presume(self, pieces: Iterable[Piece]) -> None:
        """For now these count as the same."""
        self._presumed = set(pieces)
        self._others.clear()

    def examine(self, ran: Ran) -> bool:
        """Make those pieces of part of a run once more that are concerned; names outside stand for what they did at its end. False where
        nobody waits any more."""
        if self._interp.repeats is None:
            return True
        for piece in sorted(ran.all_calls(), key=attrgetter("number")):  # what is part of another comes before it
            if piece in self._same or piece in self._presumed or piece in self._differ:
                continue
            altered = self._altered[piece.scene is not None and piece.scene.probing]
            concerned = self.concerned(piece)
            if concerned and altered.isdisjoint(concerned) and not any(map(self.other, piece.ran.calls)):
                if self._interp.cancelled():  # which takes its time
                    return False
                try:
                    same = self._has_twin(piece) or self._again(piece)
                except (PyRaise, Stop, UnknownIteration, NotKept, TypeError, RecursionError):
                    same = False
                if same:
                    self._same.add(piece)
                    self._others.clear()
                elif same is not None:  # else perhaps at the end of another part
                    self._differ.add(piece)
                    if piece.scene is not None:
                        altered |= concerned
        return True

    def _has_twin(self, piece: Piece) -> bool:
        """Whether it is as another one that is the same now, which read nothing outside that differs from what this one saw."""
        for twin, reads in self._twins.get(piece.like or piece, ()):
            if {one.like or one for one in twin.ran.calls} == {one.like or one for one in piece.ran.calls} and (
                reads.isdisjoint(self._interp.outside.differing(twin.state, piece.state))
            ):
                if isinstance(piece, Kept) and isinstance(twin, Kept) and twin in self._remade:
                    self._remade[piece] = self._remade[twin]
                piece.ran.functions = twin.ran.functions
                return True
        return False

    def _again(self, piece: Piece) -> bool | None:
        """Whether it is the same now for others. None in another state than it was made in. Raises what it raises, and NotKept."""
        scene, interp = piece.scene, self._interp
        if scene is None or interp.repeats is None:
            raise NotKept
        outside = interp.outside
        with interp.repeats.comparing(), scene.set(interp, piece.state) as bind:
            interp.doubted = self.other
            interp.start_clock()
            outside.shared.clear()
            outside.reads = reads = set[int]()
            try:
                if isinstance(piece, (Question, Round)):
                    return piece.same_again(interp)
                same = self._built(piece) if isinstance(piece, Template) else self._called(piece, bind)
            finally:
                outside.reads = None
        if same:
            self._twins.setdefault(piece.like or piece, []).append((piece, reads))
        return same

    def _built(self, template: Template) -> bool | None:
        """Whether a module is built the same now."""
        interp, scene = self._interp, template.scene
        cls, args, kwargs = scene.callee, scene.args, scene.kwargs
        for container, contents in template.before:
            interp.touch(container)
            interp.put_back(container, contents)
        given = Given(cls, args, kwargs)
        if interp.surroundings() != template.surroundings or given.key != template.given.key:
            return None
        drawn = dims.drawn()
        interp.building = 1
        interp.expected = [one for one in template.ran.calls if isinstance(one, Template) and not self.other(one)]
        interp.max_steps = interp.steps + _MORE_STEPS
        built, _, own, _ = interp.build(cls, args, kwargs)
        if own is None or dims.drawn() != drawn or interp.surroundings() != template.left:
            return False
        if Given(cls, args, kwargs).key != template.after or written_down(built, given, own) != _parts(template):
            return False
        template.ran = interp.ran
        return True

    def _called(self, call: Kept, bind: Bind) -> bool | None:
        """Whether a call records and gives the same now, or only gives the same."""
        scene, interp, repeats = call.scene, self._interp, self._interp.repeats
        assert scene is not None
        assert repeats is not None
        module, args, kwargs = scene.callee, scene.args, scene.kwargs
        interp.max_steps = interp.steps + call.steps + _MORE_STEPS
        seen = Seen(interp.recorder, module, args, kwargs, scene.probing, repeats.pieces)
        values: list[Value | None] = [None] * len(seen.tensors)
        for value, place in call.given:
            values[place] = value
        bind(seen.tensors, values)
        interp.recorder.builder.next_value = call.value  # numbers tell values apart
        if repeats.key_of(interp, seen, values) != call.key:
            return None
        forward = interp.forward_of(module)
        if forward is MISSING:
            raise NotKept
        follow = partial(interp.follow_module, module, forward, args, kwargs)
        with ExitStack() as unlearning, dims.drawn_from(call.size):
            for probe in seen.probes:  # the scene may be set again
                unlearning.enter_context(probe.unlearning())
            _, _, again = repeats.followed(interp, module, args, kwargs, follow, call.key, seen, values)
        if again is None or (again.version, again.drawn) != (call.version, call.drawn):
            return False
        if same_calls(call, again):
            call.ran, call.steps = again.ran, again.steps
            return True
        stand_ins = counterparts(call, again)
        if stand_ins is None:
            return False
        self._remade[call] = again, stand_ins
        return True

    def splices(self) -> Splices:
        """What is to be exchanged in graphs."""
        return Splices(self._remade)


def find_twins(pieces: Collection[Piece]) -> None:
    """Note which pieces are the same but for the state of names outside."""
    known: dict[Any, list[Piece]] = {}
    for piece in sorted(pieces, key=attrgetter("number")):  # what is part of another comes before it
        if isinstance(piece, (Question, Round)):
            continue
        alike = known.setdefault(piece.apart_from_state, [])
        if piece.like is None or piece.like not in alike:
            piece.like = next((one for one in alike if _alike(one, piece)), None)  # type: ignore[assignment]
        if piece.like is None:
            alike.append(piece)


def _alike(one: Piece, other: Piece) -> bool:
    if isinstance(one, Kept) and isinstance(other, Kept):
        return same_calls(one, other)
    if isinstance(one, Template) and isinstance(other, Template):
        try:
            return one.after == other.after and _parts(one) == _parts(other)
        except (NotKept, RecursionError):
            return False
    return False


def _parts(template: Template) -> tuple[Any, ...] | None:
    if template.parts is None and template.made is not None:
        template.parts = written_down(template.made.module, template.given)
    return template.parts


__all__ = ["Cutoff", "find_twins"]
