"""Which operations a converter drops because nothing of the program's output comes from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ane_lsp.graph.ir import Call, Graph, Value
from ane_lsp.graph.types import Unknown

# Ops that matter for what they write.
_WRITES = frozenset({"write_state", "coreml_update_state"})
# What these take out of a tensor is a Python number, a constant of the conversion: what computed it is left unused.
_TO_PYTHON = frozenset(
    f"torch.Tensor.{name}"
    for name in ("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__complex__")
)
# torch's own losses, and functions and classes of an author that are named after one.
_LOSS_CALL = re.compile(r"^torch\.nn\.\w+Loss$|_loss$|\.(?:binary_)?cross_entropy(?:_with_logits)?$|\.kl_div$")
_LOSS_CODE = re.compile(r"(?:^|[._])loss(?:es)?(?:$|[._])|Loss(?:es)?(?:$|\.)", re.ASCII)


_NOTHING = frozenset[int]()


def idle_ops(graph: Graph) -> frozenset[int]:
    """Ids of ops whose results reach no output: the indices of ``x.max(dim).values``, sums that only a branch looks at.

    Tensors that go into a call whose result the analysis does not know count as used. Where no output is known at all, only
    parts of a call's result that nobody takes, next to parts that somebody does, and constants that nothing computed at run
    time reads are idle.
    """
    if not graph.outputs:
        return unused_parts(graph) | _unread_constants(graph)
    return _unreached(graph, {value.id for value in graph.outputs}, frozenset())


def unconverted_ops(graph: Graph) -> frozenset[int]:
    """Ids of ops that the converted model lacks: their results reach no output, or only a loss."""
    return idle_ops(graph) | training_ops(graph)


def training_ops(graph: Graph) -> frozenset[int]:
    """Ids of ops that only serve a loss the model computes next to its answer, or instead of one; empty without a loss.

    Inference ends where a loss begins: what is compared counts as an output, the targets, the loss and what is made of it do
    not. A graph that is a loss as a whole has none: somebody asked for it.
    """
    called = set(filter(_is_loss, {call.torch for call in graph.calls}))
    within = set(filter(_of_a_loss, {call.fn for call in graph.calls}))
    losses = {call.id for call in graph.calls if call.torch in called or call.fn in within}
    if not losses or _of_a_loss(graph.name) or all(op.call.id in losses for op in graph.ops):
        return frozenset()
    made: set[int] = set()  # values that a loss takes part in
    after: set[int] = set()
    compared: set[int] = set()
    for op in graph.ops:
        given = [value for value in op.input_values() if not value.is_const]
        if op.call.id in losses or not made.isdisjoint(value.id for value in given):
            if op.call.id in losses and made.isdisjoint(value.id for value in given):
                compared.update(
                    v.id for value in (given[:1] if is_loss(op.call) else given) for v in _raw(graph, value)
                )
            after.add(op.id)
            made.update(op.makes)
    answers = {value.id for value in graph.outputs if value.producer is not None} - made
    return frozenset(after) | _unreached(graph, answers or compared, frozenset(after))


# What stands between a model's answer and a loss that wants probabilities.
_INTO_PROBABILITIES = frozenset({"log_softmax", "softmax", "log", "sigmoid", "logsigmoid"})


def _raw(graph: Graph, value: Value) -> Iterator[Value]:
    """A value before it was turned into probabilities for a loss; nothing where that is not known."""
    while (maker := graph.producer(value)) is not None and maker.call.torch.rsplit(".", 1)[-1] in _INTO_PROBABILITIES:
        before = next(iter(maker.input_values()), None)
        if before is None:
            return
        value = before
    yield value


def is_loss(call: Call) -> bool:
    """Whether a call is one of torch's losses, as a module or a function."""
    return _is_loss(call.torch)


@lru_cache(maxsize=4096)
def _is_loss(name: str) -> bool:
    return _LOSS_CALL.search(name) is not None


@lru_cache(maxsize=4096)
def _of_a_loss(name: str) -> bool:
    return _LOSS_CODE.search(name) is not None


