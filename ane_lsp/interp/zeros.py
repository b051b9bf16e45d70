"""``if H % 4: x = F.pad(x, (0, 0, 0, 4 - H % 4))``: sizes after a branch that nobody can decide, where what it asks tells them.

In one of both branches a size that was asked for is 0. Sizes of the two that differ by a multiple of it are the same size, that of the
other branch. And what is filled up to the next multiple of 4 in one branch, and is a multiple already in the other, is that in both.

The same where sizes are equal in one branch (``if inp == oup``, ``if x.shape[2:] != y.shape[2:]``): their difference is 0 there; and where one is
less than the other: each is the smaller or the larger of both, by the branch. What two branches left in a name, an attribute or a
module's table keeps what the condition said (:attr:`OneOf.told`), for whoever calls it, or asks whether it is None.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import DimLike, Sym, TensorType, dims
from ane_lsp.graph.dims import Atom
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import absent
from ane_lsp.interp.values import ABSENT, MISSING, Instance, OneOf, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base
    from ane_lsp.interp.frames import Frame

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zeros:
    """Sizes that are all 0 in one branch. branch: which of both, 0 where the condition holds. alone: it asks for nothing else, so they are
    not all 0 in the other. converse: sizes that are all 0 in the other branch."""

    sizes: tuple[Sym, ...]
    branch: int
    alone: bool = True
    converse: tuple[Sym, ...] = ()

    def tell(self, value: Any, values: list[Any]) -> None:
        """Note it at a value that is one of what two branches left. values: that, MISSING where it is nothing, or nobody knows it."""
        if value.__class__ is not OneOf or value.told is not None or not len(values) == len(value.options) == 2:
            return
        there, other = value.options
        if not all(map(dims.is_known, self.sizes)):
            return
        if other is ABSENT:
            if there is values[0]:
                value.told = self
            elif there is values[1]:
                value.told = self.flipped()
        elif all(a is b or b is MISSING for a, b in zip(value.options, values)):
            value.told = self

    def flipped(self) -> Zeros:
        """The same of the branches in the other order."""
        return self.at(1 - self.branch)

    def at(self, branch: int) -> Zeros:
        """The same of sizes that are 0 in `branch`."""
        return Zeros(self.sizes, branch, self.alone, self.converse)

    def agreed(self, values: list[Any]) -> list[Any]:
        """What two branches left, each in the form that both have where they have one."""
        here, other = values[self.branch], values[1 - self.branch]
        if type(here) is tuple and type(other) is tuple and len(here) == len(other):
            pairs = [self.agreed([a, b]) for a, b in zip(*values)]
            return [tuple([a for a, _ in pairs]), tuple([b for _, b in pairs])]
        if isinstance(here, Tensor) and isinstance(other, Tensor):
            kind = self._type(here.type, other.type)
            return values if kind is None else [_retyped(value, kind) for value in values]
        if _is_size(here) and _is_size(other):
            size = self._size(here, other)
            return values if size is None else [size, size]
        return values

    def _type(self, here: TensorType, other: TensorType) -> TensorType | None:
        if (
            here.shape is None
            or other.shape is None
            or len(here.shape) != len(other.shape)
            or here.shape == other.shape
        ):
            return None
        sizes = [a if a == b else self._size(a, b) for a, b in zip(here.shape, other.shape)]
        known = [size for size in sizes if size is not None]
        return TensorType(tuple(known), here.dtype) if len(known) == len(sizes) and here.dtype == other.dtype else None

    def _size(self, here: DimLike, other: DimLike) -> DimLike | None:
        """The size that is `here` where all are 0 and `other` where they are not."""
        difference = other - here
        for zero in self.sizes:
            if isinstance(dims.exact_div(difference, zero), int):
                return other
        for zero in self.sizes:
            if zero.atom is not None and zero.atom.op == "%":
                whole, part = zero.atom.args
                filled = dims.ceildiv(whole, part) * part - whole  # type: ignore[arg-type, operator]
                nonzero = self.alone and len(self.sizes) == 1  # which of many is not 0 in the other branch is not known
                if difference == filled or (nonzero and difference == part - zero):  # type: ignore[operator]
                    return here + filled
        try:
            if _same_where(self.sizes, here, other):
                return other
            for candidate in [here + zero for zero in self.sizes] if self.converse else ():
                if _same_where(self.converse, candidate, other):
                    return candidate
        except ZeroDivisionError:
            pass
        return None


def _same_where(sizes: tuple[Sym, ...], one: DimLike, other: DimLike) -> bool:
    """Whether two sizes are the same where all of some are 0. Raises ZeroDivisionError where they are none there."""
    facts: dict[Atom, DimLike] = {}  # what parts of sizes are there, one of each that can be told by the others
    for size in sizes:
        left = dims.exchanged(size, facts)
        for monomial, coefficient in left.terms if isinstance(left, Sym) else ():
            if len(monomial) != 1 or abs(coefficient) != 1:
                continue
            (atom,), rest = monomial, left - Sym(((monomial, coefficient),))
            value = -rest if coefficient == 1 else rest
            if not dims.contains(value, atom):
                facts = {known: dims.exchanged(held, {atom: value}) for known, held in facts.items()}
                facts[atom] = value
                break
    return bool(facts) and dims.exchanged(one, facts) == dims.exchanged(other, facts)


def agreed_returns(values: list[Any], told: dict[int, Zeros]) -> list[Any]:
    """What a function returned in branches that nobody can decide, and at its end, each in the form that all have where they have one.
    told: by place among the values, what the condition said under which one was returned."""
    for place in sorted(told, reverse=True):
        pairs = [told[place].agreed([values[place], later]) for later in values[place + 1 :]]
        if not pairs:  # what would have come behind it raises
            continue
        first = pairs[0][0]
        if all(_alike(first, one) for one, _ in pairs[1:]):
            values = [*values[:place], first, *(later for _, later in pairs)]
    return values


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.type == other.type
    if type(one) is tuple and type(other) is tuple:
        return len(one) == len(other) and all(map(_alike, one, other))
    return one is other or (_is_size(one) and _is_size(other) and bool(one == other))


def _is_size(value: Any) -> bool:
    return type(value) is int or isinstance(value, Sym)


def _retyped(tensor: Tensor, kind: TensorType) -> Tensor:
    made = Tensor(kind, tensor.origin)
    made.value, made.graph, made.requires_grad = tensor.value, tensor.graph, tensor.requires_grad
    return made


def told_by(interp: Base, test: ast.expr, frame: Frame, wanted: int = -1) -> Zeros | None:
    """What a condition that nobody can decide says of sizes that may be 0. wanted: in which branch they are to be, where it tells of both."""
    if isinstance(test, ast.Name):
        test = _meaning(test, frame)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        found = told_by(interp, test.operand, frame, 1 - wanted if wanted >= 0 else wanted)
        return found.flipped() if found is not None else None
    if isinstance(test, ast.Compare):
        pairs = [*zip([test.left, *test.comparators], test.ops, test.comparators)]
        if len(pairs) == 1:
            return _compared(interp, *pairs[0], frame, wanted)
        test = ast.BoolOp(ast.And(), [ast.Compare(left, [asked], [right]) for left, asked, right in pairs])
    if isinstance(test, ast.BoolOp):
        branch = int(isinstance(test.op, ast.Or))
        parts = [told_by(interp, part, frame, branch) for part in test.values if not _settled(interp, part, frame)]
        told = [part for part in parts if part is not None and part.branch == branch]
        if not told:
            return None
        alone = len(told) == len(parts) and all(part.alone for part in told)
        return Zeros(tuple(size for part in told for size in part.sizes), branch, alone)
    value = _read(interp, test, frame)
    if isinstance(value, OneOf) and set(map(type, value.options)) <= {bool, type(None)}:
        return _chosen(value, bool)
    return Zeros((value,), 1) if isinstance(value, Sym) else None


def _chosen(value: OneOf, holds: Callable[[Any], bool]) -> Zeros | None:
    """What a condition says of sizes that asks something of a value that was chosen by them."""
    told: Zeros | None = value.told
    verdicts = [holds(option) for option in value.options]
    return told.at(int(not verdicts[told.branch])) if told is not None and len(set(verdicts)) == 2 else None


def _compared(
    interp: Base, left: ast.expr, asked: ast.cmpop, right: ast.expr, frame: Frame, wanted: int
) -> Zeros | None:
    """What is told by a size being a number or another size, or by something being None that was chosen by sizes; None where nothing is."""
    value = _read(interp, left, frame)
    if isinstance(value, OneOf):
        if not (isinstance(asked, (ast.Is, ast.IsNot)) and isinstance(right, ast.Constant) and right.value is None):
            return None
        return _chosen(value, lambda option: (option is None) == isinstance(asked, ast.Is))
    if isinstance(value, Sym) and isinstance(right, ast.Constant):
        zero_in = _zero_in(type(asked), right.value, value)
        if zero_in is not None:
            return Zeros((value,), zero_in)
    other = _read(interp, right, frame)
    if isinstance(asked, (ast.Eq, ast.NotEq)):
        return _equal(value, other, int(isinstance(asked, ast.NotEq)))
    if not (_is_size(value) and _is_size(other)):
        return None
    if isinstance(asked, (ast.Lt, ast.GtE)):
        return _ordered(value, other, int(isinstance(asked, ast.GtE)), wanted)
    return (
        _ordered(other, value, int(isinstance(asked, ast.LtE)), wanted)
        if isinstance(asked, (ast.Gt, ast.LtE))
        else None
    )


def _equal(one: Any, other: Any, branch: int) -> Zeros | None:
    """What is told by two sizes, or those of two shapes, being equal in a branch."""
    shapes = type(one) is type(other) is tuple and len(one) == len(other)
    pairs = [pair for pair in (zip(one, other) if shapes else [(one, other)]) if pair[0] is not pair[1]]
    if not all(_is_size(size) for pair in pairs for size in pair) or other == 0:
        return None
    sizes = _symbolic(*(a - b for a, b in pairs))
    return Zeros(sizes, branch) if sizes else None


def _ordered(one: DimLike, other: DimLike, branch: int, wanted: int) -> Zeros | None:
    """What is told by a size being less than another in a branch, and not less in the other branch."""
    least, most = dims.minimum(one, other), dims.maximum(one, other)
    low, high = _symbolic(least - one, most - other), _symbolic(least - other, most - one)
    if low and (wanted == branch or not high):
        return Zeros(low, branch, False, high)
    return Zeros(high, 1 - branch, False, low) if high else None


def _symbolic(*sizes: DimLike) -> tuple[Sym, ...]:
    return tuple(size for size in sizes if isinstance(size, Sym))


def _settled(interp: Base, test: ast.expr, frame: Frame) -> bool:
    """Whether a part of a condition compares numbers that are known, and so says nothing where the whole is not decided."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in (ast.Eq, ast.NotEq):
        return False
    return all(type(_read(interp, side, frame)) is int for side in (test.left, test.comparators[0]))


