"""Value ranges are true for every input that fits them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sketch import Sketch

from ane_lsp.checks.flow import Flow, Range
from ane_lsp.graph import Value

UNARY = {
    "relu": lambda v: max(v, 0.0), "sigmoid": lambda v: 1 / (1 + math.exp(-v)), "tanh": math.tanh, "square": lambda v: v * v,
    "abs": abs, "exp": math.exp, "floor": math.floor, "round": round, "relu6": lambda v: min(max(v, 0.0), 6.0), "cos": math.cos,
}  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "maximum": max, "minimum": min,
    "real_div": lambda a, b: a / b if b else None,
}  # fmt: skip
numbers = st.floats(-20, 20, allow_nan=False).map(lambda v: round(v, 3))


def clipped(s: Sketch, lo: float, hi: float) -> Value:
    return s.op("clip", 1, 4, x=s.input(1, 4), attrs={"alpha": lo, "beta": hi})


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(UNARY)), numbers, numbers, st.floats(0, 1))
def test_a_unary_result_stays_in_its_range(kind: str, a: float, b: float, at: float) -> None:
    lo, hi = min(a, b), max(a, b)
    s = Sketch()
    out = s.op(kind, 1, 4, x=clipped(s, lo, hi))
    found = Flow(s.graph).range(out)
    value = UNARY[kind](lo + (hi - lo) * at)
    assert found.lo - 1e-6 <= value <= found.hi + 1e-6 + abs(value) * 1e-9


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(BINARY)),
    st.tuples(numbers, numbers),
    st.tuples(numbers, numbers),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_binary_result_stays_in_its_range(
    kind: str, first: tuple[float, float], second: tuple[float, float], p: float, q: float
) -> None:
    s = Sketch()
    x, y = (clipped(s, min(pair), max(pair)) for pair in (first, second))
    found = Flow(s.graph).range(s.op(kind, 1, 4, x=x, y=y))
    a, b = (min(pair) + (max(pair) - min(pair)) * at for pair, at in ((first, p), (second, q)))
    value = BINARY[kind](a, b)
    assert value is None or found.lo - 1e-6 <= value <= found.hi + 1e-6


def test_an_input_is_unbounded_and_moves_keep_bounds() -> None:
    s = Sketch()
    x = s.input(1, 4)
    y = s.op("sigmoid", 1, 4, x=x)
    z = s.op("reshape", 4, 1, x=s.op("transpose", 4, 1, x=y))
    flow = Flow(s.graph)
    assert flow.range(x) == Range()
    assert flow.range(z) == Range(0.0, 1.0)
    assert flow.base(z) is y


def test_roots_say_which_inputs_a_value_depends_on() -> None:
    s = Sketch()
    x, ids, w = s.input(1, 4), s.input(1, 4, dtype="i64", name="ids"), s.parameter(4)
    flow_in = s.op("mul", 1, 4, x=s.op("cast", 1, 4, x=ids), y=w)
    both = s.op("add", 1, 4, x=flow_in, y=x)
    flow = Flow(s.graph)
    assert flow.roots(flow_in) == {"int"}
    assert flow.roots(both) == {"int", "float"}
    assert flow.roots(w) == frozenset()


@pytest.mark.parametrize(
    ("kind", "sign", "kept"),
    [("maximum", -1, False), ("maximum", 1, True), ("minimum", -1, True), ("minimum", 1, False)],
)
def test_a_huge_constant_survives_only_on_its_side_of_a_bound(kind: str, sign: int, kept: bool) -> None:
    s = Sketch()
    out = s.op(kind, 1, 4, x=s.input(1, 4), y=s.number(sign * 1e9))
    assert bool(Flow(s.graph).extremes(out)) is kept
