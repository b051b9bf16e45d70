"""What the server offers a client."""

from __future__ import annotations

from lsprotocol import types as lsp

from ane_lsp.server.client import Client
from ane_lsp.server.features import actions, completion, lenses

COMMANDS = (
    actions.APPLY_COMMAND,
    lenses.SHOW_MODEL,
    "ane-lsp.checkWorkspace",
    "ane-lsp.debugInfo",
    "ane-lsp.fixAll",
    "ane-lsp.reanalyse",
    "ane-lsp.showRule",
    "ane-lsp.targets",
)
IDENTIFIER = "ane-lsp"
NOTEBOOKS = ("jupyter-notebook", "interactive")


def server_capabilities(client: Client, workspace_diagnostics: bool) -> lsp.ServerCapabilities:
    """Capabilities for one client. workspace_diagnostics: the client's configuration wants all files analysed."""
    files = lsp.FileOperationRegistrationOptions([
        lsp.FileOperationFilter(lsp.FileOperationPattern("**/*.py"), scheme="file"),
        lsp.FileOperationFilter(lsp.FileOperationPattern("**/", matches=lsp.FileOperationPatternKind.Folder), scheme="file"),
    ])  # fmt: skip
    return lsp.ServerCapabilities(
        position_encoding=lsp.PositionEncodingKind(client.encoding),
        text_document_sync=lsp.TextDocumentSyncOptions(
            open_close=True, change=lsp.TextDocumentSyncKind.Incremental, save=lsp.SaveOptions(include_text=False)
        ),
        notebook_document_sync=lsp.NotebookDocumentSyncOptions(
            [
                lsp.NotebookDocumentFilterWithNotebook(
                    lsp.NotebookDocumentFilterNotebookType(notebook_type=kind), [lsp.NotebookCellLanguage("python")]
                )
                for kind in NOTEBOOKS
            ],
            save=False,
        ),
        diagnostic_provider=(
            lsp.DiagnosticOptions(
                inter_file_dependencies=True, workspace_diagnostics=workspace_diagnostics, identifier=IDENTIFIER
            )
            if client.pull
            else None
        ),
        code_action_provider=lsp.CodeActionOptions(list(actions.KINDS), resolve_provider=client.lazy_actions),
        hover_provider=True,
        inlay_hint_provider=lsp.InlayHintOptions(resolve_provider=client.lazy_hint_tooltips),
        code_lens_provider=lsp.CodeLensOptions(resolve_provider=False),
        document_link_provider=lsp.DocumentLinkOptions(resolve_provider=False),
        completion_provider=lsp.CompletionOptions(trigger_characters=list(completion.TRIGGERS)),
        execute_command_provider=lsp.ExecuteCommandOptions(list(COMMANDS)),
        workspace=lsp.WorkspaceOptions(
            workspace_folders=lsp.WorkspaceFoldersServerCapabilities(supported=True, change_notifications=True),
            file_operations=lsp.FileOperationOptions(did_create=files, did_rename=files, did_delete=files),
        ),
    )
