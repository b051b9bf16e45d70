"""Argument strategies for pooling."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.cases.conv import setting
from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import flags

_CPU: dict[str, Any] = {"device": "cpu"}


@st.composite
def images(draw: Any, axes: int, low: int = 1, high: int = 9) -> Arg:
    """An input with `axes` spatial axes, batched or not."""
    lead = (draw(st.integers(1, 2)),) if draw(st.integers(0, 4)) else ()
    shape = (*lead, draw(st.integers(1, 2)), *(draw(st.integers(low, high)) for _ in range(axes)))
    if draw(st.integers(0, 19)) == 0:
        shape = shape[:-2]
    return Arg(shape)


@st.composite
def pools(draw: Any, axes: int, kind: str, raw: bool = False) -> Call:
    x = draw(images(axes))
    given: dict[str, Any] = {}
    if draw(flags):
        given["stride"] = draw(setting(axes, 1 if draw(st.integers(0, 14)) else 0, 3))
    if kind != "lp" and draw(flags):
        given["padding"] = draw(setting(axes, 0, 2))
    if draw(flags):
        given["ceil_mode"] = draw(flags)
    if kind == "max" and draw(flags):
        given["dilation"] = draw(setting(axes, 1, 2))
    if kind == "max" and not raw and draw(st.integers(0, 3)) == 0:
        given["return_indices"] = True
    if kind == "avg" and draw(flags):
        given["count_include_pad"] = draw(flags)
    if kind == "avg" and axes > 1 and draw(st.integers(0, 4)) == 0:
        given["divisor_override"] = draw(st.integers(0, 3))
    kernel = draw(setting(axes, 1, 4))
    return ((x, 2.0, kernel) if kind == "lp" else (x, kernel)), given


for _axes in (1, 2, 3):
    cases(
        f"torch.nn.functional.max_pool{_axes}d", f"torch.nn.functional.max_pool{_axes}d_with_indices",
        strategy=pools(_axes, "max"), **_CPU,
    )  # fmt: skip
    cases(f"torch.max_pool{_axes}d", strategy=pools(_axes, "max", True), **_CPU)
    cases(f"torch.nn.functional.avg_pool{_axes}d", strategy=pools(_axes, "avg"), **_CPU)
    cases(f"torch.nn.functional.lp_pool{_axes}d", strategy=pools(_axes, "lp"), **_CPU)
cases("torch.avg_pool1d", strategy=pools(1, "avg"), **_CPU)
cases("torch._C._nn.avg_pool2d", strategy=pools(2, "avg"), **_CPU)
cases("torch._C._nn.avg_pool3d", strategy=pools(3, "avg"), **_CPU)


@st.composite
def adaptives(draw: Any, axes: int, none: bool = False, indices: bool = False) -> Call:
    x = draw(images(axes))
    size = draw(setting(axes, 0 if draw(st.integers(0, 9)) == 0 else 1, 5))
    if none and axes > 1 and draw(flags):
        size = tuple(draw(st.sampled_from((None, 2, 3))) for _ in range(axes))
    return (x, size), {"return_indices": True} if indices and draw(flags) else {}


for _axes in (1, 2, 3):
    cases(f"torch.nn.functional.adaptive_avg_pool{_axes}d", strategy=adaptives(_axes, True), **_CPU)
    cases(
        f"torch.nn.functional.adaptive_max_pool{_axes}d", f"torch.nn.functional.adaptive_max_pool{_axes}d_with_indices",
        strategy=adaptives(_axes, True, True), **_CPU,
    )  # fmt: skip
cases("torch.adaptive_avg_pool1d", "torch.adaptive_max_pool1d", strategy=adaptives(1), **_CPU)
cases("torch._C._nn.adaptive_avg_pool2d", strategy=adaptives(2), **_CPU)
cases("torch._C._nn.adaptive_avg_pool3d", strategy=adaptives(3), **_CPU)


@st.composite
def unpools(draw: Any, axes: int) -> Call:
    x = draw(images(axes, 1, 4))
    indices = Arg(
        x.shape if draw(st.integers(0, 9)) else (2, *x.shape[1:]),
        "i64" if draw(st.integers(0, 9)) else "i32",
        (0,) * 999,
    )
    count = 1
    for size in indices.shape:
        count *= size
    indices = Arg(indices.shape, indices.dtype, (0,) * count)
    kernel = draw(st.integers(2, 3))
    given: dict[str, Any] = {"stride": draw(st.integers(2, 3))} if draw(flags) else {}
    if draw(flags) and len(x.shape) > axes:
        step = given.get("stride", kernel)
        sizes = [(size - 1) * step + kernel + draw(st.integers(-step, step)) for size in x.shape[-axes:]]
        given["output_size"] = sizes
    return (x, indices, kernel), given


for _axes in (1, 2, 3):
    cases(f"torch.nn.functional.max_unpool{_axes}d", strategy=unpools(_axes), **_CPU)


@st.composite
def fractionals(draw: Any, axes: int) -> Call:
    x = draw(images(axes, 3, 8).filter(lambda a: len(a.shape) > axes))
    given: dict[str, Any] = {}
    if draw(flags):
        given["output_size"] = draw(setting(axes, 1, 4, tuples=False))
    elif draw(st.integers(0, 5)):
        given["output_ratio"] = tuple(draw(st.sampled_from((0.5, 0.7))) for _ in range(axes))
    return (x, 2), given


for _axes in (2, 3):
    cases(
        f"torch.nn.functional.fractional_max_pool{_axes}d", f"torch.nn.functional.fractional_max_pool{_axes}d_with_indices",
        strategy=fractionals(_axes), **_CPU,
    )  # fmt: skip
