"""Branches that nobody can decide: each is run from the same state, and the program goes on from the join of where they ended.

Where some of the branches leave a loop or the function while others go on, or raise what a ``try`` around them catches, their state is
kept (:class:`Escape`) and joined where the program comes to: behind the round of the loop, behind the loop, at the function's end, or
in the handlers, which may be those of a function that called this one.
"""

from __future__ import annotations

import ast
import builtins
from collections import deque
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from ane_lsp.graph import Span, Unknown
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import absent, state
from ane_lsp.interp.expressions import Expressions
from ane_lsp.interp.frames import CONTINUE, UNDECIDED, Frame, Signal, mangled
from ane_lsp.interp.values import MISSING, MORE, Function, Instance, OneOf, PyRaise
from ane_lsp.interp.widening import forget_changes, forgotten, generalise
from ane_lsp.interp.zeros import Zeros, told_by

MAX_FORKS = 10
MAX_DEEP = 200  # branches that are run inside of MAX_FORKS others or of themselves, in one outermost fork
TOO_DEEP = "depends on conditions nobody can decide here, too deep inside of each other"
MAX_ALIKE = 8  # exceptions of one class on the way to one function, with a state of their own each
_Changes = dict[int, tuple[Any, Any]]


def _is_module(contents: Any) -> bool:
    """Whether these are the attributes of a module."""
    return isinstance(contents, dict) and "_modules" in contents


@dataclass(slots=True, eq=False)
class Escape:
    """A state in which the program left a block early.

    changes: containers that were others then, by identity, with their contents. watch: what was changed since. own: containers that
    nothing but it has. later: whether it also stands for states between that one and the present one.
    """

    signal: Signal
    changes: _Changes
    watch: state.Journal
    own: set[int]
    later: bool = False

    def contents(self, key: int, now: Any) -> Any:
        """Contents of a container in that state; `now` are its present ones."""
        found = self.changes.get(key) or self.watch.saved.get(key)
        return now if found is None else found[1]


_CHANGING = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft", "remove",
    "reverse", "rotate", "setdefault", "sort", "update",
})  # fmt: skip


def _changed(node: ast.AST) -> list[str]:
    """The names of lists and tables that an expression may change: by a method, an assignment, or as what it gives to a call."""
    if isinstance(node, ast.Call):
        found: list[ast.expr] = []
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            found.append(node.func.value)
        if not (isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)):
            found += [*node.args, *(keyword.value for keyword in node.keywords)]
    elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        found = [node.value]
    else:
        return []
    return [one.id for one in found if isinstance(one, ast.Name)]


