"""ANE4xx, one operation at a time: parameters that run on the ANE and cost more than they need to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

from ane_lsp.checks.attention import attentions
from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.flow import first, ints, operand, short_name, static_shape
from ane_lsp.graph import Op, Value
from ane_lsp.knowledge import tables


def _kernel(op: Op) -> tuple[int, ...] | None:
    weight = operand(op, "weight")
    shape = static_shape(weight) if weight is not None else None
    return shape[2:] if shape is not None and len(shape) > 2 else None


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes)) if len(sizes) > 1 else f"{sizes[0]}-wide"


def _pair(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _factors_into_2_and_3(number: int) -> bool:
    for prime in (2, 3):
        while number > 1 and number % prime == 0:
            number //= prime
    return number == 1


@rule("ANE406", ops=("conv",), per_target=False)
def conv_stride(context: Context, op: Op) -> Iterator[Report]:
    """Strides with other factors than 2 and 3, and large unequal ones."""
    strides = ints(op.attrs.get("strides"))
    if strides is None or max(strides) <= 2:
        return
    odd = [s for s in strides if not _factors_into_2_and_3(s)]
    unequal = len(strides) == 2 and strides[0] != strides[1] and min(strides) > 2
    if not odd and not unequal:
        return
    patches = _kernel(op) == strides
    cure = (
        "The kernel is as large as the stride: a reshape and a 1x1 convolution do the same."
        if patches
        else "Prefer 2, 3, 4, 6, 8 or 9 when you train a new version."
    )
    yield Report(
        f"A convolution with stride {_pair(strides)} runs on the ANE, with overhead: Apple's guidance for it is strides made of the "
        f"factors 2 and 3, equal in both directions. {cure}",
        confidence="documented",
        weight=max(strides),
        data={"strides": list(strides)},
    )


@rule("ANE407", ops=("conv",), per_target=False)
def conv_dilation(context: Context, op: Op) -> Iterator[Report]:
    """Dilations above 3."""
    dilations = ints(op.attrs.get("dilations"))
    kernel = _kernel(op)
    if dilations is None or kernel is None:
        return
    rate = max((d for d, k in zip(dilations, kernel, strict=False) if k > 1), default=1)
    if rate > 3:
        yield Report(
            f"A convolution with dilation {rate} runs on the ANE, at a price: Apple's guidance is to build large rates from layers "
            "with dilation 2 and 3. Consider it when you train a new version.",
            confidence="documented",
            weight=rate,
            data={"dilations": list(dilations)},
        )


@rule("ANE408", ops=("conv",), per_target=False)
def large_kernel(context: Context, op: Op) -> Iterator[Report]:
    """Kernels from 9 on that still fit the ANE."""
    kernel = _kernel(op)
    if kernel is None or len(kernel) > 2 or max(kernel) < 9 or kernel == ints(op.attrs.get("strides")):
        return
    height, width = (1, *kernel) if len(kernel) == 1 else kernel
    # Beyond these ANE303 speaks, and ANE409 for the slow squares.
    if width > (15 if height == 1 else 16) or height > 31 or (height >= 13 and width >= 13):
        return
    yield Report(
        f"A {_by(kernel)} convolution costs more than stacked smaller ones: Apple's guidance for the ANE is two layers with "
        "k1 + k2 - 1 = k. Consider it when you train a new version.",
        confidence="documented",
        weight=height * width,
        data={"kernel": list(kernel)},
    )


@rule("ANE409", ops=("conv",), per_target=False)
def slow_compile(context: Context, op: Op) -> Iterator[Report]:
    """Square kernels that the compiler accepts after minutes."""
    kernel = _kernel(op)
    if kernel is None or len(kernel) != 2 or min(kernel) < 13 or max(kernel) > 16:
        return
    # Patches (stride = kernel) were not in the sweep.
    if kernel == ints(op.attrs.get("strides")):
        return
    yield Report(
        f"A {_by(kernel)} convolution compiles for seconds to minutes when the model is loaded: 2 to 23 s for 13x13, 212 to 229 s and "
        "11.7 GB for 16x16 (measured on M4, macOS 27). Use kernels below 13.",
        weight=kernel[0] * kernel[1],
        data={"kernel": list(kernel)},
    )


@rule("ANE410", ops=("max_pool", "avg_pool", "l2_pool"), per_target=False)
def pool_stride(context: Context, op: Op) -> Iterator[Report]:
    """Pooling strides other than 1, 2 and 4."""
    strides = ints(op.attrs.get("strides"))
    shape = op.outputs[0].type.shape
    if strides is None or shape is None or all(s in (1, 2, 4) for s in strides):
        return
    if all(d == 1 for d in shape[2:]):  # global pooling: the stride has no meaning
        return
    yield Report(
        f"Pooling with stride {_pair(strides)} runs on the ANE, with overhead: Apple's guidance for it is stride 2 or 4. "
        "Consider it when you train a new version.",
        confidence="documented",
        weight=max(strides),
        data={"strides": list(strides)},
    )


_LARGE = 2**18


@rule("ANE411", ops=("softmax",), per_target=False)
def softmax_axis(context: Context, op: Op) -> Iterator[Report]:
    """A large softmax over height or width, outside attention (which ANE412 looks at)."""
    shape = static_shape(first(op))
    axis = op.attrs.get("axis")
    if shape is None or len(shape) != 4 or not isinstance(axis, int) or axis % 4 < 2 or math.prod(shape) < _LARGE:
        return
    if any(op is a.softmax for a in attentions(context)):
        return
    where = "height" if axis % 4 == 2 else "width"
    yield Report(
        f"This softmax runs over the {where} of a large tensor, which limits how the ANE can split the work (Apple's guidance). "
        "Put that axis on dim 1 where the layout is yours.",
        confidence="documented",
        weight=math.prod(shape),
    )


@rule("ANE414", ops=("topk",), per_target=False)
def topk_cost(context: Context, op: Op) -> Iterator[Report]:
    """top-k inside the model."""
    axis = op.attrs.get("axis", -1)
    shape = static_shape(first(op))
    long = shape is not None and isinstance(axis, int) and bool(shape) and shape[axis] > 65536
    cost = "topk is slow on the ANE: 6 ms for k=4 of 32 and 10 ms for k=256 of 256 (measured on M4, macOS 27)"
    wrap = f", and its 16-bit indices cannot count {shape[axis]} elements" if long and shape is not None else ""
    yield Report(
        f"{cost}{wrap}. Return the scores and select outside the model, or use amax where k is 1.",
        weight=2.0 if long else 1.0,
    )


_ADAPTIVE = ("adaptive_avg_pool", "adaptive_max_pool", "AdaptiveAvgPool", "AdaptiveMaxPool")


@graph_rule("ANE415", per_target=False)
def adaptive_pool(context: Context) -> Iterator[Report]:
    """Adaptive pooling that becomes two operations for each output cell."""
    for call in context.called(lambda torch: torch.rsplit(".", 1)[-1].startswith(_ADAPTIVE)):
        source = next((v for v in call.args if isinstance(v, Value)), None)
        result = call.result[0] if isinstance(call.result, (tuple, list)) and call.result else call.result
        if source is None or source.is_const or not isinstance(result, Value):
            continue
        before, after = static_shape(source), static_shape(result)
        if before is None or after is None or len(before) < 3:
            continue
        axes = 1 if "1d" in call.torch else 2
        sizes = list(zip(before[-axes:], after[-axes:], strict=True))
        cells = math.prod(out for _, out in sizes)
        if cells == 1 or (axes == 2 and all(size % out == 0 for size, out in sizes)):
            continue
        yield Report(
            f"{short_name(call)} from {_pair(before[-axes:])} to {_pair(after[-axes:])} becomes {2 * cells} operations: a slice and a "
            "reduction for each output cell (seen with coremltools 9.0). Choose an output size that divides the input, or two products "
            "with constant averaging matrices.",
            at=call,
            weight=cells,
            data={"from": list(before[-axes:]), "to": list(after[-axes:])},
        )


_GROUP_NORMS = frozenset({"torch.nn.GroupNorm", "torch.nn.functional.group_norm", "torch.group_norm"})


@graph_rule("ANE416", per_target=False)
def group_norm_per_channel(context: Context) -> Iterator[Report]:
    """GroupNorm with a group for each channel."""
    for call in context.called(_GROUP_NORMS.__contains__):
        source = next((v for v in call.args if isinstance(v, Value)), None)
        groups = call.hyper.get("num_groups", call.params.get("num_groups"))
        shape = source.type.shape if source is not None else None
        if isinstance(groups, int) and shape is not None and len(shape) in (3, 4) and shape[1] == groups and groups > 1:
            yield Report(
                "GroupNorm with one group for each channel becomes nine operations (seen with coremltools 9.0). Use InstanceNorm with "
                "affine=True: it computes the same in one, and loads the same weights.",
                at=call,
                weight=groups,
                data={"num_groups": groups},
            )


@graph_rule("ANE417", per_target=False)
def batch_norm_without_statistics(context: Context) -> Iterator[Report]:
    """BatchNorm that computes its statistics from the input."""
    # A model that is only seen in training mode is still converted in eval mode: the constructor decides.
    without = [
        call for call in context.called(lambda torch: torch.startswith("torch.nn.BatchNorm"))
        if call.hyper.get("track_running_stats") is False
    ]  # fmt: skip
    if not without:
        return
    reducing = {op.call.id for op in context.graph.ops if op.kind == "reduce_mean" and not op.folds}
    for call in without:
        if call.id in reducing:
            yield Report(
                "This BatchNorm has no running statistics, so they are computed from the input by seven operations (seen with "
                "coremltools 9.0) and depend on the batch. Keep them: then it is folded into the convolution before it.",
                at=call,
            )


@cache
def _expansions() -> dict[str, tables.Row]:
    columns = ("torch", "ops", "becomes", "instead", "source")
    return {row["torch"]: row for row in tables.load("expansions.csv", columns, columns)}


_SPELLINGS = {
    "torch.Tensor.atan2": "torch.atan2", "torch.arctan2": "torch.atan2", "torch.Tensor.arctan2": "torch.atan2",
    "torch.Tensor.repeat_interleave": "torch.repeat_interleave", "torch.Tensor.roll": "torch.roll",
    "torch.nn.LocalResponseNorm": "torch.nn.functional.local_response_norm",
}  # fmt: skip


@graph_rule("ANE418", per_target=False)
def long_expansion(context: Context) -> Iterator[Report]:
    """Calls that become many operations where another spelling becomes few."""
    asked = context.called(lambda torch: _SPELLINGS.get(torch, torch) in _expansions())
    if not asked:
        return
    live = {op.call.id for op in context.graph.ops if not op.folds}
    for call in asked:
        row = _expansions()[_SPELLINGS.get(call.torch, call.torch)]
        if call.id not in live or (row["torch"] == "torch.repeat_interleave" and call.params.get("dim") in (0, None)):
            continue
        count = row.integer("ops")
        size = f"{count} operations: {row['becomes']}" if count > 1 else row["becomes"]
        yield Report(
            f"`{short_name(call)}` becomes {size} (seen with coremltools 9.0). Shorter: {row['instead']}.",
            at=call,
            weight=count,
        )
