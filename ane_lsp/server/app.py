"""The server: every method a client may call, on top of :class:`~ane_lsp.server.session.Session`."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from lsprotocol import types as lsp
from lsprotocol.converters import get_converter
from pygls.lsp.server import LanguageServer

from ane_lsp import __version__
from ane_lsp.server import uris, verifier
from ane_lsp.server.client import Client
from ane_lsp.server.desk import Desk
from ane_lsp.server.documents import Change
from ane_lsp.server.engine import EngineFailure
from ane_lsp.server.features import actions, completion, hints, hover, lenses, links
from ane_lsp.server.features.rewrites import KINDS, Refusal, Rewrites
from ane_lsp.server.features.view import View
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.names import APPLY_ACTION, COMMANDS, REPORT, SHOW_MODEL, VERIFY
from ane_lsp.server.orphan import watch_parent
from ane_lsp.server.progress import CancelledByUser, work_done
from ane_lsp.server.protocol import AneProtocol
from ane_lsp.server.results import Completion, FixName, Predicted
from ane_lsp.server.running import Running
from ane_lsp.server.session import SETTINGS_FILES, State, Superseded, Unit
from ane_lsp.server.transport import Transport
from ane_lsp.server.wire import Json, RequestError

log = logging.getLogger(__name__)

PATIENCE = 4.0  # seconds a request waits for a running analysis before it is answered from the last result
EDIT_PATIENCE = 10.0  # the same where the client wants the edits with the list
GATE_PATIENCE = 1.0  # seconds a list of actions somebody asked for waits for its fixes to be verified
LENS_PATIENCE = 2.0  # seconds a lens waits for the prediction
NOTE_PATIENCE = 0.25  # seconds a hover waits for what only the analysis process knows


class App:
    """One client's server. exit_code: of the process, once it is over."""

    def __init__(self, desk: Desk, transport: Transport, greeting: Greeting) -> None:
        """Take over from `desk`."""
        server = LanguageServer("ane-lsp", __version__, protocol_cls=AneProtocol, converter_factory=get_converter)
        assert isinstance(server.protocol, AneProtocol)
        self.protocol = server.protocol
        self.desk, self.client, self.session = desk, desk.client, desk.session
        self.configured, self.converter, self.publisher = desk.configured, desk.converter, desk.publisher
        self.rewrites = Rewrites(self.session, self.converter)
        self.running = Running(desk, self.protocol)
        self._words: Completion | None = None
        self._listed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stale_answers: set[str] = set()
        self.protocol.handlers = self._handlers()
        self.protocol.connect(transport, desk.wire)
        told = greeting.params.get("trace")
        self.protocol.trace = lsp.TraceValue(told) if told in ("messages", "verbose") else lsp.TraceValue.Off
        self.session.listener = self
        if isinstance(parent := greeting.params.get("processId"), int):
            self.start(watch_parent(parent, self._orphaned))
        self.start(self._begin_workspace())

    def _handlers(self) -> dict[str, Callable[..., Any]]:
        return {
            "initialized": self.desk.initialized,
            "shutdown": self.shutdown,
            "exit": self.exit,
            "$/setTrace": self.set_trace,
            "textDocument/didOpen": self.did_open,
            "textDocument/didChange": self.did_change,
            "textDocument/didClose": self.did_close,
            "textDocument/didSave": self.did_save,
            "notebookDocument/didOpen": self.notebook_did_open,
            "notebookDocument/didChange": self.notebook_did_change,
            "notebookDocument/didClose": self.notebook_did_close,
            "notebookDocument/didSave": lambda params: None,
            "textDocument/diagnostic": self.diagnostic,
            "workspace/diagnostic": self.workspace_diagnostic,
            "textDocument/codeAction": self.code_action,
            "codeAction/resolve": self.resolve_action,
            "textDocument/hover": self.hover,
            "textDocument/inlayHint": self.inlay_hint,
            "inlayHint/resolve": self.resolve_hint,
            "textDocument/codeLens": self.code_lens,
            "codeLens/resolve": self.resolve_lens,
            "textDocument/documentLink": self.document_link,
            "textDocument/completion": self.complete,
            "workspace/executeCommand": self.execute,
            "workspace/didChangeConfiguration": self.did_change_configuration,
            "workspace/didChangeWatchedFiles": self.did_change_files,
            "workspace/didChangeWorkspaceFolders": self.did_change_folders,
            "workspace/didRenameFiles": self.did_rename,
            "workspace/didDeleteFiles": self.did_delete,
            "workspace/didCreateFiles": self.did_create,
            "window/workDoneProgress/cancel": self.cancel_progress,
        }

    # -- life --------------------------------------------------------------------------------------------------------

    async def _begin_workspace(self) -> None:
        await self.desk.agreed.wait()
        if self.configured.everything:
            await self._list_workspace()

    def end(self) -> None:
        """Stop everything at once."""
        self.session.shutdown()
        self.running.close()
        for task in list(self._tasks):
            task.cancel()

    def shutdown(self, params: Any) -> None:
        self.protocol._shutdown = True
        self.end()
        for future in list(self.protocol._request_futures.values()):
            future.cancel()

    def exit(self, params: Any) -> None:
        self.desk.over.set()

    @property
    def exit_code(self) -> int:
        return 0 if self.protocol._shutdown else 1

    def _orphaned(self) -> None:
        log.warning("the client's process is gone")
        self.desk.over.set()

    def set_trace(self, params: lsp.SetTraceParams) -> None:
        self.protocol.trace = params.value

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests; its failure is logged, its end at shutdown certain."""
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed", exc_info=error)

    # -- what the session tells --------------------------------------------------------------------------------------

    def analysed(self, unit: Unit, edited: bool) -> None:
        self.desk.analysed(unit, edited)
        stale = unit.key in self._stale_answers
        self._stale_answers.discard(unit.key)
        if unit.open and (stale or not edited):
            self.publisher.refresh_views()

    def ahead(self, unit: Unit) -> None:
        self.desk.ahead(unit)

    def forgotten(self, unit: Unit) -> None:
        self.desk.forgotten(unit)
        self._stale_answers.discard(unit.key)

    def state(self, state: State, detail: str) -> None:
        self.desk.state(state, detail)

    # -- documents ---------------------------------------------------------------------------------------------------

    def did_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        language = str(getattr(document.language_id, "value", document.language_id))
        self.session.open(document.uri, language, document.version, document.text)

    def did_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        self.session.change(params.text_document.uri, params.text_document.version, _changes(params.content_changes))

    def did_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        self.session.close(params.text_document.uri)
        path = uris.to_path(params.text_document.uri)
        if path is not None and self.configured.everything and path.suffix == ".py" and path.is_file():
            self.session.add_files([str(path)])

    def did_save(self, params: lsp.DidSaveTextDocumentParams) -> None:
        path = uris.to_path(params.text_document.uri)
        if path is not None and path.name in SETTINGS_FILES:
            self.session.touched([str(path)])

    def notebook_did_open(self, params: lsp.DidOpenNotebookDocumentParams) -> None:
        notebook = params.notebook_document
        cells = [(cell.document, cell.kind.value) for cell in notebook.cells]
        self.session.open_notebook(notebook.uri, notebook.version, cells, _items(params.cell_text_documents))

    def notebook_did_change(self, params: lsp.DidChangeNotebookDocumentParams) -> None:
        cells = params.change.cells
        if cells is None:
            return
        splice = None
        opened: Sequence[lsp.TextDocumentItem] = ()
        closed: list[str] = []
        if cells.structure is not None:
            array = cells.structure.array
            splice = (array.start, array.delete_count, [(cell.document, cell.kind.value) for cell in array.cells or ()])
            opened = cells.structure.did_open or ()
            closed = [cell.uri for cell in cells.structure.did_close or ()]
        kinds = [(cell.document, cell.kind.value) for cell in cells.data or ()]
        texts = [
            (text.document.uri, text.document.version, _changes(text.changes)) for text in cells.text_content or ()
        ]
        notebook = params.notebook_document
        self.session.change_notebook(notebook.uri, notebook.version, splice, _items(opened), closed, kinds, texts)
        self.publisher.clear_documents(closed)

    def notebook_did_close(self, params: lsp.DidCloseNotebookDocumentParams) -> None:
        cells = [cell.uri for cell in params.cell_text_documents]
        self.session.close_notebook(params.notebook_document.uri, cells)

    # -- diagnostics -------------------------------------------------------------------------------------------------

    async def diagnostic(self, params: lsp.DocumentDiagnosticParams) -> Any:
        uri = params.text_document.uri
        unit, document = self.session.unit(uri), self.session.document(uri)
        if unit is None or document is None or unit.kind == "other" or document.notebook is not None:
            return {"kind": "full", "items": []}  # cells' diagnostics are pushed
        try:
            await self.session.diagnosed(unit)
        except Superseded:
            retrigger = {"retriggerRequest": True}
            raise RequestError(lsp.LSPErrorCodes.ServerCancelled, "the document changed", retrigger) from None
        return self.publisher.report(unit, document.uri, params.previous_result_id)

    async def workspace_diagnostic(self, params: lsp.WorkspaceDiagnosticParams) -> Json:
        known = {uris.key(item.uri): item.value for item in params.previous_result_ids}
        first = not known
        while True:  # the client asks for good: it is answered when there is something to say
            change = self.publisher.change
            reports = self.publisher.workspace_reports(known)
            token = params.partial_result_token
            if reports and token is None:
                return {"items": reports}
            if reports and token is not None:
                self.desk.wire.notify("$/progress", {"token": token, "value": {"items": reports}})
                known.update({uris.key(report["uri"]): report["resultId"] for report in reports})
            elif first and self._listed and self.session.idle:
                return {"items": []}
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(change.wait(), 0.2 if first else None)

    async def _list_workspace(self) -> int:
        """Queue every file of the workspace that mentions torch; how many there are."""
        count = 0
        self._listed = False
        for uri in list(self.configured.folders.values()):
            path = uris.to_path(uri)
            if path is None:
                continue
            try:
                files = await self.session.ask("files", str(path))
            except EngineFailure as error:
                log.error("files of %s: %s", path, error)
                continue
            count += len(files)
            self.session.add_files(files)
        self._listed = True
        return count

    # -- requests ----------------------------------------------------------------------------------------------------

    async def _view(self, uri: str) -> View | None:
        """The document with a result for its present text, or after some patience with the last one, moved along."""
        unit = self.session.unit(uri)
        if unit is None or unit.kind == "other":
            return None
        try:
            if not await self.session.fresh(unit, PATIENCE):
                self._stale_answers.add(unit.key)
        except Superseded:
            return None
        return View.of(self.session, uri)

    async def code_action(self, params: lsp.CodeActionParams) -> Any:
        view = await self._view(params.text_document.uri)
        if view is None:
            return []
        only = params.context.only
        kinds = None if only is None else [str(getattr(kind, "value", kind)) for kind in only]
        refused, pending = await self._verdicts(view, params)
        offered = await self.rewrites.offers(view, params, kinds)
        elsewhere = self.rewrites.elsewhere(view)
        return actions.code_actions(view, params.range, kinds, self.converter, refused, pending, offered, elsewhere)

    async def _verdicts(
        self, view: View, params: lsp.CodeActionParams
    ) -> tuple[frozenset[FixName], frozenset[FixName]]:
        """Fixes that are not to be offered: those that do not hold, and those not tried yet.

        Fixes are tried in the background. An editor that asks by itself, with every move of the cursor, is answered from
        what is known; a person who asks waits a moment, then gets the rest too, which are tried when one is chosen.
        """
        lazy = self.client.lazy_actions or not self.client.literal_actions
        names = actions.fixes_in(view, params.range if lazy else None)
        if not names or view.document.notebook is not None or not view.unit.fresh:
            return frozenset(), frozenset()
        verdicts = {name: view.unit.verdicts[name] for name in names if name in view.unit.verdicts}
        automatic = params.context.trigger_kind == lsp.CodeActionTriggerKind.Automatic
        unknown = frozenset(names) - frozenset(verdicts)
        if unknown and not (automatic and lazy):
            verdicts = await self.session.verdicts(view.unit, names, GATE_PATIENCE if lazy else EDIT_PATIENCE)
            unknown = frozenset(names) - frozenset(verdicts)
        refused = frozenset(name for name, held in verdicts.items() if not held)
        if not lazy:  # whole edits go out at once: none that was not tried
            return refused | unknown, frozenset()
        return refused, unknown if automatic else frozenset()

    async def resolve_action(self, action: lsp.CodeAction) -> lsp.CodeAction:
        if action.edit is None and isinstance(action.data, dict):
            action.edit = await self._edit_of(action.data)
        return action

    async def _edit_of(self, data: dict[str, Any]) -> lsp.WorkspaceEdit:
        view = await self._view(str(data.get("uri", "")))
        if view is not None and data.get("do") in KINDS:
            try:
                return await self.rewrites.edit(view, data)
            except (Refusal, EngineFailure) as reason:
                raise RequestError(lsp.LSPErrorCodes.RequestFailed, str(reason)) from None
        edit = actions.resolve(view, data, self.client) if view is not None else None
        if view is not None and edit is not None and view.document.notebook is None and view.unit.fresh:
            try:
                if data.get("do") == "all":
                    every = await self.session.ask("fix-all", str(view.unit.path), data.get("only"))
                    if every is not None:
                        edit = (
                            actions.edit_of(view, every, self.client)
                            if data.get("version") == view.document.version
                            else None
                        )
                elif (name := actions.named_fix(data)) is not None:
                    if name not in view.unit.verdicts:
                        await self.session.verdicts(view.unit, [name], EDIT_PATIENCE)
                    edit = edit if view.unit.verdicts.get(name) else None
            except EngineFailure as error:
                log.error("fixes of %s: %s", view.unit.path, error)
                edit = None
        if edit is None:
            raise RequestError(lsp.LSPErrorCodes.ContentModified, "this fix does not apply to the present text")
        return edit

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        view = await self._view(params.text_document.uri)
        if view is None:
            return None
        line, col = view.at(params.position)
        code = hover.code_at(view, line, col)
        if code is not None:
            page = await self._ask_soon("page", code[0])
            return hover.hover(view, page, code[1], self.client) if page else None
        calls, findings, names = hover.subject(view, line, col)
        if not (calls or findings or names):
            return None
        notes: list[str] = []
        span = (calls or findings or names)[0].span
        if calls and view.document.notebook is None and view.unit.fresh:
            place = (span.file, span.line, span.col, span.end_line, span.end_col)
            notes = await self._ask_soon("notes", str(view.unit.path), place) or []
        return hover.hover(view, hover.render(calls, findings, names, notes), span, self.client)

    async def _ask_soon(self, what: str, *args: Any, patience: float = NOTE_PATIENCE) -> Any:
        """An answer from the analysis process if it comes at once."""
        with suppress(EngineFailure, asyncio.TimeoutError):
            return await asyncio.wait_for(self.session.ask(what, *args), patience)
        return None

    async def inlay_hint(self, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        view = await self._view(params.text_document.uri)
        if view is None:
            return []
        return hints.inlay_hints(view, params.range, _hint_mode(view), self.client)

    async def resolve_hint(self, hint: lsp.InlayHint) -> lsp.InlayHint:
        data = hint.data if isinstance(hint.data, dict) else {}
        view = View.of(self.session, str(data.get("uri", "")))
        return hints.resolve(view, hint) if view is not None else hint

    async def code_lens(self, params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        if not self.configured.configuration.editor.code_lens:
            return []
        view = await self._view(params.text_document.uri)
        return lenses.code_lenses(view, self.client.trusted and verifier.available()) if view is not None else []

    async def resolve_lens(self, lens: lsp.CodeLens) -> lsp.CodeLens:
        data = lens.data if isinstance(lens.data, dict) else {}
        view = await self._view(str(data.get("uri", "")))
        if view is None:
            return lenses.resolve(lens, None, ())
        predicted = await self._predicted(view)
        return lenses.resolve(lens, lenses.named(view, data), predicted)

    async def _predicted(self, view: View) -> list[Predicted]:
        """Placements of a view's models; none where they do not belong to its present text."""
        if not view.unit.fresh:
            return []
        return await self._ask_soon("placements", str(view.unit.path), patience=LENS_PATIENCE) or []

    def document_link(self, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink]:
        view = View.of(self.session, params.text_document.uri)
        return links.document_links(view) if view is not None and view.unit.kind != "other" else []

    async def complete(self, params: lsp.CompletionParams) -> lsp.CompletionList:
        view = View.of(self.session, params.text_document.uri)
        empty = lsp.CompletionList(False, [])
        if view is None or view.unit.kind == "other":
            return empty
        at = view.at(params.position)
        if view.unit.kind == "python" and not hover.COMMENT.search(view.text.line(at[0])):
            return empty
        if self._words is None:
            try:
                self._words = await self.session.ask("words")
            except EngineFailure:
                return empty
        return lsp.CompletionList(False, completion.complete(view, at, self._words or Completion()))

    # -- configuration and files -------------------------------------------------------------------------------------

    async def did_change_configuration(self, params: lsp.DidChangeConfigurationParams) -> None:
        before = self.configured.everything
        await self.configured.changed(params.settings)
        if self.configured.everything and not before:
            await self._list_workspace()
        elif before and not self.configured.everything:
            self.session.drop_files()

    def did_change_files(self, params: lsp.DidChangeWatchedFilesParams) -> None:
        changed = [str(path) for event in params.changes
                   if event.type != lsp.FileChangeType.Deleted and (path := uris.to_path(event.uri))]  # fmt: skip
        deleted = [str(path) for event in params.changes
                   if event.type == lsp.FileChangeType.Deleted and (path := uris.to_path(event.uri))]  # fmt: skip
        self._files_changed(changed, deleted)

    def did_rename(self, params: lsp.RenameFilesParams) -> None:
        self._files_changed(_paths(f.new_uri for f in params.files), _paths(f.old_uri for f in params.files))

    def did_delete(self, params: lsp.DeleteFilesParams) -> None:
        self._files_changed([], _paths(f.uri for f in params.files))

    def did_create(self, params: lsp.CreateFilesParams) -> None:
        self._files_changed(_paths(f.uri for f in params.files), [])

    def _files_changed(self, changed: list[str], deleted: list[str]) -> None:
        self.session.touched(changed, deleted)
        if self.configured.everything:
            self.session.add_files(path for path in changed if path.endswith(".py"))

    async def did_change_folders(self, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        added = {uris.key(folder.uri): folder.uri for folder in params.event.added}
        await self.configured.moved(added, [uris.key(folder.uri) for folder in params.event.removed])
        if self.configured.everything:
            self.session.drop_files()
            await self._list_workspace()

    # -- commands ----------------------------------------------------------------------------------------------------

    async def execute(self, params: lsp.ExecuteCommandParams) -> Any:
        arguments = list(params.arguments or ())
        first = arguments[0] if arguments else None
        name = params.command
        if name not in COMMANDS:
            raise RequestError(lsp.ErrorCodes.InvalidParams, f"no command {name!r} here")
        if name == APPLY_ACTION and isinstance(first, dict):
            return await self._apply(await self._edit_of(first))
        if name == "ane-lsp.fixAll" and isinstance(first, str):
            view = await self._view(first)
            document = self.session.document(first)
            if view is None or document is None:
                return False
            data = {"do": "all", "uri": first, "version": document.version}
            return await self._apply(await self._edit_of(data))
        if name == "ane-lsp.checkWorkspace":
            return await self._check_workspace(params.work_done_token)
        if name == SHOW_MODEL and isinstance(first, dict):
            return await self._show_model(first)
        if name == VERIFY and isinstance(first, dict):
            return await self.running.verify(first, params.work_done_token)
        if name == REPORT and isinstance(first, dict):
            return await self.running.report(first)
        if name == "ane-lsp.showRule" and isinstance(first, str):
            return await self.session.ask("page", first.upper())
        if name == "ane-lsp.targets":
            self._words = self._words or await self.session.ask("words")
            return [{"name": name, "about": about} for name, about in self._words.targets]
        if name == "ane-lsp.debugInfo":
            return self.debug_info()
        if name == "ane-lsp.reanalyse":
            self.session.reconsider()
            return None
        raise RequestError(lsp.ErrorCodes.InvalidParams, f"wrong arguments for {name}")

    async def _apply(self, edit: lsp.WorkspaceEdit) -> bool:
        if not self.client.apply_edit:
            raise RequestError(lsp.LSPErrorCodes.RequestFailed, "the client does not let a server change documents")
        answer = await self.protocol.ask("workspace/applyEdit", lsp.ApplyWorkspaceEditParams(edit), timeout=60.0)
        return bool(answer.applied)

    async def _show_model(self, argument: dict[str, Any]) -> str | None:
        view = await self._view(str(argument.get("uri", "")))
        model = lenses.named(view, argument) if view is not None else None
        if view is None or model is None:
            return None
        text = lenses.details(model, int(argument["index"]), await self._predicted(view))
        self.protocol.notify("window/showMessage", lsp.ShowMessageParams(lsp.MessageType.Info, text))
        return text

    async def _check_workspace(self, token: Any) -> dict[str, int]:
        """Analyse everything, with progress; cancelling the progress leaves what is done."""
        try:
            async with work_done(
                self.protocol, token, self.client.progress, "ane-lsp: checking the workspace"
            ) as report:
                await self._list_workspace()
                await self.session.settled(
                    lambda done, total: report(100 * done // max(1, total), f"{done} of {total} files")
                )
        except CancelledByUser:
            self.session.drop_waiting()
        units = [unit for unit in self.session.units.values() if unit.kind == "python" and unit.result is not None]
        found = {"files": len(units), "findings": sum(len(unit.findings()) for unit in units)}
        if not self.configured.everything:
            self.session.drop_clean()
        return found

    def cancel_progress(self, params: lsp.WorkDoneProgressCancelParams) -> None:
        if isinstance(params.token, (int, str)):
            future = self.protocol.progress.tokens.get(params.token)
            if future is not None:
                future.cancel()

    def debug_info(self) -> dict[str, Any]:
        """What a bug report needs; no source text."""
        import importlib.metadata

        def version(name: str) -> str:
            try:
                return importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                return "?"

        return {
            "version": __version__,
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "pygls": version("pygls"),
            "lsprotocol": version("lsprotocol"),
            "pid": os.getpid(),
            "engine": type(self.session.engine).__name__,
            "worker": getattr(self.session.engine, "pid", None),
            "client": {name: getattr(self.client, name) for name in Client.__dataclass_fields__},
            "folders": list(self.configured.folders.values()),
            "editor": {name: getattr(self.configured.configuration.editor, name) for name in ("diagnostic_mode", "code_lens", "debounce", "log_level")},
            "overrides": dict(self.configured.configuration.project),
            "documents": [
                {
                    "uri": unit.key, "kind": unit.kind, "open": unit.open, "fresh": unit.fresh,
                    "findings": len(unit.findings()), "seconds": unit.result.result.seconds if unit.result else None,
                    "failure": unit.failure, "digest": _digest(unit.text.text),
                }
                for unit in self.session.units.values()
            ][:200],
        }  # fmt: skip


def _digest(text: str) -> str:
    """Tells whether two ends have the same text, and nothing else about it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _changes(changes: Sequence[Any]) -> list[Change]:
    return [
        Change(change.text, (change.range.start.line, change.range.start.character), (change.range.end.line, change.range.end.character))
        if getattr(change, "range", None) is not None else Change(change.text)
        for change in changes
    ]  # fmt: skip


def _items(items: Sequence[lsp.TextDocumentItem]) -> list[tuple[str, str, int, str]]:
    return [
        (item.uri, str(getattr(item.language_id, "value", item.language_id)), item.version, item.text) for item in items
    ]


def _paths(found: Any) -> list[str]:
    return [str(path) for uri in found if (path := uris.to_path(uri))]


def _hint_mode(view: View) -> str:
    shown = view.unit.shown()
    return shown.result.inlay_hints if shown else "off"
