"""The engine: merging, worst case, several targets, one failing rule."""

from __future__ import annotations

import pytest
from graphs import Model

from ane_lsp.checks import engine
from ane_lsp.checks.engine import Options, Report
from ane_lsp.graph import Span
from ane_lsp.knowledge import targets

M4 = targets.resolve("M4")


def pools(*windows: int, line: int = 5) -> Model:
    model = Model()
    x = model.input(1, 8, 64, 64)
    for number, window in enumerate(windows):
        ctor = Span("net.py", 10 + number, 0, 10 + number, 9)
        model.op(
            "max_pool", {"x": x}, {"kernel_sizes": (window, window), "strides": (1, 1)},
            torch="torch.nn.MaxPool2d", line=line, module=f"pools.{number}", ctor=ctor,
        )  # fmt: skip
    return model


def test_one_finding_for_a_call_expression_worst_first() -> None:
    found = engine.run(pools(9, 13, 5, 11).graph, M4)
    (finding,) = [f for f in found if f.code == "ANE302"]
    assert "13x13" in finding.message
    assert finding.data["kernel"] == [13, 13]
    assert [r.message for r in finding.related] == [
        "constructed here",
        "also here, as pools.0",
        "also here, as pools.3",
    ]
    assert finding.related[0].span.line == 11


def test_many_contexts_are_counted() -> None:
    (finding,) = [f for f in engine.run(pools(*[9] * 20).graph, M4) if f.code == "ANE302"]
    assert len(finding.related) == engine.MAX_RELATED + 1
    assert finding.related[-1].message.endswith("and 13 more")


def test_the_worst_target_is_named() -> None:
    model = Model()
    model.op("relu", {"x": model.input(1, 1, 1, 20000)})
    both = (*targets.resolve("M4"), *targets.resolve("M1"))
    (finding,) = [f for f in engine.run(model.graph, both) if f.code == "ANE301"]
    assert finding.target == "M1"
    assert finding.data["targets"] == ["M1"]
    assert finding.confidence == "measured"
    assert not [f for f in engine.run(model.graph, M4) if f.code == "ANE301"]


def test_what_holds_everywhere_names_no_target() -> None:
    both = (*targets.resolve("M4"), *targets.resolve("M1"))
    (finding,) = [f for f in engine.run(pools(9).graph, both) if f.code == "ANE302"]
    assert finding.target == ""
    assert finding.confidence == "measured", "the strongest evidence is named"


def test_carried_evidence_says_so() -> None:
    (finding,) = [f for f in engine.run(pools(9).graph, targets.resolve("iPhone 13")) if f.code == "ANE302"]
    assert finding.confidence == "carried"
    assert "carried over to iPhone 13 (A15 Bionic)" in finding.message


def test_a_failing_rule_costs_no_other_its_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: engine.Context, op: object) -> list[Report]:
        raise ZeroDivisionError("oops")

    bad = engine._Bound("ANE399", broken, ("max_pool",), True, False)
    engine.bound_codes()
    monkeypatch.setattr(engine, "_BOUND", [bad, *engine._BOUND])
    found = engine.run(pools(9, 13).graph, M4)
    assert [f.code for f in found if f.code in ("ANE302", "ANE901")].count("ANE302") == 1
    (failure,) = [f for f in found if f.code == "ANE901"]
    assert "ANE399" in failure.message
    assert "oops" in failure.message


def test_folded_ops_and_unused_parts_are_not_run_time_ops() -> None:
    model = Model()
    model.op("tan", {"x": model.const(4)})
    x = model.input(1, 8)
    call = model.call("torch.max", x)
    values = model.op("reduce_max", {"x": x}, call=call)
    model.op("reduce_argmax", {"x": x}, dtype="i64", call=call)
    model.graph.outputs.append(values)
    assert [f.code for f in engine.run(model.graph, M4) if f.code in ("ANE201", "ANE203")] == []
    model.graph.outputs.append(model.graph.ops[-1].outputs[0])
    assert [f.code for f in engine.run(model.graph, M4) if f.code == "ANE203"] == ["ANE203"]


def test_rules_can_be_left_out_and_runs_cancelled() -> None:
    graph = pools(9).graph
    assert engine.run(graph, M4, codes=lambda code: code != "ANE302") == [
        f for f in engine.run(graph, M4) if f.code != "ANE302"
    ]
    assert engine.run(graph, M4, cancelled=lambda: True) == []


def test_an_empty_graph_has_no_findings() -> None:
    assert engine.run(Model().graph, M4, Options()) == []
