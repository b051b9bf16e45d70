"""The commands that take long or leave something behind: verify and the report.

Verify runs the code of the workspace. It is refused unless the editor said in ``initialize`` that the user trusts the
workspace; settings, which a workspace can bring along, cannot say so.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.server import uris, verifier
from ane_lsp.server.desk import Desk
from ane_lsp.server.engine import EngineFailure
from ane_lsp.server.progress import CancelledByUser, work_done
from ane_lsp.server.protocol import AneProtocol
from ane_lsp.server.results import DocumentResult
from ane_lsp.server.session import Snapshot, Superseded, Unit
from ane_lsp.server.verifier import Verified, VerifyRequest
from ane_lsp.server.wire import RequestError
from ane_lsp.syntax.source import read_source

PATIENCE = 10.0  # seconds a report waits for a running analysis


class Running:
    """Carries them out for one client."""

    def __init__(self, desk: Desk, protocol: AneProtocol) -> None:
        self._session, self._client, self._publisher = desk.session, desk.client, desk.publisher
        self._configured, self._protocol = desk.configured, protocol
        self._verifying = False
        self._facts: dict[str, tuple[tuple[str, str], ...]] = {}
        self._folder: str | None = None

    def close(self) -> None:
        """Remove what was written."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- verify ------------------------------------------------------------------------------------------------------

    async def verify(self, argument: Mapping[str, Any], token: Any) -> dict[str, Any]:
        """Run and convert the model an argument names; what was found, also as diagnostics."""
        unit = self._verifiable(argument)
        place = Snapshot(DocumentResult(str(unit.path)))  # moves along with edits made meanwhile
        unit.verified = place
        model = str(argument.get("model") or "") or None
        request = VerifyRequest(str(unit.path), _entry(unit, model), *(self._configured.told or ((), {})))
        self._verifying = True
        try:
            title = f"ane-lsp verify: {unit.path.name}"
            async with work_done(self._protocol, token, self._client.progress, title) as report:
                found = await verifier.run(request, report)
        except CancelledByUser:
            found = Verified("cancelled", "cancelled")
        finally:
            self._verifying = False
        if unit.verified is place and self._session.units.get(unit.key) is unit:
            place.result = DocumentResult(str(unit.path), found.findings)
            self._facts[unit.key] = found.facts
            self._publisher.publish(unit, False)
        if found.ended != "cancelled":
            self._tell(found)
        facts = [{"label": label, "text": text} for label, text in found.facts]
        return {"ended": found.ended, "message": found.message, "findings": len(found.findings), "facts": facts}

    def _verifiable(self, argument: Mapping[str, Any]) -> Unit:
        """The unit an argument names. Raises RequestError, with words for the user, where it may or can not be run."""

        def refuse(why: str) -> RequestError:
            return RequestError(lsp.LSPErrorCodes.RequestFailed, why)

        if not self._client.trusted:
            raise refuse(
                "ane-lsp verify runs the code of the workspace, and the editor has not said that it is trusted"
            )
        if not verifier.available():
            raise refuse("ane-lsp verify is not available in this installation")
        if self._verifying:
            raise refuse("ane-lsp verify is running already")
        uri = str(argument.get("uri", ""))
        unit, document = self._session.unit(uri), self._session.document(uri)
        if unit is None or document is None or unit.kind != "python" or document.notebook is not None:
            raise refuse("ane-lsp verify runs Python files that are open")
        if uris.to_path(uri) is None or not unit.path.is_file():
            raise refuse("ane-lsp verify runs files; this document is not on disk")
        if read_source(unit.path).text != unit.text.text.removeprefix("\ufeff"):
            raise refuse("ane-lsp verify runs the file on disk, which differs from what is shown: save it first")
        return unit

    def _tell(self, found: Verified) -> None:
        if found.ended == "done":
            said = [
                f"{label}: {text}" for label, text in found.facts if label in ("converted", "findings", "40 dB gate")
            ]
            kind, text = lsp.MessageType.Info, "; ".join(said) or "done"
        else:
            kind, text = lsp.MessageType.Warning, f"{found.ended}: {found.message}"
        self._protocol.notify("window/showMessage", lsp.ShowMessageParams(kind, f"ane-lsp verify: {text}"[:2000]))

    # -- report ------------------------------------------------------------------------------------------------------

    async def report(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        """The page about a document: its content for a client that shows it, otherwise a file, shown where it can be."""
        uri = str(argument.get("uri", ""))
        unit = self._session.unit(uri)
        if unit is None or unit.kind != "python":
            raise RequestError(lsp.LSPErrorCodes.RequestFailed, "there is a report about open Python files")
        try:
            await self._session.fresh(unit, PATIENCE)
            page = await self._session.ask("report", str(unit.path), list(self._facts.get(unit.key, ())))
        except (Superseded, EngineFailure) as error:
            raise RequestError(
                lsp.LSPErrorCodes.RequestFailed, f"no report: {error or 'the document changed'}"
            ) from None
        if page is None:
            raise RequestError(lsp.LSPErrorCodes.RequestFailed, "no report: the file has no analysis yet")
        if self._client.report_content:
            return {"title": unit.path.name, "html": page}
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="ane-lsp-report-")
        file = Path(self._folder) / f"{unit.path.stem}.html"
        file.write_text(page, encoding="utf-8")
        await self._show(file)
        return {"title": unit.path.name, "path": str(file), "uri": file.as_uri()}

    async def _show(self, file: Path) -> None:
        shown = False
        if self._client.show_document:
            try:
                answer = await self._protocol.ask(
                    "window/showDocument", lsp.ShowDocumentParams(file.as_uri(), external=True)
                )
                shown = bool(getattr(answer, "success", False))
            except RequestError:
                shown = False
        if not shown:
            text = f"ane-lsp: the report is in {file}"
            self._protocol.notify("window/showMessage", lsp.ShowMessageParams(lsp.MessageType.Info, text))


def _entry(unit: Unit, model: str | None) -> str | None:
    """What builds the model; None for the file's first, which is what the file itself runs."""
    shown = unit.shown()
    models = shown.result.models if shown else ()
    return None if model is None or not models or models[0].name == model else model
