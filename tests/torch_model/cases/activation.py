"""Argument strategies for activations, softmax, dropout."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import call, dim_for, dtype_args, flags, options, tensors

F = "torch.nn.functional."
X = tensors("f32", "f16", "bf16", "f64")
FLOATS = st.sampled_from((0.1, 0.5, 1.0, 2.0))


def _named(x: Any = X, **kwargs: Any) -> Any:
    return st.tuples(st.tuples(x), options(**kwargs))


cases(
    "torch.relu",
    "torch.Tensor.relu",
    "torch.relu_",
    "torch.Tensor.relu_",
    F + "relu_",
    strategy=call(tensors("f32", "i64", "b8")),
    device="cpu",
)
for _name in ("relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid"):
    cases(F + _name, strategy=_named(inplace=flags))
cases(
    "torch.selu",
    "torch.selu_",
    F + "selu_",
    F + "softsign",
    F + "tanhshrink",
    F + "logsigmoid",
    "torch._C._nn.log_sigmoid",
    F + "sigmoid",
    F + "tanh",
    strategy=call(X),
)
cases(F + "elu", F + "celu", strategy=_named(alpha=FLOATS, inplace=flags))
cases("torch.celu", "torch.celu_", F + "celu_", strategy=_named(alpha=FLOATS))
cases(F + "elu_", "torch._C._nn.elu_", strategy=call(X))
cases(F + "leaky_relu_", "torch._C._nn.leaky_relu_", strategy=_named(negative_slope=FLOATS))
cases(F + "hardtanh_", "torch._C._nn.hardtanh_", strategy=_named(min_val=st.just(-2.0), max_val=FLOATS))
cases(
    F + "gelu",
    "torch._C._nn.gelu",
    strategy=_named(approximate=st.sampled_from(("none", "tanh", "exact"))),
    device="cpu",
)
cases(
    F + "hardtanh",
    strategy=_named(min_val=st.sampled_from((-1.0, 0.0, 2.0)), max_val=FLOATS, inplace=flags),
    device="cpu",
)
cases(F + "leaky_relu", strategy=_named(negative_slope=FLOATS, inplace=flags))
cases(
    "torch.rrelu",
    "torch.rrelu_",
    F + "rrelu_",
    strategy=_named(lower=st.just(0.1), upper=st.just(0.3), training=flags),
    device="cpu",
)
cases(F + "rrelu", strategy=_named(lower=st.just(0.1), upper=st.just(0.3), training=flags, inplace=flags), device="cpu")
cases(F + "softplus", "torch._C._nn.softplus", strategy=_named(beta=FLOATS, threshold=st.just(10)))
cases(
    F + "softshrink",
    "torch._C._nn.softshrink",
    strategy=_named().flatmap(lambda c: call(*c[0], st.sampled_from((0.5, 0.0, -0.5)))),
    device="cpu",
)
cases("torch.hardshrink", "torch.Tensor.hardshrink", F + "hardshrink", strategy=_named(lambd=FLOATS))
cases("torch.threshold", "torch.threshold_", F + "threshold_", F + "threshold", strategy=call(X, FLOATS, FLOATS))


@st.composite
def prelus(draw: Any) -> Call:
    x = draw(tensors("f32"))
    channels = x.shape[1] if len(x.shape) > 1 else 1
    shape = draw(st.sampled_from(((channels,), (1,), (), (channels + 1,), (1, 1))))
    return (x, Arg(shape, "f32" if draw(st.integers(0, 9)) else "f64")), {}


cases("torch.prelu", "torch.Tensor.prelu", F + "prelu", strategy=prelus(), device="cpu")
cases(F + "glu", strategy=tensors("f32", size=st.sampled_from((2, 4, 3, 6))).flatmap(lambda a: call(a, dim_for(a))))


@st.composite
def softmaxes(draw: Any, optional: bool = False, keyword: bool = False) -> Call:
    x = draw(X)
    given: dict[str, Any] = {"dtype": draw(dtype_args("f32", "f64"))} if draw(st.integers(0, 3)) == 0 else {}
    if optional and draw(st.integers(0, 3)) == 0:
        return (x,), given
    if draw(flags):
        return (x,), {"dim": draw(dim_for(x)), **given}
    return (x, draw(dim_for(x))), given


cases(
    "torch.softmax", "torch.Tensor.softmax", "torch.special.softmax", "torch.log_softmax", "torch.Tensor.log_softmax",
    "torch.special.log_softmax", strategy=softmaxes(), device="cpu",
)  # fmt: skip
cases(F + "softmax", F + "log_softmax", F + "softmin", strategy=softmaxes(True), device="cpu")
cases(
    F + "gumbel_softmax",
    strategy=tensors("f32", size=st.integers(1, 3)).flatmap(
        lambda a: st.tuples(st.just((a,)), options(dim=dim_for(a), hard=flags, tau=FLOATS))
    ),
    device="cpu",
)

P = st.sampled_from((0.1, 0.5, 0.0, 1.0, 1.5))
cases(F + "dropout", strategy=_named(p=P, training=flags), device="cpu")
cases(
    F + "alpha_dropout",
    F + "feature_alpha_dropout",
    strategy=_named(tensors("f32", low=2), p=P, training=flags),
    device="cpu",
)
cases(F + "dropout1d", strategy=_named(tensors("f32", low=1), p=P, training=flags), device="cpu")
cases(F + "dropout2d", F + "dropout3d", strategy=_named(tensors("f32", low=2), p=P, training=flags), device="cpu")
cases(
    "torch.dropout", "torch.alpha_dropout", "torch.feature_dropout", "torch.feature_alpha_dropout", "torch.dropout_",
    "torch.alpha_dropout_", "torch.feature_dropout_", "torch.feature_alpha_dropout_",
    strategy=call(tensors("f32", low=2), P, flags), device="cpu",
)  # fmt: skip
