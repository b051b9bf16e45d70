"""Findings and places as LSP types."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from lsprotocol import types as lsp

from ane_lsp.analysis import AnalysisError
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.server import uris
from ane_lsp.server.client import Client
from ane_lsp.server.documents import ClientPlace, Text
from ane_lsp.server.pages import rule_uri
from ane_lsp.server.session import Session
from ane_lsp.syntax.positions import Encoding
from ane_lsp.syntax.source import read_source

SOURCE = "ane-lsp"
SEVERITY = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "information": lsp.DiagnosticSeverity.Information,
    "hint": lsp.DiagnosticSeverity.Hint,
}
ERROR_SEVERITY = {
    "syntax": lsp.DiagnosticSeverity.Error,
    "encoding": lsp.DiagnosticSeverity.Error,
    "read": lsp.DiagnosticSeverity.Error,
    "config": lsp.DiagnosticSeverity.Warning,
    "budget": lsp.DiagnosticSeverity.Information,
    "internal": lsp.DiagnosticSeverity.Information,
}
ERROR_CODE = {"config": "ANE904", "internal": "ANE901"}
MAX_RELATED = 20


def position(place: ClientPlace) -> lsp.Position:
    return lsp.Position(*place)


def range_of(text: Text, span: Span, encoding: Encoding) -> lsp.Range:
    """A span in the client's units."""
    start, end = text.client_range(span, encoding)
    return lsp.Range(position(start), position(end))


class Texts:
    """The text a path has for the client: its open document, or the disk."""

    LIMIT = 64

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: OrderedDict[str, tuple[float, Text]] = OrderedDict()

    def get(self, path: str) -> tuple[str, Text, int | None]:
        """URI, text and version (None where not open) of `path`."""
        uri = uris.from_path(path)
        document = self._session.document(uri)
        if document is not None:
            return document.uri, document.text, document.version
        try:
            stamp = Path(path).stat().st_mtime
        except (OSError, ValueError):
            return uri, Text(""), None
        cached = self._read.get(path)
        if cached is None or cached[0] != stamp:
            cached = (stamp, Text(read_source(Path(path)).text))
            self._read[path] = cached
            while len(self._read) > self.LIMIT:
                self._read.popitem(last=False)
        return uri, cached[1], None


class Converter:
    """Makes diagnostics for one client."""

    def __init__(self, session: Session, client: Client) -> None:
        self.session, self.client, self.texts = session, client, Texts(session)

    def diagnostic(self, finding: Finding, text: Text, locate: Callable[[Span], lsp.Location | None]) -> lsp.Diagnostic:
        """A finding at its place in `text`; `locate` finds the places it refers to."""
        client = self.client
        related = None
        if client.related_information and finding.related:
            places = ((locate(item.span), item.message) for item in finding.related[:MAX_RELATED])
            related = [lsp.DiagnosticRelatedInformation(place, message) for place, message in places if place] or None
        href = rule_uri(finding.code) if client.code_description else None
        unused = finding.name == "unused-suppression" and client.diagnostic_tags
        return lsp.Diagnostic(
            range=range_of(text, finding.span, client.encoding),
            message=finding.message,
            severity=SEVERITY[finding.severity],
            code=finding.code,
            code_description=lsp.CodeDescription(href) if href else None,
            source=SOURCE,
            related_information=related,
            tags=[lsp.DiagnosticTag.Unnecessary] if unused else None,
            data={"name": finding.name} if client.diagnostic_data else None,
        )

    def error(self, error: AnalysisError, text: Text) -> lsp.Diagnostic:
        """What kept a part of the text from being analysed, as a diagnostic."""
        return self.plain(
            error.span, error.message, ERROR_SEVERITY[error.kind], ERROR_CODE.get(error.kind, error.kind), text
        )

    def plain(
        self, span: Span, message: str, severity: lsp.DiagnosticSeverity, code: str, text: Text
    ) -> lsp.Diagnostic:
        href = rule_uri(code) if self.client.code_description else None
        return lsp.Diagnostic(
            range_of(text, span, self.client.encoding), message, severity, code,
            lsp.CodeDescription(href) if href else None, SOURCE,
        )  # fmt: skip

    def location(self, span: Span) -> lsp.Location | None:
        """A place in any file."""
        if not span.file:
            return None
        uri, text, _ = self.texts.get(span.file)
        return lsp.Location(uri, range_of(text, span, self.client.encoding))


def result_id(items: Iterable[lsp.Diagnostic]) -> str:
    """The same for the same diagnostics, so that an unchanged document is not sent again."""
    digest = hashlib.blake2b(digest_size=12)
    for item in items:
        digest.update(repr(item).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
