"""``math``, ``cmath``, ``operator``, ``statistics``: host functions on plain numbers, exact results on symbolic sizes."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.interp import symbolic
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name
from ane_lsp.interp.support import (
    collect,
    concrete,
    find_unknown,
    host_call,
    native,
    plain,
    spreading,
    too_large,
)
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import MISSING, Builtin, Instance, OneOf, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_FACTORIAL_LIMIT = 5_000
_MAX_BITS = 200_000  # of a whole number that is computed with


def _number(interp: Interpreter, value: Any) -> Any:
    """A host number, a symbolic one, or Unknown."""
    value = concrete(value)
    if isinstance(value, Tensor):
        value = interp.call(interp.getattr(value, "item"), (), {})
    if isinstance(value, Instance):
        for name in ("__float__", "__index__"):
            method = interp.lookup_attribute(value, name)
            if method is not MISSING:
                return interp.call(method, (), {})
    if isinstance(value, OneOf):
        return interp.unknown("one of several values")
    return value


def _on_numbers(name: str, fn: Callable[..., Any]) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = [_number(interp, a) for a in args]
        for value in values:
            if isinstance(value, Unknown):
                return Unknown(f"{name}() of an unknown number", interp.here(), value, number=True)
            if isinstance(value, (Sym, SymRatio)):
                return Unknown(f"{name}() of the symbolic size {value}", interp.here(), number=True)
            if not plain(value):
                return interp.unknown(f"{name}() needs a value that is not known here", find_unknown(value))
        if any(type(v) is int and v.bit_length() > 20_000 for v in values):
            return too_large(interp, "the number")
        return host_call(interp, "the number", fn, *values, **kwargs)

    return spreading(name, run)


def _rounding(name: str, special: str, symbolic_fn: Callable[[Any], Any], fn: Callable[[Any], Any]) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) == 1 and isinstance(args[0], Instance):
            method = interp.lookup_attribute(args[0], special)
            if method is not MISSING:
                return interp.call(method, (), {})
        value = _number(interp, args[0]) if len(args) == 1 else None
        if isinstance(value, (Sym, SymRatio)):
            whole = symbolic_fn(value)
            if whole is None:
                return Unknown(f"the sign of the symbolic {value} is not known", interp.here(), number=True)
            return whole
        return on_host.fn(interp, args, kwargs)

    on_host = _on_numbers(name, fn)
    return spreading(name, run)


@native("math.sqrt")
def _sqrt(interp: Interpreter, x: Any, /) -> Any:
    value = _number(interp, x)
    if isinstance(value, Sym):
        root = symbolic.square_root(value)
        if root is None:
            return Unknown(f"the square root of the symbolic size {value}", interp.here(), number=True)
        return root
    return _on_numbers("math.sqrt", math.sqrt).fn(interp, (value,), {})


def _small(function: Builtin) -> Builtin:
    """`function`, but on whole numbers so long that it would not come back soon."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if sum(a.bit_length() for a in args if isinstance(a, int)) > _MAX_BITS:
            return too_large(interp, "the number")
        return function.fn(interp, args, kwargs)

    return Builtin(function.name, run)


def _whole_numbers(name: str, fn: Callable[..., int], limit: int) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = [concrete(a) for a in args]
        if any(isinstance(v, int) and abs(v) > limit for v in values):
            return too_large(interp, "the number")
        return on_host.fn(interp, tuple(values), kwargs)

    on_host = _on_numbers(name, fn)
    return spreading(name, run)


@native("math.prod")
def _prod(interp: Interpreter, iterable: Any, /, *, start: Any = 1) -> Any:
    if isinstance(iterable, Unknown):
        return interp.unknown("the product of an unknown sequence", iterable)
    total = start
    for item in interp.iterate(iterable):
        total = interp.binary("*", total, item)
        if isinstance(total, Unknown):
            return total
        if type(total) is int and total.bit_length() > 100_000:
            return too_large(interp, "the product")
    return total


def _on_list(name: str, fn: Callable[..., Any]) -> Builtin:
    def run(interp: Interpreter, iterable: Any, /, *rest: Any, **kwargs: Any) -> Any:
        items = collect(interp, iterable)
        if isinstance(items, Unknown):
            return items
        if not all(isinstance(i, (int, float)) for i in items) or not plain(list(rest) + list(kwargs.values())):
            return interp.unknown(f"{name}() of an unknown number", find_unknown(items))
        return host_call(interp, "the number", fn, items, *rest, **kwargs)

    return native(name)(run)


