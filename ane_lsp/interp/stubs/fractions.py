"""fractions.Fraction, as interpreted source: exact arithmetic with whole numbers."""

import math


class Fraction:
    def __init__(self, numerator=0, denominator=None):
        if isinstance(numerator, str):
            top, _, bottom = numerator.partition("/")
            if "." in top:
                whole, _, part = top.partition(".")
                numerator, denominator = int(whole + part), 10 ** len(part)
            else:
                numerator, denominator = int(top), int(bottom) if bottom else 1
        elif isinstance(numerator, float) and denominator is None:
            numerator, denominator = numerator.as_integer_ratio()
        elif isinstance(numerator, Fraction) or isinstance(denominator, Fraction):
            top = Fraction._of(numerator)
            bottom = Fraction._of(1 if denominator is None else denominator)
            numerator, denominator = top.numerator * bottom.denominator, top.denominator * bottom.numerator
        if denominator is None:
            denominator = 1
        if denominator == 0:
            raise ZeroDivisionError(f"Fraction({numerator}, 0)")
        if denominator < 0:
            numerator, denominator = -numerator, -denominator
        common = math.gcd(numerator, denominator)
        self.numerator = numerator // common
        self.denominator = denominator // common

    @staticmethod
    def _of(value):
        return value if isinstance(value, Fraction) else Fraction(value)

    def __add__(self, other):
        if isinstance(other, float):
            return float(self) + other
        other = Fraction._of(other)
        top = self.numerator * other.denominator + other.numerator * self.denominator
        return Fraction(top, self.denominator * other.denominator)

    __radd__ = __add__

    def __neg__(self):
        return Fraction(-self.numerator, self.denominator)

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __mul__(self, other):
        if isinstance(other, float):
            return float(self) * other
        other = Fraction._of(other)
        return Fraction(self.numerator * other.numerator, self.denominator * other.denominator)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if isinstance(other, float):
            return float(self) / other
        other = Fraction._of(other)
        return Fraction(self.numerator * other.denominator, self.denominator * other.numerator)

    def __rtruediv__(self, other):
        if isinstance(other, float):
            return other / float(self)
        return Fraction._of(other) / self

    def __floordiv__(self, other):
        return math.floor(self / other)

    def __pow__(self, other):
        if other >= 0:
            return Fraction(self.numerator**other, self.denominator**other)
        return Fraction(self.denominator**-other, self.numerator**-other)

    def __floor__(self):
        return self.numerator // self.denominator

    def __ceil__(self):
        return -(-self.numerator // self.denominator)

    def __trunc__(self):
        return self.__floor__() if self.numerator >= 0 else self.__ceil__()

    __int__ = __trunc__

    def __float__(self):
        return self.numerator / self.denominator

    def __bool__(self):
        return self.numerator != 0

    def __abs__(self):
        return Fraction(abs(self.numerator), self.denominator)

    def __eq__(self, other):
        if isinstance(other, float):
            return float(self) == other
        if not isinstance(other, (int, Fraction)):
            return NotImplemented
        other = Fraction._of(other)
        return self.numerator == other.numerator and self.denominator == other.denominator

    def _order(self, other):
        other = Fraction._of(other)
        return self.numerator * other.denominator - other.numerator * self.denominator

    def __lt__(self, other):
        return self._order(other) < 0

    def __le__(self, other):
        return self._order(other) <= 0

    def __gt__(self, other):
        return self._order(other) > 0

    def __ge__(self, other):
        return self._order(other) >= 0

    def __str__(self):
        return str(self.numerator) if self.denominator == 1 else f"{self.numerator}/{self.denominator}"

    def __repr__(self):
        return f"Fraction({self.numerator}, {self.denominator})"
