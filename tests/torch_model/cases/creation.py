"""Cases for factories, constructors and random numbers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.cases.binary import everything
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import (
    REAL,
    broadcasting,
    call,
    contents,
    dtype_args,
    flags,
    options,
    shapes,
    tensors,
    valued,
)

DTYPE = dtype_args("f32", "f16", "f64", "i64", "b8")
EXTRA = {"dtype": DTYPE, "device": "cpu", "requires_grad": False}
NUMBER = st.sampled_from((0, 1, 2.5, True, -3, 0.1))
SIZES = st.one_of(shapes(), shapes(0, 2, st.sampled_from((2, 3, -1))))


@st.composite
def factories(draw: Any, *rest: Any, spread: bool = True, first: Any = None, **extra: Any) -> Call:
    """Sizes one by one or as a tuple."""
    shape = draw(SIZES)
    lead = () if first is None else (draw(first),)
    args = tuple(draw(each) for each in rest)
    kwargs = draw(options(**(extra or EXTRA)))
    if spread and shape and draw(flags):
        return (*lead, *shape, *args), kwargs
    return (*lead, list(shape) if draw(flags) else shape, *args), kwargs


for name in ("torch.zeros", "torch.ones"):
    cases(name, strategy=factories(), device="cpu", data=True)
cases("torch.empty", strategy=factories(), device="cpu")
cases("torch.full", strategy=factories(NUMBER, spread=False), device="cpu", data=True)
x = tensors(*REAL)
for name in ("zeros", "ones"):
    cases(f"torch.{name}_like", strategy=st.tuples(st.tuples(x), options(**EXTRA)), device="cpu", data=True)
    cases(f"torch.Tensor.new_{name}", strategy=factories(first=x), device="cpu", data=True)
cases("torch.empty_like", strategy=st.tuples(st.tuples(x), options(**EXTRA)), device="cpu")
cases("torch.Tensor.new_empty", strategy=factories(first=x), device="cpu")
cases(
    "torch.full_like",
    strategy=st.tuples(st.tuples(tensors("f32", "f64", "i64"), NUMBER), options(**EXTRA)),
    device="cpu",
    data=True,
)
cases(
    "torch.Tensor.new_full",
    strategy=factories(NUMBER, spread=False, first=tensors("f32", "f64", "i64")),
    device="cpu",
    data=True,
)
cases(
    "torch.empty_strided",
    strategy=call(st.sampled_from(((2, 3), (4,), ())), st.sampled_from(((3, 1), (1,), ()))),
    device="cpu",
)

SCALAR = st.sampled_from((1, 2, -3, 0.5, 1.25, True))


def nested(depth: int) -> Any:
    """Nested lists, ragged now and then."""
    if depth == 0:
        return SCALAR
    return st.one_of(
        st.tuples(st.integers(0, 3), nested(depth - 1)).map(lambda t: [t[1]] * t[0]),
        st.lists(nested(depth - 1), max_size=3),
    )


PYTHON = st.one_of(*(nested(depth) for depth in range(4)), st.sampled_from(("text", None, (1, 2.5), [(1, 2), (3, 4)])))
WITH = options(dtype=DTYPE)
cases(
    "torch.tensor",
    "torch.as_tensor",
    "torch.asarray",
    strategy=st.tuples(st.tuples(PYTHON), WITH),
    device="cpu",
    data=True,
)
cases(
    "torch.as_tensor",
    "torch.asarray",
    strategy=st.tuples(st.tuples(valued("f32", "i64")), WITH),
    device="cpu",
    data=True,
)
cases(
    "torch.tensor",
    strategy=call(st.lists(valued("f32", "i64", high=0), min_size=1, max_size=3)),
    device="cpu",
    data=True,
)
cases("torch.scalar_tensor", strategy=st.tuples(st.tuples(NUMBER), WITH), device="cpu", data=True)
cases(
    "torch.Tensor.new_tensor",
    strategy=st.tuples(st.tuples(tensors("f32", "i64", "f64"), nested(2)), WITH),
    device="cpu",
    data=True,
)
LEGACY = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
for name in (*(f"torch.{kind}Tensor" for kind in LEGACY), "torch.Tensor"):
    cases(name, strategy=st.tuples(shapes(0, 3), st.just({})), device="cpu")
for name in ("torch.FloatTensor", "torch.LongTensor", "torch.Tensor", "torch.BoolTensor"):
    cases(name, strategy=call(st.lists(st.integers(0, 3), max_size=4)), device="cpu", data=True)
cases(
    "torch.Tensor.new",
    strategy=st.tuples(shapes(0, 3).map(lambda s: (Arg((2,), "f32"), *s)), st.just({})),
    device="cpu",
)

# Ranges.
END = st.sampled_from((0, 1, 5, 7.5, 10, -3, 0.3))


@st.composite
def ranges(draw: Any) -> Call:
    kwargs = draw(options(dtype=dtype_args("f32", "i64", "f64", "i32")))
    step = draw(st.sampled_from((1, 2, 0.5, -1, 0.1, 0)))
    return draw(
        st.sampled_from((
            ((draw(END),), kwargs), ((draw(END), draw(END)), kwargs), ((draw(END), draw(END), step), kwargs),
            ((), {**kwargs, "end": draw(END)}), ((draw(END),), {**kwargs, "end": draw(END), "step": step}),
        ))
    )  # fmt: skip


cases("torch.arange", strategy=ranges(), device="cpu", data=True)
# An integer dtype with a step that rounds to zero ends the process in torch.range (torch 2.13): a division by zero.
floats_only = ranges().filter(
    lambda c: "end" not in c[1] and len(c[0]) > 1 and not str(c[1].get("dtype", "")).startswith("i")
)
cases("torch.range", strategy=floats_only, device="cpu")
POINT = st.sampled_from((0, 1, 0.1, -2.5, 10, 0.3))
STEPS = st.sampled_from((0, 1, 2, 3, 5, 12, 24, 48, -1))
points = st.tuples(st.tuples(POINT, POINT, STEPS), options(dtype=dtype_args("f32", "f64")))
cases("torch.linspace", strategy=points, device="cpu", data=True, tolerance=2e-7)
cases("torch.linspace", strategy=call(POINT, POINT, STEPS, dtype=dtype_args("i64", "f16")), device="cpu")
cases("torch.logspace", strategy=points, device="cpu", data=True, tolerance=1e-4)
cases(
    "torch.eye",
    strategy=st.tuples(st.tuples(st.integers(-1, 4)), options(m=st.integers(0, 4), **EXTRA)),
    device="cpu",
    data=True,
)
triangles = st.tuples(st.tuples(st.integers(-1, 4), st.integers(0, 4)), options(offset=st.integers(-2, 2)))
cases("torch.tril_indices", "torch.triu_indices", strategy=triangles, device="cpu", data=True)
windows = st.tuples(st.tuples(st.integers(-1, 9)), options(periodic=flags, dtype=dtype_args("f32", "f64", "i64")))
cases("torch.hann_window", "torch.hamming_window", "torch.blackman_window", strategy=windows, device="cpu", data=True)
cases("torch.bartlett_window", "torch.kaiser_window", strategy=windows, device="cpu")

# In-place fills.
cases(*everything("torch.Tensor.zero_"), strategy=call(tensors(*REAL)), device="cpu", data=True)
cases(*everything("torch.fill"), strategy=call(tensors("f32", "f64", "i64"), NUMBER), device="cpu", data=True)


@st.composite
def copies(draw: Any) -> Call:
    target, source = draw(broadcasting(2, "f32", "i64", "b8", valued=True, high=3))
    return (Arg(target.shape, target.dtype, draw(contents(target.shape, target.dtype))), source), {}


cases("torch.Tensor.copy_", strategy=copies(), device="cpu", data=True)

# Random numbers.
for name in ("torch.rand", "torch.randn"):
    cases(name, strategy=factories(), device="cpu")
    cases(f"{name}_like", strategy=st.tuples(st.tuples(tensors("f32", "f64", "i64", "f16")), WITH), device="cpu")


@st.composite
def integers(draw: Any) -> Call:
    shape, low, high = draw(shapes(0, 3)), draw(st.integers(-1, 5)), draw(st.integers(1, 9))
    kwargs = draw(options(dtype=dtype_args("i64", "i32", "f32")))
    return draw(
        st.sampled_from((
            ((high, shape), kwargs), ((low, high, shape), kwargs), ((high,), {**kwargs, "size": shape}),
            ((low, high), {**kwargs, "size": shape}), ((), {**kwargs, "low": low, "high": high, "size": shape}),
        ))
    )  # fmt: skip


cases("torch.randint", strategy=integers(), device="cpu")
cases("torch.randint_like", strategy=call(tensors("f32", "i64"), st.integers(0, 3), st.integers(2, 9)), device="cpu")
cases("torch.randint_like", strategy=call(tensors("f32", "i64"), st.integers(1, 9)), device="cpu")
cases(
    "torch.randperm",
    strategy=st.tuples(st.tuples(st.integers(-1, 9)), options(dtype=dtype_args("i64", "i32"))),
    device="cpu",
)


@st.composite
def normals(draw: Any) -> Call:
    kind = draw(st.integers(0, 3))
    mean, std = draw(broadcasting(2, "f32", "f64"))
    if kind == 0:
        return (mean, std), {}
    if kind == 1:
        return (mean, draw(st.sampled_from((1.0, 0.5, -1.0)))), {}
    if kind == 2:
        return (0.5, std), {}
    return (0.0, 1.0, draw(shapes())), {}


cases("torch.normal", strategy=normals(), device="cpu")
cases("torch.bernoulli", "torch.Tensor.bernoulli", strategy=call(tensors("f32", "f64", "i64")), device="cpu")
cases(
    "torch.bernoulli",
    "torch.Tensor.bernoulli",
    strategy=call(tensors("f32", "i64"), st.sampled_from((0.5, 1.5))),
    device="cpu",
)
cases("torch.poisson", strategy=call(tensors("f32", "f64", "i64")), device="cpu")
weights = tensors("f32", "f64", low=0, high=3, size=st.sampled_from((1, 2, 3, 4)))
cases("torch.multinomial", "torch.Tensor.multinomial", strategy=call(weights, st.integers(0, 4), flags), device="cpu")
for name in ("uniform_", "normal_", "exponential_", "log_normal_", "cauchy_", "random_"):
    cases(f"torch.Tensor.{name}", strategy=call(tensors("f32", "f64", "i64")), device="cpu")
cases("torch.Tensor.geometric_", strategy=call(tensors("f32", "i64"), 0.5), device="cpu")
cases("torch.Tensor.bernoulli_", strategy=call(tensors("f32", "i64", "b8"), st.sampled_from((0.5, 2.0))), device="cpu")

cases("torch.vander", strategy=call(tensors(), st.sampled_from((None, 0, 2, -1)), increasing=flags))
