"""What the server offers a client, as plain JSON."""

from __future__ import annotations

from typing import Any

from ane_lsp.server.client import Client
from ane_lsp.server.names import ACTION_KINDS, COMMANDS, IDENTIFIER, NOTEBOOKS, TRIGGERS

_INCREMENTAL = 2


def server_capabilities(client: Client, workspace_diagnostics: bool) -> dict[str, Any]:
    """Capabilities for one client. workspace_diagnostics: the client's configuration wants all files analysed."""
    files = {
        "filters": [
            {"scheme": "file", "pattern": {"glob": "**/*.py"}},
            {"scheme": "file", "pattern": {"glob": "**/", "matches": "folder"}},
        ]
    }
    offered: dict[str, Any] = {
        "positionEncoding": client.encoding,
        "textDocumentSync": {"openClose": True, "change": _INCREMENTAL, "save": {"includeText": False}},
        "notebookDocumentSync": {
            "notebookSelector": [
                {"notebook": {"notebookType": kind}, "cells": [{"language": "python"}]} for kind in NOTEBOOKS
            ],
            "save": False,
        },
        "codeActionProvider": {"codeActionKinds": list(ACTION_KINDS), "resolveProvider": client.lazy_actions},
        "hoverProvider": True,
        "inlayHintProvider": {"resolveProvider": client.lazy_hint_tooltips},
        "codeLensProvider": {"resolveProvider": True},
        "documentLinkProvider": {"resolveProvider": False},
        "completionProvider": {"triggerCharacters": list(TRIGGERS), "resolveProvider": False},
        "executeCommandProvider": {"commands": list(COMMANDS)},
        "workspace": {
            "workspaceFolders": {"supported": True, "changeNotifications": True},
            "fileOperations": {"didCreate": files, "didRename": files, "didDelete": files},
        },
    }
    if client.pull:
        offered["diagnosticProvider"] = {
            "identifier": IDENTIFIER,
            "interFileDependencies": True,
            "workspaceDiagnostics": workspace_diagnostics,
        }
    return offered
