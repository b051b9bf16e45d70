"""Argument strategies for attention, embeddings, interpolation and sampling."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import broadcast_shapes, contents, flags, shapes

F = "torch.nn.functional."
SIZE = st.integers(1, 3)
_CPU: dict[str, Any] = {"device": "cpu"}


@st.composite
def attentions(draw: Any) -> Call:
    length, source, width, last = (draw(SIZE) for _ in range(4))
    if draw(st.integers(0, 3)):
        lead = draw(shapes(0, 2, SIZE))
        leads = [lead, lead, lead]
    else:
        leads = [tuple(max(size, 1) for size in lead) for lead in draw(broadcast_shapes(3, 2))]
    given: dict[str, Any] = {}
    if draw(st.integers(0, 4)) == 0:
        groups, heads = draw(SIZE), draw(SIZE)
        batch = draw(SIZE)
        leads = [(batch, groups * heads), (batch, heads), (batch, heads)]
        given["enable_gqa"] = True
    # Keys and values of different length are left out: torch's CPU kernel does not look.
    odd = draw(st.integers(0, 14))
    q = Arg((*leads[0], length, width))
    k = Arg((*leads[1], source, width + (odd == 1)))
    v = Arg((*leads[2], source, last), "f64" if odd == 3 else "f32")
    if draw(flags):
        mask = (length, source)
        if draw(flags):
            mask = (*leads[0], *mask)
        given["attn_mask"] = Arg(
            mask if draw(st.integers(0, 14)) else (length + 1, source), draw(st.sampled_from(("b8", "f32", "i64")))
        )
    if draw(st.integers(0, 2)) == 0:
        given["is_causal"] = True
    if draw(st.integers(0, 4)) == 0:
        given["scale"] = 0.5
    return (q, k, v), given


cases(F + "scaled_dot_product_attention", "torch._C._nn.scaled_dot_product_attention", strategy=attentions(), **_CPU)


@st.composite
def flexible(draw: Any) -> Call:
    lead, length, source, width, last = (draw(SIZE), draw(SIZE)), draw(SIZE), draw(SIZE), draw(SIZE), draw(SIZE)
    if draw(st.integers(0, 5)) == 0:
        lead = lead[:1]
    given = {"scale": 0.5} if draw(flags) else {}
    return (Arg((*lead, length, width)), Arg((*lead, source, width)), Arg((*lead, source, last))), given


cases("torch.nn.attention.flex_attention.flex_attention", strategy=flexible(), **_CPU)


@st.composite
def multi_heads(draw: Any) -> Call:
    heads, each = draw(SIZE), draw(SIZE)
    width = heads * each
    length, batch = draw(SIZE), draw(SIZE)
    source = draw(SIZE) if draw(flags) else length
    unbatched = draw(st.integers(0, 4)) == 0
    lead = () if unbatched else (batch,)
    q = Arg((length, *lead, width))
    k = Arg((source, *lead, width)) if source != length else q
    given: dict[str, Any] = {"training": False}
    if draw(flags):
        given["need_weights"] = draw(flags)
    if draw(flags):
        given["average_attn_weights"] = draw(flags)
    if draw(st.integers(0, 2)) == 0:
        given["attn_mask"] = Arg((length, source), draw(st.sampled_from(("f32", "b8"))))
    bias = Arg((3 * width,)) if draw(flags) else None
    extra = Arg((1, 1, width)) if draw(st.integers(0, 4)) == 0 and bias is not None else None
    checked = width if draw(st.integers(0, 14)) else width + 1
    return (
        q, k, k, checked, heads, Arg((3 * width, width)), bias, extra, extra, draw(st.integers(0, 4)) == 0 and not unbatched, 0.0,
        Arg((width, width)), Arg((width,)) if bias is not None else None,
    ), given  # fmt: skip


cases(F + "multi_head_attention_forward", strategy=multi_heads(), **_CPU)


@st.composite
def embeddings(draw: Any, raw: bool = False) -> Call:
    rows, width = draw(st.integers(1, 5)), draw(st.integers(0, 3))
    shape = draw(shapes(0, 3))
    high = rows - 1 + (draw(st.integers(0, 14)) == 0)
    where = Arg(
        shape,
        draw(st.sampled_from(("i64", "i64", "i32", "f32"))),
        draw(contents(shape, "i64", elements=st.integers(0, high))),
    )
    table = Arg((rows, width) if draw(st.integers(0, 14)) else (rows,), draw(st.sampled_from(("f32", "f16"))))
    if raw:
        return (table, where), {}
    return (where, table), {"padding_idx": draw(st.integers(-rows - 1, rows))} if draw(flags) else {}


cases(F + "embedding", strategy=embeddings(), **_CPU)
cases("torch.embedding", strategy=embeddings(True), **_CPU)


@st.composite
def bags(draw: Any) -> Call:
    rows, width = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    shape = draw(st.sampled_from(((4,), (2, 3), (3,), (1, 1, 1))))
    where = Arg(shape, "i64", draw(contents(shape, "i64", elements=st.integers(0, rows - 1))))
    given: dict[str, Any] = {"mode": draw(st.sampled_from(("sum", "mean", "max", "min")))} if draw(flags) else {}
    if len(shape) == 1 or draw(st.integers(0, 9)) == 0:
        given["offsets"] = Arg((2,), "i64", (0, 2))
        if draw(st.integers(0, 3)) == 0:
            given["include_last_offset"] = True
            given["offsets"] = Arg((3,), "i64", (0, 2, shape[0]))
    return (where, Arg((rows, width))), given


cases(F + "embedding_bag", strategy=bags(), **_CPU)


@st.composite
def one_hots(draw: Any) -> Call:
    shape = draw(shapes(0, 3))
    where = Arg(
        shape,
        draw(st.sampled_from(("i64", "i64", "i64", "i32"))),
        draw(contents(shape, "i64", elements=st.integers(0, 3))),
    )
    return ((where, draw(st.integers(-1, 6))) if draw(flags) else (where,)), {}


cases(F + "one_hot", "torch._C._nn.one_hot", strategy=one_hots(), device="cpu", data=True)

MODES = ("nearest", "nearest", "bilinear", "bicubic", "linear", "trilinear", "area", "nearest-exact", "cubic")


@st.composite
def interpolations(draw: Any, fixed: str = "") -> Call:
    mode = fixed or draw(st.sampled_from(MODES))
    rank = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}.get(mode, draw(st.integers(3, 5)))
    if draw(st.integers(0, 14)) == 0:
        rank = draw(st.integers(2, 5))
    x = Arg((*(draw(st.integers(1, 2)) for _ in range(2)), *(draw(st.integers(1, 6)) for _ in range(max(rank - 2, 0)))))
    axes = max(rank - 2, 1)
    given: dict[str, Any] = {} if fixed else {"mode": mode}
    if draw(flags):
        size: Any = draw(st.integers(1, 7))
        given["size"] = (
            size
            if draw(flags)
            else tuple(draw(st.integers(1, 7)) for _ in range(axes + (draw(st.integers(0, 14)) == 0)))
        )
    if "size" not in given or draw(st.integers(0, 14)) == 0:
        scale = st.sampled_from((2, 2.0, 0.5, 1.5, 3, 0.3, 1.7))
        given["scale_factor"] = draw(scale) if draw(flags) else [draw(scale) for _ in range(axes)]
    if (
        not fixed
        and draw(st.integers(0, 2)) == 0
        and (mode not in ("nearest", "area", "nearest-exact") or draw(st.integers(0, 9)) == 0)
    ):
        given["align_corners"] = draw(flags)
    if not fixed and draw(st.integers(0, 5)) == 0:
        given["recompute_scale_factor"] = True
    if not fixed and draw(st.integers(0, 9)) == 0:
        given["antialias"] = True
    return (x,), given


cases(F + "interpolate", strategy=interpolations(), **_CPU)


@st.composite
def upsamples(draw: Any) -> Call:
    args, given = draw(interpolations())
    return args, {k: v for k, v in given.items() if k not in ("recompute_scale_factor", "antialias")}


cases(F + "upsample", strategy=upsamples(), **_CPU)
cases(F + "upsample_nearest", strategy=interpolations("nearest"), **_CPU)
cases(F + "upsample_bilinear", strategy=interpolations("bilinear"), **_CPU)


@st.composite
def samples(draw: Any) -> Call:
    axes = draw(st.sampled_from((2, 2, 3)))
    n = draw(SIZE)
    x = Arg((n, draw(SIZE), *(draw(SIZE) for _ in range(axes))))
    odd = draw(st.integers(0, 14))
    grid = Arg(
        (n + (odd == 1), *(draw(SIZE) for _ in range(axes + (odd == 2))), axes + (odd == 3)),
        "f64" if odd == 4 else "f32",
    )
    given: dict[str, Any] = {}
    if draw(flags):
        given["mode"] = draw(st.sampled_from(("bilinear", "nearest", "bicubic", "linear")))
    if draw(flags):
        given["padding_mode"] = draw(st.sampled_from(("zeros", "border", "reflection", "wrap")))
    if draw(flags):
        given["align_corners"] = draw(flags)
    return (x, grid), given


cases(F + "grid_sample", strategy=samples(), **_CPU)


@st.composite
def affines(draw: Any) -> Call:
    axes = draw(st.sampled_from((2, 3)))
    n = draw(SIZE)
    odd = draw(st.integers(0, 14))
    theta = Arg((n, axes, axes + 1 + (odd == 1)), "i64" if odd == 3 else "f32")
    size = [n, draw(SIZE), *(draw(SIZE) for _ in range(axes + (odd == 2)))]
    return (theta, size), {"align_corners": draw(flags)}


cases(F + "affine_grid", strategy=affines(), **_CPU)
