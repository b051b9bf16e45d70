"""What the attempts of a run left behind, so that a later run repeats only those that an edit concerns.

A run of a file follows one entry after the other: it builds a model (one stage) and calls it (another). For each stage
a :class:`Book` keeps which functions of the file it ran, what it recorded, and a ledger of every container it changed.
After an edit of functions, stages that ran none of them are replayed from the book; the others run again in the same
world of imported modules.

That is only the same as a run from scratch if nothing leaks from one stage to another but through what is followed here:

- Containers that modules and classes lead to (registries, caches, counters). What a stage did to them is undone before a
  later run and done again when the stage is replayed. A stage is replayed only if they are as they were before it; once a
  stage that ran again leaves them otherwise than it did, all after it run again.
- Classes that were reached, which decide what else is tried: a stage is replayed only after the same ones.
- What the top level of a module does when it is run stays, because it does the same whoever imports it first. Functions of
  the file that a top level ran cannot be exchanged.

Whatever cannot be followed (a name of another module that a function binds, an object that changes its class) makes the book unfit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Span, Sym, Unknown, dims
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import excerpts, state
from ane_lsp.interp.cutoff import Cutoff, Piece, find_twins
from ane_lsp.interp.frames import Frame
from ane_lsp.interp.likeness import same_graphs, same_unknown, written_down
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.repeats import Kept, parts
from ane_lsp.interp.rounds import Round
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Spliced, Splices
from ane_lsp.interp.templates import forget_outside
from ane_lsp.interp.values import (
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    DType,
    Function,
    Instance,
    ModuleObject,
    OneOf,
    Partial,
    Property,
    Recalled,
    StaticMethod,
    Stop,
    Super,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.repeats import Inner
    from ane_lsp.interp.run import Run
    from ane_lsp.syntax.exchange import Dependency

Key = tuple[Any, ...]
_SIZES = 1_000_000_000
"""So far from each other begin the numbers of the sizes that attempts make up: an attempt that runs again makes up the same, and
calls that were given them are found again."""
Effect = tuple[Any, Any, Any]
"""A container that modules lead to, its contents before a stage and after it."""
_PLAIN = frozenset({int, float, str, bool, bytes, complex, type(None), Sym, DType, Span})


@dataclass(slots=True, eq=False)
class Stage:
    """One piece of an attempt. number: grows from stage to stage. ran: functions it ran or looked into. left: the state of the
    recorder after it. made_of: the kept calls that each of its graphs is made of.

    effects: what it changed for others; None while nobody asked. doubtful: what :attr:`Base.doubtful` was after it. drawn: the
    number of the last size it made up. measured: how much it recorded decided how it went on.
    """

    number: int
    ran: Ran = field(default_factory=Ran)
    ledger: state.Journal = field(default_factory=state.Journal)
    steps: int = 0
    left: Any = None
    graphs: list[tuple[Graph, tuple[Instance, Span | None]]] = field(default_factory=list)
    made_of: list[list[Inner]] = field(default_factory=list)
    effects: list[Effect] | None = None
    doubtful: bool = False
    drawn: int = 0
    measured: bool = False

    def exchange(self, splices: Splices) -> bool:
        """Have in its graphs what calls record now. False where that cannot be."""
        if not any(splices.concern(inner.kept) for inner in chain.from_iterable(self.made_of)):
            return True
        if self.measured:
            return False
        try:
            spliced = [self._exchanged(index, splices) for index in range(len(self.graphs))]
        except NotKept:
            return False
        graphs, entries, builder, paths, reached = self.left
        for (old, _), done in zip(self.graphs, spliced):
            if builder.graph is old and done.graph is not old:
                following = GraphBuilder(done.graph, builder.opset)
                following.next_value = builder.next_value + done.values
                self.left = graphs, entries, following, paths, reached
            self.steps += done.steps
        self.graphs = [(done.graph, entry) for done, (_, entry) in zip(spliced, self.graphs)]
        self.made_of = [done.made_of for done in spliced]
        return True

    def _exchanged(self, index: int, splices: Splices) -> Spliced:
        """One of its graphs as it is now: an excerpt first, where that is quicker and tells all that rules ask. Raises NotKept."""
        (old, _), made_of = self.graphs[index], self.made_of[index]

        def make() -> Graph:
            done = splices.graph(old, made_of)
            self.made_of[index] = done.made_of
            return done.graph

        try:
            return excerpts.spliced(splices, old, made_of, make)
        except NotKept:
            return splices.graph(old, made_of)

    def complete(self) -> None:
        """Make of its graphs what was left for later. Raises NotKept."""
        for graph, _ in self.graphs:
            graph.complete()


@dataclass(slots=True, eq=False)
class Part:
    """One attempt. reached: the classes that were reached before it. made: what its first stage gave.

    told, assumed: what was assumed after the first stage and in the end. stale: the first stage that has to run again. parts: the model
    as it was built, written down. alone: nothing concerns the stages behind the stale one.
    """

    key: Key
    reached: frozenset[ClassObject] = frozenset()
    stages: list[Stage] = field(default_factory=list)
    made: Any = None
    told: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    done: bool = False
    run: Run | None = None
    stale: int | None = None
    parts: tuple[Any, ...] | None = None
    alone: bool = False


@dataclass(slots=True, eq=False)
class Splicing:
    """What is exchanged since an edit, and the attempts of which the turn has not come."""

    splices: Splices
    cutoff: Cutoff
    left: list[Part]


class Book:
    """The attempts of the runs of one interpreter."""

    def __init__(self, interp: Interpreter) -> None:
        self._interp = interp
        self._known: dict[Key, Part] = {}
        self._places: dict[Key, int] = {}
        self._order: list[Part] = []
        self._shared: dict[int, Any] | None = None
        self._top_runs = -1
        self._different = False  # the world is not the one that the known attempts saw
        # Calls that record something else than in graphs of stages that have to run.
        self._others_since: set[Kept] = set()
        # Pieces that were presumed to be as before, with the functions they ran that are others since.
        self._doubts: dict[Piece, frozenset[Dependency]] = {}
        self._splicing: Splicing | None = None
        self._base: Any = None
        self._steps = 0
        self.fit = True

    # -- one run -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The first run: from here on attempts follow."""
        self._base = self._interp.recorder.state()
        self._steps = self._interp.steps

    def ran(self) -> set[Dependency]:
        """The functions of the file that the present result depends on."""
        found = self._ran(self._order)
        found |= self._interp.top_ran
        return found.all()

    @staticmethod
    def _ran(parts: Iterable[Part]) -> Ran:
        found = Ran()
        for part in parts:
            for stage in part.stages:
                found |= stage.ran
        return found

    def concerns_top(self, changed: Collection[Dependency]) -> bool:
        """Whether the top level of a module ran one of these functions."""
        return not self._interp.top_ran.all().isdisjoint(changed)

    def rewind(self, changed: Collection[Dependency], surely: bool = True) -> bool:
        """Go back to before the first attempt; `changed` functions are others from now on. False where that cannot be. Raises Stop where
        nobody waits any more; then all is as before, and the same may be asked again.

        surely: else pieces that no graph shows may be presumed to be as before, until this is asked once more (:attr:`doubtful`).
        """
        interp = self._interp
        self._end_exchange()
        if not self._settle():
            return False
        interp._spans.clear()  # by the identity of nodes, some of which are no more
        cutoff = Cutoff(interp, changed, self._doubts)
        presumed = {} if surely else self._unseen(cutoff)
        cutoff.presume(presumed)
        taken_back = self._examine(cutoff)
        if presumed and any(map(cutoff.other, self._ran(self._known.values()).calls)):
            self._bring_back(taken_back)  # what is seen is not as before: so may be the rest
            presumed = {}
            cutoff.presume(presumed)
            self._examine(cutoff)
        self._doubts = presumed
        for part in self._known.values():
            for index, stage in enumerate(part.stages):
                if cutoff.concerns(stage.ran):
                    part.alone = part.stale is None and not any(
                        cutoff.concerns(s.ran) for s in part.stages[index + 1 :]
                    )
                    part.stale = index if part.stale is None else min(index, part.stale)
                    break
        self._begin_exchange(cutoff)
        self._forget()
        self._order = []
        self._different = False
        interp.recorder.reset(self._base)
        interp.recalled.clear()
        interp.steps = self._steps
        for versions in interp.built.values():
            for changes in [c for c, one in versions.items() if one is not None and cutoff.other(one)]:
                del versions[changes]
        if interp.repeats is not None:
            known = set(self._ran(self._known.values()).all_calls())
            interp.repeats.forget(cutoff.other, known, any(part.stale == 0 for part in self._known.values()))
            kept = interp.repeats.states() | {state for versions in interp.built.values() for _, state in versions}
            interp.outside.retain(kept.union(*(piece.states for piece in known)))
        interp.missed.clear()  # it holds what the functions of the last run were given, with their graphs
        return True

    @property
    def doubtful(self) -> bool:
        """Whether pieces that no graph shows were presumed to be as before."""
        return bool(self._doubts)

    def _unseen(self, cutoff: Cutoff) -> dict[Piece, frozenset[Dependency]]:
        """The pieces that are concerned, but no graph shows: what was tried to find inputs, and in other ways to call a model. Only runs on
        probes, where a stage itself has to run; and no calls of functions of which no graph shows one."""
        stages = [stage for part in self._known.values() for stage in part.stages]
        seen = set[Piece](inner.kept for stage in stages for inner in chain.from_iterable(stage.made_of))
        pending: list[Piece] = list(seen)
        for piece in pending:  # which grows
            inner = [one.kept for one in piece.inner] if isinstance(piece, Kept) else ()
            for one in chain(piece.ran.calls, inner):
                if one not in seen:
                    seen.add(one)
                    pending.append(one)
        shown = set[Any]().union(*map(cutoff.concerned, seen))
        whole = not any(cutoff.ran_changed(stage.ran) for stage in stages)
        return {
            piece: concerned
            for piece in self._ran(self._known.values()).all_calls()
            if piece not in seen
            and (concerned := cutoff.concerned(piece))
            and (isinstance(piece, Round) or (whole and isinstance(piece, Kept) and concerned <= shown))
        }

    def _examine(self, cutoff: Cutoff) -> list[Stage]:
        """Make pieces once more, and leave what others see as it was before the first attempt. The stages of which that was taken back.
        Raises Stop where nobody waits any more; then nothing is."""
        taken_back: list[Stage] = []
        for part in reversed(self._order):
            for stage in reversed(part.stages):
                if not cutoff.examine(stage.ran):
                    self._bring_back(taken_back)
                    raise Stop("cancelled")
                self._take_back(stage)
                taken_back.append(stage)
        return taken_back

    def _begin_exchange(self, cutoff: Cutoff) -> None:
        """From here on what calls record now is exchanged in the graphs of attempts that stay, when their turn comes: the first is told
        before the others'. What the calls themselves are is found out after that, unless one is made before."""
        splices, repeats = cutoff.splices(), self._interp.repeats
        if splices.remade and repeats is not None:
            self._splicing = Splicing(splices, cutoff, list(self._known.values()))
            repeats.unsettled = self._end_exchange

    def _exchange(self, part: Part) -> None:
        """Exchange what calls record now in the graphs of an attempt."""
        if self._splicing is None or part not in self._splicing.left:
            return
        self._splicing.left.remove(part)
        for index, stage in enumerate(part.stages):
            if index == part.stale:
                if not part.alone:
                    break
            elif not stage.exchange(self._splicing.splices):
                part.stale, part.alone = index if part.stale is None else min(index, part.stale), False
                break

    def _end_exchange(self) -> None:
        """Have all attempts, and the calls themselves, be what they are now."""
        if self._splicing is None:
            return
        splices, cutoff, repeats = self._splicing.splices, self._splicing.cutoff, self._interp.repeats
        for part in list(self._splicing.left):
            self._exchange(part)
        self._splicing = None
        if not self.complete():
            self.fit = False
        calls = [call for call in self._ran(self._known.values()).all_calls() if isinstance(call, Kept)]
        for call in sorted(calls, key=attrgetter("number"), reverse=True):  # what it is made of comes behind
            if splices.lost(call) and not cutoff.other(call):
                splices.alone(call)
        splices.commit()
        self._others_since.update(splices.cut)
        if repeats is not None:
            repeats.unsettled = None
            repeats.let_go(splices.lost, any(part.stale == 0 for part in self._known.values()))

    def complete(self) -> bool:
        """Make of graphs what was left for later. False where that cannot be: then all has to be run from scratch."""
        try:
            for part in self._known.values():
                for stage in part.stages:
                    stage.complete()
        except NotKept:
            return False
        return True

    def attempt(
        self, key: Key, work: Callable[[], Any], then: Callable[[Any], Any] | None, assumed: list[str],
        guarded: Callable[[Callable[[], Any]], tuple[bool, Run]], limit: int,
    ) -> tuple[bool, Run]:  # fmt: skip
        """Do `work`, then `then` with what it gave; or what a known attempt says they do."""
        interp = self._interp
        part = self._known.get(key)
        reached = frozenset(interp.recorder.reached)
        first = 0
        if part is not None and not self._different and part.reached == reached:
            first = self._replay(part)
            if first == len(part.stages) and part.run is not None:
                self._order.append(part)
                assumed[:] = part.assumed
                return part.done, part.run
        former = part if part is not None and first == 0 and part.reached == reached and self._may_stay(part) else None
        recorded, steps = interp.recorder.state() if former is not None else None, interp.steps
        if part is None or first == 0:
            old = part.stages if part is not None else None
            part = self._known[key] = Part(key, reached)
        else:
            old = part.stages
            part.stages = old[:first]
            self._undo(old[first:])
            assumed[:] = part.told
        part.stale = 0  # until it is through
        self._order.append(part)

        def staged() -> Any:
            if first == 0:
                with self._stage(part, old):
                    part.made = work()
                part.told = list(assumed)
                if then is not None and interp.repeats is not None and isinstance(part.made, Instance):
                    with suppress(NotKept, RecursionError):
                        part.parts = written_down(part.made, None)
                if former is not None and self._built_as_before(part, former):
                    return part
            if then is None:
                return part.made
            with self._stage(part, old):
                return then(part.made)

        with interp.step_limit(limit - sum(stage.steps for stage in part.stages)):
            part.done, part.run = guarded(staged)
        if former is not None and part.run.result is part:
            self._stay(former, part)
            interp.recorder.reset(recorded)
            interp.steps = steps
            self._replay(former)
            assumed[:] = former.assumed
            return former.done, former.run or part.run
        part.assumed, part.stale = list(assumed), None
        for stage, earlier in zip(part.stages, old or ()):
            self._keep_graphs(stage, earlier)
        if old is not None and len(old) > len(part.stages) and any(stage.effects for stage in old[len(part.stages) :]):
            self._different = True
        return part.done, part.run or guarded(lambda: None)[1]

    def _may_stay(self, part: Part) -> bool:
        """Whether the model of an attempt may be built as before, and all that follows would be the same then."""
        if part.stale != 0 or not part.alone or part.run is None or self._different or len(part.stages) != 2:
            return False
        held: dict[int, Any] = {}
        for stage in part.stages:
            for container, before, after in stage.effects or ():
                if not _same(held.get(id(container), state.contents_of(container)), before):
                    return False
                held[id(container)] = after
        return True

    def _built_as_before(self, part: Part, former: Part) -> bool:
        """Whether the first stage of an attempt made, assumed and left what it did before."""
        new, old = part.stages[0], former.stages[0]
        return (
            part.parts is not None
            and part.parts == former.parts
            and not self._different
            and part.told == former.told
            and (new.drawn, new.doubtful, len(new.graphs)) == (old.drawn, old.doubtful, len(old.graphs))
        )

    def _stay(self, former: Part, part: Part) -> None:
        """Take back what others see of building a model once more; the attempt that has the former one counts, with the pieces that
        were made now: what those were given is in the state that they left it in."""
        stage = part.stages[0]
        self._take_back(stage)
        former.stages[0].ran = stage.ran
        former.stale = None
        self._known[former.key] = self._order[-1] = former

    def _keep_graphs(self, stage: Stage, former: Stage) -> None:
        """A graph that is recorded as it was before is the very one: all that was found out about it still holds."""
        if len(stage.graphs) != len(former.graphs):
            return
        former.complete()
        graphs = self._interp.recorder.graphs
        for index, ((new, entry), (old, _)) in enumerate(zip(stage.graphs, former.graphs)):
            if not self._others_since.isdisjoint(inner.kept for inner in parts(former.made_of[index])):
                continue
            if new is not old and same_graphs(old, new, former.made_of[index], stage.made_of[index]):
                stage.graphs[index] = old, entry
                known = {value.id: value for part in former.made_of[index] for value in (*part.given, *part.taken)}
                stage.made_of[index] = [part.among(known) for part in stage.made_of[index]]
                graphs[next(n for n, graph in enumerate(graphs) if graph is new)] = old

    def _replay(self, part: Part) -> int:
        """Replay the stages of an attempt; the index of the first that has to run."""
        interp = self._interp
        self._exchange(part)
        for index, stage in enumerate(part.stages):
            if part.stale is not None and index >= part.stale:
                return index
            if any(not _same(state.contents_of(c), before) for c, before, _ in stage.effects or ()):
                return index
            for container, before, after in stage.effects or ():
                self._put(container, after, before)
            interp.steps += stage.steps
            interp.doubtful = stage.doubtful
            interp.recorder.replay(stage.graphs, stage.left)
        return len(part.stages)

    def _take_back(self, stage: Stage) -> None:
        """Leave what others see as it was before a stage."""
        for container, before, after in reversed(stage.effects or ()):
            self._put(container, before, after)

    def _bring_back(self, taken_back: list[Stage]) -> None:
        """Leave what others see as it was before the effects of stages were taken back."""
        for stage in reversed(taken_back):
            for container, before, after in stage.effects or ():
                self._put(container, after, before)

    def _put(self, container: Any, contents: Any, instead: Any) -> None:
        """Give a container that modules lead to its `contents` `instead` of others."""
        interp = self._interp
        unseen = container.__class__ is Recalled
        if not unseen and id(container) not in interp.outside.noted and not _same(contents, instead):
            interp.outside.note(container)  # no call has read it
        if isinstance(container, dict):
            interp.named_again(contents.values(), container)
        interp.put_back(container, contents)

    def _undo(self, stages: list[Stage]) -> None:
        """Leave what an attempt made for itself as it was before these stages; what others see was undone before."""
        for stage in reversed(stages):
            shared = {id(container) for container, _, _ in stage.effects or ()}
            for key, (container, before) in stage.ledger.saved.items():
                if key not in shared:
                    self._interp.put_back(container, before)

    @contextmanager
    def _stage(self, part: Part, old: list[Stage] | None) -> Iterator[None]:
        interp = self._interp
        touched = interp.top_touched
        touched.stage += 1
        stage = Stage(touched.stage)
        touched.ledger = stage.ledger
        index = len(part.stages)
        first = self._places.setdefault(part.key, len(self._places) + 1) * _SIZES
        drawn = part.stages[-1].drawn if part.stages else first
        part.stages.append(stage)
        outer, steps, graphs = (interp.undo, interp.ran), interp.steps, len(interp.recorder.graphs)
        noted = len(interp.outside.noted)
        interp.undo, interp.ran, interp.measured = stage.ledger, stage.ran, False
        try:
            with dims.drawn_from(drawn):
                try:
                    yield
                finally:
                    stage.drawn = dims.drawn()
        finally:
            forget_outside((), interp, noted)
            interp.undo, interp.ran = outer
            touched.ledger = None
            stage.steps, stage.doubtful, stage.measured = interp.steps - steps, interp.doubtful, interp.measured
            recorder = interp.recorder
            stage.left = recorder.state()
            stage.graphs = list(zip(recorder.graphs, recorder.entries))[graphs:]
            if interp.repeats is not None:
                stage.made_of = interp.repeats.made_of(graph for graph, _ in stage.graphs)
            if self._shared is not None:
                self._settle_stage(stage)
                before = old[index].effects or [] if old is not None and index < len(old) else []
                if not _same_effects(before, stage.effects or []):
                    self._different = True

    def finish(self) -> None:
        """A run went through: attempts that it did not make are forgotten."""
        self._known = {part.key: part for part in self._order}
        self._others_since.clear()

    def _forget(self) -> None:
        """After a run that was broken off: attempts it did not come to saw a world that may be no more."""
        if self._different:
            self._known = {part.key: part for part in self._order}

    # -- what stages have in common ----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Find out what :meth:`rewind` will ask."""
        self._end_exchange()
        if self._settle():
            find_twins(set(self._ran(self._order).all_calls()))

    def _settle(self) -> bool:
        """Find out what stages did to what they share. False where that cannot be followed."""
        if not self.fit or self._interp.internal or self._interp.limited:
            self.fit = False
            return False
        if self._shared is not None and self._top_runs == self._interp.top_runs:
            return self.fit
        self._look()
        now: dict[int, Any] = {}
        for part in reversed(self._order):
            for stage in reversed(part.stages):
                if stage.effects is None:
                    self._settle_stage(stage, now)
                else:
                    now.update((id(container), before) for container, before, _ in stage.effects)
        return self.fit

    def _look(self) -> None:
        self._shared = shared_containers(self._interp.modules.values())
        self._top_runs = self._interp.top_runs

    def _settle_stage(self, stage: Stage, now: dict[int, Any] | None = None) -> None:
        """Note the effects of a stage. now: contents after it, of containers that were changed since."""
        if self._top_runs != self._interp.top_runs:  # modules were run that lead to more
            self._look()
        assert self._shared is not None
        # Names of a library may be lazy, and what they stand for is made only once; the file itself was run as a whole.
        names = {id(m.namespace) for m in self._interp.modules.values() if m.path not in self._interp.watched}
        stage.effects = []
        for key, (container, before) in stage.ledger.saved.items():
            if key not in self._shared:
                continue
            after = now[key] if now is not None and key in now else state.contents_of(container)
            if now is not None:
                now[key] = before
            if key in names:
                if not _same(before, after):
                    self.fit = False
                continue
            touched = self._interp.top_touched.when.get(key)
            if touched is not None and touched[1] > stage.number:  # undoing would undo that, too
                self.fit = False
            stage.effects.append((container, before, after))
        if stage.ledger.lasting:
            self.fit = False


