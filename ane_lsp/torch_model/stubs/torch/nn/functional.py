"""torch.nn.functional. What is missing here is a native operation."""

import torch
from torch.nn import _reduction as _Reduction
from torch.nn import grad
from torch.nn.modules.utils import _list_with_default, _pair, _single, _triple
from torch.overrides import (
    handle_torch_function,
    has_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
)


def _none_or_dtype(input):
    return None if input is None else input.dtype


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    """A mask that is added to scores: True becomes -inf."""
    if mask is None:
        return None
    if mask.dtype == torch.bool:
        return torch.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))
    if not torch.is_floating_point(mask):
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    return mask


def _get_softmax_dim(name, ndim, stacklevel=3):
    return 0 if ndim == 0 or ndim == 1 or ndim == 3 else 1


def _in_projection_packed(q, k, v, w, b=None):
    """Queries, keys and values of a stacked projection: one product where they come from one tensor."""
    dim = q.size(-1)
    if k is v:
        if q is k:
            joint = torch.nn.functional.linear(q, w, b)
            joint = joint.unflatten(-1, (3, dim)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()
            return joint[0], joint[1], joint[2]
        w_q, w_kv = w.split([dim, dim * 2])
        b_q, b_kv = (None, None) if b is None else b.split([dim, dim * 2])
        joint = torch.nn.functional.linear(k, w_kv, b_kv)
        joint = joint.unflatten(-1, (2, dim)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()
        return torch.nn.functional.linear(q, w_q, b_q), joint[0], joint[1]
    w_q, w_k, w_v = w.chunk(3)
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    return (
        torch.nn.functional.linear(q, w_q, b_q),
        torch.nn.functional.linear(k, w_k, b_k),
        torch.nn.functional.linear(v, w_v, b_v),
    )


def _in_projection(q, k, v, w_q, w_k, w_v, b_q=None, b_k=None, b_v=None):
    return (
        torch.nn.functional.linear(q, w_q, b_q),
        torch.nn.functional.linear(k, w_k, b_k),
        torch.nn.functional.linear(v, w_v, b_v),
    )


def linear_cross_entropy(
    input,
    linear_weight,
    target,
    *,
    linear_bias=None,
    weight=None,
    reduction="mean",
    ignore_index=None,
    label_smoothing=0.0,
    options=None,
):
    F = torch.nn.functional
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    features = linear_weight.shape[:-1]
    total = 1
    for size in features:
        total *= size
    logits = F.linear(
        input,
        linear_weight.reshape((total, linear_weight.shape[-1])),
        None if linear_bias is None else linear_bias.reshape(total),
    )
    if len(features) > 1:
        logits = logits.reshape((*input.shape[:-1], *features))
    return F.cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if distance_function is None:
        distance_function = torch.pairwise_distance
    near = distance_function(anchor, positive)
    far = distance_function(anchor, negative)
    if swap:
        far = torch.minimum(far, distance_function(positive, negative))
    loss = torch.clamp_min(margin + near - far, 0)
    if reduction == "sum":
        return torch.sum(loss)
    return torch.mean(loss) if reduction == "mean" else loss
