"""ANE5xx: what overflows or underflows fp16, and what only looks like it."""

from __future__ import annotations

import pytest
from sketch import Sketch

from ane_lsp.graph import Value

LAST = {"axes": (-1,), "keep_dims": True}


def norm_of(s: Sketch, base: Value, square: str = "pow") -> Value:
    """``rsqrt(mean(base ** 2) + eps)``, three or four calls."""
    shape = base.type.shape
    assert shape is not None
    if square == "pow":
        squares = s.op("pow", *shape, x=base, y=s.number(2.0))
    elif square == "mul":
        squares = s.op("mul", *shape, x=base, y=base)
    else:
        squares = s.op("square", *shape, x=base)
    mean = s.op("reduce_mean", *shape[:-1], 1, x=squares, attrs=LAST)
    return s.op("rsqrt", *shape[:-1], 1, x=s.op("add", *shape[:-1], 1, x=mean, y=s.number(1e-6)))


@pytest.mark.parametrize("square", ["pow", "mul", "square"])
def test_a_norm_that_squares_its_input_is_reported_at_the_square(square: str) -> None:
    s = Sketch()
    x = s.input(1, 16, 64)
    s.returns(s.op("mul", 1, 16, 64, x=x, y=norm_of(s, x, square)))
    [found] = s.findings("ANE501")
    assert (found.span.line, found.severity) == (1, "information")


@pytest.mark.parametrize(("fn", "severity"), [("Net.forward", "warning"), ("Net.other", "information")])
def test_a_dropped_upcast_for_the_square_is_a_warning(fn: str, severity: str) -> None:
    s = Sketch()
    x = s.op("relu", 1, 16, 64, x=s.input(1, 16, 64))
    up = s.call("torch.Tensor.float", x, fn=fn)
    up.result = x
    s.returns(s.op("mul", 1, 16, 64, x=x, y=norm_of(s, x)))
    [found] = s.findings("ANE501")
    assert (found.span.line, found.severity) == (3, severity)


def test_other_sums_of_squares_are_reported_too() -> None:
    s = Sketch()
    squares = s.op("square", 1, 64, x=s.input(1, 64))
    [found] = s.returns(s.op("reduce_sum", 1, x=squares, attrs={"axes": (-1,)})).findings("ANE501")
    assert not found.data["norm"]


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "softmax", "layer_norm", "relu6"])
def test_bounded_and_normalised_values_may_be_squared(kind: str) -> None:
    s = Sketch()
    bounded = s.op(kind, 1, 16, 64, x=s.input(1, 16, 64))
    assert s.returns(norm_of(s, bounded)).lines("ANE501") == []


@pytest.mark.parametrize(("limit", "flagged"), [(200.0, False), (255.0, False), (300.0, True)])
def test_a_clamp_bounds_the_square(limit: float, flagged: bool) -> None:
    s = Sketch()
    x = s.op("clip", 1, 16, 64, x=s.input(1, 16, 64), attrs={"alpha": -limit, "beta": limit})
    assert bool(s.returns(norm_of(s, x)).lines("ANE501")) is flagged


def test_dividing_by_the_maximum_first_is_the_cure() -> None:
    s = Sketch()
    x = s.input(1, 16, 64)
    top = s.op("reduce_max", 1, 16, 1, x=s.op("abs", 1, 16, 64, x=x), attrs=LAST)
    safe = s.op("clip", 1, 16, 1, x=top, attrs={"alpha": 1.0, "beta": 3e38})
    assert s.returns(norm_of(s, s.op("real_div", 1, 16, 64, x=x, y=safe))).lines("ANE501") == []


def test_a_centred_square_is_a_layer_norm_and_not_an_rms_norm() -> None:
    s = Sketch()
    x = s.input(1, 16, 64)
    mean = s.op("reduce_mean", 1, 16, 1, x=x, attrs=LAST)
    d = s.op("sub", 1, 16, 64, x=x, y=mean)
    root = norm_of(s, d)
    s.returns(root)
    assert s.lines("ANE511") == [], "a deviation that divides nothing"
    s.returns(s.op("mul", 1, 16, 64, x=d, y=root))
    assert s.lines("ANE501") == []
    assert s.lines("ANE511") == [("ANE511", 3)]


