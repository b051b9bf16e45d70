"""Scaled dot-product attention and the multi-head attention function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import number, optional_tensor, truth
from ane_lsp.torch_model.ops.matmul import common_dtype, linear_op
from ane_lsp.torch_model.registry import Lowering, TorchError, op
from ane_lsp.torch_model.shapes import (
    as_size,
    broadcast,
    broadcast_to,
    check_same_size,
    check_tensor,
    fail,
    tensor_or_unknown,
)

Params = Mapping[str, Any]
F = "torch.nn.functional."


@op(
    F + "scaled_dot_product_attention",
    "torch._C._nn.scaled_dot_product_attention",
    mil=lambda b, p, out: _sdpa_mil(b, p, out),
)
def scaled_dot_product_attention(
    query: TensorType, key: TensorType, value: TensorType, attn_mask: Any = None, dropout_p: Any = 0.0, is_causal: Any = False,
    *, scale: Any = None, enable_gqa: Any = False,
) -> TensorType:  # fmt: skip
    q, k, v = tensor_or_unknown(query, "query"), tensor_or_unknown(key, "key"), tensor_or_unknown(value, "value")
    mask = optional_tensor(attn_mask, "attn_mask")
    dtype = common_dtype(q, k, v)
    for tensor in (q, k, v):
        if tensor.shape is not None and len(tensor.shape) < 2:
            fail("scaled_dot_product_attention: Expected query, key and value to all be at least 2 dimensional")
    if mask is not None and mask.dtype is not None and dtype is not None and mask.dtype not in ("b8", dtype, "f32"):
        fail(f"Expected attn_mask dtype to be bool or float or to match query dtype, but got {mask.dtype} and {dtype}")
    chance = number(dropout_p)
    if chance is not None and not 0 <= chance <= 1:
        fail(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if mask is not None and truth(is_causal) and not _perhaps_fused(q, k, v, mask, chance):
        fail("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if q.shape is None or k.shape is None or v.shape is None:
        return TensorType(None, dtype)
    check_same_size(q.shape[-1], k.shape[-1], "query and key must have the same embedding size")
    check_same_size(k.shape[-2], v.shape[-2], "key and value must have the same sequence length")
    gqa = truth(enable_gqa)
    ways = [way for way in (True, False) if gqa is None and _fits(q.shape, k.shape, v.shape, mask, way)] or [
        gqa is not False
    ]
    leads = {_leading(q.shape, k.shape, v.shape, mask, way) for way in ways}
    if len(leads) > 1:  # nobody knows which, and both go through
        return TensorType(None, dtype)
    lead = leads.pop()
    if mask is not None and mask.shape is not None:
        table = (*lead, q.shape[-2], k.shape[-2])
        if len(mask.shape) > len(table):
            fail("scaled_dot_product_attention: attn_mask has more dimensions than the attention weights")
        broadcast_to(mask.shape, table)
    return TensorType((*lead, q.shape[-2], v.shape[-1]), dtype)


@op("torch.nn.attention.flex_attention.flex_attention")
def flex_attention(
    query: TensorType, key: TensorType, value: TensorType, score_mod: Any = None, block_mask: Any = None, scale: Any = None,
    enable_gqa: Any = False,
) -> TensorType:  # fmt: skip
    """The shape of plain attention, whatever `score_mod` and `block_mask` do to values."""
    for tensor in (query, key, value):
        rank = tensor_or_unknown(tensor).rank
        if rank is not None and rank != 4:
            fail("NYI: query, key, and value must be 4D tensors", NotImplementedError)
    found: TensorType = scaled_dot_product_attention(query, key, value, scale=scale, enable_gqa=enable_gqa)
    return found


def _perhaps_fused(q: TensorType, k: TensorType, v: TensorType, mask: TensorType, dropout: float | None) -> bool:
    """Whether torch's fused kernel for the CPU may take this, which alone allows a mask beside is_causal: batches of heads, all of one
    width, a mask with two or four axes, no dropout (torch/aten ``sdp_utils_cpp.cpp``)."""
    if dropout or any(tensor.rank not in (None, 4) for tensor in (q, k, v)) or mask.rank not in (None, 2, 4):
        return False
    widths = {tensor.shape[-1] for tensor in (q, k, v) if tensor.shape is not None}
    return len({width for width in widths if isinstance(width, int)}) < 2


def _leading(q: Shape, k: Shape, v: Shape, mask: TensorType | None, gqa: bool) -> Shape:
    """The axes of attention before the last two. Raises TorchError where they do not fit."""
    if gqa and _shares_heads(q, k, v):
        return (*(broadcast(q[:-3], k[:-3], v[:-3]) or ()), q[-3])
    lead = broadcast(broadcast(q[:-2], k[:-2]) or (), v[:-2]) or ()
    if mask is not None and mask.shape is not None:
        lead = broadcast(lead, mask.shape[:-2]) or ()
    return lead


def _fits(q: Shape, k: Shape, v: Shape, mask: TensorType | None, gqa: bool) -> bool:
    try:
        _leading(q, k, v, mask, gqa)
    except TorchError:
        return False
    return True


def _shares_heads(q: Shape, k: Shape, v: Shape) -> bool:
    """Whether grouped-query attention repeats heads. Raises TorchError where the head counts do not divide."""
    if min(len(q), len(k), len(v)) < 4:
        return False
    for heads in (k[-3], v[-3]):
        if isinstance(q[-3], int) and isinstance(heads, int) and (heads == 0 or q[-3] % heads):
            fail("Number of heads in key and value must divide the number of heads in query")
    return True


def attend(
    b: Lowering, q: Value, k: Value, v: Value, mask: Value | None, scale: float | None, fused: bool, out: TensorType
) -> Value:
    """Attention as coremltools lowers it: the fused op where it exists and scale is the default, else its parts."""
    if fused:
        return b.emit("scaled_dot_product_attention", {"query": q, "key": k, "value": v, "attn_mask": mask}, {}, out)
    width = mil.shape_of(q)[-1]
    factor = scale if scale is not None else 1 / math.sqrt(width) if isinstance(width, int) and width else 1.0
    scaled = q if factor == 1.0 else mil.elementwise(b, "mul", q, factor)
    lead = broadcast(mil.shape_of(q)[:-2], mil.shape_of(k)[:-2]) or ()
    table = TensorType((*lead, mil.shape_of(q)[-2], mil.shape_of(k)[-2]), out.dtype)
    weights = mil.matmul(b, scaled, k, table, transpose_y=True)
    if mask is not None:
        weights = mil.elementwise(b, "add", weights, mask)
    return mil.matmul(b, b.emit("softmax", {"x": weights}, {"axis": -1}, weights.type), v, out)


def _float_mask(b: Lowering, mask: Value, dtype: str | None) -> Value:
    """A bool mask as what is added to the scores: 0 where it is True, -3e4 elsewhere."""
    name = {"f16": "fp16"}.get(dtype or "f32", "fp32")
    flags = b.emit("cast", {"x": mask}, {"dtype": name}, TensorType(mask.type.shape, dtype))
    return mil.elementwise(b, "mul", mil.elementwise(b, "sub", 1.0, flags), -3e4)


def _causal_mask(b: Lowering, q: Value, k: Value) -> Value:
    """True on and below the diagonal; folds where both lengths are known."""
    rows, columns = mil.shape_of(q)[-2], mil.shape_of(k)[-2]
    table = TensorType((rows, columns), "b8")
    if isinstance(rows, int) and isinstance(columns, int):
        return b.const(table)
    ones = b.emit("fill", {}, {"shape": (rows, columns), "value": True}, table)
    return b.emit("band_part", {"x": ones}, {"lower": -1, "upper": 0}, table)


def _sdpa_mil(b: Lowering, params: Params, out: Any) -> Value:
    q, k, v = params["query"], params["key"], params["value"]
    mask = params["attn_mask"] if isinstance(params["attn_mask"], Value) else None
    given = {"query": q, "key": k, "value": v, "attn_mask": mask}
    ranks = {t.type.rank for t in (q, k, v)}
    scale = params["scale"]
    if None in ranks or len(ranks) > 1 or number(params["dropout_p"]) != 0 or truth(params["enable_gqa"]) is not False:
        return mil.refused(b, "scaled_dot_product_attention", given, out)  # type: ignore[no-any-return]
    if scale is not None and not isinstance(scale, (int, float)):
        return mil.refused(b, "scaled_dot_product_attention", given, out)  # type: ignore[no-any-return]
    if mask is not None and truth(params["is_causal"]):
        return mil.refused(b, "scaled_dot_product_attention", given, out)  # type: ignore[no-any-return]
    fused = b.at_least("iOS18") and scale is None
    if truth(params["is_causal"]):
        mask = _causal_mask(b, q, k)
    if mask is not None and mask.type.dtype == "b8" and not fused:
        mask = _float_mask(b, mask, q.type.dtype)
    if not fused:
        return attend(b, q, k, v, mask, scale, False, out)
    flat = q.type.rank == 2
    if flat:
        q, k, v = (mil.expand_dims(b, t, (0,)) for t in (q, k, v))
    batch = broadcast(*(mil.shape_of(t)[:-2] for t in (q, k, v))) or ()
    q, k, v = (mil.broadcast_to(b, t, (*batch, *mil.shape_of(t)[-2:])) for t in (q, k, v))
    wide = TensorType((1, *(out.shape or ())), out.dtype) if flat else out
    found = attend(b, q, k, v, mask, None, True, wide)
    return mil.squeeze(b, found, (0,), out) if flat else found


@op(F + "multi_head_attention_forward", mil=lambda b, p, out: _mha_mil(b, p, out))
def multi_head_attention_forward(
    query: TensorType, key: TensorType, value: TensorType, embed_dim_to_check: Any, num_heads: Any, in_proj_weight: Any,
    in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: Any, dropout_p: Any, out_proj_weight: Any, out_proj_bias: Any,
    training: Any = True, key_padding_mask: Any = None, need_weights: Any = True, attn_mask: Any = None,
    use_separate_proj_weight: Any = False, q_proj_weight: Any = None, k_proj_weight: Any = None, v_proj_weight: Any = None,
    static_k: Any = None, static_v: Any = None, average_attn_weights: Any = True, is_causal: Any = False,
) -> Any:  # fmt: skip
    q, k, v = check_tensor(query, "query"), check_tensor(key, "key"), check_tensor(value, "value")
    wanted = truth(need_weights)
    out_weight = optional_tensor(out_proj_weight, "out_proj_weight")
    if q.shape is None or k.shape is None or wanted is None:
        plain = TensorType(q.shape, q.dtype)
        return (plain, None if wanted is False else Unknown("the attention weights are not known"))
    if len(q.shape) not in (2, 3):
        fail(f"query should be unbatched 2D or batched 3D tensor but received {len(q.shape)}-D query tensor")
    for tensor, name in ((k, "key"), (v, "value")):
        if tensor.shape is not None and len(tensor.shape) != len(q.shape):
            fail(f"For {len(q.shape)}-D query, expected {name} to be {len(q.shape)}-D but found {len(tensor.shape)}-D")
    batched = len(q.shape) == 3
    width, heads = q.shape[-1], as_size(num_heads, "num_heads")
    check_same_size(
        width,
        as_size(embed_dim_to_check),
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}",
    )
    if isinstance(width, int) and isinstance(heads, int) and (heads == 0 or width % heads):
        fail(f"embed_dim {width} not divisible by num_heads {heads}")
    if v.shape is not None:
        for a, c in zip(k.shape[:-1], v.shape[:-1], strict=True):
            check_same_size(a, c, "key's sequence and batch dims do not match value's")
        if not truth(use_separate_proj_weight):
            check_same_size(k.shape[-1], v.shape[-1], "key shape does not match value shape")
    if truth(is_causal) and attn_mask is None:
        fail("Need attn_mask if specifying the is_causal hint.")
    source = k.shape[0]
    for extra in (bias_k, None if truth(add_zero_attn) is False else add_zero_attn):
        if extra is not None and extra is not False:
            source = source + 1 if isinstance(extra, TensorType) or truth(extra) else dims.fresh()
    lead: tuple[DimLike, ...] = (q.shape[1],) if batched else ()
    end = out_weight.shape[0] if out_weight is not None and out_weight.shape else width
    output = TensorType((q.shape[0], *lead, end), q.dtype)
    if not wanted:
        return (output, None)
    average = truth(average_attn_weights)
    if average is None:
        return (output, TensorType(None, q.dtype))
    per_head: tuple[DimLike, ...] = () if average else (heads,)
    return (output, TensorType((*lead, *per_head, q.shape[0], source), q.dtype))


def _mha_mil(b: Lowering, params: Params, out: Any) -> Any:
    q, k, v = params["query"], params["key"], params["value"]
    heads = params["num_heads"]
    weights = [params["in_proj_weight"], params["out_proj_weight"]]
    odd = any(params[n] is not None for n in ("bias_k", "bias_v", "static_k", "static_v", "key_padding_mask"))
    ready = all(isinstance(w, Value) for w in weights) and isinstance(heads, int) and not truth(params["add_zero_attn"])
    result, table = out
    width = q.type.shape[-1] if q.type.shape is not None else None
    dropping = truth(params["training"]) is not False and number(params["dropout_p"]) != 0
    if odd or not ready or k is not v or q.type.rank != 3 or k.type.rank != 3 or not isinstance(width, int) or dropping:
        made = mil.refused(b, "multi_head_attention_forward", mil.tensors(params), [t for t in out if t is not None])
        return (made[0], made[1] if len(made) > 1 else None)
    return _mha(b, params, q, k, heads, width, result, table)


def _mha(
    b: Lowering,
    params: Params,
    q: Value,
    k: Value,
    heads: int,
    width: int,
    result: TensorType,
    table: TensorType | None,
) -> Any:
    """Self- or cross-attention over one packed projection, in the order torch computes it."""
    length, batch = mil.shape_of(q)[:2]
    source = mil.shape_of(k)[0]
    each = width // heads
    bias = params["in_proj_bias"] if isinstance(params["in_proj_bias"], Value) else None
    if q is k:
        parts = _packed(b, q, params["in_proj_weight"], bias, 3, width)
    else:
        w_q, w_kv = (_rows(b, params["in_proj_weight"], *cut) for cut in ((0, width), (width, 3 * width)))
        b_q, b_kv = (
            (None, None) if bias is None else tuple(_rows(b, bias, *cut) for cut in ((0, width), (width, 3 * width)))
        )
        projected = linear_op(b, q, w_q, b_q, TensorType((length, batch, width), result.dtype))
        parts = [projected, *_packed(b, k, w_kv, b_kv, 2, width)]
    split = []
    for part, size in zip(parts, (length, source, source), strict=True):
        folded = mil.reshape(b, part, (size, batch * heads, each))
        split.append(mil.transpose(b, folded, (1, 0, 2)))
    mask = params["attn_mask"] if isinstance(params["attn_mask"], Value) else None
    whole: Shape = (batch * heads, length, each)
    if table is not None:
        scaled = mil.elementwise(b, "mul", split[0], 1 / math.sqrt(each))
        scores = mil.matmul(
            b, scaled, split[1], TensorType((batch * heads, length, source), result.dtype), transpose_y=True
        )
        if mask is not None:
            added = _float_mask(b, mask, result.dtype) if mask.type.dtype == "b8" else mask
            scores = mil.elementwise(b, "add", scores, added)
        chances = b.emit("softmax", {"x": scores}, {"axis": -1}, scores.type)
        found = mil.matmul(b, chances, split[2], TensorType(whole, result.dtype))
        found = mil.transpose(b, found, (1, 0, 2))
    else:
        chances = None
        q4, k4, v4 = (
            mil.reshape(b, t, (batch, heads, size, each))
            for t, size in zip(split, (length, source, source), strict=True)
        )
        fused = b.at_least("iOS18")
        if mask is not None and mask.type.dtype == "b8" and not fused:
            mask = _float_mask(b, mask, result.dtype)
        found = attend(b, q4, k4, v4, mask, None, fused, TensorType((batch, heads, length, each), result.dtype))
        found = mil.transpose(b, found, (2, 0, 1, 3))
    flat = mil.reshape(b, found, (length * batch, width))
    out_bias = params["out_proj_bias"] if isinstance(params["out_proj_bias"], Value) else None
    rows = linear_op(b, flat, params["out_proj_weight"], out_bias, TensorType((length * batch, width), result.dtype))
    output = mil.reshape(b, rows, result.shape or (), result)
    if table is None or chances is None:
        return (output, None)
    by_head = mil.reshape(b, chances, (batch, heads, length, source))
    if truth(params["average_attn_weights"]):
        return (output, mil.reduce(b, "reduce_mean", by_head, (1,), False, table))
    return (output, by_head)


def _rows(b: Lowering, tensor: Value, start: int, stop: int) -> Value:
    return mil.slice_axis(b, tensor, 0, start, stop)


def _packed(b: Lowering, x: Value, weight: Value, bias: Value | None, count: int, width: int) -> list[Value]:
    """`count` projections by one linear layer: torch unflattens its output, moves the copies to the front and selects."""
    length, batch = mil.shape_of(x)[:2]
    wide = linear_op(b, x, weight, bias, TensorType((length, batch, count * width), x.type.dtype))
    wide = mil.reshape(b, wide, (length, batch, count, width))
    wide = mil.transpose(b, mil.expand_dims(b, wide, (0,)), (3, 1, 2, 0, 4))
    wide = mil.squeeze(b, wide, (3,))
    one = TensorType((length, batch, width), x.type.dtype)
    found = []
    for i in range(count):
        attrs = {
            "begin": (i, 0, 0, 0),
            "end": (i + 1, 0, 0, 0),
            "end_mask": (False, True, True, True),
            "squeeze_mask": (True, False, False, False),
        }
        found.append(b.emit("slice_by_index", {"x": wide}, attrs, one))
    return found
