"""Branches that nobody can decide: each is run from the same state, and the program goes on from the join of where they ended.

Where some of the branches leave a loop or the function while others go on, or raise what a ``try`` around them catches, their state is
kept (:class:`Escape`) and joined where the program comes to: behind the round of the loop, behind the loop, at the function's end, or
in the handlers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import absent, state
from ane_lsp.interp.expressions import Expressions
from ane_lsp.interp.frames import CONTINUE, UNDECIDED, Frame, Signal
from ane_lsp.interp.values import PyRaise

MAX_FORKS = 10
_Changes = dict[int, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Escape:
    """A state in which the program left a block early.

    changes: containers that were others then, by identity, with their contents. watch: what was changed since.
    """

    signal: Signal
    changes: _Changes
    watch: state.Journal

    def contents(self, key: int, now: Any) -> Any:
        """Contents of a container in that state; `now` are its present ones."""
        found = self.changes.get(key) or self.watch.saved.get(key)
        return now if found is None else found[1]


class Forks(Expressions):
    def fork(self, frame: Frame, branches: list[Callable[[], Any]], node: ast.AST | None = None) -> Signal | None:
        """Run each branch from the present state, then continue from the join of where they ended.

        A branch that raises is dropped unless all do, or its function catches it. A branch that returns while another goes
        on leaves its value to the function's end.
        """
        if self.branches >= MAX_FORKS:
            return branches[-1]()  # type: ignore[no-any-return]
        done: list[tuple[Signal | None, _Changes]] = []
        made: dict[int, Any] = {}
        raised: list[tuple[PyRaise, _Changes]] = []
        for branch in branches:
            journal = state.Journal()
            depth = len(self.journals)
            self.journals.append(journal)
            self.branches += 1
            caller = self.frame
            try:
                signal = branch()
                done.append((signal, journal.capture()))
            except PyRaise as error:
                raised.append((error, journal.capture() if frame.catching else {}))
                self.frame = caller
            finally:
                self.branches -= 1
                self.journals[depth:] = [kept for kept in self.journals[depth:] if kept.watching]
                journal.rollback()
                made.update(journal.made)
        if not done:
            raise raised[0][0]
        self.doubtful = self.doubtful or any(error.from_operation for error, _ in raised)
        left = [(Signal("raise", error), changes) for error, changes in raised] if frame.catching else []
        going_on = [d for d in done if d[0] is None]
        if not going_on:
            kinds = {d[0].kind for d in done if d[0] is not None}
            kind = "continue" if "continue" in kinds else "break" if "break" in kinds else "return"
            going_on = [d for d in done if d[0] is not None and d[0].kind == kind]
        left += [d for d in done if d not in going_on]  # type: ignore[misc]
        if left:
            self._leave(frame, left)
        span = self.span(node) if node is not None else None
        self._apply([changes for _, changes in going_on], made, span)
        signals = [signal for signal, _ in going_on if signal is not None]
        if not signals:
            return None
        if signals[0].kind == "return":
            return Signal("return", state.join([s.value for s in signals], UNDECIDED, span))
        return signals[0]

    def fork_value(self, frame: Frame, thunks: list[Callable[[], Any]], node: ast.AST | None = None) -> Any:
        """Like :meth:`fork` for expressions: the join of the values."""
        values: list[Any] = []

        def branch(thunk: Callable[[], Any]) -> Callable[[], None]:
            def run() -> None:
                values.append(thunk())

            return run

        self.fork(frame, [branch(t) for t in thunks], node)
        return state.join(values, UNDECIDED, self.span(node) if node is not None else None)

    # -- where branches left early ---------------------------------------------------------------------------------------

    def _leave(self, frame: Frame, left: list[tuple[Signal, _Changes]]) -> None:
        """Keep the states of branches that do not go on. What they changed is rolled back now."""
        for signal, _ in left:
            if signal.kind == "return":
                frame.pending.append(signal.value)
        if frame.escapes is None:  # a generator: what it yields from here on may be absent
            frame.perhaps = self.gaps = True
            return
        watch = state.Journal(watching=True)
        around: _Changes = {}
        for journal in self.journals[frame.base :]:
            if not journal.watching:
                around.update(journal.capture())
        self.journals.append(watch)
        frame.escapes += [Escape(signal, {**around, **changes}, watch) for signal, changes in left]

    def leave(self, frame: Frame, signal: Signal) -> None:
        """The program may leave a block here, in the present state, and goes on as well."""
        self._leave(frame, [(signal, {})])

    def taken(self, frame: Frame, kinds: tuple[str, ...], start: int) -> list[Escape]:
        """The escapes of these kinds from `start` on, which are left no longer."""
        if not frame.escapes or len(frame.escapes) <= start:
            return []
        found = [one for one in frame.escapes[start:] if one.signal.kind in kinds]
        if found:
            frame.escapes[start:] = [one for one in frame.escapes[start:] if one.signal.kind not in kinds]
            self.unwatch(found, frame.escapes)
        return found

    def unwatch(self, escapes: list[Escape], kept: list[Escape]) -> None:
        """Nothing is to be known any more of what changes after `escapes`, unless one of `kept` needs it."""
        needed = {id(one.watch) for one in kept}
        gone = {id(one.watch) for one in escapes} - needed
        self.journals[:] = [journal for journal in self.journals if id(journal) not in gone]

    def rejoin(self, escapes: list[Escape], present: bool = True, besides: Any = None) -> None:
        """Go on from the join of the present state and those in which the program left; without it where not `present`.

        besides: a container that nobody asks any more.
        """
        if not escapes:
            return
        touched: dict[int, Any] = {}
        for one in escapes:
            for key, (container, _) in (*one.changes.items(), *one.watch.saved.items()):
                touched[key] = container
        touched.pop(id(besides), None)
        names: frozenset[int] | None = None
        for key, container in sorted(touched.items(), key=self._order):
            now = state.contents_of(container)
            contents = [now] if present else []
            contents += [one.contents(key, now) for one in escapes if key not in one.watch.made]
            if contents and not all(each is now for each in contents):
                names = self._join_into(container, contents, None, names)

    def _apply(self, states: list[_Changes], made: dict[int, Any], span: Span | None) -> None:
        """Leave every container as the join of what the branches left in it. The containers are rolled back now.

        made: containers that only one of the branches has.
        """
        for container in made.values():
            self.make(container)
        touched: dict[int, Any] = {}
        for changes in states:
            for key, (container, _) in changes.items():
                touched[key] = container
        names: frozenset[int] | None = None
        for key, container in sorted(touched.items(), key=self._order):
            before = None
            contents = []
            for changes in states:
                if key in changes:
                    contents.append(changes[key][1])
                elif key not in made:
                    before = before if before is not None else state.contents_of(container)
                    contents.append(before)
            names = self._join_into(container, contents, span, names)

    def _order(self, touched: tuple[int, Any]) -> int:
        """What names stand for is joined before the names: where those stand for several containers, their contents are joined."""
        container = touched[1]
        return (container is self.frame.locals) + isinstance(container, dict)

    def _join_into(
        self, container: Any, contents: list[Any], span: Span | None, names: frozenset[int] | None
    ) -> frozenset[int] | None:
        """Give a container the join of these contents. names: the names around, once they were asked for."""
        if len(contents) == 1:
            after = contents[0]
        else:
            named = container is self.frame.locals or id(container) in self.named
            if not named and isinstance(container, dict):
                names = names if names is not None else self._names_around()
                named = id(container) in names
            after = state.merge(container, contents, UNDECIDED, span, named)
            self.gaps = self.gaps or (not named and absent.gappy(after))
        self.touch(container)
        state.restore(container, after)
        return names

    def _names_around(self) -> frozenset[int]:
        """The running functions' names, and those they look up, by identity."""
        found: set[int] = set()
        pending: list[Frame] = [self.frame]
        for frame in pending:
            if id(frame.locals) not in found:
                found.update((id(frame.locals), id(frame.module.namespace)))
                pending += [outer for outer in (frame.closure, frame.parent) if outer is not None]
        return frozenset(found)

    # -- rounds of loops ---------------------------------------------------------------------------------------------------

    def run_round(self, frame: Frame, bind: Callable[[], None], body: list[ast.stmt]) -> Signal | None:
        """One round of a loop: None where the next follows, else how the loop is left."""
        start = len(frame.escapes or ())
        try:
            bind()
            signal = self.run_block(body, frame)
        except PyRaise:
            early = self.taken(frame, ("continue",), start)
            if not early:
                raise
            self.rejoin(early, present=False)
            return None
        early = self.taken(frame, ("continue",), start)
        if early and signal is not None and signal is not CONTINUE:
            self.leave(frame, signal)
            signal = None
        self.rejoin(early)
        return None if signal is CONTINUE else signal