@pytest.mark.parametrize(("own", "least", "flagged"), [(True, 1e-6, False), (False, 1e-6, True), (True, -1.0, True)])
def test_a_vector_divided_by_its_own_norm_is_bounded(own: bool, least: float, flagged: bool) -> None:
    s = Sketch()
    x, y = s.input(1, 16, 64), s.input(1, 16, 64)
    length = s.op("reduce_l2_norm", 1, 16, 1, x=x if own else y, attrs=LAST)
    divisor = s.op("add", 1, 16, 1, x=length, y=s.number(least))
    assert bool(s.returns(norm_of(s, s.op("real_div", 1, 16, 64, x=x, y=divisor))).lines("ANE501")) is flagged


def channel_norm(square: str, root: str, axis: int) -> Sketch:
    s = Sketch()
    x = s.input(1, 64, 8, 8)
    over = {"axes": (axis,), "keep_dims": True}
    d = s.op("sub", 1, 64, 8, 8, x=x, y=s.op("reduce_mean", 1, 1, 8, 8, x=x, attrs=over))
    squares = s.op("mul", 1, 64, 8, 8, x=d, y=d) if square == "mul" else s.op("pow", 1, 64, 8, 8, x=d, y=s.number(2.0))
    var = s.op("add", 1, 1, 8, 8, x=s.op("reduce_mean", 1, 1, 8, 8, x=squares, attrs=over), y=s.number(1e-5))
    if root == "rsqrt":
        return s.returns(s.op("mul", 1, 64, 8, 8, x=d, y=s.op("rsqrt", 1, 1, 8, 8, x=var)))
    return s.returns(s.op("real_div", 1, 64, 8, 8, x=d, y=s.op("sqrt", 1, 1, 8, 8, x=var)))


@pytest.mark.parametrize(
    ("square", "root", "axis", "flagged"),
    [("mul", "rsqrt", 1, False), ("pow", "rsqrt", 1, True), ("mul", "sqrt", 1, True), ("mul", "rsqrt", -1, True)],
)
def test_only_the_form_the_converter_recognises_is_left_alone(square: str, root: str, axis: int, flagged: bool) -> None:
    # Replays the conversions of 2026-11-22: of these only dim 1, d * d and rsqrt became layer_norm.
    assert bool(channel_norm(square, root, axis).lines("ANE511")) is flagged


def test_the_rescaled_square_of_rms_norm_is_not_an_overflow_but_worth_a_word() -> None:
    s = Sketch()
    x = s.input(1, 16, 64)
    call = s.call("torch.nn.functional.rms_norm", x)
    squares = s.op("square", 1, 16, 64, call=call, x=x)
    s.returns(s.op("reduce_mean", 1, 16, 1, call=call, x=squares, attrs=LAST))
    assert s.lines("ANE501") == []
    assert s.lines("ANE510") == [("ANE510", 1)]
    assert s.lines("ANE510", export_path="export-core") == []


def test_log_of_softmax_and_the_epsilon_that_saves_it() -> None:
    s = Sketch()
    p = s.op("softmax", 1, 1000, x=s.input(1, 1000), attrs={"axis": -1})
    safe = s.op("add", 1, 1000, x=p, y=s.number(1e-4))
    s.returns(s.op("log", 1, 1000, x=p), s.op("log", 1, 1000, x=safe))
    assert s.lines("ANE502") == [("ANE502", 3)]


@pytest.mark.parametrize(
    ("epsilon", "flagged"), [(1e-12, True), (5e-8, True), (6e-8, False), (1e-6, False), (0.0, False)]
)
def test_epsilons_below_the_smallest_number(epsilon: float, flagged: bool) -> None:
    s = Sketch()
    s.returns(s.op("layer_norm", 1, 64, x=s.input(1, 64), attrs={"epsilon": epsilon, "axes": (-1,)}))
    assert bool(s.lines("ANE504")) is flagged


