"""ANE6xx to ANE8xx: control flow, states, masks, per-head attention."""

from __future__ import annotations

import pytest
from sketch import Sketch

from ane_lsp.graph import Value

FINFO_MIN = -3.4028234663852886e38


def masked(value: float) -> Sketch:
    s = Sketch()
    x, mask = s.input(1, 8, 32, 32), s.input(1, 1, 1, 32, dtype="b8", name="mask")
    filled = s.op("select", 1, 8, 32, 32, torch="torch.Tensor.masked_fill", cond=mask, a=s.number(value), b=x)
    return s.returns(s.op("softmax", 1, 8, 32, 32, x=filled, attrs={"axis": -1}))


@pytest.mark.parametrize(("value", "flagged"), [(float("-inf"), True), (FINFO_MIN, True), (-1e4, False), (-1e9, False)])
def test_infinite_masks(value: float, flagged: bool) -> None:
    assert bool(masked(value).lines("ANE801")) is flagged


def test_an_infinity_that_never_reaches_a_softmax_is_not_a_mask() -> None:
    s = Sketch()
    x, mask = s.input(1, 8, 32), s.input(1, 1, 32, dtype="b8", name="mask")
    filled = s.op("select", 1, 8, 32, cond=mask, a=s.number(float("-inf")), b=x)
    assert s.returns(s.op("reduce_max", 1, 8, x=filled, attrs={"axes": (-1,)})).lines("ANE801") == []


def test_a_causal_mask_is_reported_where_it_is_filled_for_all_layers_at_once() -> None:
    s = Sketch()
    mask = s.op("fill", 32, 32, torch="torch.full", attrs={"value": float("-inf")})
    mask = s.op("band_part", 32, 32, torch="torch.triu", x=mask)
    x = s.input(1, 8, 32, 32)
    for _ in range(3):
        x = s.op("softmax", 1, 8, 32, 32, x=s.op("add", 1, 8, 32, 32, x=x, y=mask), attrs={"axis": -1})
    [found] = s.returns(x).findings("ANE801")
    assert found.span.line == 1
    assert len(found.related) == 3


def test_maximum_with_the_smallest_float_is_a_guard() -> None:
    s = Sketch()
    low = s.op("maximum", 1, 8, 32, 32, x=s.input(1, 8, 32, 32), y=s.number(FINFO_MIN))
    assert s.returns(s.op("softmax", 1, 8, 32, 32, x=low, attrs={"axis": -1})).lines("ANE801") == []


def inverted_mask(s: Sketch, factor: float) -> Value:
    mask = s.input(1, 1, 1, 32, name="mask")
    return s.op("mul", 1, 1, 1, 32, x=s.op("sub", 1, 1, 1, 32, x=s.number(1.0), y=mask), y=s.number(factor))


@pytest.mark.parametrize(
    ("factor", "codes"), [(FINFO_MIN, ["ANE803"]), (float("-inf"), ["ANE803"]), (-1e4, []), (-1e9, ["ANE250"])]
)
def test_zero_times_infinity(factor: float, codes: list[str]) -> None:
    s = Sketch()
    x = s.op("add", 1, 8, 32, 32, x=s.input(1, 8, 32, 32), y=inverted_mask(s, factor))
    s.returns(s.op("softmax", 1, 8, 32, 32, x=x, attrs={"axis": -1}))
    assert [code for code, _ in s.lines("ANE8", "ANE25")] == codes


def scores(s: Sketch) -> Value:
    q, k = s.input(1, 64, 1, 32, name="q"), s.input(1, 32, 1, 64, name="k")
    return s.op("einsum", 1, 32, 1, 32, torch="torch.einsum", values=(q, k), attrs={"equation": "bchq,bkhc->bkhq"})


@pytest.mark.parametrize(("axis", "flagged"), [(-1, True), (3, True), (1, False)])
def test_the_softmax_of_per_head_scores_runs_over_the_keys(axis: int, flagged: bool) -> None:
    s = Sketch()
    weights = s.op("softmax", 1, 32, 1, 32, x=scores(s), attrs={"axis": axis})
    values = (weights, s.input(1, 64, 1, 32, name="v"))
    s.returns(s.op("einsum", 1, 64, 1, 32, torch="torch.einsum", values=values, attrs={"equation": "bkhq,bchk->bchq"}))
    assert bool(s.lines("ANE809")) is flagged


