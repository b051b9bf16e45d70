"""Which operations of a call are left when only a part of its result is used."""

from __future__ import annotations

from ane_lsp.graph.ir import Graph


def unused_parts(graph: Graph) -> frozenset[int]:
    """Ids of ops that compute a result of their call nobody takes, while another result of the same call is taken:
    the indices of ``x.max(dim).values``. A converter drops them.

    A whole call whose result is not used is left in: where a result goes may be what the analysis does not know.
    """
    read = {value.id for op in graph.ops for value in op.input_values()}
    read.update(value.id for value in graph.outputs)
    parts: dict[int, list[tuple[int, bool]]] = {}
    for op in graph.ops:
        parts.setdefault(op.call.id, []).append((op.id, any(value.id in read for value in op.outputs)))
    return frozenset(op for ops in parts.values() if any(used for _, used in ops) for op, used in ops if not used)
