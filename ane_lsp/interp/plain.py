"""Loops that fill tables with plain numbers, followed by closures instead of node by node.

Tables of positions, and of the distances between them, are often written as loops of up to millions of rounds: counting and
arithmetic, results put into lists and dicts. Where nothing else happens in a loop, its code is turned into one closure for each node,
once, and these work on the numbers themselves. As soon as something is no plain number (a symbolic size, a tensor, what is unknown),
or Python would raise, everything is put back as it was before the loop, which is then followed as any other.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.support import too_deep
from ane_lsp.interp.values import MISSING, MORE, Builtin, Function, Instance, Lazy, ModuleObject, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.expressions import Expressions
    from ane_lsp.interp.frames import Frame

MANY = 32
"""Rounds from which on a loop is worth a closure for each node."""
COUNTED = frozenset({list, tuple, range})
"""Classes of what may be gone through."""

_PULSE = 31  # a step of the budget is taken for so many rounds and one
_TRIES = 3  # times that a loop may turn out not to be plain before it is not tried again
_NUMBERS = frozenset({int, float, bool})
_PLAIN = frozenset({int, float, bool, str, type(None)})
_LARGE = 2**64  # integers from here on are left to who bounds them

Names = dict[Any, Any]
Code = Callable[[Names], Any]

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_ORDER: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_MATH = ("sin", "cos", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "pow", "atan2", "tan", "fabs")


class NotPlain(Exception):
    """Something in the loop is no plain number."""


class _Own(Enum):
    """Keys under which the names hold what is no name of the program."""

    ITEMS = 0  # what the loop goes through
    PULSE = 1  # takes a step of the budget
    MAKE = 2  # hears of new containers
    NUMPY = 3  # makes numbers of numpy of what functions of numpy gave


class _Compiler:
    """One loop turned into closures.

    Everything that it is not made for raises NotPlain. bound: names that the loop binds, in order. filled: names of containers that it
    changes in place. called: what it calls, by the key under which the names hold it.
    """

    def __init__(self) -> None:
        self.bound: dict[str, ast.Name] = {}
        self.free: set[str] = set()
        self.filled: set[str] = set()
        self.called: dict[str, ast.expr] = {}
        self._taken: set[str] = set()  # names bound to something that may have another name
        self._gone_through: set[str] = set()
        self._inner: set[str] = set()  # targets of comprehensions, which are names of their own
        self._open: list[str] = []  # those of the comprehensions around
        self.given: set[str] = set()  # what is called for the items of a comprehension, or for a term of them

    def finish(self) -> None:
        """What can only be said once all is seen."""
        shared = self._inner & (self.free | self.bound.keys())
        if shared or self.filled & (self._inner | self._taken | self._gone_through):
            raise NotPlain

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt]) -> Code:
        steps = tuple(self._statement(node) for node in body if not isinstance(node, ast.Pass))
        if len(steps) == 1:
            return steps[0]

        def run(names: Names) -> Any:
            for step in steps:
                signal = step(names)
                if signal is not None:
                    return signal
            return None

        return run

    def _statement(self, node: ast.stmt) -> Code:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            return (
                self._fill(target, node.value) if isinstance(target, ast.Subscript) else self._bind(target, node.value)
            )
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            value = self._arithmetic(node.op, self._name(node.target.id), self.expression(node.value))
            return self._store(node.target, value)
        if isinstance(node, ast.If):
            return self._if(node)
        if isinstance(node, ast.For) and not node.orelse:
            return self.loop(node, self._source(node.iter))
        if isinstance(node, (ast.Continue, ast.Break)):
            signal = node.__class__
            return lambda names: signal
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return self._append(node.value)
        raise NotPlain

    def _bind(self, target: ast.expr, value: ast.expr) -> Code:
        code = self.expression(value)
        if isinstance(target, ast.Name) and isinstance(value, (ast.List, ast.Dict, ast.ListComp)):
            return self._store(target, code, made=True)
        return self.assign(target, code)

    def _store(self, target: ast.Name, value: Code, made: bool = False) -> Code:
        name = target.id
        self._binds(target, made)

        def run(names: Names) -> None:
            names[name] = value(names)

        return run

    def _binds(self, target: ast.Name, made: bool = False) -> None:
        self.bound.setdefault(target.id, target)
        if not made:
            self._taken.add(target.id)

    def assign(self, target: ast.expr, value: Code) -> Code:
        """Bind a value to a name or to several."""
        if isinstance(target, ast.Name):
            return self._store(target, value)
        names_of = [one for one in getattr(target, "elts", ()) if isinstance(one, ast.Name)]
        if not isinstance(target, ast.Tuple) or len(names_of) < len(target.elts):
            raise NotPlain
        for one in names_of:
            self._binds(one)
        wanted = tuple(one.id for one in names_of)

        def run(names: Names) -> None:
            parts = value(names)
            if parts.__class__ is not tuple or len(parts) != len(wanted):
                raise NotPlain
            for name, part in zip(wanted, parts):
                names[name] = part

        return run

    def _if(self, node: ast.If) -> Code:
        test, body = self._truth(self.expression(node.test)), self.block(node.body)
        orelse = self.block(node.orelse) if node.orelse else None

        def run(names: Names) -> Any:
            if test(names):
                return body(names)
            return orelse(names) if orelse is not None else None

        return run

    def loop(self, node: ast.For, source: Code) -> Code:
        """The rounds of a loop over what `source` gives."""
        bind, body = self.assign(node.target, lambda names: names[node]), self.block(node.body)

        def run(names: Names) -> Any:
            pulse = names[_Own.PULSE]
            for count, item in enumerate(source(names)):
                if not count & _PULSE:
                    pulse()
                names[node] = item
                bind(names)
                signal = body(names)
                if signal is ast.Break:
                    break
            return None

        return run

    def _append(self, call: ast.Call) -> Code:
        func = call.func
        if not (isinstance(func, ast.Attribute) and func.attr == "append" and isinstance(func.value, ast.Name)):
            raise NotPlain
        if len(call.args) != 1 or call.keywords:
            raise NotPlain
        name, item = func.value.id, self.expression(call.args[0])
        self._name(name)
        self.filled.add(name)

        def run(names: Names) -> None:
            into = names[name]
            if into.__class__ is not list:
                raise NotPlain
            into.append(item(names))

        return run

    def _fill(self, target: ast.Subscript, value: ast.expr) -> Code:
        if not isinstance(target.value, ast.Name):
            raise NotPlain
        name, item, key = target.value.id, self.expression(value), self.expression(target.slice)
        self._name(name)
        self.filled.add(name)

        def run(names: Names) -> None:
            made, into, at = item(names), names[name], key(names)
            if into.__class__ is dict:
                into[_key(at)] = made
            elif into.__class__ is list and at.__class__ is int:
                into[at] = made
            else:
                raise NotPlain

        return run

    # -- expressions -------------------------------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> Code:
        """What gives the value of an expression."""
        if isinstance(node, ast.Constant) and node.value.__class__ in _PLAIN:
            value = node.value
            return lambda names: value
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node.op, self.expression(node.left), self.expression(node.right))
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node)
        if isinstance(node, ast.IfExp):
            return self._if_exp(node)
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node)
        if isinstance(node, ast.Tuple):
            parts = tuple(map(self.expression, node.elts))
            return lambda names: _shallow(tuple([part(names) for part in parts]))
        if isinstance(node, ast.List):
            items = tuple(map(self.expression, node.elts))
            return lambda names: names[_Own.MAKE]([item(names) for item in items])
        if isinstance(node, ast.Dict) and not node.keys:
            return lambda names: names[_Own.MAKE]({})
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.ListComp):
            return self.comprehension(node, self._source(node.generators[0].iter))
        raise NotPlain

    def _name(self, name: str) -> Code:
        if name not in self._open:
            self.free.add(name)
        return lambda names: names[name]

    def _arithmetic(self, op: ast.operator, left: Code, right: Code) -> Code:
        work = _ARITHMETIC.get(op.__class__)
        if work is None:
            raise NotPlain
        if work is operator.pow:
            return lambda names: _power(left(names), right(names))

        def run(names: Names) -> Any:
            a, b = left(names), right(names)
            if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
                result = work(a, b)
                if result.__class__ is float or -_LARGE < result < _LARGE:
                    return result
            raise NotPlain

        return run

    def _unary(self, node: ast.UnaryOp) -> Code:
        value = self.expression(node.operand)
        if isinstance(node.op, ast.Not):
            test = self._truth(value)
            return lambda names: not test(names)
        if not isinstance(node.op, ast.USub):
            raise NotPlain
        return lambda names: -_number(value(names))

    def _truth(self, value: Code) -> Code:
        def run(names: Names) -> bool:
            return bool(_number(value(names)))

        return run

    def _compare(self, node: ast.Compare) -> Code:
        left, right = self.expression(node.left), self.expression(node.comparators[0])
        kind = node.ops[0].__class__
        if kind in (ast.In, ast.NotIn):
            inverted = kind is ast.NotIn

            def member(names: Names) -> bool:
                key, container = _key(left(names)), right(names)
                if container.__class__ is not dict:
                    raise NotPlain
                return (key in container) is not inverted

            return member
        work = _ORDER.get(kind)
        if work is None:
            raise NotPlain
        return lambda names: work(_number(left(names)), _number(right(names)))

    def _if_exp(self, node: ast.IfExp) -> Code:
        test = self._truth(self.expression(node.test))
        body, orelse = self.expression(node.body), self.expression(node.orelse)
        return lambda names: body(names) if test(names) else orelse(names)

    def _bool_op(self, node: ast.BoolOp) -> Code:
        parts = tuple(map(self.expression, node.values))
        stop_at = isinstance(node.op, ast.Or)

        def run(names: Names) -> Any:
            value: Any = None
            for part in parts:
                value = _number(part(names))
                if bool(value) is stop_at:
                    break
            return value

        return run

    def _subscript(self, node: ast.Subscript) -> Code:
        value, key = self.expression(node.value), self.expression(node.slice)

        def run(names: Names) -> Any:
            container, at = value(names), key(names)
            if container.__class__ is dict:
                return container[_key(at)]
            if (container.__class__ is list or container.__class__ is tuple) and at.__class__ is int:
                return container[at]
            raise NotPlain

        return run

    def _call(self, node: ast.Call) -> Code:
        args = tuple(map(self.expression, node.args))
        func = node.func
        if node.keywords or not isinstance(func.value if isinstance(func, ast.Attribute) else func, ast.Name):
            raise NotPlain
        name = f"{ast.unparse(func)}()"
        self.called[name] = func
        return lambda names: names[name](*[arg(names) for arg in args])

    def _source(self, node: ast.expr) -> Code:
        """What a loop or a comprehension goes through: numbers counted off, or a sequence."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            return self._call(node)
        if not isinstance(node, ast.Name):
            raise NotPlain
        self._gone_through.add(node.id)
        value = self._name(node.id)

        def items(names: Names) -> Any:
            found = value(names)
            if found.__class__ not in COUNTED:
                raise NotPlain
            return found

        return items

    def comprehension(self, node: ast.ListComp, source: Code) -> Code:
        """A list of numbers, tuples or lists; one ``for`` and no condition."""
        target = node.generators[0].target
        if (
            len(node.generators) > 1
            or node.generators[0].ifs
            or not isinstance(target, ast.Name)
            or target.id in self._inner
        ):
            raise NotPlain
        name = target.id
        self._inner.add(name)
        self._open.append(name)
        element = self.expression(node.elt)
        self._open.pop()
        terms = frozenset(_terms(node.elt))
        self.given |= terms

        def run(names: Names) -> list[Any]:
            pulse, numpy, made = names[_Own.PULSE], names[_Own.NUMPY], []
            for count, item in enumerate(source(names)):
                if not count & _PULSE:
                    pulse()
                names[name] = item
                made.append(element(names))
            if numpy is not None and not terms.isdisjoint(numpy.called):
                made = [numpy.number(value) for value in made]
            return names[_Own.MAKE](made)  # type: ignore[no-any-return]

        return run


