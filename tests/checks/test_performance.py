"""ANE4xx: costs are hints, and one finding stands for a whole model's layout."""

from __future__ import annotations

from typing import Any

import pytest
from sketch import Sketch

from ane_lsp.graph import Value


def conv(kernel: tuple[int, ...], stride: tuple[int, ...] = (1, 1), dilation: tuple[int, ...] = (1, 1)) -> Sketch:
    s = Sketch()
    attrs = {"strides": stride, "dilations": dilation, "groups": 1, "pad_type": "valid"}
    weight = s.parameter(32, 16, *kernel)
    return s.returns(
        s.op("conv", 1, 32, 16, 16, torch="torch.nn.Conv2d", x=s.input(1, 16, 64, 64), weight=weight, attrs=attrs)
    )


@pytest.mark.parametrize(
    ("stride", "flagged"),
    [
        ((1, 1), False),
        ((2, 2), False),
        ((3, 3), False),
        ((16, 16), False),
        ((2, 9), False),
        ((5, 5), True),
        ((14, 14), True),
        ((8, 4), True),
    ],
)
def test_strides_made_of_2_and_3(stride: tuple[int, int], flagged: bool) -> None:
    assert bool(conv((3, 3), stride).lines("ANE406")) is flagged


@pytest.mark.parametrize(
    ("kernel", "dilation", "flagged"),
    [((3, 3), (3, 3), False), ((3, 3), (12, 12), True), ((3, 1), (1, 8), False), ((1, 1), (6, 6), False)],
)
def test_dilation_counts_where_the_kernel_is_wider_than_one(
    kernel: tuple[int, int], dilation: tuple[int, int], flagged: bool
) -> None:
    assert bool(conv(kernel, dilation=dilation).lines("ANE407")) is flagged


@pytest.mark.parametrize(
    ("kernel", "stride", "codes"),
    [
        ((7, 7), (1, 1), []), ((9, 9), (1, 1), ["ANE408"]), ((1, 15), (1, 1), ["ANE408"]), ((13, 13), (1, 1), ["ANE409"]),
        ((16, 16), (1, 1), ["ANE409"]), ((16, 16), (16, 16), []), ((17, 17), (1, 1), []), ((12, 12), (12, 12), []),
    ],
)  # fmt: skip
def test_large_kernels_short_of_the_limit(kernel: tuple[int, int], stride: tuple[int, int], codes: list[str]) -> None:
    assert [code for code, _ in conv(kernel, stride).lines("ANE408", "ANE409")] == codes


@pytest.mark.parametrize(
    ("stride", "out", "flagged"), [((2, 2), 16, False), ((4, 4), 16, False), ((3, 3), 10, True), ((7, 7), 1, False)]
)
def test_pool_strides(stride: tuple[int, int], out: int, flagged: bool) -> None:
    s = Sketch()
    s.returns(
        s.op("max_pool", 1, 16, out, out, x=s.input(1, 16, 32, 32), attrs={"strides": stride, "kernel_sizes": stride})
    )
    assert bool(s.lines("ANE410")) is flagged


def test_adaptive_pooling_counts_its_cells() -> None:
    for out, flagged in ((7, True), (8, False), (1, False)):
        s = Sketch()
        x = s.input(1, 16, 16, 16)
        s.returns(s.op("avg_pool", 1, 16, out, out, torch="torch.nn.AdaptiveAvgPool2d", x=x))
        found = s.findings("ANE415")
        assert bool(found) is flagged
        assert not found or "98 operations" in found[0].message


def test_inputs_and_outputs_that_end_in_one() -> None:
    s = Sketch()
    s.returns(s.op("relu", 1, 512, 64, 1, x=s.input(1, 512, 64, 1)))
    assert s.lines("ANE401") == [("ANE401", 1)] * 2  # the input and the output, at the same call
    small = Sketch()
    small.returns(small.op("relu", 1, 10, 1, x=small.input(1, 10, 1)))
    assert small.lines("ANE401") == []


@pytest.mark.parametrize(("width", "flagged"), [(77, True), (96, False), (300, False)])
def test_alignment_matters_where_an_eighth_is_wasted(width: int, flagged: bool) -> None:
    s = Sketch()
    s.returns(s.op("reduce_mean", 1, 4096, x=s.input(1, 4096, width), attrs={"axes": (-1,)}))
    assert bool(s.lines("ANE402")) is flagged


def block(s: Sketch, x: Value, linears: int = 4) -> Value:
    for _ in range(linears):
        x = s.op("linear", 1, 32, 64, torch="torch.nn.Linear", x=x, weight=s.parameter(64, 64))
    return x


def attention(s: Sketch, x: Value, transpose_first: bool = True) -> Value:
    keys = s.op("transpose", 1, 64, 32, x=x, attrs={"perm": (0, 2, 1)}) if transpose_first else x
    scores = s.op("matmul", 1, 32, 32, x=x, y=keys)
    weights = s.op("softmax", 1, 32, 32, x=scores, attrs={"axis": -1})
    return s.op("matmul", 1, 32, 64, x=weights, y=x)