@pytest.mark.parametrize(
    ("mask", "out", "flagged"), [((1, 1, 32, 32), (1, 32, 32, 32), True), ((1, 32, 1, 32), (1, 32, 1, 32), False)]
)
def test_the_mask_of_per_head_scores(mask: tuple[int, ...], out: tuple[int, ...], flagged: bool) -> None:
    s = Sketch()
    s.returns(s.op("add", *out, x=scores(s), y=s.input(*mask, name="mask")))
    assert bool(s.lines("ANE810")) is flagged


def test_rotary_angles_from_positions_but_not_from_features() -> None:
    s = Sketch()
    position = s.op("cast", 1, 16, x=s.input(1, 16, dtype="i64", name="position_ids"))
    angle = s.op("mul", 1, 16, x=position, y=s.buffer(16, name="freq"))
    s.returns(s.op("cos", 1, 16, x=angle), s.op("sin", 1, 16, x=s.input(1, 16)))
    assert s.lines("ANE806") == [("ANE806", 3)]


def test_a_cache_that_grows_and_one_that_is_only_read() -> None:
    s = Sketch()
    keys = s.op(
        "concat",
        1,
        8,
        32,
        64,
        values=(s.input(1, 8, 31, 64, name="cache"), s.input(1, 8, 1, 64, name="new")),
        attrs={"axis": 2},
    )
    assert s.returns(s.op("relu", 1, 8, 32, 64, x=keys)).lines("ANE807") == []
    assert s.returns(keys).lines("ANE807") == [("ANE807", 1)]


def test_the_wide_head_is_a_report_and_hidden_by_default() -> None:
    s = Sketch()
    s.returns(s.op("linear", 1, 32000, x=s.input(1, 64), weight=s.parameter(32000, 64)))
    [found] = s.findings("ANE808")
    assert found.confidence == "reported"


def test_branches_on_inputs_and_on_constants() -> None:
    s = Sketch()
    total = s.op("reduce_sum", 1, x=s.input(1, 64), attrs={"axes": (-1,)})
    s.call("torch.Tensor.__bool__", total)
    s.call("torch.Tensor.__bool__", s.buffer(1, name="flag"))
    assert s.lines("ANE601") == [("ANE601", 2)]
    assert "torch.export stops" in s.findings("ANE601", export_path="export")[0].message


def write(s: Sketch, buffer: Value, value: Value) -> None:
    s.call("torch.Tensor.add_", buffer, value)


def test_a_buffer_written_by_the_inputs_and_one_that_is_set_up() -> None:
    s = Sketch()
    write(s, s.buffer(1, 64, name="cache"), s.input(1, 64))
    write(s, s.buffer(1, 64, name="table"), s.number(1.0))
    (traced,) = s.findings("ANE703")
    assert traced.severity == "information"  # the conversion may declare it, as models written for a cache do
    assert "states=[ct.StateType(..., name='cache')]" in traced.message
    assert s.lines("ANE703") == [("ANE703", 1)]
    assert s.lines("ANE703", export_path="export") == []
    (older,) = s.findings("ANE703", export_path="export", opset="iOS17")
    assert (older.severity, older.span.line) == ("warning", 1)


def test_states_are_counted_and_measured() -> None:
    s = Sketch()
    x = s.input(1, 64)
    for name, width in (("a", 64), ("b", 64), ("c", 70)):
        write(s, s.buffer(1, width, name=name), x)
    assert s.lines("ANE704") == [("ANE704", 3)]
    assert s.lines("ANE705") == [("ANE705", 3)]


def test_model_size_is_for_iphones_and_counts_a_shared_weight_once() -> None:
    s = Sketch()
    x = s.input(1, 16384)
    weight = s.parameter(16384, 16384, name="wide.weight")  # 0.5 GB in fp16
    for _ in range(4):
        x = s.op("linear", 1, 16384, x=x, weight=weight)
    assert s.returns(x).findings("ANE701", target="A17 Pro") == []
    s.returns(s.op("linear", 1, 24000, x=x, weight=s.parameter(24000, 16384, name="wider.weight")))
    [found] = s.findings("ANE701", target="A17 Pro")
    assert "wider.weight" in found.message
    assert s.findings("ANE701", target="M4") == []
