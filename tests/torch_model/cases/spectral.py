"""Cases for Fourier transforms and complex views."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.cases.binary import everything
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import call, dim_for, dims_for, dtype_args, flags, options, tensors

SIZE = st.sampled_from((1, 2, 3, 4, 5, 8))
signals = tensors("f32", "c64", "f64", "i64", "f16", high=3, size=SIZE)
NORM = st.sampled_from(("ortho", "forward", "backward", "other"))


@st.composite
def one(draw: Any) -> Call:
    x = draw(signals)
    return (x,), draw(options(n=st.sampled_from((1, 2, 5, 0)), dim=dim_for(x), norm=NORM))


@st.composite
def many(draw: Any) -> Call:
    x = draw(signals)
    kwargs = draw(options(norm=NORM))
    dim = draw(dims_for(x, empty=False))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        kwargs["dim"] = dim
    elif kind == 1:
        kwargs |= {"dim": dim, "s": draw(st.lists(st.sampled_from((2, 3, 4)), min_size=len(dim), max_size=len(dim)))}
    elif kind == 2:
        kwargs["s"] = draw(st.lists(st.sampled_from((2, 3, 4)), min_size=1, max_size=2))
    return (x,), kwargs


for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    cases(f"torch.fft.{name}", strategy=one(), device="cpu")
for name in ("fft", "ifft", "rfft", "irfft"):
    cases(f"torch.fft.{name}2", f"torch.fft.{name}n", strategy=many(), device="cpu")
shifts = tensors("f32", "c64", size=SIZE).flatmap(lambda x: st.tuples(st.just((x,)), options(dim=dim_for(x))))
cases("torch.fft.fftshift", "torch.fft.ifftshift", strategy=shifts, device="cpu")
frequencies = st.tuples(
    st.tuples(st.integers(1, 9)), options(d=st.sampled_from((1.0, 0.5)), dtype=dtype_args("f32", "f64", "i64"))
)
cases("torch.fft.fftfreq", "torch.fft.rfftfreq", strategy=frequencies, device="cpu", data=True)


@st.composite
def stfts(draw: Any) -> Call:
    length, n_fft = draw(st.sampled_from((16, 20, 33, 5))), draw(st.sampled_from((4, 8, 9, 16)))
    shape = draw(st.sampled_from(((length,), (2, length), (1, length))))
    kwargs = draw(
        options(
            hop_length=st.sampled_from((1, 2, 3, 5)), center=flags, normalized=flags, onesided=flags,
            pad_mode=st.sampled_from(("reflect", "constant")),
        )
    )  # fmt: skip
    kwargs["return_complex"] = draw(flags)
    if draw(flags):
        width = draw(st.sampled_from((n_fft, 4)))
        kwargs |= {"win_length": width, "window": Arg((width,), "f32")}
    return (Arg(shape, draw(st.sampled_from(("f32", "f64", "f32")))), n_fft), kwargs


cases(*everything("torch.stft"), strategy=stfts(), symbolic=True)


@st.composite
def istfts(draw: Any) -> Call:
    n_fft, frames = draw(st.sampled_from((4, 8, 9))), draw(st.sampled_from((5, 7)))
    bins = n_fft // 2 + 1
    shape = draw(st.sampled_from(((bins, frames), (2, bins, frames), (n_fft, frames), (bins,))))
    window = Arg((n_fft,), "f32", (1.0,) * n_fft)
    return (Arg(shape, "c64"), n_fft), {
        "window": window,
        **draw(options(hop_length=st.sampled_from((1, 2)), length=st.just(8))),
    }


cases(*everything("torch.istft"), strategy=istfts(), device="cpu", symbolic=False)
cases("torch.view_as_real", strategy=call(tensors("c64", "c128", "f32")), device="cpu")
pairs = st.one_of(tensors("f32", "f64", low=1, size=st.sampled_from((2, 2, 3))), tensors("i64", "bf16"))
cases("torch.view_as_complex", strategy=call(pairs), device="cpu", symbolic=False)
