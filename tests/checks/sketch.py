"""Small graphs for rule tests, written op by op: each op is a torch call on a line of its own."""

from __future__ import annotations

from typing import Any

from ane_lsp.checks import engine
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Call, Graph, Span, TensorType, Value
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.knowledge import targets


class Sketch:
    """Builds a graph. Line numbers count calls from 1, so that findings are told apart by line."""

    def __init__(self, opset: str = "iOS18") -> None:
        self.builder = GraphBuilder(Graph(name="Net"), opset)

    @property
    def graph(self) -> Graph:
        return self.builder.graph

    def input(self, *shape: int, dtype: str = "f32", name: str = "x") -> Value:
        value = self.builder.value(TensorType(shape, dtype), "input", name)
        self.graph.inputs.append(value)
        return value

    def parameter(self, *shape: int, name: str = "weight", dtype: str = "f32") -> Value:
        return self.builder.value(TensorType(shape, dtype), "parameter", name)

    def buffer(
        self, *shape: int, name: str = "cache", dtype: str = "f32", data: tuple[float, ...] | None = None
    ) -> Value:
        return self.builder.value(TensorType(shape, dtype, data), "buffer", name)

    def number(self, value: float, dtype: str = "f32") -> Value:
        return self.builder.const(TensorType((), dtype, (value,)))

    def call(self, torch: str, *args: Any, fn: str = "Net.forward", **params: Any) -> Call:
        line = len(self.graph.calls) + 1
        span = Span("net.py", line, 4, line, 40)
        made = Call(line - 1, torch, "function", span, fn, "", args, {}, params, None)
        self.graph.calls.append(made)
        return made

    def op(
        self, kind: str, *shape: int, torch: str = "", dtype: str = "f32", call: Call | None = None, attrs: dict[str, Any] | None = None,
        **inputs: Any,
    ) -> Value:  # fmt: skip
        """One op with one output; a call of its own unless `call` is given."""
        made = call or self.call(torch or f"torch.{kind}", *inputs.values())
        out = self.builder.emit(made, kind, inputs, attrs or {}, [TensorType(shape, dtype)])[0]
        made.result = out
        return out

    def returns(self, *values: Value) -> Sketch:
        self.graph.outputs.extend(values)
        return self

    def findings(self, *codes: str, target: str = "M4", **options: Any) -> list[Finding]:
        """Findings of the given rules (code prefixes)."""
        found = engine.run(
            self.graph, targets.resolve(target), engine.Options(**options), lambda code: code.startswith(codes)
        )
        assert not [f for f in found if f.code == engine.INTERNAL], [f.message for f in found]
        return found

    def lines(self, *codes: str, **options: Any) -> list[tuple[str, int]]:
        """(code, line) of the findings."""
        return [(f.code, f.span.line) for f in self.findings(*codes, **options)]
