"""Flex attention: its result has the shape of plain attention, whatever `score_mod` and `block_mask` do to values.
`_attend` is native: the operation itself."""

import torch

_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest:
    def __init__(self, lse=False, max_scores=False):
        self.lse = lse
        self.max_scores = max_scores


class AuxOutput:
    def __init__(self, lse=None, max_scores=None):
        self.lse = lse
        self.max_scores = max_scores


class BlockMask:
    def __init__(self, shape=None, mask_mod=None, BLOCK_SIZE=(128, 128), **kwargs):
        self.shape = shape
        self.seq_lengths = None if shape is None else shape[-2:]
        self.mask_mod = mask_mod
        self.BLOCK_SIZE = BLOCK_SIZE

    def to(self, device):
        return self


def noop_mask(batch, head, token_q, token_kv):
    return True


def and_masks(*mask_mods):
    def and_mask(b, h, q_idx, kv_idx):
        result = mask_mods[0](b, h, q_idx, kv_idx)
        for mask_mod in mask_mods[1:]:
            result = result & mask_mod(b, h, q_idx, kv_idx)
        return result

    return and_mask


def or_masks(*mask_mods):
    def or_mask(b, h, q_idx, kv_idx):
        result = mask_mods[0](b, h, q_idx, kv_idx)
        for mask_mod in mask_mods[1:]:
            result = result | mask_mod(b, h, q_idx, kv_idx)
        return result

    return or_mask


def create_block_mask(
    mask_mod, B, H, Q_LEN, KV_LEN, device=None, BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, _compile=False, **kwargs
):
    block = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    return BlockMask((1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN), mask_mod, block)


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None):
    return torch.empty((1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN), dtype=torch.bool)


def flex_attention(
    query,
    key,
    value,
    score_mod=None,
    block_mask=None,
    scale=None,
    enable_gqa=False,
    return_lse=False,
    kernel_options=None,
    *,
    return_aux=None,
):
    output = _attend(query, key, value, scale=scale, enable_gqa=enable_gqa)
    if return_aux is not None:
        lse = torch.empty(query.shape[:-1], dtype=torch.float32)
        return output, AuxOutput(lse if return_aux.lse else None, lse if return_aux.max_scores else None)
    if return_lse:
        return output, torch.empty(query.shape[:-1], dtype=torch.float32)
    return output
