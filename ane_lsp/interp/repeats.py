"""Calls of modules made before: one of the same code, on the same inputs, in the same state records again what that recorded.

Models repeat their blocks, and following a block is most of what an analysis interprets. What a call saw is written down as a
key: everything the module and the arguments lead to, with values, places and what stands for what. A call is only kept where
it left nothing behind but its result and what it put into containers that it was given (a cache of keys and values): else the key is
the same after it, what was written meanwhile is gone, no name was bound anew. It is given again where names outside, and what
they stand for, are as they were, and one that made up sizes where these have the same numbers. Its calls and ops
are then recorded again with the parameters, paths and callers of the other module. Kept calls live on between the
versions of a file, but for those that ran a function which was exchanged.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Call, Graph, Op, ShapeFact, Span, Sym, Unknown, Value, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.movers import HOLDING, Mover, Sizes, other_facts, record
from ane_lsp.interp.outside import Outside
from ane_lsp.interp.probing import Heard, Probe, Use
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.references import OWN
from ane_lsp.interp.results import Changing, Packing, Raised, Results, ended
from ane_lsp.interp.scenes import Scene, scene_of
from ane_lsp.interp.seen import NAMED, PLAIN, NotKept, Parts, Pieces, Seen, alone
from ane_lsp.interp.state import Written, holds
from ane_lsp.interp.templates import forget_outside, left_behind
from ane_lsp.interp.values import ClassObject, Instance, PyRaise, Recalled, Tensor, Told, next_tensor

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base, Capture
    from ane_lsp.interp.torch_glue import TorchGlue

MAX_KEPT = 1_000
KEPT_FOR = 4
"""Runs of a file after which a call that none of them made is let go: an edit may be taken back."""
WORTH_IT = 16
"""Interpreter steps below which following a call is as quick as finding out that it was made before."""
MAX_FAILURES = 3
"""So often a class's calls may turn out to be no use before they are not looked at any more."""


def _roles(bound: Iterable[Value | None]) -> tuple[Any, ...]:
    """What operations can tell of the values: whether they are there, where they come from and whether they fold."""
    numbers: dict[int, int] = {}
    return tuple(
        None if value is None else (value.origin, value.fold, numbers.setdefault(value.id, len(numbers)))
        for value in bound
    )


Version = tuple["Capture | None", "tuple[int, ...] | None", "int | None"]
"""What else a call saw: how the model is captured and which of many its modules are, where it asked; the number of the last size that
was made up before it, where it made some up and they are where nobody exchanges them for others."""


