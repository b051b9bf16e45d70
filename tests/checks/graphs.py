"""Small graphs for rule tests, built without the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Call, Graph, Span, TensorType, Value
from ane_lsp.graph.builder import GraphBuilder


class Model:
    """A model under construction: inputs, constants and calls that become ops."""

    def __init__(self, opset: str = "iOS18") -> None:
        self.b = GraphBuilder(Graph(name="Net"), opset)

    @property
    def graph(self) -> Graph:
        return self.b.graph

    def input(self, *shape: Any, dtype: str = "f32") -> Value:
        value = self.b.value(TensorType(shape, dtype), "input", "x")
        self.graph.inputs.append(value)
        return value

    def const(self, *shape: Any, dtype: str = "f32") -> Value:
        return self.b.const(TensorType(shape, dtype))

    def call(
        self,
        torch: str,
        *args: Any,
        line: int = 1,
        kind: Any = "function",
        hyper: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        module: str = "",
        ctor: Span | None = None,
        result: Any = None,
    ) -> Call:
        """A torch call at `line`, without ops."""
        made = Call(
            len(self.graph.calls), torch, kind, Span("net.py", line, 8, line, 20), "Net.forward", module, args, {},
            params or {}, result, ctor=ctor, hyper=hyper or {},
        )  # fmt: skip
        self.graph.calls.append(made)
        return made

    def op(
        self,
        kind: str,
        inputs: Mapping[str, Any],
        attrs: Mapping[str, Any] | None = None,
        out: tuple[Any, ...] | None = None,
        dtype: str = "f32",
        call: Call | None = None,
        **more: Any,
    ) -> Value:
        """One op of one call; its output has the shape of its first input unless `out` is given."""
        first = next(iter(inputs.values()))
        first = first[0] if isinstance(first, tuple) else first
        type = TensorType(first.type.shape if out is None else out, dtype)
        call = call or self.call(more.pop("torch", f"torch.{kind}"), *inputs.values(), **more)
        (value,) = self.b.emit(call, kind, inputs, attrs or {}, [type])
        return value
