"""Actions whose edits are made by the analysis, or reach beyond one document: refactorings, a rule fixed in every file or ignored
in the project."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.checks.finding import TextEdit
from ane_lsp.fixes.ignoring import ignore_in_settings
from ane_lsp.server import uris
from ane_lsp.server.convert import Converter
from ane_lsp.server.engine import EngineFailure
from ane_lsp.server.features.actions import workspace_edit
from ane_lsp.server.features.view import View
from ane_lsp.server.session import Session, Unit

OFFER_PATIENCE = 1.0  # seconds a list of actions waits for refactorings
KINDS = ("refactor", "workspace", "suppress-project")


class Refusal(Exception):
    """Why there is no edit, for the person who asked."""


class Rewrites:
    """Makes them for one client."""

    def __init__(self, session: Session, converter: Converter) -> None:
        self.session, self.converter, self.client = session, converter, converter.client

    async def offers(self, view: View, params: lsp.CodeActionParams, kinds: list[str] | None) -> list[tuple[str, str]]:
        """Refactorings at the start of a range: where they are asked for by kind, or by a person."""
        asked = kinds is not None and any(k == "" or k == "refactor" or k.startswith("refactor.rewrite") for k in kinds)
        if not asked and (kinds is not None or params.context.trigger_kind != lsp.CodeActionTriggerKind.Invoked):
            return []
        if view.document.notebook is not None or not view.unit.fresh or not self._can_come_later():
            return []
        line, col = view.at(params.range.start)
        with suppress(EngineFailure, asyncio.TimeoutError):
            question = self.session.ask("offers", str(view.unit.path), line, col)
            return list(await asyncio.wait_for(question, OFFER_PATIENCE))
        return []

    def _can_come_later(self) -> bool:
        return self.client.lazy_actions or self.client.apply_edit

    def elsewhere(self, view: View) -> frozenset[str]:
        """Rules with safe fixes in other files of the workspace."""
        return frozenset(
            finding.code
            for unit in self.session.units.values()
            if unit is not view.unit
            for finding in self._fixable(unit)
        )

    def _fixable(self, unit: Unit) -> list[Any]:
        if unit.kind != "python" or unit.parts:
            return []
        return [f for f in unit.findings() if any(fix.safety == "safe" and fix.edits for fix in f.fixes)]

    async def edit(self, view: View, data: dict[str, Any]) -> lsp.WorkspaceEdit:
        """The edit of one of :data:`KINDS`. Raises Refusal, and EngineFailure."""
        if data.get("version") != view.document.version or not view.unit.fresh:
            raise Refusal("the text has changed since this was offered")
        if data["do"] == "refactor":
            return await self._refactor(view, data)
        if data["do"] == "workspace":
            return await self._everywhere(str(data.get("code")))
        return await self._ignore(view, str(data.get("code")))

    async def _refactor(self, view: View, data: dict[str, Any]) -> lsp.WorkspaceEdit:
        line, col = data.get("place", [1, 0])
        stamp = view.unit.stamp
        edits, said = await self.session.ask(
            "refactor", str(view.unit.path), str(data.get("name")), int(line), int(col)
        )
        if not edits:
            raise Refusal(f"{data.get('name')} refused: {said}")
        if view.unit.stamp != stamp:
            raise Refusal("the text has changed since this was offered")
        document = view.document
        preview = (str(said), "Proposed by ane-lsp")
        return workspace_edit([(document.uri, document.version, view.text, edits)], self.client, preview)

    async def _everywhere(self, code: str) -> lsp.WorkspaceEdit:
        files: list[Any] = []
        units = [u for u in self.session.units.values() if any(f.code == code for f in self._fixable(u))]
        for unit in sorted(units, key=lambda u: str(u.path)):
            stamp, fresh = unit.stamp, unit.fresh
            edits: list[TextEdit] | None = await self.session.ask("fix-all", str(unit.path), code)
            if unit.stamp != stamp or not fresh:
                raise Refusal(f"{unit.path.name} has changed meanwhile")
            if edits:
                uri, text, version = self.converter.texts.get(str(unit.path))
                files.append((uri, version, text, edits))
        if not files:
            raise Refusal(f"no safe fix of {code} holds in any file")
        where = "1 file" if len(files) == 1 else f"{len(files)} files"
        return workspace_edit(files, self.client, (f"Fix all {code}", f"Safe fixes of ane-lsp in {where}"))

    async def _ignore(self, view: View, code: str) -> lsp.WorkspaceEdit:
        file, root = await self.session.ask("settings-file", str(view.unit.path))
        preview = (f"Ignore {code} in this project", "Settings of ane-lsp")
        if file is None:
            if not self.client.creates_files:
                raise Refusal("the project has no settings file, and this editor makes none for a server")
            uri = uris.from_path(os.path.join(root, "ane-lsp.toml"))
            return workspace_edit([], self.client, preview, [(uri, f'ignore = ["{code}"]\n')])
        uri, text, version = self.converter.texts.get(file)
        edit = ignore_in_settings(text, file, code)
        if edit is None:
            raise Refusal(f"{code} is ignored in {file} already, or the file is not understood")
        return workspace_edit([(uri, version, text, [edit])], self.client, preview)
