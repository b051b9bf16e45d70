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


@settings(max_examples=500, deadline=None)
@given(STEPS, STEPS, st.integers(1, 300))
def test_nothing_goes_below_its_bound(steps: list[tuple[str, int]], others: list[tuple[str, int]], size: int) -> None:
    value = apply(dims.symbol("H"), steps) - apply(dims.symbol("H"), others)
    assert dims.lower_bound(value) <= apply(size, steps) - apply(size, others)


def test_ways_to_fill_up_to_a_multiple_are_one() -> None:
    size = dims.symbol("H")
    filled = 7 * dims.ceildiv(size, 7)
    assert str(filled) == "7*((H + 6)//7)"
    for missing in ((7 - size % 7) % 7, (-size) % 7, (7 - size % 14) % 7, filled - size):
        assert size + missing == filled
        assert (size + missing) // 7 == dims.ceildiv(size, 7)
        assert dims.lower_bound(missing) == 0
    assert -(-size // 7) == dims.ceildiv(size, 7)
    assert (size + size % 2) // 2 == (size + size % 2 + 1) // 2 == dims.ceildiv(size, 2)
    patches = dims.ceildiv(size, 4)
    assert str(patches + (7 - patches % 7) % 7) == "7*((H + 27)//28)"
    assert dims.minimum(patches, 7 * dims.ceildiv(patches, 7)) == patches
    assert dims.lower_bound(dims.ceildiv(size, 28)) == 1


def test_what_is_divided_by_a_quotient_is_written_so() -> None:
    height, width = dims.symbol("H"), dims.symbol("W")
    assert [str(height // (width // 2)), str(height // 2 % 3), str(height % (width % 4))] == [
        "H//(W//2)",
        "H//2%3",
        "H%(W%4)",
    ]
