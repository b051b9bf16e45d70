"""ANE131: what a model returns to a script that converts it, besides tensors."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context, Report, graph_rule

_ALONE = "Return tensors alone: convert a module that calls the model and picks them"


@graph_rule("ANE131", per_target=False)
def model_output(context: Context) -> Iterator[Report]:
    """Outputs that a tracer, or coremltools behind torch.export, refuses."""
    for (way, kind), place in context.graph.returned.items():
        if way == "export":
            refusal = "torch.export takes it, and coremltools does not convert the program (9.0 and main)"
            advice = f"{_ALONE}."
        elif kind == "a dict":
            refusal = "torch.jit.trace refuses that unless it is told strict=False (torch 2.13)"
            advice = f"{_ALONE}, or pass strict=False."
        else:
            refusal = "torch.jit.trace refuses that (torch 2.13)"
            advice = f"{_ALONE}."
        yield Report(
            f"{context.graph.name} returns {kind} here: {refusal}. {advice}",
            at=place,
            data={"way": way, "kind": kind, "of_script": True},
            key=f"{way} {kind}",
        )
