"""ANE25x: findings stand at the cause, and ordinary integer inputs stay quiet."""

from __future__ import annotations

import pytest
from sketch import Sketch

from ane_lsp.checks.finding import Finding


def mask_fill(value: float, dtype: str = "f32") -> Sketch:
    s = Sketch()
    x, mask = s.input(1, 8, 32, 32), s.input(1, 1, 1, 32, dtype="b8", name="mask")
    filled = s.op("select", 1, 8, 32, 32, torch="torch.Tensor.masked_fill", cond=mask, a=s.number(value), b=x)
    return s.returns(s.op("softmax", 1, 8, 32, 32, x=filled, attrs={"axis": -1}))


@pytest.mark.parametrize("value", [-1e5, -1e9, 70000.0, 9e37])
def test_a_finite_constant_beyond_fp16_is_reported_where_it_is_written(value: float) -> None:
    assert mask_fill(value).lines("ANE250") == [("ANE250", 1)]


@pytest.mark.parametrize("value", [-1e4, -65504.0, 0.0, float("-inf"), -3.4028234663852886e38])
def test_constants_that_fp16_holds_or_reads_as_infinity_are_not(value: float) -> None:
    assert mask_fill(value).lines("ANE250") == []


def test_the_cure_depends_on_the_softmax_behind_it() -> None:
    [masked] = mask_fill(-1e9).findings("ANE250")
    assert "-1e4" in masked.message
    assert masked.data["before_softmax"]
    s = Sketch()
    [scaled] = s.returns(s.op("mul", 1, 4, x=s.input(1, 4), y=s.number(1e6))).findings("ANE250")
    assert "-1e4" not in scaled.message
    assert not scaled.data["before_softmax"]


def test_a_folded_mask_is_reported_at_the_call_that_filled_it_once_for_all_readers() -> None:
    s = Sketch()
    x = s.input(1, 8, 32, 32)
    full = s.op("fill", 32, 32, torch="torch.full", attrs={"shape": (32, 32), "value": -1e9})
    mask = s.op("band_part", 32, 32, torch="torch.triu", x=full)
    one = s.op("add", 1, 8, 32, 32, x=x, y=mask)
    two = s.op("add", 1, 8, 32, 32, x=x, y=mask)
    [found] = s.returns(one, two).findings("ANE250")
    assert found.span.line == 1
    assert [r.span.line for r in found.related] == [3, 4]


def test_constants_that_fold_away_do_not_count() -> None:
    s = Sketch()
    table = s.op("sqrt", 32, x=s.op("fill", 32, attrs={"value": 1e6}))
    assert s.returns(s.op("mul", 1, 32, x=s.input(1, 32), y=table)).lines("ANE250") == []


def test_a_bound_of_clamp_counts_and_minus_infinity_does_not() -> None:
    s = Sketch()
    y = s.op("clip", 1, 4, x=s.input(1, 4), attrs={"alpha": -3.4028234663852886e38, "beta": 1e6})
    z = s.op("clip", 1, 4, x=y, attrs={"alpha": -3.4028234663852886e38, "beta": 6.0})
    assert s.returns(z).lines("ANE250") == [("ANE250", 1)]


def test_nothing_is_pinned_in_a_model_converted_to_fp32() -> None:
    assert mask_fill(-1e9).lines("ANE250", precision="fp32") == []


def integer_detour(s: Sketch) -> Finding:
    x = s.input(1, 64)
    cell = s.op("cast", 1, 64, dtype="i64", torch="torch.Tensor.long", x=x)
    twice = s.op("mul", 1, 64, dtype="i64", x=cell, y=s.number(2, "i64"))
    back = s.op("cast", 1, 64, torch="torch.Tensor.float", x=twice)
    s.returns(s.op("add", 1, 64, x=back, y=x))
    [found] = s.findings("ANE25")
    return found


