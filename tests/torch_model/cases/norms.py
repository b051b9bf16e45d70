"""Argument strategies for norms and distances."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import (
    broadcast_shapes,
    call,
    dim_for,
    dims_for,
    dtype_args,
    dtypes,
    flags,
    shapes,
    tensors,
)

INF = float("inf")


@st.composite
def norms(draw: Any, orders: tuple[Any, ...], first: str, named_dims: bool = True) -> Call:
    arg = draw(tensors("f32", "f16", "f64", "i64", size=st.integers(1, 3)))
    given: dict[str, Any] = {}
    if draw(flags):
        given[first] = draw(st.sampled_from(orders))
    if draw(flags):
        given["dim"] = draw(dim_for(arg) if draw(flags) else dims_for(arg, empty=False))
    if draw(st.integers(0, 2)) == 0:
        given["keepdim"] = True
    if draw(st.integers(0, 5)) == 0:
        given["dtype"] = draw(dtype_args("f32", "f64"))
    return (arg,), given


@st.composite
def matrix_norms(draw: Any) -> Call:
    (arg,), given = draw(norms(("fro", "nuc", 1, -1, 2, -2, INF, -INF, 3), "ord"))
    if "dim" in given:
        given["dim"] = draw(st.sampled_from(((0, 1), (-1, -2), (0, 0), (1,), (1, 2))))
    return (arg,), given


cases(
    "torch.norm",
    "torch.functional.norm",
    "torch.Tensor.norm",
    strategy=norms(("fro", 1, 2, INF, 3, 0, 0.5), "p"),
    device="cpu",
)
cases("torch.linalg.vector_norm", strategy=norms((1, 2, INF, -INF, 3, 0, -1, 0.5), "ord"), device="cpu")
cases("torch.linalg.norm", strategy=norms((1, 2, INF, -INF, 0, "fro", "nuc", 3), "ord"), device="cpu")
cases("torch.linalg.matrix_norm", strategy=matrix_norms(), device="cpu")


@st.composite
def pairs(draw: Any, high: int = 4) -> tuple[Arg, Arg]:
    one, two = draw(broadcast_shapes(high=high))
    dtype = draw(dtypes("f32", "f64"))
    return Arg(one, dtype), Arg(two, dtype if draw(st.integers(0, 5)) else draw(dtypes("f32", "i64")))


cases("torch.dist", "torch.Tensor.dist", strategy=pairs().map(lambda p: (p, {})), device="cpu")


@st.composite
def cdists(draw: Any) -> Call:
    one, two = draw(broadcast_shapes(high=2))
    columns = draw(st.integers(1, 3))
    a = (*one, draw(st.integers(0, 3)), columns)
    b = (*two, draw(st.integers(0, 3)), columns + (draw(st.integers(0, 9)) == 0))
    if draw(st.integers(0, 9)) == 0:
        b = b[-1:]
    dtype = draw(dtypes("f32", "f64"))
    return (Arg(a, dtype), Arg(b, dtype if draw(st.integers(0, 9)) else "i64")), draw(
        st.sampled_from(({}, {"p": 1.0}, {"p": -1.0}))
    )


cases("torch.cdist", "torch.functional.cdist", strategy=cdists(), device="cpu")
cases("torch.pdist", "torch.nn.functional.pdist", strategy=call(tensors("f32", "i64", low=1, high=3)), device="cpu")


@st.composite
def similarities(draw: Any) -> Call:
    a, b = draw(pairs())
    longer = a if len(a.shape) >= len(b.shape) else b
    return (a, b), {"dim": draw(dim_for(longer))} if draw(flags) else {}


cases("torch.cosine_similarity", "torch.nn.functional.cosine_similarity", strategy=similarities())


@st.composite
def distances(draw: Any) -> Call:
    one, two = draw(broadcast_shapes(high=3))
    one, two = (*one, 3), (*two, 3)
    return (Arg(one), Arg(two, "f32")), draw(st.sampled_from(({}, {"keepdim": True}, {"p": 1.0})))


cases("torch.pairwise_distance", "torch.nn.functional.pairwise_distance", strategy=distances())


@st.composite
def renorms(draw: Any) -> Call:
    arg = Arg(draw(shapes(1, 3)), "f32")
    return (arg, draw(st.sampled_from((2, 1, 0))), draw(dim_for(arg)), draw(st.sampled_from((1, 2.5, -1)))), {}


cases("torch.renorm", "torch.Tensor.renorm", "torch.Tensor.renorm_", strategy=renorms(), device="cpu")
