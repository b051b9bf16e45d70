"""ANE101: PReLU with a slope for each channel, which converts while all its slopes are the same, as before training."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.graph import Call, TensorType, Value

_CALLED = ("torch.nn.PReLU", "torch.nn.functional.prelu", "torch.prelu", "torch.Tensor.prelu")
_TAKEN = {"9.0": (4,), "main": (2, 3, 4)}
"""The numbers of axes that different slopes convert with, by the version of coremltools."""


@graph_rule("ANE101", per_target=False)
def different_slopes(context: Context) -> Iterator[Report]:
    """Slopes are parameters: which values they have is not in the source."""
    version = context.options.coremltools
    for call in context.called(_CALLED.__contains__):
        given, slopes = _given(call)
        if call.id in context.idle_calls or given is None or slopes is None or slopes < 2:
            continue
        if given.rank is None or given.rank < 2 or given.rank in _TAKEN[version]:
            continue
        cure = (
            "Give it four axes: act(x.unsqueeze(-1)).squeeze(-1)."
            if given.rank == 3
            else "Give it four axes, and bring the shape back afterwards."
        )
        yield Report(
            f"A PReLU with {slopes} slopes, on a tensor of {given.rank} axes, converts only while all slopes are the same, as before training; "
            f"a trained one does not (coremltools {version}). {cure}",
            at=call,
            severity="warning",
            data={"torch": call.torch, "slopes": slopes, "rank": given.rank},
        )


def _given(call: Call) -> tuple[TensorType | None, int | None]:
    """The tensor that a call is applied to, and how many slopes it has; None where that is not known."""
    first = next(iter(call.args), None) if call.args else call.kwargs.get("input")
    given = first.type if isinstance(first, Value) else None
    if call.torch == "torch.nn.PReLU":
        count = call.hyper.get("num_parameters")
        return given, count if isinstance(count, int) else None
    weight = call.args[1] if len(call.args) > 1 else call.kwargs.get("weight")
    shape = weight.type.shape if isinstance(weight, Value) else None
    return given, shape[0] if shape is not None and len(shape) == 1 and isinstance(shape[0], int) else None
