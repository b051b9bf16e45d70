"""Hypothesis strategies for arguments of torch ops."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.torch_model.harness import Arg, Call, Dtype

FLOATS = ("f32", "f16", "bf16", "f64")
INTS = ("i64", "i32", "u8")
REAL = (*FLOATS, *INTS, "b8")
NUMBERS = (*FLOATS, *INTS)

SIZE = st.sampled_from((1, 2, 3, 4, 5, 1, 2, 3, 0))
ranks = st.integers(0, 4)
flags = st.booleans()


def dtypes(*names: str) -> SearchStrategy[str]:
    """A dtype for a tensor; any real one where none are named. The first is the likeliest."""
    names = names or REAL
    return st.one_of(st.just(names[0]), st.sampled_from(names))


def dtype_args(*names: str) -> SearchStrategy[Dtype]:
    """A ``dtype=`` argument."""
    return dtypes(*names).map(Dtype)


def _catalogue() -> list[tuple[int, ...]]:
    """A few hundred shapes, simple ones first: one draw each, and they shrink well."""
    random, sizes = Random(0), (1, 2, 3, 4, 5, 0)
    found = [(), *((n,) for n in sizes), *((n, m) for n in sizes for m in sizes)]
    for rank, count in ((3, 110), (4, 150)):
        found += [tuple(random.choice((1, 1, 2, 2, 3, 3, 4, 5, 0)) for _ in range(rank)) for _ in range(count)]
    return found


CATALOGUE = _catalogue()


def shapes(low: int = 0, high: int = 4, size: SearchStrategy[int] = SIZE) -> SearchStrategy[tuple[int, ...]]:
    """A shape of `low` to `high` sizes."""
    if size is SIZE and high <= 4:
        return st.sampled_from([shape for shape in CATALOGUE if low <= len(shape) <= high])
    return st.lists(size, min_size=low, max_size=high).map(tuple)


def tensors(*names: str, low: int = 0, high: int = 4, size: SearchStrategy[int] = SIZE) -> SearchStrategy[Arg]:
    """A tensor of one of the named dtypes."""
    return st.builds(Arg, shapes(low, high, size), dtypes(*names))


@st.composite
def valued(
    draw: Any,
    *names: str,
    low: int = 0,
    high: int = 3,
    size: SearchStrategy[int] = SIZE,
    positive: bool = False,
    elements: SearchStrategy[Any] | None = None,
) -> Arg:
    """A tensor with known elements."""
    shape = draw(shapes(low, high, size))
    dtype = draw(dtypes(*names))
    return Arg(shape, dtype, draw(contents(shape, dtype, positive, elements)))


def contents(
    shape: tuple[int, ...], dtype: str, positive: bool = False, elements: SearchStrategy[Any] | None = None
) -> SearchStrategy[tuple[Any, ...]]:
    """Elements for a shape. Without `elements` they come from one drawn seed, which is much faster than a draw each."""
    count = math.prod(shape)
    if elements is not None:
        return st.lists(elements, min_size=count, max_size=count).map(tuple)
    return st.integers(0, 1 << 20).map(lambda seed: _random_values(Random(seed), dtype, positive, count))


def _random_values(random: Random, dtype: str, positive: bool, count: int) -> tuple[Any, ...]:
    low = 1 if positive else 0 if dtype.startswith("u") else -9
    if dtype == "b8":
        return tuple(random.random() < 0.5 for _ in range(count))
    if dtype[0] in "iu":
        return tuple(random.randint(low, 9) for _ in range(count))
    return tuple(random.randint(4 * low or 1, 40) / 4 for _ in range(count))


def broadcast_shapes(count: int = 2, high: int = 4) -> SearchStrategy[list[tuple[int, ...]]]:
    """Shapes that broadcast, most of the time."""
    return st.builds(_broadcastable, shapes(0, high), st.integers(0, 1 << 20), st.just(count), st.just(high))


def _broadcastable(base: tuple[int, ...], seed: int, count: int, high: int) -> list[tuple[int, ...]]:
    random = Random(seed)
    found = []
    for _ in range(count):
        shape = tuple(1 if random.random() < 0.25 else size for size in base)
        found.append(shape[random.choice((0, 0, 0, *range(len(shape) + 1))) :] if seed else shape)
    if random.random() < 0.12:
        found[-1] = random.choice([shape for shape in CATALOGUE if len(shape) <= high])
    return found


@st.composite
def broadcasting(draw: Any, count: int = 2, *names: str, valued: bool = False, high: int = 4) -> list[Arg]:
    """`count` tensors that broadcast, most of the time."""
    found = []
    for shape in draw(broadcast_shapes(count, high)):
        dtype = draw(dtypes(*names))
        found.append(Arg(shape, dtype, draw(contents(shape, dtype)) if valued else None))
    return found


def dim_for(arg: Arg) -> SearchStrategy[int]:
    """A dim of a tensor, in range most of the time."""
    rank = max(len(arg.shape), 1)
    good = st.integers(-rank, rank - 1)
    return st.one_of(good, good, good, st.integers(-rank - 1, rank))


def dims_for(arg: Arg, *, empty: bool = True) -> SearchStrategy[tuple[int, ...]]:
    """Several dims, distinct most of the time."""
    rank = len(arg.shape)
    if rank == 0:
        return st.sampled_from(((), (0,), (-1,)) if empty else ((0,), (-1,)))
    good = st.lists(st.integers(0, rank - 1), unique=True, min_size=0 if empty else 1, max_size=rank)
    signed = st.tuples(good, flags).map(lambda t: tuple(d - rank if t[1] else d for d in t[0]))
    return st.one_of(signed, signed, signed, st.lists(st.integers(-rank - 1, rank), min_size=1, max_size=3).map(tuple))


def call(*args: Any, **kwargs: Any) -> SearchStrategy[Call]:
    """A call whose arguments are strategies or plain values."""

    def lift(value: Any) -> SearchStrategy[Any]:
        return value if isinstance(value, SearchStrategy) else st.just(value)

    positional = st.tuples(*map(lift, args))
    named = st.fixed_dictionaries({name: lift(value) for name, value in kwargs.items()})
    return st.tuples(positional, named)


def options(**kwargs: Any) -> SearchStrategy[dict[str, Any]]:
    """Keyword arguments each of which may be absent."""
    return st.fixed_dictionaries(
        {}, optional={k: v if isinstance(v, SearchStrategy) else st.just(v) for k, v in kwargs.items()}
    )
