"""ANE25x: types that keep work off the ANE, reported at the line that brings them in.

The ANE computes in fp16. A constant fp16 cannot hold keeps its op in fp32, an integer keeps its ops in int32; both run on the
CPU or GPU. The ops that merely follow are related locations of the line that started it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.flow import (
    FLOATS,
    FP16_MAX,
    INFINITE,
    INTEGERS,
    Extreme,
    Flow,
    asked_dtype,
    first,
    flow_of,
    is_float,
    is_integer,
    places,
    runtime,
    short_name,
    spoken,
)
from ane_lsp.graph import Call, Graph, Op, Value
from ane_lsp.graph.moves import VIEWS
from ane_lsp.graph.records import dataclass

# Attributes that coremltools passes as fp32 constants, so that its range check sees them.
_CONSTANT_ATTRS = {"clip": ("alpha", "beta"), "pad": ("constant_val",)}
# What may stand between a masked tensor and the softmax it goes to.
_MASKING = VIEWS | {"add", "sub", "mul", "select", "maximum", "minimum", "concat", "real_div"}
_SOFTMAX = ("softmax", "scaled_dot_product_attention")


def _text(value: float) -> str:
    """-1e9, 70000.0: as short as it was probably written."""
    text = f"{value:g}"
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


@graph_rule("ANE250", per_target=False)
def constant_outside_fp16(context: Context) -> Iterator[Report]:
    """Finite constants above 65504: coremltools keeps the op that reads one in fp32."""
    if context.options.precision != "fp16":
        return
    flow = flow_of(context)
    found: dict[int, tuple[Extreme, Call, list[Op]]] = {}
    for op in filter(_may_read_large, flow.live):
        for extreme in _large_constants(flow, op):
            call = extreme.call or op.call
            found.setdefault(call.id, (extreme, call, []))[2].append(op)
    for extreme, call, ops in found.values():
        masked = any(
            user.kind in _SOFTMAX for op in ops for out in op.outputs for user in flow.reached(out, frozenset(_MASKING))
        )
        cure = "Write -1e4: behind softmax the result is the same." if masked and extreme.value < 0 else (
            "Use a value within 65504, or scale the tensors first."
        )  # fmt: skip
        victim = ops[0]
        where = (
            f"`{short_name(call)}`" if victim.call.id == call.id else f"`{short_name(victim.call)}`, which reads it,"
        )
        yield Report(
            f"{_text(extreme.value)} does not fit into fp16, so coremltools 9.0 keeps {where} in fp32 and it does not run "
            f"on the ANE (seen in a conversion; Apple documents the typing rule). {cure}",
            confidence="documented",
            at=call,
            weight=abs(extreme.value),
            related=places(ops, "kept in fp32 because of it", call),
            data={"value": extreme.value, "before_softmax": masked},
        )


def kept_in_fp32(graph: Graph) -> frozenset[int]:
    """Ids of ops that fp16 conversion leaves in fp32, so that they do not run on the ANE (ANE250)."""
    flow = Flow(graph)
    return frozenset(
        op.id for op in filter(_may_read_large, flow.live) if next(_large_constants(flow, op), None) is not None
    )


def _may_read_large(op: Op) -> bool:
    """Whether an op reads constants that coremltools looks at, and whose numbers are known or worked out of such."""
    known: bool | None = op.alike.get(_may_read_large)
    if known is None:
        held = op.kind in _CONSTANT_ATTRS or any(map(_may_be_large, op.input_values()))
        known = op.alike[_may_read_large] = held and op.kind != "cast"
    return known


def _may_be_large(value: Value) -> bool:
    return bool(value.fold or value.type.data) and value.is_const and is_float(value)


def _large_constants(flow: Flow, op: Op) -> Iterator[Extreme]:
    for value in filter(_may_be_large, op.input_values()):
        yield from (e for e in flow.extremes(value) if e.finite)
    for name in _CONSTANT_ATTRS.get(op.kind, ()):
        number = op.attrs.get(name)
        if isinstance(number, (int, float)) and FP16_MAX < abs(number) < INFINITE:
            yield Extreme(float(number), op.call)


# -- integers ----------------------------------------------------------------------------------------------------

# Ops that look values up or write them by index: what prepares their indices belongs to them.
_LOOKUPS = frozenset({
    "gather", "gather_nd", "gather_along_axis", "scatter", "scatter_nd", "scatter_along_axis", "one_hot", "embedding", "crop_resize",
})  # fmt: skip
# What arithmetic on indices is made of.
_INDEX_STEPS = VIEWS | {
    "add", "sub", "mul", "floor_div", "mod", "clip", "minimum", "maximum", "select", "greater_equal", "concat", "cumsum",
}  # fmt: skip
_COMPARES = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
# Integer results of these have rules of their own; what follows them is their consequence.
_INTEGER_MAKERS = frozenset({
    "reduce_argmax", "reduce_argmin", "argsort", "topk", "non_zero", "shape", "gather_shape", "size", "non_maximum_suppression",
    "random_categorical",
})  # fmt: skip


# Counting a mask is done in fp16, and what is computed on the count (seen in a conversion); sizes and tables have rules of their own.
_SHAPE_ONLY = frozenset({"fill", "fill_like"})
_NOT_ARITHMETIC = frozenset({"reduce_sum", "range_1d", "fill", "fill_like"})


@dataclass(slots=True)
class _Integers:
    """Ops joined by the integer tensors that flow between them."""

    ops: list[Op] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)

    def casts_from(self, kind: str) -> list[Op]:
        """Casts that bring integers in, from ``"float"`` or ``"bool"``."""
        wanted = (lambda v: v.type.dtype == "b8") if kind == "bool" else is_float
        return [
            op for op in self.ops
            if op.kind == "cast" and not first(op).is_const and wanted(first(op)) and is_integer(op.outputs[0])
        ]  # fmt: skip

    @property
    def casts_out(self) -> list[Op]:
        """Casts from integers back to float."""
        return [op for op in self.ops if op.kind == "cast" and is_integer(first(op)) and is_float(op.outputs[0])]

    @property
    def work(self) -> list[Op]:
        """Arithmetic and comparisons."""
        return [op for op in self.ops if op.kind not in VIEWS and op.kind not in _INTEGER_MAKERS]

    @property
    def made_by_other(self) -> bool:
        """Integers come out of an op that has a rule of its own (argmax, topk, ...)."""
        return any(op.kind in _INTEGER_MAKERS or op.kind.startswith("aten.") for op in self.ops)


def _integers(flow: Flow) -> list[_Integers]:
    """Integer regions of the graph. Lookups and the preparation of their indices are not part of any."""
    lookup_calls = {op.call.id for op in flow.of(*_LOOKUPS)}
    parent: dict[int, int] = {}

    def find(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    members: list[tuple[Op, list[Value]]] = []
    for op in flow.live:
        if op.kind in _LOOKUPS or op.call.id in lookup_calls:
            continue
        if op.alike.get(_integers) is False:
            continue
        touched = [v for v in (*op.input_values(), *op.outputs) if not v.is_const and is_integer(v)]
        if not touched:
            op.alike[_integers] = False
            continue
        members.append((op, touched))
        head = find(touched[0].id)
        for value in touched[1:]:
            parent[find(value.id)] = head
    found: dict[int, _Integers] = {}
    for op, touched in members:
        region = found.setdefault(find(touched[0].id), _Integers())
        region.ops.append(op)
        for value in touched:
            if value.producer is None and all(value.id != known.id for known in region.inputs):
                region.inputs.append(value)
    return list(found.values())


def _regions(context: Context) -> list[_Integers]:
    found = context.memo.get("integers")
    if found is None:
        some = not INTEGERS.isdisjoint(context.dtypes)
        found = context.memo["integers"] = _integers(flow_of(context)) if some else []
    return list(found)


def _depends_on_floats(flow: Flow, ops: Iterable[Op]) -> bool:
    return any("float" in flow.roots(v) for op in ops for v in op.input_values())


_ATTENTION = "torch.nn.functional.scaled_dot_product_attention"


@graph_rule("ANE251", per_target=False)
def integer_arithmetic(context: Context) -> Iterator[Report]:
    """Integer arithmetic on what was a bool mask of activations."""
    flow = flow_of(context)
    for region in _regions(context):
        if region.made_by_other or region.casts_from("float"):
            continue
        sources = [op for op in region.casts_from("bool") if op.call.torch.rsplit(".", 1)[-1] != "sum"]
        work = [op for op in region.work if op.kind not in _NOT_ARITHMETIC]
        if not sources or not work or not _depends_on_floats(flow, sources):
            continue
        op = sources[0]
        count = context.count(work, op)
        yield Report(
            f"`{short_name(op.call)}` turns a mask into int32, and {spoken(count, 'operation')} on it cannot run on the ANE "
            "(measured on M4, macOS 27: int32 tensors are refused). Turn the mask into float instead; fp16 holds whole "
            "numbers exactly up to 2048.",
            at=op,
            weight=count,
            related=places(work, "computes on the integers", op),
        )
    yield from _decomposed_attention(context, flow)


def _decomposed_attention(context: Context, flow: Flow) -> Iterator[Report]:
    """Attention calls that torch's full decomposition writes out: with a look for rows without a finite score, in int32."""
    if context.options.export_path != "export-core":
        return
    calls = {op.call.id: op for op in flow.live if op.call.torch == _ATTENTION and runtime(op)}
    for op in calls.values():
        yield Report(
            f"torch.export with run_decompositions() writes `{short_name(op.call)}` out and looks for rows without a finite score in "
            "int32, which cannot run on the ANE (measured on M4, macOS 27: int32 tensors are refused). Tracing and "
            "run_decompositions({}) keep it as one operation.",
            at=op,
        )