def test_a_cast_of_activations_is_the_cause_and_what_follows_is_related() -> None:
    found = integer_detour(Sketch())
    assert (found.code, found.span.line) == ("ANE252", 1)
    assert [r.span.line for r in found.related] == [2, 3]


def test_token_ids_that_are_only_looked_up_are_normal() -> None:
    s = Sketch()
    ids = s.input(1, 16, dtype="i64", name="input_ids")
    call = s.call("torch.nn.Embedding", ids)
    bounded = s.op("add", 1, 16, dtype="i64", call=call, x=ids, y=s.number(1000, "i64"))
    looked = s.op("gather", 1, 16, 64, call=call, x=s.parameter(1000, 64), indices=bounded, attrs={"axis": 0})
    assert s.returns(s.op("relu", 1, 16, 64, x=looked)).lines("ANE25") == []


def test_arithmetic_on_an_integer_input_is_one_piece_of_information() -> None:
    s = Sketch()
    mask = s.input(1, 16, dtype="i64", name="attention_mask")
    inverse = s.op("sub", 1, 16, dtype="i64", x=s.number(1, "i64"), y=mask)
    bias = s.op("cast", 1, 16, torch="torch.Tensor.float", x=inverse)
    s.returns(s.op("mul", 1, 16, x=bias, y=s.number(-1e4)))
    [found] = s.findings("ANE25")
    assert (found.code, found.span.line, found.severity) == ("ANE253", 1, "information")
    assert "`attention_mask`" in found.message


def test_integers_made_by_argmax_belong_to_its_own_rule() -> None:
    s = Sketch()
    best = s.op("reduce_argmax", 1, dtype="i64", x=s.input(1, 64), attrs={"axis": -1})
    assert s.returns(s.op("add", 1, dtype="i64", x=best, y=s.number(1, "i64"))).lines("ANE25") == []


def test_a_bool_mask_in_integer_arithmetic_is_reported_and_its_sum_is_not() -> None:
    s = Sketch()
    x = s.input(1, 64)
    mask = s.op("greater", 1, 64, dtype="b8", x=x, y=s.number(0.0))
    whole = s.op("cast", 1, 64, dtype="i32", torch="torch.Tensor.int", x=mask)
    s.returns(s.op("mul", 1, 64, dtype="i32", x=whole, y=s.number(3, "i32")))
    assert s.lines("ANE25") == [("ANE251", 2)]

    s = Sketch()
    mask = s.op("greater", 1, 64, dtype="b8", x=s.input(1, 64), y=s.number(0.0))
    call = s.call("torch.Tensor.sum", mask)
    whole = s.op("cast", 1, 64, dtype="i64", call=call, x=mask)
    s.returns(s.op("reduce_sum", 1, dtype="i64", call=call, x=whole, attrs={"axes": (-1,)}))
    assert s.lines("ANE25") == []


def test_float64_is_a_hint_with_or_without_a_cast_in_the_graph() -> None:
    s = Sketch()
    x = s.input(1, 64)
    call = s.call("torch.Tensor.double", x)
    s.returns(s.op("exp", 1, 64, dtype="f64", x=x))
    assert s.lines("ANE254") == [("ANE254", call.span.line)]
    s = Sketch()
    wide = s.op("cast", 1, 64, dtype="f64", torch="torch.Tensor.double", x=s.input(1, 64))
    assert s.returns(wide).lines("ANE254") == [("ANE254", 1)]


def test_a_tensor_made_in_the_shape_of_token_ids_computes_nothing_on_them() -> None:
    s = Sketch()
    ids = s.input(1, 8, dtype="i64")
    s.op("fill_like", 1, 8, ref_tensor=ids, attrs={"value": 1}, dtype="b8")
    s.op("not_equal", 1, 8, x=ids, y=s.number(3), dtype="b8")
    (found,) = s.findings("ANE253")
    assert "so 1 operation on it runs" in found.message
    assert found.span.line == 2