def _same_effects(one: list[Effect], other: list[Effect]) -> bool:
    """Whether two runs of a stage left all they share in the same state."""
    left = {id(c): (before, after) for c, before, after in one if not _same(before, after)}
    right = {id(c): (before, after) for c, before, after in other if not _same(before, after)}
    return left.keys() == right.keys() and all(_same(left[key][1], right[key][1]) for key in left)


def _same(one: Any, other: Any) -> bool:
    """Whether contents of a container are the same: the very objects, equal plain values, or unknown for the same reasons."""
    if one is other:
        return True
    kind = one.__class__
    if kind is not other.__class__:
        return False
    if kind in _PLAIN:
        return bool(one == other)
    if kind is Unknown:
        return same_unknown(one, other, _same)
    if isinstance(one, dict):
        return (
            len(one) == len(other)
            and all(a is b or a == b for a, b in zip(one, other))
            and all(map(_same, one.values(), other.values()))
        )
    if isinstance(one, (set, frozenset)):
        return bool(one == other)
    if isinstance(one, (list, tuple, deque)):
        return len(one) == len(other) and all(map(_same, one, other))
    return False


def shared_containers(modules: Collection[ModuleObject]) -> dict[int, Any]:
    """By their identity, the containers that modules lead to."""
    seen: dict[int, Any] = {}
    pending: list[Any] = [module.namespace for module in modules]
    while pending:
        item = pending.pop()
        kind = item.__class__
        if kind in _PLAIN or id(item) in seen:
            continue
        seen[id(item)] = item
        if kind is Function:
            pending += (item.attrs, item.defaults, item.kw_defaults, item.closure)
        elif kind is ClassObject:
            pending += (item.namespace, item.flags, item.bases)
        elif kind is Instance:
            pending += (item.attrs, item.data, item.cls)
        elif kind is ModuleObject:
            pending.append(item.namespace)
        elif kind is Frame:
            pending += (item.locals, item.closure)
        elif isinstance(item, dict):
            pending.extend(item.values())
            pending.extend(key for key in item if key.__class__ is not str)
        elif isinstance(item, (list, tuple, set, frozenset, deque)):
            pending.extend(item)
        elif kind is Tensor:
            pending += (item.attrs, item.base)
        elif kind is BoundMethod:
            pending += (item.func, item.self)
        elif kind is ClassMethod or kind is StaticMethod:
            pending.append(item.func)
        elif kind is Property:
            pending += (item.fget, item.fset, item.fdel)
        elif kind is Partial:
            pending += (item.func, item.args, item.kwargs, item.attrs)
        elif kind is OneOf:
            pending += item.options
        elif kind is Super:
            pending += (item.owner, item.obj)
        elif kind is Builtin:
            pending.extend(cell.cell_contents for cell in getattr(item.fn, "__closure__", None) or () if _filled(cell))
    return seen


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


__all__ = ["Book", "Part", "Stage", "shared_containers"]
