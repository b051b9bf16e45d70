"""Cases for casts, sizes, limits and values."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

from ane_lsp.graph import TORCH_DTYPE
from tests.torch_model.cases.binary import everything
from tests.torch_model.harness import Arg, Call, Dtype, cases
from tests.torch_model.strategies import (
    REAL,
    broadcast_shapes,
    broadcasting,
    call,
    dim_for,
    dtype_args,
    tensors,
    valued,
)

ALL = (*REAL, "i8", "i16", "c64")
FEW = ("f32", "f64", "i64", "i32", "u8", "b8", "f16", "bf16")
TARGET = dtype_args(*REAL)
plain = call(tensors(*ALL))
known = call(valued(*FEW))


@st.composite
def to_calls(draw: Any) -> Call:
    x = draw(valued(*FEW))
    args = draw(st.sampled_from(("dtype", "device", "both", "other", "keyword", "memory", "nothing")))
    target = draw(TARGET)
    return {
        "dtype": ((x, target), {}), "device": ((x, "cpu"), {}), "both": ((x, "cpu", target, True), {}),
        "other": ((x, Arg((2,), str(target))), {}), "keyword": ((x,), {"dtype": target, "device": "cpu"}),
        "memory": ((x,), {"dtype": target, "copy": True}), "nothing": ((x,), {"device": "cpu", "non_blocking": True}),
    }[args]  # fmt: skip


cases("torch.Tensor.to", strategy=to_calls(), device="cpu", data=True)
cases(
    "torch.Tensor.type", strategy=call(valued(*FEW), st.one_of(TARGET, st.sampled_from(("torch.HalfTensor", "torch.LongTensor", "torch.Nothing")))),
    device="cpu", data=True,
)  # fmt: skip
cases("torch.Tensor.type", strategy=plain, device="cpu", symbolic=False)
cases("torch.Tensor.type_as", strategy=call(valued(*FEW), tensors(*FEW)), device="cpu", data=True)
for name in ["float", "double", "half", "bfloat16", "long", "int", "bool", "cpu"]:
    cases(f"torch.Tensor.{name}", strategy=known, device="cpu", data=True)
for name in ["short", "char", "byte"]:
    cases(f"torch.Tensor.{name}", strategy=call(valued("f32", "i64", positive=True)), device="cpu", data=True)
for name in ["float", "double", "half", "long", "cfloat", "cdouble"]:
    cases(f"torch.Tensor.{name}", strategy=plain, device="cpu")
cases("torch.Tensor.real", "torch.Tensor.imag", strategy=plain, device="cpu")


@st.composite
def sizes(draw: Any) -> Call:
    x = draw(tensors(*ALL))
    return draw(st.sampled_from((((x,), {}), ((x, draw(dim_for(x))), {}), ((x,), {"dim": draw(dim_for(x))}))))


cases("torch.Tensor.size", strategy=sizes())
for name in ("torch.Tensor.dim", "torch.numel", "torch.Tensor.__len__", "torch.is_tensor", "torch.is_floating_point",
             "torch.is_complex", "torch.is_signed", "torch.Tensor.element_size", "torch.Tensor.requires_grad_"):  # fmt: skip
    cases(*everything(name), strategy=call(tensors("f32", "f16")) if name.endswith("grad_") else plain)
cases("torch.is_tensor", strategy=call(st.sampled_from((1, "x", None, (1, 2)))))
for name in ("torch.Tensor.stride", "torch.Tensor.is_contiguous", "torch.Tensor.storage_offset",
             "torch.Tensor.get_device", "torch.Tensor.data_ptr", "torch.Tensor.numpy"):  # fmt: skip
    cases(*everything(name), strategy=call(tensors("f32")), device="cpu", unknown="layout and device are not tracked")
one = valued(*FEW, size=st.sampled_from((1, 1, 1, 1, 2, 0)))
for name in ("torch.Tensor.item", "torch.Tensor.__int__", "torch.Tensor.__float__", "torch.Tensor.__bool__",
             "torch.Tensor.__complex__", "torch.Tensor.__index__"):  # fmt: skip
    cases(*everything(name), strategy=call(one), device="cpu", symbolic=False)
cases("torch.Tensor.tolist", strategy=call(valued(*FEW)), device="cpu", symbolic=False)
cases("torch.is_same_size", "torch.Tensor.is_same_size", strategy=st.tuples(broadcasting().map(tuple), st.just({})))

NAMES = [name for name in TORCH_DTYPE if hasattr(torch, TORCH_DTYPE[name]) and not name.startswith("q")]
anything = st.sampled_from(NAMES).map(Dtype)
cases("torch.finfo", "torch.iinfo", strategy=call(anything))
cases("torch.finfo", strategy=call())
cases("torch.promote_types", "torch.can_cast", strategy=call(anything, anything))
operand = st.one_of(tensors(*ALL, high=2), st.sampled_from((1, 2.5, True, 1j)))
cases("torch.result_type", strategy=call(operand, operand), device="cpu")
cases(
    "torch.broadcast_shapes", "torch.functional.broadcast_shapes",
    strategy=st.tuples(broadcast_shapes(3).map(tuple), st.just({})),
)  # fmt: skip
cases("torch._shape_as_tensor", strategy=call(tensors(*ALL)), device="cpu", data=True)
cases("torch._assert", strategy=call(st.booleans(), "message"))
