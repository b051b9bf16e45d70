"""ANE1xx: calls that coremltools does not convert on the chosen export path."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, GraphCheck, Report, graph_rule, rule
from ane_lsp.checks.wording import advice, name, qualified
from ane_lsp.checks.writes import handed_on, is_view, lasts, written
from ane_lsp.graph import Call, Op, TensorType, Value
from ane_lsp.graph.liveness import is_loss, values
from ane_lsp.graph.rearranging import MOST_AXES
from ane_lsp.knowledge import conversion
from ane_lsp.knowledge.conversion import Conversion
from ane_lsp.torch_model.promotion import COMPLEX

# Rules whose cases are rows of torch-conversion.csv.
TABLE_CODES = (
    "ANE101", "ANE103", "ANE104", "ANE106", "ANE107", "ANE108", "ANE109", "ANE110", "ANE111", "ANE112", "ANE113",
    "ANE114", "ANE115", "ANE116", "ANE118", "ANE119", "ANE120", "ANE121",
)  # fmt: skip

# Attributes that are operations for a converter.
_TRANSPOSES = ("mT", "mH", "H")

_PATHS = {
    "trace": "when the model is traced",
    "export": "from torch.export with run_decompositions({})",
    "export-core": "from torch.export with run_decompositions()",
}
_WORKING = {
    "trace": "tracing the model",
    "export": "torch.export with run_decompositions({})",
    "export-core": "torch.export with run_decompositions()",
}


def spoken_path(path: str) -> str:
    """An export path, as the end of "does not convert"."""
    return _PATHS[path]


def _table(code: str) -> GraphCheck:
    def check(context: Context) -> Iterator[Report]:
        for call, entry in _refusals(context).get(code, ()):
            yield Report(
                _message(call, entry, context),
                at=call,
                data={
                    "torch": call.torch,
                    "case": entry.coverage.case,
                    "path": context.options.export_path,
                    **_kind(call),
                },
                moots=not entry.opset and not any(entry.working_paths(v) for v in conversion.VERSIONS),
            )

    check.__doc__ = f"Cases of the conversion table under {code}."
    return check


for _code in TABLE_CODES:
    graph_rule(_code, per_target=False)(_table(_code))


def _kind(call: Call) -> dict[str, bool]:
    return {"loss": True} if is_loss(call) else {}


def _refusals(context: Context) -> dict[str, list[tuple[Call, Conversion]]]:
    """Refused calls by rule, worked out once for all of them."""
    known: dict[str, list[tuple[Call, Conversion]]] | None = context.memo.get("refusals")
    if known is None:
        known = {}
        options = context.options
        chosen = options.export_path, options.coremltools, options.opset

        def refused(name: str) -> bool:
            return bool(conversion.refusals(name, *chosen))

        for call in (*context.called(refused), *(call for call in _used(context) if refused(call.torch))):
            left_out = context.dropped_calls if is_loss(call) else context.idle_calls
            if (call.id in left_out and not _stays(call, context)) or (
                call.kind == "attr" and call.torch.rsplit(".", 1)[-1] not in _TRANSPOSES
            ):
                continue
            entry = conversion.refusal(call, *chosen, read=lambda value: value.id in _read(context))
            if entry is not None and (not _is_unread_constant(call, context) or _stays(call, context)):
                known.setdefault(entry.code, []).append((call, entry))
        context.memo["refusals"] = known
    return known


def _stays(call: Call, context: Context) -> bool:
    """Whether a call is converted although nothing reads its result: a trace keeps what changes a tensor."""
    return call.id < context.last and lasts(call, context)


def _is_unread_constant(call: Call, context: Context) -> bool:
    """Whether a call makes constants, without an operation, that nothing reads which is converted."""
    made = values(call.result)
    if not made or not all(value.is_const and value.producer is None for value in made):
        return False
    return all(value.id not in _read(context) for value in made)


def _read(context: Context) -> frozenset[int]:
    """Ids of values that something takes: an op, an output, or a call that is not known."""
    found: frozenset[int] | None = context.memo.get("read")
    if found is None:
        graph = context.graph
        made = {op.call.id for op in graph.ops}
        ids = _taken(context)
        ids.update(*[call.reads for call in graph.calls if call.id not in made])
        context.memo["read"] = found = frozenset(ids)
    return found


def _taken(context: Context) -> set[int]:
    """Ids of values that an op or an output takes."""
    return {v.id for v in context.graph.outputs}.union(*[op.reads for op in context.asked["*"]])


def _used(context: Context) -> Iterator[Call]:
    """Custom functions whose results something is made of."""
    if context.graph.custom:
        read = _taken(context)
        yield from (c for c in context.graph.custom if any(v.id in read for v in values(c.result)))


def _message(call: Call, entry: Conversion, context: Context) -> str:
    subject = entry.what or qualified(call)
    subject = (
        subject[0].upper() + subject[1:] if entry.what and not entry.what.startswith(("torch.", "nn.")) else subject
    )
    if entry.opset:
        return (
            f"{subject} does not convert for the deployment target {context.options.opset} (it came with {entry.opset}). "
            f"{entry.advice}"
        )
    options = context.options
    return (
        f"{subject} does not convert {_PATHS[options.export_path]} (coremltools {options.coremltools}). "
        f"{_alternatives(entry, options.export_path, options.coremltools)}{entry.advice}"
    )


def _alternatives(entry: Conversion, path: str, version: str) -> str:
    """Which other way converts it, as a sentence."""
    if version == "9.0" and entry.converts(path, "main", "iOS26"):
        return "The next coremltools does. "
    others = [other for other in entry.working_paths(version) if other != path]
    if others:
        return f"{' and '.join(_WORKING[o] for o in others)} {'does' if len(others) == 1 else 'do'}. ".capitalize().replace(
            "Torch.export", "torch.export"
        )
    return "No export path converts it. "


@graph_rule("ANE105", per_target=False)
def rank_above_five(context: Context) -> Iterator[Report]:
    """Tensors of six axes or more that survive conversion."""
    if context.most_axes <= MOST_AXES:
        return
    for op in context.graph.ops:
        rank = _rank(op)
        if (
            rank <= MOST_AXES
            or op.folds
            or op.id in context.idle
            or any(v.type.rank is not None and v.type.rank > MOST_AXES for v in op.input_values())
        ):
            continue
        if op.id in context.rearranged:
            continue
        subject = name(op.call)
        yield Report(
            f"{subject} makes a tensor of {rank} axes, and Core ML refuses programs with more than {MOST_AXES} (coremltools 9.0). "
            f"{advice('ANE105', 'group_norm' if subject in ('GroupNorm', 'group_norm') else 'advice')}",
            weight=float(rank),
            at=op,
            data={"rank": rank},
        )


def _rank(op: Op) -> int:
    return max((v.type.rank or 0 for v in op.outputs), default=0)


# The table of conversions speaks of what has no lowering, but for arithmetic that has one on real tensors.
_COMPLEX_ARITHMETIC = frozenset({"aten.sub", "aten.mul"})


@graph_rule("ANE113", per_target=False)
def complex_operation(context: Context) -> Iterator[Report]:
    """Operations on complex tensors that the converter hands to Core ML, which has none; of constants as well."""
    if COMPLEX.isdisjoint(context.dtypes):
        return
    for op in context.asked["*"]:
        given = any(_is_complex(v.type) for v in op.input_values())
        if not (given or any(_is_complex(v.type) for v in op.outputs)):
            continue
        subject = name(op.call)
        if op.kind == "reshape" and subject.lower() == "flatten" and context.options.export_path == "trace":
            yield Report(
                f"{subject} of complex tensors does not convert when the model is traced (coremltools 9.0 and main). Use reshape, which does.",
                at=op,
                data={"torch": op.call.torch},
            )
        elif not _on_parts(op):
            what = "of complex tensors" if given else "makes a complex tensor, which"
            yield Report(
                f"{subject} {what} does not convert (coremltools 9.0 and main). "
                f"No export path converts it. {advice('ANE113')}",
                at=op,
                weight=float(given),
                data={"torch": op.call.torch},
                moots=True,
            )


def _is_complex(found: TensorType) -> bool:
    return found.dtype in COMPLEX


def _on_parts(op: Op) -> bool:
    """Whether the converter writes it with the two real tensors, as it does its own operations (``complex_rfft``)."""
    if op.kind == "aten.add":
        return all(isinstance(op.call.params.get(side), Value) for side in ("input", "other"))
    if op.kind.startswith("aten."):
        return op.kind not in _COMPLEX_ARITHMETIC
    return op.kind in ("reshape", "pad") or op.kind.startswith("complex_")


@graph_rule("ANE117", per_target=False)
def bfloat16(context: Context) -> Iterator[Report]:
    """Casts to bfloat16 inside forward; in a branch that nothing decides, which may be there for such models, none is meant."""
    for call in context.graph.calls:
        result = call.result
        if call.kind != "method" or call.optional or not isinstance(result, Value) or result.type.dtype != "bf16":
            continue
        given = conversion.first_tensor(call)
        if given is not None and given.type.dtype not in ("bf16", None):
            yield Report(
                f"{qualified(call)} makes a bfloat16 tensor, which does not convert (coremltools 9.0 and main). "
                f"No export path converts it. {advice('ANE117')}",
                at=call,
                data={"torch": call.torch},
            )


@rule("ANE122", ops=("pad",), per_target=False)
def reflected_axes(context: Context, op: Op) -> Iterator[Report]:
    """reflect and replicate padding outside the last two axes: converts, and Core ML then refuses to load the model."""
    if str(op.attrs.get("mode", "constant")) not in ("reflect", "replicate"):
        return
    pad = op.attrs.get("pad")
    if isinstance(pad, (tuple, list)) and all(isinstance(p, int) for p in pad) and any(pad[:-4]):
        yield Report(
            f"{name(op.call)} pads more than the last two axes with mode {op.attrs['mode']!r}: it converts, and Core ML then "
            f"refuses the model (reported in two open coremltools issues). {advice('ANE122')}",
            data={"mode": op.attrs["mode"], "pad": list(pad)},
        )


@graph_rule("ANE123", per_target=False)
def antialias_dropped(context: Context) -> Iterator[Report]:
    """antialias=True of a bilinear downscale is dropped without a word."""
    for call in context.graph.calls:
        if conversion.argument(call, "antialias") is not True or conversion.argument(call, "mode") != "bilinear":
            continue
        given = conversion.first_tensor(call)
        if given is None or not isinstance(call.result, Value) or not _shrinks(given, call.result):
            continue
        yield Report(
            f"{qualified(call)} with antialias=True converts into plain bilinear resizing, so the numbers differ "
            f"(coremltools 9.0 and main). {advice('ANE123')}",
            at=call,
            data={"torch": call.torch, "converts": True},
        )


def _shrinks(given: Value, made: Value) -> bool:
    if given.type.shape is None or made.type.shape is None:
        return False
    pairs = list(zip(given.type.shape[2:], made.type.shape[2:], strict=False))
    return any(isinstance(a, int) and isinstance(b, int) and b < a for a, b in pairs)


@graph_rule("ANE125", per_target=False)
def input_written(context: Context) -> Iterator[Report]:
    """Inputs and parameters that forward changes in place: torch.export makes the change a result of the program, which coremltools
    refuses."""
    if context.options.export_path == "trace":
        return
    graph = context.graph
    made = {op.call.id for op in graph.ops}
    # A call that hands its operand on may have copied it, as dropout does.
    handed = {same.id for call in graph.calls if (same := handed_on(call)) is not None}
    lasting = {
        value.id: f"the input {value.name or 'of the model'}"
        for value in graph.inputs
        if value.origin == "input" and value.id not in handed
    }
    for call in graph.calls:
        first = conversion.first_tensor(call)
        if first is not None and first.origin == "parameter" and first.producer is None and first.id not in handed:
            lasting.setdefault(first.id, f"the parameter {first.name}")
        if first is not None and first.id in lasting and is_view(call):
            lasting.update((value.id, lasting[first.id]) for value in values(call.result) if value.id not in handed)
        target = written(call) if call.id in made and not call.optional else None
        if target is not None and target.id in lasting:
            yield Report(
                f"{qualified(call)} changes {lasting.pop(target.id)} in place, which does not convert "
                f"{_PATHS[context.options.export_path]} (coremltools 9.0 and main). Tracing the model does. {advice('ANE125')}",
                at=call,
                data={"torch": call.torch, "path": context.options.export_path},
            )
