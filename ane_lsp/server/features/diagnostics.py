"""Diagnostics of a unit, by document: pushed, pulled, and for whole workspaces."""

from __future__ import annotations

from ane_lsp.graph import Span
from ane_lsp.server import uris
from ane_lsp.server.convert import INFORMATION, SOURCE, WARNING, Converter, range_of
from ane_lsp.server.documents import Text, to_cell
from ane_lsp.server.session import Unit
from ane_lsp.server.wire import Json

VERIFY_SOURCE = f"{SOURCE} verify"


def of_unit(unit: Unit, converter: Converter) -> dict[str, list[Json]]:
    """Every document `unit` says something about, its own ones always among them (empty lists clear)."""
    if unit.parts or unit.key in converter.session.notebooks:
        return _of_notebook(unit, converter)
    document = converter.session.document(unit.key)
    uri = document.uri if document else uris.from_path(unit.path)
    own = str(unit.path)
    found: dict[str, list[Json]] = {uri: []}
    if unit.kind == "settings":
        found[uri] = [
            converter.plain(problem.span, problem.message, WARNING, "ANE904", unit.text) for problem in unit.problems
        ]
        return found
    if unit.open:
        text = unit.text
    else:
        _, text, _ = converter.texts.get(own)

    def place(span: Span) -> tuple[str, Text]:
        if span.file == own or not span.file:
            return uri, text
        other, other_text, _ = converter.texts.get(span.file)
        return other, other_text

    def locate(span: Span) -> Json | None:
        where, its_text = place(span)
        return {"uri": where, "range": range_of(its_text, span, converter.client.encoding)}

    for finding in unit.findings():
        where, its_text = place(finding.span)
        found.setdefault(where, []).append(converter.diagnostic(finding, its_text, locate))
    for finding in unit.verified.findings() if unit.verified else ():
        where, its_text = place(finding.span)
        verified = converter.diagnostic(finding, its_text, locate)
        verified["source"] = VERIFY_SOURCE
        found.setdefault(where, []).append(verified)
    for error in unit.errors():
        where, its_text = place(error.span)
        found.setdefault(where, []).append(converter.error(error, its_text))
    if unit.failure:
        found[uri].append(_failure(unit, converter, text))
    return found


def _of_notebook(unit: Unit, converter: Converter) -> dict[str, list[Json]]:
    """A notebook's findings by cell, those that cross cells left out."""
    session = converter.session
    documents = {part.key: session.documents[part.key] for part in unit.parts if part.key in session.documents}
    names = {key: document.uri for key, document in documents.items()}
    notebook = session.notebooks.get(unit.key)
    cells = notebook.kinds if notebook else {}
    found: dict[str, list[Json]] = {session.documents[cell].uri: [] for cell in cells if cell in session.documents}
    own = str(unit.path)
    encoding = converter.client.encoding

    def locate(span: Span) -> Json | None:
        if span.file != own:
            return converter.location(span)
        placed = to_cell(span, unit.parts, names)
        if placed is None or placed[0] not in documents:
            return None
        document = documents[placed[0]]
        return {"uri": document.uri, "range": range_of(document.text, placed[1], encoding)}

    for finding in unit.findings():
        placed = to_cell(finding.span, unit.parts, names) if finding.span.file == own else None
        if placed and placed[0] in documents:
            document = documents[placed[0]]
            in_cell = converter.diagnostic(finding, unit.text, locate)
            in_cell["range"] = range_of(document.text, placed[1], encoding)
            found.setdefault(document.uri, []).append(in_cell)
    for error in unit.errors():
        placed = to_cell(error.span, unit.parts, names) if error.span.file == own else None
        if placed and placed[0] in documents:
            document = documents[placed[0]]
            in_cell = converter.error(error, unit.text)
            in_cell["range"] = range_of(document.text, placed[1], encoding)
            found.setdefault(document.uri, []).append(in_cell)
    return found


def _failure(unit: Unit, converter: Converter, text: Text) -> Json:
    """The analysis itself failed: said in the file it failed on, not in a pop-up."""
    span = Span(str(unit.path), 1, 0, 1, 0)
    message = (
        f"ane-lsp could not analyse this file: {unit.failure}. Other files are not affected; the log has the details."
    )
    return converter.plain(span, message, INFORMATION, "ANE901", text)
