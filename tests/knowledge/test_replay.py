"""What was measured is what the facts say: every case of the dispatch table, and the limit tables of other generations."""

from __future__ import annotations

import dispatch_cases as dispatch
import pytest

from ane_lsp.graph import Op, TensorType
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.knowledge import eligibility, limits, targets

ROWS = dispatch.rows()
M4 = targets.resolve("M4")[0]
M6 = targets.resolve("M6")[0]


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 276
    assert sum(r["ane"] in ("yes", "no") for r in ROWS) == 274


@pytest.mark.parametrize("row", ROWS, ids=[r["case"] for r in ROWS])
def test_m4_macos_27(row: dict[str, str]) -> None:
    _, op = dispatch.build(row)
    verdict = eligibility.op(op, M4)
    if row["ane"] in ("yes", "no"):
        assert verdict.ane == row["ane"], verdict
        assert verdict.confidence == "measured" or op.kind == "linear"
    else:
        assert verdict.ane != "yes" or verdict.confidence != "measured", verdict


@pytest.mark.parametrize("row", [r for r in ROWS if r["m6_compile"] in ("ok", "fail")], ids=lambda r: r["case"])
def test_m6_direct_compile(row: dict[str, str]) -> None:
    _, op = dispatch.build(row)
    verdict = eligibility.op(op, M6)
    assert verdict.ane == ("yes" if row["m6_compile"] == "ok" else "no"), verdict
    assert verdict.confidence != "measured", "a compile for another chip is no measurement through Core ML"


def _emit(kind: str, shape: tuple[int, ...], other: tuple[int, ...] = (), **attrs: object) -> Op:
    b = GraphBuilder()
    x = b.value(TensorType(shape, "f16"), "input")
    operands = {"x": x}
    if kind == "conv":
        operands["weight"] = b.const(TensorType(other, "f16"))
    elif other:
        operands["y"] = b.value(TensorType(other, "f16"), "input")
    b.emit(dispatch._CALL, kind, operands, attrs, [x.type])
    return b.graph.ops[-1]


@pytest.mark.parametrize("generation", range(13, 19))
def test_limits_of_every_generation(generation: int) -> None:
    target = next(t for t in targets.chips() if t.generation == generation)

    def verdict(op: Op) -> str:
        return eligibility.op(op, target).ane

    side = int(limits.value("width" if generation < 18 else "axis", generation) or 0)
    assert side == (16384 if generation < 16 else 65536)
    assert verdict(_emit("relu", (1, 8, 8, side))) == "yes"
    assert verdict(_emit("relu", (1, 8, 8, side + 1))) == "no"
    assert verdict(_emit("relu", (1, 8, side + 1, 8))) == "no"
    assert verdict(_emit("relu", (1, side + 1, 8, 8))) == ("no" if side == 65536 else "yes"), "channels go to 65536"
    inner = 16384 if generation < 16 else 32768
    assert verdict(_emit("matmul", (4, inner), (inner, 4))) == "yes"
    assert verdict(_emit("matmul", (4, inner + 1), (inner + 1, 4))) == "no"
    assert verdict(_emit("conv", (1, 8, 64, 64), (8, 8, 1, 16))) == "no"
    assert verdict(_emit("conv", (1, 8, 64, 64), (8, 8, 1, 14))) == ("no" if generation == 13 else "yes")
    assert verdict(_emit("relu", (1, 1, 1, 1, 1, 1))) == "no"


def test_a_direct_result_is_only_reported() -> None:
    m1 = targets.resolve("M1")[0]
    assert eligibility.op(_emit("conv", (1, 8, 64, 64), (8, 8, 1, 14)), m1).confidence == "reported"
    assert eligibility.op(_emit("max_pool", (1, 8, 64, 64), kernel_sizes=(9, 9)), m1).confidence == "carried"
    assert eligibility.op(_emit("max_pool", (1, 8, 64, 64), kernel_sizes=(9, 9)), M4).confidence == "measured"
    a17 = targets.resolve("iPhone 15 Pro")[0]
    assert eligibility.op(_emit("max_pool", (1, 8, 64, 64), kernel_sizes=(9, 9)), a17).confidence == "carried"


def test_unknown_stays_unknown() -> None:
    assert eligibility.op(_emit("max_pool", (1, 8, 64, 64)), M4).ane == "unknown", "a window nobody knows"
    assert eligibility.op(_emit("gather", (4, 8)), M4).ane == "unknown", "indices nobody knows"
    assert eligibility.op(_emit("some_new_op", (1, 8)), M4).ane == "unknown"
    assert eligibility.op(_emit("aten.frobnicate", (1, 8)), M4).ane == "unknown"


def test_what_folds_is_never_off_the_ane() -> None:
    b = GraphBuilder()
    x = b.const(TensorType((1, 70000), "f32"))
    b.emit(dispatch._CALL, "tan", {"x": x}, {}, [x.type])
    assert eligibility.op(b.graph.ops[-1], M4).ane == "yes"


def test_operations_that_are_equal_in_part_are_judged_each_for_itself() -> None:
    """Verdicts are kept for operations that no property tells apart."""

    def asked(attrs: dict[str, object], operand: object = None, dtype: str = "f16") -> str:
        b = GraphBuilder()
        x = b.value(TensorType((1, 8, 64, 64), dtype), "input")
        b.emit(dispatch._CALL, "max_pool", {"x": x if operand is None else (x,)}, attrs, [x.type])
        return eligibility.op(b.graph.ops[-1], M4).ane

    for _ in range(2):
        assert asked({"kernel_sizes": (2, 2)}) == "yes"
        assert asked({"kernel_sizes": (9, 9)}) == "no"
        assert asked({"kernel_sizes": [9, 9]}) == "no"
        assert asked({"kernel_sizes": (2.0, 2.0)}) == "unknown", "equal to (2, 2), and no size"
        assert asked({"kernel_sizes": (2, 2)}, dtype="i32") != "yes"
    m1 = targets.resolve("M1")[0]
    nine = _emit("max_pool", (1, 8, 64, 64), kernel_sizes=(9, 9))
    assert [eligibility.op(nine, target).confidence for target in (M4, m1, M4)] == ["measured", "carried", "measured"]


def test_a_verdict_of_another_table_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    nine = _emit("max_pool", (1, 8, 64, 64), kernel_sizes=(9, 9))
    assert eligibility.op(nine, M4).ane == "no"
    monkeypatch.setattr(eligibility, "facts", dict)
    assert eligibility.op(nine, M4).ane == "unknown"
    monkeypatch.undo()
    assert eligibility.op(nine, M4).ane == "no"
