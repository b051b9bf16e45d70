"""Cases for comparisons, logic, ``where`` and closeness."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.cases.binary import DTYPES, everything, two, two_values
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import (
    INTS,
    broadcast_shapes,
    broadcasting,
    call,
    contents,
    dtypes,
    options,
    tensors,
    valued,
)

for short in ("eq", "ne", "lt", "le", "gt", "ge"):
    name = f"torch.{short}"
    cases(*everything(name), strategy=two(), device="cpu")
    cases(*everything(name), strategy=two_values("f32", "i64", "b8", "f64"), device="cpu", data=True)

pairs = st.tuples(broadcasting(2, *DTYPES).map(tuple), st.just({}))
valued_pairs = st.tuples(broadcasting(2, "b8", "i64", "f32", valued=True, high=2).map(tuple), st.just({}))
for short in ("logical_and", "logical_or", "logical_xor"):
    cases(*everything(f"torch.{short}"), strategy=pairs, device="cpu")
    cases(*everything(f"torch.{short}"), strategy=valued_pairs, device="cpu", data=True)

WHOLE = st.sampled_from((1, 2, True, 3))
whole_pairs = st.tuples(broadcasting(2, "b8", "i64", valued=True, high=2).map(tuple), st.just({}))
for short in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    name = f"torch.{short}"
    cases(*everything(name), strategy=two(*INTS, "b8", "i8", "f32", numbers=WHOLE), device="cpu")
    cases(*everything(name), strategy=whole_pairs, device="cpu", data=True)
    cases(name, strategy=two(*INTS, "b8", numbers=WHOLE, first=True), device="cpu")
for short in ("bitwise_left_shift", "bitwise_right_shift"):
    cases(*everything(f"torch.{short}"), strategy=two(*INTS, "i8", "f32", numbers=WHOLE), device="cpu")
    cases(
        *everything(f"torch.{short}"), strategy=call(valued("i64", "i32"), st.integers(0, 5)), device="cpu", data=True
    )
for short in ("__lshift__", "__rshift__", "__rlshift__", "__rrshift__"):
    name = f"torch.Tensor.{short}"
    cases(*everything(name), strategy=two(*INTS, "i8", numbers=WHOLE), device="cpu")


@st.composite
def choices(draw: Any, valued: bool = False, method: bool = False) -> Call:
    """condition, input, other: tensors or numbers."""
    shapes = draw(broadcast_shapes(3, 2 if valued else 4))
    kinds = [draw(dtypes("b8", "b8", "b8", "u8" if valued else "f32"))]
    kinds += [draw(dtypes("f32", "i64", "f64", "b8", *(() if valued else ("f16", "bf16", "c64")))) for _ in range(2)]
    found: list[Any] = [
        Arg(shape, kind, draw(contents(shape, kind)) if valued else None)
        for shape, kind in zip(shapes, kinds, strict=True)
    ]
    number = st.sampled_from((0, 1.5, True, -3))
    if draw(st.integers(0, 3)) == 0:
        found[2] = draw(number)
    if not method and draw(st.integers(0, 3)) == 0:
        found[1] = draw(number)
    condition, x, y = found
    return ((x, condition, y) if method else (condition, x, y)), {}


cases("torch.where", strategy=choices(), device="cpu")
cases("torch.where", strategy=choices(valued=True), device="cpu", data=True)
cases("torch.where", strategy=call(valued("b8", "f32", "i64")), device="cpu", data=True)
cases("torch.Tensor.where", strategy=choices(method=True), device="cpu")
cases("torch.Tensor.where", strategy=choices(valued=True, method=True), device="cpu", data=True)


@st.composite
def close(draw: Any) -> Call:
    x, y = draw(broadcasting(2, "f32", "i64", "f64", valued=True, high=2))
    if draw(st.integers(0, 3)):
        y = Arg(y.shape, x.dtype, tuple(type(x.values[0])(v) for v in y.values) if x.values else y.values)
        if draw(st.booleans()):
            y = x
    return (x, y), draw(
        options(rtol=st.sampled_from((0.0, 0.5, 1e-3)), atol=st.sampled_from((0.0, 1.0)), equal_nan=st.booleans())
    )


cases("torch.isclose", "torch.Tensor.isclose", strategy=close(), device="cpu", data=True)
cases("torch.allclose", "torch.Tensor.allclose", strategy=close(), device="cpu", symbolic=False)
cases("torch.equal", "torch.Tensor.equal", strategy=close().map(lambda c: (c[0], {})), device="cpu", symbolic=False)
cases(
    "torch.isin", strategy=call(valued("i64", "f32"), valued("i64", "f32", high=1)), device="cpu", data=True
)  # fmt: skip
cases("torch.isin", strategy=call(st.sampled_from((1, 2)), tensors("i64")), device="cpu")
cases("torch.isin", strategy=call(tensors("i64", "f32"), st.sampled_from((1, 2)), invert=st.booleans()), device="cpu")