def _common(name: str, fn: Callable[..., int]) -> Builtin:
    """``gcd`` and ``lcm``: exact where one size divides the other."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = [_number(interp, a) for a in args]
        if len(values) == 2 and any(isinstance(v, Sym) for v in values):
            a, b = values
            if isinstance(a, (int, Sym)) and isinstance(b, (int, Sym)):
                for small, big in ((a, b), (b, a)):
                    if dims.lower_bound(small) > 0 and dims.lower_bound(big) > 0:
                        if dims.exact_div(big, small) is not None:
                            return small if name == "math.gcd" else big
        return on_host.fn(interp, tuple(values), kwargs)

    on_host = _on_numbers(name, fn)
    return spreading(name, run)


_MATH_PLAIN = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "copysign",
    "cos",
    "cosh",
    "degrees",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "fabs",
    "fmod",
    "frexp",
    "gamma",
    "hypot",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isqrt",
    "ldexp",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "modf",
    "nextafter",
    "pow",
    "radians",
    "remainder",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "ulp",
    "cbrt",
    "exp2",
]


def _math(interp: Interpreter) -> Namespace:
    return {
        **by_name(*(_small(_on_numbers(f"math.{n}", getattr(math, n))) for n in _MATH_PLAIN if hasattr(math, n))),
        **by_name(
            _rounding("math.floor", "__floor__", symbolic.floor, math.floor),
            _rounding("math.ceil", "__ceil__", symbolic.ceil, math.ceil),
            _rounding("math.trunc", "__trunc__", symbolic.truncate, math.trunc),
            _sqrt, _prod, _small(_common("math.gcd", math.gcd)), _small(_common("math.lcm", math.lcm)),
            _whole_numbers("math.factorial", math.factorial, _FACTORIAL_LIMIT),
            _whole_numbers("math.comb", math.comb, _FACTORIAL_LIMIT),
            _whole_numbers("math.perm", math.perm, _FACTORIAL_LIMIT),
            _on_list("math.fsum", math.fsum), _dist,
        ),
        "pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan,
    }  # fmt: skip


@native("math.dist", strict=True)
def _dist(interp: Interpreter, p: Any, q: Any, /) -> Any:
    if not plain([p, q]):
        return interp.unknown("math.dist() of an unknown number", find_unknown([p, q]))
    return host_call(interp, "the number", math.dist, p, q)


def _cmath(interp: Interpreter) -> Namespace:
    functions = [n for n in dir(cmath) if callable(getattr(cmath, n)) and not n.startswith("_")]
    made = by_name(*(_on_numbers(f"cmath.{n}", getattr(cmath, n)) for n in functions))
    return {**made, "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}


def _statistics(interp: Interpreter) -> Namespace:
    import statistics  # brings decimal and random

    names = [
        "mean",
        "median",
        "median_low",
        "median_high",
        "mode",
        "stdev",
        "variance",
        "pstdev",
        "pvariance",
        "fmean",
        "harmonic_mean",
    ]
    return by_name(*(_on_list(f"statistics.{n}", getattr(statistics, n)) for n in names))


# -- operator ----------------------------------------------------------------------------------------------------------------

_BINARY = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "and_": "&", "or_": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "concat": "+",
}  # fmt: skip
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNARY = {"neg": "-", "pos": "+", "invert": "~", "inv": "~"}


def _binary(name: str, symbol: str) -> Builtin:
    return native(f"operator.{name}")(lambda interp, a, b, /: interp.binary(symbol, a, b))


def _in_place(name: str, symbol: str) -> Builtin:
    def run(interp: Interpreter, a: Any, b: Any, /) -> Any:
        return interp.binary_inplace(symbol, a, b)

    return native(f"operator.i{name.rstrip('_')}")(run)


def _compare(name: str, symbol: str) -> Builtin:
    return native(f"operator.{name}")(lambda interp, a, b, /: interp.compare(symbol, a, b))


def _unary(name: str, symbol: str) -> Builtin:
    return native(f"operator.{name}")(lambda interp, a, /: interp.unary(symbol, a))


@native("operator.ne")
def _ne(interp: Interpreter, a: Any, b: Any, /) -> Any:
    same = interp.equal(a, b)
    if isinstance(same, Tensor):
        return interp.call(
            interp.getattr(a if isinstance(a, Tensor) else b, "ne"), (b if isinstance(a, Tensor) else a,), {}
        )
    verdict = interp.truth(same)
    return verdict if isinstance(verdict, Unknown) else not verdict


def _negated(interp: Interpreter, verdict: Any) -> Any:
    verdict = interp.truth(verdict)
    return verdict if isinstance(verdict, Unknown) else not verdict


def _is(interp: Interpreter, a: Any, b: Any, /) -> Any:
    return interp.identical(a, b)


@native("operator.itemgetter")
def _itemgetter(interp: Interpreter, *keys: Any) -> Any:
    def get(interp: Interpreter, obj: Any, /) -> Any:
        found = tuple(interp.getitem(obj, k) for k in keys)
        return found[0] if len(keys) == 1 else found

    return native("itemgetter")(get)


@native("operator.attrgetter")
def _attrgetter(interp: Interpreter, *names: Any) -> Any:
    if not all(isinstance(n, str) for n in names):
        return interp.unknown("attrgetter() of an unknown name", find_unknown(names))

    def follow(interp: Interpreter, obj: Any, path: str) -> Any:
        for part in path.split("."):
            obj = interp.getattr(obj, part)
        return obj

    def get(interp: Interpreter, obj: Any, /) -> Any:
        found = tuple(follow(interp, obj, n) for n in names)
        return found[0] if len(names) == 1 else found

    return native("attrgetter")(get)


@native("operator.methodcaller")
def _methodcaller(interp: Interpreter, name: Any, /, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(name, str):
        return interp.unknown("methodcaller() of an unknown name", find_unknown(name))
    return native("methodcaller")(lambda interp, obj, /: interp.call(interp.getattr(obj, name), args, kwargs))


@native("operator.countOf")
def _count_of(interp: Interpreter, a: Any, b: Any, /) -> Any:
    items = collect(interp, a)
    return items if isinstance(items, Unknown) else interp.call(interp.getattr(items, "count"), (b,), {})


@native("operator.indexOf")
def _index_of(interp: Interpreter, a: Any, b: Any, /) -> Any:
    items = collect(interp, a)
    return items if isinstance(items, Unknown) else interp.call(interp.getattr(items, "index"), (b,), {})


def _set_item(interp: Interpreter, a: Any, b: Any, c: Any, /) -> None:
    interp.setitem(a, b, c)


def _del_item(interp: Interpreter, a: Any, b: Any, /) -> None:
    interp.delitem(a, b)


def _operator(interp: Interpreter) -> Namespace:
    from ane_lsp.interp.builtins import BUILTINS
    from ane_lsp.interp.support import index_of

    made = {
        **{name: _binary(name, symbol) for name, symbol in _BINARY.items()},
        **{f"i{name.rstrip('_')}": _in_place(name, symbol) for name, symbol in _BINARY.items()},
        **{name: _compare(name, symbol) for name, symbol in _COMPARE.items()},
        **{name: _unary(name, symbol) for name, symbol in _UNARY.items()},
        "eq": native("operator.eq")(lambda interp, a, b, /: interp.equal(a, b)), "ne": _ne,
        "not_": native("operator.not_")(lambda interp, a, /: _negated(interp, a)),
        "truth": native("operator.truth")(lambda interp, a, /: interp.truth(a)),
        "is_": native("operator.is_")(_is),
        "is_not": native("operator.is_not")(lambda interp, a, b, /: _negated(interp, interp.identical(a, b))),
        "contains": native("operator.contains")(lambda interp, a, b, /: interp.contains(a, b)),
        "getitem": native("operator.getitem")(lambda interp, a, b, /: interp.getitem(a, b)),
        "setitem": native("operator.setitem")(_set_item), "delitem": native("operator.delitem")(_del_item),
        "index": native("operator.index")(lambda interp, a, /: index_of(interp, a)),
        "abs": BUILTINS["abs"], "length_hint": BUILTINS["len"],
        **by_name(_itemgetter, _attrgetter, _methodcaller, _count_of, _index_of),
        "call": native("operator.call")(lambda interp, f, /, *args, **kwargs: interp.call(f, args, kwargs)),
    }  # fmt: skip
    for name in list(made):
        dunder = f"__{name.strip('_')}__"
        if hasattr(operator, dunder):
            made[dunder] = made[name]
    return made


MODULES: dict[str, Maker] = {
    "math": _math, "cmath": _cmath, "statistics": _statistics, "operator": _operator, "_operator": _operator,
}  # fmt: skip