@dataclass(slots=True, eq=False)
class Kept:
    """A call that was made. value, op, call, shape: the numbers that came next before it. values: how many values it made.

    inner: calls it is made of. used: the last run that made it. needed: the last one before which something known was made of it. number: grows from call to call. given: values from before it,
    with the places of their tensors. taken: values it made for tensors it saw. probes: what it was given in place of inputs,
    told: what it told of which of them. counts: it read which of many a module is. size: the number of the last size made up before it. drawn: how many
    it made up. lost: see :class:`Graph`. unresolved: what :attr:`Base.unresolved` heard first of it. like: the first of those that
    are the same but for the state of names outside. quotients: see :attr:`Recorder.quotients`, after it. recalled: see :attr:`Base.recalled`.
    """

    result: Any
    calls: list[Call]
    ops: list[Op]
    shapes: list[ShapeFact]
    value: int
    op: int
    call: int
    shape: int
    values: int
    given: list[tuple[Value, int]]
    taken: list[tuple[Value, int]]
    path: str
    callers: tuple[Span, ...]
    steps: int
    asks_capture: bool
    counts: bool
    size: int
    drawn: int
    reached: set[ClassObject]
    ran: Ran
    lost: dict[str, Span]
    unresolved: dict[str, Span]
    probes: list[Probe]
    told: list[tuple[int, Use]]
    used: int
    key: Any
    version: Version
    scene: Scene | None
    number: int
    inner: list[Inner]
    quotients: frozenset[int]
    recalled: list[tuple[Recalled, Any, Any]]
    like: Kept | None = None
    needed: int = 0

    def here(self) -> Inner:
        """Where it was made."""
        given, taken = (tuple([value for value, _ in values]) for values in (self.given, self.taken))
        return Inner(self, self.call, self.op, self.value, self.shape, self.size, given, taken, self.path, self.callers)

    def become(self, contents: Mapping[str, Any]) -> None:
        """From here on it records, and gives, something else."""
        for name, held in contents.items():
            setattr(self, name, held)
        self.like = None

    @property
    def state(self) -> int:
        """The state of names outside that it was made in."""
        found: int = self.key[4][1]
        return found

    @property
    def states(self) -> tuple[int, ...]:
        return (self.state,)

    @property
    def apart_from_state(self) -> Any:
        """Equal for calls that may be the same but for the state of names outside."""
        *seen, (changes, _), epoch = self.key
        return *seen, changes, epoch, self.version


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """A kept call as a part of another. call, op, value, shape: the numbers that came next before it. size: that of the last size made up
    before it. given, taken: the values that
    stand for its own ones there. path: of its module. callers: the calls that lead to it."""

    kept: Kept
    call: int
    op: int
    value: int
    shape: int
    size: int
    given: tuple[Value, ...]
    taken: tuple[Value, ...]
    path: str
    callers: tuple[Span, ...]

    def among(self, known: Mapping[int, Value]) -> Inner:
        """The same in a graph of which these are the values, by their numbers."""

        def there(value: Value) -> Value:
            now = known.get(value.id, value)
            return now if value.made_as is None else now.of_type(value.type)

        return replace(self, given=tuple(map(there, self.given)), taken=tuple(map(there, self.taken)))


def parts(made_of: Iterable[Inner]) -> Iterator[Inner]:
    """The calls that something is made of, and in place of those that raised something the calls that those are made of: they are followed
    whenever they are made."""
    for inner in made_of:
        if inner.kept.result.__class__ is Raised:
            yield from parts(inner.kept.inner)
        else:
            yield inner


GAP: Any = None
"""Stands for each call and operation of a kept call that is part of one which is only told from another one."""


