"""Arithmetic on symbolic sizes where the answer is not a whole number: ``H / 2``, ``W * 0.5``, ``math.ceil(H / 7)``.

A :class:`SymRatio` is the exact quotient that Python would hold as a float. Model code divides sizes only to round the
quotient again; the exact quotient rounds to the same whole number as the float does while the sizes stay below 2**53
(a quotient that is not whole lies at least 1/denominator away from one, which is more than the float's error).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ane_lsp.graph import Unknown, dims
from ane_lsp.graph.dims import DimLike, Sym
from ane_lsp.graph.records import dataclass

# A float factor is taken as exact only if it is a small dyadic fraction (0.5, 0.25, 1.75): 0.1 is not one tenth.
_MAX_DENOMINATOR = 1 << 16


@dataclass(frozen=True, slots=True)
class SymRatio:
    """``numerator / denominator`` as a float: the denominator is at least 1, the numerator holds a symbol."""

    numerator: Sym
    denominator: DimLike

    def __str__(self) -> str:
        return f"({self.numerator})/({self.denominator})"

    @staticmethod
    def of(left: Any, right: Any) -> Any:
        """``left / right``. Raises NotImplementedError where the quotient cannot be written exactly."""
        return _exact(arithmetic("/", left, right))

    @staticmethod
    def scaled(op: str, left: Any, right: Any) -> Any:
        """``left * right`` or ``left / right`` with a float. Raises NotImplementedError like :meth:`of`."""
        return _exact(arithmetic(op, left, right))

    def __add__(self, other: Any) -> Any:
        return _exact(arithmetic("+", self, other))

    def __radd__(self, other: Any) -> Any:
        return _exact(arithmetic("+", other, self))

    def __sub__(self, other: Any) -> Any:
        return _exact(arithmetic("-", self, other))

    def __rsub__(self, other: Any) -> Any:
        return _exact(arithmetic("-", other, self))

    def __mul__(self, other: Any) -> Any:
        return _exact(arithmetic("*", self, other))

    def __rmul__(self, other: Any) -> Any:
        return _exact(arithmetic("*", other, self))

    def __truediv__(self, other: Any) -> Any:
        return _exact(arithmetic("/", self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return _exact(arithmetic("/", other, self))

    def __floordiv__(self, other: Any) -> Any:
        return _exact(arithmetic("//", self, other))

    def __rfloordiv__(self, other: Any) -> Any:
        return _exact(arithmetic("//", other, self))

    def __neg__(self) -> SymRatio:
        return SymRatio(-self.numerator, self.denominator)  # type: ignore[arg-type]

    def __pos__(self) -> SymRatio:
        return self


def _exact(value: Any) -> Any:
    if value is None:
        raise NotImplementedError("no exact result")
    return value


def ratio(numerator: DimLike, denominator: DimLike) -> SymRatio | float | None:
    """``numerator / denominator`` as Python's ``/`` gives it; None where the sign of the denominator is not known and matters.

    Raises ZeroDivisionError for a denominator of zero.
    """
    if not isinstance(denominator, Sym):
        if denominator == 0:
            raise ZeroDivisionError("division by zero")
        if denominator < 0:
            numerator, denominator = -numerator, -denominator
    exact = dims.exact_div(numerator, denominator)
    if exact is not None:
        numerator, denominator = exact, 1
    elif isinstance(denominator, Sym) and dims.lower_bound(denominator) < 1:
        return None
    elif isinstance(denominator, int) and isinstance(numerator, Sym):
        common = math.gcd(denominator, *(coefficient for _, coefficient in numerator.terms))
        if common > 1:
            reduced = dims.exact_div(numerator, common)
            if reduced is not None:
                numerator, denominator = reduced, denominator // common
    if not isinstance(numerator, Sym):
        return None if isinstance(denominator, Sym) and numerator else numerator / 1
    return SymRatio(numerator, denominator)


def is_numeric(value: Any) -> bool:
    """Whether a value is a Python number, known or not."""
    return bool(_kind(value))


def kind_of_one(values: Iterable[object]) -> bool | type[float]:
    """:attr:`Unknown.number` of what is one of some values, nobody knows which."""
    kinds = {_kind(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else all(kinds)


def kind_of_result(symbol: str, left: object, right: object) -> bool | type[float]:
    """The same of ``left + right`` and the like."""
    kinds = (_kind(left), _kind(right))
    whole = [isinstance(value, (int, Sym)) for value in (left, right)]
    real = all(kind is float or each for kind, each in zip(kinds, whole))
    made = real and symbol != "**" and (float in kinds or symbol == "/")  # a power may be complex
    return float if made else all(kinds)


def _kind(value: object) -> bool | type[float]:
    if isinstance(value, Unknown):
        return value.number
    return float if isinstance(value, (float, SymRatio)) else isinstance(value, (int, Sym))


def is_symbolic(value: Any) -> bool:
    return isinstance(value, (Sym, SymRatio))


def _parts(value: Any) -> tuple[DimLike, DimLike] | None:
    """Numerator and denominator of a number that can take part in exact arithmetic."""
    if isinstance(value, SymRatio):
        return value.numerator, value.denominator
    if isinstance(value, (int, Sym)):
        return (int(value) if isinstance(value, bool) else value), 1
    if isinstance(value, float) and math.isfinite(value):
        numerator, denominator = value.as_integer_ratio()
        if denominator <= _MAX_DENOMINATOR and abs(numerator) < 1 << 52:
            return numerator, denominator
    return None


def arithmetic(op: str, left: Any, right: Any) -> Any:
    """``left op right`` where one side is symbolic and both are numbers; None where no exact result can be written.

    op: ``+ - * / // % **``. Raises ZeroDivisionError as Python does.
    """
    whole = not any(isinstance(v, (float, SymRatio)) for v in (left, right))
    if op == "**":
        return _power(left, right)
    a, b = _parts(left), _parts(right)
    if a is None or b is None:
        return None
    if whole and op != "/":
        return _whole(op, a[0], b[0])
    if op in "+-":
        term = b[0] * a[1]
        return ratio(a[0] * b[1] + (term if op == "+" else -term), a[1] * b[1])
    if op == "*":
        return ratio(a[0] * b[0], a[1] * b[1])
    if op == "/":
        return ratio(a[0] * b[1], a[1] * b[0])
    quotient = ratio(a[0] * b[1], a[1] * b[0])
    if op == "//" and isinstance(quotient, SymRatio):
        return ratio(dims.floordiv(quotient.numerator, quotient.denominator), 1)
    return None


def _whole(op: str, a: DimLike, b: DimLike) -> DimLike | None:
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if isinstance(b, Sym) and dims.lower_bound(b) < 1:  # where it is 0 Python raises
        exact = dims.exact_div(a, b)
        return exact if op == "//" or exact is None else 0
    return dims.floordiv(a, b) if op == "//" else dims.mod(a, b) if op == "%" else None


def _power(base: Any, exponent: Any) -> Any:
    if exponent == 0.5 and isinstance(exponent, float) and isinstance(base, Sym):
        return square_root(base)
    if type(exponent) is not int or not 0 <= exponent <= 8 or not isinstance(base, Sym):
        return None
    return dims.product([base] * exponent)


def square_root(value: Sym) -> SymRatio | None:
    """``value ** 0.5`` where `value` is the square of a product of sizes that cannot be negative, else None."""
    if len(value.terms) != 1:
        return None
    monomial, coefficient = value.terms[0]
    if coefficient < 1 or math.isqrt(coefficient) ** 2 != coefficient or len(monomial) % 2:
        return None
    if any(atom.lower_bound < 0 for atom in monomial) or monomial[::2] != monomial[1::2]:
        return None  # equal atoms are neighbours: monomials are sorted
    root = Sym(((monomial[::2], math.isqrt(coefficient)),))
    return SymRatio(root, 1)


def negative(value: Any) -> Any:
    """``-value``."""
    return -value


def floor(value: Any) -> DimLike:
    """``math.floor``."""
    return dims.floordiv(value.numerator, value.denominator) if isinstance(value, SymRatio) else value


def ceil(value: Any) -> DimLike:
    """``math.ceil``."""
    return dims.ceildiv(value.numerator, value.denominator) if isinstance(value, SymRatio) else value


def truncate(value: Any) -> DimLike | None:
    """``int(value)``; None where the sign is not known."""
    if not isinstance(value, SymRatio):
        return value  # type: ignore[no-any-return]
    if value.denominator == 1:
        return value.numerator
    return floor(value) if dims.lower_bound(value.numerator) >= 0 else None


def compare(op: str, left: Any, right: Any) -> bool | None:
    """``left op right`` for ``< <= > >= == !=`` on numbers of which one is symbolic; None where it is not decided."""
    a, b = _parts(left), _parts(right)
    if a is None or b is None:
        return _compare_infinite(op, left, right)
    x, y = a[0] * b[1], b[0] * a[1]
    if op in ("==", "!="):
        same = dims.equal(x, y)
        return same if op == "==" or same is None else not same
    if op in (">", "<="):
        x, y = y, x
    less = dims.less(x, y)
    return less if op in ("<", ">") or less is None else not less


def _compare_infinite(op: str, left: Any, right: Any) -> bool | None:
    for value, other, flip in ((left, right, False), (right, left, True)):
        if isinstance(value, float) and math.isinf(value) and _parts(other) is not None:
            bigger = (value > 0) != flip  # left > right
            return {"<": not bigger, "<=": not bigger, ">": bigger, ">=": bigger, "==": False, "!=": True}[op]
    return None
