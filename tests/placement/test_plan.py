"""What a placement says about graphs built by hand."""

from __future__ import annotations

from dataclasses import replace

import context_cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ane_lsp import placement
from ane_lsp.graph import Graph, Span, TensorType, Value, dims
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.knowledge import targets
from ane_lsp.placement.costs import Constants, Cost
from ane_lsp.placement.path import Step, cheapest

M4 = targets.resolve("M4")[0]
FIXED = Constants(launch=0.125, switch=0.125, output=0.125)


def _conv(b: GraphBuilder, x: Value, channels: int = 64, line: int = 1) -> Value:
    call = replace(context_cases.CALL, id=line, span=Span("net.py", line, 0, line, 9))
    weight = b.const(TensorType((channels, channels, 3, 3), "f32"))
    return b.emit(call, "conv", {"x": x, "weight": weight}, {"strides": (1, 1), "pad_type": "same"}, [x.type])[0]


def _op(b: GraphBuilder, kind: str, x: Value, line: int = 1) -> Value:
    call = replace(context_cases.CALL, id=100 + line, span=Span("net.py", line, 0, line, 9))
    return b.emit(call, kind, {"x": x}, {}, [x.type])[0]


def _network(layers: int, *, middle: str = "", size: object = 32) -> Graph:
    b = GraphBuilder()
    x = b.value(TensorType((1, 64, size, 32), "f32"), "input")  # type: ignore[arg-type]
    for index in range(layers):
        if middle and index == layers // 2:
            x = _op(b, middle, x, line=50)
        x = _conv(b, x, line=index + 1)
    b.graph.outputs = [x]
    return b.graph


def test_one_small_layer_does_not_repay_the_launch() -> None:
    plan = placement.place(_network(1), M4)
    assert plan.on_ane == 0
    assert plan.too_small
    assert plan.fixed_ms == 0
    assert "too small to repay the launch" in placement.summary(plan)
    assert "too small" in placement.describe(plan.ops[0], plan)


def test_four_layers_do() -> None:
    plan = placement.place(_network(4), M4)
    assert plan.on_ane == 4
    assert plan.switches == 0
    assert plan.fixed_ms == 0.25
    assert placement.summary(plan) == "100 % on the ANE of M4 (predicted)"
    assert plan.confidence == "measured"


def test_an_operation_off_the_ane_splits_the_chain_and_is_named() -> None:
    plan = placement.place(_network(20, middle="cumsum"), M4)
    assert [s.unit for s in plan.segments] == ["ANE", "CPU", "ANE"]
    assert plan.switches == 2
    (removal,) = plan.removals
    assert removal.span.line == 50
    assert removal.kinds == ("cumsum",)
    assert removal.moved == 0
    assert 0.3 < removal.saved_ms < 0.4


def test_where_the_halves_are_short_the_whole_model_moves() -> None:
    plan = placement.place(_network(4, middle="cumsum"), M4)
    assert plan.on_ane == 0
    assert plan.removals[0].moved == 4


def test_a_symbolic_size_is_said_and_nothing_guessed() -> None:
    plan = placement.place(_network(8, size=dims.symbol("H")), M4)
    assert plan.problem is not None
    assert "size H" in plan.problem
    assert not plan.segments
    assert all(p.unit == "unknown" for p in plan.ops)
    assert "not predicted" in placement.summary(plan)


def test_unknown_eligibility_is_unknown_where_it_matters() -> None:
    plan = placement.place(_network(20, middle="frobnicate"), M4)
    units = {p.op.kind: p.unit for p in plan.ops}
    assert units == {"conv": "ANE", "frobnicate": "unknown"}
    assert plan.undecided == 1


def test_what_does_not_run_is_not_in_the_chain() -> None:
    b = GraphBuilder()
    x = b.value(TensorType((1, 64, 32, 32), "f32"), "input")
    constant = b.const(TensorType((1, 64, 32, 32), "f32"))
    folded = _op(b, "exp", constant)
    y = _conv(b, x)
    y = b.emit(context_cases.CALL, "batch_norm", {"x": y, "mean": b.const(TensorType((64,), "f32"))}, {}, [y.type])[0]
    _op(b, "sin", y)  # nobody reads it
    y = b.emit(context_cases.CALL, "add", {"x": y, "y": folded}, {}, [y.type])[0]
    b.graph.outputs = [y]
    assert [p.op.kind for p in placement.place(b.graph, M4).ops] == ["conv", "add"]


def test_other_chips_are_carried() -> None:
    m1 = targets.resolve("M1")[0]
    assert placement.place(_network(4), m1).confidence == "carried"


def test_an_empty_graph() -> None:
    plan = placement.place(Graph(), M4)
    assert plan.problem == "no operations were reached"


_STEPS = st.lists(
    st.builds(
        Step,
        st.builds(Cost, st.floats(0, 1, allow_nan=False), st.floats(0, 1, allow_nan=False)),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


def _price(steps: list[Step], on_ane: tuple[bool, ...]) -> float:
    total, before = 0.0, None
    for step, here in zip(steps, on_ane):
        total += step.cost.ane if here else step.cost.cpu
        total += FIXED.switch if before is not None and here != before else 0
        total += FIXED.launch if here and not before else 0
        before = here
    return total + (FIXED.output if before else 0)


# A busy machine draws slowly, which says nothing about the path.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_STEPS)
def test_the_path_is_the_cheapest_of_all(steps: list[Step]) -> None:
    found = cheapest(steps, FIXED)
    assert abs(_price(steps, found.on_ane) - found.total) < 1e-9
    assert all(step.eligible for step, here in zip(steps, found.on_ane) if here)
    every = [tuple(bool(n >> i & 1) for i in range(len(steps))) for n in range(1 << len(steps))]
    allowed = [way for way in every if all(s.eligible for s, here in zip(steps, way) if here)]
    assert found.total <= min(_price(steps, way) for way in allowed) + 1e-9
