"""ANE101: PReLU with a slope for each channel, which converts while all its slopes are the same, as before training."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.graph import Call, Value
from ane_lsp.knowledge import conversion

_CALLED = ("torch.nn.PReLU", "torch.nn.functional.prelu", "torch.prelu", "torch.Tensor.prelu")
_TAKEN = {"9.0": (4,), "main": (2, 3, 4)}
"""The numbers of axes that different slopes convert with, by the version of coremltools."""


@graph_rule("ANE101", per_target=False)
def different_slopes(context: Context) -> Iterator[Report]:
    """Slopes are parameters: which values they have is not in the source."""
    version = context.options.coremltools
    for call in context.called(_CALLED.__contains__):
        given = conversion.first_tensor(call)
        rank, slopes = None if given is None else given.type.rank, _slopes(call)
        if call.id in context.idle_calls or rank is None or rank < 2 or slopes < 2 or rank in _TAKEN[version]:
            continue
        cure = (
            "Give it four axes: act(x.unsqueeze(-1)).squeeze(-1)."
            if rank == 3
            else "Give it four axes, and bring the shape back afterwards."
        )
        yield Report(
            f"A PReLU with {slopes} slopes, on a tensor of {rank} axes, converts only while all slopes are the same, as before training; "
            f"a trained one does not (coremltools {version}). {cure}",
            at=call,
            severity="warning",
            data={"torch": call.torch, "slopes": slopes, "rank": rank},
        )


def _slopes(call: Call) -> int:
    """How many slopes a call has, 0 where that is not known."""
    count = call.hyper.get("num_parameters")
    weight = call.params.get("weight")
    if isinstance(weight, Value) and weight.type.rank == 1 and weight.type.shape is not None:
        (count,) = weight.type.shape
    return count if isinstance(count, int) else 0
