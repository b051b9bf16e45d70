"""The interpreter itself: frames, statements, forks. Expressions, objects, imports and torch have modules of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any

from ane_lsp._memory import held_after_collecting
from ane_lsp.graph import ShapeFact, Unknown
from ane_lsp.interp import absent, state
from ane_lsp.interp.base import clock
from ane_lsp.interp.expressions import OPERATORS
from ane_lsp.interp.forks import Escape, Forks
from ane_lsp.interp.frames import BREAK, CONTINUE, UNDECIDED, Frame, Signal, UnknownIteration, item_of, mangled
from ane_lsp.interp.loops import for_statement, too_often, while_statement
from ane_lsp.interp.probing import note_unpacking, probe_of
from ane_lsp.interp.scopes import yields_inside
from ane_lsp.interp.values import (
    Function,
    Instance,
    IteratorObject,
    OneOf,
    PyRaise,
    Stop,
    Tensor,
    Told,
)
from ane_lsp.interp.zeros import agreed_returns

_COSTLY_EXITS = 8, 2_000  # see :func:`too_often`; a generator asks for nothing but its items
_MOST = 10_000  # values that a generator is asked for at once


class Interpreter(Forks):
    """Runs source abstractly. One instance serves one entry; budgets are its own.

    steps: statements and calls allowed. seconds: processor time allowed. cancelled: asked now and then.
    """

    # -- blocks and budget --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        self.steps += 1
        if self.steps & 1023 == 0:
            if self.steps > self.max_steps:
                raise Stop("budget", f"{self.max_steps - self.first_step:,} steps of the program")
            if clock() > self.deadline:
                raise Stop("budget", f"{self.seconds:g} s")
            if self.cancelled():
                raise Stop("cancelled")
            if held_after_collecting() > self.max_resident:
                raise Stop("memory")

    def run_block(self, body: list[ast.stmt], frame: Frame) -> Signal | None:
        for node in body:
            self.steps += 1
            if not self.steps & 1023:
                self.steps -= 1
                self.tick()
            signal = _STATEMENTS[node.__class__](self, node, frame)
            if signal is not None:
                return signal
        return None

    def run_function(self, function: Function, frame: Frame) -> Any:
        """Run a bound function body in its frame; the value it returns, joined over undecided returns."""
        node = function.node
        caller = self.frame
        if caller.escapes and self.calls_itself_undecided(node):
            return self.cut_call(node, frame)
        self.frame = frame
        if isinstance(node, ast.Lambda):
            try:
                return self.eval(node.body, frame)
            finally:
                self.frame = caller
        if function.module.path in self.exchangeable:
            self.ran.add(node)
        if node.name == "forward" and frame.module.path in self.watched:
            for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                if isinstance(value := frame.locals.get(parameter.arg), Tensor):
                    self.note_shape(parameter, parameter.arg, value)
        frame.base = len(self.journals)
        try:
            signal = self.run_block(node.body, frame)
            if frame.escapes:
                self.rejoin(self.taken(frame, ("return",), 0), besides=frame.locals)
        except PyRaise as error:
            if error.within is None and frame.node is not None and function.module.path in self.watched:
                error.within = self.span_in(frame, frame.node)
            early = self.taken(frame, ("return",), 0)
            if not early:
                raise
            self.throw(frame, error)
            self.rejoin(early, present=False, besides=frame.locals)
            signal = Signal("return", frame.pending.pop())
        finally:
            if frame.escapes:
                self.unwatch(frame.escapes, [])
            self.frame = caller
            frame.parent = None  # functions made here may live on; who called it need not
        result = signal.value if signal is not None else None
        if frame.pending:
            values = [*frame.pending, result]
            result = state.join(
                agreed_returns(values, frame.told) if frame.told else values, UNDECIDED, self.span(node)
            )
        return result

    def store(self, frame: Frame, name: str, value: Any) -> None:
        """Bind a name in a frame, honouring global and nonlocal declarations."""
        scope = frame.locals
        if frame.names is not None and name not in frame.names:
            scope = self._outer_scope(frame, name)
            self.bindings += 1
            self.changes += 1
            self.touch(scope)
        elif frame.names is None and frame.module.state != "running":
            self.bindings += 1
        if self.journals:
            self.touch(scope)
        scope[name] = value

    def globals(self) -> dict[str, Any]:
        """``globals()``: the running module's names, none of them lazy any more."""
        module = self.frame.module
        self.bindings += 1
        self.changes += 1
        if module.state == "done":
            self.define_all(module)
        return module.namespace

    def bind_name(self, frame: Frame, name: str, value: Any) -> None:
        self.store(frame, name, value)

    def delete(self, target: ast.expr, frame: Frame) -> None:
        """``del target``."""
        if isinstance(target, ast.Name):
            self.touch(frame.locals)
            frame.locals.pop(target.id, None)
        elif isinstance(target, ast.Attribute):
            self.delattr(self.eval(target.value, frame), mangled(target.attr, frame))
        elif isinstance(target, ast.Subscript):
            self.delitem(self.eval(target.value, frame), self.eval(target.slice, frame))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self.delete(part, frame)

    def _outer_scope(self, frame: Frame, name: str) -> dict[str, Any]:
        outer = frame.closure
        while outer is not None:
            if outer.names is not None and name in outer.names:
                return outer.locals
            outer = outer.closure
        return frame.module.namespace

    # -- generators ----------------------------------------------------------------------------------------------------

    def start_generator(self, function: Function, frame: Frame) -> Any:
        """A generator object: the body runs as far as the next value is asked for."""
        node = function.node
        assert not isinstance(node, ast.Lambda)
        if self.generates_itself_undecided(node):
            return self.cut_call(node, frame)
        if function.module.path in self.exchangeable:
            self.ran.add(node)
        frame.generator = node
        frame.escapes = frame.parent = None

        def drive() -> Generator[Any, Any, Any]:
            inner = self._generate(node.body, frame)
            sent: Any = None
            while True:
                try:
                    value = self._resumed(inner, frame, sent)
                except StopIteration as stop:
                    return stop.value.value if stop.value is not None else None
                if frame.endless:
                    raise UnknownIteration(self._remaining(inner, frame, value))
                sent = yield value

        source = drive()
        return IteratorObject(source, "generator", send=lambda v: source.send(v), gaps=True)

    def _resumed(self, inner: Generator[Any, Any, Any], frame: Frame, sent: Any) -> Any:
        """What a generator yields next. It holds nothing of whoever asks, who may hold it and be gone before it has ended."""
        caller = frame.parent = self.frame
        self.frame = frame
        try:
            return inner.send(sent)
        finally:
            self.frame = caller
            frame.parent = None

    def _remaining(self, inner: Any, frame: Frame, first: Any) -> Unknown:
        """What a generator yields from here on, nobody knows how many."""
        values, caller = [first], self.frame
        self.frame, frame.parent = frame, caller
        try:
            values.extend(islice(inner, _MOST))
        finally:
            self.frame, frame.parent = caller, None
        reason = "yielded by a generator in a loop that runs nobody knows how often"
        return Unknown(reason, self.here(), item=None if frame.cut else state.likeness(values))

    def _generate(self, body: list[ast.stmt], frame: Frame) -> Any:
        for node in body:
            self.tick()
            if not yields_inside(node):
                signal = _STATEMENTS[node.__class__](self, node, frame)
            else:
                signal = yield from self._generate_statement(node, frame)
            if signal is not None:
                return signal
        return None

    def _generate_statement(self, node: ast.stmt, frame: Frame) -> Any:
        if isinstance(node, ast.If):
            yield from self._yields_of(node.test, frame)
            verdict = self.truth(self.eval(node.test, frame))
            if isinstance(verdict, Unknown):
                return (yield from self._perhaps(frame, node.body, node.orelse))
            return (yield from self._generate(node.body if verdict else node.orelse, frame))
        if isinstance(node, (ast.For, ast.AsyncFor)):
            yield from self._yields_of(node.iter, frame)
            last, often = False, self._left_often(frame)
            for item in self.iterate_or_once(self.eval(node.iter, frame), node, frame):
                if last:
                    break
                last = often()
                frame.endless = frame.endless or last
                self.assign(node.target, absent.present(item), frame)
                if absent.optional(item):
                    frame.endless = frame.endless or absent.repeated(item)
                    yield from self._perhaps(frame, node.body)
                    continue
                signal = yield from self._generate(node.body, frame)
                if signal is BREAK:
                    return None
                if signal is not None and signal is not CONTINUE:
                    return signal
            return (yield from self._generate(node.orelse, frame))
        if isinstance(node, ast.While):
            often = self._left_often(frame)
            while True:
                verdict = self.truth(self.eval(node.test, frame))
                if verdict is False or frame.endless:
                    break
                frame.endless = isinstance(verdict, Unknown) or often()
                signal = yield from self._generate(node.body, frame)
                if signal is BREAK:
                    return None
                if signal is not None and signal is not CONTINUE:
                    return signal
            return (yield from self._generate(node.orelse, frame))
        if isinstance(node, (ast.With, ast.AsyncWith)):
            managers = []
            for item in node.items:
                yield from self._yields_of(item.context_expr, frame)
                manager = self.eval(item.context_expr, frame)
                managers.append(manager)
                entered = self.enter_context(manager)
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, entered, frame)
            signal = yield from self._generate(node.body, frame)
            for manager in reversed(managers):
                self.exit_context(manager, None)
            return signal
        if isinstance(node, ast.Try):
            try:
                signal = yield from self._generate(node.body, frame)
            except PyRaise as raised:
                handled, signal = self._handle(node, raised, frame)
                if not handled:
                    self.run_block(node.finalbody, frame)
                    raise
            else:
                if signal is None:
                    signal = yield from self._generate(node.orelse, frame)
            final = yield from self._generate(node.finalbody, frame)
            return final or signal
        yield from self._yields_of(node, frame)
        return _STATEMENTS[node.__class__](self, node, frame)

    def _left_often(self, frame: Frame) -> Callable[[], bool]:
        """Asked before each round of a loop in a generator: whether it may have been left in so many that nobody counts the others."""
        left, began, rounds = frame.left, self.steps, 0

        def often() -> bool:
            nonlocal rounds
            rounds += frame.left > left
            cut = too_often(rounds, self.steps - began, _COSTLY_EXITS)
            frame.cut = frame.cut or cut
            return cut

        return often

    def _perhaps(self, frame: Frame, *bodies: list[ast.stmt]) -> Any:
        """Run bodies of which nobody knows whether they are run: what they yield may be absent, and what follows if one ends early."""
        outer, ended = frame.perhaps, False
        frame.perhaps = self.gaps = True
        for body in bodies:
            signal = yield from self._generate(body, frame)
            ended = ended or signal is not None
        frame.perhaps = outer or ended
        frame.left += ended

    def _yields_of(self, node: ast.AST, frame: Frame) -> Any:
        """Yield what each yield expression inside `node` asks for, and keep the answers for its evaluation."""
        for child in _yield_nodes(node):
            if isinstance(child, ast.YieldFrom):
                source = self.eval(child.value, frame)
                frame.sent[child] = None
                sent: Any = None
                try:
                    items: Any = self.items_of(source)
                    while True:
                        try:
                            item = items.send(sent) if sent is not None and hasattr(items, "send") else next(items)
                        except StopIteration as stop:
                            frame.sent[child] = stop.value
                            break
                        sent = yield absent.perhaps(item) if frame.perhaps else item
                except UnknownIteration as lost:
                    frame.endless = True
                    yield item_of(lost.unknown, self.span(child))
            else:
                value = self.eval(child.value, frame) if child.value is not None else None
                frame.sent[child] = yield absent.perhaps(value) if frame.perhaps else value

    # -- statements --------------------------------------------------------------------------------------------------

    def iterate_or_once(self, value: Any, node: ast.AST, frame: Frame) -> Iterator[Any]:
        """The items of `value`; where nobody knows them, one unknown item, and what the generator yields then is uncounted."""
        try:
            yield from self.items_of(value)
        except UnknownIteration as lost:
            frame.endless = True
            yield item_of(lost.unknown, self.span(node))

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Bind `value` to an assignment target."""
        kind = target.__class__
        if kind is ast.Name:
            name = target.id  # type: ignore[attr-defined]
            scope = frame.locals
            if frame.names is None:
                if frame.module.state != "running":
                    self.bindings += 1
                if name in scope:
                    self.changes += 1
            elif name not in frame.names:
                scope = self._outer_scope(frame, name)
                self.bindings += 1
                self.changes += 1
                self.touch(scope)
            if self.journals:
                self.touch(scope)
            scope[mangled(name, frame) if frame.class_body else name] = value
            if value.__class__ is Tensor and frame.module.path in self.watched:
                self.note_shape(target, name, value)
            elif value.__class__ is Unknown and frame.module.path in self.watched:
                self.note_unknown(self.span(target), f"`{name}`", value)
        elif kind is ast.Attribute:
            if value.__class__ is Unknown and frame.module.path in self.watched:
                self.note_unknown(self.span(target), f"`{ast.unparse(target)}`", value)
            frame.node = target
            self.setattr(self.eval(target.value, frame), mangled(target.attr, frame), value)  # type: ignore[attr-defined]
        elif kind is ast.Subscript:
            owner = self.eval(target.value, frame)  # type: ignore[attr-defined]
            key = self.eval(target.slice, frame)  # type: ignore[attr-defined]
            frame.node = target
            self.setitem(owner, key, value)
        elif kind is ast.Starred:
            self.assign(target.value, value, frame)  # type: ignore[attr-defined]
        else:
            frame.node = target
            self.unpack(target, value, frame)

    def note_shape(self, target: ast.expr | ast.arg, name: str, value: Tensor) -> None:
        """Remember a tensor's type at the name or parameter it was given to, for inlay hints."""
        if self.recorder.active:
            self.recorder.graph.shapes.append(ShapeFact(self.span(target), name, value.type))

    def unpack(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Bind a tuple or list target."""
        targets: list[ast.expr] = target.elts  # type: ignore[attr-defined]
        starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
        if value.__class__ is tuple and starred is None and len(value) == len(targets) and not self.probing:
            for single, item in zip(targets, value):
                self.assign(single, item, frame)
            return
        if self.probing and id(value) in self.probe_shapes:
            own = frame.module.path in self.watched  # a library's names say nothing to the reader
            note_unpacking(
                self.probe_shapes[id(value)][1], len(targets), [getattr(t, "id", "_") for t in targets] if own else []
            )
        try:
            if isinstance(value, OneOf):
                columns = [self._unpack_items(v, len(targets), starred) for v in value.options]
                items = [state.join(list(c), UNDECIDED) for c in zip(*columns)]
            else:
                items = self._unpack_items(value, len(targets), starred)
        except UnknownIteration as lost:
            like = lost.unknown.item
            items = [
                self.item_at(lost.unknown, index)
                if like is not None
                else Unknown("unpacked from something unknown", self.span(target), lost.unknown)
                for index in range(len(targets))
            ]
            if starred is not None:
                items[starred] = Unknown("the rest of an unknown sequence", self.span(target), lost.unknown)
        for single, item in zip(targets, items):
            self.assign(single, item, frame)

    def _unpack_items(self, value: Any, count: int, starred: int | None) -> list[Any]:
        if isinstance(value, Tensor) and starred is None:
            return self.unpack_tensor(value, count)
        if starred is None:
            items = list(islice(self.iterate(value), count + 1))
            if len(items) != count:
                few = "not enough" if len(items) < count else "too many"
                self.raise_(ValueError, f"{few} values to unpack (expected {count}, got {len(items)})")
            return items
        items = self.listed(value)
        after = count - starred - 1
        if len(items) < count - 1:
            self.raise_(ValueError, f"not enough values to unpack (expected at least {count - 1}, got {len(items)})")
        middle = items[starred : len(items) - after]
        return [*items[:starred], middle, *items[len(items) - after :]]

    def _handle(self, node: ast.Try, raised: PyRaise, frame: Frame) -> tuple[bool, Signal | None]:
        for handler in node.handlers:
            if handler.type is None:
                matches: Any = True
            else:
                matches = self.exception_matches(raised.value, self.eval(handler.type, frame))
            if matches is False:
                continue
            if handler.name:
                self.store(frame, handler.name, raised.value)
            previous = self.handled
            self.handled = raised.value
            try:
                return True, self.run_block(handler.body, frame)
            finally:
                self.handled = previous
        return False, None


def _yield_nodes(node: ast.AST) -> list[ast.Yield | ast.YieldFrom]:
    """Yield expressions of the function itself inside a statement or expression, in order of evaluation."""
    cached: list[ast.Yield | ast.YieldFrom] | None = getattr(node, "_yield_nodes", None)
    if cached is not None:
        return cached
    found: list[ast.Yield | ast.YieldFrom] = []

    def visit(child: ast.AST) -> None:
        if isinstance(child, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return
        if isinstance(child, (ast.stmt,)) and child is not node:
            return
        for grandchild in ast.iter_child_nodes(child):
            visit(grandchild)
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            found.append(child)

    visit(node)
    node._yield_nodes = found  # type: ignore[attr-defined]
    return found


# -- one function a statement ----------------------------------------------------------------------------------------------


def _expr(interp: Interpreter, node: ast.Expr, frame: Frame) -> None:
    if node.value.__class__ is not ast.Constant:
        interp.eval(node.value, frame)


def _assign(interp: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = interp.eval(node.value, frame)
    for target in node.targets:
        interp.assign(target, value, frame)


def _ann_assign(interp: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if frame.names is None and isinstance(node.target, ast.Name):
        # Class and module level: dataclasses and NamedTuples read the annotations.
        notes = frame.locals.setdefault("__annotations__", {})
        notes[node.target.id] = interp.annotation(node.annotation, frame)
    if node.value is not None:
        interp.assign(node.target, interp.eval(node.value, frame), frame)


def _aug_assign(interp: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    target = node.target
    symbol = OPERATORS[node.op.__class__]
    if isinstance(target, ast.Name):
        old = interp.load(target.id, frame, target)
        new = interp.eval(node.value, frame)
        frame.node = node
        interp.assign(target, interp.binary_inplace(symbol, old, new), frame)
    elif isinstance(target, ast.Attribute):
        owner = interp.eval(target.value, frame)
        name = mangled(target.attr, frame)
        old = interp.getattr(owner, name)
        new = interp.eval(node.value, frame)
        frame.node = node
        interp.setattr(owner, name, interp.binary_inplace(symbol, old, new))
    elif isinstance(target, ast.Subscript):
        owner = interp.eval(target.value, frame)
        key = interp.eval(target.slice, frame)
        frame.node = target
        old = interp.getitem(owner, key)
        new = interp.eval(node.value, frame)
        frame.node = node
        changed = interp.binary_inplace(symbol, old, new)
        frame.node = target
        interp.setitem(owner, key, changed)


def _if(interp: Interpreter, node: ast.If, frame: Frame) -> Signal | None:
    value = interp.eval(node.test, frame)
    verdict = value if value is True or value is False else interp.truth(value)
    if verdict is True:
        return interp.run_block(node.body, frame)
    if verdict is False:
        return interp.run_block(node.orelse, frame)

    def side(body: list[ast.stmt], outcome: bool) -> Callable[[], Signal | None]:
        def run() -> Signal | None:
            interp.narrow(node.test, outcome, frame)
            return interp.run_block(body, frame)

        return run

    return interp.fork(frame, [side(node.body, True), side(node.orelse, False)], node)


def _return(interp: Interpreter, node: ast.Return, frame: Frame) -> Signal:
    return Signal("return", interp.eval(node.value, frame) if node.value is not None else None)


def _with(interp: Interpreter, node: ast.With, frame: Frame) -> Signal | None:
    managers: list[Any] = []
    here = interp.frame
    for item in node.items:
        manager = interp.eval(item.context_expr, frame)
        frame.node = item.context_expr
        entered = interp.enter_context(manager)
        managers.append(manager)
        if item.optional_vars is not None:
            interp.assign(item.optional_vars, entered, frame)
    try:
        signal = interp.run_block(node.body, frame)
    except PyRaise as raised:
        for manager in reversed(managers):
            if not (isinstance(manager, Instance) and manager.cls.module.is_torch):
                raised.refusal = None  # a context may expect it, as pytest.raises does
            if interp.exit_context(manager, raised) is True:
                return None
        raise
    except Told:
        interp.frame = here
        for manager in reversed(managers):
            interp.exit_context(manager, None)
        raise
    for manager in reversed(managers):
        interp.exit_context(manager, None)
    return signal


def _has_to_be_there(node: ast.Try) -> bool:
    """Whether a ``try`` only says in other words what is missing: its imports count as any others."""
    return (
        all(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in node.body)
        and bool(node.handlers)
        and all(isinstance(handler.body[-1], ast.Raise) for handler in node.handlers)
    )


def _try(interp: Interpreter, node: ast.Try, frame: Frame) -> Signal | None:
    counts = not _has_to_be_there(node)
    interp.trying += counts
    journals = len(interp.journals)
    here = interp.frame
    start = len(frame.escapes or ())
    outer, frame.catching = frame.catching, (*frame.catching, node)
    raised: PyRaise | None = None
    signal: Signal | None = None
    try:
        signal = interp.run_block(node.body, frame)
    except PyRaise as error:
        raised = error.apart()
        interp.frame = here
        interp.journals[journals:] = [kept for kept in interp.journals[journals:] if kept.watching]
    except Told:
        interp.frame = here
        interp.run_block(node.finalbody, frame)
        raise
    finally:
        interp.trying -= counts
        frame.catching = outer
    signal = _handled(interp, node, frame, signal, raised, interp.taken(frame, ("raise",), start))
    final = interp.run_block(node.finalbody, frame)
    return final if final is not None else signal


def _handled(
    interp: Interpreter, node: ast.Try, frame: Frame, signal: Signal | None, raised: PyRaise | None, early: list[Escape]
) -> Signal | None:
    """How a ``try`` goes on whose body ended with `signal`, or raised; and may have raised before, as `early` says. What is raised
    on has its ``finally`` behind it."""

    def after() -> Signal | None:
        if raised is not None:
            return handle(raised)
        return finally_raised(lambda: interp.run_block(node.orelse, frame)) if signal is None else signal

    def handle(error: PyRaise) -> Signal | None:
        def run() -> Signal | None:
            handled, ended = interp._handle(node, error, frame)
            if not handled:
                raise error
            return ended

        return finally_raised(run)

    def finally_raised(run: Callable[[], Signal | None]) -> Signal | None:
        try:
            return run()
        except PyRaise:
            final = interp.run_block(node.finalbody, frame)
            if final is None:
                raise
            return final

    def handle_early(escapes: list[Escape]) -> Callable[[], Signal | None]:
        def run() -> Signal | None:
            interp.rejoin(escapes, present=False)
            errors = [escape.signal.value for escape in escapes]
            value = state.join([error.value for error in errors], UNDECIDED, errors[0].span)
            return handle(errors[0] if value is errors[0].value else PyRaise(value, errors[0].span))

        return run

    alike: dict[int, list[Escape]] = {}
    for escape in early:
        alike.setdefault(id(interp.type_of(escape.signal.value.value)), []).append(escape)
    return interp.fork(frame, [after, *map(handle_early, alike.values())], node) if early else after()


def _raise(interp: Interpreter, node: ast.Raise, frame: Frame) -> None:
    if node.exc is None:
        raise PyRaise(interp.handled if interp.handled is not None else RuntimeError("No active exception to reraise"))
    value = interp.eval(node.exc, frame)
    frame.node = node
    raise PyRaise(interp.exception_of(value), interp.span(node))


def _assert(interp: Interpreter, node: ast.Assert, frame: Frame) -> None:
    value = interp.eval(node.test, frame)
    verdict = interp.truth(value)
    if verdict is False:
        if interp.probing:
            _note_list(interp, node.test, frame)
        message = interp.eval(node.msg, frame) if node.msg is not None else ""
        raise PyRaise(AssertionError(message if isinstance(message, str) else ""), interp.span(node))
    if verdict is not True:
        if frame.catching or interp.trying:
            interp.throw(frame, PyRaise(AssertionError(), interp.span(node)))
        interp.narrow(node.test, True, frame)


def _note_list(interp: Interpreter, test: ast.expr, frame: Frame) -> None:
    """``assert isinstance(x, list)``: an input that was taken for a tensor is a list of them."""
    if not isinstance(test, ast.Call) or getattr(test.func, "id", "") != "isinstance" or len(test.args) != 2:
        return
    given, kinds = test.args
    named = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    if isinstance(given, ast.Name) and all(getattr(kind, "id", "") in ("list", "tuple") for kind in named):
        probe = probe_of(interp.eval(given, frame))
        if probe is not None and not probe.links:
            probe.listed = True


def _delete(interp: Interpreter, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        interp.delete(target, frame)


def _function(interp: Interpreter, node: ast.FunctionDef, frame: Frame) -> None:
    name = mangled(node.name, frame) if frame.class_body else node.name
    interp.store(frame, name, interp.make_function(node, frame))


def _class(interp: Interpreter, node: ast.ClassDef, frame: Frame) -> None:
    interp.store(frame, node.name, interp.make_class(node, frame))


def _import(interp: Interpreter, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        interp.import_name(alias.name, alias.asname, frame, node)


def _import_from(interp: Interpreter, node: ast.ImportFrom, frame: Frame) -> None:
    interp.import_from(node, frame)


def _nothing(interp: Interpreter, node: ast.stmt, frame: Frame) -> None:
    return None


def _type_alias(interp: Interpreter, node: Any, frame: Frame) -> None:
    interp.store(frame, node.name.id, interp.opaque(node.name.id))


def _match(interp: Interpreter, node: ast.Match, frame: Frame) -> Signal | None:
    from ane_lsp.interp.matching import matches

    subject = interp.eval(node.subject, frame)
    undecided: list[Callable[[], Signal | None]] = []
    for case in node.cases:
        verdict = matches(interp, case.pattern, subject, frame)
        if verdict is False:
            continue
        if verdict is True and case.guard is not None:
            verdict = interp.truth(interp.eval(case.guard, frame))
            if verdict is False:
                continue

        def run(body: list[ast.stmt] = case.body) -> Signal | None:
            return interp.run_block(body, frame)

        undecided.append(run)
        if verdict is True:
            break
    else:
        undecided.append(lambda: None)
    return undecided[0]() if len(undecided) == 1 else interp.fork(frame, undecided, node)


_STATEMENTS: dict[type, Callable[[Interpreter, Any, Frame], Signal | None]] = {
    ast.Expr: _expr, ast.Assign: _assign, ast.AnnAssign: _ann_assign, ast.AugAssign: _aug_assign, ast.If: _if,
    ast.For: for_statement, ast.AsyncFor: for_statement, ast.While: while_statement, ast.Return: _return, ast.With: _with, ast.AsyncWith: _with,
    ast.Try: _try, ast.Raise: _raise, ast.Assert: _assert, ast.Delete: _delete, ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function, ast.ClassDef: _class, ast.Import: _import, ast.ImportFrom: _import_from,
    ast.Global: _nothing, ast.Nonlocal: _nothing, ast.Pass: _nothing, ast.Match: _match,
    ast.Break: lambda interp, node, frame: BREAK, ast.Continue: lambda interp, node, frame: CONTINUE,
}  # fmt: skip
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _try
if hasattr(ast, "TypeAlias"):
    _STATEMENTS[ast.TypeAlias] = _type_alias
