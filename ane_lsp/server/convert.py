"""Findings and places as the protocol's JSON."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from ane_lsp.analysis import AnalysisError
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.server import uris
from ane_lsp.server.client import Client
from ane_lsp.server.documents import Text
from ane_lsp.server.pages import rule_uri
from ane_lsp.server.session import Session
from ane_lsp.server.wire import Json
from ane_lsp.syntax.positions import Encoding
from ane_lsp.syntax.source import read_source

SOURCE = "ane-lsp"
ERROR, WARNING, INFORMATION, HINT = 1, 2, 3, 4  # DiagnosticSeverity
SEVERITY = {"error": ERROR, "warning": WARNING, "information": INFORMATION, "hint": HINT}
ERROR_SEVERITY = {
    "syntax": ERROR, "encoding": ERROR, "read": ERROR, "config": WARNING, "budget": INFORMATION, "internal": INFORMATION,
}  # fmt: skip
ERROR_CODE = {"config": "ANE904", "internal": "ANE901"}
UNNECESSARY = 1  # DiagnosticTag
MAX_RELATED = 20


def range_of(text: Text, span: Span, encoding: Encoding) -> Json:
    """A span in the client's units."""
    start, end = ({"line": line, "character": col} for line, col in text.client_range(span, encoding))
    return {"start": start, "end": end}


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

    def diagnostic(self, finding: Finding, text: Text, locate: Callable[[Span], Json | None]) -> Json:
        """A finding at its place in `text`; `locate` finds the places it refers to."""
        client = self.client
        made = self.plain(finding.span, finding.message, SEVERITY[finding.severity], finding.code, text)
        if client.related_information and finding.related:
            places = ((locate(item.span), item.message) for item in finding.related[:MAX_RELATED])
            if related := [{"location": place, "message": message} for place, message in places if place]:
                made["relatedInformation"] = related
        if finding.name == "unused-suppression" and client.diagnostic_tags:
            made["tags"] = [UNNECESSARY]
        if client.diagnostic_data:
            made["data"] = {"name": finding.name}
        return made

    def error(self, error: AnalysisError, text: Text) -> Json:
        """What kept a part of the text from being analysed, as a diagnostic."""
        return self.plain(
            error.span, error.message, ERROR_SEVERITY[error.kind], ERROR_CODE.get(error.kind, error.kind), text
        )

    def plain(self, span: Span, message: str, severity: int, code: str, text: Text) -> Json:
        made = {
            "range": range_of(text, span, self.client.encoding), "message": message, "severity": severity, "code": code,
            "source": SOURCE,
        }  # fmt: skip
        if self.client.code_description and (href := rule_uri(code)):
            made["codeDescription"] = {"href": href}
        return made

    def location(self, span: Span) -> Json | None:
        """A place in any file."""
        if not span.file:
            return None
        uri, text, _ = self.texts.get(span.file)
        return {"uri": uri, "range": range_of(text, span, self.client.encoding)}


def result_id(items: Iterable[Json]) -> str:
    """The same for the same diagnostics, so that an unchanged document is not sent again."""
    digest = hashlib.blake2b(digest_size=12)
    for item in items:
        digest.update(repr(item).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
