"""ANE3xx: sizes and parameters beyond what the ANE accepts. The numbers are facts; the advice depends on the arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ane_lsp.checks.engine import Context, OpCheck, Report, rule
from ane_lsp.checks.wording import advice, name, off_ane
from ane_lsp.graph import Op, Value
from ane_lsp.knowledge import features
from ane_lsp.knowledge.eligibility import Verdict


def _report(
    code: str, context: Context, op: Op, verdict: Verdict, hint: str, data: dict[str, Any], weight: float
) -> Report:
    return Report(
        off_ane(name(op.call), verdict, context, hint),
        confidence=verdict.confidence,
        evidence=verdict.evidence,
        weight=weight,
        data={"op": op.kind, **data},
    )


def _limit(code: str, measure: Callable[[Op], features.Answer], hyper: tuple[str, ...]) -> OpCheck:
    """A rule that says what the fact says, with the arguments a fix needs."""

    def check(context: Context, op: Op) -> Iterator[Report]:
        verdict = context.verdict(op)
        if verdict.ane in ("no", "depends"):
            found = measure(op)
            weight = float(found) if isinstance(found, (int, float)) else 0.0
            yield _report(code, context, op, verdict, advice(code), _arguments(op, hyper), weight)

    return check


def _arguments(op: Op, names: tuple[str, ...]) -> dict[str, Any]:
    """Constructor state or bound arguments with plain values, for the fix."""
    found: dict[str, Any] = {}
    for key in names:
        value = op.call.hyper.get(key, op.call.params.get(key))
        if isinstance(value, (bool, int, float, str)):
            found[key] = value
        elif isinstance(value, (tuple, list)) and all(isinstance(v, (int, float)) for v in value):
            found[key] = list(value)
    return found


_CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")

for _code, _kinds, _measure, _hyper in (
    ("ANE303", ("conv",), features.kernel_max, _CONV),
    ("ANE304", ("matmul", "linear"), features.inner, ("in_features", "out_features")),
    ("ANE305", ("avg_pool",), features.kernel_max, ("kernel_size", "stride", "padding")),
    ("ANE306", ("conv",), features.kernel_max, _CONV),
    ("ANE309", ("matmul",), features.operand_rank, ()),
    ("ANE307", ("conv_transpose",), features.kernel_max, _CONV),
):
    rule(_code, ops=_kinds, judged=True)(_limit(_code, _measure, _hyper))


@rule("ANE301", ops=("*",), judged=True)
def axis_length(context: Context, op: Op) -> Iterator[Report]:
    """A tensor with an axis too long; said where the tensor comes from, not at every op it passes through."""
    verdict = context.verdict(op)
    if verdict.ane != "no":
        return
    for value in op.input_values():
        made = context.graph.producer(value)
        if made is not None and not made.folds and context.verdict(made).code == "ANE301":
            return
    shape = _longest(op)
    weight = float(max((d for d in shape if isinstance(d, int)), default=0))
    yield _report("ANE301", context, op, verdict, advice("ANE301"), {"shape": [str(d) for d in shape]}, weight)


def _longest(op: Op) -> tuple[object, ...]:
    shapes = [v.type.shape for v in (*op.input_values(), *op.outputs) if v.type.shape and not v.is_const]
    return max(shapes, key=lambda s: max((d for d in s if isinstance(d, int)), default=0), default=())


@rule("ANE302", ops=("max_pool",), judged=True)
def max_pool_window(context: Context, op: Op) -> Iterator[Report]:
    """Pool windows 9 to 31 or more than 32 wide."""
    verdict = context.verdict(op)
    if verdict.ane != "no":
        return
    kernel, stride = op.attrs["kernel_sizes"], op.attrs.get("strides") or ()
    side = kernel[-1]
    # A window k wide is a chain of windows whose (size - 1) add up to k - 1.
    links, rest = divmod(side - 1, 4)
    if all(k == side for k in kernel) and rest == 0 and all(s == 1 for s in stride):
        count = {2: "Two", 3: "Three", 4: "Four"}.get(links, str(links))
        hint = f"{count} stacked 5x5 pools give the same result." if len(kernel) == 2 else advice("ANE302", "chain")
    else:
        hint = advice("ANE302", "chain")
    data = {"kernel": list(kernel), **_arguments(op, ("kernel_size", "stride", "padding", "ceil_mode"))}
    yield _report("ANE302", context, op, verdict, hint, data, float(side))


def _is_given(context: Context, value: Value) -> bool:
    """Whether it is an input of the model, as it is or cast to another dtype."""
    producer = context.graph.producer(value)
    return producer is None or (producer.kind == "cast" and producer.inputs["x"].producer is None)  # type: ignore[union-attr]


@rule("ANE308", ops=("conv",), per_target=False)
def huge_picture(context: Context, op: Op) -> Iterator[Report]:
    """Pictures of tens of megapixels."""
    x = op.inputs.get("x")
    if not isinstance(x, Value) or x.type.shape is None or len(x.type.shape) != 4:
        return
    height, width = x.type.shape[-2:]
    if isinstance(height, int) and isinstance(width, int) and height * width >= 5568 * 5568 and _is_given(context, x):
        yield Report(
            f"{name(op.call)} reads a picture of {height}x{width}; one report says that 5568x5568 fails to compile for the "
            f"ANE (reported, chip not named). {advice('ANE308')}",
            weight=float(height * width),
            data={"op": op.kind, "height": height, "width": width},
        )