def _terms(node: ast.expr) -> Iterator[str]:
    """What is called for a value, or for a term or a factor of it."""
    if isinstance(node, ast.Call):
        yield f"{ast.unparse(node.func)}()"
    elif isinstance(node, ast.BinOp):
        yield from _terms(node.left)
        yield from _terms(node.right)
    elif isinstance(node, ast.UnaryOp):
        yield from _terms(node.operand)


# -- numbers -----------------------------------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    if value.__class__ in _NUMBERS:
        return value
    raise NotPlain


def _small(value: Any) -> Any:
    if value.__class__ is float or value.__class__ is bool or (value.__class__ is int and -_LARGE < value < _LARGE):
        return value
    raise NotPlain


def _shallow(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """``t = (t, t)`` doubles what has to be gone through to compare or hash it."""
    if any(item.__class__ is tuple for item in items) and too_deep(items):
        raise NotPlain
    return items


def _key(value: Any) -> Any:
    if value.__class__ in _PLAIN or (value.__class__ is tuple and all(part.__class__ in _PLAIN for part in value)):
        return value
    raise NotPlain


def _power(base: Any, exponent: Any) -> Any:
    if _number(base).__class__ is not float and _number(exponent).__class__ is not float and not 0 <= exponent <= 64:
        raise NotPlain
    return _small(base**exponent)


def _on_numbers(work: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: _small(work(*map(_number, args)))


def _length(container: Any) -> int:
    if container.__class__ in (list, tuple, dict, range):
        return len(container)
    raise NotPlain


def _range(*ends: Any) -> range:
    if all(end.__class__ is int for end in ends):
        return range(*ends)
    raise NotPlain


_WORK: dict[Any, Callable[..., Any]] = {
    int: int, float: float, "abs": abs, "min": min, "max": max, "round": round, **{f"math.{n}": getattr(math, n) for n in _MATH},
}  # fmt: skip
_HOST: dict[Any, Callable[..., Any]] = {
    "len": _length, range: _range, **{name: _on_numbers(work) for name, work in _WORK.items()},
}  # fmt: skip
_OF_NUMPY: dict[str, Callable[..., Any]] = {
    "power": _power, **{name: _HOST[f"math.{name}"] for name in ("sin", "cos", "tan", "sqrt", "exp", "log", "log2", "log10")},
}  # fmt: skip


# -- in the interpreted program ----------------------------------------------------------------------------------------------


class _Plan:
    """A loop as closures. names: what it reads, binds and changes. tries: how often it may still turn out not to be plain."""

    def __init__(self, node: ast.For | ast.ListComp) -> None:
        compiler = _Compiler()

        def source(names: Names) -> Any:
            return names[_Own.ITEMS]

        self.tries = _TRIES
        self.code = compiler.loop(node, source) if isinstance(node, ast.For) else compiler.comprehension(node, source)
        compiler.finish()
        self.names = compiler


def follow(interp: Expressions, node: ast.For | ast.ListComp, frame: Frame, items: Any) -> Any:
    """Go through `items`, which are counted, with a loop or a comprehension; MISSING where it has to be followed node by node.

    A loop gives None, a comprehension its list.
    """
    plan: _Plan | None = getattr(node, "_plain", None)
    if plan is None and not hasattr(node, "_plain"):
        try:
            plan = _Plan(node)
        except NotPlain:
            plan = None
        node._plain = plan  # type: ignore[union-attr]
    if plan is None or frame.class_body or plan.tries == 0:
        return MISSING
    try:
        return _run(interp, plan, frame, items)
    except (NotPlain, RecursionError):  # what it reads may be nested deeply
        plan.tries -= 1
        return MISSING


def _run(interp: Expressions, plan: _Plan, frame: Frame, items: Any) -> Any:
    uses = plan.names
    names: Names = {_Own.ITEMS: items, _Own.PULSE: interp.tick, _Own.MAKE: interp.make}
    room = _Room(16 * len(items) + 1000)
    if items.__class__ is not range and not room.holds(items):
        raise NotPlain
    for name in uses.free | uses.bound.keys():
        if name in uses.bound and frame.names is not None and name not in frame.names:
            raise NotPlain  # a name of another scope
        value = _value(interp, name, frame)
        if room.holds(value):
            names[name] = value
        elif name not in uses.bound:
            raise NotPlain
    numpy = _Numpy(interp)
    for name, func in uses.called.items():
        names[name] = _host(interp, func, frame, name, numpy)
    if not numpy.called <= uses.given:
        raise NotPlain  # it may be seen that these are no numbers of Python's
    names[_Own.NUMPY] = numpy if numpy.called else None
    filled = [names[name] for name in uses.filled if name in names]
    for container in filled:
        interp.touch(container)
    before = [container.copy() for container in filled if container.__class__ in (list, dict)]
    if len(before) < len(filled):
        raise NotPlain
    try:
        result = plan.code(names)
    except (NotPlain, ArithmeticError, LookupError, TypeError, ValueError):
        for container, contents in zip(filled, before):
            interp.put_back(container, contents)
        raise NotPlain from None
    for name, target in uses.bound.items():
        if name in names:
            interp.assign(target, names[name], frame)
    return result


class _Room:
    """Looks through what a loop reads, as far as that is worth its while."""

    def __init__(self, left: int) -> None:
        self._left = left

    def holds(self, value: Any) -> bool:
        """Whether a value is plain, and all in it."""
        if value.__class__ in _PLAIN:
            return True
        if value.__class__ is dict:
            if MORE in value:
                return False
            parts: Any = (*value, *value.values())
        elif value.__class__ is list or value.__class__ is tuple:
            parts = value
        else:
            return False
        self._left -= len(parts)
        return self._left >= 0 and all(part.__class__ in _PLAIN or self.holds(part) for part in parts)


def _value(interp: Expressions, name: str, frame: Frame) -> Any:
    """What a name stands for before the loop; MISSING where that is not there yet."""
    scope: Frame | None = frame
    while scope is not None:
        value = scope.locals.get(name, MISSING)
        if value is not MISSING:
            return MISSING if value.__class__ is Lazy else value
        scope = scope.closure
    value = frame.module.namespace.get(name, MISSING)
    if value is MISSING or value.__class__ is Lazy:
        return MISSING
    return interp.load_global(name, frame.module)


class _Numpy:
    """Makes numbers of numpy. called: the functions of numpy among what a loop calls."""

    def __init__(self, interp: Expressions) -> None:
        self._interp = interp
        self._kinds: dict[type, Any] = {}
        self.called: set[str] = set()

    def found(self, name: str, module: ModuleObject) -> None:
        self.called.add(name)
        self._kinds = {kind: self._interp.module_attribute(module, f"{kind.__name__}64") for kind in (int, float)}

    def number(self, value: Any) -> Instance:
        kind = self._kinds.get(value.__class__)
        if kind is None or (value.__class__ is int and not -_LARGE < 2 * value < _LARGE):
            raise NotPlain
        made = Instance(kind, value)
        self._interp.make(made.attrs)
        return made


def _host(interp: Expressions, func: ast.expr, frame: Frame, name: str, numpy: _Numpy) -> Callable[..., Any]:
    try:
        value = interp.eval(func, frame)
    except PyRaise:
        raise NotPlain from None
    if value.__class__ is Function and value.module.name == "numpy" and value.name in _OF_NUMPY:
        numpy.found(name, value.module)
        return _OF_NUMPY[value.name]
    found = _HOST.get(value.name if value.__class__ is Builtin else value) if value.__hash__ is not None else None
    if found is None:
        raise NotPlain
    return found
