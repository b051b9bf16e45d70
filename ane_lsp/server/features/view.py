"""One document's share of what is known, in that document's coordinates.

For a plain document that is its unit's result; for a notebook cell the part of the notebook's result that lies in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.server.documents import Document, Text, to_cell
from ane_lsp.server.session import Session, Unit
from ane_lsp.syntax.positions import Encoding


@dataclass(slots=True)
class View:
    """A document with its unit. `place` maps a span of the unit into the document, None where it lies elsewhere."""

    document: Document
    unit: Unit
    place: Callable[[Span], Span | None]
    encoding: Encoding

    @classmethod
    def of(cls, session: Session, uri: str) -> View | None:
        """The view of an open document; None where it is not open or not analysed."""
        document, unit = session.document(uri), session.unit(uri)
        if document is None or unit is None:
            return None
        own = str(unit.path)
        if document.notebook is None:
            return cls(document, unit, lambda span: span if span.file == own else None, session.encoding)
        key = next((part.key for part in unit.parts if session.documents.get(part.key) is document), None)
        names = {part.key: document.uri for part in unit.parts}

        def in_cell(span: Span) -> Span | None:
            placed = to_cell(span, unit.parts, names) if span.file == own else None
            return placed[1] if placed is not None and placed[0] == key else None

        return cls(document, unit, in_cell, session.encoding)

    @property
    def text(self) -> Text:
        return self.document.text

    def range(self, span: Span) -> lsp.Range:
        return client_range(self.text, span, self.encoding)

    def at(self, position: lsp.Position) -> tuple[int, int]:
        """A client's position as line and UTF-8 column of the document."""
        return self.text.place((position.line, position.character), self.encoding)

    def findings(self) -> list[Finding]:
        """Findings in this document, their edits too; a fix that also edits another document is left out."""
        found = []
        for finding in self.unit.findings():
            span = self.place(finding.span)
            if span is None:
                continue
            fixes: list[Fix] = []
            for fix in finding.fixes:
                places = [self.place(edit.span) for edit in fix.edits]
                if None not in places:
                    edits = [TextEdit(p, e.text) for p, e in zip(places, fix.edits, strict=True) if p is not None]
                    fixes.append(replace(fix, edits=tuple(edits)))
            found.append(replace(finding, span=span, fixes=tuple(fixes)))
        return found

    def moved(self, items: list[Any]) -> list[Any]:
        """Call sites, hints or models that lie in this document."""
        return [replace(item, span=span) for item in items if (span := self.place(item.span))]


def client_range(text: Text, span: Span, encoding: Encoding) -> lsp.Range:
    """A span in the client's units."""
    start, end = text.client_range(span, encoding)
    return lsp.Range(lsp.Position(*start), lsp.Position(*end))


def touches(span: Span, start: tuple[int, int], end: tuple[int, int]) -> bool:
    """Whether a range touches `span`; a cursor at either end does."""
    return (span.line, span.col) <= end and start <= (span.end_line, span.end_col)