@graph_rule("ANE252", per_target=False)
def float_to_integer(context: Context) -> Iterator[Report]:
    """Activations cast to integers inside the model."""
    flow = flow_of(context)
    for region in _regions(context):
        if region.made_by_other:
            continue
        for op in region.casts_from("float"):
            if "float" not in flow.roots(first(op)):
                continue
            followers = [o for o in region.ops if o is not op]
            count = context.count(followers, op)
            more = f", and {spoken(count, 'operation')} that follow" if followers else ""
            yield Report(
                f"`{short_name(op.call)}` casts activations to integers: the cast{more} cannot run on the ANE (measured on M4, "
                "macOS 27). Stay in float with torch.floor or torch.round, or do this step outside the model.",
                at=op,
                weight=count,
                related=places(followers, "follows in int32", op),
            )


def _prepares_lookup(flow: Flow, op: Op) -> bool:
    """Whether a result is used as an index and nowhere else: it has to stay an integer (``embed(codes + offset)``)."""
    used = [user for out in op.outputs for user in flow.reached(out, _INDEX_STEPS) if user.kind not in _INDEX_STEPS]
    return bool(used) and all(user.kind in _LOOKUPS for user in used)


@graph_rule("ANE253", per_target=False)
def integer_input(context: Context) -> Iterator[Report]:
    """Arithmetic on integer model inputs, before anything a lookup does with them."""
    flow = flow_of(context)
    for region in _regions(context):
        inputs = [v for v in region.inputs if v.type.dtype in ("i64", "i32", "i16")]
        work = [op for op in (*region.work, *region.casts_out) if runtime(op) and op.kind not in _SHAPE_ONLY]
        work = [op for op in work if not _prepares_lookup(flow, op)]
        if not inputs or not work or region.made_by_other or _depends_on_floats(flow, work):
            continue
        op = min(work, key=lambda o: o.id)
        names = " and ".join(f"`{v.name}`" for v in inputs[:2] if v.name) or "an input"
        verb = "are" if len(inputs) > 1 else "is"
        count = context.count(work, op)
        yield Report(
            f"{names} {verb} of an integer type, so {spoken(count, 'operation')} on it {'runs' if count == 1 else 'run'} on the CPU "
            "before the rest starts (measured on M4, macOS 27: int32 is refused). Compute this outside and pass the result in, as float unless it is an index.",
            at=op,
            weight=count,
            related=places(work, "runs in int32", op),
        )


@rule("ANE254", ops=("cast",), per_target=False)
def double_precision(context: Context, op: Op) -> Iterator[Report]:
    """Casts to float64."""
    if op.outputs[0].type.dtype == "f64" and first(op).type.dtype in FLOATS:
        yield _double(op.call)


_DOUBLING = frozenset({"torch.Tensor.double", "torch.Tensor.to", "torch.Tensor.type"})


@graph_rule("ANE254", per_target=False)
def double_precision_alias(context: Context) -> Iterator[Report]:
    """The same where no cast is left in the graph: float64 and float32 are one type for Core ML."""
    for call in context.called(_DOUBLING.__contains__):
        source = next((v for v in call.args if isinstance(v, Value)), None)
        if (
            source is not None
            and not source.is_const
            and source.type.dtype in ("f32", "f16")
            and (call.torch == "torch.Tensor.double" or asked_dtype(call) == "f64")
        ):
            yield _double(call)


def _double(call: Call) -> Report:
    return Report(
        "float64 is computed in fp16 here: coremltools 9.0 drops the cast when it converts to fp16 (seen in a conversion). "
        "Drop `double()`, or do this part outside the model.",
        at=call,
    )
