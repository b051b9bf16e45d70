"""Argument strategies for ops that round to a grid."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, cases
from tests.torch_model.strategies import call, tensors

_STEPS = st.sampled_from((0.1, 0.5))
_POINTS = st.sampled_from((0, 3))

cases(
    "torch.fake_quantize_per_tensor_affine",
    strategy=call(tensors("f32"), _STEPS, _POINTS, st.just(-128), st.just(127)), device="cpu",
)  # fmt: skip
cases(
    "torch.fake_quantize_per_channel_affine",
    strategy=call(
        st.just(Arg((3, 4), "f32")), st.just(Arg((3,), "f32")), st.just(Arg((3,), "i32")), st.just(0), st.just(-128), st.just(127)
    ),
)  # fmt: skip
