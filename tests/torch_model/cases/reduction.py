"""Cases for reductions, scans, sorting and selection."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.torch_model.cases.binary import everything
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import (
    FLOATS,
    REAL,
    broadcasting,
    call,
    dim_for,
    dims_for,
    dtype_args,
    flags,
    options,
    tensors,
    valued,
)

ALL = (*REAL, "i8", "c64")
FEW = ("f32", "f64", "i64", "b8")
DATA = ("f32", "i64", "f64")


@st.composite
def reductions(
    draw: Any,
    source: SearchStrategy[Arg],
    *,
    many: bool = True,
    must: bool = False,
    keep: bool = True,
    **choices: Any,
) -> Call:
    """A tensor with a dim, some dims or none, by position or by name."""
    x = draw(source)
    kinds = ["one", "one", "keyword", "axis"] + (["several", "none"] if many else []) + ([] if must else ["absent"] * 2)
    kind = draw(st.sampled_from(kinds))
    extra = draw(options(**choices))
    if kind == "absent":
        return (x,), extra
    dim = draw(dims_for(x)) if kind == "several" else None if kind == "none" else draw(dim_for(x))
    if keep and draw(flags):
        extra = {**extra, ("keepdims" if kind == "axis" else "keepdim"): draw(flags)}
    if kind in ("keyword", "axis"):
        return (x,), {**extra, ("dim" if kind == "keyword" else "axis"): dim}
    return (x, dim), extra


DTYPE = dtype_args("f32", "f64", "i64")
for name in ("torch.sum", "torch.nansum", "torch.mean", "torch.nanmean"):
    cases(*everything(name), strategy=reductions(tensors(*ALL), dtype=DTYPE), device="cpu")
    data = ("f32", "f64") if "mean" in name else DATA
    cases(*everything(name), strategy=reductions(valued(*data)), device="cpu", data=True, tolerance=1e-5)
cases("torch.prod", "torch.Tensor.prod", strategy=reductions(tensors(*ALL), many=False, dtype=DTYPE), device="cpu")
cases(
    "torch.prod", "torch.Tensor.prod", strategy=reductions(valued("i64", high=2), many=False), device="cpu", data=True
)
for name in ("torch.amax", "torch.amin"):
    cases(*everything(name), strategy=reductions(tensors(*ALL)), device="cpu")
    cases(*everything(name), strategy=reductions(valued(*FEW)), device="cpu", data=True)
for name in ("torch.all", "torch.any"):
    cases(*everything(name), strategy=reductions(tensors(*ALL)), device="cpu")
    cases(*everything(name), strategy=reductions(valued("b8", "i64", "u8", "f32")), device="cpu", data=True)
for name in ("torch.argmax", "torch.argmin"):
    cases(*everything(name), strategy=reductions(tensors(*ALL), many=False), device="cpu")
    cases(*everything(name), strategy=reductions(valued(*DATA), many=False), device="cpu", data=True)
cases(*everything("torch.aminmax"), strategy=reductions(tensors(*REAL), many=False).map(
    lambda c: (c[0][:1], {**c[1], **({"dim": c[0][1]} if len(c[0]) > 1 else {})})), device="cpu")  # fmt: skip
cases(*everything("torch.aminmax"), strategy=call(valued(*FEW)), device="cpu", data=True)
cases(*everything("torch.count_nonzero"), strategy=reductions(valued(*FEW), keep=False), device="cpu", data=True)
cases(*everything("torch.logsumexp"), strategy=reductions(tensors(*ALL), must=True), device="cpu")
cases(*everything("torch.logsumexp"), strategy=reductions(valued("f32", "f64"), must=True), device="cpu", data=True)


@st.composite
def extrema(draw: Any, valued: bool = False) -> Call:
    """Reductions, or two tensors."""
    if draw(st.integers(0, 2)) == 0:
        names = ("f32", "i64") if valued else REAL
        pair = draw(broadcasting(2, *names, valued=valued, high=2))
        return (tuple(pair), {}) if draw(flags) else ((pair[0],), {"other": pair[1]})
    source = VALUED if valued else tensors(*ALL)
    return draw(reductions(source, many=False))


# Distinct elements: torch picks any of several equal ones.
@st.composite
def distinct(draw: Any) -> Arg:
    x = draw(valued(*DATA))
    count = len(x.values)
    order = draw(st.permutations(range(count)))
    return Arg(x.shape, x.dtype, tuple((v if x.dtype == "i64" else v / 4) for v in order))


VALUED = distinct()
for name in ("torch.max", "torch.min"):
    cases(*everything(name), strategy=extrema(), device="cpu")
    cases(*everything(name), strategy=extrema(valued=True), device="cpu", data=True)


@st.composite
def spreads(draw: Any, source: SearchStrategy[Arg], old: bool = True) -> Call:
    """The call forms of var and std."""
    args, kwargs = draw(reductions(source))
    form = draw(st.sampled_from(("plain", "unbiased", "correction", "positional")))
    named = "dim" in kwargs or "axis" in kwargs or len(args) > 1
    if form == "correction":
        kwargs["correction"] = draw(st.sampled_from((0, 1, 2, 0.5)))
    elif form == "positional" and not kwargs:
        args = (*args, draw(flags))
    elif form == "unbiased" and named:
        kwargs["unbiased"] = draw(flags)
    if form != "correction" and not named:
        kwargs.pop("keepdim", None)
    return args, kwargs


for name in ("torch.var", "torch.std", "torch.var_mean", "torch.std_mean"):
    cases(*everything(name), strategy=spreads(tensors(*FLOATS, "i64", "c64")), device="cpu")
    cases(*everything(name), strategy=spreads(valued("f32", "f64")), device="cpu", data=True, tolerance=1e-4)


@st.composite
def quantiles(draw: Any, source: SearchStrategy[Arg]) -> Call:
    (x, *dim), kwargs = draw(reductions(source, many=False))
    q: Any = draw(st.sampled_from((0.0, 0.25, 0.5, 1.0, 1.5, "tensor")))
    if q == "tensor":
        q = Arg(
            (draw(st.sampled_from((1, 2, 3))),) if draw(flags) else (), draw(st.sampled_from((x.dtype, "f32"))), None
        )
        q = Arg(q.shape, q.dtype, (0.5,) * (q.shape[0] if q.shape else 1))
    interpolation = draw(options(interpolation=st.sampled_from(("linear", "lower", "higher", "midpoint", "nearest"))))
    return (x, q, *dim), {**kwargs, **interpolation}


for name in ("torch.quantile", "torch.nanquantile"):
    cases(*everything(name), strategy=quantiles(valued("f32", "f64", "f16")), device="cpu")
cases("torch.quantile", strategy=call(valued("f32", low=1, size=st.sampled_from((2, 3, 4))), st.sampled_from((0.0, 0.25, 0.5))),
      device="cpu", data=True, tolerance=1e-5)  # fmt: skip
cases(*everything("torch.cov"), *everything("torch.corrcoef"), strategy=call(tensors(*FLOATS, "i64", "b8", high=3, size=st.sampled_from((2, 3)))),
      device="cpu")  # fmt: skip


@st.composite
def trapezoids(draw: Any) -> Call:
    y = draw(tensors("f32", "f64", "i64", low=1))
    if draw(flags):
        return (y,), {**draw(options(dim=dim_for(y), dx=st.sampled_from((1, 0.5))))}
    if draw(flags):
        return (y, Arg(y.shape, draw(st.sampled_from(("f32", "i64"))))), draw(options(dim=dim_for(y)))
    return (y, Arg(y.shape[-1:], "f32")), {}


cases(*everything("torch.trapezoid"), "torch.cumulative_trapezoid", strategy=trapezoids(), device="cpu")


# Scans.
@st.composite
def scans(draw: Any, source: SearchStrategy[Arg], **choices: Any) -> Call:
    x = draw(source)
    extra = draw(options(**choices))
    dim = draw(dim_for(x))
    return ((x, dim), extra) if draw(flags) else ((x,), {**extra, draw(st.sampled_from(("dim", "axis"))): dim})


for name in ("torch.cumsum", "torch.cumprod"):
    small = valued("i64", "f32", elements=st.sampled_from((1, 2, -1, 0)))
    stored = f"torch.Tensor.{name[6:]}_"
    cases(*everything(name), stored, strategy=scans(tensors(*ALL), dtype=DTYPE), device="cpu")
    cases(*everything(name), stored, strategy=scans(small), device="cpu", data=True)
for name in ("torch.cummax", "torch.cummin"):
    cases(*everything(name), strategy=scans(tensors(*ALL)), device="cpu")
    cases(*everything(name), strategy=scans(valued("f32", "i64")), device="cpu", data=True)
cases(*everything("torch.logcumsumexp"), strategy=scans(tensors(*FLOATS, "i64")), device="cpu")
cases(*everything("torch.logcumsumexp"), strategy=scans(valued("f32", "f64")), device="cpu", data=True, tolerance=1e-5)


@st.composite
def diffs(draw: Any, source: SearchStrategy[Arg]) -> Call:
    x = draw(source)
    kwargs = draw(options(n=st.integers(0, 3), dim=dim_for(x)))
    for name in ("prepend", "append"):
        if x.values is None and draw(st.integers(0, 4)) == 0:
            kwargs[name] = Arg(
                draw(st.sampled_from(((), x.shape, (1,) * len(x.shape)))), draw(st.sampled_from((x.dtype, "f32")))
            )
    return (x,), kwargs


cases(*everything("torch.diff"), strategy=diffs(tensors(*REAL)), device="cpu")
cases(*everything("torch.diff"), strategy=diffs(valued("f32", "i64")), device="cpu", data=True)


# Order.
@st.composite
def sorts(draw: Any, source: SearchStrategy[Arg], stable: bool = True) -> Call:
    x = draw(source)
    kwargs = draw(options(dim=dim_for(x), descending=flags))
    return (x,), {**kwargs, **({"stable": True} if stable else {})}


for name in ("torch.sort", "torch.argsort"):
    cases(*everything(name), strategy=sorts(tensors(*ALL), stable=False), device="cpu")
    cases(*everything(name), strategy=sorts(valued("f32", "i64", "b8")), device="cpu", data=True)
cases(*everything("torch.msort"), strategy=call(valued("f32", "i64")), device="cpu", data=True)


@st.composite
def tops(draw: Any, source: SearchStrategy[Arg]) -> Call:
    x = draw(source)
    k = draw(st.integers(0, 4))
    kwargs = draw(options(dim=dim_for(x), largest=flags))
    return (x, k), {**kwargs, "sorted": True}


cases(*everything("torch.topk"), strategy=tops(tensors(*ALL)), device="cpu")
cases(*everything("torch.topk"), strategy=tops(VALUED), device="cpu", data=True)
for name in ("torch.median", "torch.nanmedian"):
    cases(*everything(name), strategy=reductions(tensors(*REAL), many=False).map(
        lambda c: (c[0], c[1]) if len(c[0]) > 1 or {"dim", "axis"} & set(c[1]) else (c[0], {})), device="cpu")  # fmt: skip
    cases(*everything(name), strategy=call(valued("f32", "i64")), device="cpu", data=True)
cases(*everything("torch.mode"), strategy=reductions(tensors(*REAL), many=False), device="cpu")


@st.composite
def kths(draw: Any) -> Call:
    (x, *dim), kwargs = draw(reductions(tensors(*REAL), many=False))
    return (x, draw(st.integers(0, 4)), *dim), kwargs


cases(*everything("torch.kthvalue"), strategy=kths(), device="cpu")

# Results whose size depends on values.
cases(
    *everything("torch.nonzero"),
    strategy=st.tuples(st.tuples(valued(*FEW)), options(as_tuple=flags)),
    device="cpu",
    data=True,
)
cases(*everything("torch.argwhere"), strategy=call(valued(*FEW)), device="cpu", data=True)


@st.composite
def uniques(draw: Any) -> Call:
    x = draw(valued("i64", "f32", "b8", elements=st.sampled_from((0, 1, 2))))
    return (x,), draw(options(return_inverse=flags, return_counts=flags))


cases(*everything("torch.unique"), *everything("torch.unique_consecutive"), strategy=uniques(), device="cpu", data=True)


@st.composite
def unique_rows(draw: Any) -> Call:
    x = draw(valued("i64", low=1))
    return (x,), {"dim": draw(dim_for(x)), **draw(options(return_inverse=flags, return_counts=flags))}


cases(*everything("torch.unique"), *everything("torch.unique_consecutive"), strategy=unique_rows(), device="cpu",
      unknown="the number of distinct rows is not computed")  # fmt: skip
counts = valued("i64", low=1, high=1, elements=st.integers(0, 6))
cases(*everything("torch.bincount"), strategy=st.tuples(st.tuples(counts), options(minlength=st.integers(-1, 9))), device="cpu",
      data=True)  # fmt: skip
cases(*everything("torch.histc"), strategy=call(tensors("f32", "f64", "i64"), st.integers(0, 6), 0, 1), device="cpu")
cases(*everything("torch.histogram"), strategy=call(tensors("f32", "f64", "i64"), st.integers(0, 6)), device="cpu")
