"""Argument strategies for inverses, determinants, solvers and decompositions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import flags, shapes

SIZE = st.integers(1, 3)
_META: dict[str, Any] = {}


@st.composite
def matrices(draw: Any, square: bool = True, dtypes: tuple[str, ...] = ("f32", "f64")) -> Arg:
    lead = draw(shapes(0, 2, SIZE))
    n = draw(SIZE)
    m = n if square and draw(st.integers(0, 9)) else draw(SIZE)
    dtype = draw(st.sampled_from((*dtypes, *dtypes, *dtypes, "i64")))
    if draw(st.integers(0, 19)) == 0:
        return Arg((n,), dtype)
    return Arg((*lead, m, n), dtype)


def one(*args: Any, square: bool = True, **kwargs: Any) -> Any:
    return st.tuples(st.tuples(matrices(square), *args), st.fixed_dictionaries({}, optional=kwargs))


cases("torch.linalg.inv", "torch.inverse", "torch.Tensor.inverse", "torch.linalg.inv_ex", strategy=one(), **_META)
cases("torch.linalg.pinv", "torch.pinverse", "torch.Tensor.pinverse", strategy=one(square=False), device="cpu")
cases(
    "torch.linalg.det", "torch.det", "torch.Tensor.det", "torch.logdet", "torch.Tensor.logdet", "torch.linalg.slogdet",
    "torch.slogdet", "torch.Tensor.slogdet", strategy=one(), device="cpu",
)  # fmt: skip
cases(
    "torch.linalg.matrix_power",
    "torch.matrix_power",
    "torch.Tensor.matrix_power",
    strategy=one(st.integers(0, 3)),
    device="cpu",
)
cases("torch.linalg.matrix_exp", "torch.matrix_exp", "torch.Tensor.matrix_exp", strategy=one(), device="cpu")
cases("torch.linalg.matrix_rank", "torch.linalg.cond", "torch.linalg.svdvals", strategy=one(square=False), device="cpu")
cases("torch.linalg.cholesky_ex", strategy=one(upper=flags), device="cpu")
cases("torch.linalg.cholesky", strategy=one(upper=flags), **_META)
_old = one(upper=flags).map(lambda c: ((Arg((*c[0][0].shape[:-2], 1, 1), c[0][0].dtype),), c[1]))
cases("torch.cholesky", "torch.Tensor.cholesky", strategy=_old, device="cpu")
cases("torch.linalg.svd", strategy=one(square=False, full_matrices=flags), device="cpu")
cases("torch.svd", "torch.Tensor.svd", strategy=one(square=False, some=flags, compute_uv=flags), device="cpu")
cases(
    "torch.linalg.eigh",
    "torch.linalg.eigvalsh",
    "torch.linalg.eig",
    "torch.linalg.eigvals",
    strategy=one(),
    device="cpu",
)
cases(
    "torch.linalg.qr",
    strategy=one(square=False, mode=st.sampled_from(("reduced", "complete", "r", "full"))),
    device="cpu",
)
cases("torch.qr", "torch.Tensor.qr", strategy=one(square=False, some=flags), device="cpu")
cases("torch.linalg.lu", strategy=one(square=False), device="cpu")
cases("torch.linalg.lu_factor_ex", strategy=one(square=False), device="cpu")
cases("torch.linalg.lu_factor", strategy=one(square=False).filter(lambda c: c[0][0].dtype != "i64"))


@st.composite
def systems(draw: Any, triangular: bool = False) -> Call:
    a = draw(matrices())
    if len(a.shape) < 2:
        return (a, Arg((2, 2))), {"upper": True} if triangular else {}
    left = draw(flags)
    inner, other = a.shape[-1], draw(SIZE)
    lead = a.shape[:-2] if draw(flags) else ()
    shape = (*lead, inner, other) if left else (*lead, other, inner)
    if draw(st.integers(0, 9)) == 0:
        shape = (*shape[:-2], 4, 4)
    given: dict[str, Any] = {"left": left, **({"upper": True} if triangular else {})}
    return (a, Arg(shape, a.dtype if draw(st.integers(0, 9)) else "f32")), given


def matrix_right(call: Call) -> bool:
    """Leaves out right sides that torch may read as a batch of vectors."""
    (a, b), _ = call
    return len(b.shape) >= len(a.shape) or len(a.shape) < 2 or a.shape[:-1] != b.shape


cases("torch.linalg.solve", "torch.linalg.solve_ex", strategy=systems().filter(matrix_right))
cases("torch.linalg.solve_triangular", strategy=systems(True), device="cpu")


@st.composite
def lu_systems(draw: Any) -> Call:
    n, k = draw(SIZE), draw(SIZE)
    lead = draw(shapes(0, 1, SIZE))
    return (Arg((*lead, n, n)), Arg((*lead, n), "i32", (1,) * (n * (lead[0] if lead else 1))), Arg((*lead, n, k))), {}


cases("torch.linalg.lu_solve", strategy=lu_systems())


@st.composite
def vanders(draw: Any) -> Call:
    x = Arg(draw(shapes(1, 1, SIZE)), draw(st.sampled_from(("f32", "i64", "i32"))))
    return (x,), {"N": draw(st.integers(2, 4))} if draw(flags) else {}


cases("torch.linalg.vander", strategy=vanders(), device="cpu")
