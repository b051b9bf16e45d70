"""What is known about an operation on the selected targets, in one sentence each."""

from __future__ import annotations

from ane_lsp.analysis import FileAnalysis
from ane_lsp.graph import Op, Span
from ane_lsp.graph.rearranging import rearranged
from ane_lsp.knowledge import eligibility
from ane_lsp.knowledge.targets import Target
from ane_lsp.server.predictions import Sentences, chosen
from ane_lsp.workspace import Settings

MAX_NOTES = 6
_WORDS = {
    "yes": "can run on the ANE", "no": "does not run on the ANE",
    "depends": "runs on the ANE in some cases", "unknown": "nobody has measured",
}  # fmt: skip


def about(found: FileAnalysis, span: Span, settings: Settings) -> list[str]:
    """Sentences about the ops of the call at `span` (or of the module constructed there), each once."""
    chips = chosen(settings)
    notes = Sentences()
    for graph in found.graphs:
        merged = rearranged(graph)
        for op in graph.ops:
            if span in (op.call.span, op.call.ctor) and not op.folds:
                for target in chips:
                    sentence = _sentence(op, target, eligibility.op(op, target, merged))
                    notes.add(f"{op.kind} on {target.label}", sentence, op.call.module)
    return notes.lines(MAX_NOTES)


def _sentence(op: Op, target: Target, verdict: eligibility.Verdict) -> str:
    text = f"{op.kind} on {target.label}: {_WORDS[verdict.ane]}"
    if verdict.reason:
        text += f": {verdict.reason}"
    scope = (
        verdict.scope if verdict.confidence in verdict.scope else f"{verdict.scope}, {verdict.confidence}".strip(", ")
    )
    return text + (f" ({scope})" if scope and verdict.ane != "unknown" else "")
