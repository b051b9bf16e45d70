"""ANE5xx: arithmetic that fits fp32 and does not fit fp16."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.finding import Related
from ane_lsp.checks.flow import (
    FP16_TINY,
    Flow,
    asked_dtype,
    distinct,
    first,
    flow_of,
    is_float,
    places,
    runtime,
    short_name,
    squared,
    static_shape,
)
from ane_lsp.checks.wording import advice
from ane_lsp.graph import Call, Op, Value
from ane_lsp.graph.moves import VIEWS

_REDUCE = ("reduce_mean", "reduce_sum")
_NORMALISED = frozenset({"layer_norm", "instance_norm", "batch_norm", "l2_norm"})
_WITH_EPSILON = ("layer_norm", "instance_norm")
_ROOTS = ("rsqrt", "sqrt", "inverse")
# coremltools' own form of these divides by the largest element before it squares.
_RESCALED_CALLS = frozenset({"torch.nn.RMSNorm", "torch.nn.functional.rms_norm", "torch.rms_norm"})
SQUARE_LIMIT = 255.9
EXP_LIMIT = 11.09


def _centred(flow: Flow, value: Value) -> bool:
    """``x - x.mean()``."""
    op = flow.maker(value)
    if op is None or op.kind != "sub":
        return False
    values = list(op.input_values())
    return len(values) == 2 and flow.from_reduction(values[1], "reduce_mean")


def _rescaled(flow: Flow, value: Value) -> bool:
    """``x / x.abs().max()``: at most 1, however large x is."""
    op = flow.maker(value)
    if op is None or op.kind not in ("real_div", "mul"):
        return False
    return any(flow.from_reduction(v, "reduce_max") for v in op.input_values())


def _normalised(flow: Flow, value: Value) -> bool:
    """Straight out of a normalisation, but for its scale and shift."""
    for _ in range(4):
        op = flow.maker(value)
        if op is None:
            return False
        if op.kind in _NORMALISED or op.call.torch in _RESCALED_CALLS:
            return True
        if op.kind not in ("mul", "add"):
            return False
        live = runtime(op)
        if len(live) != 1:
            return False
        value = live[0]
    return False


def _fills_norm(flow: Flow, op: Op) -> bool:
    """Whether a reduction ends in a square root: a norm, and not a loss or a distance."""
    for user in flow.reached(op.outputs[0], VIEWS | {"add", "mul", "maximum", "clip", "real_div"}, steps=6):
        if user.kind in _ROOTS:
            return True
        if user.kind == "pow":
            exponent = flow.scalar(list(user.input_values())[-1])
            if exponent is not None and abs(exponent) == 0.5:
                return True
    return False


def square_sums(context: Context) -> list[tuple[Op, Op, bool]]:
    """(square, reduction, is a norm) for sums of squares of unbounded activations."""
    found = context.memo.get("square_sums")
    if found is None:
        found = context.memo["square_sums"] = list(_square_sums(flow_of(context)))
    return list(found)


def _square_sums(flow: Flow) -> Iterator[tuple[Op, Op, bool]]:
    for op in flow.of(*_REDUCE):
        if op.call.torch in _RESCALED_CALLS:
            continue
        square = flow.maker(first(op))
        if square is None or square.folds:
            continue
        base = squared(flow, square)
        if base is None or base.is_const or not is_float(base) or flow.range(base).magnitude <= SQUARE_LIMIT:
            continue
        if _centred(flow, base) or _rescaled(flow, base) or _normalised(flow, base):
            continue
        yield square, op, _fills_norm(flow, op)


def square_message(norm: bool) -> str:
    """What ANE501 says where nothing shows that the range matters."""
    what = "This norm squares its input" if norm else "The square is summed"
    return (
        f"{what} in fp16, where one activation above 255 gives infinity (arithmetic, on every chip). If they can get that large, divide "
        "by the largest element first, or use nn.RMSNorm, which does."
    )


@graph_rule("ANE501", per_target=False)
def square_overflow(context: Context) -> Iterator[Report]:
    """Squares of activations that are summed or averaged.

    How large the activations get is not in the source. Where the author casts them to float32 for the square, the range
    is known to matter and the protection is known to be lost: only that is a warning.
    """
    upcasts: dict[int, list[Call]] = {}
    for call in _upcasts(context):
        upcasts.setdefault(call.result.id, []).append(call)
    for square, reduction, norm in square_sums(context):
        base = first(square)
        guard = next((c for c in upcasts.get(base.id, ()) if c.fn == square.call.fn and c.id < square.call.id), None)
        if guard is not None and norm:
            yield Report(
                "This norm squares its input in fp16: the cast to float32 in front of it is dropped in conversion (seen with coremltools "
                "9.0), and one activation above 255 gives infinity, on every chip. Divide by the largest element first, or use nn.RMSNorm, "
                "which does.",
                at=square,
                severity="warning",
                weight=3.0,
                related=(
                    Related(guard.span, "this cast is dropped"),
                    *places([reduction], "the squares are added up here", square),
                ),
                data={"norm": True, "upcast": True},
            )
            continue
        yield Report(
            square_message(norm),
            at=square,
            weight=2.0 if norm else 1.0,
            related=places([reduction], "the squares are added up here", square),
            data={"norm": norm, "upcast": False},
        )


@rule("ANE502", ops=("log",), per_target=False)
def log_of_softmax(context: Context, op: Op) -> Iterator[Report]:
    """log(softmax(x))."""
    flow = flow_of(context)
    maker = flow.maker(first(op))
    if maker is None or maker.kind != "softmax" or maker.folds:
        return
    yield Report(
        f"`{short_name(op.call)}` is computed as log(softmax(x)): in fp16 a class more than 16.6 below the best one becomes "
        "log(0) (conversion by coremltools 9.0). Return the logits, or write z = x - x.amax(d, keepdim=True); "
        "z - z.exp().sum(d, keepdim=True).log().",
    )


@graph_rule("ANE503", per_target=False)
def softplus_collapse(context: Context) -> Iterator[Report]:
    """softplus and Mish."""
    flow = flow_of(context)
    hit = [op for op in flow.of("softplus", "softplus_parametric") if flow.range(first(op)).hi > 10.4]
    hit = context.near(hit)
    if hit:
        op = hit[0]
        yield Report(
            f"`{short_name(op.call)}` may return 0 for inputs above 10.4 (reported on M3 Max, macOS 26.3; "
            "apple/coremltools#2687). Compare with torch on the device, or write relu(x) + log(1 + exp(-abs(x))).",
            at=op,
            related=places(distinct(hit), "the same function", op),
        )


@graph_rule("ANE504", per_target=False)
def tiny_epsilon(context: Context) -> Iterator[Report]:
    """Epsilons below the smallest fp16 number, one finding for each value of epsilon."""
    flow = flow_of(context)
    found: dict[float, list[Op]] = {}
    for op in flow.of(*_WITH_EPSILON, "add"):
        epsilon = _epsilon(flow, op)
        if epsilon is not None and 0 < epsilon < FP16_TINY:
            found.setdefault(epsilon, []).append(op)
    for epsilon, found_at in found.items():
        ops = context.near(found_at)
        op = ops[0]
        yield Report(
            f"An epsilon of {epsilon:g} cannot be held in fp16: coremltools 9.0 raises it to 6e-8 (seen in a conversion), so small "
            "inputs come out differently. Use 1e-5 or more if the weights allow it.",
            at=op,
            severity="hint" if op.kind in _NORMALISED else None,
            weight=-math.log10(epsilon),
            related=places(distinct(ops), "the same epsilon", op),
            data={"epsilon": epsilon},
        )


def _epsilon(flow: Flow, op: Op) -> float | None:
    """An epsilon the author wrote: of a norm, or a constant added before a root, a division or a logarithm."""
    if op.kind in _WITH_EPSILON:
        epsilon = op.attrs.get("epsilon")
        return float(epsilon) if isinstance(epsilon, (int, float)) else None
    if op.alike.get(_epsilon) is False:
        return None
    constants = [v for v in op.input_values() if v.is_const]
    if len(op.input_values()) != 2 or len(constants) != 1:
        op.alike[_epsilon] = False
        return None
    number = flow.scalar(constants[0])
    if number is None:
        return None
    for user in flow.users(op.outputs[0]):
        operands = list(user.input_values())
        if user.kind in (*_ROOTS, "log") or (
            user.kind == "real_div" and operands[-1].id == op.outputs[0].id != operands[0].id
        ):
            return number
    return None


# What an upcast is usually written to protect.
# (Softmax and the norms of torch protect themselves.)
_GUARDED = frozenset({
    "pow", "__pow__", "square", "mean", "var", "std", "exp", "logsumexp", "norm", "rsqrt", "sum", "matmul", "__matmul__", "bmm", "einsum",
})  # fmt: skip
_UPCASTS = frozenset({"torch.Tensor.float", "torch.Tensor.to", "torch.Tensor.type"})
_NEAR = 8


@graph_rule("ANE505", per_target=False)
def upcast_dropped(context: Context) -> Iterator[Report]:
    """`.float()` in front of a reduction, an exponential or a product; one finding for a model."""
    if context.options.precision != "fp16":
        return
    upcasts = {call.id for call in _upcasts(context)}
    if not upcasts:
        return
    # ANE501 names the upcast itself where it guards a square.
    covered = {op.call.fn for square in square_sums(context) for op in square[:2]}
    hit: list[tuple[Call, Call]] = []
    calls = context.graph.calls
    for index, call in enumerate(calls):
        if call.id not in upcasts or call.fn in covered:
            continue
        result = call.result
        for later in calls[index + 1 : index + 1 + _NEAR]:
            if later.fn != call.fn or later.module != call.module:
                continue
            if later.torch.rsplit(".", 1)[-1] in _GUARDED and any(v is result for v in _tensors(later)):
                hit.append((call, later))
                break
    if not hit:
        return
    call, guarded = min(hit, key=lambda pair: pair[0].span.file != context.home)
    yield Report(
        f"`{short_name(call)}` does not make `{short_name(guarded)}` run in fp32: converting to fp16 drops the cast (seen with "
        "coremltools 9.0). Write that step so that it fits fp16, if the "
        "numbers need it.",
        at=call,
        related=places([c for c, _ in hit], "this cast is dropped too", call),
    )


def _upcasts(context: Context) -> list[Call]:
    """Casts of activations to float32, each with a tensor as its result."""
    return [call for call in context.called(_UPCASTS.__contains__) if _is_upcast(call)]


def _is_upcast(call: Call) -> bool:
    if not isinstance(call.result, Value):
        return False
    source = next((v for v in call.args if isinstance(v, Value)), None)
    if source is None or source.is_const or source.type.dtype not in ("f16", "f32", "bf16"):
        return False
    return call.torch == "torch.Tensor.float" or asked_dtype(call) == "f32"


def _tensors(call: Call) -> Iterator[Value]:
    for item in (*call.args, *call.kwargs.values()):
        if isinstance(item, Value):
            yield item
        elif isinstance(item, (tuple, list)):
            yield from (v for v in item if isinstance(v, Value))


_COUNT_LIMIT = 2048
_ARITHMETIC = ("add", "sub", "mul", "real_div", "matmul", "sin", "cos", "pow")


@graph_rule("ANE506", per_target=False)
def whole_numbers(context: Context) -> Iterator[Report]:
    """Whole numbers above 2048 in fp16: positions in arithmetic, counts of a mask."""
    flow = flow_of(context)
    for op in flow.of("reduce_sum", *_ARITHMETIC):
        if op.kind == "reduce_sum" and is_float(op.outputs[0]):
            source = flow.range(first(op))
            count = _reduced(op)
            if source.integral and source.lo >= 0 and source.hi == 1 and count is not None and count > _COUNT_LIMIT:
                yield Report(
                    f"Up to {count} ones are counted in fp16, which holds whole numbers exactly only up to 2048 (arithmetic, on "
                    "every chip). Take a mean, or count outside the model.",
                    at=op,
                    weight=count,
                )
            continue
        for value in op.input_values():
            if value.producer is None or not value.is_const or not is_float(value):
                continue
            bounds = flow.range(value)
            if (
                bounds.integral
                and _COUNT_LIMIT < bounds.hi < math.inf  # a mask of 0 and -1e9 holds no positions
                and bounds.hi - bounds.lo > _COUNT_LIMIT
            ):
                yield Report(
                    f"Positions up to {bounds.hi:g} enter `{short_name(op.call)}` in fp16, which holds whole numbers exactly only up to "
                    "2048 (arithmetic, on every chip). Scale them to [0, 1] first, or pass a finished table.",
                    at=op,
                    weight=bounds.hi,
                )
                break


def _reduced(op: Op) -> int | None:
    """How many elements a reduction adds up, where that is known."""
    shape = static_shape(first(op))
    if shape is None:
        return None
    axes = op.attrs.get("axes")
    chosen = range(len(shape)) if axes is None else axes
    if not all(isinstance(a, int) for a in chosen):
        return None
    return math.prod(shape[a] for a in chosen)


@rule("ANE507", ops=("exp",), per_target=False)
def exp_overflow(context: Context, op: Op) -> Iterator[Report]:
    """exp of something that may exceed 11.09."""
    flow = flow_of(context)
    x = first(op)
    if flow.range(x).hi <= EXP_LIMIT or not is_float(x):
        return
    maker = flow.maker(x)
    if maker is not None and maker.kind == "sub":
        values = list(maker.input_values())
        if len(values) == 2 and flow.from_reduction(values[1], "reduce_max"):
            return
    divided = any(
        user.kind in ("real_div", "inverse", "log")
        for summed in flow.users(op.outputs[0])
        if summed.kind == "reduce_sum"
        for user in flow.reached(summed.outputs[0], VIEWS | {"add"}, steps=3)
    )
    if divided:
        yield Report(
            "This softmax is written out without subtracting the maximum: in fp16 exp overflows above 11.09, on every chip. "
            "Use torch.softmax, which subtracts it.",
            severity="information",
            weight=2.0,
        )
    else:
        yield Report(
            "exp of more than 11.09 is infinity in fp16, on every chip, and nothing here bounds the argument. "
            "Clamp it to 11 if it can get that large.",
            weight=1.0,
        )


@graph_rule("ANE508", per_target=False)
def scale_after_product(context: Context) -> Iterator[Report]:
    """Attention scores divided after the product; one finding for a model."""
    flow = flow_of(context)
    hit: list[Op] = []
    for op in flow.of("matmul", "einsum"):
        if len(runtime(op)) < 2:
            continue
        for user in flow.users(op.outputs[0]):
            factor = _factor(flow, user)
            if factor is not None and factor < 1 and _reaches_softmax(flow, user):
                hit.append(user)
    if not hit:
        return
    hit = context.near(hit)
    op = hit[0]
    yield Report(
        "The scores are scaled after the product. The ANE's sums end at 32768 (measured on M1, M4, M5 and M6 by direct compiles), "
        "so large heads can overflow first. Scale the queries instead: (q * scale) @ k.",
        at=op,
        related=places(distinct(hit), "scaled after the product too", op),
    )


def _factor(flow: Flow, op: Op) -> float | None:
    values = list(op.input_values())
    if len(values) != 2 or op.kind not in ("mul", "real_div"):
        return None
    number = flow.scalar(values[1]) if values[1].is_const else (flow.scalar(values[0]) if op.kind == "mul" else None)
    if number is None or number == 0:
        return None
    return abs(number) if op.kind == "mul" else 1 / abs(number)


_TO_SOFTMAX = VIEWS | {"add", "select", "mul", "sub", "maximum", "concat"}


def _reaches_softmax(flow: Flow, op: Op) -> bool:
    return any(user.kind == "softmax" for user in flow.reached(op.outputs[0], _TO_SOFTMAX))


@graph_rule("ANE510", per_target=False)
def rms_norm(context: Context) -> Iterator[Report]:
    """nn.RMSNorm: how coremltools computes it. One finding for a model."""
    if context.options.export_path == "export-core":
        return
    hit = context.near(distinct(op for op in context.ops_of(_RESCALED_CALLS.__contains__) if not op.folds))
    if hit:
        op = hit[0]
        yield Report(
            "coremltools 9.0 divides by the row's largest element before it squares: a row of zeros gives 0/0, and the epsilon "
            "grows with that element (seen in a conversion). Keep padding rows away from zero, or compare the outputs.",
            at=op,
            related=places(hit, "the same norm", op),
        )


def _divides_centred(flow: Flow, variance: Op, centred: Value) -> bool:
    """Whether the root of a variance divides the differences it is made of, by themselves or taken once more."""
    roots = VIEWS | {"add", "mul", "maximum", "clip", "real_div", "pow", *_ROOTS}
    centre = _centre(flow, centred)
    return _fills_norm(flow, variance) and any(
        _centred(flow, value) and _centre(flow, value) is centre
        for user in flow.reached(variance.outputs[0], roots, steps=8)
        if user.kind in ("real_div", "mul")
        for value in user.input_values()
    )


def _centre(flow: Flow, centred: Value) -> Value | None:
    """x of ``x - x.mean()``."""
    op = flow.maker(centred)
    return None if op is None else flow.base(first(op))


@graph_rule("ANE511", per_target=False)
def written_out_layer_norm(context: Context) -> Iterator[Report]:
    """A layer norm in single steps that coremltools does not put together again; one finding for a model."""
    flow = flow_of(context)
    hit: list[Op] = []
    for op in flow.of("reduce_mean"):
        square = flow.maker(first(op))
        if square is None or square.folds:
            continue
        base = squared(flow, square)
        if base is None or not _centred(flow, base) or not _divides_centred(flow, op, base):
            continue
        if square.call.torch.rsplit(".", 1)[-1].lower() in (
            "batch_norm",
            "batchnorm1d",
            "batchnorm2d",
            "group_norm",
            "groupnorm",
        ):
            continue
        if not _fuses(flow, square, op):
            hit.append(square)
    hit = context.near(hit)
    if hit:
        op = hit[0]
        yield Report(
            "This layer norm stays a chain of single steps (seen with coremltools 9.0), and its square overflows fp16 from 256. "
            "Use F.layer_norm; over dim 1, (d*d).mean(1, keepdim=True), rsqrt and a product become one operation.",
            at=op,
            related=places(distinct(hit), "written out too", op),
        )


def _fuses(flow: Flow, square: Op, mean: Op) -> bool:
    """The one form coremltools 9.0 recognises: over dim 1 of a rank-4 tensor, ``d * d`` and ``rsqrt``."""
    axes = mean.attrs.get("axes")
    if tuple(axes or ()) != (1,) or first(mean).type.rank != 4 or square.kind == "pow":
        return False
    following = flow.reached(mean.outputs[0], frozenset({"add"}), steps=3)
    return any(op.kind == "rsqrt" for op in following)


# Below it the epsilon changes the result by more than the rounding of fp16.
_RECIPROCAL_SAFE = 0.1


@rule("ANE512", ops=("inverse",), per_target=False)
def reciprocal_epsilon(context: Context, op: Op) -> Iterator[Report]:
    """1 / x of what may come near zero: coremltools 9.0 leaves MIL's inverse its epsilon."""
    bounds = flow_of(context).range(first(op))
    kept = op.attrs.get("epsilon", 0.0 if context.options.coremltools == "main" else 1e-4)
    if kept == 0.0 or bounds.lo >= _RECIPROCAL_SAFE or bounds.hi <= -_RECIPROCAL_SAFE:
        return
    yield Report(
        "A reciprocal converts into inverse, which computes 1 / (x + 0.0001): below 0.01 the result is off by more than 1 % (coremltools "
        f"9.0; main converts it exactly). {advice('ANE512')}",
        data={"torch": op.call.torch, "converts": True},
    )
