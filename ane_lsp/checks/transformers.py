"""ANE8xx: what transformers do that the ANE or the converter treats differently from torch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ane_lsp.checks.attention import attentions, contracts_second_axis, is_channel_first
from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.flow import (
    INFINITE,
    Extreme,
    Flow,
    distinct,
    first,
    flow_of,
    operand,
    places,
    short_name,
    static_shape,
)
from ane_lsp.graph import Call, Op, Value
from ane_lsp.graph.moves import VIEWS

_LAYOUTS = frozenset({"identity", "reshape", "transpose", "expand_dims", "squeeze", "cast"})


def _infinite(flow: Flow, value: Value) -> Iterator[Extreme]:
    return (e for e in flow.extremes(value) if e.value < 0 and not e.finite)


@graph_rule("ANE801", per_target=False)
def infinite_mask(context: Context) -> Iterator[Report]:
    """Minus infinity that reaches a softmax."""
    flow = flow_of(context)
    # 0 * -inf is worse and has its own rule; do not report the same line twice.
    multiplied = {c.call.id for _, c in _zero_times_infinity(flow) if c.call is not None}
    found: dict[int, tuple[Call, Extreme, list[Op]]] = {}
    for op in flow.of("softmax", "scaled_dot_product_attention"):
        entering = first(op) if op.kind == "softmax" else operand(op, "attn_mask")
        if entering is None:
            continue
        for extreme in _infinite(flow, entering):
            call = extreme.call or op.call
            if call.id not in multiplied:
                found.setdefault(call.id, (call, extreme, []))[2].append(op)
    for call, extreme, ops in found.values():
        written = (
            "-inf" if math.isinf(extreme.value) else "the smallest float32, which coremltools 9.0 turns into -inf,"
        )
        yield Report(
            f"A mask of {written} goes into softmax. Apple documents that the ANE's softmax does not handle infinity, and a row that is "
            "masked completely is NaN everywhere. Use -1e4: the result is the same.",
            confidence="documented",
            at=call,
            weight=len({op.span for op in ops}),
            related=places(ops, "the softmax it reaches", call),
            data={"value": "-inf" if math.isinf(extreme.value) else extreme.value},
        )


def _zero_times_infinity(flow: Flow) -> Iterator[tuple[Op, Extreme]]:
    for op in flow.of("mul"):
        values = op.input_values()
        if len(values) != 2:
            continue
        for constant, other in (values, values[::-1]):
            if not constant.is_const or other.is_const:
                continue
            extreme = next((e for e in flow.extremes(constant) if abs(e.value) >= INFINITE), None)
            if extreme is None:
                continue
            bounds = flow.range(other)
            # A mask: known to lie in [0, 1] (bool and comparisons) or one minus something.
            if bounds.lo <= 0 <= bounds.hi and (bounds.magnitude <= 1 or _one_minus(flow, other)):
                yield op, Extreme(extreme.value, extreme.call or op.call)


def _one_minus(flow: Flow, value: Value) -> bool:
    maker = flow.maker(value)
    if maker is None or maker.kind != "sub":
        return False
    return flow.scalar(first(maker)) == 1.0


@graph_rule("ANE803", per_target=False)
def zero_times_infinity(context: Context) -> Iterator[Report]:
    """``(1 - mask) * torch.finfo(torch.float32).min``."""
    if context.options.precision != "fp16":
        return
    for op, extreme in _zero_times_infinity(flow_of(context)):
        written = "infinity" if math.isinf(extreme.value) else "the smallest float32"
        yield Report(
            f"A mask is multiplied by {written}, which coremltools 9.0 stores as -inf in fp16 (seen in a conversion): where the mask is 0, "
            "0 * -inf is NaN. Multiply by -1e4 instead.",
            at=op,
            data={"value": "-inf" if math.isinf(extreme.value) else extreme.value},
        )


_FASTPATH = ("torch.nn.MultiheadAttention", "torch.nn.TransformerEncoderLayer")


@graph_rule("ANE805", per_target=False)
def attention_fast_path(context: Context) -> Iterator[Report]:
    """nn.MultiheadAttention and nn.TransformerEncoderLayer traced without gradients. One finding for a model."""
    if context.options.export_path != "trace":
        return
    hit = [c for c in context.called(_FASTPATH.__contains__) if _takes_fast_path(c)]
    spots = context.near(list({c.span: c for c in reversed(hit)}.values())[::-1])
    if spots:
        call = spots[0]
        yield Report(
            f"{short_name(call)} does not convert if it is traced under torch.no_grad() or with frozen weights: torch then takes a fused path "
            "that coremltools 9.0 does not know. Call torch.backends.mha.set_fastpath_enabled(False) first, or use torch.export.",
            at=call,
            related=places(spots, "the same fast path", call),
        )


def _takes_fast_path(call: Call) -> bool:
    if call.hyper.get("batch_first") is not True:
        return False
    if call.torch.endswith("TransformerEncoderLayer"):
        return True
    given = [v for v in call.args if isinstance(v, Value)]
    return len(given) >= 3 and given[0] is given[1] is given[2]


@graph_rule("ANE806", per_target=False)
def rotary_in_forward(context: Context) -> Iterator[Report]:
    """sin and cos of positions that are an input. One finding for a model."""
    flow = flow_of(context)
    hit = context.near(op for op in flow.of("sin", "cos") if flow.roots(first(op)) == {"int"})
    if hit:
        op = distinct(hit)[0]
        yield Report(
            "Sine and cosine of the positions are computed in the model: their product with the frequencies is rounded to fp16, where "
            "angles above 512 are half a radian apart (arithmetic, on every chip). Pass finished cos and sin tables (Apple's guidance).",
            at=op,
            related=places(distinct(hit), "computed from the positions", op),
        )


@graph_rule("ANE807", per_target=False)
def growing_cache(context: Context) -> Iterator[Report]:
    """A cache that is returned longer than it came in."""
    flow = flow_of(context)
    made = {op.id: op for value in context.graph.outputs if (op := flow.maker(value)) and op.kind == "concat"}
    hit = context.near([op for op in made.values() if _grows(flow, op)])
    if hit:
        op = hit[0]
        yield Report(
            "The cache comes in as an input and goes out one step longer, so every call has another shape, and the ANE needs fixed ones "
            "(Apple's guidance). Return only the new keys and values, keep a cache of full length outside, and mask what is unused.",
            at=op,
            related=places(distinct(hit), "grows too", op),
        )


def _grows(flow: Flow, op: Op) -> bool:
    """Whether a concatenation joins a cache and something new: a whole input that goes nowhere else, and the two are put to use.

    A dense block computes what is new from the input; a decoder hands what it has joined to a convolution or returns it as it is.
    """
    users = [user for user in flow.reached(op.outputs[0], VIEWS) if user.kind not in VIEWS]
    if not users or all(user.kind in ("conv", "conv_transpose") for user in users):
        return False
    pieces = [value for value in op.input_values() if flow.roots(value)]
    return len(pieces) > 1 and _kept_whole(flow, max(pieces, key=_elements), op)


def _elements(value: Value) -> int:
    """How many elements a value has, 0 where nobody knows; of several the first largest is what the others are joined to."""
    return math.prod(static_shape(value) or (0,))


def _kept_whole(flow: Flow, value: Value, user: Op) -> bool:
    """Whether a value is an input of the graph, in another layout at most, that nothing but `user` reads."""
    while [op for op in flow.users(value) if op.kind != "shape"] == [user]:
        maker = flow.graph.producer(value)
        if maker is None:
            return any(value.id == given.id for given in flow.graph.inputs) and (value.type.rank or 0) >= 3
        if maker.kind not in _LAYOUTS:
            return False
        value, user = first(maker), maker
    return False


@rule("ANE808", ops=("linear",), per_target=False)
def wide_head(context: Context, op: Op) -> Iterator[Report]:
    """A vocabulary-wide linear layer at the end."""
    outputs = {v.id for v in context.graph.outputs}
    shape = static_shape(op.outputs[0])
    flow = flow_of(context)
    if shape is None or shape[-1] <= 16384:
        return
    if op.outputs[0].id in outputs or any(
        o.id in outputs for u in flow.reached(op.outputs[0], VIEWS, 4) for o in u.outputs
    ):
        yield Report(
            f"A single layer with {shape[-1]} outputs: several projects split such heads into parts of at most 16384 (reported for M1 to M3 "
            "and A14 to A16); on A19 one 1x1 convolution with 262144 outputs ran on the ANE. Split the weight if yours does not.",
            weight=shape[-1],
            data={"width": shape[-1]},
        )


@graph_rule("ANE809", per_target=False)
def softmax_over_queries(context: Context) -> Iterator[Report]:
    """Per-head attention (``bkhq``) with the softmax over the queries."""
    for found in attentions(context):
        if found.softmax is None or found.scores is None or found.values is None or not found.per_head:
            continue
        axis = found.softmax.attrs.get("axis")
        if axis in (3, -1) and contracts_second_axis(found.values):
            yield Report(
                "These scores are (batch, keys, head, queries), and the softmax runs over the queries: that is not attention (checked in "
                "float64: an error of 1.08; Apple's published example has it). Use softmax(dim=1).",
                at=found.softmax,
                related=places([found.scores], "the scores", found.softmax),
            )


@rule("ANE810", ops=("add",), per_target=False)
def mask_layout(context: Context, op: Op) -> Iterator[Report]:
    """A (1, 1, Q, K) mask added to (B, K, 1, Q) scores."""
    flow = flow_of(context)
    values = list(op.input_values())
    if len(values) != 2:
        return
    for scores, mask in (values, values[::-1]):
        maker = flow.maker(scores)
        for _ in range(2):
            if maker is not None and maker.kind in ("mul", "real_div"):
                maker = flow.maker(first(maker))
        if maker is None or maker.kind != "einsum" or not is_channel_first(maker):
            continue
        before, after, given = static_shape(scores), static_shape(op.outputs[0]), static_shape(mask)
        if before and after and given and len(given) == 4 and before[2] == 1 and after[2] != 1:
            yield Report(
                f"A mask of shape {list(given)} turns the scores {list(before)} into {list(after)}: in Apple's form they are (batch, keys, 1, queries), so the "
                "mask must be (1, keys, 1, queries). Transpose it once: mask.permute(0, 3, 1, 2).",
                related=places([maker], "the scores", op),
            )
            return