def _unreached(graph: Graph, wanted: set[int], left_out: frozenset[int]) -> frozenset[int]:
    """Ids of ops from which no wanted value comes. left_out: ops whose needs do not count.

    Where something wanted comes from what the analysis lost sight of, it may come from any op.
    """
    dropped = {value for op in graph.ops if op.id in left_out for value in op.makes} if left_out else _NOTHING
    live = set(wanted)
    for call in _unresolved(graph):
        given = {value.id for value in _given(call)}
        if dropped.isdisjoint(given):
            live.update(given)
    idle: set[int] = set()
    for op in reversed(graph.ops):
        if op.id in left_out:
            idle.add(op.id)
        elif not live.isdisjoint(op.makes) or op.kind in _WRITES:
            taken = op.reads
            lost = op.alike.get(_from_nowhere)
            if lost is None:
                lost = op.alike[_from_nowhere] = any(map(_from_nowhere, op.input_values()))
            if lost or (not taken and _is_given_unknown(op.call)):
                return left_out | unused_parts(graph) | _unread_constants(graph)
            live.update(taken)
        else:
            idle.add(op.id)
    return frozenset(idle)


def _from_nowhere(value: Value) -> bool:
    """Whether a value stands for a tensor that the analysis knows nothing of, not even where it comes from."""
    return value.origin == "constant" and value.type.shape is None and value.type.dtype is None


def _is_given_unknown(call: Call) -> bool:
    return any(isinstance(given, Unknown) for given in (*call.args, *call.kwargs.values()))


def idle_calls(graph: Graph, idle: frozenset[int]) -> frozenset[int]:
    """Ids of calls that made ops, all of them idle."""
    if not idle:
        return frozenset()
    gone = {op.call.id for op in graph.ops if op.id in idle}
    return frozenset(gone.difference([op.call.id for op in graph.ops if op.id not in idle]))


def unused_parts(graph: Graph) -> frozenset[int]:
    """Ids of ops that compute a result of their call nobody takes, while another result of the same call is taken."""
    read = {value.id for value in graph.outputs}.union(*[op.reads for op in graph.ops])
    unread = [op for op in graph.ops if read.isdisjoint(op.makes)]
    if not unread:
        return frozenset()
    left = {op.id for op in unread}
    taken = {op.call.id for op in graph.ops if op.id not in left}
    return frozenset(op.id for op in unread if op.call.id in taken)


def _unread_constants(graph: Graph) -> frozenset[int]:
    """Ids of ops that make constants of a known type which no op of the running model needs: no model answers with those."""
    folding = [op for op in graph.ops if op.folds]
    if not folding:
        return frozenset()
    live = {value.id for call in (*_unresolved(graph), *graph.custom) for value in _given(call)}
    live.update(*[op.reads for op in graph.ops if not op.folds])
    idle: set[int] = set()
    for op in reversed(folding):
        known = all(v.type.shape is not None and v.type.dtype is not None for v in op.outputs)
        if known and op.kind not in _WRITES and live.isdisjoint(op.makes):
            idle.add(op.id)
        else:
            live.update(op.reads)
    return frozenset(idle)


def _unresolved(graph: Graph) -> Iterator[Call]:
    """Calls that made no op and whose result may be a tensor the analysis does not know."""
    with_ops = {op.call.id for op in graph.ops}
    for call in graph.calls:
        if call.id not in with_ops and _may_be_tensor(call.result) and call.torch not in _TO_PYTHON:
            yield call


def _given(call: Call) -> list[Value]:
    return values((call.args, call.kwargs))


def _may_be_tensor(result: Any) -> bool:
    if isinstance(result, (tuple, list)):
        return any(_may_be_tensor(item) for item in result)
    if isinstance(result, dict):
        return any(_may_be_tensor(item) for item in result.values())
    return isinstance(result, Unknown)


_PLAIN = frozenset({int, float, bool, str, type(None)})


def values(structure: Any) -> list[Value]:
    """The tensors in nested tuples, lists and dicts, and those that stand for the items of a sequence of unknown length."""
    found: list[Value] = []
    _collect(structure, found)
    return found


def _collect(structure: Any, found: list[Value]) -> None:
    if structure.__class__ is Value:
        found.append(structure)
    elif isinstance(structure, (tuple, list)):
        for item in structure:
            if item.__class__ is Value:
                found.append(item)
            elif item.__class__ not in _PLAIN:
                _collect(item, found)
    elif isinstance(structure, dict):
        _collect(tuple(structure.values()), found)
    elif isinstance(structure, Unknown):
        _collect(structure.item, found)
