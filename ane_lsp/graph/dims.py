"""Tensor dimensions: an ``int`` where the size is known, a :class:`Sym` where it is not.

A ``Sym`` is a polynomial with integer coefficients over *atoms*. An atom is a named symbol (``B``, the batch size), an
anonymous one (``?``: a size nothing is known about, equal only to itself) or an opaque term (``H//2``, ``H%7``,
``max(H, 7)``) whose operands are dimensions again. Arithmetic normalises, so ``(2*H)//2`` is ``H`` and two ways of
computing one size compare equal. What normalisation cannot decide is answered ``None`` ("unknown"), never guessed.

Every named symbol stands for a size of at least 1, an anonymous one for a size of at least 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Union

DimLike = Union[int, "Sym"]
Monomial = tuple["Atom", ...]

_COMPARED = 1 << 14  # comparisons of sizes that are remembered: a model asks most of them many times

_drawn = [0]  # the number of the last anonymous size


class Atom:
    """A factor of a monomial: ``op`` is ``"sym"``, ``"?"``, ``"//"``, ``"%"``, ``"max"`` or ``"min"``."""

    __slots__ = ("_hash", "args", "is_known", "lower_bound", "op", "order")

    is_known: bool
    lower_bound: float

    def __init__(self, op: str, args: tuple[object, ...]) -> None:
        self.op = op
        self.args = args
        self._hash = hash((op, args))
        self.order = (op, self._text())  # all three are asked for often, and operands may be nested deeply
        self.is_known = op != "?" and all(a.is_known for a in args if isinstance(a, Sym))
        self.lower_bound = self._lower_bound()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Atom) and self._hash == other._hash and self.op == other.op and self.args == other.args
        )

    def __lt__(self, other: Atom) -> bool:
        return self.order < other.order

    def __str__(self) -> str:
        return self.order[1]

    def _text(self) -> str:
        if self.op == "sym":
            return str(self.args[0])
        if self.op == "?":
            return f"?{self.args[0]}"
        if self.op in ("max", "min"):
            return f"{self.op}({self.args[0]}, {self.args[1]})"
        left, right = self.args
        first = f"({left})" if isinstance(left, Sym) and left.atom is None else left
        within = isinstance(right, Sym) and (right.atom is None or right.atom.op in ("//", "%"))
        return f"{first}{self.op}({right})" if within else f"{first}{self.op}{right}"

    def _lower_bound(self) -> float:
        if self.op in ("sym", "?"):
            return 1 if self.op == "sym" else 0
        left, right = (lower_bound(a) for a in self.args)  # type: ignore[arg-type]
        if self.op in ("max", "min"):
            return max(left, right) if self.op == "max" else min(left, right)
        if right <= 0 or (self.op == "//" and left < 0):
            return float("-inf")
        by = self.args[1]
        return left // by if self.op == "//" and isinstance(by, int) else 0


class Sym:
    """A dimension that is not a plain int. Build one with :func:`symbol`, :func:`fresh` or arithmetic."""

    __slots__ = ("_hash", "_shown", "is_known", "terms")

    terms: tuple[tuple[Monomial, int], ...]
    is_known: bool
    """False where an anonymous size takes part."""

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)
        self.is_known = all(atom.is_known for monomial, _ in terms for atom in monomial)
        self._shown: str | None = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Structural equality; use :func:`equal` for the three-valued question."""
        return self is other or (isinstance(other, Sym) and self._hash == other._hash and self.terms == other.terms)

    @property
    def atom(self) -> Atom | None:
        """The one atom that this is, None where it is made of several or of a multiple of one."""
        (monomial, coefficient), *others = self.terms
        return monomial[0] if not others and coefficient == 1 and len(monomial) == 1 else None

    def __str__(self) -> str:
        if self._shown is None:
            self._shown = self._text() if self.is_known else "?"
        return self._shown

    def _text(self) -> str:
        out = ""
        for monomial, coefficient in sorted(self.terms, key=lambda t: (not t[0], -len(t[0]), [a.order for a in t[0]])):
            factors = [str(a) if a.op in ("sym", "max", "min") else f"({a})" for a in monomial]
            if len(factors) == 1 and coefficient == 1 and len(self.terms) == 1:
                factors = [str(monomial[0])]
            size = abs(coefficient)
            text = "*".join(([] if size == 1 and factors else [str(size)]) + factors)
            out += (" - " if coefficient < 0 else " + ") + text if out else ("-" if coefficient < 0 else "") + text
        return out or "0"

    __repr__ = __str__

    def __add__(self, other: DimLike) -> DimLike:
        return _from_terms(_merge(self.terms, _terms(other), 1))

    __radd__ = __add__

    def __sub__(self, other: DimLike) -> DimLike:
        return _from_terms(_merge(self.terms, _terms(other), -1))

    def __rsub__(self, other: DimLike) -> DimLike:
        return _from_terms(_merge(_terms(other), self.terms, -1))

    def __neg__(self) -> DimLike:
        return _from_terms({m: -c for m, c in self.terms})

    def __pos__(self) -> DimLike:
        return self

    def __mul__(self, other: DimLike) -> DimLike:
        product: dict[Monomial, int] = {}
        for m1, c1 in self.terms:
            for m2, c2 in _terms(other):
                monomial = tuple(sorted(m1 + m2))
                product[monomial] = product.get(monomial, 0) + c1 * c2
        return _from_terms(product)

    __rmul__ = __mul__

    def __floordiv__(self, other: DimLike) -> DimLike:
        return floordiv(self, other)

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        return floordiv(other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return mod(self, other)

    def __rmod__(self, other: DimLike) -> DimLike:
        return mod(other, self)


def _terms(value: DimLike) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(value, Sym):
        return value.terms
    return (((), int(value)),) if value else ()


def _merge(
    left: Iterable[tuple[Monomial, int]], right: Iterable[tuple[Monomial, int]], sign: int
) -> dict[Monomial, int]:
    out = dict(left)
    for monomial, coefficient in right:
        out[monomial] = out.get(monomial, 0) + sign * coefficient
    return out


def _from_terms(terms: dict[Monomial, int]) -> DimLike:
    kept = {m: c for m, c in terms.items() if c}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Sym(tuple(sorted(kept.items(), key=lambda t: [a.order for a in t[0]])))


def _opaque(op: str, *args: DimLike) -> Sym:
    return Sym((((Atom(op, args),), 1),))


def symbol(name: str) -> Sym:
    """The size called `name`, at least 1."""
    return Sym((((Atom("sym", (name,)),), 1),))


def fresh() -> Sym:
    """A size nothing is known about; prints as ``?`` and equals only itself."""
    _drawn[0] += 1
    return Sym((((Atom("?", (_drawn[0],)),), 1),))


def drawn() -> int:
    """The number of the last size that :func:`fresh` made."""
    return _drawn[0]


def draw(count: int) -> None:
    """Go on as if :func:`fresh` had made so many sizes; fewer than it did where the last ones are gone."""
    _drawn[0] += count


def further(value: DimLike, first: int, last: int, by: int) -> DimLike:
    """`value` with anonymous sizes after number `first` and up to `last` replaced by those whose numbers are `by` further."""
    if not isinstance(value, Sym) or value.is_known:
        return value
    return _from_terms(
        {
            tuple(sorted([_atom_further(atom, first, last, by) for atom in monomial])): coefficient
            for monomial, coefficient in value.terms
        }
    )


def _atom_further(atom: Atom, first: int, last: int, by: int) -> Atom:
    if atom.is_known:
        return atom
    if atom.op == "?":
        (number,) = atom.args
        return Atom("?", (number + by,)) if first < number <= last else atom  # type: ignore[operator]
    return Atom(atom.op, tuple([further(arg, first, last, by) for arg in atom.args]))  # type: ignore[arg-type]


@contextmanager
def drawn_from(number: int) -> Iterator[None]:
    """Let :func:`fresh` go on after this number meanwhile, and then where it was.

    Whoever does the same again from the same number gets equal sizes; nothing of both times may be held beside the other.
    """
    outer, _drawn[0] = _drawn[0], number
    try:
        yield
    finally:
        _drawn[0] = outer


def is_known(value: DimLike) -> bool:
    """True for ints and for expressions over named symbols only."""
    return not isinstance(value, Sym) or value.is_known


def equal(left: DimLike, right: DimLike) -> bool | None:
    """Whether two sizes are the same: True, False, or None where it depends on the symbols."""
    difference = left - right
    if not isinstance(difference, Sym):
        return difference == 0
    if less(left, right) or less(right, left):
        return False
    return None


def less(left: DimLike, right: DimLike) -> bool | None:
    """Whether ``left < right``: True, False, or None where it depends on the symbols."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return left < right
    return _less(left, right)


@lru_cache(maxsize=_COMPARED)
def _less(left: DimLike, right: DimLike) -> bool | None:
    difference = right - left
    if not isinstance(difference, Sym):
        return difference > 0
    if lower_bound(difference) > 0:
        return True
    negated = -difference
    if lower_bound(negated) >= 0:
        return False
    return None


def lower_bound(value: DimLike) -> float:
    """A number that `value` cannot go below; ``-inf`` where none is known."""
    bound = _plain_lower_bound(value)
    if bound == float("-inf") and isinstance(value, Sym):
        scaled, by = _without_floors(value)
        bound = lower_bound(scaled) if by > 1 else bound
        return bound if bound == float("-inf") else -(-bound // by)  # it is whole
    return bound


def _without_floors(value: Sym) -> tuple[DimLike, int]:
    """Something that is at most `by` times `value` and has fewer divisions, and `by`, which is 1 where there are none: ``H//7`` is
    between ``(H - 6)/7`` and ``H/7``, so ``7*((H + 6)//7) - H`` is not negative."""
    divided: list[tuple[Atom, int, int]] = []
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in value.terms:
        atom = monomial[0] if len(monomial) == 1 else None
        if atom is not None and atom.op == "//" and isinstance(atom.args[1], int) and atom.args[1] > 0:
            divided.append((atom, coefficient, atom.args[1]))
        else:
            rest[monomial] = coefficient
    by = math.lcm(*(each for _, _, each in divided))
    total = _from_terms(rest) * by
    for atom, coefficient, each in divided:
        total = total + (atom.args[0] - (each - 1 if coefficient > 0 else 0)) * (coefficient * by // each)  # type: ignore[operator]
    return total, by


def _plain_lower_bound(value: DimLike) -> float:
    total: float = 0
    for monomial, coefficient in _terms(value):
        if not monomial:
            total += coefficient
            continue
        bounds = [atom.lower_bound for atom in monomial]
        if coefficient < 0 or min(bounds) < 0:
            return float("-inf")
        least: float = 1
        for bound in bounds:
            least *= bound
        total += coefficient * least
    return total


def _divide_monomial(monomial: Monomial, by: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in by:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def exact_div(left: DimLike, right: DimLike) -> DimLike | None:
    """`left / right` where the division provably leaves no remainder, else None."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return left // right if right and left % right == 0 else None
    divisor = _terms(right)
    if not divisor:
        return None
    rest: dict[Monomial, int] = dict(_terms(left))
    quotient: dict[Monomial, int] = {}
    lead_monomial, lead_coefficient = max(divisor, key=lambda t: (len(t[0]), [a.order for a in t[0]]))
    for _ in range(64):
        if not rest:
            return _from_terms(quotient)
        monomial, coefficient = max(rest.items(), key=lambda t: (len(t[0]), [a.order for a in t[0]]))
        factor = _divide_monomial(monomial, lead_monomial)
        if factor is None or coefficient % lead_coefficient:
            return None
        scale = coefficient // lead_coefficient
        quotient[factor] = quotient.get(factor, 0) + scale
        for m, c in divisor:
            key = tuple(sorted(m + factor))
            value = rest.get(key, 0) - c * scale
            if value:
                rest[key] = value
            else:
                rest.pop(key, None)
    return None


def floordiv(left: DimLike, right: DimLike) -> DimLike:
    """``left // right``. Raises ZeroDivisionError for a right side of zero."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return left // right
    if not isinstance(right, Sym):
        if right == 0:
            raise ZeroDivisionError("integer division or modulo by zero")
        if right == 1:
            return left
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for monomial, coefficient in _terms(left):
            quotient, remainder = divmod(coefficient, right)
            if quotient:
                whole[monomial] = quotient
            if remainder:
                rest[monomial] = remainder
        remaining = _from_terms(rest)
        if not isinstance(remaining, Sym):
            return _from_terms(_merge(whole.items(), _terms(remaining // right), 1))
        if right == 2 and (evened := _evened(remaining)) is not None:
            return evened + _from_terms(whole)
        if right > 3 and _is_negative(remaining, right):
            positive = _negated(remaining, right)
            return positive + _from_terms(whole) - floordiv(positive - rest.get((), 0) + right - 1, right)
        return _nested_floordiv(remaining, right) + _from_terms(whole)
    exact = exact_div(left, right)
    if exact is not None:
        return exact
    if not isinstance(left, Sym) and lower_bound(right) > left >= 0:
        return 0
    return _opaque("//", left, right)


def _evened(value: Sym) -> DimLike | None:
    """``(H + H%2)//2``, which is ``(H + 1)//2``; None for other values."""
    for monomial, coefficient in value.terms:
        atom = monomial[0] if len(monomial) == 1 and coefficient == 1 else None
        if atom is not None and atom.op == "%" and atom.args[1] == 2:
            rest = value - Sym(((monomial, 1),)) - atom.args[0]  # type: ignore[operator]
            if isinstance(rest, int):
                return floordiv(atom.args[0] + 1, 2) + rest // 2  # type: ignore[operator]
    return None


def _is_negative(reduced: Sym, by: int) -> bool:
    """Whether the coefficients are what is left of -1 in a division: then ``(6*H)//7`` is ``H - (H + 6)//7``."""
    return all(coefficient == by - 1 for monomial, coefficient in reduced.terms if monomial)


def _negated(reduced: Sym, by: int) -> DimLike:
    """``H`` for ``6*H + 3`` and 7."""
    return _from_terms({monomial: by - coefficient for monomial, coefficient in reduced.terms if monomial})


def _nested_floordiv(left: Sym, right: int) -> DimLike:
    """``left // right``; ``(a//m + b)//n`` is ``(a + b*m)//(m*n)`` for whole numbers m and n above 0 and any whole b."""
    terms = dict(left.terms)
    shift = terms.pop((), 0)
    (monomial, coefficient), *others = terms.items()
    atom = monomial[0] if len(monomial) == 1 and coefficient == 1 and not others else None
    if atom is not None and atom.op == "//" and isinstance(atom.args[1], int) and atom.args[1] > 0 and right > 0:
        numerator, denominator = atom.args
        return floordiv(numerator + shift * denominator, denominator * right)  # type: ignore[operator]
    return _opaque("//", left, right)


def mod(left: DimLike, right: DimLike) -> DimLike:
    """``left % right``. Raises ZeroDivisionError for a right side of zero."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return left % right
    if not isinstance(right, Sym):
        if right == 0:
            raise ZeroDivisionError("integer division or modulo by zero")
        reduced = _from_terms({m: c % right for m, c in _terms(_without_remainders(left, right))})
        if not isinstance(reduced, Sym):
            return reduced % right
        if right > 2 and _is_negative(reduced, right):  # how much is missing to the next multiple
            positive = _negated(reduced, right) - dict(reduced.terms).get((), 0)
            return ceildiv(positive, right) * right - positive
        return _opaque("%", reduced, right)
    if exact_div(left, right) is not None:
        return 0
    return _opaque("%", left, right)


def _without_remainders(value: DimLike, by: int) -> DimLike:
    """Something that leaves the same remainder: ``H`` for ``H%14`` and 7."""
    for monomial, coefficient in _terms(value):
        atom = monomial[0] if len(monomial) == 1 else None
        if atom is not None and atom.op == "%" and isinstance(atom.args[1], int) and by and atom.args[1] % by == 0:
            inner: DimLike = atom.args[0]  # type: ignore[assignment]
            return _without_remainders(value - Sym(((monomial, coefficient),)) + inner * coefficient, by)
    return value


def ceildiv(left: DimLike, right: DimLike) -> DimLike:
    """``ceil(left / right)``."""
    if isinstance(right, int) and right > 0:
        return floordiv(left + right - 1, right)
    return -floordiv(-left, right)


def maximum(left: DimLike, right: DimLike) -> DimLike:
    """The larger of two sizes."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return max(left, right)
    if less(left, right) is False:
        return left
    if less(right, left) is False:
        return right
    return _opaque("max", *_in_order(left, right))


def minimum(left: DimLike, right: DimLike) -> DimLike:
    """The smaller of two sizes."""
    if not isinstance(left, Sym) and not isinstance(right, Sym):
        return min(left, right)
    if less(left, right) is False:
        return right
    if less(right, left) is False:
        return left
    return _opaque("min", *_in_order(left, right))


def _in_order(left: DimLike, right: DimLike) -> tuple[DimLike, DimLike]:
    """Operands whose order says nothing, so that the same two are the same expression: numbers last."""
    if isinstance(left, Sym) and isinstance(right, Sym):
        return (right, left) if str(right) < str(left) else (left, right)
    return (left, right) if isinstance(left, Sym) else (right, left)


def product(sizes: Iterable[DimLike]) -> DimLike:
    """The number of elements of a shape."""
    total: DimLike = 1
    for size in sizes:
        total = total * size
    return total


def bind(value: DimLike, sizes: Mapping[str, DimLike]) -> DimLike:
    """`value` with named symbols replaced by the given sizes. Raises ZeroDivisionError where it then divides by zero."""
    return exchanged(value, {Atom("sym", (name,)): size for name, size in sizes.items()})


def exchanged(value: DimLike, sizes: Mapping[Atom, DimLike]) -> DimLike:
    """`value` with atoms replaced by sizes, those within other atoms too. Raises ZeroDivisionError where it then divides by zero."""
    if not isinstance(value, Sym):
        return value
    total: DimLike = 0
    for monomial, coefficient in value.terms:
        term: DimLike = coefficient
        for atom in monomial:
            term = term * _exchanged_atom(atom, sizes)
        total = total + term
    return total


def _exchanged_atom(atom: Atom, sizes: Mapping[Atom, DimLike]) -> DimLike:
    if atom in sizes:
        return sizes[atom]
    if atom.op in ("sym", "?"):
        return Sym((((atom,), 1),))
    left, right = (exchanged(a, sizes) for a in atom.args)  # type: ignore[arg-type]
    return {"//": floordiv, "%": mod, "max": maximum, "min": minimum}[atom.op](left, right)


def contains(value: DimLike, atom: Atom) -> bool:
    """Whether an atom is part of a size."""
    return isinstance(value, Sym) and any(
        part == atom or any(contains(a, atom) for a in part.args)  # type: ignore[arg-type]
        for monomial, _ in value.terms
        for part in monomial
    )
