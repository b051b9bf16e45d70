"""The operations that take part in placement: what is left of a graph in the converted program."""

from __future__ import annotations

from collections.abc import Mapping

from ane_lsp.graph import Graph, Op, Value
from ane_lsp.graph.liveness import idle_ops
from ane_lsp.placement import passes

# Not operations of the running program: constants, weights unpacked when the model loads, copies.
_NOT_RUN = ("const", "identity", "constexpr_")
_FUSED_INTO = ("conv", "conv_transpose")


def chain(graph: Graph) -> list[Op]:
    """Run-time operations in order: without what folds, what no output needs, and batch norms that merge into the
    convolution before them. Equal relu ops in a row are one. A graph from source also goes through the converter's passes."""
    idle = idle_ops(graph)
    readers = graph.consumers()
    kept: list[Op] = []
    for op in graph.ops:
        if op.folds or op.id in idle or op.kind.startswith(_NOT_RUN):
            continue
        before = _only_source(graph, op, readers)
        if op.kind == "batch_norm" and before is not None and before.kind in _FUSED_INTO:
            continue
        if op.kind == "relu" and before is not None and before.kind == "relu":
            continue
        kept.append(op)
    return passes.run(kept, graph.outputs) if graph.source == "static" else kept


def _only_source(graph: Graph, op: Op, readers: Mapping[int, list[Op]]) -> Op | None:
    """The op whose result goes into `op` and nowhere else."""
    source = op.inputs.get("x")
    if not isinstance(source, Value):
        return None
    if len(readers.get(source.id, ())) != 1 or any(source.id == out.id for out in graph.outputs):
        return None
    return graph.producer(source)
