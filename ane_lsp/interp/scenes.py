"""What a kept call was made on and where, so that it can be made once more by itself (see :mod:`ane_lsp.interp.cutoff`)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Unknown, Value
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import state
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.probing import Probe, probe_of
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.seen import NAMED, PLAIN, alone
from ane_lsp.interp.values import Instance, OneOf, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base, Capture
    from ane_lsp.interp.record import ActiveModule


Bind = Callable[[Iterable[Tensor], Iterable["Value | None"]], None]
_STATE = (
    "frame", "undo", "ran", "written", "probing", "capture", "trying", "listening", "steps", "max_steps", "deadline", "doubtful",
    "cancelled", "building", "handled", "thrown_to", "limited", "watch", "doubted", "expected",
)  # fmt: skip
"""What a call changes of an interpreter, besides what it records and containers."""


class _TooMuch(Exception):
    """An argument that is no tensor, no plain value and holds more than those."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A call of `callee`, a module or its class. args, kwargs: those of a module are copies, which nobody changes. frames: what ran,
    the innermost first. active: the modules whose forwards ran. paths, quotients: see :class:`Recorder`."""

    callee: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    frames: tuple[tuple[Any, ...], ...]
    active: tuple[ActiveModule, ...]
    paths: dict[int, str]
    capture: Capture
    probing: bool
    trying: int
    quotients: frozenset[int]

    @contextmanager
    def set(self, interp: Base, outside: int) -> Iterator[Bind]:
        """As if the call was about to be made, in a graph that holds nothing yet. Gives a function that is told what stands for
        tensors there. Afterwards all is as it was before. outside: the state of names there, see :class:`Outside`."""
        recorder, ledger = interp.recorder, state.Journal()
        before = [getattr(interp, name) for name in _STATE]
        recorded = recorder.builder, list(recorder.modules), recorder.paths, recorder.reached, recorder.taken_in
        quotients, recorder.quotients = recorder.quotients, set(self.quotients)
        bound: list[tuple[Tensor, Value | None, Any]] = []

        def bind(tensors: Iterable[Tensor], values: Iterable[Value | None]) -> None:
            for tensor, value in zip(tensors, values):
                bound.append((tensor, tensor.value, tensor.graph))
                tensor.value, tensor.graph = value, recorder.graph if value is not None else None

        recorder.builder = GraphBuilder(Graph(), recorder.opset)
        recorder.modules[:] = self.active
        recorder.stand_in(self.paths, set(recorder.reached))
        interp.frame, interp.undo, interp.ran, interp.written = self._frame(), ledger, Ran(), None
        interp.probing, interp.capture, interp.trying, interp.listening = self.probing, self.capture, self.trying, None
        interp.cancelled, interp.building = lambda: False, 0
        try:
            for container, contents in interp.outside.contents(outside):
                if not state.holds(container, contents):
                    ledger.touch(container)
                    interp.put_back(container, contents)
            yield bind
        finally:
            interp.journals.clear()
            interp.branches = 0
            interp.forking.clear()
            interp.undo = None
            for container, contents in ledger.saved.values():
                interp.put_back(container, contents)
            for tensor, value, graph in reversed(bound):
                tensor.value, tensor.graph = value, graph
            for name, held in zip(_STATE, before):
                setattr(interp, name, held)
            recorder.builder, recorder.modules[:], paths, reached, recorder.taken_in = recorded
            recorder.stand_in(paths, reached)
            recorder.quotients = quotients

    def _frame(self) -> Frame:
        frame: Frame | None = None
        for module, function, names, escaping, *rest in reversed(self.frames):
            frame = Frame(module, {}, None, frame, function, names)
            frame.escapes = [] if escaping else None
            frame.node, frame.code, frame.owner, frame.class_body, frame.catching = rest
        assert frame is not None
        return frame


def scene_of(interp: Base, module: Instance, args: Any, kwargs: Any, copies: Copies | None = None) -> Scene | None:
    """The call that is about to be made; None where it is given something that may change."""
    copies = copies or Copies()
    try:
        return scene(interp, module, copies.of(tuple(args)), copies.of(dict(kwargs)))
    except _TooMuch:
        return None


def scene(interp: Base, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Scene:
    """A call that is about to be made on these very arguments."""
    frames = []
    frame: Frame | None = interp.frame
    while frame is not None:
        frames.append(
            (
                frame.module, frame.function, frame.names, frame.escapes is not None,
                frame.node, frame.code, frame.owner, frame.class_body, frame.catching,
            )
        )  # fmt: skip
        frame = frame.parent
    recorder = interp.recorder
    return Scene(
        callee, args, kwargs, tuple(frames), tuple(recorder.modules), recorder.paths, interp.capture, interp.probing,
        interp.trying, frozenset(recorder.quotients),
    )  # fmt: skip


class Copies:
    """Copies of arguments, which hold one another as those do. probes: those among them, with their copies."""

    def __init__(self) -> None:
        self.probes: dict[Probe, Probe] = {}
        self._made: dict[int, Any] = {}

    def of(self, one: Any) -> Any:
        kind = one.__class__
        if kind in PLAIN:
            return one
        if kind is tuple:
            return tuple([self.of(value) for value in one])
        made = self._made.get(id(one))
        if made is not None:
            return made
        if kind is Tensor:
            return self._tensor(one)
        if kind is list:
            made = self._made[id(one)] = []
            made += [self.of(value) for value in one]
        elif kind is dict or kind is OrderedDict:
            made = self._made[id(one)] = kind()
            made.update((name, self.of(value)) for name, value in one.items())
        elif kind is Instance and "_modules" not in one.attrs and not one.cls.flags.get("enum"):
            made = self._made[id(one)] = Instance(one.cls)
            made.node = one.node
            made.attrs, made.data = self.of(one.attrs), self.of(one.data)
        elif kind in NAMED:
            return one
        elif kind is Unknown:
            if alone(one):
                return one
            if one.cause is not None:  # else a list of such tensors, nobody knows how many
                raise _TooMuch
            made = self._made[id(one)] = Unknown(one.reason, one.span, None, self.of(one.item), one.number)
        elif kind is OneOf:
            made = self._made[id(one)] = OneOf(tuple([self.of(value) for value in one.options]), one.told)
        else:
            raise _TooMuch
        return made

    def _tensor(self, one: Tensor) -> Tensor:
        if one.origin in ("parameter", "buffer") and probe_of(one) is None:
            return one  # of a module, where it is met again
        made = self._made[id(one)] = one.bare()
        made.base = None if one.base is None else self.of(one.base)
        if one.attrs is not None:
            probe = probe_of(one)
            if len(one.attrs) != 1 or probe is None:
                raise _TooMuch
            made.attrs = {"__probe__": probe.copied(self.probes)}
        return made


__all__ = ["Bind", "Copies", "Scene", "scene", "scene_of"]
