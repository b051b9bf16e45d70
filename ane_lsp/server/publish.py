"""Diagnostics on their way to the client: pushed or reported, each document once, nothing stale, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.server import uris
from ane_lsp.server.convert import Converter, result_id
from ane_lsp.server.features import diagnostics
from ane_lsp.server.protocol import AneProtocol
from ane_lsp.server.session import Unit

REFRESH_DELAY = 0.1  # seconds; one refresh for everything that came to be new together


class Publisher:
    """Knows what each unit last said about each document.

    A document may be spoken about by several units (its own, and others that import it); the client gets the union.
    """

    def __init__(self, protocol: AneProtocol, converter: Converter) -> None:
        self._protocol, self._converter = protocol, converter
        self._client = converter.client
        self._said: dict[str, dict[str, list[lsp.Diagnostic]]] = {}  # document key -> unit key -> diagnostics
        self._uris: dict[str, str] = {}
        self._sent: dict[str, list[lsp.Diagnostic]] = {}
        self._reported: dict[str, str] = {}
        self._refreshing: set[str] = set()
        self.change = asyncio.Event()  # set, and replaced, whenever diagnostics of any document change

    def publish(self, unit: Unit, edited: bool) -> None:
        """There is a new result for `unit`."""
        found = diagnostics.of_unit(unit, self._converter)
        own = set()
        for uri, items in found.items():
            key = uris.key(uri)
            own.add(key)
            self._uris[key] = uri
            self._said.setdefault(key, {})[unit.key] = items
        left = [key for key, units in self._said.items() if unit.key in units and key not in own]
        for key in left:
            del self._said[key][unit.key]
        for key in (*own, *left):
            self._tell(key, always=edited)
        self._changed()

    def clear(self, unit: Unit) -> None:
        """`unit` is gone, with all it said."""
        for key in [key for key, units in self._said.items() if unit.key in units]:
            del self._said[key][unit.key]
            self._tell(key)
        self._changed()

    def clear_documents(self, closed: Iterable[str]) -> None:
        """Notebook cells that were removed."""
        for uri in closed:
            if self._said.pop(uris.key(uri), None) is not None:
                self._tell(uris.key(uri))

    def items(self, key: str) -> list[lsp.Diagnostic]:
        """Everything said about a document, each thing once."""
        units = self._said.get(key, {})
        if len(units) == 1:
            return next(iter(units.values()))
        merged: dict[Any, lsp.Diagnostic] = {}
        for said in units.values():
            for item in said:
                start, end = item.range.start, item.range.end
                merged.setdefault((start.line, start.character, end.line, end.character, item.code, item.message), item)
        return list(merged.values())

    # -- push --------------------------------------------------------------------------------------------------------

    def _tell(self, key: str, always: bool = False) -> None:
        items = self.items(key)
        if not self._said.get(key):
            self._said.pop(key, None)
        document = self._converter.session.documents.get(key)
        cell = document is not None and document.notebook is not None
        if self._client.pull and not cell and key not in self._sent:
            if self._reported.get(key) not in (None, result_id(items)):
                self._ask_again("diagnostic")
            return
        if not always and self._sent.get(key, []) == items:
            return
        uri = document.uri if document is not None else self._uris.get(key, key)
        version = document.version if document is not None else None
        self._protocol.notify("textDocument/publishDiagnostics", lsp.PublishDiagnosticsParams(uri, items, version))
        if items or document is not None:
            self._sent[key] = items
        else:
            self._sent.pop(key, None)
            self._uris.pop(key, None)

    # -- pull --------------------------------------------------------------------------------------------------------

    def report(self, unit: Unit, uri: str, previous: str | None) -> Any:
        """The answer to a pull for a document of `unit`."""
        key = uris.key(uri)
        items = self.items(key)
        now = result_id(items)
        self._reported[key] = now
        related = self._related(unit, key)
        if previous == now:
            return lsp.RelatedUnchangedDocumentDiagnosticReport(now, related_documents=related)
        return lsp.RelatedFullDocumentDiagnosticReport(items, related_documents=related, result_id=now)

    def _related(self, unit: Unit, own: str) -> dict[str, Any] | None:
        """What the unit says about other documents, for clients that take it along."""
        if not self._client.related_documents:
            return None
        found: dict[str, Any] = {}
        for key, units in self._said.items():
            if key != own and unit.key in units and key not in self._converter.session.units:
                items = self.items(key)
                found[self._uris[key]] = lsp.FullDocumentDiagnosticReport(items, result_id=result_id(items))
        return found or None

    def workspace_reports(self, known: dict[str, str]) -> list[Any]:
        """Reports for every document whose diagnostics are not the `known` ones (result ids by document key)."""
        reports: list[Any] = []
        for key in {*self._said, *known}:
            items = self.items(key)
            now = result_id(items)
            if known.get(key) == now or (key not in known and not items):
                continue
            document = self._converter.session.documents.get(key)
            uri = document.uri if document else self._uris.get(key, key)
            version = document.version if document else None
            reports.append(lsp.WorkspaceFullDocumentDiagnosticReport(uri, items, version, result_id=now))
        return reports

    def _changed(self) -> None:
        event, self.change = self.change, asyncio.Event()
        event.set()

    # -- refresh -----------------------------------------------------------------------------------------------------

    def refresh_views(self) -> None:
        """Hints and lenses the client shows are out of date."""
        if self._client.refresh_hints:
            self._ask_again("inlayHint")
        if self._client.refresh_lenses:
            self._ask_again("codeLens")

    def _ask_again(self, what: str) -> None:
        if what not in self._refreshing:
            self._refreshing.add(what)
            asyncio.get_running_loop().call_later(REFRESH_DELAY, self._refresh, what)

    def _refresh(self, what: str) -> None:
        self._refreshing.discard(what)
        method = {"diagnostic": "workspace/diagnostic/refresh"}.get(what, f"workspace/{what}/refresh")
        future = self._protocol.send_request(method, None)
        future.add_done_callback(lambda done: None if done.cancelled() else done.exception())