def _zero_in(asked: type[ast.cmpop], constant: Any, size: Sym) -> int | None:
    """In which branch of ``size == constant`` or the like the size is 0; None where in none."""
    if type(constant) is not int:
        return None
    if constant == 0:
        if asked is ast.Gt and dims.lower_bound(size) < 0:
            return None
        return {ast.Eq: 0, ast.NotEq: 1, ast.Gt: 1}.get(asked)
    halved = size.atom is not None and size.atom.op == "%" and size.atom.args[1] == 2
    return {ast.Eq: 1, ast.NotEq: 0}.get(asked) if halved and constant == 1 else None


def _meaning(test: ast.Name, frame: Frame) -> ast.expr:
    """The expression that a name stands for which is bound once in its function, where none of what it was made of was bound again."""
    code = frame.code
    if not isinstance(code, ast.FunctionDef):
        return test
    known: dict[str, ast.expr | None] | None = getattr(code, "_meant", None)
    if known is None:
        known = code._meant = {}  # type: ignore[attr-defined]
    if test.id not in known:
        known[test.id] = _bound_once(code, test.id)
    return known[test.id] or test


def _bound_once(code: ast.FunctionDef, name: str) -> ast.expr | None:
    bound = [node for node in ast.walk(code) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    made = [
        node
        for node in ast.walk(code)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]
    if len(made) != 1 or sum(node.id == name for node in bound) != 1:
        return None
    parts = list(ast.walk(made[0].value))
    used = {node.id for node in parts if isinstance(node, ast.Name)}
    if any(isinstance(node, (ast.Attribute, ast.Call)) for node in parts):
        return None
    return None if any(node.id in used and node.lineno >= made[0].lineno for node in bound) else made[0].value


def _read(interp: Base, node: ast.expr, frame: Frame) -> Any:
    """The size that an expression gives, without doing anything; None where it is none."""
    if isinstance(node, ast.BinOp):
        left, right = _read(interp, node.left, frame), _read(interp, node.right, frame)
        work = _ARITHMETIC.get(type(node.op))
        if work is None or not _is_size(left) or not _is_size(right) or (type(right) is int and right == 0):
            return None
        return work(left, right)
    if isinstance(node, ast.Subscript):
        items = _read(interp, node.value, frame)
        if not isinstance(items, (list, tuple)):
            return None
        if isinstance(node.slice, ast.Slice):
            given = (node.slice.lower, node.slice.upper, node.slice.step)
            first, last, step = [None if each is None else _read(interp, each, frame) for each in given]
            whole = all(each is None or type(end) is int for each, end in zip(given, (first, last, step)))
            return items[first:last:step] if whole and step != 0 else None
        return _item(items, _read(interp, node.slice, frame))
    if isinstance(node, ast.Tuple):
        return tuple([_read(interp, item, frame) for item in node.elts])
    if isinstance(node, ast.Call):
        return _size_called(interp, node, frame)
    if isinstance(node, ast.Attribute):
        owner = _read(interp, node.value, frame)
        if isinstance(owner, Tensor):
            return owner.type.shape if node.attr == "shape" else None
        return _attribute(interp, owner, node.attr) if isinstance(owner, Instance) else None
    if isinstance(node, ast.UnaryOp):
        value: Any = _read(interp, node.operand, frame) if isinstance(node.op, ast.USub) else None
        return -value if _is_size(value) else None
    if isinstance(node, ast.Name):
        scope: Frame | None = frame
        while scope is not None and node.id not in scope.locals:
            scope = scope.closure
        return scope.locals[node.id] if scope is not None else None
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _size_called(interp: Base, node: ast.Call, frame: Frame) -> Any:
    """``x.size()`` or ``x.size(2)``; None where it is another call."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "size" or node.keywords:
        return None
    owner = _read(interp, node.func.value, frame)
    shape = owner.type.shape if isinstance(owner, Tensor) and len(node.args) < 2 else None
    if shape is None or not node.args:
        return shape
    return _item(shape, _read(interp, node.args[0], frame))


def _item(items: Sequence[Any], at: Any) -> Any:
    """An item at a place, None where that is not known or there is none."""
    return items[at] if type(at) is int and -len(items) <= at < len(items) else None


def _attribute(interp: Base, owner: Instance, name: str) -> Any:
    """A plain attribute, a module below, or a number of the class."""
    if name in owner.attrs:
        found = owner.attrs[name]
        return interp.plain_or_registered(owner, name) if absent.optional(found) else found
    modules = owner.attrs.get("_modules")
    if isinstance(modules, dict) and name in modules:
        return modules[name]
    held = owner.cls.lookup(name)
    return held if type(held) is int else None


__all__ = ["Zeros", "agreed_returns", "told_by"]
