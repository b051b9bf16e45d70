"""ANE6xx: shapes and control flow that depend on values, which a conversion cannot follow."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.captured import told_to_export
from ane_lsp.checks.engine import Context, Report, graph_rule, rule
from ane_lsp.checks.flow import places, short_name
from ane_lsp.graph import Call, Op, Value
from ane_lsp.torch_model import registry

_BRANCH = "torch.Tensor.__bool__"
_ASKS = frozenset({_BRANCH, "torch.Tensor.is_nonzero", "torch.is_nonzero"})
# Answered at once, with the values of both.
_COMPARES = frozenset({"torch.equal", "torch.Tensor.equal", "torch.allclose", "torch.Tensor.allclose"})


def _subject(call: Call) -> Value | None:
    """The tensor a call is about, where it is only known when the model runs."""
    value = next((v for v in call.args if isinstance(v, Value)), None)
    return value if value is not None and not value.is_const else None


# What Python does with numbers as well as with tensors.
_ARITHMETIC = frozenset({
    "add", "sub", "mul", "real_div", "floor_div", "mod", "pow", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
})  # fmt: skip


# ``int(n)`` counts as `item`, as torch records it.
_OF_NUMBERS = ("torch.Tensor.item", "torch.Tensor.__int__", "torch.Tensor.__float__", "torch.Tensor.__index__")
_ARRAY = "torch.Tensor.numpy"
_NUMBERS = frozenset(_OF_NUMBERS) - {"torch.Tensor.item"}


def _may_be_number(context: Context, value: Value) -> bool:
    """Whether a value is only computed from parameters of which nothing is known: ``forward(self, i, j)`` may take plain numbers."""
    waiting, seen, undetermined = [value], {value.id}, False
    while waiting:
        current = waiting.pop()
        op = context.graph.producer(current)
        if op is None:
            if not current.is_const:
                if current.type.shape is not None or current.type.dtype is not None:
                    return False
                undetermined = True
        elif op.kind not in _ARITHMETIC:
            return False
        else:
            new = [v for v in op.input_values() if v.id not in seen]
            seen.update(v.id for v in new)
            waiting += new
    return undetermined


def _is_certain(context: Context, call: Call) -> bool:
    """Whether what a call is about is a tensor in every run: an input of which nothing is known may be a number, or a list of them."""
    waiting, seen = list(call.given), set[int]()
    for current in waiting:
        op = context.graph.producer(current)
        if op is None and not current.is_const and current.type.dtype is None:
            return False
        for given in op.input_values() if op is not None else ():
            if given.id not in seen:
                seen.add(given.id)
                waiting.append(given)
    return True


def _once(calls: list[Call]) -> list[Call]:
    found: dict[object, Call] = {}
    for call in calls:
        found.setdefault(call.span, call)
    return list(found.values())


@graph_rule("ANE601", per_target=False)
def branch_on_tensor(context: Context) -> Iterator[Report]:
    """``if`` on a tensor."""
    traced = context.options.export_path == "trace"
    for call, held in () if traced else _untold(context, _ASKS | _COMPARES):
        what = "This condition depends on" if call.torch in _ASKS else f"`{short_name(call)}` compares"
        yield Report(
            f"{what} the values of {held}, which torch.export does not look at: it stops with an error at this line (seen with torch 2.13). "
            "Keep what decides as a Python value (`self.ready = True`), or decide in `__init__`.",
            at=call,
            severity="error",
        )
    asked = [(c, _subject(c)) for c in context.called(_BRANCH.__eq__)]
    for call in _once([c for c, value in asked if value is not None and not _may_be_number(context, value)]):
        consequence = (
            "torch.jit.trace keeps only the branch its example input took"
            if traced
            else "torch.export stops with an error at this line"
        )
        yield Report(
            f"This condition depends on a tensor's values: {consequence} (seen with torch 2.13). Compute both branches and choose with "
            "torch.where, or decide outside the model.",
            at=call,
            severity=None if traced or not _is_certain(context, call) else "error",
        )


def _untold(context: Context, wanted: frozenset[str], numbers: bool = False) -> list[tuple[Call, str]]:
    """Calls that take a value out of tensors which the model holds, where torch.export does not know it; with what they are called."""
    calls = context.called(wanted.__contains__)
    told = told_to_export(context, numbers) if calls else frozenset()
    found = {}
    for call in calls:
        given = call.given
        if given and all(one.is_const for one in given) and not told.issuperset(call.reads):
            found[call] = next((f"`{one.name}`" for one in given if one.name), "a constant tensor")
    return [(call, found[call]) for call in _once(list(found))]


@graph_rule("ANE602", per_target=False)
def value_to_python(context: Context) -> Iterator[Report]:
    """``.item()`` and its relatives."""
    traced = context.options.export_path == "trace"
    for call, held in () if traced else _untold(context, _NUMBERS, numbers=True):
        yield Report(
            f"A number is taken out of {held}, whose values torch.export does not look at: it stops with an error at this line (seen "
            "with torch 2.13). Keep the number as a Python value (`self.steps = 4`), or compute it in `__init__`.",
            at=call,
            severity="error",
        )
    yield from _arrays(context, traced)
    stopped = set() if traced else {call.span for call in context.called(_NUMBERS.__contains__)}
    taken = [(c, _subject(c)) for c in context.called(_synchronises)]
    for call in _once(
        [
            c for c, value in taken
            if value is not None and not (c.torch in _OF_NUMBERS and _may_be_number(context, value))
        ]
    ):  # fmt: skip
        stops = call.span in stopped
        consequence = (
            "a trace stores the number of its example input for good"
            if traced
            else "torch.export stops with an error at this line"
            if stops
            else "torch.export needs torch._check to go on, and the number stays a run-time scalar"
        )
        yield Report(
            f"`{short_name(call)}` takes a value out of a tensor: {consequence} (seen with torch 2.13 and coremltools 9.0). Keep it a "
            "tensor, or pass the number in as an input.",
            at=call,
            severity="error" if stops and _is_certain(context, call) else None,
        )


def _arrays(context: Context, traced: bool) -> Iterator[Report]:
    """``x.numpy()``."""
    for call in _once(context.called(_ARRAY.__eq__)):
        if traced and _subject(call) is not None:
            yield Report(
                "`numpy` takes the values out of a tensor: a trace stores the numbers of its example input for good (seen with torch 2.13). "
                "Use torch's functions on the tensor, or compute this outside the model.",
                at=call,
            )
        elif not traced:
            yield Report(
                "torch.export stops with an error at `numpy`: it has no values to give (seen with torch 2.13). Use torch's functions on the "
                "tensor, or compute this in `__init__`.",
                at=call,
                severity="error",
            )


def _synchronises(torch: str) -> bool:
    decl = registry.find(torch)
    return torch != _BRANCH and decl is not None and "sync" in decl.tags


_SIZED = {
    "reshape": "shape",
    "fill": "shape",
    "range_1d": "end",
    "tile": "reps",
    "resize_bilinear": "target_size_height",
}


@rule("ANE605", ops=tuple(_SIZED), per_target=False)
def size_at_run_time(context: Context, op: Op) -> Iterator[Report]:
    """Sizes that are tensors computed at run time."""
    given = op.inputs.get(_SIZED[op.kind])
    sizes = given if isinstance(given, tuple) else (given,)
    computed = [v for v in sizes if isinstance(v, Value) and not v.is_const]
    if computed and not all(_may_be_number(context, v) for v in computed):
        makers = [m for v in computed if (m := context.graph.producer(v)) is not None]
        yield Report(
            f"The sizes given to `{short_name(op.call)}` are computed while the model runs, which the ANE does not support (Apple's "
            "conversion guide). Write the sizes of the version you export as plain numbers.",
            related=places(makers, "the size is computed here", op),
        )
