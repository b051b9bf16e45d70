"""ANE7xx: the model as a whole: its size and its states."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.finding import Related, Severity
from ane_lsp.checks.flow import flow_of, static_shape
from ane_lsp.graph import Call, Op, Value
from ane_lsp.graph.moves import VIEWS
from ane_lsp.torch_model import registry

_GIB = 2**30


def _weights(context: Context) -> dict[int, tuple[Value, Op, int]]:
    """Parameters and buffers the graph reads, by id, with their first reader and their bytes in fp16."""
    found: dict[int, tuple[Value, Op, int]] = {}
    for op in context.graph.ops:
        for value in op.input_values():
            if (
                value.origin not in ("parameter", "buffer")
                or value.id in found
                or value.type.dtype in ("i64", "i32", "b8")
            ):
                continue
            shape = static_shape(value)
            if shape is None:
                continue
            size = 2
            for extent in shape:
                size *= extent
            found[value.id] = (value, op, size)
    return found


@graph_rule("ANE701")
def model_size(context: Context) -> Iterator[Report]:
    """Weights that exceed what one program may hold on an iPhone."""
    if context.target.os != "iOS":
        return
    weights = sorted(_weights(context).values(), key=lambda item: -item[2])
    total = sum(size for _, _, size in weights)
    if total <= _GIB:
        return
    value, op, size = weights[0]
    largest = f"The largest is {value.name} with {size / _GIB:.2f} GB" if value.name else "The largest is read here"
    yield Report(
        f"The weights take {total / _GIB:.1f} GB in fp16. On iPhones one program above about 1 GB cannot use the ANE (Apple's conversion "
        f"guide). {largest}. Compress the weights, or split the model with bisect_model.",
        at=op,
        weight=total,
        related=tuple(Related(o.span, f"{v.name}: {s / _GIB:.2f} GB") for v, o, s in weights[1:5] if s > _GIB // 16),
        data={"bytes": total},
    )


def _writes(torch: str) -> bool:
    decl = registry.find(torch)
    return decl is not None and bool(decl.mutates or registry.is_inplace(torch))


def _written_buffers(context: Context) -> dict[int, tuple[Value, Call]]:
    """Buffers that a run of the model changes, by the value's id, with the first call that writes each."""
    flow = flow_of(context)
    found: dict[int, tuple[Value, Call]] = {}
    for call in context.called(_writes):
        target = next(iter(call.args), None)
        decl = registry.find(call.torch)
        if decl is not None and decl.mutates:
            target = call.params.get(decl.mutates, target)
        if not isinstance(target, Value):
            continue
        base = target
        for _ in range(8):
            op = context.graph.producer(base)
            source = None if op is None or op.kind not in VIEWS else next(iter(op.input_values()), None)
            if source is None:
                break
            base = source
        if base.origin != "buffer":
            continue
        given = [v for v in (*call.args[1:], *call.kwargs.values()) if isinstance(v, Value)]
        if any(flow.roots(v) for v in given):
            found.setdefault(base.id, (base, call))
    return found


@graph_rule("ANE703", per_target=False)
def buffer_written(context: Context) -> Iterator[Report]:
    """Buffers written in forward."""
    options = context.options
    for value, call in _written_buffers(context).values():
        name = f"`{value.name}`" if value.name else "this buffer"
        severity: Severity | None = None
        if options.opset not in ("iOS18", "iOS26"):
            consequence = f"states need iOS 18 or macOS 15, and the deployment target is {options.opset}"
            cure = "Raise the target, or pass the tensor in and return it."
        elif options.export_path == "trace":
            # The conversion is somewhere else, and is likely to name it: models written for a cache are.
            severity = "information"
            consequence = "traced, it stays a constant with its first value unless the conversion declares it"
            cure = f"Give ct.convert states=[ct.StateType(..., name={value.name!r})], or convert from torch.export."
        else:
            continue  # torch.export makes it a state
        yield Report(
            f"The forward pass writes {name}: {consequence} (seen with coremltools 9.0). {cure}",
            at=call,
            severity=severity,
            key=value.name,
            data={"buffer": value.name},
        )


@graph_rule("ANE704", per_target=False)
def many_states(context: Context) -> Iterator[Report]:
    """More than two states."""
    states = list(_written_buffers(context).values())
    if len(states) > 2:
        _, call = states[2]
        yield Report(
            f"{len(states)} buffers are written, and each becomes a state: models with three states failed when run (reported on "
            "A18 and A19, iOS 26, and M4, macOS 26). Pack them into one or two tensors.",
            at=call,
            weight=len(states),
            related=tuple(Related(c.span, f"writes {v.name or 'a buffer'}") for v, c in states[:5] if c is not call),
        )


@graph_rule("ANE705", per_target=False)
def state_width(context: Context) -> Iterator[Report]:
    """States whose last axis is not a multiple of 32."""
    for value, call in _written_buffers(context).values():
        shape = static_shape(value)
        if shape and shape[-1] % 32:
            yield Report(
                f"The state {value.name or 'written here'} ends in an axis of {shape[-1]}: 270 failed to compile where 256 worked "
                "(reported on M4, macOS 15.2). Pad it to a multiple of 32 and mask the rest.",
                at=call,
                key=value.name,
                weight=shape[-1],
            )
