"""Cases for one-input pointwise math."""

from __future__ import annotations

from hypothesis import strategies as st

from ane_lsp.torch_model import registry
from tests.torch_model.harness import cases
from tests.torch_model.strategies import FLOATS, REAL, call, options, tensors, valued

DTYPES = (*REAL, "i8", "c64")
OWN = {"torch.polygamma", "torch.special.polygamma", "torch.mvlgamma", "torch.Tensor.mvlgamma", "torch.Tensor.mvlgamma_",
       "torch.special.multigammaln"}  # fmt: skip
# Elements our rules do not compute.
NO_DATA = {"torch.digamma", "torch.erfinv", "torch.i0"} | {
    f"torch.special.{name}"
    for name in ["bessel_j0", "bessel_j1", "entr", "erfcx", "i0e", "i1", "i1e", "log_ndtr", "ndtri"]
}  # fmt: skip
FEW_DTYPES = ("f32", "f64", "i64", "i32", "u8", "b8")

for decl in registry.declarations():
    if not decl.rule.__module__.endswith(".pointwise") or decl.name in OWN:
        continue
    names = decl.names + decl.inplace
    cases(*names, strategy=call(tensors(*DTYPES)), device="cpu")
    if decl.name not in NO_DATA:
        cases(*names, strategy=call(valued(*FEW_DTYPES)), device="cpu", data=True, symbolic=False, tolerance=4e-6)

edge = st.sampled_from((float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.5, -1.0, 88.9, -0.3))
for name in [
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "isnan",
    "isinf",
    "isfinite",
    "sign",
    "floor",
    "round",
    "sigmoid",
    "tanh",
    "nan_to_num",
    "abs",
]:
    cases(f"torch.{name}", strategy=call(valued("f32", "f64", elements=edge)), device="cpu", data=True, symbolic=False)

cases(
    "torch.nan_to_num", "torch.Tensor.nan_to_num",
    strategy=st.tuples(st.tuples(valued(*FLOATS, elements=edge)), options(nan=st.sampled_from((0.0, 1.0)), posinf=5.0, neginf=-5.0)),
    device="cpu", data=True,
)  # fmt: skip
cases(
    "torch.round", "torch.Tensor.round",
    strategy=st.tuples(st.tuples(valued("f32", "f64")), options(decimals=st.sampled_from((0, 1)))), device="cpu", data=True,
)  # fmt: skip
cases(
    "torch.logit", "torch.special.logit",
    strategy=call(valued("f32", "f64", elements=st.sampled_from((0.1, 0.25, 0.9, 0.0, 1.0))), st.sampled_from((None, 1e-3, 0.2))),
    device="cpu", data=True, symbolic=False,
)  # fmt: skip
cases("torch.polygamma", "torch.special.polygamma", strategy=call(st.integers(-1, 3), tensors(*DTYPES)), device="cpu")
cases(
    "torch.mvlgamma", "torch.Tensor.mvlgamma", "torch.special.multigammaln", "torch.Tensor.mvlgamma_",
    strategy=call(tensors("f32", "f64", "i64"), st.integers(0, 3)), device="cpu",
)  # fmt: skip