def test_one_layout_hint_for_a_transformer_and_none_for_an_mlp() -> None:
    s = Sketch()
    s.returns(attention(s, block(s, s.input(1, 32, 64), linears=12)))
    [found] = s.findings("ANE403")
    assert (found.span.line, found.severity) == (1, "hint")
    assert found.related[-1].message.endswith("and 6 more places")
    mlp = Sketch()
    mlp.returns(block(mlp, mlp.input(1, 32, 64), linears=12))
    assert mlp.lines("ANE403") == []


def test_transposes_that_products_absorb_do_not_count() -> None:
    s = Sketch()
    x = s.input(1, 32, 64)
    for _ in range(6):
        x = attention(s, x)
    assert s.returns(x).lines("ANE405") == []


def test_many_width_transposes_are_one_hint() -> None:
    s = Sketch()
    x = s.input(1, 16, 32, 32)
    for turn in range(6):
        perm, shape = ((0, 2, 3, 1), (1, 32, 32, 16)) if turn % 2 == 0 else ((0, 3, 1, 2), (1, 16, 32, 32))
        x = s.op("relu", *shape, x=s.op("transpose", *shape, x=x, attrs={"perm": perm}))
    [found] = s.returns(x).findings("ANE405")
    assert "6 transposes" in found.message


def test_moving_an_axis_of_size_one_is_free() -> None:
    s = Sketch()
    x = s.input(1, 1, 32, 64)
    for _ in range(6):
        x = s.op("relu", 32, 1, 1, 64, x=s.op("transpose", 32, 1, 1, 64, x=x, attrs={"perm": (2, 0, 1, 3)}))
    assert s.returns(x).lines("ANE405") == []


def per_head(softmax_axis: int = 1) -> Sketch:
    s = Sketch()
    q, k, v = s.input(1, 64, 1, 32, name="q"), s.input(1, 32, 1, 64, name="k"), s.input(1, 64, 1, 32, name="v")
    scores = s.op("einsum", 1, 32, 1, 32, torch="torch.einsum", values=(q, k), attrs={"equation": "bchq,bkhc->bkhq"})
    weights = s.op("softmax", 1, 32, 1, 32, x=scores, attrs={"axis": softmax_axis})
    return s.returns(
        s.op("einsum", 1, 64, 1, 32, torch="torch.einsum", values=(weights, v), attrs={"equation": "bkhq,bchk->bchq"})
    )


def test_apples_own_form_has_nothing_to_improve() -> None:
    assert per_head().lines("ANE4", "ANE5", "ANE8") == []


@pytest.mark.parametrize(("heads", "flagged"), [(8, True), (1, False)])
def test_batched_heads_are_a_hint_and_a_single_head_is_not(heads: int, flagged: bool) -> None:
    s = Sketch()
    q, k, v = (s.input(1, heads, 32, 64, name=name) for name in "qkv")
    scores = s.op("matmul", 1, heads, 32, 32, x=q, y=k, attrs={"transpose_y": True})
    weights = s.op("softmax", 1, heads, 32, 32, x=scores, attrs={"axis": -1})
    s.returns(s.op("matmul", 1, heads, 32, 64, x=weights, y=v))
    assert bool(s.lines("ANE412")) is flagged


@pytest.mark.parametrize(("axis", "size", "flagged"), [(-1, 128, True), (1, 128, False), (-1, 32, False)])
def test_softmax_over_a_spatial_axis_of_a_large_tensor(axis: int, size: int, flagged: bool) -> None:
    s = Sketch()
    s.returns(s.op("softmax", 1, 16, size, size, x=s.input(1, 16, size, size), attrs={"axis": axis}))
    assert bool(s.lines("ANE411")) is flagged


def test_topk_says_when_its_indices_wrap() -> None:
    for width, wraps in ((1000, False), (128256, True)):
        s = Sketch()
        s.returns(s.op("topk", 1, 5, x=s.input(1, width), attrs={"k": 5, "axis": -1}))
        [found] = s.findings("ANE414")
        assert ("16-bit" in found.message) is wraps


@pytest.mark.parametrize(
    ("torch", "params", "flagged"),
    [
        ("torch.Tensor.repeat_interleave", {"repeats": 2, "dim": 1}, True), ("torch.repeat_interleave", {"dim": 0}, False),
        ("torch.roll", {}, True), ("torch.atan2", {}, True), ("torch.atan", {}, False),
    ],
)  # fmt: skip
def test_calls_that_expand(torch: str, params: dict[str, Any], flagged: bool) -> None:
    s = Sketch()
    x = s.input(1, 16, 8, 8)
    call = s.call(torch, x, **params)
    s.returns(s.op("gather", 1, 16, 8, 8, call=call, x=x))
    assert bool(s.lines("ANE418")) is flagged
