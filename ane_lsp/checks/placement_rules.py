"""ANE2xx: converts, but cannot run on the ANE. The verdicts are facts; here they are put at the author's line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ane_lsp.checks.engine import Context, OpCheck, Report, graph_rule, rule
from ane_lsp.checks.wording import advice, name, off_ane
from ane_lsp.graph import Call, Op, Unknown, Value
from ane_lsp.knowledge import features

# Rules that say no more than the fact does: code, and the kinds of op its rows are about.
PLAIN = {
    "ANE201": ("tan", "asin", "acos", "sinh", "cosh", "atanh", "asinh", "acosh"),
    "ANE203": ("reduce_argmax", "reduce_argmin"),
    "ANE204": ("argsort",),
    "ANE205": ("cumsum",),
    "ANE206": ("reduce_prod",),
    "ANE207": ("gather",),
    "ANE208": ("gather",),
    "ANE212": ("non_zero",),
    "ANE213": ("one_hot",),
    "ANE215": ("resample", "affine"),
    "ANE217": ("crop_resize", "non_maximum_suppression"),
    "ANE219": ("sliding_windows",),
    "ANE220": ("band_part",),
    "ANE222": ("topk",),
}  # fmt: skip

_DETECTION = frozenset({"nms", "batched_nms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"})

# Calls whose lowering is a chain of ops that other rules would flag one by one; each has a rule of its own.
_CHAINS = {"cumprod": "ANE206", "nan_to_num": "ANE218", "nan_to_num_": "ANE218"}


def chain_rule(call: Call) -> str | None:
    """The rule that speaks for all ops of a call."""
    return _CHAINS.get(call.torch.rsplit(".", 1)[-1])


def _calls_of(code: str) -> tuple[str, ...]:
    return tuple(name for name, rule in _CHAINS.items() if rule == code)


def _plain(code: str) -> OpCheck:
    def check(context: Context, op: Op) -> Iterator[Report]:
        verdict = context.verdict(op)
        if verdict.ane in ("no", "depends") and chain_rule(op.call) in (None, code):
            yield Report(
                off_ane(name(op.call), verdict, context, advice(code)),
                confidence=verdict.confidence,
                evidence=verdict.evidence,
                data={"op": op.kind},
            )

    check.__doc__ = f"Whatever the facts put under {code}."
    return check


for _code, _kinds in PLAIN.items():
    rule(_code, ops=_kinds, judged=True)(_plain(_code))


@rule("ANE202", ops=("lstm", "gru", "rnn", "while_loop"))
def recurrent_layer(context: Context, op: Op) -> Iterator[Report]:
    """Recurrent layers, of which coremltools writes a GRU as a loop over its steps; full decomposition unrolls them all."""
    of_gru = op.call.torch.rsplit(".", 1)[-1].lower() == "gru"
    if context.options.export_path == "export-core" or (op.kind == "while_loop" and not of_gru):
        return
    layer = replace(op, kind="gru") if of_gru else op
    verdict = context.verdict(layer)
    if verdict.ane == "no":
        yield Report(
            off_ane(name(op.call), verdict, context, advice("ANE202")),
            confidence=verdict.confidence,
            evidence=verdict.evidence,
            data={"op": layer.kind},
        )


@rule("ANE206", ops=("*",), per_target=False, calls=_calls_of("ANE206"))
def cumulative_product(context: Context, op: Op) -> Iterator[Report]:
    """cumprod becomes a chain of one gather and one scatter for each element."""
    shape = next((v.type.shape for v in op.call.args if isinstance(v, Value)), None)
    yield Report(
        "cumprod runs on the CPU: it converts into a gather and a scatter for every element (seen in every "
        f"conversion). {advice('ANE206', 'cumprod')}",
        at=op.call,
        confidence="carried",
        data={"op": "cumprod", "shape": [str(d) for d in shape or ()]},
    )


# Calls that coremltools 9.0 refuses and its main branch lowers to an op with facts of its own.
_LATER = {"aten.prod": ("ANE206", "reduce_prod"), "aten.unfold": ("ANE219", "sliding_windows")}


def _later(code: str, kind: str) -> OpCheck:
    def check(context: Context, op: Op) -> Iterator[Report]:
        if context.options.coremltools != "main":
            return
        verdict = context.verdict(replace(op, kind=kind))
        if verdict.ane == "no":
            yield Report(
                off_ane(name(op.call), verdict, context, advice(code)),
                confidence=verdict.confidence,
                evidence=verdict.evidence,
                data={"op": kind},
            )

    check.__doc__ = f"What {kind} will be with the next coremltools."
    return check


for _kind, (_code, _mil) in _LATER.items():
    rule(_code, ops=(_kind,))(_later(_code, _mil))


def _own_indices(context: Context) -> frozenset[int]:
    """Calls that make the indices they read or write at themselves; ANE204 and ANE212 speak about those."""
    found: frozenset[int] | None = context.memo.get("own indices")
    if found is None:
        found = frozenset(op.call.id for op in context.graph.ops if op.kind in ("argsort", "non_zero"))
        context.memo["own indices"] = found
    return found


@rule("ANE209", ops=("gather_along_axis", "gather_nd"), per_target=False)
def index_cast(context: Context, op: Op) -> Iterator[Report]:
    """The gather may run on the ANE, the int32 index arithmetic in front of it may not."""
    if features.runtime_index(op) and chain_rule(op.call) is None and op.call.id not in _own_indices(context):
        yield Report(
            f"{name(op.call)} with indices known only at run time prepares them on the CPU (measured on M4, macOS 27). "
            f"{advice('ANE209')}",
            data={"op": op.kind},
        )


def _run_time_bounds(call: Call) -> bool:
    """Whether a slice begins or ends at a tensor that is known only at run time."""

    def moves(item: object) -> bool:
        if isinstance(item, slice):
            return any(isinstance(bound, Value) and not bound.is_const for bound in (item.start, item.stop))
        return isinstance(item, tuple) and any(moves(part) for part in item)

    if call.torch.rsplit(".", 1)[-1] == "narrow":
        start = call.params.get("start")
        return isinstance(start, Value) and not start.is_const
    return any(moves(item) for item in call.args[1:])


@rule("ANE221", ops=("slice_by_size", "slice_by_index"))
def runtime_slice(context: Context, op: Op) -> Iterator[Report]:
    """Slices whose bounds are tensors."""
    if op.call.torch.rsplit(".", 1)[-1] in _DETECTION:  # ANE217 speaks about the whole call
        return
    verdict = context.verdict(op)
    if verdict.code == "ANE221" and verdict.ane == "no":
        yield Report(
            off_ane(name(op.call), verdict, context, advice("ANE221")),
            confidence=verdict.confidence,
            evidence=verdict.evidence,
            data={"op": op.kind},
        )
    elif _run_time_bounds(op.call):
        yield Report(
            f"{name(op.call)} runs on the CPU: where it begins is known only at run time (measured on M4, macOS 27). "
            f"{advice('ANE221')}",
            data={"op": op.kind},
        )


_SLICE_WRITES = ("__setitem__", "slice_scatter", "select_scatter")


def _only_slices(call: Call) -> bool:
    """Whether an assignment writes at slices and whole numbers, with no tensor among its indices."""
    if call.torch.rsplit(".", 1)[-1] != "__setitem__":
        return True
    if len(call.args) < 2:
        return False
    index = call.args[1]
    items = index if isinstance(index, tuple) else (index,)
    return all(isinstance(item, (int, slice)) or item is None or item is Ellipsis for item in items)


def _index_unknown(call: Call) -> bool:
    """Whether an assignment writes at an index the analysis does not know, which may be a plain number."""
    if call.torch.rsplit(".", 1)[-1] != "__setitem__" or len(call.args) < 2:
        return False
    index = call.args[1]
    return any(isinstance(item, Unknown) for item in (index if isinstance(index, tuple) else (index,)))


def _is_slice_write(call: Call) -> bool:
    return call.torch.rsplit(".", 1)[-1] in _SLICE_WRITES and _only_slices(call)


@rule("ANE210", ops=("scatter", "scatter_along_axis", "scatter_nd"))
def scatter(context: Context, op: Op) -> Iterator[Report]:
    """Scatter and index assignment."""
    verdict = context.verdict(op)
    if (
        verdict.ane != "no"
        or chain_rule(op.call)
        or _index_unknown(op.call)
        or op.call.id in _own_indices(context)
        or (_is_slice_write(op.call) and not _has_slice_update(context))
    ):
        return
    yield Report(
        off_ane(name(op.call), verdict, context, advice("ANE210")),
        confidence=verdict.confidence,
        evidence=verdict.evidence,
        data={"op": op.kind},
    )


def _has_slice_update(context: Context) -> bool:
    from ane_lsp.graph.builder import OPSETS

    return OPSETS.index(context.options.opset) >= OPSETS.index("iOS18")


@rule("ANE211", ops=("scatter", "scatter_along_axis", "scatter_nd", "slice_update"), per_target=False)
def slice_assignment(context: Context, op: Op) -> Iterator[Report]:
    """Writing a slice needs an iOS 18 target to become slice_update instead of scatter."""
    if _is_slice_write(op.call) and not _has_slice_update(context):
        yield Report(
            f"{name(op.call)} at a slice converts into scatter for the deployment target {context.options.opset} and runs "
            f"on the CPU (seen in every conversion). {advice('ANE211')}",
            data={"op": op.kind, "opset": context.options.opset},
        )


@rule("ANE214", ops=("random_normal", "random_uniform", "random_bernoulli", "random_categorical"))
def random_numbers(context: Context, op: Op) -> Iterator[Report]:
    """Random numbers drawn inside the model."""
    verdict = context.verdict(op)
    if verdict.ane == "yes":
        return
    yield Report(
        off_ane(name(op.call), verdict, context, advice("ANE214")),
        confidence=verdict.confidence,
        evidence=verdict.evidence,
        data={"op": op.kind},
    )


@graph_rule("ANE217", per_target=False)
def detection_calls(context: Context) -> Iterator[Report]:
    """torchvision's detection operations, whatever they were lowered to."""
    for call in context.called(lambda torch: "torchvision" in torch and torch.rsplit(".", 1)[-1] in _DETECTION):
        yield Report(
            f"{name(call)} runs on the CPU (reported; not measured through Core ML). {advice('ANE217')}",
            at=call,
            confidence="reported",
            data={"op": name(call)},
        )


@rule("ANE218", ops=("*",), per_target=False, calls=_calls_of("ANE218"))
def nan_to_num(context: Context, op: Op) -> Iterator[Report]:
    """nan_to_num becomes non_zero and scatter_nd with shapes known only at run time."""
    yield Report(
        "nan_to_num runs on the CPU: it converts into non_zero and scatter with shapes known only at run time (seen "
        f"in every conversion). {advice('ANE218')}",
        at=op.call,
        data={"op": "nan_to_num"},
    )
