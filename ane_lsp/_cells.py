"""A notebook's cells as one text, and its places named by cell."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate

from ane_lsp.analysis import FileAnalysis
from ane_lsp.graph import Span


class Cells:
    """The cells that were run, in order; a definition that was run again counts as it was run last."""

    def __init__(self, file: str, cells: list[str]) -> None:
        self.file = file
        self.text = "".join(cell.rstrip("\n") + "\n" for cell in cells)
        lengths = [cell.rstrip("\n").count("\n") + 1 for cell in cells]
        self._starts = [0, *accumulate(lengths)]

    def place(self, span: Span) -> Span:
        """The place in its cell, as ``In[NUMBER]``; places in files stay."""
        if span.file != self.file:
            return span
        number = min(max(bisect_right(self._starts, span.line - 1) - 1, 0), len(self._starts) - 2)
        start = self._starts[number]
        return span._replace(file=f"In[{number}]", line=span.line - start, end_line=span.end_line - start)

    def name(self, found: FileAnalysis) -> None:
        """Name every place of an analysis of the text."""
        place = self.place
        found.findings[:] = [
            replace(
                finding,
                span=place(finding.span),
                related=tuple(replace(related, span=place(related.span)) for related in finding.related),
                fixes=tuple(
                    replace(fix, edits=tuple(replace(edit, span=place(edit.span)) for edit in fix.edits))
                    for fix in finding.fixes
                ),
            )
            for finding in found.findings
        ]
        found.models[:] = [
            replace(
                model, span=place(model.span), lost=tuple(replace(part, span=place(part.span)) for part in model.lost)
            )
            for model in found.models
        ]
        found.errors[:] = [replace(error, span=place(error.span)) for error in found.errors]
        for graph in found.graphs:
            for call in graph.calls:
                call.span = place(call.span)
                call.ctor = place(call.ctor) if call.ctor is not None else None
                call.stack = tuple(map(place, call.stack))
            graph.shapes[:] = [replace(fact, span=place(fact.span)) for fact in graph.shapes]
