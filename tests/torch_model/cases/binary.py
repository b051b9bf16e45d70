"""Cases for arithmetic of two and three operands."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ane_lsp.torch_model import registry
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import (
    FLOATS,
    REAL,
    broadcasting,
    call,
    contents,
    dtypes,
    options,
    shapes,
    tensors,
    valued,
)

DTYPES = (*REAL, "i8", "i16", "c64")
FEW = ("f32", "f64", "i64", "i32")
NUMBER = st.sampled_from((2, 3, -1, 0.5, 2.0, True, 7, 1 + 2j))
PLAIN = st.sampled_from((2, 3, 0.5, 2.0, 7, -1.5))


def everything(name: str) -> tuple[str, ...]:
    """Every spelling of the op declared under `name`."""
    decl = registry.find(name)
    assert decl is not None, name
    return decl.names + decl.inplace


@st.composite
def two(draw: Any, *names: str, numbers: Any = NUMBER, first: bool = False) -> Call:
    """A tensor and a tensor or number; with `first` the number may come first."""
    x, y = draw(broadcasting(2, *(names or DTYPES)))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return (x, draw(numbers)), {}
    if kind == 1 and first:
        return (draw(numbers), y), {}
    return (x, y), {}


@st.composite
def two_values(draw: Any, *names: str, nonzero: bool = False) -> Call:
    """The same with elements; no zero on the right where `nonzero`."""
    base = draw(shapes(0, 2))
    dtype = draw(dtypes(*names))
    x = Arg(base, dtype, draw(contents(base, dtype)))
    if draw(st.booleans()):
        return (x, draw(PLAIN)), {}
    other = draw(dtypes(*names))
    shape = base[draw(st.integers(0, len(base))) :]
    values = draw(contents(shape, other))
    if nonzero:
        values = tuple(value or 1 for value in values)
    return (x, Arg(shape, other, values)), {}


@st.composite
def with_options(draw: Any, strategy: Any, **choices: Any) -> Call:
    args, kwargs = draw(strategy)
    return args, {**kwargs, **draw(options(**choices))}


ALPHA = st.sampled_from((1, 2, 0.5, True))
for name in ("torch.add", "torch.sub"):
    cases(*everything(name), strategy=two(), device="cpu")
    spellings = [n for n in everything(name) if "__" not in n]
    cases(*spellings, strategy=with_options(two(), alpha=ALPHA), device="cpu")
    cases(*everything(name), strategy=two_values(*FEW), device="cpu", data=True)
TWO_NUMBERS = st.tuples(PLAIN, PLAIN).map(lambda pair: (pair, {}))
for name in ("add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "floor_divide"):
    cases(f"torch.{name}", strategy=TWO_NUMBERS, device="cpu", data=True)
cases("torch.rsub", "torch.Tensor.__rsub__", strategy=two(), device="cpu")
cases("torch.rsub", "torch.Tensor.__rsub__", strategy=two_values(*FEW), device="cpu", data=True)
for name in ("torch.mul", "torch.true_divide", "torch.Tensor.__rtruediv__"):
    cases(*everything(name), strategy=two(), device="cpu")
    cases(*everything(name), strategy=two_values(*FEW, nonzero=True), device="cpu", data=True)

cases(*everything("torch.div"), strategy=two(), device="cpu")
cases(*everything("torch.div"), strategy=two_values(*FEW), device="cpu", data=True)
MODES = st.sampled_from(("floor", "trunc", None, "up"))
NAMED = [n for n in everything("torch.div") if "__" not in n]
cases(*NAMED, strategy=with_options(two(), rounding_mode=MODES), device="cpu")
cases(*NAMED, strategy=with_options(two_values(*FEW, nonzero=True), rounding_mode=MODES), device="cpu", data=True)

for name in (
    "torch.floor_divide",
    "torch.remainder",
    "torch.fmod",
    "torch.Tensor.__rfloordiv__",
    "torch.Tensor.__rmod__",
):
    reflected = "__r" in name
    cases(*everything(name), strategy=two(), device="cpu")
    data = two_values(*FEW, nonzero=True)
    if reflected:
        data = call(valued(*FEW, positive=True), PLAIN)
    cases(*everything(name), strategy=data, device="cpu", data=True)

cases("torch.pow", "torch.float_power", "torch.remainder", strategy=two(first=True), device="cpu")
for name in ("torch.pow", "torch.float_power", "torch.Tensor.__rpow__"):
    cases(*(n for n in everything(name) if n.startswith("torch.Tensor")), strategy=two(), device="cpu")
    exponent = st.sampled_from((2, 3, 0.5, 2.0, -1.0, 0))
    cases(
        *everything(name),
        strategy=call(valued("f32", "f64", positive=True), exponent),
        device="cpu",
        data=True,
        tolerance=1e-5,
    )
cases("torch.pow", strategy=call(valued("i64", high=2), st.integers(0, 4)), device="cpu", data=True)

PAIRS = (
    "maximum minimum fmax fmin atan2 hypot nextafter logaddexp logaddexp2 gcd lcm heaviside ldexp copysign igamma igammac"
)  # fmt: skip
BARE = {"nextafter", "igamma", "igammac"}
for short in PAIRS.split():
    name = f"torch.{short}"
    pairs = st.tuples(broadcasting(2, *DTYPES).map(tuple), st.just({}))
    cases(*everything(name), strategy=pairs, device="cpu")
    if short not in BARE:
        kinds = ("i64", "i32") if short in ("gcd", "lcm") else ("f32", "f64") if short in ("heaviside", "hypot", "logaddexp", "logaddexp2") else FEW  # fmt: skip
        same = st.tuples(broadcasting(2, kinds[0], valued=True, high=2).map(tuple), st.just({}))
        cases(*everything(name), strategy=same, device="cpu", data=True, tolerance=1e-5)
cases("torch.copysign", "torch.Tensor.copysign", strategy=two(numbers=PLAIN), device="cpu")
cases(
    *everything("torch.xlogy"), "torch.special.xlog1py", "torch.special.zeta",
    strategy=two(numbers=PLAIN), device="cpu",
)  # fmt: skip
cases("torch.xlogy", "torch.special.xlogy", strategy=two_values("f32", "f64"), device="cpu", data=True, tolerance=1e-5)


@st.composite
def bounds(draw: Any, valued: bool = False) -> Call:
    """Arguments of clamp."""
    names = FEW if valued else DTYPES
    x, low, high = draw(broadcasting(3, *names, valued=valued, high=2 if valued else 4))
    if draw(st.integers(0, 3)):
        low, high = draw(st.sampled_from((None, 0, -1.5, 2))), draw(st.sampled_from((None, 1, 3, 0.5)))
    else:
        low, high = draw(st.sampled_from(((low, high), (low, None), (None, high), (low, 1))))
    return ((x, low, high), {}) if draw(st.booleans()) else ((x,), {"min": low, "max": high})


cases(*everything("torch.clamp"), strategy=bounds(), device="cpu")
cases(*everything("torch.clamp"), strategy=bounds(valued=True), device="cpu", data=True)
for name in ("torch.clamp_min", "torch.clamp_max"):
    cases(*everything(name), strategy=two(), device="cpu")
    cases(*everything(name), strategy=two_values(*FEW), device="cpu", data=True)


@st.composite
def lerps(draw: Any, valued: bool = False) -> Call:
    x, y, w = draw(broadcasting(3, "f32", "f16", "f64", valued=valued))
    if draw(st.integers(0, 2)):
        y, w = Arg(y.shape, x.dtype, y.values), Arg(w.shape, x.dtype, w.values)
    return (x, y, draw(st.sampled_from((w, 0.5, 0.25)))), {}


cases(*everything("torch.lerp"), strategy=lerps(), device="cpu")


@st.composite
def fused(draw: Any, valued: bool = False) -> Call:
    names = ("f32", "f64") if valued else DTYPES
    x, a, b = draw(broadcasting(3, *names, valued=valued, high=2 if valued else 4))
    if draw(st.booleans()):
        a, b = (Arg(t.shape, x.dtype, t.values) for t in (a, b))
    return (x, a, b), draw(options(value=st.sampled_from((1, 2, 0.5))))


for name in ("torch.addcmul", "torch.addcdiv"):
    cases(*everything(name), strategy=fused(), device="cpu")
cases(*everything("torch.addcmul"), strategy=fused(valued=True), device="cpu", data=True, tolerance=1e-5)


@st.composite
def parts(draw: Any) -> Call:
    x, y = draw(broadcasting(2, *FLOATS, "i64"))
    return (x, y if draw(st.integers(0, 3)) == 0 else Arg(y.shape, x.dtype)), {}


cases("torch.complex", "torch.polar", strategy=parts(), device="cpu")
cases("torch.dist", "torch.Tensor.dist", strategy=call(tensors("f32"), st.sampled_from((1, 2, 0)).map(float)).map(
    lambda c: ((c[0][0], c[0][0], c[0][1]), c[1])))  # fmt: skip