def test_one_finding_for_all_norms_with_the_same_epsilon() -> None:
    s = Sketch()
    x = s.input(1, 64)
    for _ in range(4):
        x = s.op("layer_norm", 1, 64, x=x, attrs={"epsilon": 1e-12, "axes": (-1,)})
    [found] = s.returns(x).findings("ANE504")
    assert (found.severity, len(found.related)) == ("hint", 3)


def test_a_small_number_that_is_no_epsilon() -> None:
    s = Sketch()
    x = s.op("add", 1, 64, x=s.input(1, 64), y=s.number(1e-9))
    assert s.returns(s.op("relu", 1, 64, x=x)).lines("ANE504") == []


def test_softplus_is_hidden_by_default_and_silent_below_ten() -> None:
    s = Sketch()
    x = s.input(1, 64)
    wide = s.op("softplus", 1, 64, x=x)
    s.returns(wide, s.op("softplus", 1, 64, x=s.op("clip", 1, 64, x=x, attrs={"alpha": -10.0, "beta": 10.0})))
    [found] = s.findings("ANE503")
    assert (found.span.line, found.confidence) == (1, "reported")


def test_a_table_of_positions_above_2048_in_run_time_arithmetic() -> None:
    for end, flagged in ((4096, True), (2049, False)):
        s = Sketch()
        steps = s.op("range_1d", end, dtype="i64", attrs={"start": 0, "end": end, "step": 1})
        table = s.op("cast", end, x=steps)
        s.returns(s.op("mul", 1, end, x=s.input(1, end), y=table))
        assert bool(s.lines("ANE506")) is flagged
        scaled = s.op("real_div", end, x=table, y=s.number(float(end)))
        again = s.op("mul", 1, end, x=s.graph.inputs[0], y=scaled)
        assert again.producer not in [f.span.line - 1 for f in s.findings("ANE506")]


def test_exp_needs_a_bound() -> None:
    s = Sketch()
    x = s.input(1, 64)
    free = s.op("exp", 1, 64, x=x)
    bounded = s.op("exp", 1, 64, x=s.op("mul", 1, 64, x=s.op("abs", 1, 64, x=x), y=s.number(-1.0)))
    top = s.op("reduce_max", 1, 1, x=x, attrs=LAST)
    shifted = s.op("exp", 1, 64, x=s.op("sub", 1, 64, x=x, y=top))
    s.returns(free, bounded, shifted)
    assert s.lines("ANE507") == [("ANE507", 1)]


def test_a_written_out_softmax_is_worse_than_a_lone_exp() -> None:
    s = Sketch()
    e = s.op("exp", 1, 64, x=s.input(1, 64))
    total = s.op("reduce_sum", 1, 1, x=e, attrs=LAST)
    [found] = s.returns(s.op("real_div", 1, 64, x=e, y=total)).findings("ANE507")
    assert found.severity == "information"


@pytest.mark.parametrize(
    ("kind", "number", "flagged"), [("mul", 0.125, True), ("real_div", 8.0, True), ("mul", 8.0, False)]
)
def test_scores_scaled_after_the_product(kind: str, number: float, flagged: bool) -> None:
    s = Sketch()
    q, k = s.input(1, 8, 16, 64, name="q"), s.input(1, 8, 64, 16, name="k")
    scores = s.op("matmul", 1, 8, 16, 16, x=q, y=k)
    scaled = s.op(kind, 1, 8, 16, 16, x=scores, y=s.number(number))
    s.returns(s.op("softmax", 1, 8, 16, 16, x=scaled, attrs={"axis": -1}))
    assert bool(s.lines("ANE508")) is flagged


def test_an_upcast_in_front_of_an_exponential_but_not_of_a_softmax() -> None:
    s = Sketch()
    x = s.op("relu", 1, 64, x=s.input(1, 64))
    up = s.call("torch.Tensor.float", x)
    up.result = x
    s.returns(s.op("softmax", 1, 64, torch="torch.softmax", x=x, attrs={"axis": -1}))
    assert s.lines("ANE505") == []
    s.returns(s.op("exp", 1, 64, torch="torch.exp", x=x))
    assert s.lines("ANE505") == [("ANE505", up.span.line)]
    assert s.lines("ANE505", precision="fp32") == []
