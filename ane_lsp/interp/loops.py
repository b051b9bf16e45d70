"""``for`` and ``while``: run to their end, once where nobody knows how often, or until they only repeat themselves."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, Unknown
from ane_lsp.interp import absent, plain
from ane_lsp.interp.frames import BREAK, Frame, Signal, UnknownIteration, item_of
from ane_lsp.interp.state import MAX_OPTIONS, join, likeness, put_more
from ane_lsp.interp.values import MISSING, Instance, OneOf, PyRaise
from ane_lsp.interp.widening import generalise, widened

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_SAME = 4  # rounds in a row that called the same models on the same inputs: training goes on like this
_ALIKE = 20  # rounds in a row that called them on inputs of other sizes: text goes on like this, a token longer in each
_ENDLESS = 1_000  # rounds of ``while True`` in which no model was called: it waits for the user to end it
_LONG = 50, 100_000  # or as few rounds, if they took as many steps
# And of a loop that does end by itself: so many rounds, in which so many steps were taken. The rest would use up the script's time.
_COSTLY = (50, 100_000), (3, 250_000)
_EXITS = 64  # rounds in which nobody can decide whether a loop is left: what the others do is not looked at one by one
_COSTLY_EXITS = 8, 100_000  # or as few, if they took as many steps: pyramids of an image whose size is not known
_MANY = 20_000  # modules that are looked at for what a loop may have changed
_GROWING = (list, dict, set, deque)


class _Rounds:
    """What the rounds of a loop outside of all models do, to tell when another one would show nothing new."""

    def __init__(self, interp: Interpreter, frame: Frame) -> None:
        self.interp = interp
        self.frame = frame
        self.idle = 0  # rounds in a row that called no model
        self._called = interp.steps  # when one was called last, in steps
        self._graphs = len(interp.recorder.graphs)
        self._last: Any = None
        self._same = 0
        self._alike = 0
        self._before: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}

    def settled(self) -> bool:
        """Asked after each round. Where it says True, what the loop goes on changing is no longer known."""
        recorder = self.interp.recorder
        new = range(self._graphs, len(recorder.graphs))
        if not new:
            self._same = self._alike = 0
            self.idle += 1
            return False
        self.idle, self._called = 0, self.interp.steps
        # As text: a size that nobody knows is another one in each round, and looks the same.
        seen = [
            (
                id(recorder.entries[i][0]),
                len(recorder.graphs[i].calls),
                [str(v.type) for v in recorder.graphs[i].inputs],
            )
            for i in new
        ]
        self._graphs = len(recorder.graphs)
        models = [model for model, _, _ in seen]
        self._alike = self._alike + 1 if self._last and models == [model for model, _, _ in self._last] else 0
        self._same = self._same + 1 if seen == self._last else 0
        self._last = seen
        if self._same == _SAME or self._alike == _ALIKE:
            self._forget()
            return True
        self._before = dict(self.frame.locals)
        self._sizes = {name: len(held) for name, held in self._before.items() if isinstance(held, _GROWING)}
        return False

    def waits(self) -> bool:
        """Whether the rounds do nothing but wait, as far as models go."""
        rounds, steps = _LONG
        return self.idle >= _ENDLESS or (self.idle >= rounds and self.interp.steps - self._called > steps)

    def costly(self) -> bool:
        """Whether many rounds took very many steps without calling a model: training on data that nobody has, for one."""
        taken = self.interp.steps - self._called
        return any(self.idle >= rounds and taken > steps for rounds, steps in _COSTLY)

    def _forget(self) -> None:
        held = self.frame.locals
        self.interp.touch(held)
        for name, value in list(held.items()):
            old = self._before.get(name, MISSING)
            if isinstance(value, _GROWING) and len(value) != self._sizes.get(name, len(value)):
                held[name] = Unknown("grows in a loop that was not followed to its end")
            elif old is not MISSING and old is not value:
                held[name] = widened(old, value)


def for_statement(interp: Interpreter, node: ast.For, frame: Frame) -> Signal | None:
    """A ``for`` loop."""
    iterable = interp.eval(node.iter, frame)
    frame.node = node.iter
    if iterable.__class__ in plain.COUNTED and len(iterable) >= plain.MANY and not node.orelse:
        if plain.follow(interp, node, frame, iterable) is not MISSING:
            return None
    start, began = len(frame.escapes or ()), interp.steps

    def bind() -> None:
        interp.assign(node.target, item, frame)

    def bound(one: Any) -> Callable[[], None]:
        return lambda: interp.assign(node.target, one, frame)

    try:
        source = interp.items_of(iterable)
        rounds = None if interp.recorder.modules else _Rounds(interp, frame)
        while True:
            frame.node = node.iter
            try:
                item = next(source)
            except StopIteration:
                break
            interp.tick()
            if item.__class__ is OneOf and absent.optional(item):
                many, item = absent.repeated(item), absent.present(item)
                if many:
                    signal = _any_rounds(interp, node, frame, bind, interp.span(node.iter))
                else:
                    signal = interp.fork(frame, [lambda: interp.run_round(frame, bind, node.body), lambda: None], node)
            else:
                signal = interp.run_round(frame, bind, node.body)
            if signal is not None:
                return _left(interp, frame, signal, start)
            if rounds is not None and rounds.settled():
                break
            if _left_often(frame, start, interp.steps - began) or (rounds is not None and rounds.costly()):
                item = _another(item, source, interp.span(node.iter))
                return _once(interp, node, frame, [bind], interp.span(node.iter), start)
    except UnknownIteration as lost:
        kinds = _kinds(item_of(lost.unknown, interp.span(node.iter)))
        return _once(interp, node, frame, map(bound, kinds), interp.span(node.iter), start)
    except PyRaise as error:
        _broken(interp, frame, start, error)
        return None
    return _ended(interp, node, frame, start)


def _kinds(item: Any) -> tuple[Any, ...]:
    """What stands for any number of items, apart where these are objects such as layers: one gets what another gave."""
    if item.__class__ is OneOf and all(option.__class__ is Instance for option in item.options):
        return item.options
    return (item,)


def _left_often(frame: Frame, start: int, steps: int) -> bool:
    """Whether a loop may have been left in so many rounds that others are not looked at one by one: also where it returned so many
    different things that nobody knows what any more. steps: those that its rounds took."""
    exits = (frame.escapes or [])[start:]
    if len(exits) <= MAX_OPTIONS:
        return False
    returned = all(one.signal.kind == "return" for one in exits) and join(frame.pending).__class__ is Unknown
    return returned or too_often(len(exits), steps, _COSTLY_EXITS)


def too_often(exits: int, steps: int, costly: tuple[int, int]) -> bool:
    """Whether rounds are looked at one by one no longer. exits: in so many a loop may have been left. costly: how few are too many
    already, where they took more than so many steps."""
    few, many = costly
    return exits > (few if steps > many else _EXITS)


def _another(last: Any, rest: Iterator[Any], span: Span) -> Any:
    """What stands for the items that a loop has not come to, where they are few."""
    items = list(islice(rest, _EXITS + 1))
    like = likeness(items) if len(items) <= _EXITS else None
    reason = "an item of a loop that may have been left in many rounds before"
    return Unknown(reason, span, number=isinstance(last, (int, float))) if like is None else like


def _left(interp: Interpreter, frame: Frame, signal: Signal, start: int) -> Signal | None:
    """A loop is left by `signal`."""
    early = interp.taken(frame, ("break",), start)
    if signal is BREAK:
        interp.rejoin(early)
        return None
    if not early:
        return signal
    interp.leave(frame, signal)
    interp.rejoin(early, present=False)
    return None


def _broken(interp: Interpreter, frame: Frame, start: int, error: PyRaise, stop: int | None = None) -> None:
    """A loop is left by an exception, unless it was left before."""
    early = interp.taken(frame, ("break",), start, stop)
    if not early:
        raise error
    interp.throw(frame, error)
    interp.rejoin(early, present=False)


def _ended(interp: Interpreter, node: ast.For | ast.While, frame: Frame, start: int) -> Signal | None:
    """A loop comes to its end, if it was not left before."""
    stop = len(frame.escapes or ())
    try:
        signal = interp.run_block(node.orelse, frame) if node.orelse else None
    except PyRaise as error:
        _broken(interp, frame, start, error, stop)
        return None
    early = interp.taken(frame, ("break",), start, stop)
    if early and signal is not None:
        interp.leave(frame, signal)
    interp.rejoin(early, present=signal is None)
    return None if early else signal


def while_statement(interp: Interpreter, node: ast.While, frame: Frame) -> Signal | None:
    """A ``while`` loop. One that never ends by itself ends as the user would end it, by KeyboardInterrupt."""
    rounds = None if interp.recorder.modules else _Rounds(interp, frame)
    forever = isinstance(node.test, ast.Constant)
    start, began = len(frame.escapes or ()), interp.steps
    try:
        while True:
            interp.tick()
            verdict = interp.truth(interp.eval(node.test, frame))
            if verdict is False:
                return _ended(interp, node, frame, start)
            if verdict is not True:
                return _once(interp, node, frame, [lambda: None], interp.span(node), start)
            signal = interp.run_round(frame, lambda: None, node.body)
            if signal is not None:
                return _left(interp, frame, signal, start)
            if _left_often(frame, start, interp.steps - began) or (rounds is not None and rounds.costly()):
                return _once(interp, node, frame, [lambda: None], interp.span(node), start)
            if rounds is not None:
                if rounds.settled():
                    return None
                if forever and rounds.waits():
                    interp.unresolved.setdefault("a loop that does not end by itself", interp.span(node))
                    raise PyRaise(KeyboardInterrupt())
    except PyRaise as error:
        _broken(interp, frame, start, error)
        return None


def _once(
    interp: Interpreter,
    node: ast.For | ast.While,
    frame: Frame,
    binds: Iterable[Callable[[], None]],
    lost: Span,
    start: int,
) -> Signal | None:
    """The rest of a loop that runs nobody knows how often. binds: bind an item of each kind; one gets what another gave."""
    signal = None
    for bind in binds:
        if signal is None:
            signal = _any_rounds(interp, node, frame, bind, lost)
    return _ended(interp, node, frame, start) if signal is None else _left(interp, frame, signal, start)


def _any_rounds(
    interp: Interpreter, node: ast.For | ast.While, frame: Frame, bind: Callable[[], None], lost: Span
) -> Signal | None:
    """Rounds nobody knows the number of: the body once, over values it may have changed before. lost: where the loop is."""
    before = dict(frame.locals)
    tables = _module_tables(before.values())

    def once() -> Signal | None:
        try:
            signal = interp.run_round(frame, bind, node.body)
        except PyRaise:
            interp.doubtful = True  # that there were no rounds at all is no more than what is left
            raise
        for table, known in tables:
            if len(table) > known:
                _uncount(interp, table, known, lost)
        _generalise(interp, frame, lost)
        return signal if signal is not None and signal.kind == "return" else None

    signal = interp.fork(frame, [once, lambda: None])
    for name, value in list(frame.locals.items()):
        old = before.get(name, MISSING)
        if old is not MISSING and old is not value:
            if interp.journals:
                interp.touch(frame.locals)
            frame.locals[name] = widened(old, value)
    return signal


def _generalise(interp: Interpreter, frame: Frame, lost: Span) -> None:
    """What one round changed, as any number of rounds may leave it. Names of the running function are the caller's."""
    journal = next(journal for journal in reversed(interp.journals) if not journal.watching)
    for key, (container, old) in list(journal.saved.items()):
        if key not in journal.made and container is not frame.locals:
            generalise(interp, container, old, lost)


def _module_tables(values: Iterable[Any]) -> list[tuple[dict[str, Any], int]]:
    """Where the numbered modules are held that these values lead to, with how many there are."""
    found: list[tuple[dict[str, Any], int]] = []
    pending, seen = list(values), set[int]()
    for one in pending:
        if one.__class__ is not Instance or id(one) in seen or len(seen) > _MANY:
            continue
        seen.add(id(one))
        table = one.attrs.get("_modules")
        if isinstance(table, dict):
            if all(name.isdigit() for name in table):
                found.append((table, len(table)))
            pending += table.values()
    return found


def _uncount(interp: Interpreter, table: dict[str, Any], known: int, lost: Span) -> None:
    """Of numbered modules only so many are known to be there: each of the others stands for any number like it, or one for all."""
    added = [name for name in table if name.isdigit()][known:]
    interp.touch(table)
    stand = absent.any_number([table[name] for name in added], join, lost)
    if len(stand) == len(added):
        interp.gaps = True
        table.update(zip(added, stand))
        return
    for name in added:
        put_more(table, table.pop(name))
