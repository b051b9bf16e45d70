"""Symbolic sizes compute what Python computes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ane_lsp.graph import DimLike, dims

STEPS = st.lists(st.tuples(st.sampled_from("+-*/%"), st.integers(1, 9)), min_size=1, max_size=8)


def apply(value: DimLike, steps: list[tuple[str, int]]) -> DimLike:
    for symbol, by in steps:
        if symbol == "+":
            value = value + by
        elif symbol == "-":
            value = value - by
        elif symbol == "*":
            value = value * by
        elif symbol == "/":
            value = value // by
        else:
            value = value % by
    return value


@settings(max_examples=500, deadline=None)
@given(STEPS, st.integers(1, 300))
def test_a_symbol_bound_to_a_number_gives_that_numbers_result(steps: list[tuple[str, int]], size: int) -> None:
    assert dims.bind(apply(dims.symbol("H"), steps), {"H": size}) == apply(size, steps)


def test_halving_again_and_again_is_one_division() -> None:
    size: DimLike = dims.symbol("H")
    for _ in range(5):  # a stride-2 convolution with padding
        size = (size + 1) // 2
    assert str(size) == "(H + 31)//32"
    assert dims.equal(size, dims.ceildiv(dims.symbol("H"), 32)) is not False
