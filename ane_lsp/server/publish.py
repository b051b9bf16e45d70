"""Diagnostics on their way to the client: pushed or reported, each document once, nothing stale, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ane_lsp.server import uris
from ane_lsp.server.convert import Converter, result_id
from ane_lsp.server.features import diagnostics
from ane_lsp.server.session import Unit
from ane_lsp.server.wire import Json, RequestError, Wire

REFRESH_DELAY = 0.1  # seconds; one refresh for everything that came to be new together


class Publisher:
    """Knows what each unit last said about each document.

    A document may be spoken about by several units (its own, and others that import it); the client gets the union.
    """

    def __init__(self, wire: Wire, converter: Converter) -> None:
        self._wire, self._converter = wire, converter
        self._client = converter.client
        self._said: dict[str, dict[str, list[Json]]] = {}  # document key -> unit key -> diagnostics
        self._uris: dict[str, str] = {}
        self._sent: dict[str, list[Json]] = {}
        self._reported: dict[str, str] = {}
        self._refreshing: set[str] = set()
        self._asking: set[asyncio.Task[None]] = set()
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

    def items(self, key: str) -> list[Json]:
        """Everything said about a document, each thing once."""
        units = self._said.get(key, {})
        if len(units) == 1:
            return next(iter(units.values()))
        merged: dict[Any, Json] = {}
        for said in units.values():
            for item in said:
                place = [item["range"][end][unit] for end in ("start", "end") for unit in ("line", "character")]
                merged.setdefault((*place, item["code"], item["message"]), item)
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
        told = {"uri": uri, "diagnostics": items}
        self._wire.notify("textDocument/publishDiagnostics", told if version is None else {**told, "version": version})
        if items or document is not None:
            self._sent[key] = items
        else:
            self._sent.pop(key, None)
            self._uris.pop(key, None)

    # -- pull --------------------------------------------------------------------------------------------------------

    def report(self, unit: Unit, uri: str, previous: str | None) -> Json:
        """The answer to a pull for a document of `unit`."""
        key = uris.key(uri)
        items = self.items(key)
        now = result_id(items)
        self._reported[key] = now
        related = self._related(unit, key)
        more = {"relatedDocuments": related} if related else {}
        return ({"kind": "unchanged", "resultId": now} if previous == now else _full(items, now)) | more

    def _related(self, unit: Unit, own: str) -> Json:
        """What the unit says about other documents, for clients that take it along."""
        if not self._client.related_documents:
            return {}
        return {
            self._uris[key]: _full(items := self.items(key), result_id(items))
            for key, units in self._said.items()
            if key != own and unit.key in units and key not in self._converter.session.units
        }

    def workspace_reports(self, known: dict[str, str]) -> list[Json]:
        """Reports for every document whose diagnostics are not the `known` ones (result ids by document key)."""
        reports: list[Json] = []
        for key in {*self._said, *known}:
            items = self.items(key)
            now = result_id(items)
            if known.get(key) == now or (key not in known and not items):
                continue
            document = self._converter.session.documents.get(key)
            uri = document.uri if document else self._uris.get(key, key)
            version = document.version if document else None
            reports.append({**_full(items, now), "uri": uri, "version": version})
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
        self._asking.add(task := asyncio.get_running_loop().create_task(self._request(method)))
        task.add_done_callback(self._asking.discard)

    async def _request(self, method: str) -> None:
        with suppress(RequestError):
            await self._wire.ask(method, None)


def _full(items: list[Json], now: str) -> Json:
    """The report of a document of which something else is to be shown. now: its result id."""
    return {"kind": "full", "resultId": now, "items": items}
