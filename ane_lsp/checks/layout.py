"""ANE4xx, the whole model: layouts and attention forms. One finding for a model, the other places related."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ane_lsp.checks.attention import attentions, equation, is_channel_first
from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.flow import (
    Flow,
    distinct,
    first,
    flow_of,
    ints,
    places,
    runtime,
    spoken,
    static_shape,
)
from ane_lsp.graph import Call, Op, Value
from ane_lsp.graph.moves import VIEWS

# Apple: the last axis of inputs and outputs is padded to 64 bytes, 32 elements of fp16.
_GRANULE = 32
_WORTH = 64 * 1024


def _boundary(context: Context) -> Iterator[tuple[Value, str, Op | Call]]:
    """Inputs and outputs with their name and the op or call a finding stands at."""
    flow = flow_of(context)
    for value in context.graph.inputs:
        users = flow.users(value)
        if users:
            yield value, f"input `{value.name}`" if value.name else "input", users[0]
    seen: set[int] = set()
    for value in context.graph.outputs:
        maker = context.graph.producer(value)
        if maker is not None and value.id not in seen:
            seen.add(value.id)
            yield value, "output", maker


@graph_rule("ANE401", per_target=False)
def singleton_last_axis(context: Context) -> Iterator[Report]:
    """Large inputs and outputs whose last axis is 1."""
    for value, name, at in _boundary(context):
        shape = static_shape(value)
        if shape and len(shape) > 1 and shape[-1] == 1 and math.prod(shape) * 2 * _GRANULE >= _WORTH:
            yield Report(
                f"The {name} of shape {list(shape)} ends in an axis of 1, which the ANE pads to 64 bytes: 32 times the memory in fp16 "
                "(Apple's guidance). Put the longest axis last.",
                at=at,
                weight=math.prod(shape),
                key=name,
                data={"shape": list(shape)},
            )


@graph_rule("ANE402", per_target=False)
def last_axis_alignment(context: Context) -> Iterator[Report]:
    """Large inputs and outputs whose last axis wastes an eighth or more of its padding."""
    for value, name, at in _boundary(context):
        shape = static_shape(value)
        if not shape or len(shape) < 2 or shape[-1] <= 1:
            continue
        last = shape[-1]
        padded = -(-last // _GRANULE) * _GRANULE
        rows = math.prod(shape[:-1])
        if (padded - last) * 8 >= padded and rows * (padded - last) * 2 >= _WORTH:
            yield Report(
                f"The {name} of shape {list(shape)} has a last axis of {last}, which the ANE pads to {padded} (Apple's guidance: "
                "multiples of 32 in fp16). Pad it yourself, with a mask, or put another axis last.",
                at=at,
                weight=rows * (padded - last),
                key=name,
                data={"shape": list(shape)},
            )


@graph_rule("ANE403", per_target=False)
def sequence_layout(context: Context) -> Iterator[Report]:
    """Transformers on (batch, sequence, channels)."""
    if not attentions(context):
        return
    every = [op for op in flow_of(context).of("linear") if first(op).type.rank == 3]
    if not every:
        return
    linears = context.near(distinct(every))
    op = linears[0]
    count = context.count(every, op)
    if count < 4:
        return
    yield Report(
        f"{spoken(count, 'linear layer')} work on (batch, sequence, channels). Apple's own models for the ANE use "
        "(batch, channels, 1, sequence) and 1x1 convolutions; the two were measured equal on iPhone 17 Pro and a Mac. Time "
        "both before you rewrite.",
        confidence="documented",
        at=op,
        weight=count,
        related=places(linears, "the same layout", op),
    )


@graph_rule("ANE405", per_target=False)
def width_transposes(context: Context) -> Iterator[Report]:
    """Transposes that move the last axis, products and per-head attention aside."""
    flow = flow_of(context)
    every = [op for op in flow.of("transpose") if _moves_width(op) and not _absorbed(flow, op)]
    if not every:
        return
    moving = context.near(distinct(every))
    op = moving[0]
    count = context.count(every, op)
    if count < 4:
        return
    yield Report(
        f"{count} transposes in this model move the last axis, and each rewrites the tensor in memory on the ANE (Apple's guidance). "
        "Choose one layout and keep it between the layers.",
        confidence="documented",
        at=op,
        weight=count,
        related=places(moving, "moves the last axis too", op),
    )


def _moves_width(op: Op) -> bool:
    perm = ints(op.attrs.get("perm"))
    shape = first(op).type.shape
    if perm is None or shape is None or len(perm) != len(shape):
        return False
    kept = [p % len(perm) for p in perm if shape[p] != 1]
    # Axes of size 1 do not count: moving them moves no data.
    return bool(kept) and kept[-1] != max(kept)


def _absorbed(flow: Flow, op: Op) -> bool:
    """Swallowed by a product (``transpose_y``), or the one transpose of per-head attention."""
    users = [u for u in flow.reached(op.outputs[0], VIEWS, steps=4) if u.kind not in VIEWS]
    return bool(users) and all(
        u.kind in ("matmul", "scaled_dot_product_attention") or is_channel_first(u) for u in users
    )


@graph_rule("ANE412", per_target=False)
def attention_heads(context: Context) -> Iterator[Report]:
    """Attention over all heads in one product; a single head (Apple's per-head products included) is not."""
    hit = [a.op for a in attentions(context) if a.all_heads]
    spots = context.near(distinct(hit))
    if not spots:
        return
    op = spots[0]
    yield Report(
        "This attention computes all heads in one product. It runs on the ANE (measured on M4, macOS 27). If it is slow, use "
        "Apple's form: one product for each head, einsum 'bchq,bkhc->bkhq' and a softmax over dim 1.",
        confidence="documented",
        at=op,
        weight=context.count(hit, op),
        related=places(spots, "all heads at once too", op),
    )


@rule("ANE413", ops=("matmul", "einsum"), per_target=False)
def einsum_transposes(context: Context, op: Op) -> Iterator[Report]:
    """einsum equations that need transposes."""
    if not op.call.torch.endswith("einsum"):
        return
    parsed = equation(op)
    if parsed is None or len(parsed[0]) != 2 or len(runtime(op)) < 2:
        return
    moved: dict[int, int] | None = context.memo.get("transposes")
    if moved is None:
        moved = context.memo["transposes"] = {}
        for other in context.graph.ops:
            if other.kind == "transpose" and not other.folds:
                moved[other.call.id] = moved.get(other.call.id, 0) + 1
    extra = moved.get(op.call.id, 0)
    if extra == 0 or is_channel_first(op):
        return
    text = f"{','.join(parsed[0])}->{parsed[1]}"
    yield Report(
        f"einsum '{text}' becomes a product and {spoken(extra, 'transpose')} (seen with coremltools 9.0), which move data on the ANE. "
        "Arrange the operands so that batch axes come first: 'bhqd,bhkd->bhqk' is one product.",
        weight=extra,
    )
