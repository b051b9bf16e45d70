"""Which operations a converter drops because nothing of the program's output comes from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ane_lsp.graph.ir import Graph, Value
from ane_lsp.graph.types import Unknown

# Ops that matter for what they write.
_WRITES = frozenset({"write_state", "coreml_update_state"})
# What these take out of a tensor is a Python number, a constant of the conversion: what computed it is left unused.
_TO_PYTHON = frozenset(
    f"torch.Tensor.{name}"
    for name in ("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__complex__")
)


def idle_ops(graph: Graph) -> frozenset[int]:
    """Ids of ops whose results reach no output: the indices of ``x.max(dim).values``, sums that only a branch looks at.

    Tensors that go into a call whose result the analysis does not know count as used. Where no output is known at all, only
    parts of a call's result that nobody takes, next to parts that somebody does, are idle.
    """
    if not graph.outputs:
        return unused_parts(graph)
    with_ops = {op.call.id for op in graph.ops}
    live = {value.id for value in graph.outputs}
    for call in graph.calls:
        if call.id not in with_ops and _may_be_tensor(call.result) and call.torch not in _TO_PYTHON:
            live.update(value.id for value in _values((call.args, tuple(call.kwargs.values()))))
    idle: set[int] = set()
    for op in reversed(graph.ops):
        if op.kind in _WRITES or not live.isdisjoint(value.id for value in op.outputs):
            live.update(value.id for value in op.input_values())
        else:
            idle.add(op.id)
    return frozenset(idle)


def idle_calls(graph: Graph, idle: frozenset[int]) -> frozenset[int]:
    """Ids of calls that made ops, all of them idle."""
    left: dict[int, bool] = {}
    for op in graph.ops:
        left[op.call.id] = left.get(op.call.id, True) and op.id in idle
    return frozenset(call for call, gone in left.items() if gone)


def unused_parts(graph: Graph) -> frozenset[int]:
    """Ids of ops that compute a result of their call nobody takes, while another result of the same call is taken."""
    read = {value.id for op in graph.ops for value in op.input_values()}
    read.update(value.id for value in graph.outputs)
    parts: dict[int, list[tuple[int, bool]]] = {}
    for op in graph.ops:
        parts.setdefault(op.call.id, []).append((op.id, any(value.id in read for value in op.outputs)))
    return frozenset(op for ops in parts.values() if any(used for _, used in ops) for op, used in ops if not used)


def _may_be_tensor(result: Any) -> bool:
    if isinstance(result, (tuple, list)):
        return any(_may_be_tensor(item) for item in result)
    if isinstance(result, dict):
        return any(_may_be_tensor(item) for item in result.values())
    return isinstance(result, Unknown)


def _values(structure: Any) -> Iterator[Value]:
    if isinstance(structure, Value):
        yield structure
    elif isinstance(structure, (tuple, list)):
        for item in structure:
            yield from _values(item)
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from _values(item)