class Repeats:
    """The calls that are kept of one interpreter."""

    def __init__(self, interp: Base) -> None:
        self.pieces = Pieces(interp.covered, interp.ordinals, interp.probe_shapes)
        self._kept: OrderedDict[Any, dict[Version, Kept]] = OrderedDict()
        self._failures: dict[tuple[ClassObject, bool], int] = {}  # apart for forwards that are run on probes
        self._inner: list[Inner] = []  # what the running call is made of
        self._graphs: list[tuple[Graph, list[Inner]]] = []  # and what graphs are that were begun lately
        self._runs = 0
        self.unsettled: Callable[[], None] | None = None  # finds out what some of the kept calls are now
        self._epoch = 0  # grows whenever a call left something behind that another may see

    def begin(self, graph: Graph) -> None:
        """What is recorded from here on is part of `graph`."""
        self._inner = []
        self._graphs.append((graph, self._inner))

    def made_of(self, graphs: Iterable[Graph]) -> list[list[Inner]]:
        """The calls that some of the graphs are made of which were begun since this was asked last."""
        found = {id(graph): inner for graph, inner in self._graphs}
        self._graphs.clear()
        self._inner = []
        return [found.get(id(graph), []) for graph in graphs]

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Meanwhile calls are followed only to be compared: none is kept, none is recorded again that is doubted
        (:attr:`Base.doubted`), and of those that are nothing is recorded but gaps."""
        before = self._epoch, dict(self._failures), self._inner, self._graphs
        self._inner, self._graphs = [], []
        try:
            yield
        finally:
            self._epoch, self._failures, self._inner, self._graphs = before

    def forget(self, others: Callable[[Kept], bool], part_of: Container[Any], built_again: bool) -> None:
        """Let go of calls that are others since an edit, and of those that nobody made for long, nor are `part_of` what is known.
        built_again: models will be built again."""
        self._runs += 1
        for key, versions in list(self._kept.items()):
            for kept in versions.values():
                if kept in part_of:
                    kept.needed = self._runs
            last = max(max(kept.used, kept.needed) for kept in versions.values())
            if last < self._runs - KEPT_FOR:
                del self._kept[key]
        self.let_go(others, built_again)
        self._failures.clear()

    def let_go(self, others: Callable[[Kept], bool], built_again: bool) -> None:
        """Let go of calls that are others; the same as in :meth:`forget`."""
        if built_again:
            self.pieces.clear()
        for key, versions in list(self._kept.items()):
            if any(map(others, versions.values())):
                del self._kept[key]

    def states(self) -> set[int]:
        """Numbers of the states of names outside (:meth:`Base.surroundings`) in which calls are kept."""
        return {kept.state for versions in self._kept.values() for kept in versions.values()}

    def call(self, interp: TorchGlue, module: Instance, args: Any, kwargs: Any, follow: Callable[[], Any]) -> Any:
        """The result of ``module(*args, **kwargs)``: of `follow`, or as it was before."""
        if self.unsettled is not None:
            self.unsettled()
        kind = module.cls, interp.probing
        failures = self._failures.get(kind, 0)
        recorder = interp.recorder
        if failures >= MAX_FAILURES or not recorder.path_of(module):
            return follow()
        try:
            seen = Seen(recorder, module, args, kwargs, interp.probing, self.pieces)
            bound = seen.bound()
            key = self.key_of(interp, seen, bound)
            versions = self._kept.get(key)
        except (NotKept, TypeError, RecursionError):
            self._failures[kind] = failures + 1
            return follow()
        kept = _version(versions, (interp.capture, tuple(seen.ordinals), dims.drawn())) if versions else None
        doubted = kept is not None and interp.doubted is not None and interp.doubted(kept)
        if kept is not None and not doubted and _leads_on(kept, interp.outside):
            self._kept.move_to_end(key)
            if kept.scene is not None and kept.used != self._runs:  # modules and graphs of earlier runs are let go
                kept.scene = scene_of(interp, module, args, kwargs)
            kept.used = self._runs
            self._failures.pop(kind, None)
            return self._again(interp, kept, seen, bound, recorder.path_of(module))
        return self._first(interp, module, args, kwargs, follow, key, seen, bound)

    def key_of(self, interp: TorchGlue, seen: Seen, bound: list[Value | None]) -> Any:
        """What calls have in common that record the same. bound: what stands for the tensors that are seen."""
        probes = seen.probes
        known = [(one.state(), one.made_of(probes) if len(probes) > 1 else ()) for one in probes]
        probed = interp.probing, *known
        context = bool(interp.trying), frozenset(interp.recorder.quotients)
        return Parts(seen.parts), _roles(bound), context, probed, interp.surroundings(), self._epoch

    # -- the first time ----------------------------------------------------------------------------------------------

    def _first(
        self, interp: TorchGlue, module: Instance, args: Any, kwargs: Any, follow: Callable[[], Any], key: Any, seen: Seen,
        bound: list[Value | None],
    ) -> Any:  # fmt: skip
        """Follow the call, and keep it where that is right."""
        ran, interp.ran = interp.ran, Ran()
        inner, self._inner = self._inner, []
        kept = None
        try:
            result, raised, kept = self.followed(interp, module, args, kwargs, follow, key, seen, bound)
        finally:
            if kept is None or interp.doubted is not None:
                ran |= interp.ran
                inner += self._inner
            else:
                ran.calls[kept] = None
                if raised is None:
                    self._keep(kept)
                inner.append(kept.here())
            interp.ran, self._inner = ran, inner
        if raised is not None:
            raise raised
        return result

    def _keep(self, kept: Kept) -> None:
        """From here on the call is recorded again where it is made again."""
        self._kept.setdefault(kept.key, {})[kept.version] = kept
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def followed(
        self, interp: TorchGlue, module: Instance, args: Any, kwargs: Any, follow: Callable[[], Any], key: Any, seen: Seen,
        bound: list[Value | None],
    ) -> tuple[Any, PyRaise | None, Kept | None]:  # fmt: skip
        """The result of the call or what it raised, and the call as it can be kept; None where it cannot."""
        scene, kind = scene_of(interp, module, args, kwargs), (module.cls, interp.probing)
        recorder = interp.recorder
        graph, builder = recorder.graph, recorder.builder
        calls, ops, shapes, custom = len(graph.calls), len(graph.ops), len(graph.shapes), len(graph.custom)
        value, steps, epoch = builder.next_value, interp.steps, self._epoch
        changes, noted = interp.surroundings(), len(interp.outside.noted)
        faults, lost, drawn = len(interp.internal), len(interp.unresolved), dims.drawn()
        recalled = len(interp.recalled)
        doubtful, interp.doubtful, thrown = interp.doubtful, False, interp.throwing()
        outer = interp.written, recorder.reached, recorder.taken_in, graph.asks_capture, graph.lost
        ordinals_read, since = interp.ordinals_read, interp.changes_kept()
        written, first = Written(), next_tensor()
        reached: set[ClassObject] = set()
        taken_in: list[Tensor] = []
        interp.written, recorder.reached, recorder.taken_in = written, reached, taken_in
        graph.asks_capture, graph.lost = False, {}
        heard, listening = list[Heard](), {probe: probe.heard for probe in seen.probes}
        for probe in listening:
            probe.heard = heard
        result = raised = None
        try:
            result = follow()
        except PyRaise as error:
            raised = error.apart()
        except Told as told_all:
            told_all.__traceback__ = None
            raise
        finally:
            for probe, outer_heard in listening.items():
                probe.heard = outer_heard
            for probe, use, cause in heard:
                if (outer_heard := listening[probe]) is not None:
                    known = cause is not None and listening[cause] is outer_heard
                    outer_heard.append((probe, use, cause if known else None))
            asks_capture, not_followed = graph.asks_capture, graph.lost
            doubted, interp.doubtful = interp.doubtful, interp.doubtful or doubtful
            caught = interp.all_caught(thrown)
            interp.written, recorder.reached, recorder.taken_in = outer[:3]
            graph.asks_capture, graph.lost = asks_capture or outer[3], {**not_followed, **outer[4]}
            recorder.reached |= reached
            if recorder.taken_in is not None:
                recorder.taken_in += taken_in
            # What is returned, and held by nobody else yet, is no trace that the call left.
            number = id(result)
            recorded = (number in written) + interp.records(number)
            handed = [result] if sys.getrefcount(result) - recorded == OWN else []

            def harmless(one: int) -> bool:
                # The state of the first two is compared below.
                if seen.holds(one) or interp.outside.knows(one, noted) or one in written.born:
                    return True
                container = written.get(one)
                return container.__class__ is Tensor and container.number > first

            forget_outside(written, interp, noted)
            left = left_behind(written, interp, harmless, handed, since=since)
            if handed:
                left.pop(number, None)
            if interp.written is not None:
                interp.written.take(left, written.made, written.born)
            own = all(map(harmless, left))
            if not own:  # unless all that holds the same again
                before = interp.changed_since(since)
                own = all(harmless(one) or (one in before and holds(left[one], before[one])) for one in left)
                self._epoch += not own
        changed: dict[int, Any] = {}
        try:
            now = Seen(recorder, module, args, kwargs, interp.probing, self.pieces) if own else None
            same = now is not None and now.ordinals == seen.ordinals
            if now is not None and now.parts != seen.parts:
                same = same and now.number == seen.number and now.number is not None
                changed = _changed(seen, left, first)
        except (NotKept, TypeError, RecursionError):
            same = False
        if raised is None and interp.steps - steps < WORTH_IT:
            self._failures[kind] = MAX_FAILURES
            return result, None, None
        grown = _grown(interp, changes, written) if same else None
        sound = (
            grown is not None
            and epoch == self._epoch
            and len(graph.custom) == custom
            and len(interp.internal) == faults
            and not doubted
            and caught
            and recorder.graph is graph
        )
        try:
            if not sound or (raised is not None and (changed or grown)):
                raise NotKept
            assert grown is not None
            after = seen.bound()
            if any(old is not None and old is not new for old, new in zip(bound, after)):
                raise NotKept
            if any(old is None and new is not None and new.producer is not None for old, new in zip(bound, after)):
                raise NotKept  # it was taken in and then written to
            places = {id(tensor): place for place, tensor in enumerate(seen.tensors)}
            if any(id(tensor) not in places and tensor.number <= first for tensor in taken_in):
                raise NotKept  # nobody knows whether another call would find it or make it
            made = (written.keys() - left.keys()) | (written.born & left.keys())
            counts = interp.ordinals_read != ordinals_read
            sizes = dims.drawn() - drawn
            version = (
                interp.capture if asks_capture else None,
                tuple(seen.ordinals) if counts else None,
                drawn if sizes and (seen.probes or _holds_sizes(graph.calls[calls:], self._inner)) else None,
            )  # fmt: skip
            packing = Packing(places, seen, recorder, interp.probing, made, changed)
            kept = Kept(
                packing.result(result, grown, interp.outside) if raised is None else ended(raised),
                graph.calls[calls:], graph.ops[ops:], graph.shapes[shapes:],
                value, ops, calls, shapes, builder.next_value - value,
                [(v, place) for place, v in enumerate(bound) if v is not None],
                [(v, place) for place, (v, old) in enumerate(zip(after, bound)) if v is not None and old is None],
                recorder.path_of(module), _callers(interp), interp.steps - steps, asks_capture,
                counts, drawn, sizes, reached, interp.ran, not_followed,
                dict(islice(interp.unresolved.items(), lost, None)), seen.probes,
                [(seen.probes.index(probe), use) for probe, use, cause in heard if cause is None], self._runs, key, version, scene,
                interp.next_number(), self._inner, frozenset(recorder.quotients),
                [(known, asked, found) for known, asked, found in interp.recalled[recalled:] if asked in known],
            )  # fmt: skip
            _check(kept)
            for view in packing.views:  # as those are that are given again
                view.base = None
            interp.made_here(*packing.handed)
        except NotKept:
            if raised is None:
                self._failures[kind] = self._failures.get(kind, 0) + 1
            return result, raised, None
        if raised is None:
            self._failures.pop(kind, None)
        return result, raised, kept

    # -- the other times ---------------------------------------------------------------------------------------------

    def _again(self, interp: TorchGlue, kept: Kept, seen: Seen, bound: list[Value | None], path: str) -> Any:
        """Record what the kept call recorded, for the tensors that this one sees."""
        interp.tick()
        recorder = interp.recorder
        graph, builder = recorder.graph, recorder.builder
        for number, use in kept.told:
            seen.probes[number].hear(use)
        sizes = Sizes.between(kept.size, kept.drawn, dims.drawn())
        mover = Mover(builder.next_value - kept.value, len(graph.ops) - kept.op, sizes)
        for old, place in kept.given:
            value = bound[place]
            assert value is not None
            mover.give(old, value)
        for old, place in kept.taken:
            tensor = seen.tensors[place]
            made = Value(old.id + mover.value, tensor.type, old.origin, tensor.name, None, old.fold)
            mover.values[old.id] = made
            recorder.bind(tensor, made)
            if recorder.taken_in is not None:
                recorder.taken_in.append(tensor)
        moved, callers = mover.values_of, _callers(interp)
        self._inner.append(
            Inner(
                kept, len(graph.calls), len(graph.ops), builder.next_value, len(graph.shapes), dims.drawn(),
                moved(kept.given), moved(kept.taken), path, callers,
            )
        )  # fmt: skip
        if interp.doubted is None:
            record(mover, graph, kept.calls, kept.ops, (len(graph.calls) - kept.call, mover.op), kept, callers, path)
        else:
            graph.calls += [GAP] * len(kept.calls)
            graph.ops += [GAP] * len(kept.ops)
        graph.shapes += other_facts(kept.shapes, sizes)
        builder.next_value += kept.values
        interp.steps += kept.steps
        interp.ran.calls[kept] = None
        recorder.reached |= kept.reached
        graph.asks_capture |= kept.asks_capture
        graph.lost = {**kept.lost, **graph.lost}
        if kept.unresolved:
            interp.unresolved = {**kept.unresolved, **interp.unresolved}
        interp.ordinals_read += kept.counts
        recorder.quotients |= kept.quotients
        dims.draw(kept.drawn)
        results = Results(kept.probes, seen, mover, graph)
        result = results.given(kept.result, interp.change, interp.outside)
        interp.made_here(*results.handed)
        for known, asked, found in kept.recalled:
            if asked not in known:
                interp.recall(known, asked, found)
        return result


def _leads_on(kept: Kept, outside: Outside) -> bool:
    """Whether one still comes to the very lists outside that the call has put something behind."""
    result = kept.result
    if result.__class__ is not Changing:
        return True
    return all(id(outside.at(way)) == number for (way, _), number in zip(result.more, result.lists))


def _grown(interp: Base, before: tuple[int, int], written: Container[int]) -> list[tuple[Any, int]] | None:
    """The lists outside that a call has put something behind, see :meth:`Outside.grown`; None where it changed anything else there."""
    now = interp.surroundings()
    if now == before:
        return []
    return interp.outside.grown(before[1], written) if now[0] == before[0] else None


def _changed(seen: Seen, left: Mapping[int, Any], first: int) -> dict[int, Any]:
    """Of the containers that a call wrote to and `left` behind, those that it was given, by their places. Raises NotKept where there is
    none, or where it changed a tensor that was there before. first: the number of the last tensor before the call."""
    found = {}
    for number, one in left.items():
        if one.__class__ is Tensor and one.number <= first:
            raise NotKept
        place = seen.place_given(number)
        if place is not None:
            found[place] = one
    if not found:
        raise NotKept
    return found


def _version(versions: dict[Version, Kept], now: tuple[Capture, tuple[int, ...], int]) -> Kept | None:
    """The call that saw of this what it asked for."""
    for version, kept in versions.items():
        if all(asked is None or asked == there for asked, there in zip(version, now)):
            return kept
    return None


def _holds_sizes(calls: Iterable[Call], inner: Iterable[Inner]) -> bool:
    """Whether a size that was made up may lie among the settings of a module."""
    return any(part.kept.version[2] is not None for part in inner) or any(
        size.__class__ is Sym and not size.is_known
        for call in calls if call is not GAP
        for held in call.hyper.values()
        for size in (held if held.__class__ is tuple or held.__class__ is list else (held,))
    )  # fmt: skip


def _callers(interp: TorchGlue) -> tuple[Span, ...]:
    """The calls that lead to what is called here."""
    stack = interp.stack_of(interp.frame)
    frame = interp.frame
    if frame.node is not None and not frame.module.is_torch and frame.module.path is not None:
        stack = (*stack, interp.span_in(frame, frame.node))
    return stack


def _check(kept: Kept) -> None:
    """Raises NotKept where what was recorded could not be recorded for another module."""
    given = {value.id for value, _ in kept.given}
    for call in kept.calls:
        if call is GAP:
            continue
        if call.stack[: len(kept.callers)] != kept.callers or not (
            call.module == kept.path or call.module.startswith(kept.path + ".")
        ):
            raise NotKept
        for value in _values((call.args, call.kwargs, call.params, call.result)):
            if value.id < kept.value and value.id not in given:
                raise NotKept
    for op in kept.ops:
        if op is GAP:
            continue
        if op.call.id < kept.call or any(v.id < kept.value and v.id not in given for v in op.input_values()):
            raise NotKept


def _values(structure: Any) -> list[Value]:
    """The values in what a call was given or gave. Raises NotKept where something lies there that nobody knows."""
    found: list[Value] = []
    pending: list[Any] = [structure]
    for item in pending:
        kind = item.__class__
        for one in item.values() if kind is dict else (item.start, item.stop, item.step) if kind is slice else item:
            kind = one.__class__
            if kind is Value:
                found.append(one)
            elif kind is Unknown:
                if not (one.cause is None or alone(one.cause)):
                    raise NotKept
                if one.item is not None:
                    pending.append(one.item)
            elif kind in HOLDING:
                pending.append(one)
            elif kind not in PLAIN and kind not in NAMED:
                raise NotKept
    return found


__all__ = ["GAP", "Inner", "Kept", "Repeats", "parts"]
