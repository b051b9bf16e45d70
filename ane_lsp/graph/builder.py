"""Builds a :class:`Graph` op by op. Both producers use it; it is also what a lowering sees of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph.ir import Call, Graph, Op, Operand, Value, ValueOrigin
from ane_lsp.graph.types import TensorType

# Core ML opsets by deployment target, oldest first.
OPSETS = ("iOS13", "iOS14", "iOS15", "iOS16", "iOS17", "iOS18", "iOS26")


class GraphBuilder:
    """Appends ops to `graph`. `opset` is the deployment target that decides how torch calls are lowered.

    next_value: the id that the next value gets.
    """

    def __init__(self, graph: Graph | None = None, opset: str = "iOS18") -> None:
        self.graph = graph or Graph()
        self.opset = opset
        self.next_value = 0

    def at_least(self, opset: str) -> bool:
        """Whether the deployment target has the ops of `opset`."""
        return OPSETS.index(self.opset) >= OPSETS.index(opset)

    def value(
        self,
        type: TensorType,
        origin: ValueOrigin,
        name: str = "",
        producer: int | None = None,
        fold: bool = False,
    ) -> Value:
        """A new value with an id of its own."""
        made = Value(self.next_value, type, origin, name, producer, fold)
        self.next_value += 1
        return made

    def const(self, type: TensorType, name: str = "") -> Value:
        """A constant tensor."""
        return self.value(type, "constant", name)

    def emit(
        self,
        call: Call,
        kind: str,
        inputs: Mapping[str, Operand | None],
        attrs: Mapping[str, Any],
        out: Sequence[TensorType],
    ) -> tuple[Value, ...]:
        """Append one op; absent (None) inputs are left out. Its outputs fold where every input is constant.

        An op without tensor inputs (``fill``, ``range_1d``) folds too, unless an attribute is a run-time size. An operand the
        analysis does not know is left out as well, and such an op does not fold.
        """
        given: dict[str, Operand] = {}
        values: list[Value] = []
        whole = True
        for name, operand in inputs.items():
            if operand is None:
                continue
            items = operand if isinstance(operand, tuple) else (operand,)
            kept = tuple(v for v in items if isinstance(v, Value))  # what is unknown is no tensor of the graph
            whole = whole and len(kept) == len(items)
            values += kept
            if kept:
                given[name] = kept if isinstance(operand, tuple) else kept[0]
        fold = whole and all(v.is_const for v in values) and not kind.startswith("random")
        index = len(self.graph.ops)
        outputs = tuple(self.value(t, "op", "", index, fold) for t in out)
        self.graph.ops.append(Op(index, kind, given, dict(attrs), outputs, call))
        return outputs
