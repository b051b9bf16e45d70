"""What declared ops become in the graph: real MIL ops with real MIL parameter names, and results of the promised types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the calls to lower come from its comparison")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402

from ane_lsp.graph import Call, Graph, Span, TensorType, Value  # noqa: E402
from ane_lsp.graph.builder import GraphBuilder  # noqa: E402
from ane_lsp.torch_model import registry  # noqa: E402
from ane_lsp.torch_model.registry import OpDecl, TorchError  # noqa: E402
from tests.torch_model import harness  # noqa: E402

harness.load()
LOWERED = [decl for decl in registry.declarations() if decl.mil is not None and decl.name in harness.CASES]


class Lowering:
    """Collects what a lowering emits."""

    def __init__(self, opset: str = "iOS18") -> None:
        self.builder = GraphBuilder(Graph(), opset)
        self.opset = opset
        self.call = Call(0, "torch.test", "function", Span("test.py", 1, 0, 1, 1), "test", "", (), {}, {}, None)

    def at_least(self, opset: str) -> bool:
        return self.builder.at_least(opset)

    def emit(self, kind: str, inputs: Mapping[str, Any], attrs: Mapping[str, Any], out: TensorType) -> Value:
        return self.builder.emit(self.call, kind, inputs, attrs, [out])[0]

    def emit_many(
        self, kind: str, inputs: Mapping[str, Any], attrs: Mapping[str, Any], out: Iterable[TensorType]
    ) -> tuple[Value, ...]:
        return self.builder.emit(self.call, kind, inputs, attrs, list(out))

    def const(self, type: TensorType) -> Value:
        return self.builder.const(type)

    def tensor(self, operand: Any, like: TensorType) -> Value:
        return operand if isinstance(operand, Value) else self.builder.const(TensorType((), like.dtype))


def to_values(builder: GraphBuilder, value: Any) -> Any:
    """Arguments with tensors as graph inputs."""
    if isinstance(value, TensorType):
        return builder.value(value, "input")
    if isinstance(value, (tuple, list)):
        return type(value)(to_values(builder, item) for item in value)
    return value


def lower(decl: OpDecl, call: harness.Call, opset: str = "iOS18") -> tuple[Any, Any, list[Any]] | None:
    """The rule's result, the lowered result and the ops; None where there is nothing to lower."""
    args, kwargs = harness.ours(call[0]), {k: harness.ours(v) for k, v in call[1].items()}
    try:
        result = decl.infer(args, kwargs)
    except TorchError:
        return None
    if not isinstance(result, (TensorType, tuple, list)):
        return None
    low = Lowering(opset)
    params = {k: to_values(low.builder, v) for k, v in decl.bind(args, kwargs).items()}
    assert decl.mil is not None
    return result, decl.mil(low, params, result), low.builder.graph.ops


def mismatch(promised: Any, made: Any) -> str | None:
    """What is wrong with the structure or types of a lowered result."""
    if isinstance(promised, TensorType):
        if not isinstance(made, Value):
            return f"{made!r} is no value"
        return None if made.type.shape == promised.shape else f"{made.type} instead of {promised}"
    if isinstance(promised, (tuple, list)):
        if not isinstance(made, (tuple, list)) or len(made) != len(promised):
            return f"{made!r} for {promised!r}"
        return next((text for text in map(mismatch, promised, made) if text), None)
    return None


@cache
def mil_ops() -> dict[str, frozenset[str]]:
    """MIL op names with their parameter names, from coremltools."""
    pytest.importorskip("coremltools", reason="coremltools is not installed: MIL names are not checked")
    import coremltools.converters.mil.frontend.torch  # noqa: F401  (registers the complex dialect)
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    found: dict[str, set[str]] = {}
    for kind, by_opset in SSAOpRegistry.core_ops.items():
        for cls in by_opset.values():
            found.setdefault(kind, set()).update(cls.input_spec.input_types)
    for kind, cls in SSAOpRegistry.dialect_ops.items():
        found.setdefault(kind, set()).update(cls.input_spec.input_types)
    return {kind: frozenset(names) for kind, names in found.items()}


@pytest.mark.parametrize("decl", LOWERED, ids=lambda decl: decl.name)
def test_lowers_to_mil(decl: OpDecl) -> None:
    known = mil_ops()
    for case in harness.CASES[decl.name]:

        @settings(
            max_examples=6, derandomize=True, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case.strategy)
        def run(call: harness.Call) -> None:
            for opset in ("iOS15", "iOS18"):
                found = lower(decl, call, opset)
                if found is None:
                    continue
                promised, made, ops = found
                assert mismatch(promised, made) is None, f"{call}: {mismatch(promised, made)}"
                for op in ops:
                    if op.kind.startswith("aten."):
                        continue
                    assert op.kind in known, f"{op.kind} is no MIL op"
                    strange = {*op.inputs, *op.attrs} - known[op.kind]
                    assert not strange, f"{op.kind} has no parameter {strange}"

        run()
