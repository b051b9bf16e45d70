"""Kinds of operations that only move elements: the values are those of the first operand(s)."""

from __future__ import annotations

MOVES = frozenset({
    "identity", "reshape", "reshape_like", "transpose", "expand_dims", "squeeze", "slice_by_index", "slice_by_size", "split", "tile",
    "concat", "stack", "reverse", "cast", "gather", "gather_nd", "gather_along_axis", "pixel_shuffle", "pixel_unshuffle",
    "space_to_depth", "depth_to_space", "batch_to_space", "space_to_batch", "flatten2d", "sliding_windows", "band_part", "topk",
    "upsample_nearest_neighbor", "resize_nearest_neighbor",
})  # fmt: skip
VIEWS = MOVES - {"concat", "stack", "band_part", "topk", "gather", "gather_nd", "gather_along_axis"}
"""The same without joining several tensors into one."""


__all__ = ["MOVES", "VIEWS"]
