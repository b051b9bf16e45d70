"""Views and permutations of more than five axes that a converter makes steps of at most five of."""

from __future__ import annotations

from collections.abc import Iterable

from ane_lsp.graph.ir import Graph, Op, Value

MOST_AXES = 5
"""That Core ML takes. Source: conversion with coremltools 9.0."""
_LAYOUT_OPS = frozenset({"reshape", "transpose", "expand_dims", "squeeze"})


def rearranged(graph: Graph) -> frozenset[int]:
    """Ids of the ops that take a tensor to more than five axes and back by nothing but views and permutations: coremltools' pass
    ``expand_high_rank_reshape_and_transpose`` leaves none of them with more than five (seen with 9.0)."""
    opening = [
        op for op in graph.ops if op.kind in _LAYOUT_OPS and _is_high(op.outputs) and not _is_high(op.input_values())
    ]
    if not opening:
        return frozenset()
    consumers = graph.consumers()
    found: set[int] = set()
    for op in opening:
        chain = {op.id}
        waiting = [op]
        if all(_follows(one, consumers.get(value.id, []), chain, waiting) for one in waiting for value in one.outputs):
            found |= chain
    return frozenset(found)


def _follows(op: Op, readers: list[Op], chain: set[int], waiting: list[Op]) -> bool:
    """Whether what reads a result of `op` is again a view or permutation; those go to `chain`, and to `waiting` while they are high."""
    for reader in readers:
        if reader.kind not in _LAYOUT_OPS:
            return False
        if reader.id not in chain:
            chain.add(reader.id)
            if _is_high(reader.outputs):
                waiting.append(reader)
    return bool(readers)


def _is_high(values: Iterable[Value]) -> bool:
    return any((value.type.rank or 0) > MOST_AXES for value in values)


__all__ = ["MOST_AXES", "rearranged"]