def _inner_scopes(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of a node of which the names are not those of the function it is in."""
    if isinstance(node, ast.comprehension):
        return (node.target,)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.body
    return (node.body,) if isinstance(node, ast.Lambda) else ()


def _effects(node: ast.AST) -> list[tuple[str, str, str]]:
    """What a statement or function may do to names, in order, each once: set an attribute of what a name stands for, bind one, call
    what it stands for or change it. Cached on the node."""
    known: list[tuple[str, str, str]] | None = getattr(node, "_effects", None)
    if known is None:
        found: dict[tuple[str, str, str], None] = {}
        elsewhere: set[ast.AST] = set()  # what binds names of other scopes
        for part in ast.walk(node):
            for inner in _inner_scopes(part) if part is not node else ():
                elsewhere.update(ast.walk(inner))
            if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and isinstance(part.value, ast.Name):
                found["set", part.value.id, part.attr] = None
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                if part not in elsewhere:
                    found["bind", part.id, ""] = None
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                found["call", part.func.id, ""] = None
            for name in _changed(part):
                found["change", name, ""] = None
        known = list(found)
        node._effects = known  # type: ignore[attr-defined]
    return known


def _agree(states: list[_Changes], told: Zeros) -> None:
    """Give names and what tables hold, as two branches left them, the sizes that hold after both."""
    for key, (container, _) in {**states[0], **states[1]}.items():
        if not isinstance(container, dict):
            continue
        left = [changes[key][1] if key in changes else container for changes in states]
        for name in left[0].keys() & left[1].keys():
            values = [contents[name] for contents in left]
            if values[0] is values[1]:
                continue
            agreed = told.agreed(values)
            if agreed is not values:
                left = [{**contents, name: value} for contents, value in zip(left, agreed)]
                for changes, contents in zip(states, left):
                    changes[key] = (container, contents)


def _tell(states: list[_Changes], told: Zeros) -> None:
    """Note at what two branches have left in tables, where it is one value of each, what is known of sizes."""
    for key, (container, _) in {**states[0], **states[1]}.items():
        if isinstance(container, dict):
            left = [changes[key][1] if key in changes else None for changes in states]
            for name, value in container.items():
                if value.__class__ is OneOf:
                    told.tell(value, [MISSING if held is None else held.get(name, MISSING) for held in left])


class Forks(Expressions):
    def fork(self, frame: Frame, branches: list[Callable[[], Any]], node: ast.AST | None = None) -> Signal | None:
        """Run each branch from the present state, then continue from the join of where they ended.

        A branch that raises is dropped unless all do, or its function catches it. A branch that returns while another goes
        on leaves its value to the function's end.
        """
        if self._deeper(node):
            return self._fork(frame, branches, node)
        signal: Signal | None = branches[-1]()
        self.cut = True
        if node is not None:
            self._lose(node, frame, Unknown(TOO_DEEP, self.span(node)), set())
        return signal

    def _deeper(self, node: ast.AST | None) -> bool:
        """Whether branches inside of others are run: those of a function that calls itself and those inside of many others only so
        often, so that what doubles with each of them ends."""
        again = node is not None and node in self.forking
        if not again and self.branches < MAX_FORKS:
            return True
        self.deep += 1
        return self.deep <= MAX_DEEP and (self.branches < MAX_FORKS or not again)

    def calls_itself_undecided(self, node: ast.AST) -> bool:
        """Whether a function runs in itself many times, each time after it may have ended: nobody knows where that stops."""
        return self._runs_often(lambda frame: frame.code is node and bool(frame.escapes))

    def generates_itself_undecided(self, node: ast.AST) -> bool:
        """As :meth:`calls_itself_undecided`, of a generator: each time at an item that there may not be."""
        return self._runs_often(lambda frame: frame.generator is node and (frame.perhaps or frame.endless))

    def _runs_often(self, counts: Callable[[Frame], bool]) -> bool:
        """Whether as many frames that count run in each other as are forked."""
        times = 0
        frame: Frame | None = self.frame
        while frame is not None and times < MAX_FORKS:
            times += counts(frame)
            frame = frame.parent
        return times >= MAX_FORKS

    def cut_call(self, node: ast.AST, frame: Frame) -> Unknown:
        """A call that is not followed, being too deep inside of undecided calls of the same function."""
        self.cut = True
        lost = Unknown(TOO_DEEP, self.span(node))
        for part in getattr(node, "body", ()) if not isinstance(node, ast.Lambda) else ():
            self._lose(part, frame, lost, {node})
        return lost

    def _lose(self, node: ast.AST, frame: Frame, lost: Unknown, through: set[ast.AST]) -> None:
        """Forget what a statement that is not run may give to names, attributes, lists and tables, by itself or in functions that
        it calls by name. frame: in which its names are bound."""
        through.add(node)
        own = not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for what, name, attribute in _effects(node):
            if what == "bind":
                if own:
                    self.store(frame, name, lost)
                continue
            held = self._bound(name, frame)
            if what == "set":
                if isinstance(held, Instance):
                    self.setattr(held, mangled(attribute, frame), lost)
            elif what == "call":
                if isinstance(held, Function) and held.closure is not None and held.node not in through:
                    self._lose(held.node, held.closure, lost, through)
            elif isinstance(held, (list, deque)):
                self.touch(held)
                state.restore(held, [absent.several(lost, lost.span)])
                self.gaps = True
            elif isinstance(held, dict):
                self.touch(held)
                state.restore(held, {**dict.fromkeys(held, lost), MORE: lost})

    def _bound(self, name: str, frame: Frame) -> Any:
        """What a name stands for in a function or in those around it; MISSING where it is none of theirs."""
        one: Frame | None = frame
        while one is not None:
            if name in one.locals:
                return one.locals[name]
            one = one.closure
        return MISSING

    def _fork(self, frame: Frame, branches: list[Callable[[], Any]], node: ast.AST | None) -> Signal | None:
        if not self.branches:
            self.deep = 0
        outer, self.cut = self.cut, False
        done: list[tuple[Signal | None, _Changes, Collection[int]]] = []  # the last: what only it made
        made: dict[int, Any] = {}
        told = told_by(self, node.test, frame) if isinstance(node, ast.If) and len(branches) == 2 else None
        raised: list[tuple[PyRaise, _Changes, Frame | None, Collection[int]]] = []
        for branch in branches:
            journal = state.Journal()
            depth = len(self.journals)
            self.journals.append(journal)
            self.branches += 1
            self.forking.append(node)
            caller = self.frame
            try:
                signal = branch()
                done.append((signal, journal.capture(), journal.made))
            except PyRaise as error:
                self.frame = caller
                catcher = self._catcher(frame, error)
                raised.append((error.apart(), journal.capture() if catcher is not None else {}, catcher, journal.made))
            finally:
                self.branches -= 1
                del self.forking[-1:]
                self.journals[depth:] = [kept for kept in self.journals[depth:] if kept.watching]
                journal.rollback()
                made.update(journal.made)
        cut = self.cut
        self.cut = outer or cut
        if not done:
            raise raised[0][0]
        self.doubtful = self.doubtful or any(error.from_operation for error, *_ in raised)
        kinds = {signal.kind if signal is not None else None for signal, _, _ in done}
        kind = next(each for each in (None, "continue", "break", "return") if each in kinds or each == "return")
        going_on = [d for d in done if (d[0].kind if d[0] is not None else None) == kind]
        left = [(signal, changes, own) for signal, changes, own in done if signal is not None and signal.kind != kind]
        if left:
            self._leave(frame, left)
            if told is not None and len(done) == 2 and left[0][0].kind == "return" and self._at_top(frame):
                first = done[0][0] is left[0][0]
                frame.told[len(frame.pending) - 1] = told if first else told.flipped()
        for thrown, changes, catcher, own in raised:
            if catcher is not None:
                self._throw(catcher, thrown, changes, frame, own)
        states = [changes for _, changes, _ in going_on]
        if len(going_on) < 2:
            told = None
        if told is not None:
            _agree(states, told)
        span = self.span(node) if node is not None else None
        self._apply(states, made, span, cut)
        if told is not None:
            _tell(states, told)
        signals = [signal for signal, _, _ in going_on if signal is not None]
        if not signals:
            return None
        if signals[0].kind == "return":
            values = [s.value for s in signals]
            if told is not None:
                values = told.agreed(values)
            value = state.join(values, UNDECIDED, span)
            return Signal("return", forgotten(value, TOO_DEEP) if cut else value)
        return signals[0]

    def _at_top(self, frame: Frame) -> bool:
        """Whether a function runs in no branch of its own that nobody can decide."""
        return all(journal.watching for journal in self.journals[frame.base :])

    def fork_value(
        self, frame: Frame, thunks: list[Callable[[], Any]], node: ast.AST | None = None, told: Zeros | None = None
    ) -> Any:
        """Like :meth:`fork` for expressions: the join of the values. told: what is known of sizes, by the place of the value."""
        values: list[Any] = []

        def branch(thunk: Callable[[], Any]) -> Callable[[], None]:
            def run() -> None:
                values.append(thunk())

            return run

        if isinstance(node, ast.IfExp):
            told = told_by(self, node.test, frame)
        outer, self.cut = self.cut, False
        self.fork(frame, [branch(t) for t in thunks], node)
        cut = self.cut
        self.cut = outer or cut
        if told is not None and len(values) == 2:
            values = told.agreed(values)
        value = state.join(values, UNDECIDED, self.span(node) if node is not None else None)
        if told is not None:
            told.tell(value, values)
        return forgotten(value, TOO_DEEP) if cut else value

    # -- where branches left early ---------------------------------------------------------------------------------------

    def _leave(self, frame: Frame, left: list[tuple[Signal, _Changes, Collection[int]]]) -> None:
        """Keep the states of branches that do not go on. What they changed is rolled back now."""
        for signal, _, _ in left:
            if signal.kind == "return":
                frame.pending.append(signal.value)
        if frame.escapes is None:  # a generator: what it yields from here on may be absent
            frame.perhaps = self.gaps = True
            frame.left += 1
            return
        watch = state.Journal(watching=True)
        around = self._around(frame)
        self.journals.append(watch)
        frame.escapes += [
            Escape(signal, {**around, **changes}, watch, {key for key in changes if key in own})
            for signal, changes, own in left
        ]

    def _around(self, frame: Frame) -> _Changes:
        """What the undecided branches of a function and of what it called have changed until now."""
        around: _Changes = {}
        for journal in self.journals[frame.base :]:
            if not journal.watching:
                around.update(journal.capture())
        return around

    def _catcher(self, frame: Frame, error: PyRaise) -> Frame | None:
        """The running function in which an exception is dealt with first, on its way to a handler; None where no handler takes it."""
        nearest: Frame | None = None
        one: Frame | None = frame
        while one is not None:
            for node in reversed(one.catching):
                if (node.handlers or node.finalbody) and nearest is None:
                    nearest = one
                if any(self._takes(handler, error, one) for handler in node.handlers):
                    return nearest
            if one.names is None and not one.class_body:
                return None  # a module: an import goes through, or is looked at by itself
            one = one.parent
        return None

    def _takes(self, handler: ast.ExceptHandler, error: PyRaise, frame: Frame) -> bool:
        """Whether a handler may take an exception."""
        if handler.type is None:
            return True
        node = frame.node
        try:
            return self.exception_matches(error.value, self.eval(handler.type, frame)) is not False
        except PyRaise:
            return True
        finally:
            frame.node = node

    def catches(self, frame: Frame, kind: type[BaseException]) -> bool:
        """Whether a handler takes an exception of this builtin class that `frame` raises."""
        return self._catcher(frame, PyRaise(kind())) is not None

    def throw(self, frame: Frame, error: PyRaise) -> None:
        """The program may go on in a handler of `error`, in the present state; here it goes on as if nothing was raised."""
        catcher = self._catcher(frame, error)
        if catcher is not None:
            self._throw(catcher, error, {}, frame)

    def _throw(
        self, catcher: Frame, error: PyRaise, changes: _Changes, frame: Frame, own: Collection[int] = ()
    ) -> None:
        if catcher is not frame:
            self.thrown_to = min(self.thrown_to, catcher.depth)
        kind = self.type_of(error.value)
        alike = [
            one
            for one in catcher.escapes or ()
            if one.signal.kind == "raise" and self.type_of(one.signal.value.value) is kind
        ]
        if len(alike) < MAX_ALIKE:
            self._leave(catcher, [(Signal("raise", error), changes, own)])
            return
        last: Escape = alike[-1]
        last.later = True
        for key, (container, contents) in {**self._around(catcher), **changes}.items():
            last.watch.saved.setdefault(key, (container, contents))

    def leave(self, frame: Frame, signal: Signal) -> None:
        """The program may leave a block here, in the present state, and goes on as well."""
        self._leave(frame, [(signal, {}, ())])

    def taken(self, frame: Frame, kinds: tuple[str, ...], start: int, stop: int | None = None) -> list[Escape]:
        """The escapes of these kinds from `start` on, and before `stop`, which are left no longer."""
        if not frame.escapes or len(frame.escapes) <= start:
            return []
        found = [one for one in frame.escapes[start:stop] if one.signal.kind in kinds]
        if found:
            frame.escapes[start:] = [one for one in frame.escapes[start:] if one not in found]
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
        modules = {key for one in escapes for key, (_, contents) in one.changes.items() if _is_module(contents)}
        waiting = [one for one in (*escapes, *self._left_early()) if one.own]
        owned = set().union(*(one.own for one in waiting))
        for key, container in sorted(touched.items(), key=partial(self._order, modules)):
            now = state.contents_of(container)
            holders = [one for one in waiting if key in one.own] if key in owned else []
            there = [one for one in escapes if key in one.changes or not (holders or key in one.watch.made)]
            contents = [now] if present and not holders else []
            contents += [one.contents(key, now) for one in there]
            contents += [now for one in there if one.later and not present]
            if contents and not all(each is now for each in contents):
                names = self._join_into(container, contents, None, names)
            for one in there:
                if one.later:
                    generalise(self, container, one.contents(key, now), None)
            if holders and there:
                self.make(container)
                for one in holders:
                    one.own.discard(key)

    def _left_early(self) -> list[Escape]:
        """The states in which the program left blocks of the running functions and that were not joined yet."""
        found: list[Escape] = []
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.escapes:
                found += frame.escapes
            frame = frame.parent
        return found

    def _apply(self, states: list[_Changes], made: dict[int, Any], span: Span | None, cut: bool) -> None:
        """Leave every container as the join of what the branches left in it. The containers are rolled back now.

        made: containers that only one of the branches has. cut: whether nobody knows what else they may leave.
        """
        for container in made.values():
            self.make(container)
        touched: dict[int, Any] = {}
        for changes in states:
            for key, (container, _) in changes.items():
                touched[key] = container
        names: frozenset[int] | None = None
        modules = {key for changes in states for key, (_, contents) in changes.items() if _is_module(contents)}
        for key, container in sorted(touched.items(), key=partial(self._order, modules)):
            before = state.contents_of(container) if cut else None
            contents = []
            for changes in states:
                if key in changes:
                    contents.append(changes[key][1])
                elif key not in made:
                    before = before if before is not None else state.contents_of(container)
                    contents.append(before)
            names = self._join_into(container, contents, span, names)
            if cut:
                forget_changes(container, before, TOO_DEEP)

    def _order(self, modules: Collection[int], touched: tuple[int, Any]) -> tuple[int, bool]:
        """What names stand for is joined before the names: where those stand for several containers, their contents are joined.
        So are a module's tables before the attributes that hold them."""
        key, container = touched
        return (container is self.frame.locals) + isinstance(container, dict), key in modules

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
            if not named and not self.gaps:
                held = [after[kind] for kind in absent.tables_of(after)] if isinstance(after, dict) else ()
                self.gaps = any(map(absent.gappy, (after, *held)))
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
        except PyRaise as error:
            early = self.taken(frame, ("continue",), start)
            if not early:
                raise
            self.throw(frame, error)
            self.rejoin(early, present=False)
            return None
        early = self.taken(frame, ("continue",), start)
        if early and signal is not None and signal is not CONTINUE:
            self.leave(frame, signal)
            signal = None
        self.rejoin(early)
        return None if signal is CONTINUE else signal
